"""dlcore.generative.factors against closed forms, enumeration, finite differences, scipy and scikit-learn."""

import itertools
import tracemalloc
import warnings

import numpy as np
import pytest
import scipy.integrate
import scipy.linalg
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, multivariate_t
from scipy.stats import norm as normal
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA as SklearnPCA
from sklearn.decomposition import FactorAnalysis as SklearnFactorAnalysis
from sklearn.decomposition import FastICA, MiniBatchDictionaryLearning, sparse_encode

from dlcore.datasets import dequantise, digits, natural_patches
from dlcore.foundations.linalg import whiten
from dlcore.foundations.numerics import check_gradient
from dlcore.generative.factors import (
    PPCA,
    SFA,
    FactorAnalysis,
    amari_distance,
    elliptical_t_loglik,
    factor_em,
    fastica,
    fista,
    gaussian_factor_loglik,
    ica_ml,
    ica_stability,
    ista,
    kkt_residual,
    lasso_objective,
    learn_dictionary,
    map_code,
    match_sources,
    ppca_em,
    quadratic_expansion,
    spike_slab_posterior,
    spike_slab_sample,
)

examples = settings(derandomize=True, deadline=None, max_examples=40)


def rng(seed=0):
    return np.random.default_rng(seed)


def wine():
    X = load_wine().data
    return (X - X.mean(axis=0)) / X.std(axis=0)


def pixels():
    """A third of the digits, spread over their intervals with another seed than the notebook's."""
    X, _, X_test, _ = digits()
    return dequantise(X[:600], rng(77)), dequantise(X_test[:300], rng(78))


# --- 13.1 ---


@given(st.integers(1, 7), st.integers(1, 6), st.integers(0, 5), st.integers(0, 2**32 - 1))
@examples
def test_the_lemmas_give_the_density_of_scipy(n, D, d, seed):
    r = rng(seed)
    X, mean, W, psi = r.normal(size=(n, D)), r.normal(size=D), r.normal(size=(D, d)), r.uniform(0.1, 2, D)
    truth = multivariate_normal(mean, W @ W.T + np.diag(psi)).logpdf(X)
    assert np.allclose(gaussian_factor_loglik(X, mean, W, psi), truth, rtol=1e-9, atol=1e-9)
    assert np.allclose(
        gaussian_factor_loglik(X, mean, W, 0.7),
        multivariate_normal(mean, W @ W.T + 0.7 * np.eye(D)).logpdf(X),
        rtol=1e-9,
        atol=1e-9,
    )


def test_tiny_noise_costs_no_digits():
    W = rng(1).normal(size=(5, 2))
    x = W @ [1.0, -2.0]  # in the plane: |h|^2 is all that is left
    value = gaussian_factor_loglik(x[None], np.zeros(5), W, 1e-12)[0]
    logdet = np.linalg.slogdet(W.T @ W + 1e-12 * np.eye(2))[1] + 3 * np.log(1e-12)
    assert value == pytest.approx(-(5 + logdet + 5 * np.log(2 * np.pi)) / 2, abs=1e-3)


