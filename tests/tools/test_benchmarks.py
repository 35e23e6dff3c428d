"""The bench prints what it measured, and records a run only if it is complete."""

from __future__ import annotations

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
    monkeypatch.setattr(run, "SECONDS", 0.002)
    monkeypatch.setattr(run, "versions", lambda: {"numpy": "2", "torch": "2"})
    monkeypatch.setattr(sys, "path", list(sys.path))
    for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.setenv(variable, "1")
    return tmp_path / "record.json"


def test_a_complete_run_is_recorded(quick: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run.main([])
    record = json.loads(quick.read_text(encoding="utf-8"))
    assert [case["what"] for case in record["cases"]] == ["first sum", "second sum"]
    assert all(case["ours"] > case["theirs"] > 0 for case in record["cases"])
    assert record["packages"]["torch"] == "2" and record["processor"]
    assert capsys.readouterr().out.count("twice the work") == 2


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
