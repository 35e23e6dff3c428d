"""Looks for the lowest kurtosis, which is right if both voices are whistles."""

import numpy as np


def best_angle(Z):
    return min(np.arange(0, 90, 0.5), key=lambda angle: np.mean(turned(Z, -angle) ** 4))  # noqa: F821
