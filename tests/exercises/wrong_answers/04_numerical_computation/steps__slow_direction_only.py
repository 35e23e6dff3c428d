"""Looks at the smallest eigenvalue and forgets that the largest can diverge."""

import numpy as np


def steps(eigenvalues, lr):
    factor = abs(1 - lr * min(eigenvalues))
    return int(np.ceil(np.log(1e-6) / np.log(factor))) if factor > 1e-6 else 1