def test_five_thousand_features_need_no_square_matrix():
    r = rng(2)
    X = r.normal(size=(60, 3)) @ r.normal(size=(3, 5000)) + r.normal(size=(60, 5000))
    tracemalloc.start()
    model = FactorAnalysis(3, n_iter=20, tol=0).fit(X)
    model.score(X)
    PPCA(3).fit(X).score(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5000 * 5000 * 8 / 4
    alone = gaussian_factor_loglik(X, model.mean_, np.zeros((5000, 0)), X.var(axis=0)).mean()
    assert model.score(X) > alone + 1000
    assert model.score(X) == pytest.approx(model.loglik_[-1], abs=1e-6)


@pytest.mark.parametrize("d", [1, 4, 12])
def test_ppca_scores_as_scikit_learn_and_em_finds_it(d):
    X = wine()
    ours, theirs = PPCA(d).fit(X), SklearnPCA(d, svd_solver="full").fit(X)
    assert ours.score(X) >= theirs.score(X)  # theirs divides by n - 1, which is not the maximum
    assert ours.score(X) == pytest.approx(theirs.score(X), abs=1e-3)
    assert np.abs(np.sum(ours.components_ * theirs.components_, axis=1)) == pytest.approx(1)
    mean, W, s2, loglik = ppca_em(X, d, 1500, rng(3))
    assert (np.diff(loglik) > -1e-9).all()
    assert loglik[-1] == pytest.approx(ours.score(X), abs=1e-5)
    assert gaussian_factor_loglik(X, mean, W, s2).mean() == pytest.approx(loglik[-1], abs=1e-10)
    assert PPCA(d).fit(X.astype(np.float32)).W_.dtype == np.float32


def test_the_gradient_vanishes_at_the_maximum_and_at_other_eigenvectors():
    X = wine()
    model = PPCA(2).fit(X)
    S = (X - X.mean(0)).T @ (X - X.mean(0)) / len(X)
    values, V = (A[..., ::-1] for A in np.linalg.eigh(S))

    def gradient(W, s2):
        C = W @ W.T + s2 * np.eye(len(W))
        return -np.linalg.solve(C, W - S @ np.linalg.solve(C, W))

    def loglik(W, s2):
        return gaussian_factor_loglik(X, X.mean(0), W, s2).mean()

    R = np.linalg.qr(rng(4).normal(size=(2, 2)))[0]
    assert np.abs(gradient(model.W_ @ R, model.noise_variance_)).max() < 1e-12
    W = rng(5).normal(size=(13, 2))
    assert check_gradient(lambda W: loglik(W, 0.5), lambda W: gradient(W, 0.5), W, rng(6)) < 1e-6
    s2 = values[[0, 1, *range(4, 13)]].mean()
    wrong = V[:, 2:4] * np.sqrt(np.maximum(values[2:4] - s2, 0))
    assert np.abs(gradient(wrong, s2)).max() < 1e-12
    assert loglik(wrong, s2) < model.score(X) - 0.1


def test_posterior_reconstruction_is_a_shrunken_projection():
    X = wine()
    model = PPCA(3).fit(X)
    eigenvalues = np.sort(np.linalg.eigvalsh(np.cov(X.T, bias=True)))[::-1][:3]
    shrink = model.components_.T * (1 - model.noise_variance_ / eigenvalues) @ model.components_
    assert np.abs(model.transform(X) @ model.W_.T - (X - model.mean_) @ shrink).max() < 1e-12
    shift = 5 + np.arange(13)  # to where the means are not 0
    moved = PPCA(3).fit(X + shift)
    assert np.abs(np.abs(moved.transform(X + shift)) - np.abs(model.transform(X))).max() < 1e-8
    M = model.W_.T @ model.W_ + model.noise_variance_ * np.eye(3)
    assert np.abs(model.posterior_cov_ - model.noise_variance_ * np.linalg.inv(M)).max() < 1e-12


@pytest.mark.parametrize("d", [3, 5, 10])
def test_factor_analysis_is_as_likely_as_that_of_scikit_learn(d):
    X, X_test = pixels()
    ours = FactorAnalysis(d).fit(X)
    theirs = SklearnFactorAnalysis(d, tol=1e-8, max_iter=5000, svd_method="lapack").fit(X)
    assert ours.converged_
    assert ours.loglik_[-1] == pytest.approx(ours.score(X), abs=1e-9)
    assert ours.score(X) > theirs.score(X) - 1e-4
    assert ours.score(X_test) > theirs.score(X_test) - 0.02


def test_em_and_the_eigen_step_agree_on_wine():
    X = wine()
    model = FactorAnalysis(3).fit(X)
    mean, W, psi, loglik = factor_em(X, 3, 3000, rng(7))
    assert (np.diff(loglik) > -1e-9).all()
    assert loglik[-1] == pytest.approx(model.score(X), abs=1e-4)
    assert gaussian_factor_loglik(X, mean, W, psi).mean() == pytest.approx(loglik[-1], abs=1e-9)
    gradient = scipy.optimize.approx_fprime(
        np.log(model.noise_variance_),
        lambda u: gaussian_factor_loglik(X, model.mean_, model.W_, np.exp(u)).mean(),
        1e-6,
    )
    assert np.abs(gradient).max() < 1e-2


def test_wide_and_tall_data_take_the_same_way():
    r = rng(8)
    X = r.normal(size=(30, 2)) @ r.normal(size=(2, 31)) + r.normal(size=(30, 31))
    options = {"n_iter": 15, "tol": 0, "floor": 0.05}
    wide, tall = FactorAnalysis(2, **options).fit(X), FactorAnalysis(2, **options).fit(np.vstack([X, X]))
    assert np.abs(wide.noise_variance_ - tall.noise_variance_).max() < 1e-10
    assert np.abs(wide.W_ @ wide.W_.T - tall.W_ @ tall.W_.T).max() < 1e-10
    assert not wide.converged_


def test_samples_have_the_covariance_of_the_model():
    model = FactorAnalysis(2).fit(wine())
    X = model.sample(200_000, rng(9))
    C = model.W_ @ model.W_.T + np.diag(model.noise_variance_)
    assert np.abs(np.cov(X.T) - C).max() < 0.03
    assert np.abs(X.mean(axis=0) - model.mean_).max() < 0.02
    assert PPCA(2).fit(wine()).sample(0, rng(9)).shape == (0, 13)


def test_a_constant_column_gets_the_floor_and_a_heywood_case_is_said():
    X = np.hstack([wine(), np.full((178, 1), 3.0)])
    model = FactorAnalysis(2, floor=1e-4).fit(X)
    assert model.noise_variance_[-1] == pytest.approx(1e-4 * X.var(axis=0).mean())
    assert np.isfinite(model.score_samples(X)).all()
    r = rng(10)
    h = r.normal(size=(400, 1))
    heywood = np.hstack([h, h + r.normal(size=(400, 4))])  # the first feature is the factor itself
    with pytest.warns(RuntimeWarning, match="did not settle .* take fewer factors"):
        FactorAnalysis(1, n_iter=10, tol=1e-12).fit(heywood)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: PPCA(2).fit([[1.0, np.nan, 2], [3, 4, 5], [1, 1, 1]]), "finite"),
        (lambda: PPCA(3).fit(np.eye(3)), "n_components must be an integer from 1 to 2"),
        (lambda: PPCA(5).fit(rng().normal(size=(4, 9))), "from 1 to 3"),
        (lambda: PPCA(1.0).fit(np.eye(3)), "integer"),
        (lambda: PPCA(1).fit(np.eye(1)), "two samples and two features"),
        (lambda: PPCA(1).fit(np.ones((5, 3))), "two different rows"),
        (lambda: PPCA(1).fit([["a", "b"], ["c", "d"]]), "real numbers"),
        (lambda: PPCA(2).fit(np.outer(np.arange(5.0), [1, 2, 3])), "leave no noise"),
        (lambda: PPCA(1).transform(np.eye(2)), "call fit"),
        (lambda: PPCA(1).fit(wine()).score(np.eye(2)), "13 columns"),
        (lambda: FactorAnalysis(1).fit(np.ones((5, 3))), "do not vary"),
        (lambda: FactorAnalysis(1, floor=0).fit(wine()), "floor"),
        (lambda: FactorAnalysis(1, n_iter=0).fit(wine()), "n_iter"),
        (lambda: FactorAnalysis(1).sample(3, rng()), "call fit"),
        (lambda: ppca_em(wine(), 13, 5, rng()), "d must be"),
        (lambda: factor_em(wine(), 0, 5, rng()), "d must be"),
        (lambda: gaussian_factor_loglik(np.eye(2), [0, 0], np.eye(3), 1.0), "needs mean"),
        (lambda: gaussian_factor_loglik(np.eye(2), [0, 0], np.eye(2), 0.0), "positive"),
    ],
)
def test_13_1_refuses(call, words):
    with pytest.raises(ValueError, match=words):
        call()


