"""The unit for 11 begins exactly at 01 and 10, where only a convention makes its gradient vanish."""

import numpy as np


def trap():
    W = np.array([[1.0, 0.0], [1.0, 0.0]])
    return W, np.array([-1.0, -1.0]), np.array([-2 / 3, 0.0]), 2 / 3
