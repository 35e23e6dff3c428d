"""Linear factor models: the algorithms of *Deep Learning*, chapter 13.

A row of data is x = W h + b + noise, with independent factors h. What one believes about h and about the noise makes
the model: Gaussian factors give probabilistic PCA and factor analysis, other shapes give independent components, slow
ones slow features, sparse ones sparse coding.

Data are rows, so that x = W h reads ``H @ W.T``. W has one column per factor and B, where it occurs, is the unmixing
matrix with h = B x. Fits are computed in the data's own precision (float32 or float64). A fit that was asked for a
tolerance and did not reach it says so in a RuntimeWarning, with what to try; a tolerance of 0 asks for nothing.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import scipy.linalg
import scipy.optimize
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from dlcore.foundations.linalg import PCA, Array, _integer, _matrix, _nonnegative, _real
from dlcore.foundations.numerics import logsumexp, soft_threshold, softplus

__all__ = [
    "PPCA",
    "SFA",
    "FactorAnalysis",
    "SpikeSlabPosterior",
    "amari_distance",
    "elliptical_t_loglik",
    "factor_em",
    "fastica",
    "fista",
    "gaussian_factor_loglik",
    "ica_ml",
    "ica_stability",
    "ista",
    "kkt_residual",
    "lasso_objective",
    "learn_dictionary",
    "map_code",
    "match_sources",
    "ppca_em",
    "quadratic_expansion",
    "spike_slab_posterior",
    "spike_slab_sample",
]


# --- 13.1 Probabilistic PCA and Factor Analysis ---


def _posterior(R: Array, W: Array, psi: Array) -> tuple[Array, Array]:
    """Return E[h | r] for centred rows, and M = I + W^T Psi^-1 W, the inverse of the posterior covariance."""
    U = W / psi[:, None]
    M = np.eye(W.shape[1], dtype=W.dtype) + W.T @ U
    return np.linalg.solve(M, (R @ U).T).T, M


def _deviance(R: Array, W: Array, psi: Array) -> tuple[Array, float]:
    """Return r^T C^-1 r of each row and log det C for C = W W^T + diag(psi), without forming C.

    r^T C^-1 r = |h|^2 + |r - W h|^2 / psi at the posterior mean h: a sum of squares, in which nothing cancels.
    """
    h, M = _posterior(R, W, psi)
    quadratic = np.sum(h**2, axis=1) + np.sum((R - h @ W.T) ** 2 / psi, axis=1)
    return quadratic, float(np.linalg.slogdet(M)[1] + np.log(psi).sum())


def gaussian_factor_loglik(X: ArrayLike, mean: ArrayLike, W: ArrayLike, psi: ArrayLike | float) -> Array:
    """Return log N(x; mean, W W^T + diag(psi)) of each row, in O(n D d) steps and without a D x D matrix.

    The lemmas of Woodbury and Sylvester trade the D x D inverse and determinant for those of I + W^T Psi^-1 W, d x d.

    Parameters
    ----------
    X : array_like, shape (n, D)
        Rows to score.
    mean : array_like, shape (D,)
        Mean of the model.
    W : array_like, shape (D, d)
        Loadings, one column per factor; d = 0 leaves the noise alone.
    psi : array_like, shape (D,), or float
        Noise variances, all > 0, or one for all features.

    Returns
    -------
    ndarray, shape (n,)
        Log-densities in nats.

    Raises
    ------
    ValueError
        If shapes do not fit, or a noise variance is not positive.

    References
    ----------
    Deep Learning, section 13.1.

    Examples
    --------
    >>> gaussian_factor_loglik([[0.0, 0.0]], [0, 0], [[0], [0]], 1.0).round(4)
    array([-1.8379])
    """
    X, mean, W = _matrix(X, "X"), _real(mean, "mean", 1), _matrix(W, "W")
    D = X.shape[1]
    psi = _real(psi, "psi", 0, 1)
    if mean.shape != (D,) or len(W) != D or psi.shape not in ((), (D,)):
        raise ValueError(
            f"X of shape {X.shape} needs mean ({D},), W ({D}, d) and psi ({D},) or a number, "
            f"got {mean.shape}, {W.shape} and {psi.shape}"
        )
    if not (psi > 0).all():
        raise ValueError(f"noise variances must be positive, got {psi.min():.3g}")
    quadratic, logdet = _deviance(X - mean, W, np.broadcast_to(psi, D))
    loglik: Array = -(quadratic + logdet + D * np.log(2 * np.pi)) / 2
    return loglik


class _GaussianFactors:
    """What probabilistic PCA and factor analysis share: x ~ N(mean, W W^T + diag(psi))."""

    n_components: int
    mean_: Array
    W_: Array
    noise_variance_: Any

    def transform(self, X: ArrayLike) -> Array:
        """Return E[h | x], the posterior mean of the factors of each row.

        Parameters
        ----------
        X : array_like, shape (n, D)
            Rows, seen by `fit` or new.

        Returns
        -------
        ndarray, shape (n, d)
            M^-1 W^T Psi^-1 (x - mean) with M = I + W^T Psi^-1 W.

        Raises
        ------
        ValueError
            Before `fit`, or if the number of columns is wrong.
        """
        return _posterior(self._centred(X), self.W_, self._psi)[0]

    @property
    def posterior_cov_(self) -> Array:
        """Cov[h | x], shape (d, d): M^-1, the same for every x."""
        return np.linalg.inv(_posterior(self._centred(self.mean_[None]), self.W_, self._psi)[1])

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw n rows: factors h ~ N(0, I), then x = W h + mean + noise.

        Parameters
        ----------
        n : int
            Number of rows.
        rng : numpy.random.Generator
            Source of factors and noise.

        Returns
        -------
        ndarray, shape (n, D)

        Raises
        ------
        ValueError
            Before `fit`, or if n is negative.
        """
        D, d = self._fitted().W_.shape
        h = rng.standard_normal((_integer(n, "n", 0), d))
        noise = np.sqrt(self._psi) * rng.standard_normal((n, D))
        return (h @ self.W_.T + self.mean_ + noise).astype(self.W_.dtype, copy=False)

    def score_samples(self, X: ArrayLike) -> Array:
        """Return the log-density of each row in nats.

        Parameters
        ----------
        X : array_like, shape (n, D)

        Returns
        -------
        ndarray, shape (n,)

        Raises
        ------
        ValueError
            Before `fit`, or if the number of columns is wrong.
        """
        self._centred(X)
        return gaussian_factor_loglik(X, self.mean_, self.W_, self.noise_variance_)

    def score(self, X: ArrayLike) -> float:
        """Return the mean log-density of the rows of X in nats.

        Parameters
        ----------
        X : array_like, shape (n, D)

        Returns
        -------
        float

        Raises
        ------
        ValueError
            Before `fit`, or if the number of columns is wrong.
        """
        return float(self.score_samples(X).mean())

    @property
    def _psi(self) -> Array:
        return np.broadcast_to(np.asarray(self.noise_variance_, dtype=self.W_.dtype), len(self.W_))

    def _fitted(self) -> Self:
        if not hasattr(self, "W_"):
            raise ValueError(f"this {type(self).__name__} knows no factors yet: call fit(X) first")
        return self

    def _centred(self, X: ArrayLike) -> Array:
        D = len(self._fitted().mean_)
        X = _matrix(X, "X")
        if X.shape[1] != D:
            raise ValueError(f"X must have {D} columns, got shape {X.shape}")
        return X - self.mean_


