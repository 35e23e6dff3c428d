"""Forgets the page without links: its probability is lost."""

import numpy as np


def pagerank(links, damping=0.85):
    n = len(links)
    M = (links / np.maximum(links.sum(axis=1, keepdims=True), 1)).T
    r = np.full(n, 1 / n)
    for _ in range(1000):
        r = damping * M @ r + (1 - damping) / n
    return r
