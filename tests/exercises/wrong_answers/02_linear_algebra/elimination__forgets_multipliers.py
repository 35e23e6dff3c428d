"""Exchanges the rows of U and P, but leaves the multipliers in L where they were."""

import numpy as np


def lu(A):
    U = np.array(A, dtype=float)
    n = len(U)
    P, L = np.eye(n), np.eye(n)
    for k in range(n):
        p = k + np.argmax(np.abs(U[k:, k]))
        U[[k, p]], P[[k, p]] = U[[p, k]], P[[p, k]]
        L[k + 1 :, k] = U[k + 1 :, k] / U[k, k]
        U[k + 1 :] -= np.outer(L[k + 1 :, k], U[k])
    return P, L, U
