"""The bench prints what it measured, and records a run only if it is complete."""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))
import run  # noqa: E402


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Two groups of one case each, measured for no time at all."""
    for group in ("first", "second"):
        case = (
            f'lambda: [("{group} sum", "itself", lambda: sum(range(2000)), lambda: sum(range(1000)), "twice the work")]'
        )
        (tmp_path / f"{group}.py").write_text(f"cases = {case}\n", encoding="utf-8")
    for name, value in {"HERE": tmp_path, "RECORD": tmp_path / "record.json", "GROUPS": ("first", "second")}.items():
        monkeypatch.setattr(run, name, value)
    monkeypatch.setattr(run, "PROCESSES", 2)
    monkeypatch.setattr(run, "versions", lambda: {"numpy": "2", "torch": "2"})
    monkeypatch.setattr(sys, "path", list(sys.path))
    for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.setenv(variable, "1")
    return tmp_path / "record.json"


def test_a_complete_run_is_recorded(quick: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run.main([])
    record = json.loads(quick.read_text(encoding="utf-8"))
    assert [case["what"] for case in record["cases"]] == ["first sum", "second sum"]
    for case in record["cases"]:
        assert case["ours"] > case["theirs"] > 0 and 1 < case["lowest"] <= case["ratio"] <= case["highest"]
    assert record["packages"]["torch"] == "2" and record["processor"]
    assert capsys.readouterr().out.count("twice the work") == 2


def test_a_case_is_summarised_by_the_median_of_its_ratios() -> None:
    times = [(1.0, 2.0), (9.0, 3.0), (4.0, 4.0)]
    case = run.summary([{"what": "sum", "ours": a, "theirs": b} for a, b in times])
    assert case == {"what": "sum", "ours": 4.0, "theirs": 3.0, "ratio": 1.0, "lowest": 0.5, "highest": 3.0}


def test_every_process_is_a_fresh_one(tmp_path: Path) -> None:
    counted = "import sys\ncalls = sys.__dict__.setdefault('calls', [])\ncalls.append(1)\n"
    case = "lambda: [(str(len(calls)), 'itself', int, int, '')]"
    (tmp_path / "group.py").write_text(f"{counted}cases = {case}\n", encoding="utf-8")
    runs = run.in_fresh_processes(str(tmp_path / "group.py"), 2)
    assert [timed["what"] for timed in itertools.chain(*runs)] == ["1", "1"]


def test_part_of_the_groups_is_printed_only(quick: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run.main(["second"])
    printed = capsys.readouterr().out
    assert "second sum" in printed and "first sum" not in printed and "Not recorded" in printed
    assert not quick.exists()


def test_a_run_without_torch_is_printed_only(quick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "versions", lambda: {"numpy": "2"})
    run.main([])
    assert not quick.exists()


def test_what_is_committed_has_every_group() -> None:
    record = json.loads((ROOT / "book" / "benchmarks.json").read_text(encoding="utf-8"))
    assert {case["group"] for case in record["cases"]} == set(run.GROUPS)
    assert set(run.versions()) <= {*run.PEERS} and "torch" in record["packages"]
    assert all((ROOT / "benchmarks" / f"{group}.py").exists() for group in run.GROUPS)
