"""Make the students' edition of a chapter's exercises, and grade what they hand in.

    python tools/assignment.py release 02    writes exercises/release/02_linear_algebra
    python tools/assignment.py grade 02      grades exercises/submitted/STUDENT/02_linear_algebra
    python tools/assignment.py tidy 02       rewrites the source in its canonical form, after an editor has saved it

nbgrader does the work, through its converters: no server, no network. The gradebook is exercises/gradebook.db. Grading
again executes only what is new: a notebook whose bytes, source and settings are as they were keeps its marks.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import logging
import os
import re
import shutil
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.converters.base import BaseConverter
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools.notebooks import book_environment, read, write  # noqa: E402

COURSE = ROOT / "exercises"
LOG = ROOT / "_build" / "assignment.log"
CONFIG = "nbgrader_config.py"
KEPT_METADATA = ("companion", "nbgrader", "tags")  # of a cell; all else is an editor's

SOLUTION = re.compile(r"^(?P<indent> *)### BEGIN SOLUTION\n.*?^ *### END SOLUTION$", re.M | re.S)
HIDDEN = re.compile(r"^ *### BEGIN HIDDEN TESTS\n.*?^ *### END HIDDEN TESTS$\n?", re.M | re.S)
MARKERS = re.compile(r"(BEGIN|END) (SOLUTION|HIDDEN TESTS)")


class Stop(Exception):
    """Something the teacher has to mend; the message is the one sentence they see."""


@cache
def config() -> Config:
    """Return the settings in exercises/nbgrader_config.py."""
    return PyFileConfigLoader(CONFIG, str(COURSE)).load_config()


def chapter(number: str) -> str:
    """Return the name of a chapter's exercises ("02_linear_algebra") from its number ("2" or "02")."""
    sources = sorted(path.stem for path in COURSE.glob("source/*/*.ipynb") if path.stem == path.parent.name)
    found = [name for name in sources if name.startswith(f"{number:0>2}_")]
    if not found:
        there = ", ".join(name[:2] for name in sources) or "no chapter"
        raise Stop(f"there are no exercises for chapter {number}; exercises/source has {there}")
    return found[0]


def source(name: str) -> Path:
    """Return the path of the notebook with stubs, solutions and tests."""
    return COURSE / "source" / name / f"{name}.ipynb"


def canonical(notebook: NotebookNode) -> str:
    """Return the one text that stands for a notebook of exercises: never executed, without an editor's metadata."""
    cells = []
    for cell in notebook.cells:
        kept = {key: cell.metadata[key] for key in KEPT_METADATA if cell.metadata.get(key)}
        plain = {"cell_type": cell.cell_type, "id": cell.id, "metadata": kept, "source": cell.source.rstrip("\n")}
        cells.append(plain | ({"execution_count": None, "outputs": []} if cell.cell_type == "code" else {}))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    about = {"kernelspec": kernel, "language_info": {"name": "python"}}
    whole = {"cells": cells, "metadata": about, "nbformat": 4, "nbformat_minor": 5}
    return nbformat.writes(nbformat.from_dict(whole)).rstrip("\n") + "\n"


def tidy(name: str) -> None:
    """Rewrite the source of a chapter's exercises in its canonical form."""
    changed = write(source(name), canonical(read(source(name))))
    print(f"exercises/source/{name}: {'rewritten' if changed else 'no change'}")


# --- nbgrader -------------------------------------------------------------------------------------------------


def convert(kind: type[BaseConverter], name: str, student: str = "*") -> None:
    """Run one of nbgrader's converters, replacing what an earlier run has made."""
    place = CourseDirectory(config=config(), assignment_id=name, student_id=student)
    converter = kind(coursedir=place, config=config(), force=True)
    with _log_of(converter), warnings.catch_warnings(action="ignore"):  # nbgrader's own, about its database
        converter.start()


@contextmanager
def _log_of(converter: BaseConverter) -> Iterator[None]:
    LOG.parent.mkdir(exist_ok=True)
    handler = logging.FileHandler(LOG, encoding="utf-8")
    handler.setFormatter(logging.Formatter("[%(levelname)s] %(message)s"))
    converter.log.addHandler(handler)
    propagate, converter.log.propagate = converter.log.propagate, False
    try:
        yield
    finally:
        converter.log.propagate = propagate
        converter.log.removeHandler(handler)
        handler.close()


def gradebook() -> Gradebook:
    """Open exercises/gradebook.db."""
    place = CourseDirectory(config=config())
    return Gradebook(place.db_url, place.course_id)


# --- the students' edition ------------------------------------------------------------------------------------


