"""Bisects for the multiplier and does not know the hard case."""

import numpy as np


def trust_region(H, g, r):
    v, Q = np.linalg.eigh(H)
    c = Q.T @ g
    if v[0] > 0 and np.linalg.norm(c / v) <= r:
        return -Q @ (c / v)
    low = max(0.0, -v[0])
    high = low + np.linalg.norm(c) / r
    for _ in range(200):
        lam = (low + high) / 2
        if np.linalg.norm(c / np.maximum(v + lam, 1e-300)) > r:
            low = lam
        else:
            high = lam
    return -Q @ (c / np.maximum(v + high, 1e-300))
