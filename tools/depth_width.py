"""Train the networks behind the explorer `depth_width` of chapter 6, and record how well they add digits.

    python tools/depth_width.py [record.json]

Seventy-two networks take about a minute of one core; the record is committed as a part of `dlcore.datasets`, where the
notebook finds it wherever it runs. The same processor gives the same bytes: every network has its own seed. Another one
rounds differently and may move an accuracy by a point.

A network reads two handwritten digits side by side and answers with the last figure of their sum. It has one to six
hidden layers of equal width, the width whose number of parameters is nearest to a budget.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when NumPy is imported

import numpy as np

from dlcore import datasets
from dlcore.networks.losses import cross_entropy
from dlcore.networks.modules import MLP
from dlcore.networks.optimizers import Adam
from dlcore.networks.training import fit

RECORD = Path(__file__).resolve().parent.parent / "dlcore" / "datasets" / "data" / "depth_width.json"
BUDGETS = (5_000, 10_000, 20_000, 40_000)
DEPTHS = (1, 2, 3, 4, 5, 6)
SEEDS = (0, 1, 2)
LR, EPOCHS, BATCH_SIZE = 5e-3, 10, 100  # Adam, with a rate that falls linearly


def parameters(depth: int, width: int) -> int:
    """Count weights and biases of 128 inputs, `depth` layers of `width` units, and 10 outputs.

    >>> parameters(1, 144), parameters(2, 88)
    (20026, 20074)
    """
    return (128 + 1) * width + (depth - 1) * (width + 1) * width + (width + 1) * 10


def nearest_width(budget: int, depth: int) -> int:
    """Return the width whose number of parameters is nearest to the budget.

    >>> [nearest_width(20_000, depth) for depth in (1, 2, 3)]
    [144, 88, 71]
    """
    return min(range(1, budget // 100), key=lambda width: abs(parameters(depth, width) - budget))


def sums() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return training and test pairs of digits, made of training and test digits of the book's split."""
    X, y, _, _, X_test, y_test = datasets.digits(n_valid=297)
    rng = np.random.default_rng(1)

    def pairs(X: np.ndarray, y: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
        i, j = rng.integers(len(X), size=(2, n))
        return np.concatenate([X[i], X[j]], axis=1).astype(np.float32), (y[i] + y[j]) % 10

    return pairs(X, y, 6000), pairs(X_test, y_test, 2000)


def accuracy(depth: int, width: int, seed: int, data: tuple[Any, Any]) -> float:
    """Train one network and return the percentage of the test sums that it gets right."""
    training, (X, y) = data
    rng = np.random.default_rng(seed)
    net = MLP([128, *[width] * depth, 10], rng=rng)
    adam = Adam(net.parameters(), LR)

    def slow_down(epoch: int, loss: float) -> None:
        adam.lr = LR * (1 - epoch / (EPOCHS + 1))

    plan = {"epochs": EPOCHS, "batch_size": BATCH_SIZE, "callback": slow_down}
    fit(net, cross_entropy, training, adam, rng=rng, **plan)
    return round(100 * float(np.mean(net(X).data.argmax(axis=1) == y)), 2)


def main(path: Path = RECORD) -> None:
    """Train all, print a line for each size, and write the record."""
    data, networks = sums(), []
    for budget in BUDGETS:
        for depth in DEPTHS:
            width = nearest_width(budget, depth)
            right = [accuracy(depth, width, seed, data) for seed in SEEDS]
            print(f"{budget:6,} {depth} x {width:3}: {np.mean(right):.1f}  {right}", flush=True)
            shape = {"budget": budget, "depth": depth, "width": width, "parameters": parameters(depth, width)}
            networks.append({**shape, "right": right})
    lines = ",\n".join(f" {json.dumps(network)}" for network in networks)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
