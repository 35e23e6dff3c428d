"""Linear algebra from first principles: the algorithms of *Deep Learning*, chapter 2.

Elimination, QR, eigenvalues and the singular value decomposition are written out here with array arithmetic alone, for
matrices of up to about 64 columns. ``low_rank``, ``PCA``, ``whiten`` and ``randomized_svd`` meet photographs and data
sets with hundreds of columns, where a Jacobi method in Python is too slow: they stand on LAPACK, through
``numpy.linalg``.

Every function accepts anything ``numpy.asarray`` understands. float32 stays float32, all other real numbers become
float64, and numbers that are returned alone are Python floats. Input that is complex, not finite or of the wrong shape
raises ``ValueError``. Nothing is modified in place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from numbers import Real
from typing import Any, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "PCA",
    "det",
    "eigh_qr",
    "gram_schmidt",
    "in_span",
    "inverse",
    "low_rank",
    "lu",
    "matrix_rank",
    "newton_schulz",
    "norm",
    "null_space",
    "pinv",
    "power_iteration",
    "qr",
    "randomized_svd",
    "solve",
    "svd_jacobi",
    "whiten",
]

Array: TypeAlias = NDArray[np.floating[Any]]


# --- 2.3 Identity and Inverse Matrices, 2.11 The Determinant ---


def lu(A: ArrayLike) -> tuple[Array, Array, Array]:
    """Factor a square matrix as P A = L U by Gaussian elimination with partial pivoting.

    Parameters
    ----------
    A : array_like, shape (n, n)
        Any square matrix; a singular one gets zeros (or rounding error) on the diagonal of U.

    Returns
    -------
    P : ndarray, shape (n, n)
        Permutation matrix: the order in which the rows were used.
    L : ndarray, shape (n, n)
        Lower triangular, ones on the diagonal, no entry larger than 1 in magnitude: the multipliers.
    U : ndarray, shape (n, n)
        Upper triangular: what elimination leaves. Its diagonal holds the pivots.

    Raises
    ------
    ValueError
        If A is not a square matrix of finite real numbers.

    References
    ----------
    Deep Learning, section 2.3.

    Examples
    --------
    >>> P, L, U = lu([[0, 2], [4, 6]])
    >>> L @ U
    array([[4., 6.],
           [0., 2.]])
    """
    U = _square(A).copy()
    n = len(U)
    P, L = np.eye(n, dtype=U.dtype), np.eye(n, dtype=U.dtype)
    for k in range(n):
        # the largest entry left in column k becomes the pivot
        p = k + int(np.argmax(np.abs(U[k:, k])))
        U[[k, p]], P[[k, p]] = U[[p, k]], P[[p, k]]
        L[[k, p], :k] = L[[p, k], :k]
        if U[k, k] == 0:
            continue  # the column is zero already
        L[k + 1 :, k] = U[k + 1 :, k] / U[k, k]
        U[k + 1 :] -= np.outer(L[k + 1 :, k], U[k])
        U[k + 1 :, k] = 0  # rounding may have left a crumb
    return P, L, U


def solve(A: ArrayLike, b: ArrayLike) -> Array:
    """Solve A x = b by elimination: L y = P b from the top, then U x = y from the bottom.

    Parameters
    ----------
    A : array_like, shape (n, n)
        Invertible matrix.
    b : array_like, shape (n,) or (n, k)
        One right-hand side, or k of them as columns.

    Returns
    -------
    x : ndarray, shape of b
        The solution, one column per right-hand side.

    Raises
    ------
    ValueError
        If the shapes do not fit, or if A cannot be told from a singular matrix: a pivot U[k, k] is not larger than ten
        times its own rounding error, n eps (abs(L) abs(U))[k, k]. `pinv` answers such systems.

    References
    ----------
    Deep Learning, section 2.3. N. J. Higham, Accuracy and Stability of Numerical Algorithms, theorem 9.3 (2002).

    Examples
    --------
    >>> solve([[2, 1], [1, 3]], [3, 5])
    array([0.8, 1.4])
    """
    A, b = _square(A), _real(b, "b", 1, 2)
    n = len(A)
    if len(b) != n:
        raise ValueError(
            f"A of shape {A.shape} needs a b with {n} rows, got shape {b.shape}"
        )
    P, L, U = lu(A.astype(np.result_type(A, b), copy=False))
    rounding = n * np.finfo(U.dtype).eps * np.diag(np.abs(L) @ np.abs(U))
    for k in np.flatnonzero(np.abs(np.diag(U)) <= 10 * rounding):
        raise ValueError(
            f"A is singular to working precision: pivot {k} is {U[k, k]:.1e} +- "
            f"{rounding[k]:.1e}"
        )
    x = P @ b
    for i in range(n):
        x[i] -= L[i, :i] @ x[:i]
    for i in reversed(range(n)):
        x[i] = (x[i] - U[i, i + 1 :] @ x[i + 1 :]) / U[i, i]
    return x


def det(A: ArrayLike) -> float:
    """Return the determinant: the product of the pivots, with a minus sign if rows were swapped an odd number of times.

    Parameters
    ----------
    A : array_like, shape (n, n)
        Any square matrix. The empty one has determinant 1.

    Returns
    -------
    float
        The signed factor by which A scales volumes. It underflows to 0 and overflows to infinity where the true value
        leaves the range of float64, which says nothing about the rank of A.

    Raises
    ------
    ValueError
        If A is not a square matrix of finite real numbers.

    References
    ----------
    Deep Learning, section 2.11.

    Examples
    --------
    >>> det([[0, 2], [3, 4]])
    -6.0
    """
    P, _, U = lu(A)
    order = P @ np.arange(len(P))
    # rows out of order, two at a time
    inversions = np.count_nonzero(np.triu(order[:, None] > order))
    mantissa, exponent = (-1.0) ** inversions, 0
    # mantissa * 2**exponent: only the last step can leave the range of a float
    for pivot in np.diag(U):
        mantissa, shift = np.frexp(mantissa * float(pivot))
        exponent += int(shift)
    return float(np.ldexp(mantissa, exponent))


def inverse(A: ArrayLike) -> Array:
    """Return the inverse of A by solving A X = I. To solve one system, call `solve`: cheaper and more accurate.

    Parameters
    ----------
    A : array_like, shape (n, n)
        Invertible matrix.

    Returns
    -------
    ndarray, shape (n, n)
        X with A X = X A = I up to rounding.

    Raises
    ------
    ValueError
        If A is not square, or singular to working precision.

    References
    ----------
    Deep Learning, section 2.3.

    Examples
    --------
    >>> inverse([[2, 0], [0, 4]])
    array([[0.5 , 0.  ],
           [0.  , 0.25]])
    """
    A = _square(A)
    return solve(A, np.eye(len(A), dtype=A.dtype))


# --- 2.4 Linear Dependence and Span ---


def _rounding_level(s: Array, shape: tuple[int, ...]) -> float:
    """Return the size below which a singular value of a matrix of this shape is nothing but rounding error."""
    return float(max(shape) * np.finfo(s.dtype).eps * s.max(initial=0))


def matrix_rank(A: ArrayLike, tol: float | None = None) -> int:
    """Return the number of independent columns, counted as the singular values that are not zero.

    Parameters
    ----------
    A : array_like, shape (m, n)
        Any matrix with min(m, n) <= 64 or so (see `svd_jacobi`).
    tol : float, optional
        Singular values up to tol count as zero. Defaults to max(m, n) eps s[0], the level of rounding errors.

    Returns
    -------
    int
        The rank, 0 for a matrix without entries.

    Raises
    ------
    ValueError
        If A is not a matrix of finite real numbers or tol is negative.

    References
    ----------
    Deep Learning, section 2.4.

    Examples
    --------
    >>> matrix_rank([[1, 2], [2, 4], [3, 6]])
    1
    """
    A = _matrix(A)
    _, s, _ = svd_jacobi(A)
    return int(np.count_nonzero(s > _tolerance(tol, _rounding_level(s, A.shape))))


def null_space(A: ArrayLike) -> Array:
    """Return an orthonormal basis of all x with A x = 0.

    Rows of zeros are equations that say nothing; with them a wide A has n rows and its V comes out whole. The columns
    of V that A sends to zero are the basis.

    Parameters
    ----------
    A : array_like, shape (m, n)
        Any matrix with n <= 64 or so.

    Returns
    -------
    ndarray, shape (n, n - r)
        One column per dimension of the null space; r is the rank as `matrix_rank` counts it.

    Raises
    ------
    ValueError
        If A is not a matrix of finite real numbers.

    References
    ----------
    Deep Learning, sections 2.4 and 2.8.

    Examples
    --------
    >>> null_space([[1, 1, 0]]).shape
    (3, 2)
    """
    A = _matrix(A)
    m, n = A.shape
    padded = np.vstack([A, np.zeros((max(n - m, 0), n), dtype=A.dtype)])
    _, s, Vt = svd_jacobi(padded)
    return Vt[s <= _rounding_level(s, A.shape)].T


def in_span(A: ArrayLike, b: ArrayLike, tol: float | None = None) -> bool:
    """Tell whether b is a mixture of the columns of A, that is, whether A x = b has a solution.

    The columns of U that belong to non-zero singular values span the same space. What is left of b after projecting it
    there must be small against b.

    Parameters
    ----------
    A : array_like, shape (m, n)
        The columns, min(m, n) <= 64 or so.
    b : array_like, shape (m,)
        The vector to reach.
    tol : float, optional
        Largest admissible ratio of what is left to b. Defaults to sqrt(eps).

    Returns
    -------
    bool
        True also for b = 0, which the mixture of nothing reaches.

    Raises
    ------
    ValueError
        If the shapes do not fit or tol is negative.

    References
    ----------
    Deep Learning, section 2.4.

    Examples
    --------
    >>> in_span([[1, 0], [0, 1], [0, 0]], [2, 3, 0]), in_span([[1, 0], [0, 1], [0, 0]], [2, 3, 1])
    (True, False)
    """
    A, b = _matrix(A), _real(b, "b", 1)
    if len(b) != len(A):
        raise ValueError(f"A of shape {A.shape} needs a b of length {len(A)}, got shape {b.shape}")
    U, s, _ = svd_jacobi(A)
    U = U[:, s > _rounding_level(s, A.shape)]
    return norm(b - U @ (U.T @ b)) <= _tolerance(tol, np.finfo(U.dtype).eps ** 0.5) * norm(b)


# --- 2.5 Norms ---


def norm(x: ArrayLike, ord: float | Literal["fro"] = 2) -> float:
    """Return the length of a vector in the p-norm, or the Frobenius norm of a matrix.

    Parameters
    ----------
    x : array_like, shape (n,), or (m, n) with ord="fro"
        Vector, or matrix for the Frobenius norm. Nothing at all has length 0.
    ord : float >= 0, inf, or "fro"
        p. ``inf`` gives the largest magnitude, 0 the number of entries that are not zero; for p < 1 the triangle
        inequality fails, so that neither these nor the count is a norm in the strict sense.

    Returns
    -------
    float
        The norm, computed on x divided by its largest magnitude, so that squares can neither overflow nor underflow.

    Raises
    ------
    ValueError
        If ord is negative, NaN or unknown, or if x has the wrong number of dimensions for it.

    References
    ----------
    Deep Learning, section 2.5.

    Examples
    --------
    >>> norm([3, 4]), norm([3, 4], 1), norm([[1, 1], [1, 1]], "fro")
    (5.0, 7.0, 2.0)
    """
    p, ndim = (2.0, 2) if ord == "fro" else (_nonnegative(ord, "ord"), 1)
    x = np.abs(_real(x, "x", ndim))
    scale = x.max(initial=0)
    if p == 0:
        return float(np.count_nonzero(x))
    if p == np.inf or scale == 0:
        return float(scale)
    return float(scale * np.sum((x / scale) ** p) ** (1 / p))


# --- 2.6 Special Kinds of Matrices and Vectors ---


def gram_schmidt(A: ArrayLike, modified: bool = True) -> Array:
    """Orthonormalise the columns of A one after another (to see why `qr` is the one to use).

    Parameters
    ----------
    A : array_like, shape (m, n)
        Independent columns, hence n <= m.
    modified : bool
        Subtract each projection from what is left of the column (True), or all of them from the column as it was
        (False, the classical form). Equal in exact arithmetic. In floating point the columns of Q lose orthogonality
        like cond(A) eps and cond(A)**2 eps.

    Returns
    -------
    Q : ndarray, shape (m, n)
        Orthonormal up to that loss; its first j columns span the same space as the first j columns of A.

    Raises
    ------
    ValueError
        If a column depends on those before it.

    References
    ----------
    Deep Learning, section 2.6. A. Bjorck, Numerics of Gram-Schmidt orthogonalization (1994).

    Examples
    --------
    >>> gram_schmidt([[3, 1], [4, 0]])
    array([[ 0.6,  0.8],
           [ 0.8, -0.6]])
    """
    A = _matrix(A)
    Q = np.zeros_like(A)
    for j, a in enumerate(A.T):
        v = a.copy()
        for q in Q.T[:j]:
            v -= (q @ (v if modified else a)) * q
        length = norm(v)
        if j >= len(A) or length <= max(A.shape) * np.finfo(A.dtype).eps * norm(a):
            raise ValueError(
                f"column {j} of A, of shape {A.shape}, depends on the columns before it"
            )
        Q[:, j] = v / length
    return Q


def _reflector(x: Array) -> Array:
    """Return the unit vector v (zero for x = 0) for which (I - 2 v v^T) x is a multiple of the first basis vector."""
    v = x.copy()
    v[0] += np.copysign(norm(x), x[0])  # the sign that cannot cancel
    return v / (norm(v) or 1)


def qr(A: ArrayLike) -> tuple[Array, Array]:
    """Factor A = Q R with Householder reflections: orthonormal columns times an upper triangle.

    Parameters
    ----------
    A : array_like, shape (m, n)
        Any matrix; k = min(m, n).

    Returns
    -------
    Q : ndarray, shape (m, k)
        Orthonormal columns to machine precision, whatever the condition of A.
    R : ndarray, shape (k, n)
        Upper triangular with a diagonal >= 0, which makes the factors unique if the columns of A are independent.

    Raises
    ------
    ValueError
        If A is not a matrix of finite real numbers.

    References
    ----------
    Deep Learning, section 2.6. A. S. Householder, Unitary triangularization of a nonsymmetric matrix (1958).

    Examples
    --------
    >>> Q, R = qr([[3, 1], [4, 3]])
    >>> R.round(12)
    array([[5., 3.],
           [0., 1.]])
    """
    R = _matrix(A).copy()
    m, n = R.shape
    k = min(m, n)
    reflectors = []
    for j in range(k):  # clear column j below the diagonal
        v = _reflector(R[j:, j])
        R[j:, j:] -= 2 * np.outer(v, v @ R[j:, j:])
        reflectors.append(v)
    Q = np.eye(m, k, dtype=R.dtype)
    for j, v in reversed(list(enumerate(reflectors))):
        Q[j:, j:] -= 2 * np.outer(v, v @ Q[j:, j:])
    signs = np.where(np.diag(R) < 0, -1, 1).astype(R.dtype)
    return Q * signs, np.triu(signs[:, None] * R[:k])


# --- 2.7 Eigendecomposition ---


def power_iteration(
    A: ArrayLike | Callable[[Array], ArrayLike],
    v0: ArrayLike | None = None,
    *,
    rng: np.random.Generator | None = None,
    tol: float | None = None,
    max_iter: int = 10_000,
) -> tuple[float, Array, int]:
    """Find the eigenvalue of largest magnitude by multiplying a vector by A again and again.

    The angle to the eigenvector shrinks by abs(lambda_2 / lambda_1) per product. The iteration stops as soon as the
    residual, which needs no knowledge of the answer, is small: norm(A v - value v) <= tol abs(value).
    For a symmetric A the residual bounds the distance from `value` to an eigenvalue.

    Parameters
    ----------
    A : array_like, shape (n, n), or function v -> A v
        Symmetric matrix, or the product with one. Other matrices work if one real eigenvalue is largest in magnitude.
    v0 : array_like, shape (n,), optional
        Start, not orthogonal to the eigenvector sought. Required if A is a function.
    rng : numpy.random.Generator, optional
        Draws a normal start if v0 is not given.
    tol : float, optional
        Defaults to sqrt(eps): the error of `value`, quadratic in the residual, is then near machine precision.
    max_iter : int
        Largest number of products with A.

    Returns
    -------
    value : float
        Rayleigh quotient of `vector`.
    vector : ndarray, shape (n,)
        Unit vector.
    n_iter : int
        Number of products with A that were needed.

    Raises
    ------
    ValueError
        Without a start, on shapes that do not fit, or without convergence: two eigenvalues of (nearly) the largest
        magnitude, such as 1 and -1 or a complex pair. Iterating on A + c I separates opposite signs.

    References
    ----------
    Deep Learning, section 2.7.

    Examples
    --------
    >>> value, vector, n_iter = power_iteration([[2, 1], [1, 2]], v0=[1, 0])
    >>> round(value, 12), vector.round(6), n_iter
    (3.0, array([0.707107, 0.707107]), 18)
    """
    product = A if callable(A) else _square(A).__matmul__
    v = _start(A, v0, rng)
    tol = _tolerance(tol, np.finfo(v.dtype).eps ** 0.5)
    for n_iter in range(1, _integer(max_iter, "max_iter", 1) + 1):
        v = v / norm(v)
        Av = _real(product(v), "A v", 1)
        value = float(v @ Av)
        residual = norm(Av - value * v)
        if residual <= tol * abs(value):
            return value, v, n_iter
        v = Av
    raise ValueError(
        f"no convergence in {max_iter} products: residual {residual:.3g} at value "
        f"{value:.3g}. Two eigenvalues may share the largest magnitude (try A + c I); "
        "otherwise try another v0, or a larger tol or max_iter"
    )


def eigh_qr(
    A: ArrayLike, tol: float | None = None, max_iter: int = 30
) -> tuple[Array, Array]:
    """Diagonalise a symmetric matrix, A = V diag(w) V^T, by the QR algorithm with Wilkinson's shift and deflation.

    A is first reflected to tridiagonal form T. One step factors T - mu I = Q R and continues with R Q + mu I = Q^T T Q,
    where mu is the eigenvalue of the last 2 x 2 block next to its last entry. The coupling of the last row to the rest
    then vanishes, cubically as a rule; the row is left aside (deflation) and the others go on.

    Parameters
    ----------
    A : array_like, shape (n, n)
        Symmetric matrix.
    tol : float, optional
        A coupling is zero once it is at most tol times the Frobenius norm of A. Defaults to eps.
    max_iter : int
        Largest number of steps per eigenvalue; two or three are usual.

    Returns
    -------
    w : ndarray, shape (n,)
        Eigenvalues in ascending order, as in numpy.linalg.eigh.
    V : ndarray, shape (n, n)
        Orthonormal eigenvectors as columns. Their signs are arbitrary.

    Raises
    ------
    ValueError
        If A is not symmetric, or if an eigenvalue needs more than max_iter steps.

    References
    ----------
    Deep Learning, section 2.7. J. H. Wilkinson, Global convergence of tridiagonal QR algorithm with origin shifts
    (1968).

    Examples
    --------
    >>> w, V = eigh_qr([[2, 1], [1, 2]])
    >>> w.round(12)
    array([1., 3.])
    """
    A = _symmetric(A)
    T, V = _tridiagonal(A)
    max_iter = _integer(max_iter, "max_iter", 0)
    negligible = _tolerance(tol, np.finfo(A.dtype).eps) * norm(A, "fro")
    # T[k, k-1] couples row k to the block above it
    for k in reversed(range(1, len(A))):
        n_steps = 0
        while abs(T[k, k - 1]) > negligible:
            if n_steps == max_iter:
                raise ValueError(
                    f"eigenvalue {k} did not converge in {max_iter} steps: try a "
                    "larger max_iter or tol"
                )
            half_gap = (T[k - 1, k - 1] - T[k, k]) / 2
            distance = np.hypot(half_gap, T[k, k - 1])
            mu = T[k, k] + half_gap - np.copysign(distance, half_gap)
            shift = mu * np.eye(k + 1, dtype=A.dtype)
            Q, R = qr(T[: k + 1, : k + 1] - shift)
            T[: k + 1, : k + 1] = R @ Q + shift
            V[:, : k + 1] = V[:, : k + 1] @ Q
            n_steps += 1
    order = np.argsort(np.diag(T))
    return np.diag(T)[order], V[:, order]


def _tridiagonal(A: Array) -> tuple[Array, Array]:
    """Return T, V with A = V T V^T: each reflection clears a column below its subdiagonal, and the row beside it."""
    T, V = A.copy(), np.eye(len(A), dtype=A.dtype)
    for j in range(len(A) - 2):
        v = _reflector(T[j + 1 :, j])
        T[j + 1 :] -= 2 * np.outer(v, v @ T[j + 1 :])
        T[:, j + 1 :] -= 2 * np.outer(T[:, j + 1 :] @ v, v)
        V[:, j + 1 :] -= 2 * np.outer(V[:, j + 1 :] @ v, v)
    return T, V


# --- 2.8 Singular Value Decomposition ---


def svd_jacobi(A: ArrayLike, max_sweeps: int = 30) -> tuple[Array, Array, Array]:
    """Decompose A = U diag(s) V^T by one-sided Jacobi rotations.

    Pairs of columns of R (from A = Q R) are rotated in their plane until all columns are orthogonal. That makes
    W = R V, where V collects the rotations. The lengths of its columns are the singular values, their directions U.

    Parameters
    ----------
    A : array_like, shape (m, n)
        Any matrix; k = min(m, n). Meant for k <= 64: a sweep takes about k**2 / 2 rotations.
    max_sweeps : int
        Largest number of sweeps over all pairs, counting the last, which finds nothing to rotate; 5 to 10 are usual.

    Returns
    -------
    U : ndarray, shape (m, k)
        Orthonormal columns, even where s is zero.
    s : ndarray, shape (k,)
        Singular values, descending.
    Vt : ndarray, shape (k, n)
        Orthonormal rows.

    Raises
    ------
    ValueError
        If A is not a matrix of finite real numbers, or if max_sweeps are not enough.

    References
    ----------
    Deep Learning, section 2.8. M. R. Hestenes, Inversion of matrices by biorthogonalization and related results (1958).

    Examples
    --------
    >>> U, s, Vt = svd_jacobi([[3, 0], [0, -5], [0, 0]])
    >>> s
    array([5., 3.])
    """
    A = _matrix(A)
    if A.shape[0] < A.shape[1]:  # A^T = V diag(s) U^T
        V, s, Ut = svd_jacobi(A.T, max_sweeps)
        return Ut.T, s, V.T
    # a power of two: no digit is lost
    scale = np.ldexp(A.dtype.type(1), np.frexp(np.abs(A).max(initial=0))[1] - 1)
    Q, W = qr(A / scale)
    V = np.eye(len(W), dtype=A.dtype)
    # a shorter column is zero up to rounding
    floor = float(np.finfo(A.dtype).eps) * norm(W, "fro")
    for _ in range(_integer(max_sweeps, "max_sweeps", 1)):
        if sum(_rotate(W, V, i, j, floor) for i, j in _tournament(len(W))) == 0:
            break
    else:
        raise ValueError(
            f"the columns are not orthogonal after {max_sweeps} sweeps: try a larger "
            "max_sweeps"
        )
    s = np.array([norm(w) for w in W.T], dtype=A.dtype)
    order = np.argsort(-s, kind="stable")
    # R is diag(s) because the columns are orthogonal; Q has no gap where s is zero
    U, _ = qr(W[:, order])
    return Q @ U, scale * s[order], V[:, order].T


def _rotate(
    W: Array, V: Array, i: NDArray[np.intp], j: NDArray[np.intp], floor: float
) -> int:
    """Rotate columns i of W, and of V, against columns j until they are orthogonal; return how many pairs were not."""
    pairs = [(i, i), (j, j), (i, j)]
    a, b, g = (np.einsum("rp,rp->p", W[:, p], W[:, q]) for p, q in pairs)
    skew = np.abs(g) > np.finfo(W.dtype).eps * len(W) ** 0.5 * np.sqrt(a * b)
    skew &= np.minimum(a, b) > floor**2
    i, j, a, b, g = i[skew], j[skew], a[skew], b[skew], g[skew]
    # tangent of the angle: g t^2 + (b - a) t = g
    t = 2 * g / (b - a + np.copysign(np.hypot(b - a, 2 * g), b - a))
    c = 1 / np.sqrt(1 + t * t)
    s = t * c
    h = s / (1 + c)  # tangent of half the angle: 1 - c = s h
    # c x - s y and s x + c y, written as small corrections: fewer rounding errors
    for M in (W, V):
        x, y = M[:, i], M[:, j]
        M[:, i], M[:, j] = x - s * (y + h * x), y + s * (x - h * y)
    return len(i)


def _tournament(n: int) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield all pairs out of n in rounds of disjoint pairs: the first player keeps its seat, the others move round."""
    players = np.arange(n + n % 2)  # with an odd n, whoever meets player n pauses
    half = len(players) // 2
    for _ in range(len(players) - 1):
        i, j = players[:half], players[half:][::-1]
        real = np.maximum(i, j) < n
        yield i[real], j[real]
        players[1:] = np.roll(players[1:], 1)