# --- 13.2 ---


def mixed(seed, n=3000, p=3, draw="laplace"):
    """Return sources, mixing matrix, whitened mixtures, and the whitening map."""
    r = rng(seed)
    S = r.laplace(size=(n, p)) if draw == "laplace" else r.uniform(-1, 1, (n, p))
    A = r.normal(size=(p, p))
    Z, K, _ = whiten(S @ A.T)
    return S, A, Z, K


@pytest.mark.parametrize("draw", ["laplace", "uniform"])
@pytest.mark.parametrize("contrast, fun", [("logcosh", "logcosh"), ("kurtosis", "cube")])
def test_fastica_separates_as_scikit_learn_does(draw, contrast, fun):
    S, A, Z, K = mixed(11, draw=draw)
    B, steps = fastica(Z, 3, contrast, rng=rng(12), tol=1e-10)
    theirs = FastICA(whiten=False, fun=fun, tol=1e-10, max_iter=500, random_state=0).fit(Z).components_
    assert amari_distance(B @ theirs.T) < 1e-3
    assert amari_distance(B @ K.T @ A) < 0.06
    assert np.abs(B @ B.T - np.eye(3)).max() < 1e-12
    assert steps < 60
    assert match_sources(Z @ B.T, S)[1].min() > 0.99


