"""Source code shown at the point where the text explains it."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable
from typing import Any

from IPython.display import display

_WIDTH = 88  # characters of a line of code that fit on a page


def show(*objects: Callable[..., Any]) -> None:
    """Display the source of functions and classes.

    Of each docstring only the summary is shown; the rest stands on the page of the API.

    Parameters
    ----------
    *objects : functions or classes
        What to show, in this order.

    Raises
    ------
    TypeError
        If an object was not written in Python.

    Examples
    --------
    >>> from dlcore.display import check
    >>> show(check)  # doctest: +ELLIPSIS
    {'text/plain': '# dlcore.display.checks.check\\ndef check(claim...
    """
    plain, markdown = [], []
    for thing in objects:
        name = f"{thing.__module__}.{thing.__qualname__}"
        code = summarized(textwrap.dedent(inspect.getsource(thing))).rstrip()
        plain.append(f"# {name}\n{code}")
        markdown.append(f"**`{name}`**\n\n```python\n{code}\n```")
    display({"text/plain": "\n\n".join(plain), "text/markdown": "\n\n".join(markdown)}, raw=True)


def summarized(code: str) -> str:
    """Return Python code with each docstring cut down to its first paragraph; only long lines of it are wrapped."""
    lines = code.split("\n")
    documented = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    nodes = [node for node in ast.walk(ast.parse(code)) if isinstance(node, documented) and ast.get_docstring(node)]
    for node in sorted(nodes, key=lambda node: node.lineno, reverse=True):
        first, last = node.body[0].lineno - 1, (node.body[0].end_lineno or 0)
        docstring = re.fullmatch(r'(\s*[rR]?""")(.*)"""', "\n".join(lines[first:last]), re.DOTALL)
        if docstring:
            summary = re.split(r"\n\s*\n", docstring[2].strip(), maxsplit=1)[0]
            lines[first:last] = [
                part
                for line in f'{docstring[1]}{summary}"""'.split("\n")
                for part in textwrap.wrap(
                    line, _WIDTH, subsequent_indent=" " * node.body[0].col_offset, break_on_hyphens=False
                )
            ]
    return "\n".join(lines)
