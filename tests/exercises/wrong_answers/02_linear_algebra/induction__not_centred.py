"""Does not take the mean away: the first direction then points from the origin to the data."""

import numpy as np


def components(X, k):
    rest, D, variances = X.copy(), [], []
    rng = np.random.default_rng(0)
    for _ in range(k):
        C = rest.T @ rest / (len(X) - 1)
        d = rng.normal(size=X.shape[1])
        for _ in range(5000):
            d = C @ d
            d /= np.linalg.norm(d)
        D.append(d)
        variances.append(d @ C @ d)
        rest = rest - np.outer(rest @ d, d)
    return np.array(D), np.array(variances)