def low_rank(A: ArrayLike, k: int) -> Array:
    """Return the matrix of rank k that is nearest to A: the first k terms of U diag(s) V^T.

    The squared Frobenius distance is the sum of the squared singular values left out (Eckart and Young). Photographs
    have hundreds of columns, so that the decomposition is numpy.linalg.svd and not `svd_jacobi`.

    Parameters
    ----------
    A : array_like, shape (m, n)
        Any matrix.
    k : int
        Rank to keep, 0 <= k <= min(m, n).

    Returns
    -------
    ndarray, shape (m, n)
        The best approximation in the Frobenius norm.

    Raises
    ------
    ValueError
        If A is not a matrix of finite real numbers or k is out of range.

    References
    ----------
    Deep Learning, section 2.8. C. Eckart and G. Young, The approximation of one matrix by another of lower rank (1936).

    Examples
    --------
    >>> low_rank([[3, 0], [0, 2]], 1).round(12)
    array([[3., 0.],
           [0., 0.]])
    """
    A = _matrix(A)
    k = _integer(k, "k", 0, min(A.shape))
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    A_k: Array = U[:, :k] * s[:k] @ Vt[:k]
    return A_k


# --- 2.9 The Moore-Penrose Pseudoinverse ---


def pinv(A: ArrayLike, rcond: float = 1e-12) -> Array:
    """Return the Moore-Penrose pseudoinverse V D^+ U^T: only the stretches that are not zero are inverted.

    pinv(A) @ b is the x of least norm among those that bring A x nearest to b, whether A x = b has no solution, one or
    infinitely many.

    Parameters
    ----------
    A : array_like, shape (m, n)
        Any matrix with min(m, n) <= 64 or so.
    rcond : float
        Singular values up to rcond s[0], and in any case those at the level of rounding errors, count as zero.

    Returns
    -------
    ndarray, shape (n, m)
        The pseudoinverse; the inverse if there is one.

    Raises
    ------
    ValueError
        If A is not a matrix of finite real numbers or rcond is negative.

    References
    ----------
    Deep Learning, section 2.9. R. Penrose, A generalized inverse for matrices (1955).

    Examples
    --------
    >>> pinv([[2, 0], [0, 0]])
    array([[0.5, 0. ],
           [0. , 0. ]])
    """
    A = _matrix(A)
    U, s, Vt = svd_jacobi(A)
    cutoff = _nonnegative(rcond, "rcond") * s.max(initial=0)
    keep = s > max(cutoff, _rounding_level(s, A.shape))
    A_plus: Array = Vt[keep].T / s[keep] @ U[:, keep].T
    return A_plus