class PPCA(_GaussianFactors):
    """Probabilistic PCA: Gaussian factors, and noise of the same variance in every feature.

    The maximum of the likelihood is known: W = V (Lambda - sigma^2 I)^(1/2) from the d leading eigenvectors V and
    eigenvalues Lambda of the covariance (divisor n), and sigma^2 is the mean of the eigenvalues that are left. Any
    rotation W R is as good; this one has R = I. Given a row, the factors have covariance ``posterior_cov_``, shape
    (d, d), whatever the row.

    Parameters
    ----------
    n_components : int
        Number of factors d, 1 <= d < min(n_samples, n_features).

    Attributes
    ----------
    components_ : ndarray, shape (d, D)
        Orthonormal directions, as those of `dlcore.foundations.linalg.PCA`.
    W_ : ndarray, shape (D, d)
        Loadings.
    noise_variance_ : float
        sigma^2.
    mean_ : ndarray, shape (D,)
        Mean row.

    References
    ----------
    Deep Learning, section 13.1. M. E. Tipping and C. M. Bishop, Probabilistic principal component analysis (1999).

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(500, 3)) @ np.diag([3.0, 1.0, 1.0])
    >>> model = PPCA(1).fit(X)
    >>> model.W_.shape, model.noise_variance_ < 1.1
    ((3, 1), True)
    """

    noise_variance_: float
    components_: Array

    def __init__(self, n_components: int) -> None:
        self.n_components = n_components

    def fit(self, X: ArrayLike) -> Self:
        """Find the maximum of the likelihood in closed form.

        Parameters
        ----------
        X : array_like, shape (n_samples, D)
            Data.

        Returns
        -------
        PPCA
            The object itself.

        Raises
        ------
        ValueError
            If n_components is out of range, or if X varies in n_components directions only: then sigma^2 = 0 and the
            likelihood has no upper bound.
        """
        X = _matrix(X, "X")
        n, D = X.shape
        d = _factor_count(self.n_components, X)
        pca = PCA().fit(X)
        eigenvalues = pca.singular_values_**2 / n
        noise = eigenvalues[d:].sum() / (D - d)
        if noise <= max(n, D) * np.finfo(X.dtype).eps * eigenvalues[0]:
            raise ValueError(
                f"X varies in at most {d} directions, so that {d} factors leave no noise and the likelihood has no "
                "bound: take fewer factors, or spread rounded data (dequantise)"
            )
        self.mean_, self.components_, self.noise_variance_ = pca.mean_, pca.components_[:d], float(noise)
        self.W_ = self.components_.T * np.sqrt(np.maximum(eigenvalues[:d] - noise, 0))
        return self


def ppca_em(X: ArrayLike, d: int, n_iter: int, rng: np.random.Generator) -> tuple[Array, Array, float, Array]:
    """Fit probabilistic PCA by expectation maximisation (to see EM at work: `PPCA` has the answer in one step).

    Parameters
    ----------
    X : array_like, shape (n, D)
        Data.
    d : int
        Number of factors, 1 <= d < min(n, D).
    n_iter : int
        Number of steps.
    rng : numpy.random.Generator
        Draws the start of W.

    Returns
    -------
    mean : ndarray, shape (D,)
    W : ndarray, shape (D, d)
        Loadings, turned by a rotation that depends on the start.
    noise_variance : float
    loglik : ndarray, shape (n_iter + 1,)
        Mean log-density of the rows of X in nats at the start and after each step; it never falls.

    Raises
    ------
    ValueError
        If d or n_iter is out of range.

    References
    ----------
    Deep Learning, section 13.1. Tipping and Bishop (1999), appendix B.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(200, 4)) @ np.diag([4.0, 1.0, 1.0, 1.0])
    >>> *_, loglik = ppca_em(X, 1, 50, np.random.default_rng(1))
    >>> bool(abs(loglik[-1] - PPCA(1).fit(X).score(X)) < 1e-6)
    True
    """
    X = _matrix(X, "X")
    d, D = _factor_count(d, X, "d"), X.shape[1]
    mean, R = _root(X)
    total = np.sum(R**2)
    s2 = total / D
    W = np.sqrt(s2 / D) * rng.standard_normal((D, d)).astype(X.dtype)
    loglik = [_mean_loglik(R, W, np.full(D, s2))]
    for _ in range(_integer(n_iter, "n_iter", 0)):
        M = W.T @ W + s2 * np.eye(d, dtype=X.dtype)
        SW = R.T @ (R @ W)
        A = np.linalg.solve(M, W.T @ SW)  # E step and M step in one: W <- S W (s2 I + M^-1 W^T S W)^-1
        W_new = np.linalg.solve((s2 * np.eye(d, dtype=X.dtype) + A).T, SW.T).T
        s2 = (total - np.sum(SW * np.linalg.solve(M, W_new.T).T)) / D
        W = W_new
        loglik.append(_mean_loglik(R, W, np.full(D, s2)))
    return mean, W, float(s2), np.array(loglik)


class FactorAnalysis(_GaussianFactors):
    """Factor analysis: Gaussian factors, and in every feature noise of a variance of its own.

    For given noise variances Psi the best W follows from the eigenvectors of Psi^(-1/2) S Psi^(-1/2), as in PPCA;
    then Psi = diag(S - W W^T). Repeated, with steps lengthened by half, this reaches a fixed point of EM in far fewer
    steps. Given a row, the factors have covariance ``posterior_cov_``, shape (d, d), whatever the row.

    Parameters
    ----------
    n_components : int
        Number of factors d, 1 <= d < min(n_samples, n_features).
    n_iter : int
        Most steps to take.
    tol : float
        Stop when a step changes the log-likelihood by less than tol nats per sample. With 0 all steps are taken.
    floor : float
        Least noise variance, as a fraction of the mean variance of a feature. It keeps the density bounded where a
        feature is constant or is explained without remainder (a Heywood case).

    Attributes
    ----------
    W_ : ndarray, shape (D, d)
        Loadings; one rotation of many.
    noise_variance_ : ndarray, shape (D,)
        Psi.
    mean_ : ndarray, shape (D,)
        Mean row.
    loglik_ : ndarray, shape (n_steps,)
        Mean log-density of the training rows in nats, step by step; the last one belongs to the model returned.
    converged_ : bool
        Whether tol was reached.

    References
    ----------
    Deep Learning, section 13.1. D. Barber, Bayesian Reasoning and Machine Learning, section 21.2 (2012).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(5000, 1)) * [1, 2, 3, 4] + rng.normal(size=(5000, 4)) * [1, 1, 2, 2]
    >>> model = FactorAnalysis(1).fit(X)
    >>> model.noise_variance_.round(0)
    array([1., 1., 4., 4.])
    """

    noise_variance_: Array
    loglik_: Array
    converged_: bool

    def __init__(self, n_components: int, *, n_iter: int = 500, tol: float = 1e-7, floor: float = 1e-6) -> None:
        self.n_components = n_components
        self.n_iter = n_iter
        self.tol = tol
        self.floor = floor

    def fit(self, X: ArrayLike) -> Self:
        """Climb the likelihood by eigenvectors, without a D x D matrix if D exceeds the number of samples.

        Parameters
        ----------
        X : array_like, shape (n_samples, D)
            Data with at least two different rows. A constant column is allowed; its noise variance is the floor.

        Returns
        -------
        FactorAnalysis
            The object itself.

        Raises
        ------
        ValueError
            If n_components, n_iter, tol or floor is out of range, or X does not vary.
        """
        X = _matrix(X, "X")
        d, D = _factor_count(self.n_components, X), X.shape[1]
        tol, n_iter = _nonnegative(self.tol, "tol"), _integer(self.n_iter, "n_iter", 1)
        mean, R = _root(X)
        variance = np.sum(R**2, axis=0)
        lowest = _floor(self.floor, variance)
        psi = np.maximum(variance, lowest)
        loglik: list[float] = []
        # on a log scale the steps shrink slowly and keep their direction: take half more
        stride = 1.5
        while True:
            theta, V = _leading(R / np.sqrt(psi), d)
            # a direction that varies less than the noise needs no factor
            theta = np.maximum(theta, 1)
            W = np.sqrt(psi)[:, None] * V * np.sqrt(theta - 1)
            left = np.sum(variance / psi) - np.sum(theta - 1 - np.log(theta))
            left += np.log(psi).sum() + D * np.log(2 * np.pi)
            loglik.append(float(-left / 2))
            gain = loglik[-1] - loglik[-2] if len(loglik) > 1 else np.inf
            self.converged_ = abs(gain) < tol
            if self.converged_ or len(loglik) == n_iter:
                break
            stride = stride if gain > 0 else 1.0
            target = np.maximum(variance - np.sum(W**2, axis=1), lowest)
            psi = psi * (target / psi) ** stride
            psi = np.clip(psi, lowest, np.maximum(variance, lowest))
        self.mean_, self.W_, self.noise_variance_ = mean, W, psi
        self.loglik_ = np.array(loglik)
        if tol and not self.converged_:
            _warn(
                f"factor analysis with {d} factors did not settle to {tol:g} nats in "
                f"{n_iter} steps: the smallest noise variance is {psi.min():.1e}; take "
                "fewer factors or a higher floor if it runs to zero, otherwise raise "
                "n_iter or tol"
            )
        return self


