"""Classical Gram-Schmidt: every shadow is measured on the original column."""

import numpy as np


def orthonormalise(A):
    Q = np.array(A, dtype=float)
    for j in range(Q.shape[1]):
        column = Q[:, j].copy()
        for i in range(j):
            Q[:, j] -= (Q[:, i] @ column) * Q[:, i]
        Q[:, j] /= np.linalg.norm(Q[:, j])
    return Q
