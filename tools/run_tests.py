"""Run the project's tests stage by stage and end with a table of what passed.

    python tools/run_tests.py                          every stage, as `make test` does
    python tools/run_tests.py notebooks --chapter 02   one stage, one chapter

A stage that fails does not hide the results of the later ones; the exit code tells whether all passed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEAST_COVERAGE = 95  # per cent of the lines of dlcore
STAGES = {
    "lint": "ruff, mypy and the direction of imports",
    "unit": "dlcore, the exercises and the tools",
    "notebooks": "every notebook executed again and compared with its committed outputs",
    "book": "structure of the notebooks",
    "site": "the site, built and opened in a browser",
}


def notebooks(chapter: str = "") -> list[str]:
    """Return the paths of the notebooks of one chapter ("2" or "02"), or of all."""
    pattern = f"notebooks/{chapter:0>2}_*.ipynb" if chapter else "notebooks/*.ipynb"
    return sorted(str(path.relative_to(ROOT)) for path in ROOT.glob(pattern))


def commands(stage: str, *, chapter: str = "", portable: bool = False, jobs: int = 1) -> list[list[str]]:
    """Return the command lines of one stage; all of them have to succeed."""
    python, workers = sys.executable, ["-n", str(jobs)]
    pytest = [python, "-m", "pytest", f"--color={'yes' if sys.stdout.isatty() else 'no'}"]
    if stage == "lint":
        lint_imports = str(Path(python).with_name("lint-imports"))  # has no `python -m`
        return [[python, "-m", "ruff", "check", "--quiet", "."], [python, "-m", "mypy"], [lint_imports, "--no-logo"]]
    if stage == "unit":
        ignored = ["--ignore=tests/book", "--ignore=tests/site"]
        coverage = ["--cov=dlcore", "--cov-report=term:skip-covered", f"--cov-fail-under={LEAST_COVERAGE}"]
        return [[*pytest, *workers, "--doctest-modules", *coverage, *ignored, "dlcore", "tools", "tests"]]
    if stage == "notebooks":
        rules = ["-p", "tests.book.nbval_plugin", "--nbval", "--nbval-cell-timeout=300", *["--portable"] * portable]
        return [[*pytest, *rules, *workers, "--dist=loadscope", *notebooks(chapter)]]
    if stage == "book":
        return [[*pytest, *workers, "--doctest-modules", "tests/book"]]
    return [[python, "tools/build_site.py"], [*pytest, "tests/site"]]


def run(stages: Sequence[str], *, chapter: str, portable: bool, jobs: int) -> list[tuple[str, bool, float]]:
    """Run stages one after the other and return (stage, passed, seconds) of each."""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    results = []
    for stage in stages:
        print(f"\n=== {stage}: {STAGES[stage]}", flush=True)
        began = time.monotonic()
        passed = True
        for command in commands(stage, chapter=chapter, portable=portable, jobs=jobs):
            if stage == "site" and not passed:
                break  # there is no new site to test
            passed &= subprocess.run(command, cwd=ROOT, env=environment).returncode == 0
        results.append((stage, passed, time.monotonic() - began))
    return results


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return 0 when every stage passed."""
    parser = argparse.ArgumentParser(description="Run the project's tests.")
    parser.add_argument("stages", nargs="*", metavar="stage", help=f"some of: {', '.join(STAGES)}; default: all")
    parser.add_argument("--chapter", default="", metavar="NN", help="execute this notebook only")
    parser.add_argument("--portable", action="store_true", help="execute notebooks as if on another processor")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (all cores)")
    options = parser.parse_args(arguments)
    if unknown := set(options.stages) - set(STAGES):
        parser.error(f"unknown stage {', '.join(sorted(unknown))}; choose from {', '.join(STAGES)}")
    stages = options.stages or list(STAGES)
    if "notebooks" in stages and not notebooks(options.chapter):
        parser.exit(2, f"Stopped: there is no notebook{f' for chapter {options.chapter}' * bool(options.chapter)}.\n")
    results = run(stages, chapter=options.chapter, portable=options.portable, jobs=options.jobs)
    print("\n=== summary")
    for stage, passed, seconds in results:
        print(f"{stage:<10} {'passed' if passed else 'FAILED'} {seconds:6.0f} s")
    return 0 if all(passed for _, passed, _ in results) else 1


if __name__ == "__main__":
    sys.exit(main())
