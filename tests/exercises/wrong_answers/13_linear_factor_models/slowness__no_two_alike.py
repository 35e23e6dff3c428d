"""Takes a second feature of the same slowness for the first one again, and drops it."""

import numpy as np


def slownesses(clips, n):
    X = np.concatenate(clips)
    changes = np.concatenate([np.diff(clip, axis=0) for clip in clips])
    variances, V = np.linalg.eigh(np.cov(X.T, bias=True))
    kept = variances > 1e-7 * variances[-1]
    changes = changes @ (V[:, kept] / np.sqrt(variances[kept]))
    found = np.linalg.eigvalsh(changes.T @ changes / len(changes))
    return found[np.r_[True, found[1:] > 1.2 * found[:-1]]][:n]
