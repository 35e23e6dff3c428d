"""The driver of the tests runs every stage, whatever happened before, and tells whether all passed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tools import run_tests


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Record the commands instead of running them; those that contain "bad" fail."""
    ran: list[list[str]] = []

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[bytes]:
        ran.append(command)
        return subprocess.CompletedProcess(command, int("bad" in command))

    monkeypatch.setattr(run_tests.subprocess, "run", run)
    monkeypatch.setattr(run_tests, "notebooks", lambda chapter: ["notebooks/02_linear_algebra.ipynb"])
    return ran


def test_all_stages_run_and_all_pass(commands: list[list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_tests.main([]) == 0
    printed = capsys.readouterr().out
    assert all(f"=== {stage}: " in printed for stage in run_tests.STAGES)
    assert printed.count("passed") == len(run_tests.STAGES)
    assert len(commands) == 8


@pytest.mark.parametrize("broken", run_tests.STAGES)
def test_a_failed_stage_hides_no_other(
    commands: list[list[str]], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    real = run_tests.commands
    monkeypatch.setattr(
        run_tests, "commands", lambda stage, **options: [["bad"]] if stage == broken else real(stage, **options)
    )
    assert run_tests.main([]) == 1
    summary = capsys.readouterr().out.split("=== summary\n")[1].splitlines()
    assert [line.split()[:2] for line in summary] == [
        [stage, "FAILED" if stage == broken else "passed"] for stage in run_tests.STAGES
    ]


def test_every_linter_reports_even_if_the_first_complains(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_tests, "commands", lambda stage, **options: [["bad"], ["good"]])
    assert run_tests.main(["lint"]) == 1
    assert commands == [["bad"], ["good"]]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A checkout with the settings of this one and, of dlcore, all modules, but empty."""
    shutil.copy(run_tests.ROOT / "pyproject.toml", tmp_path)
    for module in (run_tests.ROOT / "dlcore").rglob("*.py"):
        empty = tmp_path / module.relative_to(run_tests.ROOT)
        empty.parent.mkdir(parents=True, exist_ok=True)
        empty.touch()
    return tmp_path


def complaints(package: Path) -> list[bool]:
    """Return which of ruff, mypy and import-linter complain about a package."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = [
        subprocess.run(command, cwd=package, env=environment | {"PYTHONPATH": str(package)}, capture_output=True)
        for command in run_tests.commands("lint")
    ]
    return [one.returncode != 0 for one in done]


@pytest.mark.parametrize(
    ("module", "code", "expected"),
    [
        ("foundations/linalg.py", "", [False, False, False]),
        ("foundations/linalg.py", "import os\n", [True, False, False]),
        ("foundations/linalg.py", "def double(x):\n    return 2 * x\n", [False, True, False]),
        ("datasets/__init__.py", "from dlcore import foundations\n\n__all__ = ['foundations']\n", [False, False, True]),
    ],
)
def test_each_linter_does_complain(package: Path, module: str, code: str, expected: list[bool]) -> None:
    (package / "dlcore" / module).write_text(code)
    assert complaints(package) == expected


def test_a_site_that_was_not_built_is_not_tested(commands: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_tests, "commands", lambda stage, **options: [["bad"], ["good"]])
    assert run_tests.main(["site"]) == 1
    assert commands == [["bad"]]


def test_some_stages_can_be_chosen(commands: list[list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_tests.main(["book", "lint"]) == 0
    assert "tests/book" in commands[0]
    with pytest.raises(SystemExit):
        run_tests.main(["everything"])
    assert "unknown stage everything" in capsys.readouterr().err


def test_notebooks_are_compared_chapter_by_chapter(commands: list[list[str]]) -> None:
    assert run_tests.main(["notebooks", "--chapter=2", "--portable", "--jobs=3"]) == 0
    (command,) = commands
    assert {"--nbval", "--portable", "--dist=loadscope", "notebooks/02_linear_algebra.ipynb"} <= set(command)
    assert command[command.index("-n") + 1] == "3"
    (command,) = run_tests.commands("notebooks")
    assert "--portable" not in command


def test_a_missing_chapter_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run_tests.main(["notebooks", "--chapter", "99"])
    assert capsys.readouterr().err == "Stopped: there is no notebook for chapter 99.\n"


def test_a_chapter_is_found_by_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_tests, "ROOT", tmp_path)
    (tmp_path / "notebooks").mkdir()
    for name in ("02_a.ipynb", "10_b.ipynb"):
        (tmp_path / "notebooks" / name).touch()
    assert run_tests.notebooks() == ["notebooks/02_a.ipynb", "notebooks/10_b.ipynb"]
    assert run_tests.notebooks("2") == run_tests.notebooks("02") == ["notebooks/02_a.ipynb"]
