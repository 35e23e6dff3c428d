"""The record behind the explorer `depth_width`: complete, of the sizes it says, and what the program measures."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dlcore import datasets
from dlcore.networks.modules import MLP
from tools import depth_width

RECORD = datasets.record("depth_width")


def test_every_budget_has_every_depth_once():
    sizes = [(entry["budget"], entry["depth"]) for entry in RECORD]
    assert sizes == [(budget, depth) for budget in (5_000, 10_000, 20_000, 40_000) for depth in range(1, 7)]


def test_parameters_are_those_of_the_networks_and_near_the_budget():
    for entry in RECORD:
        net = MLP([128, *[entry["width"]] * entry["depth"], 10], rng=np.random.default_rng(0))
        assert sum(p.size for p in net.parameters()) == entry["parameters"]
        assert abs(entry["parameters"] / entry["budget"] - 1) < 0.03


def test_accuracies_are_shares_of_two_thousand_sums():
    for entry in RECORD:
        right = np.array(entry["right"])
        assert right.shape == (3,) and len(set(entry["right"])) > 1  # three networks, not one
        assert np.all((right > 12) & (right < 100))  # better than a linear classifier
        np.testing.assert_allclose(right / 0.05, np.round(right / 0.05), atol=1e-9)


def test_test_digits_are_not_training_digits():
    (X, _), (X_test, t) = depth_width.sums()
    assert X.shape == (6000, 128) and X_test.shape == (2000, 128) and set(t) == set(range(10))
    seen = {half.tobytes() for half in X.reshape(-1, 64)}
    assert not any(half.tobytes() in seen for half in X_test.reshape(-1, 64))


def test_a_network_trained_again_gives_what_is_recorded():
    """But for the rounding of another processor, which moves an accuracy no more than another start does."""
    entry = RECORD[1]
    data = depth_width.sums()
    again = depth_width.accuracy(entry["depth"], entry["width"], 0, data)
    assert again == pytest.approx(entry["right"][0], abs=np.ptp(entry["right"]) + 1)
    assert again == depth_width.accuracy(entry["depth"], entry["width"], 0, data)


def test_the_program_writes_such_a_record(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(depth_width, "BUDGETS", (5_000,))
    monkeypatch.setattr(depth_width, "DEPTHS", (1, 2))
    monkeypatch.setattr(depth_width, "accuracy", lambda depth, width, seed, data: 50.0 + depth + seed)
    depth_width.main(tmp_path / "record.json")
    written = json.loads((tmp_path / "record.json").read_text(encoding="utf-8"))
    assert [entry.keys() for entry in written] == [RECORD[0].keys()] * 2
    assert [entry["width"] for entry in written] == [RECORD[0]["width"], RECORD[1]["width"]]
    assert written[1]["right"] == [52.0, 53.0, 54.0] and "5,000 2 x  29: 53.0" in capsys.readouterr().out
