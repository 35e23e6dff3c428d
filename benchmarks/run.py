"""Time dlcore beside its peers: equal work, one process, one thread, in turns.

    python benchmarks/run.py [group ...]

A group is a file next to this one, for example ``linalg``. Its function ``cases()`` yields tuples

    (what, peer, ours, theirs, note)

where ``ours`` and ``theirs`` are functions without arguments. Before it yields a case, it asserts that both do the same
work equally well. The table shows medians of CPU time; a ratio below 1 means that dlcore is faster.
"""

import os
import platform
import runpy
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
ROUNDS = 9
SECONDS = 0.03  # least CPU time of one measurement, in calls
Task = Callable[[], object]


def seconds(task: Task, repeats: int) -> float:
    """CPU seconds of one call, averaged over `repeats` calls."""
    start = time.process_time()
    for _ in range(repeats):
        task()
    return (time.process_time() - start) / repeats


def compare(ours: Task, theirs: Task) -> tuple[float, float]:
    """Medians of the CPU seconds of both, measured in turns so that a busy machine slows down both."""
    repeats = [1 + int(SECONDS / max(seconds(task, 2), 1e-7)) for task in (ours, theirs)]
    rounds = [[seconds(task, n) for task, n in zip((ours, theirs), repeats, strict=True)] for _ in range(ROUNDS)]
    median_ours, median_theirs = (statistics.median(times) for times in zip(*rounds, strict=True))
    return median_ours, median_theirs


def main(groups: list[str]) -> None:
    """Print the table of the named groups, or of all."""
    for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ[variable] = "1"  # read when a group imports NumPy
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "scikit-learn"))
    print(f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, {packages}, 1 thread")
    row = "{:<44} {:<28} {:>10} {:>10} {:>7}  {}"
    print(row.format("case", "peer", "dlcore ms", "peer ms", "ratio", "note"))
    for group in groups or sorted(path.stem for path in HERE.glob("*.py") if path.stem != "run"):
        for what, peer, ours, theirs, note in runpy.run_path(str(HERE / f"{group}.py"))["cases"]():
            a, b = compare(ours, theirs)
            print(row.format(what, peer, f"{1e3 * a:.3f}", f"{1e3 * b:.3f}", f"{a / b:.2f}", note), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