def factor_em(
    X: ArrayLike, d: int, n_iter: int, rng: np.random.Generator, *, floor: float = 1e-6
) -> tuple[Array, Array, Array, Array]:
    """Fit factor analysis by expectation maximisation (to see EM at work: `FactorAnalysis` needs fewer steps).

    Parameters
    ----------
    X : array_like, shape (n, D)
        Data.
    d : int
        Number of factors, 1 <= d < min(n, D).
    n_iter : int
        Number of steps.
    rng : numpy.random.Generator
        Draws the start of W.
    floor : float
        Least noise variance, as a fraction of the mean variance of a feature.

    Returns
    -------
    mean : ndarray, shape (D,)
    W : ndarray, shape (D, d)
        Loadings, turned by a rotation that depends on the start.
    psi : ndarray, shape (D,)
        Noise variances.
    loglik : ndarray, shape (n_iter + 1,)
        Mean log-density of the rows of X in nats at the start and after each step; it never falls while no noise
        variance stands on its floor.

    Raises
    ------
    ValueError
        If d, n_iter or floor is out of range, or X does not vary.

    References
    ----------
    Deep Learning, section 13.1. D. B. Rubin and D. T. Thayer, EM algorithms for ML factor analysis (1982).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(5000, 1)) * [1, 2, 3, 4] + rng.normal(size=(5000, 4)) * [1, 1, 2, 2]
    >>> _, W, psi, loglik = factor_em(X, 1, 200, rng)
    >>> psi.round(0)
    array([1., 1., 4., 4.])
    """
    X = _matrix(X, "X")
    d, D = _factor_count(d, X, "d"), X.shape[1]
    mean, R = _root(X)
    variance = np.sum(R**2, axis=0)
    lowest = _floor(floor, variance)
    psi = np.maximum(variance, lowest)
    W = np.sqrt(variance.mean() / D) * rng.standard_normal((D, d)).astype(X.dtype)
    loglik = [_mean_loglik(R, W, psi)]
    for _ in range(_integer(n_iter, "n_iter", 0)):
        h, M = _posterior(R, W, psi)  # E step
        SB = R.T @ h  # sum of x E[h]^T
        W = np.linalg.solve(np.linalg.inv(M) + h.T @ h, SB.T).T  # M step: regress x on h
        psi = np.maximum(variance - np.sum(W * SB, axis=1), lowest)
        loglik.append(_mean_loglik(R, W, psi))
    return mean, W, psi, np.array(loglik)


def _factor_count(d: int, X: Array, name: str = "n_components") -> int:
    """Return d after checking that X is large enough for d factors and noise."""
    if min(X.shape) < 2:
        raise ValueError(f"X needs two samples and two features, or more, to have factors; got shape {X.shape}")
    return _integer(d, name, 1, min(X.shape) - 1)


def _root(X: Array) -> tuple[Array, Array]:
    """Return the mean row and R with R^T R = S, the covariance with divisor n: all that a Gaussian fit has to know.

    R has at most min(n, D) rows, so that S W is two thin products and S itself is never needed.
    """
    mean = X.mean(axis=0)
    R = X - mean
    if not R.any():
        raise ValueError(f"the rows of X do not vary, got {len(X)} equal ones")
    R = R / np.sqrt(X.dtype.type(len(X)))
    if len(R) > R.shape[1]:
        R = np.linalg.qr(R, mode="r")
    return mean, R


def _mean_loglik(R: Array, W: Array, psi: Array) -> float:
    """Return the mean log-density of the training rows, whose covariance is R^T R."""
    quadratic, logdet = _deviance(R, W, psi)
    return float(-(quadratic.sum() + logdet + len(psi) * np.log(2 * np.pi)) / 2)


def _floor(floor: float, variance: Array) -> float:
    """Return the least noise variance, in the units of the data."""
    if not 0 < _nonnegative(floor, "floor") < 1:
        raise ValueError(f"floor must be a fraction between 0 and 1, got {floor!r}")
    return float(floor * variance.mean())


def _leading(A: Array, d: int) -> tuple[Array, Array]:
    """Return the d largest eigenvalues of A^T A, descending, and its eigenvectors as columns."""
    m, n = A.shape
    wide = n > m
    G = A @ A.T if wide else A.T @ A
    theta, V = scipy.linalg.eigh(G, subset_by_index=(len(G) - d, len(G) - 1), check_finite=False)
    theta, V = theta[::-1], V[:, ::-1]
    if wide:
        V = A.T @ (V / np.sqrt(np.maximum(theta, np.finfo(A.dtype).tiny)))
    return theta, V


def _warn(message: str) -> None:
    warnings.warn(message, RuntimeWarning, stacklevel=3)


# --- 13.2 Independent Component Analysis (ICA) ---


def _tanh_contrast(Y: Array) -> tuple[Array, Array]:
    """Return g(y) for the contrast log cosh y, and the sum of g'(y) over each column."""
    G = np.tanh(Y)
    return G, len(G) - np.einsum("ij,ij->j", G, G)


def _cubic_contrast(Y: Array) -> tuple[Array, Array]:
    """Return g(y) for the contrast y^4 / 4, that is kurtosis, and the sum of g'(y) over each column."""
    return Y**3, 3 * np.einsum("ij,ij->j", Y, Y)


_CONTRASTS: dict[str, Callable[[Array], tuple[Array, Array]]] = {
    "logcosh": _tanh_contrast,
    "kurtosis": _cubic_contrast,
}


def fastica(
    Z: ArrayLike,
    n: int,
    contrast: Literal["logcosh", "kurtosis"] = "logcosh",
    *,
    rng: np.random.Generator,
    tol: float = 1e-6,
    max_iter: int = 200,
) -> tuple[Array, int]:
    """Rotate whitened data until the components are as far from Gaussian as the contrast can see.

    A step takes each row b of B to E[z g(b^T z)] - E[g'(b^T z)] b, Newton's step on the sphere, and makes the rows
    orthonormal again, all at once. Where the sources are as independent as the model believes, it converges
    quadratically; on natural images it creeps. So a row that still moves more than a quarter as far as last time, in
    the same direction, takes a step that is longer by one than its last; any other row starts again at one. Until rows
    turn by less than a millionth, or until the last step, sums are taken in float32.

    Parameters
    ----------
    Z : array_like, shape (n_samples, p)
        Whitened data: mean 0 and covariance I, as from `dlcore.foundations.linalg.whiten`.
    n : int
        Number of components, at most p.
    contrast : {"logcosh", "kurtosis"}
        Whose derivative is g: tanh, or the cube, which outliers rule.
    rng : numpy.random.Generator
        Draws the rotation to start from.
    tol : float
        Stop when no row of B turns by more, in the sense that all abs(cos(angle)) > 1 - tol. With 0 all steps are
        taken.
    max_iter : int
        Most steps to take.

    Returns
    -------
    B : ndarray, shape (n, p)
        Unmixing matrix with orthonormal rows, h = B z; the order and the signs of the rows are accidents of the start.
    n_iter : int
        Number of steps taken.

    Raises
    ------
    ValueError
        If Z is not white, n is out of range, or the contrast is unknown.

    References
    ----------
    Deep Learning, section 13.2. A. Hyvarinen, Fast and robust fixed-point algorithms for independent component
    analysis (1999).

    Examples
    --------
    >>> from dlcore.foundations.linalg import whiten
    >>> rng = np.random.default_rng(0)
    >>> S, A = rng.laplace(size=(2000, 2)), np.array([[2.0, 1.0], [1.0, 1.0]])
    >>> Z, K, mean = whiten(S @ A.T)
    >>> B, n_iter = fastica(Z, 2, rng=rng)
    >>> amari_distance(B @ K.T @ A) < 0.05
    True
    """
    Z = _white(Z)
    n, max_iter, tol = _integer(n, "n", 1, Z.shape[1]), _integer(max_iter, "max_iter", 1), _nonnegative(tol, "tol")
    if contrast not in _CONTRASTS:
        raise ValueError(f"contrast must be one of {', '.join(_CONTRASTS)}, got {contrast!r}")
    data = Z.astype(np.float32, copy=False)
    B = _orthonormal_rows(rng.standard_normal((n, Z.shape[1])))
    move, stride = np.zeros_like(B), np.ones((n, 1))
    for step in range(1, max_iter + 1):
        target = _orthonormal_rows(_newton_step(data, B, _CONTRASTS[contrast]))
        cosine = np.sum(target * B, axis=1, keepdims=True)
        last, move = move, np.where(cosine < 0, -target, target) - B  # b and -b are one component
        creeps = np.sum(move * last, axis=1, keepdims=True) > np.sum(last**2, axis=1, keepdims=True) / 4
        stride = np.where(creeps, stride + 1, 1)
        B = _orthonormal_rows(B + stride * move)
        turn = float(np.abs(np.abs(cosine) - 1).max())
        if data is Z and turn < tol:
            break
        if turn < max(tol, 1e-6) or step == max_iter - 1:
            data = Z
    else:
        if tol:
            _warn(
                f"FastICA turned a component by {turn:.1e} in step {max_iter}, more than tol = {tol:g}: raise max_iter "
                "or tol, or take fewer components; components that are nearly Gaussian never settle"
            )
    return B.astype(Z.dtype), step


