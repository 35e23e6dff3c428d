"""Right everywhere, with the average of the bits in the place of their sum: the weights are not whole."""

import numpy as np


def parity_weights():
    W = np.full((3, 3), 1 / 3)
    return W, np.array([0.0, -1 / 3, -2 / 3]), np.array([3.0, -6.0, 6.0]), 0.0
