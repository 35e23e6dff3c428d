"""Numerical computation: the functions and algorithms of *Deep Learning*, chapter 4.

The functions of section 4.1 accept arrays of any shape, as a rule with an axis, keep float16, float32 and float64, turn
integers into float64, and take -inf (the logarithm of nothing) wherever it has a meaning. They never warn and never
return NaN: input without an answer raises ``ValueError``.

Derivatives by differences are taken in float64. Optimisers return ``scipy.optimize.OptimizeResult``, keep every iterate
in ``path``, and stop with ``success=False`` and a message where the iterates leave the finite numbers or no longer
move. Nothing is modified in place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import OptimizeResult

from dlcore.foundations.linalg import _integer, _matrix, _nonnegative, _real, _square, eigh_qr, power_iteration, solve

__all__ = [
    "backtracking",
    "check_gradient",
    "classify_critical_point",
    "condition_number",
    "exact_step_quadratic",
    "gradient_descent",
    "hessian_vector_product",
    "kahan_sum",
    "kkt_residuals",
    "least_squares_ball",
    "least_squares_gd",
    "log_sigmoid",
    "log_softmax",
    "logit",
    "logsumexp",
    "newton",
    "numerical_gradient",
    "numerical_hessian",
    "numerical_jacobian",
    "online_logsumexp",
    "project_ball",
    "project_nonnegative",
    "project_simplex",
    "projected_gradient",
    "qp_active_set",
    "sharpness",
    "sigmoid",
    "soft_threshold",
    "softmax",
    "softplus",
    "steepest_descent",
]

Array: TypeAlias = NDArray[np.floating[Any]]
Axis: TypeAlias = int | tuple[int, ...] | None
Function: TypeAlias = Callable[[Array], Any]
LineSearch: TypeAlias = Callable[[Function, Array, Array, Array], float]


# --- 4.1 Overflow and Underflow ---


def logsumexp(x: ArrayLike, axis: Axis = -1, keepdims: bool = False) -> Any:
    """Return log(sum(exp(x))) without overflow: the largest entry m leaves the exponentials, m + log(sum(exp(x - m))).

    The largest exponential is then 1 and the sum lies between 1 and n: max(x) <= logsumexp(x) <= max(x) + log n.

    Parameters
    ----------
    x : array_like
        Logarithms of what is to be added. -inf stands for 0, +inf for infinity.
    axis : int, tuple of int or None
        Axis or axes to sum over; None for all.
    keepdims : bool
        Keep the summed axes with length 1.

    Returns
    -------
    ndarray or scalar
        x without the summed axes, in the dtype of x. The sum of nothing, and of -inf alone, is -inf.

    Raises
    ------
    ValueError
        If x holds NaN or is not real.

    References
    ----------
    Deep Learning, section 4.1.

    Examples
    --------
    >>> round(float(logsumexp([1000, 1000])), 4)
    1000.6931
    >>> logsumexp([[0, -np.inf], [-np.inf, -np.inf]])
    array([  0., -inf])
    """
    x = _floating(x)
    m = np.maximum.reduce(x, axis=axis, keepdims=True, initial=-np.inf)
    _refuse_nan(m)
    # -inf - (-inf) has no value; exp(-inf - 0) = 0 has
    m = np.where(np.isfinite(m), m, 0)
    with np.errstate(divide="ignore", over="ignore"):
        result = m + np.log(np.add.reduce(np.exp(x - m), axis=axis, keepdims=True))
    if keepdims:
        return result
    return np.squeeze(result, axis=tuple(range(x.ndim)) if axis is None else axis)[()]


def softmax(x: ArrayLike, axis: int = -1) -> Any:
    """Return exp(x) / sum(exp(x)), from x - max(x): adding a constant to x changes nothing but the danger.

    Parameters
    ----------
    x : array_like
        Scores, one distribution along `axis`. -inf gives probability 0.
    axis : int
        The axis over which the result sums to 1.

    Returns
    -------
    ndarray
        Probabilities, shape and dtype of x.

    Raises
    ------
    ValueError
        If x holds NaN or +inf, or has no finite entry along `axis`: there is no distribution then.

    References
    ----------
    Deep Learning, section 4.1, equation 4.1.

    Examples
    --------
    >>> softmax([1000, 1000, -np.inf])
    array([0.5, 0.5, 0. ])
    """
    x, m = _scores(x, axis)
    # x - m may pass the lowest number; exp(-inf) = 0 is right then
    with np.errstate(over="ignore"):
        e = np.exp(x - m)
    return e / np.add.reduce(e, axis=axis, keepdims=True)


def log_softmax(x: ArrayLike, axis: int = -1) -> Any:
    """Return x - logsumexp(x): finite where softmax has underflowed to 0 and its logarithm would be -inf.

    Parameters
    ----------
    x : array_like
        Scores, one distribution along `axis`. -inf stays -inf.
    axis : int
        The axis over which the exponentials of the result sum to 1.

    Returns
    -------
    ndarray
        Logarithms of probabilities, shape and dtype of x.

    Raises
    ------
    ValueError
        If x holds NaN or +inf, or has no finite entry along `axis`.

    References
    ----------
    Deep Learning, section 4.1.

    Examples
    --------
    >>> log_softmax([0, -800])
    array([   0., -800.])
    """
    x, m = _scores(x, axis)
    with np.errstate(over="ignore"):
        shifted = x - m
    return shifted - np.log(np.add.reduce(np.exp(shifted), axis=axis, keepdims=True))


def _scores(x: ArrayLike, axis: int) -> tuple[Array, Array]:
    """Return x and its maxima along the axis, after checking that softmax exists."""
    x = _floating(x)
    m = np.maximum.reduce(x, axis=axis, keepdims=True, initial=-np.inf)
    if not np.isfinite(m).all():
        bad = m[~np.isfinite(m)][0]
        raise ValueError(
            f"softmax needs a finite maximum along axis {axis}, got {bad} in an x of "
            f"shape {x.shape}"
        )
    return x, m


def sigmoid(x: ArrayLike) -> Any:
    """Return 1 / (1 + exp(-x)), from exp(-abs(x)), which cannot overflow.

    Parameters
    ----------
    x : array_like
        Log-odds; -inf gives 0 and +inf gives 1.

    Returns
    -------
    ndarray or scalar
        Probabilities, shape and dtype of x.

    Raises
    ------
    ValueError
        If x holds NaN or is not real.

    References
    ----------
    Deep Learning, section 3.10.

    Examples
    --------
    >>> sigmoid([-1000, 0, np.inf])
    array([0. , 0.5, 1. ])
    """
    x = _number(x)
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def log_sigmoid(x: ArrayLike) -> Any:
    """Return log(sigmoid(x)) = -softplus(-x): close to x where sigmoid(x) underflows to 0.

    Parameters
    ----------
    x : array_like
        Log-odds; -inf gives -inf and +inf gives 0.

    Returns
    -------
    ndarray or scalar
        Logarithms of probabilities, shape and dtype of x.

    Raises
    ------
    ValueError
        If x holds NaN or is not real.

    References
    ----------
    Deep Learning, section 3.10.

    Examples
    --------
    >>> log_sigmoid([-1000, 1000])
    array([-1000.,     0.])
    """
    x = _number(x)
    return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))


def softplus(x: ArrayLike) -> Any:
    """Return log(1 + exp(x)), the smooth version of max(x, 0), as max(x, 0) + log(1 + exp(-abs(x))).

    Parameters
    ----------
    x : array_like
        Any real numbers; -inf gives 0 and +inf gives +inf.

    Returns
    -------
    ndarray or scalar
        Shape and dtype of x.

    Raises
    ------
    ValueError
        If x holds NaN or is not real.

    References
    ----------
    Deep Learning, section 3.10.

    Examples
    --------
    >>> softplus([-1000, 1000])
    array([   0., 1000.])
    """
    x = _number(x)
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def logit(p: ArrayLike) -> Any:
    """Return log(p / (1 - p)), the inverse of `sigmoid`, to full relative precision near 0, 1/2 and 1.

    Parameters
    ----------
    p : array_like
        Probabilities.

    Returns
    -------
    ndarray or scalar
        Log-odds, shape and dtype of p: -inf for 0, +inf for 1.

    Raises
    ------
    ValueError
        If an entry of p is NaN or lies outside [0, 1].

    References
    ----------
    Deep Learning, section 3.10.

    Examples
    --------
    >>> logit([0, 0.5, 1])
    array([-inf,   0.,  inf])
    """
    p = _floating(p)
    if not np.all((p >= 0) & (p <= 1)):
        bad = p[~((p >= 0) & (p <= 1))].flat[0]
        raise ValueError(f"a probability must lie in [0, 1], got {bad}")
    with np.errstate(divide="ignore"):
        near_zero = np.log(p) - np.log1p(-np.minimum(p, 0.25))
        elsewhere = np.log1p((2 * p - 1) / (1 - p))  # 2 p - 1 and 1 - p are exact for p >= 1/2
    return np.where(p < 0.25, near_zero, elsewhere)[()]


def online_logsumexp(chunks: Iterable[ArrayLike]) -> float:
    """Return logsumexp of all numbers in a stream, seen once and chunk by chunk.

    It keeps two numbers, the largest entry m so far and s = sum(exp(x - m)). A chunk with a larger maximum m'
    multiplies s by exp(m - m').

    Parameters
    ----------
    chunks : iterable of array_like
        Arrays of any shapes, also empty ones; -inf allowed.

    Returns
    -------
    float
        -inf if the stream holds nothing else.

    Raises
    ------
    ValueError
        If a chunk holds NaN or +inf, or is not real.

    References
    ----------
    M. Milakov and N. Gimelshein, Online normalizer calculation for softmax (2018).

    Examples
    --------
    >>> round(online_logsumexp([[1000, 0], [], [1000, -np.inf]]), 4)
    1000.6931
    """
    m, s = -math.inf, 0.0
    for chunk in chunks:
        x = _floating(chunk).astype(float)
        new_m = float(np.max(x, initial=m))
        if not new_m < math.inf:
            raise ValueError(f"a chunk must hold numbers below inf, got {new_m}")
        if new_m > -math.inf:
            with np.errstate(over="ignore"):
                s = s * math.exp(m - new_m) + float(np.sum(np.exp(x - new_m)))
            m = new_m
    return m + math.log(s) if s > 0 else -math.inf


def kahan_sum(x: ArrayLike, axis: int = -1) -> Any:
    """Add along an axis, one entry after the other, and carry the digits that each addition loses to the next one.

    Parameters
    ----------
    x : array_like
        Finite numbers, at least one-dimensional.
    axis : int
        The axis to sum over.

    Returns
    -------
    ndarray or scalar
        x without that axis, in the dtype of x. The error is about 2 eps sum(abs(x)), however many terms there are.

    Raises
    ------
    ValueError
        If x is not finite, or a sum leaves the range of its dtype.

    References
    ----------
    W. Kahan, Further remarks on reducing truncation errors (1965).

    Examples
    --------
    >>> x = np.full(1000, 0.1, dtype=np.float16)
    >>> float(np.cumsum(x)[-1]), float(kahan_sum(x)), float(x.astype(float).sum())
    (105.1875, 100.0, 99.9755859375)
    """
    x = _floating(x)
    terms = np.moveaxis(x, axis, 0)
    total = lost = np.zeros(terms.shape[1:], dtype=x.dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        for term in terms:
            corrected = term - lost
            new = total + corrected
            lost = (new - total) - corrected
            total = new
    if not np.isfinite(total).all():
        raise ValueError(f"x must be finite and its sum within the range of {x.dtype}")
    return total[()]


def soft_threshold(x: ArrayLike, t: ArrayLike) -> Any:
    """Move every entry of x by t towards 0, and to 0 if it is nearer than that: sign(x) max(abs(x) - t, 0).

    It minimises (z - x)**2 / 2 + t abs(z) over z: the proximal operator of the absolute value. Written as x minus its
    projection on [-t, t].

    Parameters
    ----------
    x : array_like
        Any real numbers.
    t : array_like, finite, >= 0
        One threshold, or an array of them that broadcasts with x.

    Returns
    -------
    ndarray or scalar
        Dtype of x.

    Raises
    ------
    ValueError
        If x holds NaN, or t is negative or not finite.

    References
    ----------
    Deep Learning, section 7.1.2.

    Examples
    --------
    >>> soft_threshold([-3, 0.5, 2], 1)
    array([-2.,  0.,  1.])
    """
    x = _number(x)
    t = np.asarray(t, dtype=x.dtype)
    if not np.all((t >= 0) & (t < np.inf)):
        raise ValueError(f"t must be finite and >= 0, got a smallest value of {np.min(t)} and a largest of {np.max(t)}")
    return x - np.minimum(np.maximum(x, -t), t)


# --- 4.2 Poor Conditioning ---


def condition_number(A: ArrayLike) -> float:
    """Return the ratio of the largest to the smallest singular value: how many times A x = b magnifies relative errors.

    For a normal matrix (a symmetric one, say) this is the book's max abs(lambda_i / lambda_j); for others it is the one
    of the two that bounds errors.

    Parameters
    ----------
    A : array_like, shape (m, n)
        Any matrix with at least one entry.

    Returns
    -------
    float
        At least 1, and inf if a singular value is 0.

    Raises
    ------
    ValueError
        If A is not a matrix of finite real numbers, or is empty.

    References
    ----------
    Deep Learning, section 4.2, equation 4.2.

    Examples
    --------
    >>> condition_number([[1, 0], [0, -100]])
    100.0
    """
    A = _matrix(A)
    if A.size == 0:
        raise ValueError(f"A must have an entry to have a condition number, got shape {A.shape}")
    s = np.linalg.svd(A, compute_uv=False)
    return float(s[0] / s[-1]) if s[-1] > 0 else math.inf


# --- 4.3 Gradient-Based Optimization: derivatives by differences ---


def numerical_gradient(f: Function, x: ArrayLike, eps: float = 1e-6) -> Array:
    """Return the gradient of f at x by central differences, (f(x + h e_i) - f(x - h e_i)) / 2 h.

    The step is h = eps max(1, abs(x_i)). The error is about h**2 abs(f''') / 6 + 1e-16 abs(f) / h, smallest near
    h = 1e-5 for exp; eps = 1e-6 suits functions that bend more.

    Parameters
    ----------
    f : function of an array like x
        Returns one number, computed in float64.
    x : array_like
        Where; any shape.
    eps : float
        Relative step.

    Returns
    -------
    ndarray, shape of x
        float64, from 2 x.size calls of f.

    Raises
    ------
    ValueError
        If f returns an array, a float32 number (too coarse to subtract), or a number that is not finite.

    References
    ----------
    Deep Learning, section 4.3; 11.5 for its use as a test.

    Examples
    --------
    >>> numerical_gradient(lambda x: x[0] ** 2 + 3 * x[1], [2.0, 5.0]).round(6)
    array([4., 3.])
    """
    if np.ndim(f(_point(x))) != 0:
        raise ValueError(f"f must return one number, got shape {np.shape(f(_point(x)))}")
    return numerical_jacobian(f, x, eps)


def numerical_jacobian(f: Function, x: ArrayLike, eps: float = 1e-6) -> Array:
    """Return all partial derivatives of an array-valued f at x by central differences.

    Parameters
    ----------
    f : function of an array like x
        Returns an array of any shape, computed in float64.
    x : array_like
        Where; any shape.
    eps : float
        Relative step, as in `numerical_gradient`.

    Returns
    -------
    ndarray, shape f(x).shape + x.shape
        J[i, j] = d f_i / d x_j for vectors. float64.

    Raises
    ------
    ValueError
        If f returns float32, or a number that is not finite.

    References
    ----------
    Deep Learning, section 4.3.1.

    Examples
    --------
    >>> numerical_jacobian(lambda x: [x[0] * x[1], x[0]], [2.0, 5.0]).round(6)
    array([[5., 2.],
           [1., 0.]])
    """
    x, eps = _point(x), _positive(eps, "eps")
    J = np.empty(np.shape(_value(f, x)) + x.shape)
    for i in np.ndindex(x.shape):
        forward, backward = x.copy(), x.copy()
        h = eps * max(1.0, float(abs(x[i])))
        forward[i] += h
        backward[i] -= h
        J[(..., *i)] = (_value(f, forward) - _value(f, backward)) / (forward[i] - backward[i])
    return J


def numerical_hessian(grad: Function, x: ArrayLike, eps: float = 1e-5) -> Array:
    """Return the Hessian as the Jacobian of the gradient, made symmetric.

    Parameters
    ----------
    grad : function of an array like x
        The gradient, exact: differences of differences lose all digits.
    x : array_like, shape (n,)
        Where.
    eps : float
        Relative step, as in `numerical_gradient`.

    Returns
    -------
    ndarray, shape (n, n)
        float64. Where second derivatives are not continuous the two mixed ones may differ; their mean is returned.

    Raises
    ------
    ValueError
        If grad returns another shape than x, float32, or a number that is not finite.

    References
    ----------
    Deep Learning, section 4.3.1.

    Examples
    --------
    >>> numerical_hessian(lambda x: [2 * x[0] * x[1], x[0] ** 2], [1.0, 3.0]).round(6)
    array([[6., 2.],
           [2., 0.]])
    """
    x = _point(x, 1)
    H = numerical_jacobian(lambda z: _gradient(grad, z), x, eps)
    return (H + H.T) / 2


def check_gradient(
    f: Function,
    grad: Function,
    x: ArrayLike,
    rng: np.random.Generator,
    *,
    n_directions: int = 5,
    eps: float = 1e-6,
) -> float:
    """Compare grad(x) with differences of f along random directions; the largest relative error.

    A direction u has normal entries times max(1, max(abs(x))), and sees an error in any component of the gradient. The
    slope u . grad(x) is compared with (f(x + eps u) - f(x - eps u)) / 2 eps, and the difference is divided by
    norm(grad(x)) and by the scale of u. A correct gradient of a smooth function gives less than 1e-6, most often 1e-9.

    Parameters
    ----------
    f : function of an array like x
        Returns one number, computed in float64.
    grad : function of an array like x
        Returns an array like x: the claimed gradient.
    x : array_like
        A point where the gradient is not zero (there a relative error means nothing); any shape.
    rng : numpy.random.Generator
        Draws the directions.
    n_directions : int
        How many.
    eps : float
        Step along u.

    Returns
    -------
    float
        0 where gradient and differences vanish exactly.

    Raises
    ------
    ValueError
        If a value is not finite, f returns float32 or more than a number, or grad returns another shape than x.

    References
    ----------
    Deep Learning, sections 4.3 and 11.5.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> check_gradient(lambda x: np.sum(x**3), lambda x: 3 * x**2, np.ones(4), rng) < 1e-8
    True
    >>> check_gradient(lambda x: np.sum(x**3), lambda x: 2 * x**2, np.ones(4), rng) > 0.1
    True
    """
    x = _point(x)
    g, scale = _value(lambda z: _gradient(grad, z), x), float(np.abs(x).max(initial=1))
    claimed, measured = [], []
    for _ in range(_integer(n_directions, "n_directions", 1)):
        u = rng.standard_normal(x.shape)
        along_u = numerical_gradient(lambda t: f(x + t * scale * u), 0.0, eps)  # noqa: B023, called at once
        claimed.append(float(np.vdot(u, g)))
        measured.append(float(along_u) / scale)
    error = float(np.max(np.abs(np.subtract(claimed, measured))))
    return error / (_length(g) or float(np.max(np.abs(measured))) or 1.0)


def hessian_vector_product(grad: Function, x: ArrayLike, v: ArrayLike, eps: float = 1e-5) -> Array:
    """Return H v without H: the gradient's central difference along v.

    Parameters
    ----------
    grad : function of an array like x
        The gradient, exact.
    x, v : array_like, equal shapes
        Where, and the direction.
    eps : float
        The largest change of an entry of x, relative to max(1, max(abs(x))).

    Returns
    -------
    ndarray, shape of x
        float64, from two calls of grad.

    Raises
    ------
    ValueError
        If the shapes differ, or if grad returns float32 or a number that is not finite.

    References
    ----------
    Deep Learning, section 4.3.1.

    Examples
    --------
    >>> hessian_vector_product(lambda x: [2 * x[0], 8 * x[1]], [1.0, 1.0], [1.0, 1.0]).round(6)
    array([2., 8.])
    """
    x, v = _point(x), _point(v)
    if v.shape != x.shape:
        raise ValueError(f"x of shape {x.shape} needs a v of that shape, got {v.shape}")
    h = _positive(eps, "eps") * np.abs(x).max(initial=1) / (np.abs(v).max(initial=0) or 1.0)
    difference = _value(lambda z: _gradient(grad, z), x + h * v) - _value(lambda z: _gradient(grad, z), x - h * v)
    return np.asarray(difference / (2 * h))


def sharpness(
    grad: Function | None,
    x: ArrayLike,
    rng: np.random.Generator,
    *,
    hvp: Function | None = None,
    v0: ArrayLike | None = None,
    n_iter: int = 500,
    tol: float = 1e-2,
) -> tuple[float, Array]:
    """Find the largest eigenvalue of the Hessian by power iteration on Hessian-vector products.

    Power iteration finds the eigenvalue of largest magnitude. Where that is a negative lambda, a second run on
    H - 2 lambda I, all of whose eigenvalues are positive, finds the largest.

    Parameters
    ----------
    grad : function of an array like x, or None
        The gradient. Not needed if hvp is given.
    x : array_like, shape (n,)
        Where.
    rng : numpy.random.Generator
        Draws a start where v0 is not given, and for a second run.
    hvp : function v -> H v, optional
        Exact products; without it, `hessian_vector_product` takes differences of grad.
    v0 : array_like, shape (n,), optional
        Start: the vector found at a point nearby saves most of the work.
    n_iter : int
        Largest number of products in a run. Where gradient descent presses several eigenvalues against 2 / lr at once,
        they lie within a few per cent of each other, and some hundred products are needed to tell them apart.
    tol : float
        Largest norm(H v - value v) / abs(value), in a second run relative to value - 2 lambda. The relative error of
        `value` is at most that, and about its square if the next eigenvalue is well separated.

    Returns
    -------
    value : float
        The largest eigenvalue, which may be negative.
    vector : ndarray, shape (n,)
        Its unit eigenvector.

    Raises
    ------
    ValueError
        If a run does not converge: the message of `linalg.power_iteration`.

    References
    ----------
    Deep Learning, section 4.3.1. J. Cohen et al., Gradient descent on neural networks typically occurs at the edge of
    stability (2021).

    Examples
    --------
    >>> value, vector = sharpness(lambda x: [-9 * x[0], 2 * x[1]], [1.0, 1.0], np.random.default_rng(0))
    >>> round(value, 2)
    2.0
    """
    x = _point(x, 1)
    if hvp is None and grad is None:
        raise ValueError("sharpness needs grad or hvp, got neither")

    def product(v: Array) -> Any:
        return hvp(v) if hvp is not None else hessian_vector_product(grad, x, v)  # type: ignore[arg-type]

    start = rng.standard_normal(x.size) if v0 is None else v0
    value, v, _ = power_iteration(product, start, tol=tol, max_iter=n_iter)
    if value >= 0:
        return value, v
    shift = 2 * value
    value, v, _ = power_iteration(
        lambda u: product(u) - shift * u, rng.standard_normal(x.size), tol=tol, max_iter=n_iter
    )
    return value + shift, v


def classify_critical_point(H: ArrayLike, tol: float = 1e-8) -> Literal["minimum", "maximum", "saddle", "inconclusive"]:
    """Say what a critical point is from the signs of the eigenvalues of its Hessian.

    Parameters
    ----------
    H : array_like, shape (n, n)
        Symmetric, n >= 1.
    tol : float
        Eigenvalues up to tol times the largest magnitude count as zero.

    Returns
    -------
    "minimum", "maximum", "saddle" or "inconclusive"
        Both signs present: a saddle, whatever the zeros. One sign only: minimum or maximum, but "inconclusive" as soon
        as there is a zero among them.

    Raises
    ------
    ValueError
        If H is not symmetric, or is empty.

    References
    ----------
    Deep Learning, section 4.3.1.

    Examples
    --------
    >>> classify_critical_point([[2, 0], [0, -2]]), classify_critical_point([[2, 0], [0, 0]])
    ('saddle', 'inconclusive')
    """
    w, _ = eigh_qr(H)
    if len(w) == 0:
        raise ValueError(f"H must have an entry, got shape {np.shape(H)}")
    zero = _nonnegative(tol, "tol") * np.abs(w).max()
    up, down = bool((w > zero).any()), bool((w < -zero).any())
    if up and down:
        return "saddle"
    if (np.abs(w) <= zero).any():
        return "inconclusive"
    return "minimum" if up else "maximum"


# --- 4.3 Gradient-Based Optimization: downhill ---


def gradient_descent(
    grad: Function,
    x0: ArrayLike,
    lr: float,
    *,
    tol: float = 1e-6,
    max_iter: int = 10_000,
) -> OptimizeResult:
    """Walk downhill with a fixed step: x <- x - lr grad(x).

    Parameters
    ----------
    grad : function of an array like x0
        The gradient.
    x0 : array_like
        Start; any shape. float32 stays float32.
    lr : float > 0
        Step size. On a quadratic it must stay below 2 / (largest eigenvalue of the Hessian).
    tol : float
        Stop when norm(grad(x)) <= tol.
    max_iter : int
        Largest number of steps.

    Returns
    -------
    OptimizeResult
        x, nit (steps taken), path (shape (nit + 1, ...), from x0 to x), success, message. There is no fun: the method
        never looks at the function.

    Raises
    ------
    ValueError
        If lr is not positive, or grad returns another shape than x0.

    References
    ----------
    Deep Learning, section 4.3, equation 4.5.

    Examples
    --------
    >>> result = gradient_descent(lambda x: 2 * x, [8.0], lr=0.25)
    >>> result.path[:4, 0], result.success
    (array([8., 4., 2., 1.]), True)
    """
    lr, tol = _positive(lr, "lr"), _nonnegative(tol, "tol")

    def step(x: Array) -> Array | None:
        g = _gradient(grad, x)
        return None if _length(g) <= tol else x - lr * g

    return _iterate(step, x0, max_iter)


def backtracking(
    f: Function,
    x: ArrayLike,
    d: ArrayLike,
    g: ArrayLike,
    *,
    c: float = 1e-4,
    shrink: float = 0.5,
) -> float:
    """Return the first of 1, shrink, shrink**2, ... whose step lowers f enough: f(x + t d) <= f(x) + c t g . d.

    Parameters
    ----------
    f : function of an array like x
        Returns one number; nan or inf count as too high.
    x, d, g : array_like, equal shapes
        Point, direction, and the gradient at x.
    c : float in (0, 1)
        Share of the decrease promised by the slope that has to come true (Armijo's condition).
    shrink : float in (0, 1)
        Factor after a failure.

    Returns
    -------
    float
        t > 0.

    Raises
    ------
    ValueError
        If d does not point downhill, or if no t > 0 lowers f: g is then not the gradient of f.

    References
    ----------
    Deep Learning, section 4.3. L. Armijo, Minimization of functions having Lipschitz continuous first partial
    derivatives (1966).

    Examples
    --------
    >>> backtracking(lambda x: x @ x, np.array([1.0]), np.array([-8.0]), np.array([2.0]))
    0.125
    """
    x, d = np.asarray(x), np.asarray(d)
    slope = float(np.vdot(g, d))
    if not slope < 0:
        raise ValueError(f"d must point downhill, got a slope g . d of {slope:.3g}")
    if not (0 < c < 1 and 0 < shrink < 1):
        raise ValueError(f"c and shrink must lie between 0 and 1, got {c} and {shrink}")
    f_x, t = float(f(x)), 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        while not f(x + t * d) <= f_x + c * t * slope:
            t *= shrink
            if t < np.finfo(float).tiny:
                raise ValueError(
                    "f does not fall along d although its slope there should be "
                    f"{slope:.3g}: check g"
                )
    return t


def exact_step_quadratic(H: ArrayLike, g: ArrayLike) -> float:
    """Return the best step along -g on a quadratic with Hessian H: g . g / g . H g.

    Parameters
    ----------
    H : array_like, shape (n, n)
        Hessian.
    g : array_like, shape (n,)
        Gradient, not zero.

    Returns
    -------
    float
        Between 1 / lambda_max and 1 / lambda_min if H is positive definite.

    Raises
    ------
    ValueError
        If the curvature g . H g is not positive: the quadratic falls along -g without end.

    References
    ----------
    Deep Learning, section 4.3.1, equation 4.10.

    Examples
    --------
    >>> exact_step_quadratic([[1, 0], [0, 4]], [0, 3])
    0.25
    """
    H, g = _square(H), _real(g, "g", 1)
    if len(g) != len(H):
        raise ValueError(f"H of shape {H.shape} needs a g of length {len(H)}, got shape {g.shape}")
    curvature = float(g @ H @ g)
    if not curvature > 0:
        raise ValueError(f"no best step: the curvature g . H g is {curvature:.3g}, not positive")
    return float(g @ g) / curvature


def steepest_descent(
    f: Function,
    grad: Function,
    x0: ArrayLike,
    *,
    line_search: LineSearch = backtracking,
    tol: float = 1e-6,
    max_iter: int = 10_000,
) -> OptimizeResult:
    """Walk downhill and ask a line search for every step: x <- x + t d with d = -grad(x).

    Parameters
    ----------
    f, grad : functions of an array like x0
        The function and its gradient.
    x0 : array_like
        Start; any shape.
    line_search : function (f, x, d, g) -> t
        `backtracking`, or for example ``lambda f, x, d, g: exact_step_quadratic(H, g)``.
    tol : float
        Stop when norm(grad(x)) <= tol.
    max_iter : int
        Largest number of steps.

    Returns
    -------
    OptimizeResult
        x, fun, nit, path (shape (nit + 1, ...)), success, message.

    Raises
    ------
    ValueError
        What the line search raises; if grad returns another shape than x0.

    References
    ----------
    Deep Learning, section 4.3.

    Examples
    --------
    >>> result = steepest_descent(lambda x: x @ x, lambda x: 2 * x, [3.0, 4.0])
    >>> result.x, result.nit
    (array([0., 0.]), 1)
    """
    tol = _nonnegative(tol, "tol")

    def step(x: Array) -> Array | None:
        g = _gradient(grad, x)
        return None if _length(g) <= tol else x - line_search(f, x, -g, g) * g

    return _iterate(step, x0, max_iter, f)


def newton(
    f: Function,
    grad: Function,
    hess: Function,
    x0: ArrayLike,
    *,
    damped: bool = True,
    tol: float = 1e-6,
    max_iter: int = 100,
) -> OptimizeResult:
    """Jump to the critical point of the local quadratic, again and again: x <- x - H^-1 g.

    Damped: a `backtracking` search shortens the jump, and -g takes the place of a direction that does not point
    downhill (or does not exist because H is singular). Not damped: the jump as it is, uphill or into a saddle too.

    Parameters
    ----------
    f, grad, hess : functions of a vector
        The function, its gradient (n,) and its Hessian (n, n).
    x0 : array_like, shape (n,)
        Start.
    damped : bool
        See above.
    tol : float
        Stop when norm(grad(x)) <= tol.
    max_iter : int
        Largest number of steps.

    Returns
    -------
    OptimizeResult
        x, fun, nit, path (shape (nit + 1, n)), success, message.

    Raises
    ------
    ValueError
        If a Hessian is singular and damped is False; if the shapes do not fit.

    References
    ----------
    Deep Learning, section 4.3.1, equation 4.12, and algorithm 8.8.

    Examples
    --------
    >>> result = newton(lambda x: x @ x, lambda x: 2 * x, lambda x: 2 * np.eye(2), [3.0, 4.0])
    >>> result.x, result.nit
    (array([0., 0.]), 1)
    """
    tol = _nonnegative(tol, "tol")

    def step(x: Array) -> Array | None:
        g = _gradient(grad, x)
        if _length(g) <= tol:
            return None
        if not damped:
            return x - solve(hess(x), g)
        try:
            d = -solve(hess(x), g)
        except ValueError:
            d = -g
        if not np.vdot(g, d) < 0:
            d = -g
        return x + backtracking(f, x, d, g) * d

    return _iterate(step, _real(x0, "x0", 1), max_iter, f)


def _iterate(
    step: Callable[[Array], Array | None], x0: ArrayLike, max_iter: int, f: Function | None = None
) -> OptimizeResult:
    """Repeat x <- step(x) until step returns None: converged."""
    path = [_start(x0)]
    with np.errstate(over="ignore", invalid="ignore"):  # a divergence is reported by the result
        for _ in range(_integer(max_iter, "max_iter", 0) + 1):
            x = step(path[-1])
            change = 0.0 if x is None else _length(x - path[-1])
            if x is None:
                message = "converged"
            elif not math.isfinite(change):
                message = "diverged: the next step leaves the finite numbers"
            elif change == 0:
                message = "stopped: the steps are too small to change x in this precision"
            elif len(path) > max_iter:
                message = f"not converged after {max_iter} steps"
            else:
                path.append(x)
                continue
            break
    result = OptimizeResult(x=path[-1], nit=len(path) - 1, path=np.array(path), success=x is None, message=message)
    if f is not None:
        result.fun = float(f(path[-1]))
    return result


# --- 4.4 Constrained Optimization ---


def project_ball(x: ArrayLike, radius: float = 1.0, axis: int | None = -1) -> Array:
    """Return the nearest point with norm at most radius: x itself, or x shortened.

    Parameters
    ----------
    x : array_like
        Finite; every vector along `axis` is projected on its own.
    radius : float > 0
        Radius of the ball around 0.
    axis : int or None
        Where the vectors lie; None takes all of x as one.

    Returns
    -------
    ndarray
        Shape and dtype of x.

    Raises
    ------
    ValueError
        If x is not finite or radius not positive.

    References
    ----------
    Deep Learning, sections 4.4 and 7.2.

    Examples
    --------
    >>> project_ball([[3, 4], [0.3, 0.4]])
    array([[0.6, 0.8],
           [0.3, 0.4]])
    """
    x, radius = _finite(x), _positive(radius, "radius")
    largest = np.max(np.abs(x), axis=axis, keepdims=True, initial=0)
    unit = x / np.where(largest > 0, largest, 1)  # squares of these can neither overflow nor all vanish
    length = largest * np.sqrt(np.sum(unit**2, axis=axis, keepdims=True))
    return np.asarray(x * (radius / np.maximum(length, radius)))


def project_nonnegative(x: ArrayLike) -> Array:
    """Return the nearest point without negative entries: max(x, 0).

    Parameters
    ----------
    x : array_like
        Any shape.

    Returns
    -------
    ndarray
        Shape and dtype of x.

    Raises
    ------
    ValueError
        If x holds NaN.

    References
    ----------
    Deep Learning, section 4.4.

    Examples
    --------
    >>> project_nonnegative([-1, 2])
    array([0., 2.])
    """
    return np.asarray(np.maximum(_number(x), 0))


def project_simplex(x: ArrayLike, axis: int = -1) -> Array:
    """Return the nearest probability distribution: max(x - theta, 0), with the theta that makes it sum to 1.

    If the k largest entries stay positive, theta is (their sum - 1) / k; k is the largest number for which the k-th
    entry then exceeds theta.

    Parameters
    ----------
    x : array_like
        One vector along `axis`; -inf allowed if another entry is finite.
    axis : int
        The axis over which the result sums to 1.

    Returns
    -------
    ndarray
        Entries >= 0, shape and dtype of x.

    Raises
    ------
    ValueError
        If x holds NaN or +inf, or has no finite entry along `axis`.

    References
    ----------
    Deep Learning, section 4.4. M. Held, P. Wolfe and H. Crowder, Validation of subgradient optimization (1974).

    Examples
    --------
    >>> project_simplex([0.5, 0.5, -3]), project_simplex([5, 1])
    (array([0.5, 0.5, 0. ]), array([1., 0.]))
    """
    x, m = _scores(x, axis)
    with np.errstate(over="ignore"):
        x = np.maximum(x - m, -1)  # a constant added to x changes nothing, and what lies 1 below the maximum gets 0
    down = -np.sort(-np.moveaxis(x, axis, -1), axis=-1)
    theta = (np.cumsum(down, axis=-1) - 1) / np.arange(1, x.shape[axis] + 1, dtype=x.dtype)
    k = np.sum(down > theta, axis=-1, keepdims=True)
    theta = np.take_along_axis(theta, k - 1, axis=-1)
    return np.asarray(np.maximum(x - np.moveaxis(theta, -1, axis), 0))


def projected_gradient(
    grad: Function,
    project: Callable[[Array], ArrayLike],
    x0: ArrayLike,
    lr: float,
    *,
    tol: float = 1e-6,
    max_iter: int = 10_000,
) -> OptimizeResult:
    """Step downhill, then return to the nearest allowed point: x <- project(x - lr grad(x)).

    Parameters
    ----------
    grad : function of an array like x0
        The gradient.
    project : function of an array like x0
        Returns the nearest feasible point.
    x0 : array_like
        Start; its projection is the first point of the path.
    lr : float > 0
        Step size.
    tol : float
        Stop when norm(x - project(x - lr grad(x))) <= lr tol; without constraints this is norm(grad(x)) <= tol.
    max_iter : int
        Largest number of steps.

    Returns
    -------
    OptimizeResult
        x, nit, path (shape (nit + 1, ...), all feasible), success, message.

    Raises
    ------
    ValueError
        If lr is not positive, or grad returns another shape than x0.

    References
    ----------
    Deep Learning, section 4.4.

    Examples
    --------
    >>> result = projected_gradient(lambda x: x - [-1.0, 2.0], project_nonnegative, [5.0, 5.0], lr=1.0)
    >>> result.x, result.nit
    (array([0., 2.]), 1)
    """
    lr, tol = _positive(lr, "lr"), _nonnegative(tol, "tol")

    def step(x: Array) -> Array | None:
        new = np.asarray(project(x - lr * _gradient(grad, x)))
        return None if _length(new - x) <= lr * tol else new

    return _iterate(step, project(_start(x0)), max_iter)


def qp_active_set(
    H: ArrayLike,
    c: ArrayLike,
    A: ArrayLike,
    b: ArrayLike,
    x0: ArrayLike,
    *,
    max_iter: int = 1000,
) -> OptimizeResult:
    """Minimise x . H x / 2 + c . x subject to A x <= b by guessing which constraints hold with equality.

    The working set starts empty. Each iteration solves for the minimum on the working set and walks there. A constraint
    met on the way stops the walk and joins the set; at the minimum, the constraint with the most negative multiplier
    leaves it; without one, the point satisfies the Karush-Kuhn-Tucker conditions.

    Parameters
    ----------
    H : array_like, shape (n, n)
        Symmetric and positive definite.
    c : array_like, shape (n,)
    A : array_like, shape (m, n)
    b : array_like, shape (m,)
    x0 : array_like, shape (n,)
        A feasible start.
    max_iter : int
        Largest number of systems to solve.

    Returns
    -------
    OptimizeResult
        x, fun, multipliers (shape (m,), >= 0, zero off the active constraints), active (their indices, ascending),
        nit (systems solved), path (shape (nit + 1, n)), success, message.

    Raises
    ------
    ValueError
        If the shapes do not fit, H is not positive definite, or x0 is not feasible.

    References
    ----------
    Deep Learning, section 4.4. J. Nocedal and S. Wright, Numerical Optimization, algorithm 16.3 (2006).

    Examples
    --------
    >>> result = qp_active_set(np.eye(2), [-3.0, -1.0], [[1.0, 0.0]], [2.0], [0.0, 0.0])
    >>> result.x, result.multipliers, result.active
    (array([2., 1.]), array([1.]), array([0]))
    """
    program = _quadratic_program(H, c, A, b, x0)
    H, c, A, b, x = (np.asarray(a, dtype=float) for a in program)
    n, tiny = len(c), 1e-10 * max(_length(x), _length(np.linalg.solve(H, c)))
    working: list[int] = []
    multipliers, path, success = np.zeros(len(b)), [x], False
    for _ in range(_integer(max_iter, "max_iter", 1)):
        normals = A[working]
        k = len(working)
        KKT = np.block([[H, normals.T], [normals, np.zeros((k, k))]])
        solution = np.linalg.solve(KKT, np.concatenate([-(H @ x + c), np.zeros(k)]))
        p, alpha = solution[:n], solution[n:]
        t, blocking = _longest_step(A, b, x, p if _length(p) > tiny else 0 * p, working)
        x = x + t * p
        path.append(x)
        if blocking is not None:
            working.append(blocking)
        elif (alpha >= -1e-10 * _length(c)).all():
            multipliers[working], success = np.maximum(alpha, 0), True
            break
        else:
            working.pop(int(np.argmin(alpha)))
    message = "KKT conditions hold"
    if not success:
        message = f"not converged after {max_iter} systems"
    return OptimizeResult(
        x=x, fun=float(x @ H @ x / 2 + c @ x),
        multipliers=multipliers, active=np.array(sorted(working), dtype=int),
        nit=len(path) - 1, path=np.array(path), success=success, message=message,
    )  # fmt: skip


def _quadratic_program(H: ArrayLike, c: ArrayLike, A: ArrayLike, b: ArrayLike, x0: ArrayLike) -> list[Array]:
    """Return the arrays of a quadratic program after checking shapes, curvature and the start."""
    H, c, A, b, x0 = _square(H), _real(c, "c", 1), _matrix(A), _real(b, "b", 1), _real(x0, "x0", 1)
    n, m = len(H), len(A)
    if (c.shape, A.shape, b.shape, x0.shape) != ((n,), (m, n), (m,), (n,)):
        raise ValueError(f"H, c, A, b, x0 do not fit: shapes {H.shape}, {c.shape}, {A.shape}, {b.shape}, {x0.shape}")
    if n and not np.linalg.eigvalsh(H)[0] > 0:
        raise ValueError(f"H must be positive definite, got a smallest eigenvalue of {np.linalg.eigvalsh(H)[0]:.3g}")
    excess = A @ x0 - b
    if (excess > 1e-10 * (1 + np.abs(b))).any():
        worst = int(np.argmax(excess))
        raise ValueError(f"x0 must be feasible, but constraint {worst} is exceeded by {excess[worst]:.3g}")
    return [H, c, A, b, x0]


def _longest_step(A: Array, b: Array, x: Array, p: Array, working: list[int]) -> tuple[float, int | None]:
    """Return how much of p can be walked before a constraint outside the working set stops it, and which one does."""
    speed = A @ p
    speed[working] = 0
    ahead = np.flatnonzero(speed > 0)
    room = np.maximum(b[ahead] - A[ahead] @ x, 0) / speed[ahead]
    if len(ahead) == 0 or room.min() >= 1:
        return 1.0, None
    return float(room.min()), int(ahead[np.argmin(room)])


def kkt_residuals(
    gradient: ArrayLike,
    *,
    inequality: tuple[ArrayLike, ArrayLike, ArrayLike] | None = None,
    equality: tuple[ArrayLike, ArrayLike, ArrayLike] | None = None,
) -> dict[str, float]:
    """Measure by how much a point and its multipliers miss the Karush-Kuhn-Tucker conditions of a minimum.

    The problem is: minimise f(x) subject to h(x) <= 0 and g(x) = 0.

    Parameters
    ----------
    gradient : array_like, shape (n,)
        Gradient of f at x.
    inequality : (h, J, alpha), shapes (m,), (m, n), (m,)
        Values of the inequality constraints at x, their gradients as rows, and their multipliers.
    equality : (g, J, lam), shapes (k,), (k, n), (k,)
        The same for the equality constraints.

    Returns
    -------
    dict
        stationarity: the norm of gradient + J_h.T alpha + J_g.T lam. primal: the largest violation of a constraint.
        dual: the size of the most negative alpha. slackness: the largest abs(alpha_j h_j). All >= 0, and all 0 at a
        solution.

    Raises
    ------
    ValueError
        If the shapes do not fit or a number is not finite.

    References
    ----------
    Deep Learning, section 4.4.

    Examples
    --------
    >>> kkt_residuals([2.0], inequality=([0.0], [[-1.0]], [2.0]))  # minimise x**2 subject to 1 - x <= 0, at x = 1
    {'stationarity': 0.0, 'primal': 0.0, 'dual': 0.0, 'slackness': 0.0}
    """
    gradient = _real(gradient, "gradient", 1)
    h, J_h, alpha = _constraints(inequality, "inequality", len(gradient))
    g, J_g, lam = _constraints(equality, "equality", len(gradient))
    return {
        "stationarity": _length(gradient + J_h.T @ alpha + J_g.T @ lam),
        "primal": float(max(np.max(h, initial=0), np.max(np.abs(g), initial=0))),
        "dual": float(np.max(-alpha, initial=0)),
        "slackness": float(np.max(np.abs(alpha * h), initial=0)),
    }


def _constraints(
    triple: tuple[ArrayLike, ArrayLike, ArrayLike] | None, name: str, n: int
) -> tuple[Array, Array, Array]:
    """Return values, gradients and multipliers of some constraints on n numbers as checked arrays."""
    if triple is None:
        return np.zeros(0), np.zeros((0, n)), np.zeros(0)
    values, J, multipliers = _real(triple[0], name, 1), _real(triple[1], name, 2), _real(triple[2], name, 1)
    if (J.shape, multipliers.shape) != ((len(values), n), values.shape):
        raise ValueError(f"{name}: values, gradients and multipliers of shapes {values.shape}, {J.shape}, "
                         f"{multipliers.shape} do not fit a gradient of length {n}")  # fmt: skip
    return values, J, multipliers


# --- 4.5 Example: Linear Least Squares ---


def least_squares_gd(
    A: ArrayLike,
    b: ArrayLike,
    x0: ArrayLike,
    lr: float,
    tol: float,
    *,
    max_iter: int = 100_000,
) -> OptimizeResult:
    """Minimise norm(A x - b)**2 / 2 by gradient descent: x <- x - lr (A.T A x - A.T b).

    Parameters
    ----------
    A : array_like, shape (m, n)
    b : array_like, shape (m,)
    x0 : array_like, shape (n,)
        Start.
    lr : float > 0
        Step size, below 2 / sigma_1(A)**2.
    tol : float
        Stop when norm(A.T A x - A.T b) <= tol, an absolute tolerance.
    max_iter : int
        Largest number of steps.

    Returns
    -------
    OptimizeResult
        x, fun, nit, path (shape (nit + 1, n)), success, message.

    Raises
    ------
    ValueError
        If the shapes do not fit, or lr is not positive.

    References
    ----------
    Deep Learning, algorithm 4.1.

    Examples
    --------
    >>> least_squares_gd([[1, 0], [0, 2]], [3, 4], [0, 0], lr=0.25, tol=1e-9).x.round(6)
    array([3., 2.])
    """
    A, b, x0 = _matrix(A), _real(b, "b", 1), _real(x0, "x0", 1)
    if (b.shape, x0.shape) != (A.shape[:1], A.shape[1:]):
        raise ValueError(
            f"A of shape {A.shape} does not fit b of shape {b.shape} and x0 of shape "
            f"{x0.shape}"
        )
    AtA, Atb = A.T @ A, A.T @ b
    result = gradient_descent(
        lambda x: AtA @ x - Atb, x0, lr, tol=tol, max_iter=max_iter
    )
    result.fun = float(np.sum((A @ result.x - b) ** 2) / 2)
    return result


def least_squares_ball(
    A: ArrayLike,
    b: ArrayLike,
    radius: float,
    method: Literal["secular", "dual_ascent"] = "secular",
    *,
    step: float | None = None,
    tol: float = 1e-10,
    max_iter: int = 100_000,
) -> OptimizeResult:
    """Minimise norm(A x - b)**2 / 2 subject to x . x <= radius**2.

    The Lagrangian with the term lam (x . x - radius**2) is stationary at x(lam) = (A.T A + 2 lam I)^-1 A.T b. If the
    shortest unconstrained solution x(0) fits into the ball it is the answer. Otherwise lam > 0 is sought with
    norm(x(lam)) = radius: by Newton's method on 1 / norm(x(lam)) - 1 / radius, which is nearly linear in lam, or by
    gradient ascent on the dual, lam <- max(0, lam + step (x . x - radius**2)).

    Parameters
    ----------
    A : array_like, shape (m, n)
    b : array_like, shape (m,)
    radius : float > 0
    method : "secular" or "dual_ascent"
    step : float, optional
        Of the ascent. Defaults to 1 / abs(curvature of the dual at 0), which always converges but may be slow.
    tol : float
        Stop when abs(x . x - radius**2) <= tol radius**2.
    max_iter : int
        Largest number of changes of lam.

    Returns
    -------
    OptimizeResult
        x, lam (the multiplier; ridge regression calls 2 lam its alpha), fun, nit, success, message.

    Raises
    ------
    ValueError
        If the shapes do not fit, a size is not positive, or the method is unknown.

    References
    ----------
    Deep Learning, section 4.5, equations 4.23 to 4.27. C. Reinsch, Smoothing by spline functions II (1971).

    Examples
    --------
    >>> result = least_squares_ball(np.eye(2), [3, 4], radius=1)
    >>> result.x.round(6), round(result.lam, 6)
    (array([0.6, 0.8]), 2.0)
    """
    A, b, radius = _matrix(A), _real(b, "b", 1), _positive(radius, "radius")
    if b.shape != A.shape[:1]:
        raise ValueError(f"A of shape {A.shape} needs a b of length {len(A)}, got shape {b.shape}")
    if method not in ("secular", "dual_ascent"):
        raise ValueError(f'method must be "secular" or "dual_ascent", got {method!r}')
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    kept = s > max(A.shape) * np.finfo(s.dtype).eps * s.max(initial=0)
    w, z, V = s[kept] ** 2, s[kept] * (U.T @ b)[kept], Vt[kept].T  # A.T A = V w V.T and A.T b = V z
    lam, nit = 0.0, 0
    while True:
        x = z / (w + 2 * lam)  # in the coordinates V
        gap, curvature = float(x @ x) - radius**2, 4 * float(x @ (x / (w + 2 * lam)))
        converged = gap <= tol * radius**2 if lam == 0 else abs(gap) <= tol * radius**2
        if converged or nit == max_iter:
            break
        if method == "secular":
            lam += 2 * (math.sqrt(x @ x) / radius - 1) * float(x @ x) / curvature
        else:
            step = 1 / curvature if step is None else _positive(step, "step")
            lam = max(0.0, lam + step * gap)
        nit += 1
    message = "converged" if converged else f"not converged after {max_iter} steps"
    x = V @ x
    fun = float(np.sum((A @ x - b) ** 2) / 2)
    return OptimizeResult(x=x, lam=float(lam), fun=fun, nit=nit, success=bool(converged), message=message)


# --- What counts as input ---


def _floating(x: ArrayLike) -> Array:
    """Return x as an array of floats: their own kind, or float64 for integers and truth values."""
    x = np.asarray(x)
    if x.dtype.kind not in "biuf":
        raise ValueError(f"x must hold real numbers, got dtype {x.dtype}")
    return x if x.dtype.kind == "f" else x.astype(float)


def _number(x: ArrayLike) -> Array:
    """Return x as an array of floats without NaN."""
    x = _floating(x)
    _refuse_nan(np.max(x, initial=-np.inf))  # the maximum is NaN if an entry is
    return x


def _refuse_nan(m: Any) -> None:
    if np.isnan(m).any():
        raise ValueError("x must hold numbers, got nan")


def _finite(x: ArrayLike) -> Array:
    """Return x as an array of finite floats."""
    x = _floating(x)
    if not np.isfinite(x).all():
        raise ValueError(f"x must be finite, got {x[~np.isfinite(x)][0]}")
    return x


def _start(x: ArrayLike) -> Array:
    """Return x as a finite array of any shape; float32 stays float32, all else becomes float64."""
    x = np.asarray(x)
    return _real(x, "x", x.ndim)


def _point(x: ArrayLike, *ndims: int) -> Array:
    """Return x as a finite float64 array, of any or of the given number of dimensions."""
    return _real(x, "x", *(ndims or (np.ndim(x),))).astype(float)


def _value(f: Function, x: Array) -> Array:
    """Return f(x) after checking that its differences will mean something."""
    value = np.asarray(f(x))
    if value.dtype.kind not in "biu" and value.dtype != np.float64:
        raise ValueError(f"differences need float64 values, got dtype {value.dtype}")
    if not np.isfinite(value).all():
        raise ValueError(f"differences need finite values, got {value[~np.isfinite(value)].flat[0]}")
    return value.astype(float)


def _gradient(grad: Function, x: Array) -> Array:
    """Return grad(x) after checking its shape."""
    g = np.asarray(grad(x))
    if g.shape != x.shape:
        raise ValueError(f"at an x of shape {x.shape} the gradient must have that shape, got {g.shape}")
    return g


def _length(x: Array) -> float:
    """Return the Euclidean norm of all entries."""
    return math.sqrt(np.vdot(x, x))


def _positive(x: float, name: str) -> float:
    """Return x after checking that it is a finite number > 0."""
    if not 0 < _nonnegative(x, name) < math.inf:
        raise ValueError(f"{name} must be positive and finite, got {x!r}")
    return float(x)
