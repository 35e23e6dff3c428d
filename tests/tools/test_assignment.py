"""From the source to the marks: what students get, what they may hand in, and what the teacher reads afterwards."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import sys
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.api import Gradebook

from tests.exercises.course import Exercise, exercises, kind, wrong_answers
from tools import assignment
from tools.assignment import Stop, chapter, complaint, students_source, verify

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def empty_gradebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gradebook without entries, because nbgrader takes seconds to make one."""
    path = tmp_path_factory.mktemp("gradebook") / "gradebook.db"
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings(action="ignore"):
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        Gradebook(f"sqlite:///{path}").close()
    return path


@dataclass
class Done:
    """What a run of the program has said."""

    returncode: int
    stdout: str
    stderr: str


class Course:
    """The settings and a gradebook in a folder of its own, and a place for a source notebook."""

    def __init__(self, root: Path, name: str, gradebook: Path) -> None:
        self.root, self.name = root, name
        (root / "exercises").mkdir()
        shutil.copyfile(ROOT / "exercises" / "nbgrader_config.py", root / "exercises" / "nbgrader_config.py")
        shutil.copyfile(gradebook, root / "exercises" / "gradebook.db")

    @property
    def source(self) -> Path:
        return self.root / "exercises" / "source" / self.name / f"{self.name}.ipynb"

    def run(self, what: str) -> Done:
        """Run the program in this process, which spares it a long import, on this course instead of the project's."""
        out, err, environment = io.StringIO(), io.StringIO(), dict(os.environ)
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name, path in {"ROOT": "", "COURSE": "exercises", "LOG": "_build/assignment.log"}.items():
                patch.setattr(assignment, name, self.root / path)
            assignment.config.cache_clear()
            try:
                code = assignment.main([what, self.name[:2]])
            finally:
                assignment.config.cache_clear()
                os.environ.clear()
                os.environ.update(environment)
        return Done(code, out.getvalue(), err.getvalue())

    def folder(self, kind: str, student: str = "") -> Path:
        return self.root / "exercises" / kind / student / self.name

    def hand_in(self, student: str, change: Callable[[NotebookNode], None] = lambda notebook: None) -> None:
        notebook = nbformat.read(self.folder("release") / f"{self.name}.ipynb", as_version=4)
        change(notebook)
        self.folder("submitted", student).mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, self.folder("submitted", student) / f"{self.name}.ipynb")

    def rows(self) -> dict[str, dict[str, str]]:
        with open(self.root / "exercises" / "grades" / f"{self.name}.csv", encoding="utf-8") as file:
            return {row["student"]: row for row in csv.DictReader(file)}

    def feedback(self, student: str) -> str:
        return (self.folder("feedback", student) / f"{self.name}.html").read_text(encoding="utf-8")


# --- chapter 2, from end to end -------------------------------------------------------------------------------


def test_chapter_2_from_the_source_to_the_marks(tmp_path: Path, empty_gradebook: Path) -> None:
    """One test, because it is the longest: three students get it, one perfect, one idle and one often wrong."""
    course = Course(tmp_path, "02_linear_algebra", empty_gradebook)
    shutil.copytree(ROOT / "exercises" / "source" / course.name, course.source.parent)
    released = course.run("release")
    assert (released.returncode, released.stderr) == (0, "")
    assert "8 exercises, 40 points; it holds no solution and no hidden test." in released.stdout
    nothing_is_given_away(course)

    references = {exercise.name: exercise.reference for exercise in exercises(course.source)}
    mistakes = {answer.exercise: answer.code for answer in wrong_answers(course.source)}
    mistakes |= {easy: references[easy] for easy in ("shapes", "solutions")}
    course.hand_in("ada", answered(references))
    course.hand_in("ben")
    course.hand_in("cleo", answered(mistakes))
    graded = course.run("grade")
    assert (graded.returncode, graded.stderr) == (0, "")
    assert "3/3 cleo: 20 points\n" in graded.stdout
    assert (tmp_path / "exercises" / "grades" / "02_linear_algebra.csv").read_text(encoding="utf-8") == (
        "student,shapes,elimination,solutions,angles,pagerank,denoise,induction,eigenfaces,total,out of,note\n"
        "ada,4,5,4,5,5,5,7,5,40,40,\n"
        "ben,0,0,0,0,0,0,0,0,0,40,\n"
        "cleo,4,2,4,2,2,2,2,2,20,40,\n"
    )
    feedback_says_why({student: course.feedback(student) for student in ("ada", "ben", "cleo")})