def test_longer_strides_reach_on_patches_in_20_steps_what_scikit_learn_reaches_in_60():
    P = natural_patches(4000, 6, rng(13))
    Z, _, _ = whiten(P - P.mean(axis=1, keepdims=True), 16)
    theirs = FastICA(whiten=False, max_iter=60, tol=1e-12, random_state=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        C = theirs.fit(Z).components_
    for seed in (14, 15, 16):
        B, steps = fastica(Z, 16, rng=rng(seed), tol=0, max_iter=20)
        assert steps == 20
        assert np.log(np.cosh(Z @ B.T)).mean() < np.log(np.cosh(Z @ C.T)).mean() + 5e-4


def test_fewer_components_than_dimensions_and_float32():
    _, _, Z, _ = mixed(15)
    B, _ = fastica(Z.astype(np.float32), 2, rng=rng(16), tol=1e-4)
    assert B.shape == (2, 3)
    assert B.dtype == np.float32


def test_fastica_says_when_it_does_not_settle():
    Z, _, _ = whiten(rng(17).normal(size=(500, 4)))
    with pytest.warns(RuntimeWarning, match="nearly Gaussian never settle"):
        _, steps = fastica(Z, 4, rng=rng(18), tol=1e-12, max_iter=3)
    assert steps == 3


@pytest.mark.parametrize("prior", ["logistic", "laplace"])
def test_ml_ica_climbs_to_the_sources(prior):
    _, A, Z, K = mixed(19)
    B, loglik = ica_ml(Z, prior, lr=0.3, n_iter=200)
    assert loglik[-1] > loglik[0] + 0.05
    density = getattr(scipy.stats, prior).logpdf(Z @ B.T).sum(axis=1).mean() + np.linalg.slogdet(B)[1]
    assert loglik[-1] == pytest.approx(density, abs=1e-10)
    assert amari_distance(B @ K.T @ A) < 0.05


def test_the_natural_gradient_is_the_gradient_turned():
    _, _, Z, _ = mixed(20, n=400)
    log_p = scipy.stats.logistic.logpdf

    def loglik(B):
        return log_p(Z @ B.T).sum(axis=1).mean() + np.linalg.slogdet(B)[1]

    lr = 1e-4
    B, trace = ica_ml(Z, "logistic", lr=lr, n_iter=1)
    assert trace[0] == pytest.approx(loglik(np.eye(3)), abs=1e-10)
    assert trace[1] == pytest.approx(loglik(B), abs=1e-10)
    natural = (B - np.eye(3)) / lr  # at B = I both gradients are the same

    def gradient(B):
        return np.linalg.inv(B).T - np.tanh(Z @ B.T / 2).T @ Z / len(Z)

    assert np.abs(natural - gradient(np.eye(3))).max() < 1e-9
    assert check_gradient(loglik, gradient, np.eye(3) + 0.1 * rng(21).normal(size=(3, 3)), rng(22)) < 1e-6


def test_kappa_has_the_values_of_integrals():
    r = rng(23)
    density = {"laplace": scipy.stats.laplace.pdf, "uniform": lambda s: 0.5 * (np.abs(s) <= 1)}
    draws = {"laplace": r.laplace(size=200_000), "uniform": r.uniform(-1, 1, 200_000)}

    def mean(f, pdf):
        return scipy.integrate.quad(lambda s: f(s) * pdf(s), -30, 30, points=[-1, 0, 1], limit=200)[0]

    for name, pdf in density.items():
        a = scipy.optimize.brentq(lambda a, pdf=pdf: mean(lambda s: a * s * np.tanh(a * s / 2), pdf) - 1, 0.1, 10)
        exact = mean(lambda s, a=a: 0.5 / np.cosh(a * s / 2) ** 2, pdf) * mean(lambda s, a=a: (a * s) ** 2, pdf) - 1
        assert ica_stability(5 * draws[name] + 3) == pytest.approx(exact, abs=0.01)
    assert ica_stability(r.normal(size=400_000)) == pytest.approx(0, abs=0.01)
    step = 2**0.5 / 20  # the Laplace score jumps: its slope over +- step is P(abs(s) < step) / step
    exact = 2 * (1 - np.exp(-step)) / step - 1
    assert ica_stability(draws["laplace"], "laplace") == pytest.approx(exact, abs=0.03)


def test_kappa_predicts_where_the_logistic_prior_fails():
    shapes = {
        "laplace": lambda r, n: r.laplace(size=n),
        "uniform": lambda r, n: r.uniform(-1, 1, n),
        "signs": lambda r, n: r.choice([-1.0, 1.0], n) + 0.1 * r.normal(size=n),
        "student": lambda r, n: r.standard_t(5, n),
        "triangle": lambda r, n: r.triangular(-1, 0, 1, n),
    }
    for draw in shapes.values():
        r = rng(24)
        S = np.stack([draw(r, 5000) for _ in range(2)], axis=1)
        A = np.array([[2.0, 1.0], [0.5, 1.5]])
        Z, K, _ = whiten(S @ A.T)
        holds = (1 + ica_stability(S[:, 0])) * (1 + ica_stability(S[:, 1])) > 1
        distance = amari_distance(ica_ml(Z, lr=0.3)[0] @ K.T @ A)
        assert (distance < 0.15) == holds


@given(st.integers(2, 6), st.integers(0, 2**32 - 1))
@examples
def test_amari_sees_neither_order_nor_scale(n, seed):
    r = rng(seed)
    P = r.normal(size=(n, n))
    moved = np.diag(r.uniform(0.5, 2, n) * r.choice([-1, 1], n)) @ np.eye(n)[r.permutation(n)]
    assert amari_distance(moved) == pytest.approx(0, abs=1e-12)
    assert 0 <= amari_distance(P) <= 1
    assert amari_distance(P) == pytest.approx(amari_distance(P.T[r.permutation(n)]))


def test_sources_are_matched_best_in_sum():
    r = rng(25)
    S = r.normal(size=(50, 3))
    S_hat = r.normal(size=(50, 4)) + S[:, [1, 1, 0, 2]]
    C = np.abs(np.corrcoef(S_hat.T, S.T)[:4, 4:])
    best = max(sum(C[p[j], j] for j in range(3)) for p in itertools.permutations(range(4), 3))
    perm, correlation = match_sources(S_hat, S)
    assert correlation.sum() == pytest.approx(best)
    assert correlation == pytest.approx(C[perm, range(3)])


def test_the_radial_density_is_that_of_scipy():
    r = rng(26)
    Z, Z_test = (multivariate_t(np.zeros(4), 0.3 * np.eye(4), df=3, seed=r).rvs(4000) for _ in range(2))
    truth = multivariate_t(np.zeros(4), 0.3 * np.eye(4), df=3).logpdf(Z_test).mean()
    assert elliptical_t_loglik(Z, Z_test) == pytest.approx(truth, abs=5e-3)
    Z, Z_test = r.standard_t(4, (2, 5000, 1))
    assert elliptical_t_loglik(Z, Z_test) == pytest.approx(
        scipy.stats.t(*scipy.stats.t.fit(Z[:, 0], floc=0)).logpdf(Z_test).mean(), abs=1e-4
    )
    Z = r.normal(size=(4000, 3))
    assert elliptical_t_loglik(1e3 * Z, 1e3 * Z) == pytest.approx(
        3 * normal.logpdf(Z, scale=1).mean() - 3 * np.log(1e3), abs=0.01
    )


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: fastica(5 * rng().normal(size=(100, 2)), 2, rng=rng()), "must be whitened"),
        (lambda: fastica(whiten(rng().normal(size=(100, 2)))[0], 3, rng=rng()), "n must be"),
        (lambda: fastica(whiten(rng().normal(size=(100, 2)))[0], 2, "sine", rng=rng()), "contrast"),
        (lambda: fastica(np.zeros((1, 2)), 2, rng=rng()), "two samples"),
        (lambda: ica_ml(rng().normal(size=(100, 2)), "cauchy"), "prior"),
        (lambda: ica_ml(rng().normal(size=(100, 2)), lr=0), "lr must be positive"),
        (lambda: ica_ml(1e3 * rng().normal(size=(100, 2)), lr=50.0), "diverge"),
        (lambda: ica_stability(np.ones(5)), "vary"),
        (lambda: amari_distance(np.eye(1)), "square"),
        (lambda: amari_distance(np.diag([1.0, 0.0])), "zeros"),
        (lambda: match_sources(np.eye(3), np.eye(4)), "rows of S"),
        (lambda: match_sources(np.ones((3, 2)), rng().normal(size=(3, 2))), "vary"),
        (lambda: elliptical_t_loglik(np.eye(2), np.eye(3)), "one length"),
        (lambda: elliptical_t_loglik(np.zeros((4, 2)), np.eye(2)), "zero"),
    ],
)
def test_13_2_refuses(call, words):
    with pytest.raises(ValueError, match=words):
        call()


