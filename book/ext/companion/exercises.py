"""The exercises of a chapter as a page: every task with its hint, and some of the solutions, folded."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dlcore.display import Chapter

SOLUTION = re.compile(r"^(?P<indent> *)### BEGIN SOLUTION\n(?P<code>.*?)^ *### END SOLUTION$\n?", re.M | re.S)
HIDDEN = re.compile(r"^ *### BEGIN HIDDEN TESTS\n.*?^ *### END HIDDEN TESTS$\n?", re.M | re.S)
STUB = "{indent}# your code here\n{indent}raise NotImplementedError\n"


def page(chapter: Chapter, source: Path) -> str:
    """Return the page of a chapter's exercises.

    Parameters
    ----------
    chapter : Chapter
    source : Path
        The nbgrader notebook with stubs, solutions and tests.

    Returns
    -------
    str
        Markdown with the tests folded, without a hidden test, and without a solution unless its cell says
        ``"companion": {"show_solution": true}`` in its metadata.
    """
    cells = json.loads(source.read_text(encoding="utf-8"))["cells"]
    title, *parts = [part for cell in cells for part in _cell(cell)]
    return "\n\n".join([f"(exercises-{chapter.number:02d})=", title, _invitation(chapter), *parts]) + "\n"


def _invitation(chapter: Chapter) -> str:
    return (
        f"To work on them, run `make assignment CH={chapter.number:02d}`: it writes a notebook with stubs and tests, "
        f"`exercises/release/{chapter.stem}/{chapter.stem}.ipynb`, which `make lab` opens. Half of the solutions "
        "are on this page, folded."
    )


def _cell(cell: dict[str, Any]) -> Iterator[str]:
    source = "".join(cell["source"]).strip("\n")
    about = cell["metadata"]
    if "macros" in about.get("tags", []):
        return
    if cell["cell_type"] == "markdown":
        yield source
    elif about.get("nbgrader", {}).get("grade", False):
        tests = HIDDEN.sub("", source)
        if any(line and not line.startswith("#") for line in tests.splitlines()):
            yield _folded("Tests", tests)
    else:
        yield _python(SOLUTION.sub(lambda match: STUB.format(indent=match["indent"]), source))
        if SOLUTION.search(source) and about.get("companion", {}).get("show_solution", False):
            yield _folded("Solution", SOLUTION.sub(lambda match: match["code"], source))


def _folded(summary: str, code: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{_python(code)}\n\n</details>"


def _python(code: str) -> str:
    return f"```python\n{code.rstrip()}\n```"