def answered(answers: dict[str, str]) -> Callable[[NotebookNode], None]:
    def change(notebook: NotebookNode) -> None:
        for cell in notebook.cells:
            if kind(cell) == "answer":
                cell.source = answers[cell.metadata.nbgrader.grade_id]

    return change


def nothing_is_given_away(course: Course) -> None:
    assert [path.name for path in course.folder("release").iterdir()] == ["02_linear_algebra.ipynb"]
    text = (course.folder("release") / "02_linear_algebra.ipynb").read_text(encoding="utf-8")
    released = {line for cell in json.loads(text)["cells"] for line in "".join(cell["source"]).splitlines()}
    for exercise in exercises(course.source):
        assert len(secrets(exercise)) > 5
        assert released.isdisjoint(secrets(exercise)), exercise.name
    assert "BEGIN" not in text and text.count("raise NotImplementedError") == 8


def secrets(exercise: Exercise) -> list[str]:
    """Return the lines of solution and hidden tests that stand nowhere else in the exercise; brackets tell nothing."""
    whole = [line for cell in exercise.cells for line in cell.source.splitlines()]
    public = [line for cell in exercise.cells for line in students_source(cell.source).splitlines()]
    return [line for line in whole if line.strip(" (){}[]:,") and line not in public and "###" not in line]


def feedback_says_why(pages: dict[str, str]) -> None:
    error = "Traceback (most recent call last)"
    assert "(Score: 40.0 / 40.0)" in pages["ada"] and error not in pages["ada"]
    assert "(Score: 0.0 / 40.0)" in pages["ben"] and error in pages["ben"]
    assert "(Score: 20.0 / 40.0)" in pages["cleo"]
    assert "the photograph of coins has shape (303, 384), what came back has (512, 512)" in pages["cleo"]
    for page in pages.values():
        assert "<script" not in page and "newcommand" not in page
        assert '<a href="#angles-hidden">angles-hidden</a>' in page


# --- what students hand in ------------------------------------------------------------------------------------


def tiny_source() -> NotebookNode:
    """An exercise that takes no time: double a number."""

    def about(grade_id: str, **fields: object) -> dict[str, object]:
        basis = {"grade": False, "locked": False, "solution": False, "task": False, "schema_version": 3}
        return {"nbgrader": basis | {"grade_id": grade_id} | fields}

    answer = "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"
    visible = "assert double(1) == 2"
    hidden = "# More tests\n### BEGIN HIDDEN TESTS\nassert double(3) == 6, 'three'\n### END HIDDEN TESTS"
    cells = [
        new_markdown_cell("# Doubling", id="title"),
        new_code_cell(answer, id="double", metadata=about("double", solution=True)),
        new_code_cell(visible, id="v", metadata=about("double-visible", grade=True, locked=True, points=1)),
        new_code_cell(hidden, id="h", metadata=about("double-hidden", grade=True, locked=True, points=2)),
    ]
    return new_notebook(cells=cells)


@pytest.fixture
def tiny(tmp_path: Path, empty_gradebook: Path) -> Course:
    course = Course(tmp_path, "01_tiny", empty_gradebook)
    course.source.parent.mkdir(parents=True)
    nbformat.write(tiny_source(), course.source)
    with open(tmp_path / "exercises" / "nbgrader_config.py", "a", encoding="utf-8") as settings:
        settings.write("c.Execute.timeout = 4\n")
    return course