# --- 2.12 Example: Principal Components Analysis ---


class PCA:
    """Principal components: the orthonormal directions in which the rows of X vary most.

    The code c = D^T (x - mean) of a row and its decoding D c + mean lose as little as any k numbers can in squared
    error. The columns of D are the first k right singular vectors of the centred data, found by numpy.linalg.

    Parameters
    ----------
    n_components : int, optional
        k, at most min(n_samples, n_features), which is also what None means.

    Attributes
    ----------
    mean_ : ndarray, shape (n_features,)
        Mean row.
    components_ : ndarray, shape (k, n_features)
        D^T: orthonormal rows by descending variance. The largest entry in magnitude of each is positive.
    explained_variance_ : ndarray, shape (k,)
        Variance along each component, with divisor n_samples - 1.
    explained_variance_ratio_ : ndarray, shape (k,)
        The same as a share of the total variance.
    singular_values_ : ndarray, shape (k,)
        Singular values of the centred data.

    References
    ----------
    Deep Learning, section 2.12.

    Examples
    --------
    >>> X = [[0, 0], [2, 2], [4, 4]]
    >>> pca = PCA(1).fit(X)
    >>> pca.inverse_transform(pca.transform([[1, 3]])).round(12)
    array([[2., 2.]])
    """

    mean_: Array
    components_: Array
    explained_variance_: Array
    explained_variance_ratio_: Array
    singular_values_: Array

    def __init__(self, n_components: int | None = None) -> None:
        self.n_components = n_components

    def fit(self, X: ArrayLike) -> Self:
        """Find the mean and the components of the rows of X.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
            Data with at least two different rows.

        Returns
        -------
        PCA
            The object itself.

        Raises
        ------
        ValueError
            If the rows of X do not vary, or if n_components is out of range.
        """
        X = _matrix(X, "X")
        if len(X) < 2 or not np.ptp(X, axis=0).any():
            raise ValueError(
                f"X needs two different rows to have a variance, got shape {X.shape}"
            )
        k = min(X.shape)
        if self.n_components is not None:
            k = _integer(self.n_components, "n_components", 1, k)
        self.mean_ = X.mean(axis=0)
        # Q R and R have the same s and V; only U differs
        R = np.linalg.qr(X - self.mean_, mode="r")
        _, s, Vt = np.linalg.svd(R, full_matrices=False)
        place = np.abs(Vt).argmax(axis=1, keepdims=True)
        largest = np.take_along_axis(Vt, place, axis=1)
        self.components_ = (np.sign(largest) * Vt)[:k]
        self.singular_values_ = s[:k]
        self.explained_variance_ = s[:k] ** 2 / (len(X) - 1)
        self.explained_variance_ratio_ = (s[:k] / norm(s)) ** 2
        return self

    def transform(self, X: ArrayLike) -> Array:
        """Return the codes of rows: their coordinates along the components.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
            Rows, seen by `fit` or new.

        Returns
        -------
        ndarray, shape (n_samples, k)
            (X - mean) D, one code per row.

        Raises
        ------
        ValueError
            Before `fit`, or if the number of columns is wrong.
        """
        return (self._rows(X, "X", axis=1) - self.mean_) @ self.components_.T

    def inverse_transform(self, Z: ArrayLike) -> Array:
        """Return the rows that codes stand for.

        Parameters
        ----------
        Z : array_like, shape (n_samples, k)
            Codes, as from `transform`.

        Returns
        -------
        ndarray, shape (n_samples, n_features)
            Z D^T + mean.

        Raises
        ------
        ValueError
            Before `fit`, or if the number of columns is wrong.
        """
        return self._rows(Z, "Z", axis=0) @ self.components_ + self.mean_

    def _rows(self, X: ArrayLike, name: str, axis: int) -> Array:
        """Return X after checking that its rows fit an axis of the fitted components."""
        if not hasattr(self, "components_"):
            raise ValueError("this PCA knows no components yet: call fit(X) first")
        X, n_columns = _matrix(X, name), self.components_.shape[axis]
        if X.shape[1] != n_columns:
            raise ValueError(f"{name} must have {n_columns} columns, got shape {X.shape}")
        return X


