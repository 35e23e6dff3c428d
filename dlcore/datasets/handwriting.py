"""The 1,797 handwritten digits: three frozen splits, and noise that turns grey levels into densities."""

from functools import cache
from importlib import resources
from typing import Literal, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from dlcore.datasets.catalogue import verify

_FIRST_ROW_OF_LAST_WRITERS = 1287


class TrainTest(NamedTuple):
    """Rows to learn from and rows to judge by: inputs ``X_*`` (n, 64) and digits ``y_*`` (n,)."""

    X_train: NDArray[np.float64]
    y_train: NDArray[np.int64]
    X_test: NDArray[np.float64]
    y_test: NDArray[np.int64]


class TrainValidTest(NamedTuple):
    """Rows to learn from, rows to choose by and rows to judge by: ``X_*`` (n, 64) and ``y_*`` (n,)."""

    X_train: NDArray[np.float64]
    y_train: NDArray[np.int64]
    X_valid: NDArray[np.float64]
    y_valid: NDArray[np.int64]
    X_test: NDArray[np.float64]
    y_test: NDArray[np.int64]


@overload
def digits(split: Literal["stratified", "writers"] = ..., *, n_valid: None = ...) -> TrainTest: ...
@overload
def digits(split: Literal["stratified", "writers"] = ..., *, n_valid: int) -> TrainValidTest: ...
def digits(
    split: Literal["stratified", "writers"] = "stratified", *, n_valid: int | None = None
) -> TrainTest | TrainValidTest:
    """Handwritten digits of 8x8 pixels, split into training and test rows.

    Parameters
    ----------
    split : {"stratified", "writers"}
        "stratified" is the split of the whole book: 1297 training and 500 test rows, every class in
        the same proportion in both, the same people in both; its order is frozen in
        ``data/digits_stratified.txt``. "writers" tests on hands that training has not seen (see
        Notes): 1287 rows, then the last 510. Errors on different splits cannot be compared.
    n_valid : int, optional
        Set the last `n_valid` training rows aside for validation.

    Returns
    -------
    TrainTest or TrainValidTest
        Named arrays, four without `n_valid` and six with it: ``X_*`` of shape (n, 64), the count of
        inked points in each 4x4 block of a 32x32 scan divided by 16, and ``y_*`` of shape (n,), the
        digit 0..9.

    Raises
    ------
    ValueError
        For an unknown `split`, or an `n_valid` that leaves no row to train on or to validate with.

    Notes
    -----
    Certain: thirteen people wrote the digits [1]_. Inferred: who wrote which row is not recorded, but
    the labels tell. One sequence of 130 digits stands in them fourteen times, complete or with a few
    digits missing (and one different), as if a form had been copied out fourteen times. We take every
    copy for the work of one person. The writers split holds out the last four copies, which begin at
    row 1287. One of the thirteen must have written two copies; should they lie on both sides of the
    cut, that one hand is in both.

    References
    ----------
    .. [1] E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
       Repository, 1998.

    Examples
    --------
    >>> X_train, y_train, X_test, y_test = digits()
    >>> X_train.shape, X_test.shape
    ((1297, 64), (500, 64))
    >>> digits(n_valid=297).X_train.shape
    (1000, 64)
    """
    pixels, labels = _pixels_and_labels()
    if split == "stratified":
        order, n_train = _frozen_order("digits_stratified.txt"), 1297
    elif split == "writers":
        order, n_train = np.arange(len(labels)), _FIRST_ROW_OF_LAST_WRITERS
    else:
        raise ValueError(f"split must be 'stratified' or 'writers', got {split!r}")
    X, y = pixels[order] / 16, labels[order]
    if n_valid is None:
        return TrainTest(X[:n_train], y[:n_train], X[n_train:], y[n_train:])
    if not 1 <= n_valid < n_train:
        raise ValueError(f"n_valid must lie between 1 and {n_train - 1}, got {n_valid}")
    return _train_valid_test(X, y, n_train - n_valid, n_train)


def binarized_digits() -> TrainValidTest:
    """Handwritten digits in black and white: the only binarisation in the book.

    A pixel is 1 where at least half of its 16 points are inked. The split is not that of `digits`:
    1197 rows to train, 200 to validate and 400 to test, in an order frozen in
    ``data/digits_binarized.txt``. Every likelihood of binary digits in the book is measured on it.

    Returns
    -------
    TrainValidTest
        ``X_*`` of shape (n, 64) with entries 0.0 and 1.0, ``y_*`` of shape (n,) with the digit 0..9.

    Examples
    --------
    >>> bits = binarized_digits()
    >>> bits.X_train.shape, bits.X_valid.shape, bits.X_test.shape
    ((1197, 64), (200, 64), (400, 64))
    """
    pixels, labels = _pixels_and_labels()
    order = _frozen_order("digits_binarized.txt")
    bits, y = (pixels[order] >= 8).astype(np.uint8), labels[order]
    verify("binarized digits", bits, y)
    return _train_valid_test(bits.astype(np.float64), y, 1197, 1397)


def dequantise(X: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Spread every grey level of the digits over the interval that it stands for.

    A density fitted to pixels that take 17 values can rise without bound on those values. Uniform
    noise u in [0, 1) gives each value an interval of its own: x becomes (16 x + u) / 17.

    Parameters
    ----------
    X : array
        Digits as `digits` returns them: multiples of 1/16 in [0, 1].
    rng : numpy.random.Generator
        The source of the noise.

    Returns
    -------
    array
        Same shape, in [0, 1). ``np.floor(17 * result) / 16`` gives `X` back.

    Examples
    --------
    >>> noisy = dequantise(np.array([0.0, 1.0]), np.random.default_rng(0))
    >>> np.floor(17 * noisy) / 16
    array([0., 1.])
    """
    return (16 * X + rng.random(X.shape)) / 17


@cache
def _pixels_and_labels() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    from sklearn.datasets import load_digits

    source = load_digits()
    pixels, labels = source.data.astype(np.uint8), source.target.astype(np.int64)
    verify("digits", pixels, labels)
    return pixels, labels


@cache
def _frozen_order(filename: str) -> NDArray[np.int64]:
    with resources.files("dlcore.datasets").joinpath("data", filename).open() as lines:
        return np.loadtxt(lines, dtype=np.int64)


def _train_valid_test(X: NDArray[np.float64], y: NDArray[np.int64], valid: int, test: int) -> TrainValidTest:
    return TrainValidTest(X[:valid], y[:valid], X[valid:test], y[valid:test], X[test:], y[test:])