def students_source(text: str) -> str:
    """Return what students may see of a cell: the stub in the place of the solution, and no hidden test.

    Examples
    --------
    >>> print(students_source("x = 1\\n### BEGIN HIDDEN TESTS\\nassert x == 1\\n### END HIDDEN TESTS"))
    x = 1
    """
    stub = config().ClearSolutions.code_stub["python"].splitlines()
    text = SOLUTION.sub(lambda match: "\n".join(match["indent"] + line for line in stub), text)
    return HIDDEN.sub("", text).rstrip("\n")


def release(name: str) -> None:
    """Write the students' edition of a chapter into exercises/release, and make sure that it gives nothing away."""
    place = COURSE / "release" / name
    _register(name)
    try:
        verify(place, read(source(name)))
    except Stop:
        shutil.rmtree(place)
        raise
    marks = points(name)
    print(
        f"The students' edition is exercises/release/{name}: {len(marks)} exercises, {sum(marks.values()):g} points; "
        "it holds no solution and no hidden test."
    )


def _register(name: str) -> None:
    """Let nbgrader read the source: it learns the tests and their points, and writes the students' edition."""
    try:
        convert(GenerateAssignment, name)
    except Exception as error:
        raise Stop(f"nbgrader cannot use exercises/source/{name}: {reason(error)}") from error


def verify(place: Path, original: NotebookNode) -> None:
    """Raise Stop unless a released folder holds the students' edition of a notebook and nothing else.

    The comparison does not use nbgrader: every cell is worked out again from the source, and markers are looked for.
    """
    files = sorted(path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file())
    if files != [f"{place.name}.ipynb"]:
        raise Stop(f"students should get {place.name}.ipynb alone, but would get {', '.join(files)}")
    released = read(place / files[0]).cells
    if len(released) != len(original.cells):
        raise Stop(f"the students' edition has {len(released)} cells instead of {len(original.cells)}")
    for cell, whole in zip(released, original.cells, strict=True):
        if MARKERS.search(json.dumps(cell)):
            raise Stop(f"cell {whole.id} of the students' edition would still hold a solution or a hidden test")
        if cell.source.rstrip("\n") != students_source(whole.source) or cell.get("outputs"):
            raise Stop(f"cell {whole.id} of the students' edition would not be what its source lets students see")


# --- grading --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """What became of one student's notebook: marks per exercise, or a note that says why there are none."""

    student: str
    marks: dict[str, float] = field(default_factory=dict)
    note: str = ""

    @property
    def total(self) -> float:
        return sum(self.marks.values())


def points(name: str) -> dict[str, float]:
    """Return exercise -> points; the tests of an exercise are named after it: "angles-visible", "angles-hidden"."""
    most: dict[str, float] = {}
    for cell in read(source(name)).cells:
        about = cell.metadata.get("nbgrader", {})
        if about.get("grade"):
            exercise = about["grade_id"].rpartition("-")[0]
            most[exercise] = most.get(exercise, 0) + about["points"]
    return most


def grade(name: str) -> int:
    """Grade everything handed in for a chapter; return how many notebooks could not be graded."""
    students = sorted(path.parent.name for path in COURSE.glob(f"submitted/*/{name}") if path.is_dir())
    if not students:
        raise Stop(f"nothing was handed in: no folder exercises/submitted/STUDENT/{name}")
    os.environ.update(book_environment())  # the kernels inherit it
    os.environ["PYTHONWARNINGS"] = "ignore"  # nbgrader would take a warning for a failed test
    _register(name)
    results = []
    for count, student in enumerate(students, start=1):
        show(f"{count}/{len(students)} {student} ...")
        result = graded(name, student)
        results.append(result)
        show(f"{count}/{len(students)} {student}: {result.note or f'{result.total:g} points'}", last=True)
    marks = COURSE / "grades" / f"{name}.csv"
    marks.parent.mkdir(exist_ok=True)
    write(marks, table(points(name), results))
    print(f"Marks are in exercises/grades/{name}.csv, feedback in exercises/feedback/STUDENT/{name}/{name}.html.")
    failed = [result.student for result in results if not result.marks]
    if failed:
        print(f"failed: no marks for {', '.join(failed)}; exercises/grades/{name}.csv says why", file=sys.stderr)
    return len(failed)


