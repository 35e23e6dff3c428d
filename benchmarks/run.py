"""Time dlcore beside its peers: equal work, one process, one thread, in turns.

    python benchmarks/run.py [group ...]

A group is a file next to this one, for example ``linalg``. Its function ``cases()`` yields tuples

    (what, peer, ours, theirs, note)

where ``ours`` and ``theirs`` are functions without arguments. Before it yields a case, it asserts that both do the same
work equally well. The table shows medians of CPU time; a ratio below 1 means that dlcore is faster.

Torch is a peer if it is installed. A run of all groups with all peers is recorded in ``book/benchmarks.json``, from
which the site makes its page.
"""

import json
import os
import platform
import runpy
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

HERE = Path(__file__).parent
RECORD = HERE.parent / "book" / "benchmarks.json"
GROUPS = ("linalg", "networks", "factors")
PEERS = ("numpy", "scipy", "scikit-learn", "torch")
ROUNDS = 15
SECONDS = 0.03  # least CPU time of one measurement, in calls
Task = Callable[[], object]


def seconds(task: Task, repeats: int) -> float:
    """CPU seconds of one call, averaged over `repeats` calls.

    One call before the clock starts finds the caches and the heap as the other library left them, and is not counted:
    who trains a network has called the step before.
    """
    task()
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


def versions() -> dict[str, str]:
    """Return the version of each peer that is installed."""
    found = {}
    for name in PEERS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def processor() -> str:
    """Return the name of the processor as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def main(groups: list[str]) -> None:
    """Print the table of the named groups, or of all; record a complete one."""
    for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ[variable] = "1"  # read when a group imports NumPy
    sys.path.insert(0, str(HERE))
    machine = {"system": f"{platform.system()} {platform.machine()}", "processor": processor()}
    packages = {"Python": platform.python_version(), **versions()}
    print(f"{', '.join(machine.values())}, 1 thread; {', '.join(f'{name} {v}' for name, v in packages.items())}")
    row = "{:<46} {:<28} {:>10} {:>10} {:>7}  {}"
    print(row.format("case", "peer", "dlcore ms", "peer ms", "ratio", "note"))
    cases = []
    for group in groups or GROUPS:
        for what, peer, ours, theirs, note in runpy.run_path(str(HERE / f"{group}.py"))["cases"]():
            a, b = compare(ours, theirs)
            print(row.format(what, peer, f"{1e3 * a:.3f}", f"{1e3 * b:.3f}", f"{a / b:.2f}", note), flush=True)
            cases.append({"group": group, "what": what, "peer": peer, "ours": a, "theirs": b, "note": note})
    if groups or "torch" not in packages:
        print("Not recorded: that takes all groups, and torch among the peers.")
        return
    RECORD.write_text(json.dumps({**machine, "packages": packages, "cases": cases}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
