"""Multiplies the noise variances before it takes the logarithm: hundreds of small ones give 0."""

import numpy as np


def loglik(X, mean, W, psi):
    R, U = X - mean, W / psi[:, None]
    M = np.eye(W.shape[1]) + W.T @ U
    h = np.linalg.solve(M, (R @ U).T).T
    squares = np.sum(h**2, axis=1) + np.sum((R - h @ W.T) ** 2 / psi, axis=1)
    logdet = np.log(np.prod(psi) * np.linalg.det(M))
    return -(squares + logdet + len(psi) * np.log(2 * np.pi)) / 2
