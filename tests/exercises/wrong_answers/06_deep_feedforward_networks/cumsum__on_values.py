"""Computes with the values and leaves no graph: right once, and zero when it is differentiated again."""

import numpy as np

from dlcore.networks.autodiff import Op, Tensor

cumsum = Op("cumsum", lambda x, axis=-1: np.cumsum(x, axis=axis), lambda g, y, x, axis=-1: cumsum_vjp(g, y, x, axis))


def cumsum_vjp(g, y, x, axis=-1):
    values = g.data if isinstance(g, Tensor) else g
    result = np.flip(np.cumsum(np.flip(values, axis), axis=axis), axis)
    return Tensor(result) if isinstance(g, Tensor) else result
