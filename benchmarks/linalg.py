"""Cases of chapter 2: what the algorithms cost beside LAPACK and scikit-learn."""

from collections.abc import Callable, Iterator

import numpy as np
from skimage.data import camera
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA as SklearnPCA
from sklearn.utils.extmath import randomized_svd as sklearn_randomized_svd

from dlcore.foundations.linalg import PCA, eigh_qr, randomized_svd, solve, svd_jacobi

Case = tuple[str, str, Callable[[], object], Callable[[], object], str]


def cases() -> Iterator[Case]:
    """Yield (what, peer, ours, theirs, note), each after asserting equal results."""
    X = load_digits().data
    for solver, note in (("full", "both by an SVD"), ("auto", "theirs diagonalises the covariance, half the digits")):
        models = PCA(20), SklearnPCA(20, svd_solver=solver)
        error = [np.linalg.norm(X - pca.fit(X).inverse_transform(pca.transform(X))) for pca in models]
        assert abs(error[0] / error[1] - 1) < 1e-10, error
        yield (
            "PCA(20).fit, digits 1797 x 64",
            f'scikit-learn, "{solver}"',
            lambda pca=models[0]: pca.fit(X),
            lambda pca=models[1]: pca.fit(X),
            note,
        )

    A = camera() / 255
    best = np.sqrt(np.sum(np.linalg.svd(A, compute_uv=False)[20:] ** 2))

    def ours() -> tuple[np.ndarray, ...]:
        return randomized_svd(A, 20, n_iter=2, rng=np.random.default_rng(0))

    def theirs() -> tuple[np.ndarray, ...]:
        return sklearn_randomized_svd(A, 20, n_oversamples=10, n_iter=2, random_state=0)

    for U, s, Vt in (ours(), theirs()):
        assert np.linalg.norm(A - U * s @ Vt) < 1.005 * best
    yield (
        "randomized_svd, k = 20, photograph 512 x 512",
        "scikit-learn",
        ours,
        theirs,
        "both within 0.5 % of the optimum",
    )

    rng = np.random.default_rng(0)
    for shape in ((40, 12), (64, 64)):
        B = rng.normal(size=shape)
        assert np.abs(svd_jacobi(B)[1] - np.linalg.svd(B)[1]).max() < 1e-12
        yield (
            f"svd_jacobi, {shape[0]} x {shape[1]}",
            "LAPACK gesdd",
            lambda B=B: svd_jacobi(B),
            lambda B=B: np.linalg.svd(B, full_matrices=False),
            "slower by design: the loop is Python, and meant to be read",
        )
    C = np.cov(X.T)
    assert np.abs(eigh_qr(C)[0] - np.linalg.eigvalsh(C)).max() < 1e-10
    yield "eigh_qr, 64 x 64", "LAPACK syevd", lambda: eigh_qr(C), lambda: np.linalg.eigh(C), "slower by design"
    B, b = rng.normal(size=(64, 64)), rng.normal(size=64)
    assert np.abs(solve(B, b) - np.linalg.solve(B, b)).max() < 1e-11
    yield "solve, 64 x 64", "LAPACK gesv", lambda: solve(B, b), lambda: np.linalg.solve(B, b), "slower by design"