def whiten(
    X: ArrayLike, n_components: int | None = None, *, kind: Literal["pca", "zca"] = "pca", eps: float = 0.0
) -> tuple[Array, Array, Array]:
    """Map rows linearly so that they vary equally in all directions: Z = (X - mean) @ K has the identity as covariance.

    With covariance V diag(v) V^T, K is V diag(v + eps)^(-1/2) for kind="pca", and that times V^T for kind="zca": of all
    whitened versions of the data, the one nearest to them.

    Parameters
    ----------
    X : array_like, shape (n_samples, n_features)
        Data with at least two different rows.
    n_components : int, optional
        Number of leading principal directions to keep. None keeps those in which X varies at all: its rank after
        centring. More than that need eps > 0.
    kind : {"pca", "zca"}
        Coordinates along the principal directions, or back along the features.
    eps : float
        Added to every variance, in its units, to tame directions that are mostly noise.

    Returns
    -------
    Z : ndarray, shape (n_samples, n_components) or, for "zca", (n_samples, n_features)
        Whitened data.
    K : ndarray, shape (n_features, n_components) or, for "zca", (n_features, n_features)
        The map; new rows are whitened as (X_new - mean) @ K. Symmetric for "zca".
    mean : ndarray, shape (n_features,)
        Mean row.

    Raises
    ------
    ValueError
        If kind is unknown, eps negative, or n_components includes directions without variance while eps is 0.

    References
    ----------
    Deep Learning, sections 2.12 and 12.2. For ZCA: A. J. Bell and T. J. Sejnowski, The "independent components" of
    natural scenes are edge filters (1997).

    Examples
    --------
    >>> Z, K, mean = whiten([[0, 0], [4, 0], [0, 2], [4, 2]])
    >>> Z.std(axis=0, ddof=1).round(12)
    array([1., 1.])
    """
    X, eps = _matrix(X, "X"), _nonnegative(eps, "eps")
    if kind not in ("pca", "zca"):
        raise ValueError(f'kind must be "pca" or "zca", got {kind!r}')
    pca = PCA().fit(X)
    s = pca.singular_values_
    rank = int(np.count_nonzero(s > _rounding_level(s, X.shape)))
    k = rank if n_components is None else _integer(n_components, "n_components", 1, len(s))
    if k > rank and eps == 0:
        raise ValueError(f"X varies in {rank} directions only: take n_components <= {rank}, or eps > 0, got {k}")
    V = pca.components_[:k].T
    K = V / np.hypot(s[:k] / (len(X) - 1) ** 0.5, eps**0.5)
    if kind == "zca":
        K = K @ V.T
    return (X - pca.mean_) @ K, K, pca.mean_