RIGHT = "def double(x):\n    return x + x"
LUCKY = "def double(x):\n    return x + 1"


def with_answer(code: str) -> Callable[[NotebookNode], None]:
    return answered({"double": code})


def without_hidden_test(notebook: NotebookNode) -> None:
    with_answer(LUCKY)(notebook)
    del notebook.cells[3]


def with_forged_test(notebook: NotebookNode) -> None:
    with_answer(LUCKY)(notebook)
    notebook.cells[2].source = "pass"
    notebook.cells[3].source = "pass"
    notebook.cells[3].metadata.nbgrader.points = 100


def test_whatever_is_handed_in_the_others_get_their_marks(tiny: Course) -> None:
    tiny.run("release")
    tiny.hand_in("anna", with_answer(RIGHT))
    tiny.hand_in("bert", without_hidden_test)
    tiny.hand_in("carl", with_forged_test)
    tiny.hand_in("dora", with_answer("while True: pass"))
    tiny.hand_in("emil", with_answer("import os\nos._exit(1)"))
    tiny.hand_in("fred")
    (tiny.folder("submitted", "fred") / "01_tiny.ipynb").write_text('{"cells": [')
    tiny.hand_in("gina")
    (tiny.folder("submitted", "gina") / "01_tiny.ipynb").rename(tiny.folder("submitted", "gina") / "mine (1).ipynb")
    tiny.folder("submitted", "hugo").mkdir(parents=True)
    tiny.hand_in("ida", lambda notebook: notebook.cells.clear())

    graded = tiny.run("grade")
    assert graded.returncode == 1
    assert graded.stderr == (
        "failed: no marks for emil, fred, gina, hugo, ida; exercises/grades/01_tiny.csv says why\n"
    )
    rows = tiny.rows()
    assert {name: row["total"] for name, row in rows.items() if row["total"]} == {
        "anna": "3", "bert": "1", "carl": "1", "dora": "0"
    }  # fmt: skip
    notes = {name: row["note"] for name, row in rows.items() if row["note"]}
    assert notes["emil"].startswith("nbgrader cannot grade it: ") and "Kernel died" in notes["emil"]
    assert notes["fred"].startswith("not a notebook: ")
    assert notes["gina"] == "no 01_tiny.ipynb, only mine (1).ipynb"
    assert notes["hugo"] == "no 01_tiny.ipynb"
    assert notes["ida"] == "not made from the students' edition: it has no cell for an answer"
    assert len(notes) == 5


def test_grading_again_executes_what_is_new_and_no_more(tiny: Course) -> None:
    tiny.run("release")
    tiny.hand_in("anna", with_answer(RIGHT))
    tiny.hand_in("bert", with_answer(LUCKY))
    assert tiny.run("grade").returncode == 0
    executed = tiny.folder("autograded", "anna") / "01_tiny.ipynb"
    before = executed.stat().st_mtime_ns

    with Gradebook(f"sqlite:///{tiny.root}/exercises/gradebook.db", "deep_learning_executed") as book:
        book.find_grade("double-hidden", "01_tiny", "01_tiny", "anna").manual_score = 1.5  # by hand
        book.db.commit()
    tiny.hand_in("bert", with_answer(RIGHT))  # handed in again
    assert tiny.run("grade").returncode == 0
    assert {name: row["total"] for name, row in tiny.rows().items()} == {"anna": "2.5", "bert": "3"}
    assert executed.stat().st_mtime_ns == before

    text = tiny.source.read_text(encoding="utf-8")  # a test is mended late
    tiny.source.write_text(text.replace("assert double(3) == 6, 'three'", "assert double(3) == 7, 'new'"))
    assert tiny.run("grade").returncode == 0
    assert {name: row["total"] for name, row in tiny.rows().items()} == {"anna": "2.5", "bert": "1"}
    assert "new" in tiny.feedback("bert")


