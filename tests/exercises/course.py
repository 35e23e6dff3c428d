"""Reads the exercises out of their source notebooks and runs their cells, without a kernel."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from tools.notebooks import read

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "exercises" / "source").glob("*/*.ipynb"))
MACROS = ROOT / "book" / "macros.tex"
WRONG_ANSWERS = Path(__file__).with_name("wrong_answers")

SOLUTION = re.compile(r"^( *)### BEGIN SOLUTION\n.*?^ *### END SOLUTION$", re.M | re.S)
HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS\n(.*?)\n### END HIDDEN TESTS", re.S)


def kind(cell: NotebookNode) -> str:
    """Return what a cell is for: "text", "setup", "answer", "visible" tests or "hidden" tests."""
    about = cell.metadata.get("nbgrader", {})
    if cell.cell_type == "markdown":
        return "text"
    if about.get("solution"):
        return "answer"
    if about.get("grade"):
        return "hidden" if HIDDEN.search(cell.source) else "visible"
    return "setup"


@dataclass
class Exercise:
    """One exercise: its text, its answer cell, its tests, and the cells that prepare data."""

    chapter: str
    start: list[NotebookNode]  # cells before the first exercise
    cells: list[NotebookNode] = field(default_factory=list)

    @cached_property
    def name(self) -> str:
        (answer,) = self.of_kind("answer")
        return str(answer.metadata.nbgrader.grade_id)

    def of_kind(self, wanted: str) -> list[NotebookNode]:
        return [cell for cell in self.cells if kind(cell) == wanted]

    @property
    def text(self) -> str:
        return "\n".join(cell.source for cell in self.of_kind("text"))

    @property
    def points(self) -> int:
        return sum(cell.metadata.nbgrader.get("points", 0) for cell in self.cells if cell.metadata.get("nbgrader"))

    @property
    def reference(self) -> str:
        (answer,) = self.of_kind("answer")
        return str(answer.source)

    @property
    def stub(self) -> str:
        """What students find in the place of the solution."""
        return SOLUTION.sub(r"\1# your code here\n\1raise NotImplementedError", self.reference)

    def failures(self, answer: str) -> dict[str, Exception]:
        """Run the exercise with an answer as a kernel would; return what its "visible" and "hidden" tests raised."""
        names: dict[str, Any] = {"__name__": "__main__"}
        raised: dict[str, Exception] = {}
        for cell in [*self.start, *self.cells]:
            if (what := kind(cell)) == "text":
                continue
            try:
                with warnings.catch_warnings(action="ignore"):  # a warning is not an error in a student's notebook
                    exec(compile(answer if what == "answer" else cell.source, what, "exec"), names)
            except Exception as error:
                raised[what] = error
        return {what: error for what, error in raised.items() if what in ("visible", "hidden")}


@dataclass(frozen=True)
class WrongAnswer:
    """A plausible mistake: a file that says in its docstring what is wrong, followed by the answer."""

    path: Path

    @property
    def exercise(self) -> str:
        return self.path.stem.partition("__")[0]

    @property
    def code(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def mistake(self) -> str:
        return ast.get_docstring(ast.parse(self.code)) or ""


def exercises(source: Path) -> list[Exercise]:
    """Return the exercises of a source notebook; each begins with a heading of level 2."""
    found: list[Exercise] = []
    start: list[NotebookNode] = []
    for cell in read(source).cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            found.append(Exercise(source.stem, start))
        (found[-1].cells if found else start).append(cell)
    return found


def wrong_answers(source: Path) -> Iterator[WrongAnswer]:
    """Yield the wrong answers to the exercises of a source notebook."""
    yield from (WrongAnswer(path) for path in sorted((WRONG_ANSWERS / source.stem).glob("*.py")))
