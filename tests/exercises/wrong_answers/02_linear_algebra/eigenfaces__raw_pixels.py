"""Compares raw pixels, so that light and contrast decide."""

import numpy as np


def remainder(faces, pictures, k):
    mean = faces.mean(axis=0)
    V = np.linalg.svd(faces - mean, full_matrices=False)[2][:k]
    rest = pictures - mean
    return np.linalg.norm(rest - rest @ V.T @ V, axis=1)