def _newton_step(
    Z: Array, B: Array, contrast: Callable[[Array], tuple[Array, Array]]
) -> Array:
    """Return E[z g(b^T z)] - E[g'(b^T z)] b for each row b of B; 2000 rows of Z at a time stay in the cache."""
    BT = np.ascontiguousarray(B.T, dtype=Z.dtype)
    correlation, slope = np.zeros(B.shape), np.zeros(len(B))
    for start in range(0, len(Z), 2000):
        z = Z[start : start + 2000]
        G, slopes = contrast(z @ BT)
        correlation += G.T @ z
        slope += slopes
    return (correlation - slope[:, None] * B) / len(Z)


def _white(Z: ArrayLike) -> Array:
    """Return Z after checking that its columns have mean 0 and covariance I, up to what divisor n or n - 1 changes."""
    Z = _matrix(Z, "Z")
    if len(Z) < 2 or not Z.shape[1]:
        raise ValueError(f"Z needs two samples or more, and a column, got shape {Z.shape}")
    slack = 0.01 + 2 / len(Z)
    gap = max(np.abs(Z.mean(axis=0)).max(), np.abs(Z.T @ Z / len(Z) - np.eye(Z.shape[1])).max())
    if gap > slack:
        raise ValueError(f"Z must be whitened: its mean or covariance is {gap:.2g} away from 0 or I; use linalg.whiten")
    return Z


def _orthonormal_rows(B: Array) -> Array:
    """Return (B B^T)^(-1/2) B, the nearest matrix with orthonormal rows."""
    U, _, Vt = np.linalg.svd(B, full_matrices=False)
    rows: Array = U @ Vt
    return rows


def _logistic_prior(y: Array) -> tuple[Array, Array]:
    """Return log p(y) and -(log p)'(y) for p = sigmoid', the density whose distribution function is the sigmoid."""
    return -y - 2 * softplus(-y), np.tanh(y / 2)


def _laplace_prior(y: Array) -> tuple[Array, Array]:
    """Return log p(y) and -(log p)'(y) for p(y) = exp(-|y|) / 2."""
    return -np.abs(y) - np.log(2), np.sign(y)


_PRIORS: dict[str, Callable[[Array], tuple[Array, Array]]] = {"logistic": _logistic_prior, "laplace": _laplace_prior}


def _prior(name: str) -> Callable[[Array], tuple[Array, Array]]:
    if name not in _PRIORS:
        raise ValueError(f"prior must be one of {', '.join(_PRIORS)}, got {name!r}")
    return _PRIORS[name]


def ica_ml(
    Z: ArrayLike,
    prior: Literal["logistic", "laplace"] = "logistic",
    *,
    lr: float = 0.5,
    n_iter: int = 300,
) -> tuple[Array, Array]:
    """Fit noiseless ICA by maximum likelihood: p(z) = p_h(B z) abs(det B), one fixed prior on all factors.

    The ordinary gradient is B^-T - E[phi(h) z^T] with phi = -(log p_h)'. Times B^T B it needs no inverse and no longer
    depends on the mixing: the natural gradient (I - E[phi(h) h^T]) B.

    Parameters
    ----------
    Z : array_like, shape (n_samples, p)
        Data of mean 0; whitened data need the fewest steps.
    prior : {"logistic", "laplace"}
        p_h. Both have heavy tails; on sources with light ones they fail (see `ica_stability`).
    lr : float
        Length of a step.
    n_iter : int
        Number of steps, from B = I.

    Returns
    -------
    B : ndarray, shape (p, p)
        Unmixing matrix, h = B z. Its scale is that of the prior.
    loglik : ndarray, shape (n_iter + 1,)
        Mean log-density of the rows of Z in nats, at the start and after each step.

    Raises
    ------
    ValueError
        If the prior is unknown, lr is not positive, or the steps diverge.

    References
    ----------
    Deep Learning, section 13.2. A. J. Bell and T. J. Sejnowski, An information-maximization approach to blind
    separation and blind deconvolution (1995). S. Amari, A. Cichocki and H. H. Yang, A new learning algorithm for blind
    signal separation (1996).

    Examples
    --------
    >>> from dlcore.foundations.linalg import whiten
    >>> S, A = np.random.default_rng(0).laplace(size=(2000, 2)), np.array([[2.0, 1.0], [1.0, 1.0]])
    >>> Z, K, mean = whiten(S @ A.T)
    >>> B, loglik = ica_ml(Z, "laplace")
    >>> amari_distance(B @ K.T @ A) < 0.05
    True
    """
    Z, density = _matrix(Z, "Z"), _prior(prior)
    n, p = Z.shape
    if not n or not _nonnegative(lr, "lr"):
        raise ValueError(
            f"there must be samples and lr must be positive, got Z of shape {Z.shape} "
            f"and lr = {lr!r}"
        )
    B = np.eye(p, dtype=Z.dtype)
    loglik = []
    for step in range(_integer(n_iter, "n_iter", 0) + 1):
        H = Z @ B.T
        log_p, phi = density(H)
        loglik.append(float(log_p.sum() / n + np.linalg.slogdet(B)[1]))
        if step < n_iter:
            B = B + lr * (np.eye(p, dtype=Z.dtype) - phi.T @ H / n) @ B
        if not np.isfinite(B).all() or np.abs(B).max() > 1e6:
            raise ValueError(
                f"the steps diverge after {step + 1} of {n_iter}: take lr below "
                f"{lr:g}, or whiten Z"
            )
    return B, np.array(loglik)


def ica_stability(y: ArrayLike, prior: Literal["logistic", "laplace"] = "logistic") -> float:
    """Return the number that tells whether a fixed prior can hold a source in place: kappa = E[phi'(s)] E[s^2] - 1.

    The source is first scaled so that E[s phi(s)] = 1, as maximum likelihood will scale it. The true sources are a
    stable maximum if and only if (1 + kappa_i)(1 + kappa_j) > 1 for every pair and every 1 + kappa_i > 0. Gaussian
    sources have kappa = 0 under every prior.

    Parameters
    ----------
    y : array_like, shape (n_samples,)
        Draws of one source, at any scale; the mean is taken out.
    prior : {"logistic", "laplace"}
        Prior of the model. E[phi'] is the mean slope of phi over a twentieth of the scale of s, so that the jump of the
        Laplace prior counts as well.

    Returns
    -------
    float
        kappa, larger than -1; negative for sources with light tails.

    Raises
    ------
    ValueError
        If y does not vary or the prior is unknown.

    References
    ----------
    Deep Learning, section 13.2. S. Amari, T.-P. Chen and A. Cichocki, Stability analysis of learning algorithms for
    blind source separation (1997).

    Examples
    --------
    >>> ica_stability([-1.0, 1.0]) < 0 < ica_stability(np.random.default_rng(0).laplace(size=1000))
    True
    """
    y, density = _real(y, "y", 1), _prior(prior)
    if len(y) < 2 or not np.ptp(y):
        raise ValueError(f"a source has to vary, got {len(y)} value(s) without variance")
    y = (y - y.mean()) / y.std()
    scale = scipy.optimize.brentq(lambda a: float(np.mean(a * y * density(a * y)[1])) - 1, 1e-3, 1e3)
    s = scale * y
    step = scale / 20
    slope = np.mean(density(s + step)[1] - density(s - step)[1]) / (2 * step)
    return float(slope * np.mean(s**2) - 1)


