"""Hands the two matrices to SciPy, which needs a covariance that can be inverted."""

import numpy as np
import scipy.linalg


def slownesses(clips, n):
    changes = np.concatenate([np.diff(clip, axis=0) for clip in clips])
    C = np.cov(np.concatenate(clips).T, bias=True)
    return scipy.linalg.eigh(changes.T @ changes / len(changes), C, eigvals_only=True)[:n]
