"""Returns codes of training digits with a little noise."""

import numpy as np


def draw(H, n, rng):
    chosen = H[rng.integers(len(H), size=n)]
    return np.maximum(chosen * rng.uniform(0.8, 1.2, chosen.shape), 0)