def amari_distance(P: ArrayLike) -> float:
    """Return how far P = (unmixing)(mixing) is from a permutation and rescaling of the sources: from 0 to 1.

    Parameters
    ----------
    P : array_like, shape (n, n)
        Product of estimated unmixing matrix and true mixing matrix, or of two estimates B1 B2^-1.

    Returns
    -------
    float
        Sum over rows and columns of (sum of abs / max of abs - 1), divided by 2 n (n - 1).

    Raises
    ------
    ValueError
        If P is not square, of size 2 or more, or has a row or column of zeros.

    References
    ----------
    S. Amari, A. Cichocki and H. H. Yang, A new learning algorithm for blind signal separation (1996).

    Examples
    --------
    >>> amari_distance([[0, -3], [2, 0]]), amari_distance([[1, 1], [1, 1]])
    (0.0, 1.0)
    """
    P = np.abs(_matrix(P, "P"))
    n = len(P)
    if P.shape != (n, n) or n < 2:
        raise ValueError(f"P must be square with two rows or more, got shape {P.shape}")
    if not (P.any(axis=0).all() and P.any(axis=1).all()):
        raise ValueError("P has a row or a column of zeros: a source is missing")
    spread = sum(float((P.sum(axis) / P.max(axis) - 1).sum()) for axis in (0, 1))
    return spread / (2 * n * (n - 1))


def match_sources(S_hat: ArrayLike, S: ArrayLike) -> tuple[NDArray[np.intp], Array]:
    """Pair estimated with true sources so that the sum of absolute correlations is largest.

    Parameters
    ----------
    S_hat : array_like, shape (n_samples, n_hat)
        Estimates, at least as many as sources.
    S : array_like, shape (n_samples, n)
        True sources.

    Returns
    -------
    perm : ndarray of int, shape (n,)
        ``S_hat[:, perm]`` stands in the order of S.
    correlation : ndarray, shape (n,)
        Absolute correlation of each pair.

    Raises
    ------
    ValueError
        If shapes do not fit, or a column does not vary.

    Examples
    --------
    >>> S = np.random.default_rng(0).normal(size=(100, 3))
    >>> match_sources(-2 * S[:, [2, 0, 1]], S)[0]
    array([1, 2, 0])
    """
    S_hat, S = _matrix(S_hat, "S_hat"), _matrix(S, "S")
    if len(S_hat) != len(S) or S_hat.shape[1] < S.shape[1]:
        raise ValueError(f"S_hat needs the rows of S and as many columns or more, got {S_hat.shape} for {S.shape}")
    for name, A in (("S_hat", S_hat), ("S", S)):
        if len(A) < 2 or not np.ptp(A, axis=0).all():
            raise ValueError(f"every column of {name} has to vary, got shape {A.shape}")
    U, V = ((A - A.mean(axis=0)) / A.std(axis=0) for A in (S_hat, S))
    correlation = np.abs(U.T @ V) / len(S)
    rows, columns = scipy.optimize.linear_sum_assignment(-correlation)
    perm = rows[np.argsort(columns)]
    return perm, correlation[perm, np.arange(S.shape[1])]


def elliptical_t_loglik(Z: ArrayLike, Z_test: ArrayLike) -> float:
    """Fit a spherical Student-t to rows and score others: a density that looks at the radius and at no direction.

    log p(z) = log Gamma((nu + p) / 2) - log Gamma(nu / 2) - (p / 2) log(nu pi s^2) - ((nu + p) / 2) log(1 + z^T z /
    (nu s^2)); nu and s maximise it on Z. With p = 1 it is the Student-t of a single factor.

    Parameters
    ----------
    Z : array_like, shape (n_samples, p)
        Rows to fit, centred; whitened if the ellipse is to be a sphere.
    Z_test : array_like, shape (m, p)
        Rows to score.

    Returns
    -------
    float
        Mean log-density of the rows of Z_test in nats.

    Raises
    ------
    ValueError
        If the numbers of columns differ, or Z is zero.

    Examples
    --------
    >>> Z = np.random.default_rng(0).normal(size=(4000, 2))
    >>> round(elliptical_t_loglik(Z[:2000], Z[2000:]) / 2, 1)  # a Gaussian has -log(2 pi e) / 2
    -1.4
    """
    Z, Z_test = _matrix(Z, "Z"), _matrix(Z_test, "Z_test")
    p = Z.shape[1]
    if Z_test.shape[1] != p or not p or not len(Z_test):
        raise ValueError(f"Z and Z_test need rows of one length, got shapes {Z.shape} and {Z_test.shape}")
    radius, radius_test = (np.sum(np.square(A, dtype=np.float64), axis=1) for A in (Z, Z_test))
    if not radius.any():
        raise ValueError(f"Z must not be zero, got shape {Z.shape}")

    def loglik(r2: Array, log_nu: float, log_s2: float) -> float:
        nu, s2 = np.exp(log_nu), np.exp(log_s2)
        constant = gammaln((nu + p) / 2) - gammaln(nu / 2) - p / 2 * np.log(nu * np.pi * s2)
        return float(constant - (nu + p) / 2 * np.mean(np.log1p(r2 / (nu * s2))))

    start = np.log([4.0, radius.mean() / p])
    bounds = [(-3, 12), (start[1] - 12, start[1] + 2)]
    best = scipy.optimize.minimize(lambda u: -loglik(radius, *u) / p, start, bounds=bounds, method="L-BFGS-B")
    return loglik(radius_test, *best.x)


# --- 13.3 Slow Feature Analysis ---


def quadratic_expansion(X: ArrayLike) -> Array:
    """Append all products of two features, squares included: p features become p + p (p + 1) / 2.

    Parameters
    ----------
    X : array_like, shape (n, p)
        Rows.

    Returns
    -------
    ndarray, shape (n, p + p (p + 1) / 2)

    Raises
    ------
    ValueError
        If X is not a matrix of finite real numbers.

    References
    ----------
    Deep Learning, section 13.3.

    Examples
    --------
    >>> quadratic_expansion([[2, 3]])
    array([[2., 3., 4., 6., 9.]])
    """
    X = _matrix(X, "X")
    i, j = np.triu_indices(X.shape[1])
    return np.hstack([X, X[:, i] * X[:, j]])


