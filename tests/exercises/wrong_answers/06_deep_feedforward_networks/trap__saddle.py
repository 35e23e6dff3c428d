"""The second unit is on for all inputs with weight zero: the gradient vanishes, but there is a way down."""

import numpy as np


def trap():
    W = np.array([[1.0, 0.0], [1.0, 0.0]])
    return W, np.array([-1.5, 1.0]), np.array([-4 / 3, 0.0]), 2 / 3
