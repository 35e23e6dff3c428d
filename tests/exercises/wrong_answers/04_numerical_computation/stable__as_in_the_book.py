"""The formulas as they stand."""

import numpy as np


def softplus(x):
    return np.log(1 + np.exp(x))


def log_sigmoid(x):
    return np.log(1 / (1 + np.exp(-np.asarray(x, dtype=float))))
