"""dlcore.networks.convolution against planted parameters, finite differences, Fourier transforms and scipy."""

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import multivariate_normal

from dlcore.networks.convolution import GaborParameters, _error, _error_slopes, fit_gabor, gabor

examples = settings(derandomize=True, deadline=None, max_examples=30)


BOUNDS = [0, 0, 0, 0.005, 0.005, np.pi / 10, -4, -1], [9, 9, 20, 2, 2, np.pi, 4, 4]  # of a patch of 10 x 10


def rng(seed=0):
    return np.random.default_rng(seed)


def planted(seed, shape):
    """Draw a Gabor that a patch of this shape can show: it lies inside and has a period or more."""
    r, side = rng(seed), min(shape)
    place = r.uniform(0.3, 0.7, 2) * shape[::-1]
    betas = r.uniform(5, 15, 2) / side**2
    wave = r.uniform(2 * np.pi / side, 2.2), r.uniform(-3, 3), r.uniform(0.05, np.pi - 0.05)
    return GaborParameters(*map(float, (*place, r.uniform(0.5, 2), *betas, *wave)))


def test_a_gabor_is_a_gaussian_times_a_wave():
    p = GaborParameters(5.0, 4.0, 1.5, 0.06, 0.02, 0.9, 0.4, 0.7)
    turn = np.array([[np.cos(0.7), np.sin(0.7)], [-np.sin(0.7), np.cos(0.7)]])
    precision = turn.T @ np.diag([2 * 0.06, 2 * 0.02]) @ turn
    for y, x in [(0, 0), (4, 5), (9, 2), (3, 10)]:
        d = np.array([x - 5.0, y - 4.0])
        bell = multivariate_normal(np.zeros(2), np.linalg.inv(precision))
        wave = np.cos(0.9 * (turn @ d)[0] + 0.4)
        expected = 1.5 * bell.pdf(d) / bell.pdf(np.zeros(2)) * wave
        assert gabor((10, 12), *p)[y, x] == pytest.approx(expected, abs=1e-14)


def test_the_frequency_and_the_angle_are_where_the_fourier_transform_has_its_peak():
    w = gabor((64, 64), 32, 32, 1.0, 0.01, 0.01, 2 * np.pi * 10 / 64, 0.3, np.arctan2(8, 6))
    power = np.abs(np.fft.fft2(w)) ** 2
    assert {tuple(map(int, i)) for i in np.argwhere(power > 0.99 * power.max())} == {(8, 6), (56, 58)}


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
@examples
def test_gabor_has_the_shape_asked_for_and_symmetries(rows, columns, seed):
    p = GaborParameters(*rng(seed).uniform(0, 2, 8))
    w = gabor((rows, columns), *p)
    assert w.shape == (rows, columns)
    assert w.dtype == np.float64
    behind = p._replace(angle=p.angle + np.pi, phase=-p.phase)
    assert np.allclose(gabor((rows, columns), *behind), w, atol=1e-12)
    mirrored = p._replace(x0=p.y0, y0=p.x0, angle=np.pi / 2 - p.angle)
    assert np.allclose(gabor((columns, rows), *mirrored).T, w, atol=1e-12)


@given(st.integers(8, 16), st.integers(8, 16), st.integers(0, 10**6))
@examples
def test_planted_parameters_are_recovered(rows, columns, seed):
    p = planted(seed, (rows, columns))
    q, r2 = fit_gabor(gabor((rows, columns), *p))
    assert r2 == pytest.approx(1, abs=1e-6)
    assert q.phase == pytest.approx(p.phase, abs=1e-2)
    assert np.allclose(q, p, rtol=1e-2, atol=1e-3)


