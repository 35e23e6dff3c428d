"""dlcore.networks.optimizers against the book's recurrences on one number, and against themselves cut in pieces."""

import itertools

import numpy as np
import pytest
from scipy.optimize import minimize, rosen, rosen_der
from scipy.special import expit

from dlcore.networks import optimizers
from dlcore.networks.autodiff import Tensor
from dlcore.networks.optimizers import SGD, Adam, Optimizer, lbfgs


def leaf(data, dtype=np.float64, name=None):
    return Tensor(np.array(data, dtype=dtype), requires_grad=True, name=name)


def follow(make, gradient, x, steps):
    """Run an optimiser on one number and return its path."""
    p = leaf([x])
    optimizer, path = make([p]), []
    for _ in range(steps):
        p.grad = np.array([gradient(p.data[0])])
        optimizer.step()
        path.append(p.data[0])
    return np.array(path)


def slope(x):
    return 3 * x + np.sin(x)


def test_sgd_is_its_recurrence():
    x, expected = 2.0, []
    for _ in range(20):
        x -= 0.1 * (slope(x) + 0.01 * x)
        expected.append(x)
    path = follow(lambda p: SGD(p, 0.1, weight_decay=0.01), slope, 2.0, 20)
    np.testing.assert_allclose(path, expected, rtol=1e-14)


def test_momentum_is_algorithm_8_2():
    theta, v, expected = 2.0, 0.0, []
    for _ in range(30):
        v = 0.8 * v - 0.05 * slope(theta)
        theta += v
        expected.append(theta)
    np.testing.assert_allclose(follow(lambda p: SGD(p, 0.05, momentum=0.8), slope, 2.0, 30), expected, rtol=1e-13)


def test_nesterov_is_algorithm_8_3_seen_from_where_the_gradient_is_taken():
    """The book keeps theta and asks for the gradient at theta + alpha v; the optimiser keeps that point itself."""
    theta, v, expected = 2.0, 0.0, []
    for _ in range(30):
        v = 0.8 * v - 0.05 * slope(theta + 0.8 * v)
        theta += v
        expected.append(theta + 0.8 * v)
    path = follow(lambda p: SGD(p, 0.05, momentum=0.8, nesterov=True), slope, 2.0, 30)
    np.testing.assert_allclose(path, expected, rtol=1e-12)


def test_momentum_reaches_its_terminal_speed():
    path = follow(lambda p: SGD(p, 0.1, momentum=0.9), lambda x: 2.0, 0.0, 400)
    assert path[-2] - path[-1] == pytest.approx(0.1 * 2 / (1 - 0.9), rel=1e-12)


def test_adam_is_algorithm_8_7():
    x, m, v, expected = 2.0, 0.0, 0.0, []
    for t in range(1, 41):
        g = slope(x) + 0.1 * x
        m, v = 0.8 * m + 0.2 * g, 0.95 * v + 0.05 * g * g
        x -= 0.03 * (m / (1 - 0.8**t)) / (np.sqrt(v / (1 - 0.95**t)) + 1e-6)
        expected.append(x)
    path = follow(lambda p: Adam(p, 0.03, (0.8, 0.95), 1e-6, weight_decay=0.1), slope, 2.0, 40)
    np.testing.assert_allclose(path, expected, rtol=1e-12)


def test_adams_first_step_is_the_sign_and_ignores_the_scale():
    for scale in (1e-3, 1.0, 1e4):
        p = leaf([1.0, -2.0, 3.0])
        p.grad = scale * np.array([5.0, -0.1, 0.0])
        Adam([p], lr=0.01).step()
        np.testing.assert_allclose(p.data, [0.99, -1.99, 3.0], atol=1e-6)


def test_without_means_adam_goes_by_the_sign():
    path = follow(lambda p: Adam(p, 0.1, (0.0, 0.0)), slope, 2.05, 30)
    steps = np.diff([2.05, *path])
    np.testing.assert_allclose(steps, -0.1 * np.sign(slope(np.array([2.05, *path[:-1]]))), rtol=1e-6)


