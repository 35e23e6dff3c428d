"""dlcore.networks.losses against scipy, scikit-learn, NumPy's statistics and gradcheck."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss, mean_pinball_loss
from sklearn.mixture import GaussianMixture

from dlcore.networks.autodiff import Tensor, grad, gradcheck, softmax
from dlcore.networks.losses import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    gaussian_nll,
    l1_loss,
    mdn_mean,
    mdn_sample,
    mixture_nll,
    mse_loss,
    pinball_loss,
)

rng = np.random.default_rng(11)
Z, LABELS = rng.normal(size=(6, 4)) * 3, rng.integers(0, 4, 6)
A, B = rng.normal(size=(6, 2)), rng.normal(size=(6, 2))
MIXTURE = rng.normal(size=(6, 3)), rng.normal(size=(6, 3, 2)), rng.normal(size=(6, 3, 2)) * 0.3


def leaf(a, dtype=np.float64):
    return Tensor(np.asarray(a, dtype), requires_grad=True)


CASES = {
    "mse": (lambda a: mse_loss(a, B), [A]),
    "l1": (lambda a: l1_loss(a, B), [A]),
    "pinball": (lambda a: pinball_loss(a, B, 0.2), [A]),
    "bce": (lambda z: binary_cross_entropy_with_logits(z, (B > 0) * 1.0), [A]),
    "labels": (lambda z: cross_entropy(z, LABELS), [Z]),
    "smoothed": (lambda z: cross_entropy(z, LABELS, 0.1), [Z]),
    "probabilities": (lambda z, t: cross_entropy(z, softmax(t), 0.2), [Z, Z[::-1].copy()]),
    "gaussian": (lambda m, s: gaussian_nll(m, s, B), [A, A[:, ::-1] * 0.5]),
    "gaussian, one scale": (lambda m, s: gaussian_nll(m, s, B), [A, np.array(0.3)]),
    "mixture": (lambda *p: mixture_nll(p, B), list(MIXTURE)),
}


@pytest.mark.parametrize("name", CASES)
def test_both_orders_of_derivatives(name):
    f, inputs = CASES[name]
    gradcheck(f, [leaf(x) for x in inputs], order=2, rng=np.random.default_rng(1))


@pytest.mark.parametrize("name", CASES)
def test_float32_stays_and_arrays_are_accepted(name):
    f, inputs = CASES[name]
    low = [leaf(x, np.float32) for x in inputs]
    if name in ("labels", "smoothed"):
        assert f(*low).dtype == np.float32
    assert float(f(*inputs)) == pytest.approx(f(*[leaf(x) for x in inputs]).item(), rel=1e-14)


def test_regression_losses():
    assert mse_loss(A, B) == pytest.approx(np.mean((A - B) ** 2), rel=1e-15)
    assert l1_loss(A, B) == pytest.approx(np.mean(np.abs(A - B)), rel=1e-15)
    for q in (0.1, 0.5, 0.9):
        assert pinball_loss(A, B, q) == pytest.approx(mean_pinball_loss(B, A, alpha=q), rel=1e-12)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.1, 0.25, 0.5, 0.9]))
@settings(max_examples=20, derandomize=True, deadline=None)
def test_constants_that_minimise_are_mean_median_and_quantile(seed, q):
    y = np.random.default_rng(seed).exponential(size=41)
    grid = np.sort(np.concatenate([y, [y.mean()], np.linspace(0, y.max(), 100)]))

    def best(loss):
        return grid[np.argmin([loss(np.full_like(y, c), y) for c in grid])]

    assert best(mse_loss) == pytest.approx(y.mean())
    assert best(l1_loss) == pytest.approx(np.median(y))
    assert best(lambda p, y: pinball_loss(p, y, q)) == pytest.approx(np.quantile(y, q, method="inverted_cdf"))


def test_half_mse_is_the_gaussian_nll_up_to_a_constant():
    a, b = A[:, 0], B[:, 0]
    nll = gaussian_nll(a, np.zeros(()), b)
    assert nll - 0.5 * mse_loss(a, b) == pytest.approx(0.5 * np.log(2 * np.pi), rel=1e-12)
    expected = -scipy.stats.norm.logpdf(B, A, np.exp(0.3)).sum(axis=1).mean()
    assert gaussian_nll(A, np.array(0.3), B) == pytest.approx(expected, rel=1e-12)


def test_binary_cross_entropy():
    z, y = np.array([-50.0, -1.0, 0.5, 800.0]), np.array([0.0, 1.0, 0.0, 1.0])
    expected = np.where(y == 1, -scipy.special.log_expit(z), -scipy.special.log_expit(-z)).mean()
    assert binary_cross_entropy_with_logits(z, y) == pytest.approx(expected, rel=1e-14)
    x = leaf(z)
    g = grad(binary_cross_entropy_with_logits(x, y), x).data
    np.testing.assert_allclose(g, (scipy.special.expit(z) - y) / 4, atol=1e-16)
    soft = np.full(4, 0.3)
    expected = -(0.3 * scipy.special.log_expit(z) + 0.7 * scipy.special.log_expit(-z)).mean()
    assert binary_cross_entropy_with_logits(z, soft) == pytest.approx(expected, rel=1e-14)


def test_cross_entropy_of_labels_and_of_probabilities():
    p = scipy.special.softmax(Z, axis=1)
    assert cross_entropy(Z, LABELS) == pytest.approx(log_loss(LABELS, p, labels=range(4)), rel=1e-12)
    x = leaf(Z)
    np.testing.assert_allclose(grad(cross_entropy(x, LABELS), x).data, (p - np.eye(4)[LABELS]) / 6, atol=1e-16)
    assert cross_entropy(Z, p) == pytest.approx(scipy.stats.entropy(p, axis=1).mean(), rel=1e-12)
    smooth = 0.9 * np.eye(4)[LABELS] + 0.025
    assert cross_entropy(Z, LABELS, 0.1) == pytest.approx(-(smooth * np.log(p)).sum(axis=1).mean(), rel=1e-12)
    assert cross_entropy(Z.reshape(2, 3, 4), LABELS.reshape(2, 3)) == pytest.approx(cross_entropy(Z, LABELS))
    assert cross_entropy(Z[0], np.array(2)) == pytest.approx(-np.log(p[0, 2]))


@pytest.mark.parametrize("smoothing", [0.0, 0.3, 1.0])
def test_cross_entropy_takes_rows_from_any_number_of_axes(smoothing):
    hot = np.eye(4)[LABELS]
    expected = cross_entropy(Z, LABELS, smoothing)
    for axes in [(6,), (2, 3), (1, 3, 1, 2)]:
        z, labels = Z.reshape(*axes, 4), LABELS.reshape(axes)
        assert cross_entropy(z, labels, smoothing) == pytest.approx(expected, rel=1e-14)
        assert cross_entropy(z, hot.reshape(*axes, 4), smoothing) == pytest.approx(expected, rel=1e-14)
    one = cross_entropy(Z[:1], LABELS[:1], smoothing)
    assert cross_entropy(Z[0], hot[0], smoothing) == pytest.approx(one, rel=1e-14)
    if smoothing == 1:  # nothing is left of the labels
        assert expected == pytest.approx(cross_entropy(Z, np.full((6, 4), 0.25)), rel=1e-14)


def test_logits_of_1000_are_exact():
    z = leaf([[1000.0, 0.0, -1000.0]])
    assert cross_entropy(z, np.array([1])).item() == 1000
    assert cross_entropy(z, np.array([0])).item() == 0
    np.testing.assert_array_equal(grad(cross_entropy(z, np.array([2])), z).data, [[1, 0, -1]])


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda: mse_loss(A[:, :1], A[:, 0]), "mse_loss: prediction of shape (6, 1) for targets of shape (6,)"),
        (lambda: l1_loss(A, A.T), "l1_loss: prediction of shape (6, 2) for targets of shape (2, 6)"),
        (lambda: pinball_loss(A, B, 1.0), "pinball_loss: q must lie between 0 and 1, got 1.0"),
        (lambda: pinball_loss(A, B, 0.0), "pinball_loss: q must lie between 0 and 1, got 0.0"),
        (
            lambda: binary_cross_entropy_with_logits(A, A + 9),
            "binary_cross_entropy_with_logits: targets must lie in [0, 1]",
        ),
        (
            lambda: binary_cross_entropy_with_logits(A, np.full_like(A, 1.01)),
            "binary_cross_entropy_with_logits: targets must lie in [0, 1]",
        ),
        (
            lambda: cross_entropy(Z, np.where(np.eye(6, 4) > 0, np.nan, 0.25)),
            "cross_entropy: rows of target probabilities must be non-negative and sum to 1",
        ),
        (
            lambda: cross_entropy(Z, np.array([[1.5, -0.5, 0.0, 0.0]] * 6)),
            "cross_entropy: rows of target probabilities must be non-negative and sum to 1",
        ),
        (lambda: cross_entropy(Z, LABELS + 4), f"cross_entropy: label {LABELS[0] + 4} outside 0..3"),
        (lambda: cross_entropy(np.zeros((2, 10)), np.array([3, 10])), "cross_entropy: label 10 outside 0..9"),
        (lambda: cross_entropy(np.zeros((2, 10)), np.array([3, -1])), "cross_entropy: label -1 outside 0..9"),
        (lambda: cross_entropy(Z, LABELS[:3]), "cross_entropy: labels of shape (3,) for logits of shape (6, 4)"),
        (
            lambda: cross_entropy(Z, np.ones((6, 4))),
            "cross_entropy: rows of target probabilities must be non-negative and sum to 1",
        ),
        (
            lambda: cross_entropy(Z, np.full((6, 2), 0.5)),
            "cross_entropy: prediction of shape (6, 4) for targets of shape (6, 2)",
        ),
        (lambda: cross_entropy(Z, LABELS, 1.5), "cross_entropy: label_smoothing must lie in [0, 1], got 1.5"),
        (lambda: gaussian_nll(A, A, B[:, 0]), "gaussian_nll: prediction of shape (6, 2) for targets of shape (6,)"),
        (lambda: mixture_nll(MIXTURE, B[:, :1]), "mixture_nll: targets of shape (6, 1) for means of shape (6, 3, 2)"),
        (lambda: mse_loss(Tensor(A[:0]), B[:0]), "mean: nothing to average in shape (0, 2) along axis None"),
        (lambda: cross_entropy(Z[:0], LABELS[:0]), "cross_entropy: mean over nothing, logits of shape (0, 4)"),
    ],
)
def test_messages(use, message):
    with pytest.raises(ValueError) as raised:
        use()
    assert str(raised.value) == message


def mixture_of_scikit_learn():
    model = GaussianMixture(3, covariance_type="diag", random_state=0).fit(rng.normal(size=(60, 2)))
    return model, tuple(
        np.repeat(part[None], 6, axis=0)
        for part in (np.log(model.weights_) + 5, model.means_, 0.5 * np.log(model.covariances_))
    )


def test_mixture_nll_is_scikit_learns():
    model, params = mixture_of_scikit_learn()
    assert mixture_nll(params, B) == pytest.approx(-model.score(B), rel=1e-12)
    far = mixture_nll(params, B + 1e4)
    assert np.isfinite(far) and far > 1e6


def test_mean_and_samples_of_a_mixture():
    _, (logits, means, log_scales) = mixture_of_scikit_learn()
    params = tuple(Tensor(np.repeat(part[:1], 20_000, axis=0)) for part in (logits, means, log_scales))
    w = scipy.special.softmax(logits[0])
    mean = mdn_mean(params)
    np.testing.assert_allclose(mean[0], w @ means[0], rtol=1e-12)
    sample = mdn_sample(params, np.random.default_rng(2))
    variance = w @ (np.exp(2 * log_scales[0]) + means[0] ** 2) - mean[0] ** 2
    np.testing.assert_allclose(sample.mean(axis=0), mean[0], atol=5 * np.sqrt(variance / 20_000).max())
    np.testing.assert_allclose(sample.var(axis=0), variance, rtol=0.1)
    assert sample.shape == (20_000, 2) and mdn_sample(params, np.random.default_rng(2)).dtype == np.float64
