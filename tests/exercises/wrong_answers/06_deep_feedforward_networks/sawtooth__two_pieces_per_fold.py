"""Counts two pieces per fold, 2L, where each fold doubles them: the same number for one fold and for two."""

import numpy as np


def sawtooth(L):
    bend, tent = np.array([0.0, -0.5]), np.array([[2.0], [-4.0]])
    deep = [(np.ones((1, 2)), bend), *[(tent @ np.ones((1, 2)), bend)] * (L - 1), (tent, np.zeros(1))]
    pieces = 2 * L
    change = 2.0 * pieces * (-1.0) ** np.arange(pieces)
    change[0] = pieces
    return deep, [(np.ones((1, pieces)), -np.arange(pieces) / pieces), (change[:, None], np.zeros(1))]
