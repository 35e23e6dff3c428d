"""One component per digit: every way to write it is averaged."""

import numpy as np
from sklearn.mixture import GaussianMixture


def draw(H, n, rng):
    seed = int(rng.integers(2**31))
    mixture = GaussianMixture(10, covariance_type="diag", reg_covar=1e-3, random_state=seed).fit(H)
    return np.maximum(mixture.sample(n)[0], 0)
