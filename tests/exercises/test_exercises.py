"""Every exercise is proved: its stub fails, its reference passes everything, plausible wrong answers are found out."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dlcore.display import CHAPTERS
from tests.exercises.course import HIDDEN, MACROS, ROOT, SOURCES, Exercise, WrongAnswer, exercises, kind, wrong_answers
from tools.assignment import canonical, config, source
from tools.notebooks import read

sys.path.insert(0, str(ROOT / "book" / "ext"))

from companion.exercises import page

EXERCISES = [exercise for path in SOURCES for exercise in exercises(path)]
ANSWERS = [answer for path in SOURCES for answer in wrong_answers(path)]
named = {"ids": lambda case: f"{case.chapter}-{case.name}"}


def exercise_of(answer: WrongAnswer) -> Exercise:
    (exercise,) = (one for one in EXERCISES if (one.chapter, one.name) == (answer.path.parent.name, answer.exercise))
    return exercise


# --- the three proofs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("exercise", EXERCISES, **named)
def test_the_stub_fails(exercise: Exercise) -> None:
    assert set(exercise.failures(exercise.stub)) == {"visible", "hidden"}


@pytest.mark.parametrize("exercise", EXERCISES, **named)
def test_the_reference_passes_visible_and_hidden_tests(exercise: Exercise) -> None:
    assert exercise.failures(exercise.reference) == {}


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.path.stem)
def test_a_wrong_answer_passes_the_visible_tests_and_fails_the_hidden_ones(answer: WrongAnswer) -> None:
    failures = exercise_of(answer).failures(answer.code)
    assert set(failures) == {"hidden"}, answer.mistake
    assert isinstance(failures["hidden"], AssertionError), "a hidden test should say what it found, not crash"
    assert str(failures["hidden"])


def test_every_exercise_has_a_wrong_answer_that_says_what_is_wrong() -> None:
    assert {(exercise.chapter, exercise.name) for exercise in EXERCISES} == {
        (answer.path.parent.name, answer.exercise) for answer in ANSWERS
    }
    assert all(answer.mistake.endswith(".") for answer in ANSWERS)


# --- kindness -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exercise", EXERCISES, **named)
def test_an_unfinished_answer_gets_a_sentence(exercise: Exercise) -> None:
    unfinished = exercise.stub.replace("raise NotImplementedError", "pass")
    complaint = exercise.failures(unfinished)["visible"]
    assert isinstance(complaint, AssertionError)
    assert len(str(complaint).split()) >= 3


@pytest.mark.parametrize("exercise", EXERCISES, **named)
def test_it_has_a_task_a_folded_hint_and_two_sets_of_tests(exercise: Exercise) -> None:
    assert [kind(cell) for cell in exercise.cells if kind(cell) in ("visible", "hidden")] == ["visible", "hidden"]
    assert exercise.text.count("<details><summary>Hint</summary>") == 1
    assert f"{exercise.points} points" in exercise.text
    visible, hidden = (cell.metadata.nbgrader for what in ("visible", "hidden") for cell in exercise.of_kind(what))
    assert [visible.grade_id, hidden.grade_id] == [f"{exercise.name}-visible", f"{exercise.name}-hidden"]
    assert 0 < visible.points < hidden.points, "understanding counts more than the visible cases"


@pytest.mark.parametrize("exercise", EXERCISES, **named)
def test_students_are_told_of_the_hidden_tests(exercise: Exercise) -> None:
    (cell,) = exercise.of_kind("hidden")
    assert HIDDEN.sub("", cell.source).startswith("# More tests when")


@pytest.mark.parametrize("exercise", EXERCISES, **named)
def test_no_test_ends_with_a_value(exercise: Exercise) -> None:
    """nbgrader takes a number that a cell of tests prints as its result for the marks."""
    for cell in exercise.of_kind("visible") + exercise.of_kind("hidden"):
        assert not isinstance(ast.parse(cell.source).body[-1], ast.Expr), cell.metadata.nbgrader.grade_id


# --- the notebook ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_the_source_is_canonical(path: Path) -> None:
    advice = f"run: python tools/assignment.py tidy {path.stem[:2]}"
    assert path == source(path.stem)
    assert path.read_text(encoding="utf-8") == canonical(read(path)), advice


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_lines_of_code_fit_the_page(path: Path) -> None:
    lines = [line for cell in read(path).cells if cell.cell_type == "code" for line in cell.source.splitlines()]
    assert [line for line in lines if len(line) > 88] == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_macros_come_first_and_code_is_locked(path: Path) -> None:
    first, *rest = read(path).cells
    assert first.metadata.tags == ["macros"]
    assert first.source.strip("$\n") == MACROS.read_text(encoding="utf-8").strip()
    for cell in rest:
        about = cell.metadata.get("nbgrader")
        assert (about is None) == (cell.cell_type == "markdown")
        assert about is None or about.locked != about.solution, "students may change the answers and nothing else"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_the_points_are_what_the_introduction_says(path: Path) -> None:
    introduction = read(path).cells[1].source
    assert f"{sum(exercise.points for exercise in exercises(path))} points" in introduction


# --- the site -------------------------------------------------------------------------------------------------


def shown(path: Path) -> Iterator[str]:
    """Yield the solutions that the site shows."""
    for exercise in exercises(path):
        (answer,) = exercise.of_kind("answer")
        if answer.metadata.get("companion", {}).get("show_solution"):
            yield exercise.name


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_the_page_shows_half_of_the_solutions_and_no_hidden_test(path: Path) -> None:
    (chapter,) = (chapter for chapter in CHAPTERS if chapter.stem == path.stem)
    text = page(chapter, path)
    assert text.count("<summary>Solution</summary>") == len(list(shown(path))) == len(exercises(path)) // 2
    assert text.count("<summary>Hint</summary>") == text.count("<summary>Tests</summary>") == len(exercises(path))
    assert "BEGIN" not in text and "newcommand" not in text
    for exercise in exercises(path):
        (hidden,) = exercise.of_kind("hidden")
        secrets = [line for line in HIDDEN.search(hidden.source)[1].splitlines() if "assert" in line]
        public = "\n".join(cell.source for cell in exercise.of_kind("visible"))
        assert [line for line in secrets if line in text and line not in public] == []


def test_site_and_release_put_the_same_stub_in_the_place_of_a_solution() -> None:
    stub = config().ClearSolutions.code_stub["python"]
    for exercise in EXERCISES:
        (chapter,) = (chapter for chapter in CHAPTERS if chapter.stem == exercise.chapter)
        assert stub.splitlines() == [line.strip() for line in exercise.stub.splitlines()[-2:]]
        assert exercise.stub in page(chapter, source(exercise.chapter))