def test_the_first_step_of_adam_is_a_thousandth_unless_told_otherwise():
    assert follow(Adam, slope, 2.0, 1)[0] == pytest.approx(2.0 - 1e-3, abs=1e-9)


def test_without_momentum_nothing_is_remembered():
    assert SGD([leaf([1.0]), leaf([2.0])], 0.1).memory == [[], []]


@pytest.mark.parametrize("make", [lambda p: SGD(p, 0.1, 0.9), lambda p: Adam(p, 0.1)], ids=["SGD", "Adam"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_large_parameter_in_blocks_equals_its_parts(make, dtype, monkeypatch):
    rng = np.random.default_rng(4)
    start, gradients = rng.normal(size=(7, 5)), rng.normal(size=(3, 7, 5))
    results = []
    for block in (4, 1000):
        monkeypatch.setattr(optimizers, "_BLOCK", block)
        params = [leaf(order(start), dtype) for order in (np.ascontiguousarray, np.asfortranarray) for _ in "CF"]
        assert [p.data.flags.c_contiguous for p in params] == [True, True, False, False]
        optimizer = make(params)
        for g in gradients.astype(dtype):
            for p, order in zip(params, 2 * [np.ascontiguousarray, np.asfortranarray], strict=True):
                p.grad = order(g)
            optimizer.step()
        assert params[0].data.dtype == dtype
        results += [p.data for p in params]
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])


def test_a_gradient_that_is_a_broadcast_view():
    p = leaf(np.zeros((3, 4)), np.float32)
    p.sum().backward()
    SGD([p], 1.0).step()
    np.testing.assert_array_equal(p.data, -np.ones((3, 4)))


def test_parameters_without_gradient_stay_and_steps_are_announced():
    p, q = leaf([1.0], name="p"), leaf([1.0])
    loss = (p * p).sum()
    loss.backward()
    optimizer = SGD([p, q], 0.1)
    number = q.id
    optimizer.step()
    assert p.data == 0.8 and q.data == 1 and q.id == number
    with pytest.raises(ValueError, match="p changed in place after the forward pass"):
        loss.backward()
    optimizer.zero_grad()
    assert p.grad is None


@pytest.mark.parametrize("make", [lambda p: SGD(p, 0.1, 0.9), lambda p: Adam(p, 0.1)], ids=["SGD", "Adam"])
def test_training_can_be_interrupted(make):
    whole = follow(make, slope, 2.0, 10)
    p = leaf([2.0])
    first = make([p])
    for _ in range(4):
        p.grad = np.array([slope(p.data[0])])
        first.step()
    second = make([p])
    second.load_state_dict(first.state_dict())
    first.memory[0][0][:] = np.nan  # the state was copied
    for _ in range(6):
        p.grad = np.array([slope(p.data[0])])
        second.step()
    assert p.data[0] == whole[-1]


@pytest.mark.parametrize(
    "other",
    [
        lambda: SGD([leaf([1.0, 2.0])], 0.1),
        lambda: Adam([leaf([1.0, 2.0])]),
        lambda: SGD([leaf([1.0])], 0.1, momentum=0.9),
        lambda: SGD([leaf([1.0, 2.0]), leaf([1.0, 2.0])], 0.1, momentum=0.9),
    ],
    ids=["no memory", "more memory", "another shape", "more parameters"],
)
def test_the_state_of_another_optimiser_is_refused(other):
    mine = SGD([leaf([1.0, 2.0])], 0.5, momentum=0.9)
    with pytest.raises(ValueError, match="remembers arrays of shapes"):
        mine.load_state_dict(other().state_dict())
    assert mine.lr == 0.5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD([], 0.1), "an optimiser needs at least one parameter"),
        (lambda: SGD([Tensor([1.0], name="X")], 0.1), "parameter 'X' is not a leaf that requires a gradient"),
        (lambda: SGD([leaf([1.0]) * 2], 0.1), "parameter 0 is not a leaf that requires a gradient"),
        (lambda: SGD([leaf([1.0])], 0), "the learning rate must be positive, got 0"),
        (lambda: SGD([leaf([1.0])], 0.1, momentum=1.0), "momentum must lie in [0, 1), got 1.0"),
        (lambda: SGD([leaf([1.0])], 0.1, weight_decay=-1), "weight_decay must not be negative, got -1"),
        (lambda: Adam([leaf([1.0])], betas=(0.9, 1.0)), "betas must lie in [0, 1), got (0.9, 1.0)"),
        (lambda: Adam([leaf([1.0])], betas=(1.0, 0.9)), "betas must lie in [0, 1), got (1.0, 0.9)"),
        (lambda: Adam([leaf([1.0])], eps=0), "eps must be positive and weight_decay not negative, got 0 and 0.0"),
        (
            lambda: Adam([leaf([1.0])], weight_decay=-0.1),
            "eps must be positive and weight_decay not negative, got 1e-08 and -0.1",
        ),
    ],
)
def test_messages(make, message):
    with pytest.raises(ValueError) as raised:
        make()
    assert str(raised.value) == message


