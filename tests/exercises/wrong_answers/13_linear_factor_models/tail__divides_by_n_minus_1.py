"""Takes the covariance with divisor n - 1, which hardly shows with 1,297 rows."""

import numpy as np


def pca_error(X, d):
    return np.sort(np.linalg.eigvalsh(np.cov(X.T)))[::-1][d:].sum()