class SFA:
    """Slow features: the unit-variance, uncorrelated functions of a signal that change least from moment to moment.

    Among features y = w^T x (x centred, perhaps expanded) the slowest minimises Delta = E[(y_t - y_(t-1))^2]. With C
    the covariance of x and Cdot that of its differences, the w solve Cdot w = Delta C w.

    Parameters
    ----------
    n_components : int
        Number of features.
    expansion : {None, "quadratic"}
        What to apply the linear problem to: the signal, or its `quadratic_expansion`.

    Attributes
    ----------
    delta_ : ndarray, shape (n_components,)
        Delta of each feature, slowest first.
    W_ : ndarray, shape (n_expanded, n_components)
        The w as columns; of each, the largest entry in magnitude is positive.
    mean_ : ndarray, shape (n_expanded,)
        Mean of the expanded signal.

    References
    ----------
    Deep Learning, section 13.3. L. Wiskott and T. J. Sejnowski, Slow feature analysis: unsupervised learning of
    invariances (2002).

    Examples
    --------
    >>> t = np.linspace(0, 4 * np.pi, 2000)
    >>> X = np.stack([np.sin(t) + np.cos(11 * t) ** 2, np.cos(11 * t)], axis=1)
    >>> y = SFA(1, expansion="quadratic").fit(X).transform(X)[:, 0]
    >>> round(abs(float(np.corrcoef(y, np.sin(t))[0, 1])), 3)
    1.0
    """

    delta_: Array
    W_: Array
    mean_: Array

    def __init__(self, n_components: int, *, expansion: Literal["quadratic"] | None = None) -> None:
        self.n_components = n_components
        self.expansion = expansion

    def fit(self, X: ArrayLike, segments: ArrayLike | None = None) -> Self:
        """Find the slowest features of a signal.

        Parameters
        ----------
        X : array_like, shape (n_samples, p)
            The signal, one moment per row.
        segments : array_like, shape (n_samples,), optional
            Labels; no difference is taken between neighbours with different labels. By default all is one recording.

        Returns
        -------
        SFA
            The object itself.

        Raises
        ------
        ValueError
            If the shapes do not fit, no two neighbours belong together, or the (expanded) signal varies in fewer
            directions than n_components.
        """
        F = self._expanded(X)
        n = len(F)
        label = np.zeros(n) if segments is None else np.asarray(segments)
        if label.shape != (n,):
            raise ValueError(
                f"segments must have one label for each of {n} rows, got shape "
                f"{label.shape}"
            )
        together = label[1:] == label[:-1]
        if not together.any():
            raise ValueError(
                f"no two neighbours among {n} rows belong to one segment: there is no "
                "change to measure"
            )
        self.mean_ = F.mean(axis=0)
        F = F - self.mean_
        variance, V = np.linalg.eigh(F.T @ F / n)
        # what is left varies by rounding only
        keep = variance > max(1e-7, 100 * np.finfo(F.dtype).eps) * variance[-1]
        k = _integer(self.n_components, "n_components", 1, max(int(keep.sum()), 0))
        K = V[:, keep] / np.sqrt(variance[keep])  # whitens
        change = (F[1:] - F[:-1])[together] @ K
        delta, U = np.linalg.eigh(change.T @ change / len(change))
        self.delta_, W = delta[:k], (K @ U)[:, :k]
        largest = np.take_along_axis(W, np.abs(W).argmax(axis=0)[None], axis=0)
        self.W_ = W * np.sign(largest)
        return self

    def transform(self, X: ArrayLike) -> Array:
        """Return the slow features of each row.

        Parameters
        ----------
        X : array_like, shape (n, p)
            Moments of the signal, seen by `fit` or new; each is transformed on its own.

        Returns
        -------
        ndarray, shape (n, n_components)

        Raises
        ------
        ValueError
            Before `fit`, or if the number of columns is wrong.
        """
        if not hasattr(self, "W_"):
            raise ValueError("this SFA knows no features yet: call fit(X) first")
        F = self._expanded(X)
        if F.shape[1] != len(self.W_):
            raise ValueError(
                f"X has the wrong number of columns: shape {np.shape(X)} expands to {F.shape[1]} features, "
                f"not {len(self.W_)}"
            )
        return (F - self.mean_) @ self.W_

    def _expanded(self, X: ArrayLike) -> Array:
        if self.expansion not in (None, "quadratic"):
            raise ValueError(f"expansion must be None or 'quadratic', got {self.expansion!r}")
        return _matrix(X, "X") if self.expansion is None else quadratic_expansion(X)


# --- 13.4 Sparse Coding ---


def lasso_objective(X: ArrayLike, D: ArrayLike, H: ArrayLike, lam: float) -> float:
    """Return the energy of sparse coding, norm(x - D h)^2 / 2 + lam norm(h, 1), as a mean over rows.

    The book minimises lam norm(h, 1) + beta norm(x - W h)^2; its lam / (2 beta) is ours.

    Parameters
    ----------
    X : array_like, shape (n, p)
        Rows.
    D : array_like, shape (p, k)
        Dictionary, one atom per column.
    H : array_like, shape (n, k)
        Codes.
    lam : float
        Price of a unit of code, >= 0.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If shapes do not fit or lam is negative.

    References
    ----------
    Deep Learning, section 13.4, equation 13.16.

    Examples
    --------
    >>> lasso_objective([[3.0]], [[1.0]], [[2.0]], 1.0)
    2.5
    """
    X, D, H, lam = _lasso(X, D, lam, H)
    return float((np.sum((X - H @ D.T) ** 2) / 2 + lam * np.abs(H).sum()) / len(X))


def kkt_residual(X: ArrayLike, D: ArrayLike, H: ArrayLike, lam: float, nonnegative: bool = False) -> float:
    """Return how far codes are from fulfilling the conditions of the optimum: a certificate that needs no optimum.

    With c = D^T (x - D h), optimal codes have c_i = lam sign(h_i) where h_i is not 0, and abs(c_i) <= lam where it is
    (c_i <= lam if codes must not be negative). The problem is convex, so 0 means optimal.

    Parameters
    ----------
    X, D, H, lam
        As for `lasso_objective`.
    nonnegative : bool
        Whether the codes were to be >= 0.

    Returns
    -------
    float
        The largest violation in any row and atom, in the units of lam.

    Raises
    ------
    ValueError
        If shapes do not fit, lam is negative, or a code that must not be negative is.

    References
    ----------
    Deep Learning, section 13.4.

    Examples
    --------
    >>> kkt_residual([[3.0]], [[1.0]], [[2.0]], 1.0), kkt_residual([[3.0]], [[1.0]], [[1.5]], 1.0)
    (0.0, 0.5)
    """
    X, D, H, lam = _lasso(X, D, lam, H)
    if nonnegative and (H < 0).any():
        raise ValueError(f"codes must not be negative, got {H.min():.3g}")
    return float(_violation((X - H @ D.T) @ D, H, lam, nonnegative).max(initial=0))


def _violation(C: Array, H: Array, lam: float, nonnegative: bool) -> Array:
    """Return the largest violation of the conditions of the optimum in each row, given C = (X - H D^T) D."""
    idle = C if nonnegative else np.abs(C)
    violation: Array = np.where(H != 0, np.abs(C - lam * np.sign(H)), idle - lam).max(axis=1, initial=0)
    return violation


def ista(X: ArrayLike, D: ArrayLike, lam: float, n_iter: int) -> tuple[Array, Array]:
    """Infer sparse codes by iterative soft thresholding: a step down the squared error, then a step towards 0.

    With L the largest eigenvalue of D^T D the parabola of curvature L through h lies above the squared error; its
    minimum with the L1 norm is soft_threshold(h + D^T (x - D h) / L, lam / L). The objective never rises, and is at
    most L norm(best)^2 / (2 k) above its minimum after k steps from 0.

    Parameters
    ----------
    X : array_like, shape (n, p)
        Rows to encode.
    D : array_like, shape (p, k)
        Dictionary, one atom per column.
    lam : float
        Price of a unit of code, >= 0.
    n_iter : int
        Number of steps.

    Returns
    -------
    H : ndarray, shape (n, k)
        Codes.
    objective : ndarray, shape (n_iter,)
        `lasso_objective` after each step.

    Raises
    ------
    ValueError
        If shapes do not fit, D is zero, or lam or n_iter is out of range.

    References
    ----------
    Deep Learning, section 13.4. I. Daubechies, M. Defrise and C. De Mol, An iterative thresholding algorithm for linear
    inverse problems with a sparsity constraint (2004).

    Examples
    --------
    >>> H, objective = ista([[3.0, 0.5]], np.eye(2), 1.0, 1)
    >>> H
    array([[2., 0.]])
    """
    X, D, _, lam = _lasso(X, D, lam)
    L = _curvature(D)
    H = np.zeros((len(X), D.shape[1]), dtype=X.dtype)
    objective = []
    for _ in range(_integer(n_iter, "n_iter", 0)):
        H = soft_threshold(H + (X - H @ D.T) @ D / L, lam / L)
        objective.append(lasso_objective(X, D, H, lam))
    return H, np.array(objective)