# --- 13.3 ---


@given(st.integers(0, 2**32 - 1))
@examples
def test_slow_features_solve_the_generalised_eigenproblem(seed):
    r = rng(seed)
    X = np.cumsum(r.normal(size=(80, 4)), axis=0) @ np.linalg.qr(r.normal(size=(4, 4)))[0] * [1, 2, 3, 4]
    model = SFA(4).fit(X)
    C, change = np.cov(X.T, bias=True), np.diff(X, axis=0)
    truth = scipy.linalg.eigh(change.T @ change / 79, C, eigvals_only=True)
    assert model.delta_ == pytest.approx(truth, rel=1e-6)
    Y = model.transform(X)
    assert np.abs(Y.mean(axis=0)).max() < 1e-6  # though X is off centre
    assert np.abs(np.cov(Y.T, bias=True) - np.eye(4)).max() < 1e-6
    assert np.mean(np.diff(Y, axis=0) ** 2, axis=0) == pytest.approx(model.delta_)


def test_a_uniform_ring_has_pairs_of_equal_slowness():
    angle = 2 * np.pi * np.arange(5001) / 500  # ten rounds
    place = np.linspace(0, 2 * np.pi, 30, endpoint=False)
    X = np.exp(3 * np.cos(angle[:, None] - place))
    delta = SFA(4).fit(X).delta_
    assert delta / delta[0] == pytest.approx([1, 1, 4, 4], rel=2e-3)
    assert delta[0] == pytest.approx((2 * np.pi / 500) ** 2, rel=1e-3)


