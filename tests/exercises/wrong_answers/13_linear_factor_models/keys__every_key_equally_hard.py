"""Takes every pressed key to sound with the mean strength, and leaves the spread out."""

import itertools

import numpy as np


def pressed(x, W, chance, strength, spread, noise):
    ways = np.array(list(itertools.product([0, 1], repeat=W.shape[1])))
    log_p = np.log(np.where(ways, chance, 1 - chance)).sum(axis=1)
    log_p -= np.sum((x - strength * ways @ W.T) ** 2, axis=1) / (2 * noise**2)
    p = np.exp(log_p - log_p.max())
    p = p / p.sum()
    q = p @ ways
    entropy = [-np.sum(a[a > 0] * np.log(a[a > 0])) for a in (q, 1 - q, p)]
    return q, entropy[0] + entropy[1] - entropy[2]
