"""What a page of the theme needs so that it loads fast, keeps still while it loads, and asks no other host."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path

import imagesize
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.display import progress_message

from companion import slim

IMAGE = re.compile(r'<img (?P<attributes>[^>]*?src="[^"]*?_images/(?P<name>[^"/]+)"[^>]*?)\s*/?>')
MATHJAX = (
    "startup.js",
    "core.js",
    "input/tex.js",
    "input/tex/extensions/*.js",  # fetched one by one, when a formula asks for what is in it
    "output/chtml.js",
    "output/chtml/fonts/tex.js",
    "output/chtml/fonts/woff-v2/*.woff",
    "a11y/assistive-mml.js",
)


CITATION_ROLE = re.compile(r' role="(?:list|doc-biblioentry)"(?= |>)')


def mend_page(
    app: Sphinx, page: str, template: str, context: dict[str, object], document: nodes.document | None
) -> None:
    """Give each image its size, so that the text does not jump, and load it when the reader comes near it.

    A list of citations loses the roles that docutils gives it: one is deprecated, the other wants other children.
    """
    if document is None:
        return
    paths = {name: Path(app.srcdir, path) for path, name in app.builder.images.items()}

    def sized(match: re.Match[str]) -> str:
        attributes = match["attributes"]
        if match["name"] in paths and 'loading="' not in attributes:
            width, height = imagesize.get(paths[match["name"]])
            attributes = f'loading="lazy" width="{width}" height="{height}" {attributes}'
        return f"<img {attributes}>"

    context["body"] = CITATION_ROLE.sub("", IMAGE.sub(sized, str(context["body"])))


def copy_mathjax(site: Path) -> None:
    """Copy the parts of MathJax that our pages load (of the 15 MB that the wheel brings) and its fonts."""
    package = importlib.util.find_spec("sphinx-mathjax-offline")
    assert package is not None and package.origin is not None
    source = Path(package.origin).parent / "static" / "mathjax"
    target = site / "_static" / "mathjax"
    for part in (path.relative_to(source) for pattern in MATHJAX for path in source.glob(pattern)):
        (target / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / part, target / part)


def finish(app: Sphinx, error: Exception | None) -> None:
    """Complete the site once all pages are written."""
    if error is None:
        with progress_message("copying MathJax"):
            copy_mathjax(Path(app.outdir))
        with progress_message("taking out of the theme what no page uses"):
            slim.slim(Path(app.outdir))


def setup(app: Sphinx) -> None:
    app.connect("html-page-context", mend_page)
    app.connect("build-finished", finish)