def test_noise_on_a_gabor_is_seen_through_and_noise_alone_is_not_a_gabor():
    r2_noise = []
    for seed in range(5):
        p, noise = planted(seed, (12, 12)), rng(seed).normal(size=(12, 12))
        w = gabor((12, 12), *p)
        q, r2 = fit_gabor(w + 0.05 * p.alpha * noise)
        assert np.abs(gabor((12, 12), *q) - w).max() < 0.15 * p.alpha
        assert q.frequency == pytest.approx(p.frequency, abs=0.1)
        assert r2 > 0.9
        r2_noise.append(fit_gabor(noise)[1])
    assert max(r2_noise) < 0.3


def test_the_fit_is_as_good_as_ten_searches_for_all_eight_parameters():
    p = planted(3, (10, 10))
    w = gabor((10, 10), *p) + 0.3 * rng(4).normal(size=(10, 10))
    _, r2 = fit_gabor(w)
    total = np.sum((w - w.mean()) ** 2)
    best = -np.inf
    for seed in range(10):
        start = np.array(planted(seed, (10, 10)))
        fit = scipy.optimize.least_squares(lambda t: (gabor((10, 10), *t) - w).ravel(), start, bounds=BOUNDS)
        best = max(best, 1 - 2 * fit.cost / total)
    assert r2 > best - 1e-3


def test_the_slopes_give_the_gradient_of_the_squared_error():
    w = rng(5).normal(size=(7, 9))
    theta = np.array([3.2, 4.1, -2.0, -2.8, 1.1, 0.6])
    gradient = 2 * _error_slopes(theta, w).T @ _error(theta, w)
    numeric = scipy.optimize.approx_fprime(theta, lambda t: np.sum(_error(t, w) ** 2), 1e-7)
    assert np.allclose(gradient, numeric, rtol=1e-4, atol=1e-4)


@given(arrays(np.float64, st.tuples(st.integers(4, 8), st.integers(4, 8)), elements=st.integers(-3, 3).map(float)))
@examples
def test_any_patch_gets_an_answer_within_the_bounds(w):
    if not np.ptp(w):
        with pytest.raises(ValueError, match="all alike"):
            fit_gabor(w)
        return
    p, r2 = fit_gabor(w)
    rows, columns = w.shape
    assert np.isfinite(p).all()
    assert r2 == pytest.approx(1 - np.sum((w - gabor(w.shape, *p)) ** 2) / np.sum((w - w.mean()) ** 2), abs=1e-12)
    assert r2 <= 1
    assert 0 <= p.x0 <= columns - 1
    assert 0 <= p.y0 <= rows - 1
    assert p.alpha >= 0
    assert np.pi / max(w.shape) <= p.frequency <= np.pi
    assert 0 <= p.angle <= np.pi


def test_the_fit_scales_and_takes_integers():
    w = np.round(100 * gabor((9, 9), *planted(6, (9, 9)))).astype(int)
    p, r2 = fit_gabor(w)
    q, r2_large = fit_gabor(1e6 * w)
    assert q.alpha == pytest.approx(1e6 * p.alpha)
    assert q[:2] == pytest.approx(p[:2])
    assert r2_large == pytest.approx(r2)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: gabor((0, 3), *planted(0, (9, 9))), "shape must be"),
        (lambda: gabor((3.0, 3), *planted(0, (9, 9))), "shape must be"),
        (lambda: gabor((3, 3), *planted(0, (9, 9))._replace(beta_x=-0.1)), "beta_x must be"),
        (lambda: gabor((3, 3), *planted(0, (9, 9))._replace(beta_y=np.nan)), "beta_y must be"),
        (lambda: gabor((3, 3), *planted(0, (9, 9))._replace(phase=np.inf)), "must be finite"),
        (lambda: fit_gabor(np.ones((5, 5))), "all alike"),
        (lambda: fit_gabor(rng().normal(size=(3, 9))), r"4 x 4 .* shape \(3, 9\)"),
        (lambda: fit_gabor(rng().normal(size=9)), "dimension"),
        (lambda: fit_gabor(np.full((5, 5), np.nan)), "must be finite"),
    ],
)
def test_9_10_refuses(call, words):
    with pytest.raises(ValueError, match=words):
        call()