def test_segments_are_not_joined():
    r = rng(27)
    clips = [np.cumsum(r.normal(size=(40, 2)), axis=0) + 100 * r.normal(size=2) for _ in range(5)]
    X, labels = np.concatenate(clips), np.repeat(["a", "b", "c", "d", "e"], 40)
    model = SFA(2).fit(X, labels)
    Y = model.transform(X)
    change = np.concatenate([np.diff(Y[labels == name], axis=0) for name in "abcde"])
    assert np.mean(change**2, axis=0) == pytest.approx(model.delta_)
    assert model.delta_[0] < SFA(2).fit(X).delta_[0]


def test_the_quadratic_expansion_holds_every_product_once():
    X = rng(28).normal(size=(3, 4))
    F = quadratic_expansion(X)
    truth = [X[:, i] * X[:, j] for i in range(4) for j in range(i, 4)]
    assert np.array_equal(F, np.column_stack([X, *truth]))
    t = np.linspace(0, 20, 3000)
    signal = np.stack([np.sin(t) + np.cos(13 * t) ** 2, np.cos(13 * t)], axis=1)
    y = SFA(1, expansion="quadratic").fit(signal).transform(signal)[:, 0]
    assert abs(np.corrcoef(y, np.sin(t))[0, 1]) > 0.999


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: SFA(1, expansion="cubic").fit(np.eye(3)), "expansion"),
        (lambda: SFA(3).fit(np.arange(20.0).reshape(-1, 2)), "n_components"),
        (lambda: SFA(1).fit(np.eye(3), [0, 1]), "one label"),
        (lambda: SFA(1).fit(np.eye(3), [0, 1, 2]), "no two neighbours"),
        (lambda: SFA(1).fit(np.ones((4, 2))), "n_components"),
        (lambda: SFA(1).transform(np.eye(3)), "call fit"),
        (lambda: SFA(1).fit(rng().normal(size=(9, 2))).transform(np.eye(3)), "columns"),
    ],
)
def test_13_3_refuses(call, words):
    with pytest.raises(ValueError, match=words):
        call()


# --- 13.4 ---


def problem(seed, n=30, p=12, k=25, coherent=0.0):
    r = rng(seed)
    D = r.normal(size=(p, k)) + coherent * r.normal(size=(p, 1))
    return r.normal(size=(n, p)), D / np.linalg.norm(D, axis=0)


@given(st.integers(1, 8), st.integers(1, 9), st.integers(1, 12), st.booleans(), st.integers(0, 2**32 - 1))
@examples
def test_codes_are_certified_and_equal_those_of_coordinate_descent(n, p, k, nonnegative, seed):
    X, D = problem(seed, n, p, k)
    H, objective = fista(X, D, 0.2, n_iter=20_000, tol=1e-9, nonnegative=nonnegative)
    assert kkt_residual(X, D, H, 0.2, nonnegative) < 1e-8
    assert objective[-1] == pytest.approx(lasso_objective(X, D, H, 0.2), abs=1e-8)
    peer = sparse_encode(X, D.T, algorithm="lasso_cd", alpha=0.2, max_iter=20_000, positive=nonnegative)
    assert lasso_objective(X, D, H, 0.2) <= lasso_objective(X, D, peer, 0.2) + 1e-9


def test_both_bounds_hold_and_momentum_pays():
    X, D = problem(29, n=1)
    best = fista(X, D, 0.1, 20_000, tol=1e-12)[0]
    floor, L, start = lasso_objective(X, D, best, 0.1), np.linalg.norm(D, 2) ** 2, np.sum(best**2)
    step = np.arange(1, 201)
    slow, fast = ista(X, D, 0.1, 200)[1] - floor, fista(X, D, 0.1, 200)[1] - floor
    assert (slow <= L * start / (2 * step)).all()
    assert (np.diff(slow) < 1e-12).all()
    assert (fast <= 2 * L * start / (step + 1) ** 2 + 1e-12).all()
    assert fast[99] < slow[99]


@pytest.mark.parametrize("shape", [{"p": 64, "k": 128}, {"p": 20, "k": 60, "coherent": 1.5}])
def test_the_restart_reaches_the_certificate(shape):
    X, D = problem(30, n=40, **shape)
    H, _ = fista(X, D, 0.3, 2000, tol=1e-6)
    assert kkt_residual(X, D, H, 0.3) < 2e-6