def fista(
    X: ArrayLike,
    D: ArrayLike,
    lam: float,
    n_iter: int = 1000,
    tol: float | None = None,
    H0: ArrayLike | None = None,
    nonnegative: bool = False,
) -> tuple[Array, Array]:
    """Infer sparse codes by soft thresholding with momentum, up to a certificate.

    The step of `ista` is taken from Y = H + beta (H - H_old), which lies ahead. Without more, the objective is at most
    2 L norm(best)^2 / (k + 1)^2 above its minimum after k steps. A row whose last move points against its step forgets
    its momentum and starts to gather it anew (adaptive restart).

    Parameters
    ----------
    X, D, lam
        As for `ista`.
    n_iter : int
        Most steps to take.
    tol : float, optional
        Stop when `kkt_residual` is at most tol; rows that are there early are left alone from then on. By default all
        rows take all steps.
    H0 : array_like, shape (n, k), optional
        Codes to start from; zeros by default.
    nonnegative : bool
        Keep the codes >= 0.

    Returns
    -------
    H : ndarray, shape (n, k)
        Codes, with exact zeros.
    objective : ndarray, shape (n_steps,)
        `lasso_objective` after each step.

    Raises
    ------
    ValueError
        If shapes do not fit, D is zero, or a number is out of range.

    References
    ----------
    Deep Learning, section 13.4. A. Beck and M. Teboulle, A fast iterative shrinkage-thresholding algorithm for linear
    inverse problems (2009). B. O'Donoghue and E. Candes, Adaptive restart for accelerated gradient schemes (2015).

    Examples
    --------
    >>> D = np.array([[1.0, 0.6], [0.0, 0.8]])
    >>> H, objective = fista([[3.0, 0.5]], D, 0.1, tol=1e-9)
    >>> kkt_residual([[3.0, 0.5]], D, H, 0.1) < 1e-9
    True
    """
    X, D, H, lam = _lasso(X, D, lam, H0)
    n_iter, L = _integer(n_iter, "n_iter", 0), _curvature(D)
    tol = -1.0 if tol is None else _nonnegative(tol, "tol")
    G, XD = D.T @ D, X @ D
    HG = H @ G
    Y, YG = H, HG  # where the next step starts, and its image under the Gram matrix
    t = np.ones((len(X), 1), dtype=X.dtype)
    codes, live = H.copy(), np.arange(len(X))  # the rows that are not done yet
    settled = float(np.sum(X**2)) / 2  # energy that no later step changes
    objective: list[float] = []
    while len(live) and len(objective) < n_iter:
        H_old, HG_old = H, HG
        H = _shrink(Y + (XD - YG) / L, lam / L, nonnegative)
        HG = H @ G
        energy = np.einsum("ij,ij->i", H, HG / 2 - XD) + lam * np.abs(H).sum(axis=1)
        objective.append(float((settled + energy.sum()) / len(X)))
        move = H - H_old
        t[np.einsum("ij,ij->i", Y - H, move) > 0] = 1  # the step went back on the move: forget the momentum
        t_next = (1 + np.sqrt(1 + 4 * t**2)) / 2
        beta, t = (t - 1) / t_next, t_next
        Y, YG = H + beta * move, HG + beta * (HG - HG_old)
        if tol >= 0 and np.mean(done := _violation(XD - HG, H, lam, nonnegative) <= tol) > 0.1:
            codes[live], settled = H, settled + energy[done].sum()
            rest = ~done
            live, XD, H, HG = live[rest], XD[rest], H[rest], HG[rest]
            Y, YG, t = Y[rest], YG[rest], t[rest]
    codes[live] = H
    if tol >= 0 and len(live):
        _warn(
            f"FISTA left {len(live)} of {len(X)} rows with a KKT residual above tol = {tol:g} after {n_iter} steps: "
            "raise n_iter or tol, or scale atoms and data to norms near 1"
        )
    return codes, np.array(objective)


def _shrink(H: Array, amount: float, nonnegative: bool) -> Array:
    H = np.maximum(H - amount, 0) if nonnegative else soft_threshold(H, amount)
    return H


def _curvature(D: Array) -> float:
    """Return L, the largest eigenvalue of D^T D."""
    L = float(np.linalg.norm(D, 2) ** 2) if D.size else 0.0
    if L == 0:
        raise ValueError(f"the dictionary must have an entry other than zero, got shape {D.shape}")
    return L


def _lasso(X: ArrayLike, D: ArrayLike, lam: float, H: ArrayLike | None = None) -> tuple[Array, Array, Array, float]:
    """Return X, D, H (zeros if None) and lam after checking that they belong together."""
    X, D, lam = _matrix(X, "X"), _matrix(D, "D"), _nonnegative(lam, "lam")
    shape = len(X), D.shape[1]
    H = np.zeros(shape, dtype=X.dtype) if H is None else _matrix(H, "H")
    if len(D) != X.shape[1] or H.shape != shape:
        raise ValueError(f"X (n, p), D (p, k) and H (n, k) have to fit, got shapes {X.shape}, {D.shape} and {H.shape}")
    return X, D, H, lam


