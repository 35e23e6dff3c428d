"""Correct, with a matrix of D x D numbers."""

import numpy as np


def loglik(X, mean, W, psi):
    C = W @ W.T + np.diag(psi)
    R = X - mean
    squares = np.sum(R * np.linalg.solve(C, R.T).T, axis=1)
    return -(squares + np.linalg.slogdet(C)[1] + len(psi) * np.log(2 * np.pi)) / 2
