"""Weights the squared error: its best guess is an expectile, not a quantile."""

import numpy as np


def pinball(guesses, y, q):
    d = y[None, :] - guesses[:, None]
    return (np.where(d > 0, q, 1 - q) * d**2).mean(axis=1)