def test_the_base_class_does_not_know_how_to_step():
    p = leaf([1.0])
    p.grad = p.data
    with pytest.raises(NotImplementedError):
        Optimizer([p], 0.1, 0).step()


# --- L-BFGS: closed forms, the dense BFGS matrix, and scipy ---


def bowl(n, seed):
    """Return a quadratic function with its minimum, the eigenvalues of the Hessian between 1 and 50."""
    rng = np.random.default_rng(seed)
    Q, _ = np.linalg.qr(rng.normal(size=(n, n)))
    H, c = (Q * np.geomspace(1, 50, n)) @ Q.T, rng.normal(size=n)
    return lambda x: (0.5 * (x - c) @ H @ (x - c), H @ (x - c)), c


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_with_a_nearly_exact_search_lbfgs_needs_n_plus_one_steps_on_a_quadratic(n):
    f, c = bowl(n, seed=n)
    result = lbfgs(f, np.zeros(n), c2=2e-4, tol=1e-3)
    assert result.success and result.nit <= n + 1
    np.testing.assert_allclose(result.x, c, atol=1e-3)


def test_lbfgs_on_rosenbrock():
    result = lbfgs(lambda x: (rosen(x), rosen_der(x)), [-1.2, 1.0, -0.5, 2.0], tol=1e-9)
    assert result.success and result.message == "converged"
    np.testing.assert_allclose(result.x, np.ones(4), atol=1e-8)
    assert result.path.shape == (result.nit + 1, 4) and result.fun == pytest.approx(0, abs=1e-15)
    np.testing.assert_array_equal(result.path[-1], result.x)
    np.testing.assert_allclose(result.jac, rosen_der(result.x), atol=1e-12)


@pytest.mark.parametrize("c2", [0.1, 0.9])
def test_every_step_fulfils_the_strong_wolfe_conditions(c2):
    result = lbfgs(lambda x: (rosen(x), rosen_der(x)), [-1.2, 1.0, -0.5], c2=c2)
    for a, b in itertools.pairwise(result.path):
        slope, left = rosen_der(a) @ (b - a), rosen_der(b) @ (b - a)
        assert slope < 0 and abs(left) <= c2 * abs(slope) * (1 + 1e-9)
        assert rosen(b) <= rosen(a) + 1e-4 * slope
        assert (b - a) @ (rosen_der(b) - rosen_der(a)) > 0


def test_the_two_loops_multiply_by_the_dense_bfgs_matrix():
    rng = np.random.default_rng(3)
    n, M = 6, rng.normal(size=(6, 6))
    A, pairs = M @ M.T + np.eye(n), []
    for _ in range(4):
        s = rng.normal(size=n)
        pairs.append((s, A @ s))
    s, y = pairs[-1]
    H = np.eye(n) * (s @ y) / (y @ y)
    for s, y in pairs:
        V = np.eye(n) - np.outer(s, y) / (s @ y)
        H = V @ H @ V.T + np.outer(s, s) / (s @ y)
    g = rng.normal(size=n)
    np.testing.assert_allclose(optimizers._inverse_hessian_times(g, pairs), H @ g, rtol=1e-12)
    np.testing.assert_allclose(optimizers._inverse_hessian_times(y, pairs), s, rtol=1e-12)  # the secant equation


