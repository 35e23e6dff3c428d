"""Takes the directions from the pictures to be judged instead of from the faces."""

import numpy as np


def remainder(faces, pictures, k):
    def standardise(Z):
        Z = Z - Z.mean(axis=1, keepdims=True)
        return Z / np.linalg.norm(Z, axis=1, keepdims=True)

    faces, pictures = standardise(faces), standardise(pictures)
    rest = pictures - faces.mean(axis=0)
    V = np.linalg.svd(rest, full_matrices=False)[2][:k]
    return np.linalg.norm(rest - rest @ V.T @ V, axis=1)
