"""Takes the squares from the diagonal of an n x n product."""

import numpy as np


def loglik(X, mean, W, psi):
    R, U = X - mean, W / psi[:, None]
    M = np.eye(W.shape[1]) + W.T @ U
    squares = np.diag((R / psi) @ R.T - R @ U @ np.linalg.solve(M, U.T @ R.T))
    logdet = np.log(psi).sum() + np.linalg.slogdet(M)[1]
    return -(squares + logdet + len(psi) * np.log(2 * np.pi)) / 2
