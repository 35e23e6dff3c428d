"""Time dlcore beside its peers: equal work, one process, one thread, in turns; and that in several processes.

    python benchmarks/run.py [group ...]

A group is a file next to this one, for example ``linalg``. Its function ``cases()`` yields tuples

    (what, peer, ours, theirs, note)

where ``ours`` and ``theirs`` are functions without arguments. Before it yields a case, it asserts that both do the same
work equally well. The table shows medians of CPU time; a ratio below 1 means that dlcore is faster. Where a process
happens to put its arrays decides about a few percent, so that each group runs in several processes, and the table shows
the median of their ratios with the smallest and the largest.

Torch is a peer if it is installed. A run of all groups with all peers is recorded in ``book/benchmarks.json``, from
which the site makes its page.
"""

import json
import multiprocessing
import os
import platform
import runpy
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RECORD = HERE.parent / "book" / "benchmarks.json"
GROUPS = ("linalg", "networks", "factors")
PEERS = ("numpy", "scipy", "scikit-learn", "torch")
PROCESSES = 7
ROUNDS = 3  # in each process
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
    repeats = [1 + int(SECONDS / max(seconds(task, 1), 1e-7)) for task in (ours, theirs)]
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


def measure(path: str) -> list[dict[str, Any]]:
    """Time every case of a group in this process."""
    sys.path.insert(0, str(Path(path).parent))
    timed = []
    for what, peer, ours, theirs, note in runpy.run_path(path)["cases"]():
        a, b = compare(ours, theirs)
        timed.append({"what": what, "peer": peer, "note": note, "ours": a, "theirs": b})
    return timed


def in_fresh_processes(path: str, n: int) -> list[list[dict[str, Any]]]:
    """Measure a group n times, each time in a process of its own, one after the other."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=fresh, max_tasks_per_child=1) as pool:
        return list(pool.map(measure, [path] * n))


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return one case as several processes timed it: medians, and the range of the ratio."""
    ratios = [run["ours"] / run["theirs"] for run in runs]
    times = {side: statistics.median(run[side] for run in runs) for side in ("ours", "theirs")}
    ratio = {"ratio": statistics.median(ratios), "lowest": min(ratios), "highest": max(ratios)}
    return {**runs[0], **times, **ratio}


def main(groups: list[str]) -> None:
    """Print the table of the named groups, or of all; record a complete one."""
    for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ[variable] = "1"  # read when a process imports NumPy
    machine = {"system": f"{platform.system()} {platform.machine()}", "processor": processor()}
    packages = {"Python": platform.python_version(), **versions()}
    print(f"{', '.join(machine.values())}, 1 thread; {', '.join(f'{name} {v}' for name, v in packages.items())}")
    row = "{:<46} {:<28} {:>10} {:>10} {:>7} {:>15}  {}"
    print(row.format("case", "peer", "dlcore ms", "peer ms", "ratio", f"of {PROCESSES} processes", "note"))
    cases = []
    for group in groups or GROUPS:
        print(f"{group}, in {PROCESSES} processes one after the other:", flush=True)
        runs = in_fresh_processes(str(HERE / f"{group}.py"), PROCESSES)
        for case in map(summary, map(list, zip(*runs, strict=True))):
            times = [f"{1e3 * case[side]:.3f}" for side in ("ours", "theirs")]
            spread = f"{case['lowest']:.2f} to {case['highest']:.2f}"
            line = row.format(case["what"], case["peer"], *times, f"{case['ratio']:.2f}", spread, case["note"])
            print(line, flush=True)
            cases.append({"group": group, **case})
    if groups or "torch" not in packages:
        print("Not recorded: that takes all groups, and torch among the peers.")
        return
    RECORD.write_text(json.dumps({**machine, "packages": packages, "cases": cases}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