def test_lbfgs_finds_the_logistic_regression_of_scipy():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(200, 7))
    t = (X @ rng.normal(size=7) + rng.normal(size=200) > 0) * 1.0

    def f(w):
        z = X @ w
        return np.mean(np.logaddexp(0, z) - t * z) + 0.01 * w @ w, X.T @ (expit(z) - t) / 200 + 0.02 * w

    ours = lbfgs(f, np.zeros(7), memory=5, tol=1e-8)
    theirs = minimize(f, np.zeros(7), jac=True, method="L-BFGS-B", options={"maxcor": 5, "ftol": 0, "gtol": 1e-9})
    np.testing.assert_allclose(ours.x, theirs.x, atol=1e-6)
    assert ours.nfev <= 2 * theirs.nfev


def test_lbfgs_counts_its_calls_and_remembers_no_more_than_it_is_told():
    calls = []
    f, _ = bowl(12, seed=7)
    result = lbfgs(lambda x: (calls.append(x), f(x))[1], np.ones(12), memory=2)
    assert result.nfev == len(calls) and result.success
    assert result.nit > lbfgs(f, np.ones(12), memory=12).nit


def test_lbfgs_goes_one_unit_first_and_is_content_with_one_pair():
    calls = []
    f, _ = bowl(6, seed=8)
    result = lbfgs(lambda x: (calls.append(x), f(x))[1], np.zeros(6), memory=1, tol=1e-8)
    assert np.linalg.norm(calls[1] - calls[0]) == pytest.approx(1, rel=0.02)  # scipy adds a hundredth
    assert result.success


def test_lbfgs_without_tolerance_stops_at_a_gradient_of_zero():
    result = lbfgs(lambda x: (x @ x, 2 * x), [3.0, -4.0], tol=0)
    assert result.success and not result.jac.any()


def test_lbfgs_walks_around_what_is_not_finite():
    """log x is nan left of 0, where the first trial lands."""
    with np.errstate(all="ignore"):
        result = lbfgs(lambda x: (x[0] - 0.1 * np.log(x[0]), [1 - 0.1 / x[0]]), [0.9])
    assert result.success and result.x[0] == pytest.approx(0.1, abs=1e-5)


def test_lbfgs_says_why_it_stopped():
    f, _ = bowl(8, seed=1)
    few = lbfgs(f, np.zeros(8), max_iter=3)
    assert not few.success and few.nit == 3 and few.message == "not converged after 3 steps"
    still = lbfgs(f, np.zeros(8), max_iter=0)
    assert still.nit == 0 and still.path.shape == (1, 8)
    wrong = lbfgs(lambda x: (x @ x, -2 * x), [1.0, 2.0])  # the gradient of another function
    assert not wrong.success and "Wolfe" in wrong.message and wrong.nit == 0


@pytest.mark.parametrize(
    ("f", "x0", "options", "message"),
    [
        (lambda x: (x @ x, 2 * x), [[1.0]], {}, "finite vector"),
        (lambda x: (x @ x, 2 * x), [np.nan], {}, "finite vector"),
        (lambda x: (x @ x, [1.0]), [1.0, 2.0], {}, r"shape \(2,\) the gradient must have that shape, got \(1,\)"),
        (lambda x: (np.inf, 2 * x), [1.0], {}, "not finite at x0: inf"),
        (lambda x: (x @ x, 2 * x), [1.0], {"memory": 0}, "memory = 0"),
        (lambda x: (x @ x, 2 * x), [1.0], {"c2": 1.0}, r"c2 = 1\.0"),
        (lambda x: (x @ x, 2 * x), [1.0], {"c2": 1e-4}, r"c2 = 0\.0001"),
        (lambda x: (x @ x, 2 * x), [1.0], {"tol": -1}, "tol = -1"),
        (lambda x: (x @ x, 2 * x), [1.0], {"max_iter": -1}, "max_iter = -1"),
    ],
)
def test_lbfgs_refuses(f, x0, options, message):
    with pytest.raises(ValueError, match=message):
        lbfgs(f, x0, **options)
