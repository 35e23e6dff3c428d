"""What a network is trained to make small: *Deep Learning*, section 6.2. All are means over rows (one example each).

A prediction is a Tensor or an array, of the same dtype as the targets; targets are constants unless they are Tensors.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dlcore.foundations import numerics
from dlcore.networks import autodiff
from dlcore.networks.autodiff import Tensor, abs, exp, logsumexp, maximum, softplus

__all__ = [
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "gaussian_nll",
    "l1_loss",
    "mdn_mean",
    "mdn_sample",
    "mixture_nll",
    "mse_loss",
    "pinball_loss",
]

Array: TypeAlias = NDArray[np.floating[Any]]
Mixture: TypeAlias = tuple[Any, Any, Any]
"""Logits of the weights (n, K), means (n, K, d), log-scales (n, K, d), as `modules.MixtureDensity` returns them."""

_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


def _same_shape(pred: Any, y: Any, name: str) -> None:
    if pred.shape != y.shape:
        raise ValueError(f"{name}: prediction of shape {pred.shape} for targets of shape {y.shape}")


def mse_loss(pred: Any, y: Any) -> Tensor:
    """Return the mean of (pred - y)^2 over all entries, which the conditional mean minimises.

    Raises
    ------
    ValueError
        If the shapes differ: broadcasting (n, 1) against (n,) would compare every prediction with every target.

    References
    ----------
    Deep Learning, section 6.2.1.2.

    Examples
    --------
    >>> float(mse_loss(np.array([1.0, 2.0]), np.array([1.0, 4.0])))
    2.0
    """
    _same_shape(pred, y, "mse_loss")
    difference = pred - y
    return (difference * difference).mean()  # type: ignore[no-any-return]


def l1_loss(pred: Any, y: Any) -> Tensor:
    """Return the mean of abs(pred - y) over all entries, which the conditional median minimises.

    References
    ----------
    Deep Learning, section 6.2.1.2.

    Examples
    --------
    >>> float(l1_loss(np.array([1.0, 2.0]), np.array([1.0, 4.0])))
    1.0
    """
    _same_shape(pred, y, "l1_loss")
    return abs(pred - y).mean()


def pinball_loss(pred: Any, y: Any, q: float) -> Tensor:
    """Return the mean of max(q (y - pred), (q - 1)(y - pred)), which the conditional q-quantile minimises.

    Raises
    ------
    ValueError
        If q does not lie strictly between 0 and 1, or the shapes differ.

    References
    ----------
    Deep Learning, section 6.2.1.2. R. Koenker and G. Bassett, Regression quantiles (1978).

    Examples
    --------
    >>> round(float(pinball_loss(np.array([0.0, 0.0]), np.array([1.0, -1.0]), q=0.9)), 12)
    0.5
    """
    if not 0 < q < 1:
        raise ValueError(f"pinball_loss: q must lie between 0 and 1, got {q}")
    _same_shape(pred, y, "pinball_loss")
    above = y - pred
    return maximum(q * above, (q - 1) * above).mean()


def binary_cross_entropy_with_logits(logits: Any, y: Any) -> Tensor:
    """Return the mean of -log p(y) for Bernoulli variables with log-odds z: softplus(z) - y z.

    For y in {0, 1} this is softplus((1 - 2 y) z), whose derivative sigmoid(z) - y vanishes only where the prediction is
    right; y between 0 and 1 is a target probability.

    Raises
    ------
    ValueError
        If a target lies outside [0, 1], or the shapes differ.

    References
    ----------
    Deep Learning, section 6.2.2.2.

    Examples
    --------
    >>> float(binary_cross_entropy_with_logits(np.array([1000.0, -3.0]), np.array([0.0, 0.0])).round(3))
    500.024
    """
    _same_shape(logits, y, "binary_cross_entropy_with_logits")
    values = y.data if isinstance(y, Tensor) else y
    if not np.all((values >= 0) & (values <= 1)):
        raise ValueError("binary_cross_entropy_with_logits: targets must lie in [0, 1]")
    nll: Tensor = softplus(logits) - y * logits
    return nll.mean()


def cross_entropy(logits: Any, target: Any, label_smoothing: float = 0.0) -> Tensor:
    """Return the mean over rows of the cross-entropy between targets and softmax(logits).

    Parameters
    ----------
    logits : Tensor or array, shape (..., k)
        Unnormalised log-probabilities of k classes.
    target : integer array, shape (...), or Tensor or array, shape (..., k)
        Labels 0..k-1, or rows of probabilities.
    label_smoothing : float in [0, 1]
        Mix the target with this much of the uniform distribution.

    Returns
    -------
    Tensor
        A scalar in nats; its gradient is (softmax(logits) - target) / n.

    Raises
    ------
    ValueError
        If a label is not one of the classes, or rows of probabilities do not sum to 1.

    References
    ----------
    Deep Learning, section 6.2.2.3.

    Examples
    --------
    >>> z = Tensor([[0.0, 0.0, 1000.0]])
    >>> cross_entropy(z, np.array([0])).item()
    1000.0
    """
    if not isinstance(target, Tensor) and np.asarray(target).dtype.kind in "iu":
        target = _one_hot(np.asarray(target), logits.shape, logits.dtype)
    else:
        _check_rows(target.data if isinstance(target, Tensor) else target)
        _same_shape(logits, target, "cross_entropy")
    if label_smoothing:
        if not 0 < label_smoothing <= 1:
            raise ValueError(f"cross_entropy: label_smoothing must lie in [0, 1], got {label_smoothing}")
        target = (1 - label_smoothing) * target + label_smoothing / logits.shape[-1]
    return autodiff.cross_entropy(logits, target)


def _one_hot(labels: NDArray[np.integer[Any]], shape: tuple[int, ...], dtype: Any) -> Array:
    """Return labels as rows of probabilities."""
    if labels.shape != shape[:-1]:
        raise ValueError(f"cross_entropy: labels of shape {labels.shape} for logits of shape {shape}")
    classes = np.arange(shape[-1])
    hot = labels[..., None] == classes
    if np.count_nonzero(hot) != labels.size:
        bad = labels[~np.isin(labels, classes)].flat[0]
        raise ValueError(f"cross_entropy: label {bad} outside 0..{shape[-1] - 1}")
    q: Array = hot.astype(dtype)
    return q


def _check_rows(q: Array) -> None:
    sums = q.sum(axis=-1)
    if not (np.all(q >= 0) and np.all(np.abs(sums - 1) <= 100 * np.finfo(q.dtype).eps * q.shape[-1])):
        raise ValueError("cross_entropy: rows of target probabilities must be non-negative and sum to 1")


def gaussian_nll(mean: Any, log_scale: Any, y: Any) -> Tensor:
    """Return the mean over rows of -log N(y; mean, exp(log_scale)^2), summed over the columns, which are independent.

    Parameters
    ----------
    mean : Tensor or array, shape (n,) or (n, d)
        Predicted means.
    log_scale : Tensor or array, broadcasts with mean
        Logarithms of the standard deviations. Unlike a variance they may take any value, and nothing is divided by.
    y : array, shape of mean
        Targets.

    Returns
    -------
    Tensor
        A scalar in nats, unbounded below: a scale may shrink onto a point that the mean hits.

    References
    ----------
    Deep Learning, sections 6.2.1.1 and 6.2.2.4.

    Examples
    --------
    >>> y = np.array([0.0, 2.0])
    >>> round(float(gaussian_nll(np.zeros(2), np.zeros(2), y) - 0.5 * mse_loss(np.zeros(2), y)), 6)
    0.918939
    """
    _same_shape(mean, y, "gaussian_nll")
    nll = _gaussian(mean, log_scale, y)
    return (nll if nll.ndim == 1 else nll.sum(axis=tuple(range(1, nll.ndim)))).mean()  # type: ignore[no-any-return]


def _gaussian(mean: Any, log_scale: Any, y: Any) -> Any:
    z = (y - mean) * exp(-log_scale)
    return 0.5 * (z * z) + log_scale + _HALF_LOG_2PI


def mixture_nll(params: Mixture, y: Any) -> Tensor:
    """Return the mean over rows of -log p(y) under a mixture of Gaussians with diagonal covariances.

    Parameters
    ----------
    params : (logits (n, K), means (n, K, d), log_scales (n, K, d))
        As `dlcore.networks.modules.MixtureDensity` returns them.
    y : array, shape (n, d)
        Targets.

    Returns
    -------
    Tensor
        A scalar in nats, by log-sum-exp over the components.

    Raises
    ------
    ValueError
        If y does not have the shape (n, d).

    References
    ----------
    Deep Learning, section 6.2.2.4.

    Examples
    --------
    >>> one = np.zeros((2, 1)), np.zeros((2, 1, 1)), np.zeros((2, 1, 1))
    >>> y = np.array([[0.0], [2.0]])
    >>> bool(mixture_nll(one, y) == gaussian_nll(np.zeros((2, 1)), np.zeros((2, 1)), y))
    True
    """
    logits, means, log_scales = params
    if y.shape != (means.shape[0], means.shape[2]):
        raise ValueError(f"mixture_nll: targets of shape {y.shape} for means of shape {means.shape}")
    log_density = -_gaussian(means, log_scales, y[:, None, :]).sum(axis=2)
    return (logsumexp(logits) - logsumexp(logits + log_density)).mean()


def mdn_mean(params: Mixture) -> Array:
    """Return the mean of each mixture, shape (n, d): the prediction with the least squared error.

    Examples
    --------
    >>> mdn_mean((np.zeros((1, 2)), np.array([[[0.0], [4.0]]]), np.zeros((1, 2, 1))))
    array([[2.]])
    """
    logits, means, _ = _arrays(params)
    mean: Array = np.einsum("nk,nkd->nd", numerics.softmax(logits), means)
    return mean


def mdn_sample(params: Mixture, rng: np.random.Generator) -> Array:
    """Draw one y from each mixture, shape (n, d): first a component, then a point of it.

    Examples
    --------
    >>> tight = np.zeros((1, 2)), np.array([[[0.0], [4.0]]]), np.full((1, 2, 1), -9.0)
    >>> float(mdn_sample(tight, np.random.default_rng(0)).round(1)[0, 0]) in (0, 4)
    True
    """
    logits, means, log_scales = _arrays(params)
    k = np.argmax(logits + rng.gumbel(size=logits.shape), axis=1)  # argmax of logits plus Gumbel noise ~ softmax
    rows = np.arange(len(k))
    sample: Array = means[rows, k] + np.exp(log_scales[rows, k]) * rng.normal(size=means[rows, k].shape)
    return sample.astype(means.dtype)


def _arrays(params: Mixture) -> list[Array]:
    return [part.data if isinstance(part, Tensor) else part for part in params]
