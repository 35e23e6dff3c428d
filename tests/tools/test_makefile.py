"""`make` alone lists the targets, and each target does what its line says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TARGETS = {"book", "test", "serve", "lab", "notebooks", "bench", "assignment", "grade", "portable", "lint", "clean"}

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")


def make(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MAKELEVEL", "PYTHON")}
    return subprocess.run(
        ["make", *arguments], cwd=ROOT, env=environment | variables, capture_output=True, text=True
    )


def test_make_alone_lists_every_target_with_one_line() -> None:
    listed = re.findall(r"^  make (\w+) +(\S.*)$", make().stdout, re.M)
    assert {target for target, _ in listed} == TARGETS | {"help"}


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["book"], "tools/build_site.py"),
        (["test"], "tools/run_tests.py"),
        (["serve", "PORT=8001"], "tools/serve.py site --port 8001"),
        (["lab"], "tools/serve.py lab"),
        (["notebooks", "CH=02"], "tools/notebooks.py 02"),
        (["bench"], "benchmarks/run.py"),
        (["assignment", "CH=02"], "tools/assignment.py release 02"),
        (["grade", "CH=02"], "tools/assignment.py grade 02"),
        (["portable", "CH=02"], "tools/run_tests.py notebooks --portable --chapter 02"),
        (["lint"], "tools/run_tests.py lint"),
    ],
)
def test_a_target_prepares_the_environment_and_runs_its_program(arguments: list[str], command: str) -> None:
    lines = make("--dry-run", *arguments).stdout.strip().splitlines()
    assert "python3 tools/environment.py" in lines
    assert lines[-1].endswith(f".venv/bin/python {command}")
    assert (ROOT / command.split()[0]).exists()


def test_the_reader_may_name_the_python() -> None:
    assert "python3.12 tools/environment.py" in make("--dry-run", "book", "PYTHON=python3.12").stdout


def test_a_python_that_does_not_exist_is_one_sentence() -> None:
    done = make("environment", "PYTHON=no-such-python")
    assert done.returncode != 0
    assert done.stderr.startswith("Stopped: there is no no-such-python here; install Python 3.11 or newer")
