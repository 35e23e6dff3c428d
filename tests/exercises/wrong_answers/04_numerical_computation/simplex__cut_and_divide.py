"""Cuts off what is negative and divides by the sum: a distribution, not the nearest."""

import numpy as np


def nearest_distribution(v):
    p = np.maximum(v, 0)
    return p / p.sum() if p.sum() > 0 else np.full(len(v), 1 / len(v))
