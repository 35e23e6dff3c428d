"""Takes the jump from one clip to the next for a movement."""

import numpy as np


def slownesses(clips, n):
    X = np.concatenate(clips)
    changes = np.diff(X, axis=0)
    variances, V = np.linalg.eigh(np.cov(X.T, bias=True))
    kept = variances > 1e-7 * variances[-1]
    changes = changes @ (V[:, kept] / np.sqrt(variances[kept]))
    return np.linalg.eigvalsh(changes.T @ changes / len(changes))[:n]