def learn_dictionary(
    X: ArrayLike,
    k: int,
    lam: float,
    epochs: int,
    batch: int,
    rng: np.random.Generator,
    nonnegative: bool = False,
) -> Array:
    """Learn the atoms of sparse coding, batch by batch: infer codes with `fista`, then improve each atom in turn.

    The squared error over all batches so far depends on D through A = sum of h h^T and E = sum of x h^T alone; old
    batches, encoded with older atoms, count for less. For one atom, with the others fixed, the best direction is
    E_j - sum over i != j of d_i A_ij, cut back to norm 1. An atom that no code uses is replaced by a data row.

    Parameters
    ----------
    X : array_like, shape (n, p)
        Rows, more than k of them.
    k : int
        Number of atoms; k > p is allowed and usual.
    lam : float
        Price of a unit of code, >= 0.
    epochs : int
        Passes through the data.
    batch : int
        Rows per step.
    rng : numpy.random.Generator
        Chooses the rows that are the first atoms, and the order of the rows.
    nonnegative : bool
        Keep the codes >= 0.

    Returns
    -------
    D : ndarray, shape (p, k)
        Atoms as columns of norm <= 1.

    Raises
    ------
    ValueError
        If a number is out of range, or fewer than k rows of X differ from 0.

    References
    ----------
    Deep Learning, section 13.4. J. Mairal, F. Bach, J. Ponce and G. Sapiro, Online learning for matrix factorization
    and sparse coding (2010).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.laplace(size=(500, 4)) @ rng.normal(size=(4, 4))
    >>> D = learn_dictionary(X, 6, 0.1, epochs=2, batch=50, rng=rng)
    >>> D.shape, bool(np.linalg.norm(D, axis=0).max() <= 1 + 1e-12)
    ((4, 6), True)
    """
    X, lam = _matrix(X, "X"), _nonnegative(lam, "lam")
    usable = np.flatnonzero(X.any(axis=1))
    k = _integer(k, "k", 1, len(usable))
    epochs, batch = _integer(epochs, "epochs", 0), _integer(batch, "batch", 1)
    D: Array = X[rng.choice(usable, k, replace=False)].T.copy()
    D /= np.linalg.norm(D, axis=0)
    H = np.zeros((len(X), k), dtype=X.dtype)  # codes of the last epoch are a start for those of the next
    A, E = np.zeros((k, k), dtype=X.dtype), np.zeros_like(D)
    step = 0
    for _ in range(epochs):
        for rows in np.array_split(rng.permutation(len(X)), max(len(X) // batch, 1)):
            H[rows], _ = fista(X[rows], D, lam, 15, H0=H[rows], nonnegative=nonnegative)
            step += 1
            memory = 1 - 2 / (step + 1)
            A = memory * A + H[rows].T @ H[rows]
            E = memory * E + X[rows].T @ H[rows]
            _improve_atoms(D, A, E, X[rng.choice(usable)])
    return D


def _improve_atoms(D: Array, A: Array, E: Array, spare: Array) -> None:
    """Replace each atom, in place and in turn, by the best one given the others; an unused one by a data row."""
    for j in range(D.shape[1]):
        if A[j, j] > 1e-10 * A.trace():
            d = D[:, j] + (E[:, j] - D @ A[:, j]) / A[j, j]
            D[:, j] = d / max(float(np.linalg.norm(d)), 1.0)
        else:
            D[:, j] = spare / np.linalg.norm(spare)


def map_code(x: ArrayLike, prior: Literal["gaussian", "laplace", "student"], lam: float, *, nu: float = 1.0) -> Array:
    """Return argmin over h of (x - h)^2 / 2 + lam r(h): what the prior on one factor does to an observation of it.

    r(h) is h^2 / 2 for "gaussian", abs(h) for "laplace", and log(1 + h^2 / nu) for "student" (Cauchy for nu = 1). The
    Gaussian prior shrinks in proportion; the Laplace prior has a kink at 0 and gives exact zeros; the Student prior is
    smooth at 0 and gives none, leaves large values alone, and has two minima for some x if and only if lam > 4 nu.

    Parameters
    ----------
    x : array_like, shape (n,)
        Observations.
    prior : {"gaussian", "laplace", "student"}
        Shape of the prior.
    lam : float
        Its weight against the noise, >= 0.
    nu : float
        Width of the Student prior, > 0.

    Returns
    -------
    ndarray, shape (n,)
        The code of each x; of two equally good ones, the one nearer to 0.

    Raises
    ------
    ValueError
        If the prior is unknown, lam is negative or nu is not positive.

    References
    ----------
    Deep Learning, section 13.4.

    Examples
    --------
    >>> map_code([0.5, 3.0], "laplace", 1.0)
    array([0., 2.])
    """
    x, lam = _real(x, "x", 1), _nonnegative(lam, "lam")
    if not _nonnegative(nu, "nu"):
        raise ValueError(f"nu must be positive, got {nu!r}")
    if prior == "gaussian":
        return x / (1 + lam)
    if prior == "laplace":
        shrunk: Array = soft_threshold(x, lam)
        return shrunk
    if prior != "student":
        raise ValueError(f"prior must be gaussian, laplace or student, got {prior!r}")
    # h - x + 2 lam h / (nu + h^2) = 0 is the cubic h^3 - x h^2 + (nu + 2 lam) h - nu x = 0
    companion = np.zeros((len(x), 3, 3))
    companion[:, [1, 2], [0, 1]] = 1
    companion[:, :, 2] = np.stack([nu * x, np.full_like(x, -(nu + 2 * lam)), x], axis=1)
    h = np.sort(np.linalg.eigvals(companion).real * np.sign(x)[:, None], axis=1)  # between 0 and abs(x) is the code
    energy = (np.abs(x)[:, None] - h) ** 2 / 2 + lam * np.log1p(h**2 / nu)
    best = np.argmin(energy, axis=1)
    code: Array = (h[np.arange(len(x)), best] * np.sign(x)).astype(x.dtype)
    return code


def spike_slab_sample(
    D: ArrayLike, pi: ArrayLike, slab: Sequence[ArrayLike], n: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Draw rows D h with independent factors: each is off, or, with probability pi, takes a value seen before.

    Parameters
    ----------
    D : array_like, shape (p, k)
        Dictionary, one atom per column.
    pi : array_like, shape (k,)
        Probability of each factor to be on.
    slab : sequence of k arrays
        The values that each factor may take when it is on, for example its non-zero codes of the training data.
    n : int
        Number of rows.
    rng : numpy.random.Generator
        Throws the switches and chooses the values.

    Returns
    -------
    X : ndarray, shape (n, p)
        Rows without noise.
    H : ndarray, shape (n, k)
        Their factors.

    Raises
    ------
    ValueError
        If shapes do not fit, a probability is outside [0, 1], or a factor that may be on has no values.

    References
    ----------
    Deep Learning, sections 13.4 and 20.5.3.

    Examples
    --------
    >>> X, H = spike_slab_sample(np.eye(2), [0.0, 1.0], [[], [5.0]], 1, np.random.default_rng(0))
    >>> X
    array([[0., 5.]])
    """
    D, pi = _matrix(D, "D"), _real(pi, "pi", 1)
    values = [_real(v, "slab", 1) for v in slab]
    k = D.shape[1]
    if pi.shape != (k,) or len(values) != k:
        raise ValueError(f"D of shape {D.shape} needs {k} probabilities and slabs, got {pi.shape} and {len(values)}")
    if not ((pi >= 0) & (pi <= 1)).all():
        raise ValueError(f"probabilities lie in [0, 1], got {pi.min():.3g} to {pi.max():.3g}")
    if any(p > 0 and not len(v) for p, v in zip(pi, values, strict=True)):
        raise ValueError("a factor that may be on needs at least one value in its slab")
    H = np.zeros((_integer(n, "n", 0), k), dtype=D.dtype)
    for j in range(k):
        on = rng.random(n) < pi[j]
        if on.any():
            H[on, j] = rng.choice(values[j], on.sum())
    return H @ D.T, H


class SpikeSlabPosterior(NamedTuple):
    """The exact posterior of a spike-and-slab model given one x.

    Attributes
    ----------
    states : ndarray of bool, shape (2**k, k)
        Every pattern of switches.
    probability : ndarray, shape (2**k,)
        p(pattern | x).
    mean : ndarray, shape (k,)
        E[h | x].
    log_evidence : float
        log p(x) in nats.
    """

    states: NDArray[np.bool_]
    probability: Array
    mean: Array
    log_evidence: float


def spike_slab_posterior(
    x: ArrayLike, W: ArrayLike, pi: ArrayLike, sigma_h: float, sigma_x: float
) -> SpikeSlabPosterior:
    """Compute the posterior over switches by trying all of them: h_i = s_i v_i, s_i ~ Bernoulli, v_i ~ N(0, sigma_h^2).

    For each pattern s, x ~ N(0, sigma_h^2 W_s W_s^T + sigma_x^2 I) with the columns that are on; Bayes' rule does the
    rest.

    Parameters
    ----------
    x : array_like, shape (p,)
        One observation.
    W : array_like, shape (p, k)
        Dictionary, 1 <= k <= 12.
    pi : array_like, shape (k,), or float
        Prior probability of each switch to be on, in (0, 1).
    sigma_h, sigma_x : float
        Standard deviations of a factor that is on and of the noise, > 0.

    Returns
    -------
    SpikeSlabPosterior
        Patterns, their probabilities, the mean code and the evidence.

    Raises
    ------
    ValueError
        If shapes do not fit, k > 12, or a number is out of range.

    References
    ----------
    Deep Learning, section 13.4; T. J. Mitchell and J. J. Beauchamp, Bayesian variable selection in linear regression
    (1988).

    Examples
    --------
    >>> answer = spike_slab_posterior([3.0], [[1.0]], 0.5, 2.0, 1.0)
    >>> answer.probability.round(3)
    array([0.058, 0.942])
    """
    x, W = _real(x, "x", 1), _matrix(W, "W")
    k = _integer(W.shape[1], "the number of atoms", 1, 12)
    pi = np.broadcast_to(_real(pi, "pi", 0, 1), k) if np.ndim(pi) == 0 else _real(pi, "pi", 1)
    if len(W) != len(x) or pi.shape != (k,):
        raise ValueError(f"x (p,), W (p, k) and pi (k,) have to fit, got {x.shape}, {W.shape} and {pi.shape}")
    if not ((pi > 0) & (pi < 1)).all() or not _nonnegative(sigma_h, "sigma_h") * _nonnegative(sigma_x, "sigma_x"):
        raise ValueError(f"pi must lie in (0, 1) and both sigmas above 0, got {pi}, {sigma_h!r} and {sigma_x!r}")
    states = np.array(list(itertools.product([False, True], repeat=k)))
    log_joint = states @ np.log(pi) + ~states @ np.log1p(-pi)
    means = np.zeros((len(states), k))
    for i, on in enumerate(states):
        W_on, psi = sigma_h * W[:, on], np.full(len(x), float(sigma_x) ** 2)
        log_joint[i] += gaussian_factor_loglik(x[None], np.zeros(len(x)), W_on, psi)[0]
        means[i, on] = sigma_h * _posterior(x[None], W_on, psi)[0][0]
    log_evidence = logsumexp(log_joint)
    probability = np.exp(log_joint - log_evidence)
    return SpikeSlabPosterior(states, probability, probability @ means, float(log_evidence))