def test_a_good_start_ends_soon_and_all_steps_can_be_asked_for():
    X, D = problem(31)
    H, _ = fista(X, D, 0.2, 5000, tol=1e-8)
    again, few = fista(X, D, 0.2, 5000, tol=1e-7, H0=H)
    assert len(few) <= 2
    assert np.abs(again - H).max() < 1e-6
    assert len(fista(X, D, 0.2, 7)[1]) == 7
    assert fista(X, D, 0.2, 0)[1].shape == (0,)
    assert fista(X.astype(np.float32), D.astype(np.float32), 0.2, 5)[0].dtype == np.float32


def test_fista_says_when_the_certificate_is_out_of_reach():
    X, D = problem(32)
    with pytest.warns(RuntimeWarning, match="rows with a KKT residual above tol"):
        fista(X, D, 0.01, 3, tol=1e-9)


def test_the_residual_names_the_worst_violation():
    X, D = np.array([[2.0, 0.3]]), np.eye(2)
    assert kkt_residual(X, D, np.array([[1.0, 0.0]]), 0.5) == pytest.approx(0.5)
    assert kkt_residual(-X, D, np.zeros((1, 2)), 0.5, nonnegative=True) == 0
    assert kkt_residual(-X, D, np.zeros((1, 2)), 0.5) == pytest.approx(1.5)


def test_a_dictionary_as_good_as_that_of_scikit_learn():
    def patches(n, seed):
        P = natural_patches(n, 6, rng(seed))
        P -= P.mean(axis=1, keepdims=True)
        return P / P.std()

    X, X_test = patches(2000, 33), patches(300, 34)
    D = learn_dictionary(X, 50, 0.8, epochs=3, batch=100, rng=rng(35))
    peer = MiniBatchDictionaryLearning(50, alpha=0.8, batch_size=100, max_iter=3, fit_algorithm="cd", random_state=0)
    ours, theirs = (
        lasso_objective(X_test, A, fista(X_test, A, 0.8, tol=1e-5)[0], 0.8) for A in (D, peer.fit(X).components_.T)
    )
    assert ours <= theirs
    assert np.linalg.norm(D, axis=0).max() <= 1 + 1e-12


def test_hidden_atoms_are_found():
    r = rng(36)
    atoms = r.normal(size=(16, 24))
    atoms /= np.linalg.norm(atoms, axis=0)
    H = np.zeros((2000, 24))
    for row in H:
        row[r.choice(24, 2, replace=False)] = r.uniform(0.5, 1.5, 2)
    D = learn_dictionary(H @ atoms.T, 24, 0.1, epochs=10, batch=100, rng=r, nonnegative=True)
    cosine = (D / np.linalg.norm(D, axis=0)).T @ atoms
    assert np.median(cosine.max(axis=0)) > 0.97


def test_an_atom_without_use_is_replaced_by_data():
    X = np.vstack([np.outer(np.linspace(1, 2, 30), [1.0, 0]), np.outer(np.linspace(1, 2, 30), [0, 0.01])])
    D = learn_dictionary(X, 4, 0.5, epochs=4, batch=16, rng=rng(37))
    assert np.isfinite(D).all()
    assert (np.linalg.norm(D, axis=0) > 0.9).all()


@given(st.floats(-8, 8), st.floats(0, 12), st.floats(0.2, 3))
@examples
def test_codes_of_one_factor_are_minima(x, lam, nu):
    grid = np.linspace(-9, 9, 20_001)
    penalty = {"gaussian": grid**2 / 2, "laplace": np.abs(grid), "student": np.log1p(grid**2 / nu)}
    at = {"gaussian": lambda h: h**2 / 2, "laplace": abs, "student": lambda h: np.log1p(h**2 / nu)}
    for prior, r in penalty.items():
        h = map_code([x], prior, lam, nu=nu)[0]
        best = ((x - grid) ** 2 / 2 + lam * r).min()
        assert (x - h) ** 2 / 2 + lam * at[prior](h) <= best + 1e-9


def test_only_the_kink_gives_zeros():
    x = rng(38).laplace(size=10_000)
    assert not np.any(x == 0)
    assert np.mean(map_code(x, "laplace", 1.0) == 0) == pytest.approx(1 - np.exp(-1), abs=0.02)
    assert not np.any(map_code(x, "student", 1.0) == 0)
    assert map_code([0.0], "student", 5.0)[0] == 0