# --- Since the book ---


def randomized_svd(
    A: ArrayLike,
    k: int,
    *,
    n_oversamples: int = 10,
    n_iter: int = 2,
    rng: np.random.Generator,
) -> tuple[Array, Array, Array]:
    """Return the leading k singular triplets from products with a few random vectors.

    A random mixture of columns points mostly along the directions that A stretches most; each power iteration
    multiplies by A A^T and sharpens that. In the orthonormal basis Q found there, A is the small matrix Q^T A. Made for
    large matrices, hence on numpy.linalg.

    Parameters
    ----------
    A : array_like, shape (m, n)
        Any matrix.
    k : int
        Number of singular values, 1 <= k <= min(m, n).
    n_oversamples : int
        Random vectors beyond k.
    n_iter : int
        Power iterations, each two products with A; more are needed the more slowly the singular values fall.
    rng : numpy.random.Generator
        Source of the random vectors.

    Returns
    -------
    U : ndarray, shape (m, k)
        Orthonormal columns.
    s : ndarray, shape (k,)
        Approximate singular values, descending, never above the true ones but for rounding.
    Vt : ndarray, shape (k, n)
        Orthonormal rows.

    Raises
    ------
    ValueError
        If A is not a matrix of finite real numbers, or a count is out of range.

    References
    ----------
    N. Halko, P.-G. Martinsson and J. A. Tropp, Finding structure with randomness (2011), algorithms 4.4 and 5.1.

    Examples
    --------
    >>> U, s, Vt = randomized_svd(np.diag([5.0, 3.0, 0.0, 0.0]), 2, rng=np.random.default_rng(0))
    >>> s.round(12)
    array([5., 3.])
    """
    A = _matrix(A)
    k = _integer(k, "k", 1, min(A.shape))
    width = min(k + _integer(n_oversamples, "n_oversamples", 0), *A.shape)
    Q, _ = np.linalg.qr(A @ rng.standard_normal((A.shape[1], width)).astype(A.dtype))
    for _ in range(_integer(n_iter, "n_iter", 0)):
        Q, _ = np.linalg.qr(A.T @ Q)
        Q, _ = np.linalg.qr(A @ Q)
    U, s, Vt = np.linalg.svd(Q.T @ A, full_matrices=False)
    return Q @ U[:, :k], s[:k], Vt[:k]


