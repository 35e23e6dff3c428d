"""The notation of the book: one file of TeX macros, for MathJax here and in JupyterLab."""

from __future__ import annotations

import re

from sphinx.application import Sphinx
from sphinx.config import Config

from companion.paths import MACROS

DEFINITION = re.compile(r"\\(?:re)?newcommand\{\\(?P<name>[A-Za-z]+)\}(?:\[(?P<arguments>\d)\])?\{(?P<body>.*)\}")


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


def setup(app: Sphinx) -> None:
    app.connect("config-inited", configure)
