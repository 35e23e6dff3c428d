"""Cases of chapter 13: linear factor models beside scikit-learn, at equal or better quality on the same data."""

import warnings
from collections.abc import Callable, Iterator

import numpy as np
from sklearn.decomposition import FactorAnalysis as SklearnFactorAnalysis
from sklearn.decomposition import FastICA, MiniBatchDictionaryLearning, sparse_encode

from dlcore import datasets
from dlcore.foundations.linalg import whiten
from dlcore.generative.factors import (
    FactorAnalysis,
    fastica,
    fista,
    kkt_residual,
    lasso_objective,
    learn_dictionary,
)

Case = tuple[str, str, Callable[[], object], Callable[[], object], str]


def cases() -> Iterator[Case]:
    """Yield (what, peer, ours, theirs, note), each after asserting equal or better quality."""
    warnings.simplefilter("ignore")  # scikit-learn says that 60 steps of FastICA do not converge
    yield from factor_analysis()
    yield ica()
    yield sparse_coding()
    yield dictionary_learning()


def factor_analysis() -> Iterator[Case]:
    """Yield the fit of ten factors to the digits beside both of scikit-learn's solvers."""
    X = datasets.dequantise(datasets.digits().X_train, np.random.default_rng(0))
    ours = FactorAnalysis(10, tol=1e-4)
    for solver in ("randomized", "lapack"):
        theirs = SklearnFactorAnalysis(10, svd_method=solver)
        scores = ours.fit(X).score(X), theirs.fit(X).score(X)
        assert scores[0] > scores[1] - 1e-3, scores
        yield (
            "factor analysis, d = 10, digits 1297 x 64",
            f'scikit-learn, "{solver}"',
            lambda: ours.fit(X),
            lambda theirs=theirs: theirs.fit(X),
            f"nats per digit {scores[0]:.3f} and {scores[1]:.3f}",
        )


def patches(n: int, size: int, seed: int) -> np.ndarray:
    """Return patches of the photographs, each of mean 0, all together of variance 1."""
    P = datasets.natural_patches(n, size, np.random.default_rng(seed))
    P -= P.mean(axis=1, keepdims=True)
    return P / P.std()


def ica() -> Case:
    """Return 18 steps on 64 components of whitened patches beside 60 of the peer's, which reach no lower contrast."""
    Z, _, _ = whiten(patches(20000, 12, 0), 64)

    def ours() -> np.ndarray:
        return fastica(Z, 64, rng=np.random.default_rng(0), tol=0, max_iter=18)[0]

    def theirs() -> np.ndarray:
        start = np.random.default_rng(0).standard_normal((64, 64))
        return FastICA(whiten=False, max_iter=60, tol=1e-12, w_init=start).fit(Z).components_

    contrast = [float(np.log(np.cosh(Z @ B.T)).mean()) for B in (ours(), theirs())]
    assert contrast[0] < contrast[1], contrast
    note = f"mean log cosh {contrast[0]:.4f} and {contrast[1]:.4f} (18 steps and 60), whitening left out of both"
    return "FastICA, 64 components, 20,000 patches", "scikit-learn", ours, theirs, note


def sparse_coding() -> Case:
    """Return the codes of 1000 patches on a random dictionary of 128 atoms."""
    X, rng = patches(1000, 8, 1), np.random.default_rng(2)
    D = rng.normal(size=(64, 128))
    D /= np.linalg.norm(D, axis=0)

    def ours() -> np.ndarray:
        return fista(X, D, 1.0, tol=1e-3)[0]

    def theirs() -> np.ndarray:
        return sparse_encode(X, D.T, algorithm="lasso_cd", alpha=1.0, max_iter=2000)

    residual = [kkt_residual(X, D, H, 1.0) for H in (ours(), theirs())]
    objective = [lasso_objective(X, D, H, 1.0) for H in (ours(), theirs())]
    assert objective[0] < objective[1] + 1e-5, objective
    note = f"objective {objective[0]:.5f} and {objective[1]:.5f}, KKT residual {residual[0]:.0e} and {residual[1]:.0e}"
    return "sparse codes, 1000 patches, 64 x 128", "scikit-learn, lasso_cd", ours, theirs, note


def dictionary_learning() -> Case:
    """Return 100 atoms learnt from 10,000 patches."""
    X, X_test = patches(10000, 8, 3), patches(2000, 8, 4)

    def ours() -> np.ndarray:
        return learn_dictionary(X, 100, 1.0, 1, 256, np.random.default_rng(0))

    def theirs() -> np.ndarray:
        options = {"batch_size": 256, "max_iter": 10, "fit_algorithm": "cd", "random_state": 0}
        peer = MiniBatchDictionaryLearning(100, alpha=1.0, **options)
        return peer.fit(X).components_.T

    held_out = [lasso_objective(X_test, D, fista(X_test, D, 1.0, tol=1e-4)[0], 1.0) for D in (ours(), theirs())]
    assert held_out[0] < held_out[1], held_out
    note = f"held-out objective {held_out[0]:.2f} and {held_out[1]:.2f} (1 epoch and 10)"
    return "dictionary, k = 100, 10,000 patches 8 x 8", "scikit-learn, mini-batch", ours, theirs, note