def newton_schulz(
    G: ArrayLike,
    n_steps: int,
    coefficients: tuple[float, float, float] = (1.5, -0.5, 0.0),
) -> Array:
    """Drive all singular values of G towards 1 with matrix products alone.

    A step replaces X by a X + X (b M + c M^2) with M = X^T X. It turns each singular value s into a s + b s^3 + c s^5
    and moves no singular vector. The start G / norm(G, "fro") has them in [0, 1], where the cubic default converges to
    the polar factor U V^T. (3.4445, -4.7750, 2.0315), the choice of Muon, is quicker but stops at 0.7 to 1.2.

    Parameters
    ----------
    G : array_like, shape (m, n)
        Matrix with an entry other than zero. Singular values that are zero stay so.
    n_steps : int
        Number of steps.
    coefficients : tuple of three floats
        a, b, c.

    Returns
    -------
    ndarray, shape (m, n)
        X after n_steps.

    Raises
    ------
    ValueError
        If G is zero, empty or not a matrix of finite real numbers, or n_steps is negative.

    References
    ----------
    N. J. Higham, Functions of Matrices, chapter 8 (2008). K. Jordan et al., Muon: an optimizer for hidden layers in
    neural networks (2024).

    Examples
    --------
    >>> newton_schulz([[3, 0], [0, 4]], 10).round(12)
    array([[1., 0.],
           [0., 1.]])
    """
    X = _matrix(G, "G")
    if X.shape[0] < X.shape[1]:
        return newton_schulz(X.T, n_steps, coefficients).T
    if not X.any():
        raise ValueError(f"G must have an entry other than zero, got shape {X.shape}")
    a, b, c = coefficients
    X = X / norm(X, "fro")
    for _ in range(_integer(n_steps, "n_steps", 0)):
        M = X.T @ X
        X = a * X + X @ (b * M + c * (M @ M))
    return X