@pytest.mark.parametrize("lam, jumps", [(3.9, False), (4.1, True)])
def test_the_student_code_jumps_when_lam_exceeds_four_nu(lam, jumps):
    h = map_code(np.linspace(0, 8, 200_001), "student", lam, nu=1.0)
    assert (np.diff(h).max() > 0.1) == jumps


def test_factorial_draws_have_the_switches_and_values_asked_for():
    D = rng(39).normal(size=(5, 3))
    X, H = spike_slab_sample(D, [0.2, 0.0, 1.0], [[1.0, 2.0], [], [-3.0]], 20_000, rng(40))
    assert np.abs(X - H @ D.T).max() < 1e-12
    assert (H != 0).mean(axis=0) == pytest.approx([0.2, 0, 1], abs=0.01)
    assert set(np.unique(H[:, 0])) == {0.0, 1.0, 2.0}


def test_one_switch_has_the_odds_of_bayes():
    x, w, p, sh, sx = np.array([1.0, -2.0]), np.array([[0.6], [0.8]]), 0.3, 1.5, 0.7
    on = multivariate_normal([0, 0], sh**2 * w @ w.T + sx**2 * np.eye(2)).logpdf(x)
    off = multivariate_normal([0, 0], sx**2 * np.eye(2)).logpdf(x)
    answer = spike_slab_posterior(x, w, p, sh, sx)
    odds = answer.probability[1] / answer.probability[0]
    assert np.log(odds) == pytest.approx(np.log(p / (1 - p)) + on - off, abs=1e-10)
    assert answer.log_evidence == pytest.approx(np.logaddexp(np.log(p) + on, np.log(1 - p) + off), abs=1e-10)
    gain = sh**2 / (sh**2 + sx**2)  # |w| = 1
    assert answer.mean[0] == pytest.approx(answer.probability[1] * gain * (x @ w)[0], abs=1e-10)


def test_six_switches_agree_with_importance_sampling():
    r = rng(41)
    W, x, pi = r.normal(size=(4, 6)), r.normal(size=4), r.uniform(0.1, 0.6, 6)
    answer = spike_slab_posterior(x, W, pi, 1.0, 0.8)
    s = r.random((400_000, 6)) < pi
    h = s * r.normal(size=s.shape)
    logw = -np.sum((x - h @ W.T) ** 2, axis=1) / (2 * 0.8**2)
    w = np.exp(logw - logw.max())
    assert answer.probability @ answer.states == pytest.approx(w @ s / w.sum(), abs=0.01)
    assert answer.mean == pytest.approx(w @ h / w.sum(), abs=0.02)
    assert answer.probability.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: lasso_objective(np.eye(2), np.eye(3), np.eye(2), 1.0), "have to fit"),
        (lambda: lasso_objective(np.eye(2), np.eye(2), np.eye(2), -1.0), "lam"),
        (lambda: ista(np.eye(2), np.zeros((2, 3)), 1.0, 5), "other than zero"),
        (lambda: fista([[np.inf]], [[1.0]], 1.0), "finite"),
        (lambda: fista([[1.0]], [[1.0]], 1.0, H0=[[1.0, 2.0]]), "have to fit"),
        (lambda: fista([[1.0]], [[1.0]], 1.0, tol=-1.0), "tol"),
        (lambda: kkt_residual([[1.0]], [[1.0]], [[-1.0]], 1.0, True), "negative"),
        (lambda: learn_dictionary(np.eye(3), 4, 0.1, 1, 2, rng()), "k must be"),
        (lambda: learn_dictionary(np.zeros((9, 3)), 1, 0.1, 1, 2, rng()), "k must be"),
        (lambda: map_code([1.0], "uniform", 1.0), "prior"),
        (lambda: map_code([1.0], "student", 1.0, nu=0.0), "nu"),
        (lambda: spike_slab_sample(np.eye(2), [0.5], [[1.0]], 3, rng()), "2 probabilities"),
        (lambda: spike_slab_sample(np.eye(1), [1.5], [[1.0]], 3, rng()), "lie in"),
        (lambda: spike_slab_sample(np.eye(1), [0.5], [[]], 3, rng()), "at least one value"),
        (lambda: spike_slab_posterior([1.0], [[1.0]], 1.0, 1.0, 1.0), "must lie in"),
        (lambda: spike_slab_posterior([1.0], [[1.0]], 0.5, 0.0, 1.0), "above 0"),
        (lambda: spike_slab_posterior([1.0, 2.0], [[1.0]], 0.5, 1.0, 1.0), "have to fit"),
        (lambda: spike_slab_posterior(np.ones(2), np.ones((2, 13)), 0.5, 1.0, 1.0), "to 12"),
    ],
)
def test_13_4_refuses(call, words):
    with pytest.raises(ValueError, match=words):
        call()
