"""Build the site into `_build/html` from the committed notebooks; a warning is an error.

    python tools/build_site.py

Sources are laid out in `_build/source`, the site is built beside the old one and takes its place only when it is whole.
An interrupted or failed build leaves the old site as it was. The full log is `_build/build.log`.
"""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
SOURCE = BUILD / "source"
STAGING = BUILD / "staging"
SITE = BUILD / "html"
OLD = BUILD / "html.old"
LOG = BUILD / "build.log"

sys.path.insert(0, str(ROOT / "book" / "ext"))

STAGES = {"reading sources": "reading", "writing output": "writing", "copying images": "copying"}
STEP = re.compile(rf"(?P<step>{'|'.join(STAGES)})\.\.\. \[ *(?P<percent>\d+)%\] (?P<page>\S+)")
WARNINGS_SHOWN = 5


class Failure(Exception):
    """The site could not be built; the message is what the reader sees."""


def stage() -> None:
    """Lay out in `_build/source` what the site is made of."""
    from companion import pages  # takes seconds to import, most of them Matplotlib's

    shutil.rmtree(SOURCE, ignore_errors=True)
    shutil.copytree(ROOT / "book", SOURCE, ignore=shutil.ignore_patterns("ext", "*.json"))
    for name in ("explorer.css", "explorer.js"):
        shutil.copyfile(ROOT / "dlcore" / "display" / name, SOURCE / "static" / name)
    for notebook in ROOT.glob("notebooks/[0-9][0-9]_*.ipynb"):
        (SOURCE / "notebooks").mkdir(exist_ok=True)
        shutil.copyfile(notebook, SOURCE / "notebooks" / notebook.name)
    pages.write(SOURCE)


def run_jupyter_book() -> Path:
    """Build the site from `_build/source` in a directory of its own, and return that."""
    shutil.rmtree(STAGING, ignore_errors=True)
    program = Path(sys.executable).with_name("jupyter-book")
    options = {"--path-output": STAGING, "--config": ROOT / "_config.yml", "--toc": ROOT / "_toc.yml"}
    command = [program, "build", SOURCE, "-W", "--keep-going", "-n", *itertools.chain(*options.items())]
    warnings: deque[str] = deque(maxlen=WARNINGS_SHOWN)
    with open(LOG, "w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True
        )
        assert process.stdout is not None
        try:
            for line in _lines(process.stdout):
                log.write(f"{line}\n")
                if match := STEP.search(line):
                    show(f"{STAGES[match['step']]} {match['percent']:>3} %  {match['page']}")
                elif re.search(r"\b(WARNING|ERROR|CRITICAL):|^\w*(Error|Exception)\b", line):
                    warnings.append(line.replace(f"{SOURCE}/", ""))
            code = process.wait()
        finally:
            process.kill()
            process.wait()
    if code != 0:
        listed = "".join(f"\n  {warning}" for warning in warnings)
        raise Failure(f"the site has errors (full log: {LOG.relative_to(ROOT)}); the last ones are:{listed}")
    return STAGING / "_build" / "html"


def _lines(stream: IO[str]) -> Iterator[str]:
    for line in stream:
        yield re.sub(r"\x1b\[[\d;]*m", "", line).rstrip()


def swap(new: Path) -> None:
    """Put the new site in the place of the old one."""
    shutil.rmtree(OLD, ignore_errors=True)
    if SITE.exists():
        SITE.rename(OLD)
    new.rename(SITE)
    for left_over in (OLD, STAGING):
        shutil.rmtree(left_over, ignore_errors=True)


def restore() -> None:
    """Bring the old site back if an earlier run was stopped in the middle of `swap`."""
    if OLD.exists() and not SITE.exists():
        OLD.rename(SITE)


def show(line: str, last: bool = False) -> None:
    """Print a line of progress over the one before it; into a file, only the last."""
    if sys.stdout.isatty():
        print(f"\r\033[K{line}", end="\n" if last else "", flush=True)
    elif last:
        print(line, flush=True)


def main() -> int:
    """Run the program; return 0 when there is a new site."""
    began = time.monotonic()
    BUILD.mkdir(exist_ok=True)
    restore()
    try:
        show("preparing the pages")
        stage()
        swap(run_jupyter_book())
    except Failure as failure:
        show("", last=sys.stdout.isatty())
        print(f"Stopped: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted: the site is as it was before; run make book again.", file=sys.stderr)
        return 130
    took = f"{time.monotonic() - began:.0f} s"
    show(f"The book is built ({took}). Open {SITE / 'index.html'}, or run make serve.", last=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
