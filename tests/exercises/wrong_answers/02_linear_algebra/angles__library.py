"""Calls the library and mends the signs."""

import numpy as np


def orthonormalise(A):
    Q, R = np.linalg.qr(A)
    return Q * np.sign(np.diag(R))
