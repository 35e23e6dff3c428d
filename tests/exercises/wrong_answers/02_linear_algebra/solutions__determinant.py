"""Trusts the determinant, which rounding makes nonzero, and least squares where there is none."""

import numpy as np


def price_lists(A, b):
    m, n = A.shape
    if m == n and np.linalg.det(A) != 0:
        return 1
    x = np.linalg.lstsq(A, b)[0]
    if not np.allclose(A @ x, b):
        return 0
    return 1 if m > n else np.inf
