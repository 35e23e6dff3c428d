"""Compares the number of receipts with the number of prices, as if every receipt said something new."""

import numpy as np


def price_lists(A, b):
    m, n = A.shape
    if m > n:
        return 0
    return 1 if m == n else np.inf
