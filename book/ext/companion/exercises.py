"""The exercises of a chapter as a page: every task with its hint, and some of the solutions, folded."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dlcore.display import Chapter

SOLUTION = re.compile(r"^(?P<indent> *)### BEGIN SOLUTION\n(?P<code>.*?)^ *### END SOLUTION\n?", re.M | re.S)
HIDDEN = re.compile(r"^ *### BEGIN HIDDEN TESTS\n.*?^ *### END HIDDEN TESTS\n?", re.M | re.S)
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
        Markdown without a hidden test, and without a solution unless its cell says ``"companion":
        {"show_solution": true}`` in its metadata.
    """
    cells = json.loads(source.read_text(encoding="utf-8"))["cells"]
    return "\n\n".join([f"(exercises-{chapter.number:02d})=", *(part for cell in cells for part in _cell(cell))]) + "\n"


def _cell(cell: dict[str, Any]) -> Iterator[str]:
    source = "".join(cell["source"]).strip("\n") + "\n"
    about = cell["metadata"]
    if "macros" in about.get("tags", []):
        return
    if cell["cell_type"] == "markdown":
        yield source
        return
    if not about.get("nbgrader", {}).get("grade", False) and not SOLUTION.search(source):
        yield _python(source)
        return
    task = SOLUTION.sub(lambda match: STUB.format(indent=match["indent"]), HIDDEN.sub("", source))
    if task.strip():
        yield _python(task)
    if SOLUTION.search(source) and about.get("companion", {}).get("show_solution", False):
        whole = HIDDEN.sub("", SOLUTION.sub(lambda match: match["code"], source))
        yield f"<details><summary>Solution</summary>\n\n{_python(whole)}\n\n</details>"


def _python(code: str) -> str:
    return f"```python\n{code.rstrip()}\n```"
