"""Thirty steps of power iteration for each direction, whether it has settled or not."""

import numpy as np


def components(X, k):
    rest, D, variances = X - X.mean(axis=0), [], []
    rng = np.random.default_rng(0)
    for _ in range(k):
        C = rest.T @ rest / (len(X) - 1)
        d = rng.normal(size=X.shape[1])
        for _ in range(30):
            d = C @ d
            d /= np.linalg.norm(d)
        D.append(d)
        variances.append(d @ C @ d)
        rest = rest - np.outer(rest @ d, d)
    return np.array(D), np.array(variances)
