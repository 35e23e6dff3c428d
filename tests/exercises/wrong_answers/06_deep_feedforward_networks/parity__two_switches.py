"""XOR of the first two switches: right as long as the third is down."""

import numpy as np


def parity_weights():
    W = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    return W, np.array([0.0, -1.0, 0.0]), np.array([1.0, -2.0, 0.0]), 0.0
