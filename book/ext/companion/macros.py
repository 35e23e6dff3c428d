"""The notation of the book: one file of TeX macros, for MathJax here and in JupyterLab; and formulas in sentences."""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.transforms import SphinxTransform

from companion.paths import MACROS

DEFINITION = re.compile(r"\\(?:re)?newcommand\{\\(?P<name>[A-Za-z]+)\}(?:\[(?P<arguments>\d)\])?\{(?P<body>.*)\}")
SIGN = re.compile(r"[.,;:!?)\]]+")


def parse(text: str) -> dict[str, str | list[str | int]]:
    r"""Return MathJax's form of a file of macros.

    Parameters
    ----------
    text : str
        One definition on each line.

    Raises
    ------
    ValueError
        If a line is not a definition.

    Examples
    --------
    >>> parse(r"\newcommand{\R}{\mathbb{R}}")
    {'R': '\\mathbb{R}'}
    >>> parse(r"\renewcommand{\vec}[1]{\boldsymbol{#1}}")
    {'vec': ['\\boldsymbol{#1}', 1]}
    """
    macros: dict[str, str | list[str | int]] = {}
    for line in text.splitlines():
        match = DEFINITION.fullmatch(line)
        if match is None:
            raise ValueError(f"a macro is defined on one line by \\newcommand{{\\name}}[n]{{...}}, got {line!r}")
        name, arguments, body = match.group("name", "arguments", "body")
        macros[name] = [body, int(arguments)] if arguments else body
    return macros


def configure(app: Sphinx, config: Config) -> None:
    """Give MathJax the macros, and load of it only what the pages need: no menu, no speech engine."""
    config.mathjax3_config = {
        "loader": {"load": ["core", "input/tex", "output/chtml", "a11y/assistive-mml", "[tex]/boldsymbol"]},
        "chtml": {"scale": 0.95},
        "tex": {"packages": {"[+]": ["boldsymbol"]}, "macros": parse(MACROS.read_text(encoding="utf-8"))},
    }


class Together(SphinxTransform):
    """Keep a formula and the sign after it on one line: a browser would begin a line with a full stop."""

    default_priority = 500

    def apply(self) -> None:
        for formula in list(self.document.findall(nodes.math)):
            parent, after = formula.parent, formula.next_node(siblings=True, descend=False)
            sign = SIGN.match(after) if isinstance(after, nodes.Text) else None
            if sign:
                at = parent.index(formula)
                together = nodes.inline("", "", formula.deepcopy(), nodes.Text(sign[0]), classes=["together"])
                parent[at : at + 2] = [together, nodes.Text(after[sign.end() :])]


def setup(app: Sphinx) -> None:
    app.connect("config-inited", configure)
    app.add_transform(Together)