# --- What counts as input ---


def _real(x: ArrayLike, name: str, *ndims: int) -> Array:
    """Return x as a finite float32 or float64 array whose number of dimensions is one of ndims."""
    x = np.asarray(x)
    if x.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold real numbers, got dtype {x.dtype}")
    if x.ndim not in ndims:
        raise ValueError(f"{name} must have {' or '.join(map(str, ndims))} dimension(s), got shape {x.shape}")
    x = x.astype(np.float32 if x.dtype == np.float32 else np.float64, copy=False)
    if not np.isfinite(x).all():
        where = tuple(map(int, np.argwhere(~np.isfinite(x))[0]))
        raise ValueError(f"{name} must be finite, got {x[where]} at index {where}")
    return x


def _matrix(A: ArrayLike, name: str = "A") -> Array:
    """Return A as a checked array of two dimensions."""
    return _real(A, name, 2)


def _square(A: ArrayLike) -> Array:
    """Return A as a checked array with as many rows as columns."""
    A = _matrix(A)
    if A.shape[0] != A.shape[1]:
        raise ValueError(f"A must be square, got shape {A.shape}")
    return A


def _symmetric(A: ArrayLike) -> Array:
    """Return the symmetric part of A, after checking that the rest is rounding error."""
    A = _square(A)
    gap, size = np.abs(A - A.T).max(initial=0), np.abs(A).max(initial=0)
    if gap > 10 * len(A) * np.finfo(A.dtype).eps * size:
        raise ValueError(f"A must be symmetric, but A - A.T has an entry of size {gap:.3g}")
    return A / 2 + A.T / 2


