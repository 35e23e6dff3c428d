"""Gabor functions, with which one describes the receptive fields of vision: *Deep Learning*, section 9.10.

Positions are in pixels: x0 counts columns to the right and y0 rows downwards, both from the middle of the first pixel.
Angles turn from the first axis to the second, which on a screen is clockwise.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
import scipy.optimize
from numpy.typing import ArrayLike, NDArray

from dlcore.foundations.linalg import _integer, _matrix, _nonnegative, _real

__all__ = ["GaborParameters", "fit_gabor", "gabor"]

Array: TypeAlias = NDArray[np.floating[Any]]


class GaborParameters(NamedTuple):
    """What `gabor` takes, in its order, so that ``gabor(shape, *parameters)`` draws them.

    Attributes
    ----------
    x0, y0 : float
        Middle, in pixels: column and row.
    alpha : float
        Amplitude.
    beta_x, beta_y : float
        How fast the envelope falls across the stripes and along them, in 1 / pixel^2; its standard deviation in that
        direction is 1 / sqrt(2 beta).
    frequency : float
        Of the wave, in radians per pixel.
    phase : float
        Of the wave at the middle, in radians: 0 is a crest, pi / 2 an edge.
    angle : float
        Direction in which the wave travels, in radians.
    """

    x0: float
    y0: float
    alpha: float
    beta_x: float
    beta_y: float
    frequency: float
    phase: float
    angle: float


def gabor(
    shape: tuple[int, int],
    x0: float,
    y0: float,
    alpha: float,
    beta_x: float,
    beta_y: float,
    frequency: float,
    phase: float,
    angle: float,
) -> Array:
    """Draw alpha exp(-beta_x x'^2 - beta_y y'^2) cos(frequency x' + phase): a wave under a Gaussian envelope.

    x' and y' are the pixel's position relative to the middle, turned: x' = (x - x0) cos(angle) + (y - y0) sin(angle)
    and y' = -(x - x0) sin(angle) + (y - y0) cos(angle).

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    x0, y0, alpha, beta_x, beta_y, frequency, phase, angle : float
        As in `GaborParameters`. With both betas 0 it is a grating that fills the picture.

    Returns
    -------
    ndarray of float64
        Of that shape.

    Raises
    ------
    ValueError
        If the shape is not two positive integers, a beta is negative, or a number is not finite.

    References
    ----------
    Deep Learning, equations 9.16 to 9.18.

    Examples
    --------
    >>> gabor((1, 3), x0=1, y0=0, alpha=2, beta_x=0, beta_y=0, frequency=np.pi, phase=0, angle=0)
    array([[-2.,  2., -2.]])
    """
    rows, columns = (_integer(n, "shape", 1) for n in shape)
    beta_x, beta_y = _nonnegative(beta_x, "beta_x"), _nonnegative(beta_y, "beta_y")
    _real([x0, y0, alpha, beta_x, beta_y, frequency, phase, angle], "a Gabor's parameters", 1)
    x, y = _turned((rows, columns), x0, y0, angle)
    drawn: Array = alpha * np.exp(-beta_x * x**2 - beta_y * y**2) * np.cos(frequency * x + phase)
    return drawn


def fit_gabor(patch: ArrayLike) -> tuple[GaborParameters, float]:
    """Find the Gabor function that is nearest to a patch in squared error.

    alpha cos(f x' + phase) is a mixture of cos(f x') and sin(f x'), so that for given place, size, frequency and angle
    amplitude and phase come out of a regression on two columns, and six numbers are left to search for. Start: place
    and size of the patch's energy, and the best of forty waves. Then steps of Gauss and Newton within bounds: the
    middle lies in the patch, the envelope is between half a pixel and the whole patch wide, the wave has between half
    a period per patch and half a period per pixel.

    Parameters
    ----------
    patch : array_like, shape (rows, columns)
        At least 4 x 4 pixels, not all alike.

    Returns
    -------
    parameters : GaborParameters
        With alpha and frequency positive and the angle between 0 and pi. A Gabor of low frequency is a blob or one
        edge, in which frequency, envelope and amplitude can stand in for one another.
    r2 : float
        1 - (squared error) / (squared distance from the patch's mean): 1 if the patch is a Gabor. It can be negative,
        for a Gabor has no constant to add.

    Raises
    ------
    ValueError
        If the patch is too small, constant or not finite.

    References
    ----------
    Deep Learning, section 9.10. J. P. Jones and L. A. Palmer, An evaluation of the two-dimensional Gabor filter model
    of simple receptive fields in cat striate cortex (1987). G. H. Golub and V. Pereyra, The differentiation of
    pseudo-inverses and nonlinear least squares problems whose variables separate (1973).

    Examples
    --------
    >>> planted = gabor((12, 12), 5, 6, 2.0, 0.05, 0.02, 1.2, 0.5, 0.3)
    >>> parameters, r2 = fit_gabor(planted)
    >>> round(parameters.frequency, 3), round(parameters.angle, 3), round(r2, 3)
    (1.2, 0.3, 1.0)
    """
    patch = _matrix(patch, "patch").astype(np.float64)
    if min(patch.shape) < 4 or not np.ptp(patch):
        raise ValueError(f"a patch needs 4 x 4 pixels or more that are not all alike, got shape {patch.shape}")
    w = patch / np.abs(patch).max()
    rows, columns = w.shape
    widest, slowest = np.log(0.5 / max(w.shape) ** 2), np.pi / max(w.shape)
    lower = [0, 0, widest, widest, slowest, -np.inf]
    upper = [columns - 1, rows - 1, np.log(2), np.log(2), np.pi, np.inf]
    waves = np.clip(_waves(w), lower, upper)
    start = waves[np.argmin(np.sum(_error(waves, w) ** 2, axis=1))]
    best = scipy.optimize.least_squares(
        _error, start, _error_slopes, args=(w,), bounds=(lower, upper), ftol=1e-4, xtol=1e-5, max_nfev=60
    )
    x0, y0, log_beta_x, log_beta_y, frequency, angle = best.x
    (a, b), *_ = np.linalg.lstsq(_pair(best.x, w.shape), patch.ravel())
    half_turns, angle = divmod(angle, np.pi)
    phase = np.arctan2(-b, a) * (-1) ** half_turns  # seen from behind, x' and the phase change sign
    numbers = x0, y0, np.hypot(a, b), np.exp(log_beta_x), np.exp(log_beta_y), frequency, phase, angle
    parameters = GaborParameters(*map(float, numbers))
    error = np.sum((patch - gabor(patch.shape, *parameters)) ** 2)
    return parameters, float(1 - error / np.sum((patch - patch.mean()) ** 2))


def _turned(shape: tuple[int, ...], x0: Any, y0: Any, angle: Any) -> tuple[Array, Array]:
    """Return x' and y' of every pixel."""
    y, x = np.indices(shape, dtype=np.float64)
    c, s = np.cos(angle), np.sin(angle)
    return c * (x - x0) + s * (y - y0), c * (y - y0) - s * (x - x0)


def _pair(theta: Array, shape: tuple[int, ...]) -> Array:
    """Return the even and the odd wave of theta = (x0, y0, log beta_x, log beta_y, frequency, angle) as two columns.

    Many theta, in rows, give many pairs.
    """
    x0, y0, log_beta_x, log_beta_y, frequency, angle = np.moveaxis(theta, -1, 0)[..., None, None]
    x, y = _turned(shape, x0, y0, angle)
    envelope = np.exp(-np.exp(log_beta_x) * x**2 - np.exp(log_beta_y) * y**2)
    pair = np.stack([envelope * np.cos(frequency * x), envelope * np.sin(frequency * x)], axis=-1)
    return pair.reshape(*theta.shape[:-1], -1, 2)


def _error(theta: Array, w: Array) -> Array:
    """Return what the best mixture of both waves lacks of the patch, pixel by pixel, for one theta or for each row."""
    Q, _ = np.linalg.qr(_pair(theta, w.shape))
    column = w.reshape(-1, 1)
    error: Array = Q @ (Q.mT @ column) - column
    return error[..., 0]


def _error_slopes(theta: Array, w: Array) -> Array:
    """Return the slopes of `_error`: those of g = a C + b S for fixed a and b, less what new a and b would make good.

    The slopes of the regression itself are left out, as Kaufman (1975) does; the gradient of the squared error stays
    exact.
    """
    x0, y0, log_beta_x, log_beta_y, f, angle = theta
    pair = _pair(theta, w.shape)
    Q, _ = np.linalg.qr(pair)
    (a, b), *_ = np.linalg.lstsq(pair, w.ravel())
    x, y = (t.ravel() for t in _turned(w.shape, x0, y0, angle))
    c, s = np.cos(angle), np.sin(angle)
    g, g_wave = pair @ [a, b], pair @ [b, -a]  # the Gabor, and its slope along f x'
    in_x, in_y = -2 * np.exp(log_beta_x) * x, -2 * np.exp(log_beta_y) * y
    g_x, g_y = in_x * g + f * g_wave, in_y * g
    columns = (s * g_y - c * g_x, -s * g_x - c * g_y, in_x * x * g / 2, in_y * y * g / 2, x * g_wave, y * g_x - x * g_y)
    slopes: Array = np.stack(columns, axis=1)
    slopes -= Q @ (Q.T @ slopes)
    return slopes


def _waves(w: Array) -> Array:
    """Return forty starts: where the patch has its energy, as wide as that, in eight directions, from slow to fast."""
    y, x = np.indices(w.shape)
    energy = w**2 / np.sum(w**2)
    x0, y0 = np.sum(energy * x), np.sum(energy * y)
    spread = np.sum(energy * ((x - x0) ** 2 + (y - y0) ** 2)) / 2
    log_beta = -np.log(4 * max(spread, 1 / 8))  # the square of the envelope has half its variance
    frequencies = np.geomspace(1.2 * np.pi / max(w.shape), 0.75 * np.pi, 5)
    angles = np.arange(8) * np.pi / 8
    return np.array([(x0, y0, log_beta, log_beta, f, angle) for f in frequencies for angle in angles])
