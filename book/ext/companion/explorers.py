"""Explorers on the site: their pictures as files, and a directive that shows one on another page."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from companion.paths import NOTEBOOKS, ROOT

PICTURE = re.compile(r'<img src="data:image/(?P<format>\w+);base64,(?P<data>[^"]+)"')
NAME = re.compile(r'<figure class="explorer" id="explore-(?P<name>\w+)"')


@cache
def committed() -> dict[str, tuple[Path, str]]:
    """Return the name of every explorer of the book -> (its notebook, its HTML), from the committed outputs."""
    found = {}
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                html = "".join(output.get("data", {}).get("text/html", ""))
                if match := NAME.search(html):
                    found[match["name"]] = (path, html)
    return found


class Explorer(SphinxDirective):
    """Show an explorer that belongs to a chapter: ``{explorer} svd_rank``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        if name not in committed():
            raise self.error(f"no notebook in {NOTEBOOKS.relative_to(ROOT)}/ shows an explorer called {name!r}")
        path, html = committed()[name]
        self.env.note_dependency(path)
        return [nodes.raw("", html, format="html")]


def move_pictures_to_files(app: Sphinx, document: nodes.document) -> None:
    """Write the picture inside each explorer to a file that the browser loads when the reader comes near it."""
    to_root = "../" * app.env.docname.count("/")

    def write(match: re.Match[str]) -> str:
        data = base64.b64decode(match["data"])
        path = Path(app.outdir, "_images", f"{hashlib.sha256(data).hexdigest()[:16]}.{match['format']}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return f'<img loading="lazy" src="{to_root}_images/{path.name}"'

    for raw in document.findall(nodes.raw):
        if 'class="explorer"' in raw.astext():
            raw.rawsource = PICTURE.sub(write, raw.astext())
            raw[:] = [nodes.Text(raw.rawsource)]


def setup(app: Sphinx) -> None:
    app.add_directive("explorer", Explorer)
    app.connect("doctree-read", move_pictures_to_files)