# --- what cannot be done is one sentence ----------------------------------------------------------------------


def test_a_chapter_without_exercises_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert assignment.main(["release", "99"]) == 1
    assert capsys.readouterr().err == "Stopped: there are no exercises for chapter 99; exercises/source has 02.\n"
    assert chapter("2") == chapter("02") == "02_linear_algebra"


def test_nothing_handed_in_is_one_sentence(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
                                           tmp_path: Path) -> None:  # fmt: skip
    shutil.copytree(ROOT / "exercises" / "source", tmp_path / "source")
    monkeypatch.setattr(assignment, "COURSE", tmp_path)
    assert assignment.main(["grade", "02"]) == 1
    expected = "Stopped: nothing was handed in: no folder exercises/submitted/STUDENT/02_linear_algebra.\n"
    assert capsys.readouterr().err == expected


def test_a_source_that_nbgrader_refuses_is_one_sentence(tiny: Course) -> None:
    text = tiny.source.read_text(encoding="utf-8")
    tiny.source.write_text(text.replace("    ### END SOLUTION", "    pass"))
    done = tiny.run("release")
    assert done.returncode == 1
    assert done.stderr.startswith("Stopped: nbgrader cannot use exercises/source/01_tiny: ")
    assert "no end solution statement found" in done.stderr.lower() and done.stderr.count("\n") == 1


# --- the check of the students' edition -----------------------------------------------------------------------


def students_edition() -> NotebookNode:
    notebook = tiny_source()
    for cell in notebook.cells:
        cell.source = students_source(cell.source)
    return notebook


def leak_solution(notebook: NotebookNode) -> None:
    notebook.cells[1].source = "def double(x):\n    return 2 * x"


def leak_hidden_test(notebook: NotebookNode) -> None:
    notebook.cells[3].source += "\nassert double(3) == 6, 'three'"


def leak_marker(notebook: NotebookNode) -> None:
    notebook.cells[0].metadata["note"] = "### BEGIN SOLUTION"


def leak_output(notebook: NotebookNode) -> None:
    notebook.cells[2].outputs = [nbformat.v4.new_output("stream", text="6")]


def lose_cell(notebook: NotebookNode) -> None:
    del notebook.cells[0]


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (leak_solution, "cell double of the students' edition would not be what its source lets students see"),
        (leak_hidden_test, "cell h of the students' edition would not be what its source lets students see"),
        (leak_marker, "cell title of the students' edition would still hold a solution or a hidden test"),
        (leak_output, "cell v of the students' edition would not be what its source lets students see"),
        (lose_cell, "the students' edition has 3 cells instead of 4"),
    ],
)
def test_a_leak_stops_the_release(tmp_path: Path, spoil: Callable[[NotebookNode], None], complaint: str) -> None:
    place = tmp_path / "01_tiny"
    place.mkdir()
    notebook = students_edition()
    nbformat.write(notebook, place / "01_tiny.ipynb")
    verify(place, tiny_source())
    spoil(notebook)
    nbformat.write(notebook, place / "01_tiny.ipynb")
    with pytest.raises(Stop, match=f"^{complaint}$"):
        verify(place, tiny_source())


def test_a_stray_file_stops_the_release_and_nothing_is_left(tiny: Course) -> None:
    (tiny.source.parent / "solutions.txt").write_text("2 * x")
    done = tiny.run("release")
    assert done.returncode == 1
    assert done.stderr == (
        "Stopped: students should get 01_tiny.ipynb alone, but would get 01_tiny.ipynb, solutions.txt.\n"
    )
    assert not tiny.folder("release").exists()


def test_a_notebook_without_answers_is_not_given_to_nbgrader(tmp_path: Path) -> None:
    path = tmp_path / "01_tiny.ipynb"
    nbformat.write(students_edition(), path)
    assert complaint(path) == ""
    nbformat.write(new_notebook(), path)
    assert complaint(path).startswith("not made from the students' edition")
