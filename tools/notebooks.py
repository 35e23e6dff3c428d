"""Execute the book's notebooks in parallel and write them back in one canonical form.

    python tools/notebooks.py              every chapter
    python tools/notebooks.py 02 07        two of them

The same notebook and the same dlcore always give the same bytes: no time stamps, no machine, no order of
arrival of messages. A chapter that fails is named, its file is left as it was, and the others go on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import multiprocessing
import os
import queue
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
TIMES = ROOT / "book" / "execution_times.json"
KEPT_METADATA = ("approx", "mystnb", "tags")  # of a cell; all else is an editor's


def book_environment(blas_threads: int = 1) -> dict[str, str]:
    """Return the environment variables under which a kernel executes a notebook for the book.

    They fix what would otherwise differ between two machines or two people: the number of BLAS threads, the
    order of sets, and personal settings of IPython and Matplotlib.
    """
    return {
        "DLCORE_BOOK": "1",
        "OPENBLAS_NUM_THREADS": str(blas_threads),
        "PYTHONHASHSEED": "0",
        "IPYTHONDIR": str(ROOT / "_build" / "ipython"),
        "MPLCONFIGDIR": str(ROOT / "_build" / "matplotlib"),
        "JUPYTER_PREFER_ENV_PATH": "1",
    }


def warm_up() -> None:
    """Let Matplotlib list the machine's fonts once, before a cell's stderr would report it."""
    command = [sys.executable, "-c", "import matplotlib.font_manager"]
    subprocess.run(command, env=os.environ | book_environment(), check=True, capture_output=True)


# --- one canonical form ---------------------------------------------------------------------------------------


def read(path: Path) -> NotebookNode:
    """Read a notebook and give an id to each cell that has none (or another cell's)."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    raw["nbformat_minor"] = 5
    seen: set[str] = set()
    for cell in raw["cells"]:
        source = "".join(cell["source"])
        stem = cell.get("id") or hashlib.sha256(source.encode()).hexdigest()[:8]
        name, copies = stem, 1
        while name in seen:
            copies += 1
            name = f"{stem}-{copies}"
        cell["id"] = name
        seen.add(name)
    return nbformat.reads(json.dumps(raw), as_version=4)


def canonical(notebook: NotebookNode) -> str:
    """Return the one text that stands for an executed notebook.

    Parameters
    ----------
    notebook : NotebookNode
        A notebook in format 4.5, as `read` returns it. It is not modified.

    Returns
    -------
    str
        JSON with sorted keys and an indent of one, ending in a newline. Code cells are numbered from 1,
        neighbouring pieces of one output stream are joined, and metadata is reduced to what the book uses.

    Examples
    --------
    >>> cell = nbformat.v4.new_code_cell("1 + 1", execution_count=7, id="sum")
    >>> text = canonical(nbformat.v4.new_notebook(cells=[cell]))
    >>> json.loads(text)["cells"][0]["execution_count"]
    1
    """
    cells = []
    executed = 0
    for cell in notebook.cells:
        plain = {
            "cell_type": cell.cell_type,
            "id": cell.id,
            "metadata": {key: cell.metadata[key] for key in KEPT_METADATA if cell.metadata.get(key)},
            "source": cell.source.rstrip("\n"),
        }
        if cell.cell_type == "code":
            executed += 1
            plain["execution_count"] = executed
            plain["outputs"] = _canonical_outputs(cell.outputs, executed)
        elif cell.get("attachments"):
            plain["attachments"] = cell.attachments
        cells.append(plain)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    whole = {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return nbformat.writes(nbformat.from_dict(whole)).rstrip("\n") + "\n"


def _canonical_outputs(outputs: Iterable[NotebookNode], number: int) -> list[dict[str, Any]]:
    plain: list[dict[str, Any]] = []
    for output in outputs:
        last = plain[-1] if plain else {}
        if output.output_type == "stream" and last.get("name") == output.name:
            last["text"] += output.text
            continue
        fields = {key: value for key, value in output.items() if key != "transient"}
        if output.output_type == "execute_result":
            fields["execution_count"] = number
        plain.append(fields)
    return plain


def write(path: Path, text: str) -> bool:
    """Replace a file in one step if its text changes, and tell whether it did."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
    return True


# --- execution ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What became of one chapter: its canonical text, or the reason why there is none."""

    text: str = ""
    failure: str = ""
    cells: int = 0
    cpu_seconds: float = 0.0


def execute(path: Path, limit: float, progress: Callable[[int, int], None] = lambda done, of: None) -> Outcome:
    """Execute one notebook in a kernel of its own; never raises on account of the notebook.

    Parameters
    ----------
    path : Path
        The notebook. It is only read.
    limit : float
        Seconds of wall-clock time that the whole chapter may take, from its first cell on.
    progress : callable
        Is told (cells done, cells in all) whenever a code cell begins.

    Returns
    -------
    Outcome
        `cpu_seconds` are those of the kernel and of the processes that it started and waited for.
    """
    try:
        notebook = read(path)
    except (OSError, ValueError, KeyError) as error:
        return Outcome(failure=f"{path.stem}: is not a notebook ({_first_line(error)})")
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    deadline = math.inf
    reached = 0

    def begin(cell: NotebookNode, cell_index: int) -> None:
        nonlocal deadline, reached
        deadline = min(deadline, time.monotonic() + limit)
        if cell.cell_type == "code":
            reached += 1
            progress(reached - 1, len(code))

    client = NotebookClient(
        notebook,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        timeout_func=lambda cell: max(deadline - time.monotonic(), 0.01),
        on_cell_start=begin,
        extra_arguments=["--log-level=CRITICAL"],
        record_timing=False,
        store_widget_state=False,
    )
    before = _seconds_of_children()
    try:
        client.execute()
        failure = _forbidden_output(code)
    except CellExecutionError as error:
        failure = f"cell [{reached}]: {error.ename}: {_first_line(error.evalue)}"
    except CellTimeoutError:
        failure = f"cell [{reached}]: the chapter ran past its limit of {limit:g} s"
    except DeadKernelError:
        failure = f"cell [{reached}]: the kernel died"
    except Exception as error:  # a defect of the machinery must not cost the other chapters their results
        failure = f"cell [{reached}]: {type(error).__name__}: {_first_line(error)}"
    if failure:
        return Outcome(failure=f"{path.stem}, {failure}")
    return Outcome(canonical(notebook), "", len(code), _seconds_of_children() - before)


def _forbidden_output(code: Sequence[NotebookNode]) -> str:
    for number, cell in enumerate(code, start=1):
        for output in cell.outputs:
            if output.output_type == "stream" and output.name == "stderr":
                return f"cell [{number}]: wrote to stderr: {_first_line(output.text)}"
    return ""


def _first_line(error: object) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "no message")


def _seconds_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def settled(old: float | None, new: float, changed: bool) -> float:
    """Return the time to record: the old one unless the notebook changed or the time moved by much.

    >>> settled(8.0, 8.9, changed=False), settled(8.0, 12.0, changed=False), settled(8.0, 8.9, changed=True)
    (8.0, 12.0, 8.9)
    """
    moved = old is None or abs(new - old) > max(0.25 * old, 0.5)
    return round(new, 1) if old is None or changed or moved else old


# --- all chapters at once -------------------------------------------------------------------------------------

_messages: Any = None  # a worker's end of the queue of progress reports


def _start_worker(messages: Any, environment: Mapping[str, str]) -> None:
    global _messages
    _messages = messages
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an idle worker waits for the main process to stop it
    os.environ.update(environment)


def _work(path: Path, limit: float) -> Outcome:
    outcome = execute(path, limit, lambda done, of: _messages.put((path.stem, done, of)))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # nbclient leaves the default handler behind
    return outcome


def run(paths: Sequence[Path], times: Path, *, limit: float, jobs: int) -> int:
    """Execute notebooks side by side, write those that succeed, and return how many failed."""
    warm_up()
    context = multiprocessing.get_context("spawn")
    messages = context.Queue()
    board = _Board()
    pool = ProcessPoolExecutor(min(jobs, len(paths)), context, _start_worker, (messages, book_environment()))
    waiting: dict[Future[Outcome], Path] = {pool.submit(_work, path, limit): path for path in paths}
    failures = []
    try:
        while waiting:
            try:
                board.update(*messages.get(timeout=0.2))
            except queue.Empty:
                board.draw()
            for future in [future for future in waiting if future.done()]:
                path = waiting.pop(future)
                outcome = future.result()
                if outcome.failure:
                    failures.append(outcome.failure)
                    board.finish(path.stem, "FAILED, its file is unchanged")
                    continue
                changed = write(path, outcome.text)
                _record(times, path.stem, outcome.cpu_seconds, changed)
                state = "written" if changed else "no change"
                board.finish(path.stem, f"{outcome.cells} cells, {outcome.cpu_seconds:.1f} CPU s, {state}")
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    for failure in sorted(failures):
        print(f"failed: {failure}", file=sys.stderr)
    return len(failures)


def _record(times: Path, name: str, seconds: float, changed: bool) -> None:
    recorded = json.loads(times.read_text(encoding="utf-8")) if times.exists() else {}
    recorded[name] = settled(recorded.get(name), seconds, changed)
    write(times, json.dumps(recorded, indent=1, sort_keys=True) + "\n")


class _Board:
    """The progress line: rewritten in place on a terminal; in a log file, one line per finished chapter."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.running: dict[str, str] = {}

    def update(self, name: str, done: int, of: int) -> None:
        filled = 12 * done // max(of, 1)
        self.running[name] = f"{name} [{'#' * filled:.<12}] {done}/{of}"
        self.draw()

    def draw(self) -> None:
        if sys.stdout.isatty() and self.running:
            width = os.get_terminal_size().columns - 1
            line = f"{time.monotonic() - self.began:4.0f} s  " + "  ".join(self.running.values())
            print("\r\033[K" + line[:width], end="", flush=True)

    def finish(self, name: str, result: str) -> None:
        self.running.pop(name, None)
        erase = "\r\033[K" if sys.stdout.isatty() else ""
        print(f"{erase}{name}: {result}", flush=True)


def chosen(chapters: Sequence[str], directory: Path = NOTEBOOKS) -> list[Path]:
    """Return the notebooks of the named chapters ("2" or "02"), or all of them; raise ValueError for a missing one."""
    if not chapters:
        chapters = sorted({path.name[:2] for path in directory.glob("[0-9][0-9]_*.ipynb")})
    paths = []
    for chapter in chapters:
        found = sorted(directory.glob(f"{chapter:0>2}_*.ipynb"))
        if not found:
            raise ValueError(f"there is no notebook for chapter {chapter} in {directory.name}/")
        paths += found
    if not paths:
        raise ValueError(f"there are no notebooks in {directory.name}/")
    return paths


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return 0 when every chosen chapter was executed."""
    parser = argparse.ArgumentParser(description="Execute notebooks and write them in canonical form.")
    parser.add_argument("chapters", nargs="*", metavar="NN", help="chapter numbers; all of them if none is given")
    parser.add_argument("--limit", type=float, default=600, help="seconds that one chapter may take (600)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="chapters at once (all cores)")
    options = parser.parse_args(arguments)
    try:
        failed = run(chosen(options.chapters), TIMES, limit=options.limit, jobs=options.jobs)
    except ValueError as error:
        parser.exit(2, f"Stopped: {error}.\n")
    except KeyboardInterrupt:
        print("\nInterrupted: unfinished chapters keep their old files.", file=sys.stderr)
        return 130
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