def _nonnegative(x: float, name: str) -> float:
    """Return x after checking that it is a number >= 0."""
    if not (isinstance(x, Real) and x >= 0):
        raise ValueError(f"{name} must be a number >= 0, got {x!r}")
    return float(x)


def _tolerance(tol: float | None, default: float | np.floating[Any]) -> float:
    """Return tol after checking it, or the default where tol is None."""
    return float(default) if tol is None else _nonnegative(tol, "tol")


def _start(A: ArrayLike | Callable[[Array], ArrayLike], v0: ArrayLike | None, rng: np.random.Generator | None) -> Array:
    """Return the vector from which `power_iteration` starts on A: v0, or a random one if A is a matrix."""
    if v0 is not None:
        v = _real(v0, "v0", 1)
    elif callable(A) or rng is None:
        raise ValueError("a start is needed: v0, or, if A is a matrix, an rng to draw it")
    else:
        A = _square(A)
        v = rng.standard_normal(len(A)).astype(A.dtype)
    if not callable(A) and v.shape != np.shape(A)[1:]:
        raise ValueError(f"A of shape {np.shape(A)} cannot multiply a v0 of shape {v.shape}")
    if not v.any():
        raise ValueError(f"v0 must have an entry other than zero, got shape {v.shape}")
    return v


def _integer(k: int, name: str, low: int, high: int | None = None) -> int:
    """Return k after checking that it is an integer with low <= k <= high."""
    if not isinstance(k, int | np.integer) or k < low or (high is not None and k > high):
        wanted = f"an integer >= {low}" if high is None else f"an integer from {low} to {high}"
        raise ValueError(f"{name} must be {wanted}, got {k!r}")
    return int(k)
