"""Lets the reader of a page without links stay on it."""

import numpy as np


def pagerank(links, damping=0.85):
    n = len(links)
    M = np.array(links, dtype=float)
    for i in range(n):
        if M[i].sum() == 0:
            M[i, i] = 1
    M = (M / M.sum(axis=1, keepdims=True)).T
    r = np.full(n, 1 / n)
    for _ in range(1000):
        r = damping * M @ r + (1 - damping) / n
    return r