def graded(name: str, student: str) -> Result:
    """Grade one student's notebook and write the feedback; a notebook that is as it was keeps its marks."""
    notebook = COURSE / "submitted" / student / name / f"{name}.ipynb"
    stamp = COURSE / "autograded" / student / f".{name}.stamp"
    feedback = COURSE / "feedback" / student / name / f"{name}.html"
    if note := complaint(notebook):
        return Result(student, note=note)
    wanted = _digest(source(name), COURSE / CONFIG, notebook)
    if feedback.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        with gradebook() as book:
            if marks := recorded(book, name, student):
                return Result(student, marks)
    stamp.unlink(missing_ok=True)
    try:
        convert(Autograde, name, student)
        convert(GenerateFeedback, name, student)
    except Exception as error:
        return Result(student, note=f"nbgrader cannot grade it: {reason(error)}")
    write(feedback, offline(feedback.read_text(encoding="utf-8")))
    stamp.write_text(wanted, encoding="utf-8")
    with gradebook() as book:
        return Result(student, recorded(book, name, student))


def complaint(notebook: Path) -> str:
    """Say what is wrong with a file that was handed in; empty when nbgrader can be given it."""
    if not notebook.exists():
        others = sorted(path.name for path in notebook.parent.glob("*.ipynb"))
        return f"no {notebook.name}, only {', '.join(others)}" if others else f"no {notebook.name}"
    try:
        cells = nbformat.read(notebook, as_version=4).cells
    except Exception as error:  # whatever a student's file can raise
        return f"not a notebook: {reason(error)}"
    if not any(cell.metadata.get("nbgrader", {}).get("solution") for cell in cells):
        return "not made from the students' edition: it has no cell for an answer"
    return ""


def recorded(book: Gradebook, name: str, student: str) -> dict[str, float]:
    """Return the marks per exercise that the gradebook has; a mark changed by hand counts."""
    try:
        (notebook,) = book.find_submission(name, student).notebooks
    except MissingEntry:
        return {}
    marks = dict.fromkeys(points(name), 0.0)
    for one in notebook.grades:
        marks[one.name.rpartition("-")[0]] += one.score
    return marks


def table(most: dict[str, float], results: Sequence[Result]) -> str:
    """Return the marks as CSV: a row per student, a column per exercise.

    Examples
    --------
    >>> print(table({"sums": 4}, [Result("ada", {"sums": 3.0}), Result("bob", note="no 02.ipynb")]).strip())
    student,sums,total,out of,note
    ada,3,3,4,
    bob,,,4,no 02.ipynb
    """
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["student", *most, "total", "out of", "note"])
    for result in results:
        marks = [f"{result.marks[exercise]:g}" if result.marks else "" for exercise in most]
        total = f"{result.total:g}" if result.marks else ""
        rows.writerow([result.student, *marks, total, f"{sum(most.values()):g}", result.note])
    return text.getvalue()


def offline(page: str) -> str:
    """Return a page of feedback that names the tests in its list, without scripts, which would ask another host.

    Examples
    --------
    >>> offline('<script src="https://x.org/a.js"></script><a href="#angles-hidden">Test cell</a>')
    '<a href="#angles-hidden">angles-hidden</a>'
    """
    page = re.sub(r"<script\b.*?</script>", "", page, flags=re.S)
    return re.sub(r'(<a href="#([\w-]+)">)Test cell', r"\1\2", page)


def reason(error: BaseException) -> str:
    """Return the last thing that an error or nbgrader's log said, on one line."""
    said = str(error)
    if "above" in said and LOG.exists():  # "see the above traceback"
        lines = re.findall(r"^(?:\w+\.)*(\w+(?:Error|Exception|Entry)\b.*)$", LOG.read_text(encoding="utf-8"), re.M)
        said = lines[-1] if lines else said
    return f"{' '.join(said.split())[:200]} (log: {LOG.relative_to(ROOT)})"


def _digest(*files: Path) -> str:
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def show(line: str, last: bool = False) -> None:
    """Print a line of progress over the one before it; into a file, only the last."""
    if sys.stdout.isatty():
        print(f"\r\033[K{line}", end="\n" if last else "", flush=True)
    elif last:
        print(line, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return 0 when all is done and every notebook has its marks."""
    parser = argparse.ArgumentParser(description="Make and grade assignments.")
    parser.add_argument("what", choices=("release", "grade", "tidy"))
    parser.add_argument("chapter", metavar="NN", help="number of the chapter")
    options = parser.parse_args(arguments)
    programs = str(Path(sys.executable).parent)
    os.environ["PATH"] = os.pathsep.join([programs, os.environ.get("PATH", "")])  # nbgrader starts one by its name
    try:
        LOG.unlink(missing_ok=True)
        name = chapter(options.chapter)
        return int(bool({"release": release, "grade": grade, "tidy": tidy}[options.what](name)))
    except Stop as stop:
        print("\n" * sys.stdout.isatty() + f"Stopped: {stop}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted: marks given so far are kept; run the command again.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
