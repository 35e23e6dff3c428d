"""Exchanges rows only where the pivot is exactly zero."""

import numpy as np


def lu(A):
    U = np.array(A, dtype=float)
    n = len(U)
    P, L = np.eye(n), np.eye(n)
    for k in range(n):
        if U[k, k] == 0:
            p = k + np.flatnonzero(U[k:, k])[0]
            U[[k, p]], P[[k, p]] = U[[p, k]], P[[p, k]]
            L[[k, p], :k] = L[[p, k], :k]
        for i in range(k + 1, n):
            L[i, k] = U[i, k] / U[k, k]
            U[i] -= L[i, k] * U[k]
    return P, L, U
