"""dlcore.foundations.numerics against exact arithmetic, enumeration, closed forms, scipy and scikit-learn."""

import itertools
import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
import scipy.optimize
import scipy.special
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import Ridge

from dlcore.foundations import numerics
from dlcore.foundations.linalg import svd_jacobi
from dlcore.foundations.numerics import (
    backtracking,
    check_gradient,
    classify_critical_point,
    condition_number,
    exact_step_quadratic,
    gradient_descent,
    hessian_vector_product,
    kahan_sum,
    kkt_residuals,
    least_squares_ball,
    least_squares_gd,
    log_sigmoid,
    log_softmax,
    logit,
    logsumexp,
    newton,
    numerical_gradient,
    numerical_hessian,
    numerical_jacobian,
    online_logsumexp,
    project_ball,
    project_nonnegative,
    project_simplex,
    projected_gradient,
    qp_active_set,
    sharpness,
    sigmoid,
    soft_threshold,
    softmax,
    softplus,
    steepest_descent,
)

examples = settings(derandomize=True, deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
INF = np.inf
FLOATS = [np.float16, np.float32, np.float64]


@pytest.fixture(autouse=True)
def floating_point_errors_are_errors():
    """Overflow, division by zero and invalid operations raise, whatever numpy's defaults are."""
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        yield


def assert_near(actual, expected, rtol=1e-12, atol=0.0):
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


# --- 4.1: what every function of the section promises ---


def logs(shape=None, low=-1e4, high=1e4):
    """Arrays of logarithms: ordinary, large, and -inf."""
    shape = array_shapes(min_dims=1, max_dims=3, max_side=5) if shape is None else shape
    number = st.one_of(st.floats(low, high), st.floats(-5, 5), st.just(-INF), st.sampled_from([-1e308, 1e308, 0.0]))
    return arrays(np.float64, shape, elements=number)


ELEMENTWISE = {
    "sigmoid": sigmoid,
    "log_sigmoid": log_sigmoid,
    "softplus": softplus,
    "project_nonnegative": project_nonnegative,
    "soft_threshold": lambda x: soft_threshold(x, 0.5),
    "logit": lambda x: logit(abs(np.asarray(x)) / 4),
}
ALONG_AN_AXIS = {
    "softmax": softmax,
    "log_softmax": log_softmax,
    "project_simplex": project_simplex,
    "project_ball": lambda x, axis=-1: project_ball(x, 0.5, axis),
}
REDUCING = {"logsumexp": logsumexp, "kahan_sum": kahan_sum}
EVERY = ELEMENTWISE | ALONG_AN_AXIS | REDUCING


def each(table):
    return pytest.mark.parametrize("function", table.values(), ids=table.keys())


@each(EVERY)
@pytest.mark.parametrize("dtype", FLOATS)
def test_the_kind_of_float_is_kept(function, dtype):
    x = np.array([[-3, 1, 2], [0, 4, -1]], dtype=dtype)
    assert function(x).dtype == dtype
    assert np.asarray(function(x[0])).dtype == dtype
    eps = np.finfo(dtype).eps
    assert_near(function(x).astype(float), function(x.astype(float)), rtol=8 * eps, atol=8 * eps)


@each(EVERY)
def test_lists_integers_and_truth_values_become_float64(function):
    for x in ([-3, 1, 2], np.array([0, 4, 1], dtype=np.int8), [True, False]):
        assert np.asarray(function(x)).dtype == np.float64
        assert_near(function(x), function(np.asarray(x, dtype=float)))


@each(EVERY)
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([1j], "must hold real numbers, got dtype complex128"),
        (["a"], "must hold real numbers, got dtype <U1"),
        ([None], "must hold real numbers, got dtype object"),
        ([0.5, np.nan], "nan|must be finite"),
    ],
)
def test_what_is_not_a_number_is_refused(function, bad, message):
    if function is ELEMENTWISE["logit"] and not isinstance(bad[0], float):
        function = logit
    with pytest.raises(ValueError, match=message):
        function(bad)


@each(EVERY)
def test_the_argument_is_left_as_it_was(function):
    x = np.random.default_rng(0).normal(size=(3, 4))
    before = x.copy()
    x.setflags(write=False)
    function(x)
    np.testing.assert_array_equal(x, before)


@each(ALONG_AN_AXIS | REDUCING)
@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_axes_are_what_numpy_says(function, axis):
    x = np.random.default_rng(1).normal(size=(2, 3, 4))
    expected = np.apply_along_axis(function, axis, x)
    assert_near(function(x, axis=axis), expected, atol=1e-15)


@each(ALONG_AN_AXIS | ELEMENTWISE)
def test_empty_batches_pass(function):
    assert function(np.zeros((0, 3), np.float32)).shape == (0, 3)


@each(ELEMENTWISE)
def test_single_numbers_pass(function):
    assert np.shape(function(0.25)) == ()
    assert float(function(np.float32(0.25))) == pytest.approx(float(function([0.25])[0]))


# --- 4.1: logsumexp, softmax, log_softmax ---


def exact_logsumexp(x):
    """Fifty digits, exponents without bounds."""
    with localcontext() as context:
        context.prec, context.Emax, context.Emin = 50, 10**17, -(10**17)
        total = sum((Decimal(float(v)).exp() for v in x if v > -INF), Decimal(0))
        return float(total.ln()) if total > 0 else -INF


@examples
@given(logs(st.integers(0, 8), -3000, 3000).map(lambda x: np.where(np.abs(x) == 1e308, 700.0, x)))
@example(np.array([]))
@example(np.array([-INF, -INF]))
@example(np.array([1e4, 1e4, -1e4]))
@example(np.array([-800.0, -801.0]))
def test_logsumexp_equals_exact_arithmetic(x):
    assert_near(logsumexp(x), exact_logsumexp(x), rtol=1e-14, atol=1e-14)


@examples
@given(logs(), st.data())
def test_logsumexp_equals_scipy_and_keeps_its_bounds(x, data):
    axes = [None, *range(-x.ndim, x.ndim), tuple(range(x.ndim))[:2]]
    axis, keepdims = data.draw(st.sampled_from(axes)), data.draw(st.booleans())
    ours = logsumexp(x, axis, keepdims)
    with np.errstate(all="ignore"):
        theirs = scipy.special.logsumexp(x, axis=axis, keepdims=keepdims)
    assert_near(ours, theirs, 1e-12, atol=1e-14)
    largest, n = x.max(axis=axis, keepdims=keepdims), x.size / max(np.size(ours), 1)
    assert np.all(ours >= largest)
    assert np.all(ours <= largest + math.log(n) + 1e-12 * np.where(largest > -INF, abs(largest), 1))


def test_logsumexp_at_infinity():
    assert logsumexp([INF, 1000.0, -INF]) == INF
    assert logsumexp([INF, INF]) == INF
    assert logsumexp(np.zeros((2, 0))).tolist() == [-INF, -INF]
    assert logsumexp(np.float32([[-INF, -INF], [0, -INF]])).tolist() == [-INF, 0]
    assert logsumexp([1.7e308, -1.7e308]) == 1.7e308


@pytest.mark.parametrize("dtype", FLOATS)
def test_the_largest_numbers_of_a_dtype_are_no_obstacle(dtype):
    big = np.finfo(dtype).max
    x = np.array([-big, big, big], dtype=dtype)
    assert_near(softmax(x), np.array([0, 0.5, 0.5], dtype))
    assert logsumexp(x) == big
    assert log_softmax(x)[1:] == pytest.approx([-math.log(2)] * 2, rel=1e-3)
    assert softplus(x).tolist() == [0, big, big]
    assert log_sigmoid(x).tolist() == [-big, 0, 0]
    assert sigmoid(x).tolist() == [0, 1, 1]
    assert_near(project_simplex(x), np.array([0, 0.5, 0.5], dtype))


@examples
@given(logs(), st.data())
def test_softmax_is_a_distribution_and_equals_scipy(x, data):
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    x = np.where(x.max(axis=axis, keepdims=True) == -INF, 0.0, x)
    with np.errstate(all="ignore"):
        expected, expected_log = scipy.special.softmax(x, axis), scipy.special.log_softmax(x, axis)
    assert_near(softmax(x, axis), expected, 1e-12, atol=1e-300)
    assert_near(softmax(x, axis).sum(axis), np.ones(expected.sum(axis).shape), 1e-14)
    assert_near(log_softmax(x, axis), expected_log, 1e-12, atol=1e-14)
    np.testing.assert_array_equal(softmax(x, axis)[x == -INF], 0)


@examples
@given(logs(st.integers(1, 6), -600, 600).filter(lambda x: (np.abs(x) <= 600).all()), st.integers(-500, 500))
def test_softmax_does_not_see_a_constant(x, c):
    assert_near(softmax(x + c), softmax(x), 1e-11)
    assert_near(log_softmax(x + c), log_softmax(x), 1e-11, atol=1e-11)
    assert_near(logsumexp(x + c), logsumexp(x) + c, 1e-11, atol=1e-11)


def test_log_softmax_where_softmax_underflows():
    assert log_softmax([0.0, -800.0, -INF]).tolist() == [0, -800, -INF]
    assert_near(log_softmax(np.float32([0, 200])), np.float32([-200, 0]), atol=1e-30)
    x = np.array([3.0, -700.0, -1000.0])
    assert_near(log_softmax(x), [v - exact_logsumexp(x) for v in x], 1e-14)


@pytest.mark.parametrize("function", [softmax, log_softmax, project_simplex])
@pytest.mark.parametrize(
    ("bad", "what"),
    [([[0.0, 1.0], [-INF, -INF]], "-inf"), ([[INF, 0.0]], "inf"), ([[np.nan, 0]], "nan"), ([[]], "-inf")],
)
def test_no_distribution_without_a_finite_maximum(function, bad, what):
    with pytest.raises(ValueError, match=f"finite maximum along axis -1, got {what} in an x of shape"):
        function(bad)


@pytest.mark.parametrize("shape", [(4,), (2, 3)])
def test_the_gradient_of_logsumexp_is_softmax(shape):
    x = np.random.default_rng(2).normal(size=shape)
    total = softmax(x.ravel()).reshape(shape)
    assert_near(numerical_gradient(lambda z: logsumexp(z, axis=None), x), total, atol=1e-9)
    p = softmax(x[..., :3].ravel()[:3])
    jacobian = numerical_jacobian(softmax, x[..., :3].ravel()[:3])
    assert_near(jacobian, np.diag(p) - np.outer(p, p), atol=1e-9)


# --- 4.1: sigmoid and its relatives ---


def decimals(formula):
    def f(x):
        with localcontext() as context:
            context.prec = 60
            return float(formula(Decimal(x)))

    return f


EXACT = {
    "sigmoid": (sigmoid, decimals(lambda x: 1 / (1 + (-x).exp()))),
    "log_sigmoid": (log_sigmoid, decimals(lambda x: -(1 + (-x).exp()).ln())),
    "softplus": (softplus, decimals(lambda x: (1 + x.exp()).ln())),
}


@pytest.mark.parametrize("name", EXACT)
@examples
@given(x=st.one_of(st.floats(-40, 40), st.floats(-130, 130)))
@example(x=0.0)
@example(x=-0.0)
@example(x=1e-300)
def test_sigmoid_and_relatives_to_full_relative_precision(name, x):
    function, exact = EXACT[name]
    assert float(function(x)) == pytest.approx(exact(x), rel=1e-15 + 4e-16)


def test_sigmoid_and_relatives_far_out_equal_scipy():
    x = np.array([-INF, -1e308, -1e4, -745.5, -709.0, -38.0, 38.0, 709.0, 1e4, 1e308, INF])
    with np.errstate(all="ignore"):
        assert_near(sigmoid(x), scipy.special.expit(x), 1e-13, atol=1e-307)
        assert_near(log_sigmoid(x), scipy.special.log_expit(x), 1e-13, atol=1e-307)
    assert_near(softplus(x), -log_sigmoid(-x), 0)
    assert softplus([-1000.0, 1000.0]).tolist() == [0, 1000]
    assert log_sigmoid([-1000.0, 1000.0]).tolist() == [-1000, 0]


@examples
@given(arrays(np.float64, array_shapes(max_dims=3, max_side=4), elements=st.floats(-30, 30)))
def test_identities_of_section_3_10(x):
    s = sigmoid(x)
    assert_near(sigmoid(-x), 1 - s, atol=1e-15)
    assert_near(log_sigmoid(x), np.log(s), 1e-12, atol=1e-15)
    assert_near(softplus(x) - softplus(-x), x, 1e-13, atol=1e-14)
    assert_near(sigmoid(logit(s)), s, 1e-13)
    derivative = (softplus(x + 1e-5) - softplus(x - 1e-5)) / 2e-5
    assert_near(derivative, s, atol=1e-8)


@examples
@given(st.floats(1e-300, 1, exclude_max=True))
@example(0.5)
@example(0.25)
@example(np.nextafter(0.5, 0))
@example(np.nextafter(0.25, 0))
@example(1 - 2.0**-53)
def test_logit_to_full_relative_precision(p):
    exact = decimals(lambda q: (q / (1 - q)).ln())(p)
    assert float(logit(p)) == pytest.approx(exact, rel=1e-15, abs=0)


def test_logit_at_the_ends_and_outside():
    assert logit([0.0, 1.0]).tolist() == [-INF, INF]
    assert logit(np.float32(0.5)).dtype == np.float32
    for bad in (-1e-3, 1.001, np.nan, INF):
        with pytest.raises(ValueError, match=rf"a probability must lie in \[0, 1\], got {bad}"):
            logit([0.0, 0.5, bad, 1.0])


# --- 4.1: streams and sums, soft_threshold ---


@examples
@given(logs(st.integers(0, 12)), st.lists(st.integers(0, 12), max_size=4))
def test_a_stream_gives_what_the_whole_gives(x, cuts):
    chunks = np.split(x, sorted(min(c, len(x)) for c in cuts))
    assert_near(online_logsumexp(chunks), float(logsumexp(x)), 1e-13, atol=1e-13)
    assert_near(online_logsumexp(iter(chunks[::-1])), float(logsumexp(x)), 1e-13, atol=1e-13)


def test_streams_of_other_things():
    assert online_logsumexp([]) == -INF
    assert type(online_logsumexp([np.float32([1, 2])])) is float
    x = np.random.default_rng(3).normal(size=(50, 7, 11)).astype(np.float32) * 30
    assert online_logsumexp(x) == pytest.approx(float(scipy.special.logsumexp(x.astype(float))), rel=1e-14)
    for bad in (INF, np.nan):
        with pytest.raises(ValueError, match=f"numbers below inf, got {bad}"):
            online_logsumexp([[1.0], [bad, 2.0]])


@pytest.mark.parametrize("dtype", FLOATS)
def test_kahan_is_as_good_as_exact_summation(dtype):
    rng = np.random.default_rng(4)
    for n in (1, 10, 3000):
        x = rng.uniform(0.01, 1, size=n).astype(dtype)
        exact = math.fsum(x.astype(float))
        assert float(kahan_sum(x)) == pytest.approx(exact, rel=2 * float(np.finfo(dtype).eps))
    x = np.full(20_000, 0.7, np.float32)
    assert abs(np.cumsum(x)[-1] - 14_000) > 0.05
    assert kahan_sum(x) == np.float32(math.fsum(x.astype(float)))


def test_kahan_sums_of_signed_terms_and_of_nothing():
    x = np.random.default_rng(5).normal(size=(4, 500, 3))
    exact = np.array([[math.fsum(x[i, :, j]) for j in range(3)] for i in range(4)])
    assert_near(kahan_sum(x, axis=1), exact, 0, atol=3e-16 * np.abs(x).sum(axis=1).max())
    assert kahan_sum(np.zeros((2, 0))).tolist() == [0, 0]
    for bad in ([6e4, 6e4], [1, INF]):
        with pytest.raises(ValueError, match="finite and its sum within the range of float16"):
            kahan_sum(np.array(bad, dtype=np.float16))


@examples
@given(st.floats(-10, 10), st.floats(0, 5))
def test_soft_threshold_minimises_its_objective(x, t):
    z = float(soft_threshold(x, t))
    grid = np.append(np.linspace(-10, 10, 4001), [0.0, x])
    objective = lambda z: (z - x) ** 2 / 2 + t * abs(z)  # noqa: E731
    assert objective(z) <= objective(grid).min() + 1e-12
    assert z == pytest.approx(np.sign(x) * max(abs(x) - t, 0), abs=1e-14)


def test_soft_threshold_broadcasts_and_refuses():
    x = np.float32([[-3, 0.5], [2, -INF]])
    result = soft_threshold(x, [1, 2])
    assert result.dtype == np.float32
    assert result.tolist() == [[-2, 0], [1, -INF]]
    for bad in (-0.1, INF, np.nan):
        with pytest.raises(ValueError, match="t must be finite and >= 0"):
            soft_threshold([1.0], bad)


# --- 4.2: condition_number ---


def orthogonal(rng, n):
    return np.linalg.qr(rng.normal(size=(n, n)))[0]


@pytest.mark.parametrize("kappa", [1.0, 7.0, 1e4, 1e10])
@pytest.mark.parametrize("shape", [(5, 5), (8, 5), (3, 7)])
def test_condition_number_is_the_one_that_was_built_in(kappa, shape):
    rng = np.random.default_rng(6)
    k = min(shape)
    s = np.geomspace(3.0 * kappa, 3.0, k)
    A = orthogonal(rng, shape[0])[:, :k] * s @ orthogonal(rng, shape[1])[:k]
    assert condition_number(A) == pytest.approx(kappa, rel=1e-15 * kappa + 1e-12)
    jacobi = svd_jacobi(A)[1]
    assert condition_number(A) == pytest.approx(jacobi[0] / jacobi[-1], rel=1e-15 * kappa + 1e-12)


def test_condition_number_of_real_tables_and_of_singular_matrices():
    X = load_breast_cancer().data
    assert condition_number(X) == pytest.approx(np.linalg.cond(X))
    assert condition_number(np.diag([3.0, -1.0])) == pytest.approx(3)
    assert condition_number([[1, 1], [0, 0]]) == INF
    assert condition_number(np.zeros((2, 3))) == INF
    assert condition_number(np.diag([3.0, 2.0, 0.0])) == INF
    assert type(condition_number(np.eye(2, dtype=np.float32))) is float
    with pytest.raises(ValueError, match=r"must have an entry to have a condition number, got shape \(0, 3\)"):
        condition_number(np.zeros((0, 3)))


def test_no_perturbation_beats_the_condition_number_and_one_attains_it():
    rng = np.random.default_rng(7)
    A = rng.normal(size=(6, 6))
    U = np.linalg.svd(A)[0]
    kappa = condition_number(A)

    def magnified(b, db):
        x, dx = np.linalg.solve(A, b), np.linalg.solve(A, db)
        return np.linalg.norm(dx) / np.linalg.norm(x) * np.linalg.norm(b) / np.linalg.norm(db)

    assert magnified(U[:, 0], U[:, -1]) == pytest.approx(kappa, rel=1e-10)
    assert all(magnified(*rng.normal(size=(2, 6))) <= kappa for _ in range(200))


# --- 4.3: derivatives by differences ---


def rosenbrock(x):
    return float((1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2)


def rosenbrock_gradient(x):
    return scipy.optimize.rosen_der(x)


def rosenbrock_hessian(x):
    return scipy.optimize.rosen_hess(x)


FUNCTIONS = {  # f, gradient, a point
    "cubic": (lambda x: np.sum(x**3), lambda x: 3 * x**2, np.array([[1.0, -2.0], [0.5, 3.0]])),
    "lse": (lambda x: logsumexp(x), softmax, np.array([0.3, -1.0, 2.0])),
    "softplus": (lambda x: np.sum(softplus(x)), sigmoid, np.array([-3.0, 0.0, 4.0])),
    "log_sigmoid": (lambda x: np.sum(log_sigmoid(x)), lambda x: sigmoid(-x), np.array([-3.0, 0.0, 4.0])),
    "sigmoid": (lambda x: np.sum(sigmoid(x)), lambda x: sigmoid(x) * (1 - sigmoid(x)), np.array([-2.0, 0.0, 1.0])),
    "logit": (lambda p: np.sum(logit(p)), lambda p: 1 / (p * (1 - p)), np.array([0.2, 0.5, 0.7])),
    "rosenbrock": (rosenbrock, rosenbrock_gradient, np.array([-1.2, 1.0])),
    "scalar": (lambda x: np.sin(x), np.cos, np.array(0.4)),
    "far away": (lambda x: np.sum(x**2) / 2, lambda x: x, np.array([3e7, -1e7, 2e6])),
}
every_f = pytest.mark.parametrize(("f", "grad", "x"), FUNCTIONS.values(), ids=FUNCTIONS.keys())


@every_f
def test_numerical_gradients_agree_with_the_formula(f, grad, x):
    assert_near(numerical_gradient(f, x), grad(x), 1e-6, atol=2e-8 * np.abs(grad(x)).max())
    assert check_gradient(f, grad, x, np.random.default_rng(8)) < 1e-6


@every_f
@pytest.mark.parametrize("factor", [-1, 0.5, 1.001])
def test_check_gradient_sees_a_wrong_factor(f, grad, x, factor):
    error = check_gradient(f, lambda z: factor * grad(z), x, np.random.default_rng(9))
    assert error > 0.1 * abs(1 - factor)


@every_f
def test_check_gradient_sees_one_wrong_component(f, grad, x):
    def wrong(z):
        g = np.array(grad(z), dtype=float)
        g.flat[-1] += 1e-3 * np.linalg.norm(g)
        return g

    assert check_gradient(f, wrong, x, np.random.default_rng(10)) > 1e-4


def test_check_gradient_where_there_is_nothing_to_see():
    rng = np.random.default_rng(11)
    assert check_gradient(lambda x: 3.0, lambda x: 0 * x, np.ones(3), rng) == 0
    assert check_gradient(lambda x: x @ x, lambda x: 0 * x, np.ones(3), rng) == pytest.approx(1, abs=1e-6)
    assert check_gradient(lambda x: 3, lambda x: 0 * x + 1, np.ones(3), rng) > 0.1


def test_numerical_gradient_equals_scipys_and_the_complex_step():
    def f(x):
        return np.sum(np.exp(x) * np.sin(3 * x)) * x[0]

    x = np.random.default_rng(12).normal(size=5)
    assert_near(numerical_gradient(f, x), scipy.optimize.approx_fprime(x, f, 1e-8), 1e-5, atol=1e-5)
    steps = [f(x + 1e-200j * e).imag / 1e-200 for e in np.eye(5)]
    assert_near(numerical_gradient(f, x), steps, 1e-8, atol=1e-8)


def test_numerical_jacobian_has_the_shape_of_f_and_of_x():
    A = np.random.default_rng(13).normal(size=(2, 3, 4))
    J = numerical_jacobian(lambda X: np.einsum("ijk,jl->il", A, X), np.ones((3, 5)))
    assert J.shape == (2, 5, 3, 5)
    expected = np.einsum("ij,lm->iljm", A.sum(axis=2), np.eye(5))
    assert_near(J, expected, atol=1e-8)
    r, theta = 2.0, 0.7
    polar = numerical_jacobian(lambda p: [p[0] * np.cos(p[1]), p[0] * np.sin(p[1])], [r, theta])
    expected = [[np.cos(theta), -r * np.sin(theta)], [np.sin(theta), r * np.cos(theta)]]
    assert_near(polar, expected, atol=1e-9)
    assert np.linalg.det(polar) == pytest.approx(r)
    assert numerical_gradient(lambda x: 1.0, np.zeros((0, 2))).shape == (0, 2)


def test_numerical_hessian_is_symmetric_and_right():
    x = np.array([-0.7, 1.3, 0.2])
    H = numerical_hessian(scipy.optimize.rosen_der, x)
    np.testing.assert_array_equal(H, H.T)
    assert_near(H, scipy.optimize.rosen_hess(x), 1e-6, atol=1e-5)


def peak(x):  # its two mixed second derivatives at 0 are -1 and +1
    x, y = x
    return x * y * (x**2 - y**2) / (x**2 + y**2) if x or y else 0.0


def peak_gradient(x):
    x, y = x
    if not (x or y):
        return np.zeros(2)
    s = x**2 + y**2
    return np.array([y * (x**4 + 4 * x**2 * y**2 - y**4), x * (x**4 - 4 * x**2 * y**2 - y**4)]) / s**2


def test_mixed_derivatives_that_disagree_are_averaged():
    assert check_gradient(peak, peak_gradient, [0.3, -0.8], np.random.default_rng(14)) < 1e-7
    assert_near(numerical_jacobian(peak_gradient, [0.0, 0.0]), [[0.0, -1.0], [1.0, 0.0]], atol=1e-9)
    assert_near(numerical_hessian(peak_gradient, [0.0, 0.0]), np.zeros((2, 2)), atol=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: numerical_gradient(lambda x: x, [1.0, 2.0]), r"f must return one number, got shape \(2,\)"),
        (lambda: numerical_gradient(lambda x: np.float32(1), [1.0]), "need float64 values, got dtype float32"),
        (lambda: numerical_jacobian(lambda x: [x[0], np.nan], [1.0]), "need finite values, got nan"),
        (lambda: numerical_gradient(np.sum, [1.0, np.inf]), "x must be finite, got inf"),
        (lambda: numerical_gradient(np.sum, [1.0], 0.0), "eps must be positive and finite, got 0.0"),
        (lambda: numerical_gradient(np.sum, [1.0], -1.0), "eps must be a number >= 0, got -1.0"),
        (
            lambda: numerical_hessian(np.sum, [1.0, 2.0]),
            r"x of shape \(2,\) the gradient must have that shape, got \(\)",
        ),
        (lambda: numerical_hessian(lambda x: x, [[1.0]]), r"x must have 1 dimension"),
        (lambda: check_gradient(np.sum, np.sum, [1.0], np.random.default_rng()), "the gradient must have that shape"),
        (lambda: check_gradient(np.sum, lambda x: x * np.float64("inf"), [1.0], None), "need finite values, got inf"),
        (
            lambda: check_gradient(np.sum, lambda x: x, [1.0], None, n_directions=0),
            "n_directions must be an integer >= 1",
        ),
        (
            lambda: hessian_vector_product(lambda x: x, [1.0, 2.0], [1.0]),
            r"shape \(2,\) needs a v of that shape, got \(1,\)",
        ),
        (lambda: hessian_vector_product(lambda x: x.astype(np.float32), [1.0], [1.0]), "got dtype float32"),
    ],
)
def test_differences_refuse_what_they_cannot_use(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# --- 4.3.1: curvature ---


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_hessian_vector_products_do_not_depend_on_the_length_of_v(scale):
    x, v = np.array([0.4, -1.1, 2.0]), np.array([1.0, -2.0, 0.5])
    expected = scale * scipy.optimize.rosen_hess(x) @ v
    assert_near(hessian_vector_product(scipy.optimize.rosen_der, x, scale * v), expected, 1e-6, atol=scale * 1e-5)
    assert_near(hessian_vector_product(scipy.optimize.rosen_der, x, 0 * v), np.zeros(3))


def quadratic(w, seed):
    Q = orthogonal(np.random.default_rng(seed), len(w))
    H = Q * w @ Q.T
    return (H + H.T) / 2


@pytest.mark.parametrize(
    "w",
    [[1, 2, 5], [-1, 0.5, 4], [-9, 0.5, 4], [-9, -4, -1], [-2, -2, -2], [0, 0, 3], [0, -5, 0], [7], [-0.3, 0.2, 0.5]],
    ids=str,
)
def test_sharpness_is_the_largest_eigenvalue_not_the_largest_magnitude(w):
    H = quadratic(np.array(w, dtype=float), 15)
    rng = np.random.default_rng(16)
    x = rng.normal(size=len(w))
    for arguments in ({"grad": lambda z: H @ z}, {"grad": None, "hvp": lambda v: H @ v}):
        value, vector = sharpness(x=x, rng=rng, tol=1e-4, n_iter=500, **arguments)
        assert value == pytest.approx(max(w), abs=1e-5)
        assert np.linalg.norm(vector) == pytest.approx(1)
        assert_near(H @ vector, value * vector, atol=2e-3)


def test_sharpness_starts_where_it_is_told():
    H, calls = quadratic(np.array([1.0, 2.0, 3.0]), 17), []

    def hvp(v):
        calls.append(v)
        return H @ v

    _, vector = sharpness(None, np.zeros(3), np.random.default_rng(0), hvp=hvp, tol=1e-6)
    first = len(calls)
    value, _ = sharpness(None, np.zeros(3), np.random.default_rng(0), hvp=hvp, v0=vector)
    assert len(calls) == first + 1 < 50
    assert value == pytest.approx(3)


def test_sharpness_says_what_is_missing():
    rng = np.random.default_rng(18)
    with pytest.raises(ValueError, match="needs grad or hvp, got neither"):
        sharpness(None, np.zeros(2), rng)
    with pytest.raises(ValueError, match="no convergence in 500 products"):
        sharpness(lambda x: x * [1.0, -1.0], np.zeros(2), rng)


@pytest.mark.parametrize(
    ("w", "expected"),
    [
        ([1, 2, 3], "minimum"),
        ([-1e-3, -2e3], "maximum"),
        ([1e-6, -1], "saddle"),
        ([1, 0, -1], "saddle"),
        ([0, 1], "inconclusive"),
        ([0, -1], "inconclusive"),
        ([0, 0], "inconclusive"),
        ([1, -1e-12], "inconclusive"),
        ([5], "minimum"),
    ],
    ids=str,
)
@pytest.mark.parametrize("scale", [1e-20, 1, 1e20])
def test_critical_points_are_what_their_eigenvalues_say(w, expected, scale):
    assert classify_critical_point(np.diag(w) * scale) == expected
    assert classify_critical_point(quadratic(np.array(w, dtype=float) * scale, 19)) == expected


def test_classification_refuses():
    with pytest.raises(ValueError, match="A must be symmetric"):
        classify_critical_point([[1, 2], [3, 4]])
    with pytest.raises(ValueError, match=r"H must have an entry, got shape \(0, 0\)"):
        classify_critical_point(np.zeros((0, 0)))
    assert classify_critical_point(np.diag([1.0, 1e-3]), tol=1e-2) == "inconclusive"


# --- 4.3: descent ---


@pytest.mark.parametrize("kappa", [2, 5, 40, 300])
def test_gradient_descent_takes_as_many_steps_as_the_formula_says(kappa):
    h = np.array([1.0, kappa])
    for seed in range(3):
        x0 = np.random.default_rng(seed).normal(size=2)
        # every error shrinks by the same factor; the gradient norm is then a fixed multiple of it
        result = gradient_descent(lambda x: h * x, x0, 2 / (1 + kappa), tol=1e-6 * np.linalg.norm(h * x0))
        assert result.success
        assert result.nit == math.ceil(math.log(1e-6) / math.log((kappa - 1) / (kappa + 1)))
        assert result.path.shape == (result.nit + 1, 2)
        np.testing.assert_array_equal(result.path[[0, -1]], [x0, result.x])


def test_gradient_descent_keeps_shape_and_float32_and_counts_only_steps():
    x0 = np.ones((2, 3), np.float32)
    result = gradient_descent(lambda x: x, x0, 0.5, max_iter=3)
    assert (result.x.shape, result.x.dtype, result.nit, result.success) == ((2, 3), np.float32, 3, False)
    assert result.message == "not converged after 3 steps"
    np.testing.assert_array_equal(result.path[:, 0, 0], [1, 0.5, 0.25, 0.125])
    exact = gradient_descent(lambda x: x, x0, 1.0, max_iter=1)
    assert (exact.nit, exact.success, exact.message) == (1, True, "converged")
    done = gradient_descent(lambda x: x, 0 * x0, 1.0, max_iter=0)
    assert (done.nit, done.success) == (0, True)


def test_gradient_descent_reports_divergence_and_standstill():
    result = gradient_descent(lambda x: x**3, [3.0], 1.0)
    assert not result.success
    assert result.message.startswith("diverged")
    assert np.isfinite(result.path).all()
    result = gradient_descent(lambda x: np.where(x > 0.5, 1e-3, np.nan), [0.501], 1.0)
    assert result.message.startswith("diverged")
    result = gradient_descent(lambda x: np.ones(1), [1e20], 1.0)
    assert (result.nit, result.success) == (0, False)
    assert result.message.startswith("stopped: the steps are too small")


@pytest.mark.parametrize("lr", [0.0, -1.0, np.nan, INF, "1"])
def test_step_sizes_are_positive(lr):
    for call in (
        lambda: gradient_descent(lambda x: x, [1.0], lr),
        lambda: projected_gradient(lambda x: x, project_nonnegative, [1.0], lr),
        lambda: least_squares_gd([[1.0]], [1.0], [0.0], lr, 1e-3),
    ):
        with pytest.raises(ValueError, match="lr must be"):
            call()


def test_a_gradient_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"at an x of shape \(2,\) the gradient must have that shape, got \(1,\)"):
        gradient_descent(lambda x: x[:1], [1.0, 2.0], 0.1)


@examples
@given(st.integers(0, 2**32 - 1), st.sampled_from([1e-4, 0.1, 0.5]), st.sampled_from([0.1, 0.5, 0.9]))
def test_backtracking_takes_the_first_step_that_armijo_accepts(seed, c, shrink):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=2) * 2
    g, d = rosenbrock_gradient(x), -np.exp(rng.normal(size=2)) * rosenbrock_gradient(x)
    t = backtracking(rosenbrock, x, d, g, c=c, shrink=shrink)
    k = round(math.log(t) / math.log(shrink))
    assert t == pytest.approx(shrink**k)
    accepted = [rosenbrock(x + shrink**j * d) <= rosenbrock(x) + c * shrink**j * g @ d for j in range(k + 1)]
    assert accepted == [False] * k + [True]


def test_backtracking_leaves_forbidden_ground_and_refuses_false_slopes():
    def log_barrier(x):
        with np.errstate(invalid="ignore", divide="ignore"):
            return float(-np.log(x[0]) + x[0])

    assert backtracking(log_barrier, np.array([3.0]), np.array([-4.0]), np.array([2 / 3])) == 0.5
    with pytest.raises(ValueError, match=r"d must point downhill, got a slope g \. d of 2"):
        backtracking(log_barrier, np.array([3.0]), np.array([2.0]), np.array([1.0]))
    with pytest.raises(ValueError, match=r"slope g \. d of 0"):
        backtracking(lambda x: -x[1], np.zeros(2), np.array([1.0, 0.0]), np.array([0.0, -1.0]))
    with pytest.raises(ValueError, match=r"slope g \. d of nan"):
        backtracking(log_barrier, np.array([3.0]), np.array([np.nan]), np.array([1.0]))
    with pytest.raises(ValueError, match="f does not fall along d although its slope there should be -1: check g"):
        backtracking(lambda x: abs(x[0]), np.array([0.0]), np.array([1.0]), np.array([-1.0]))
    for c, shrink in [(0, 0.5), (1, 0.5), (0.1, 1), (0.1, 0)]:
        with pytest.raises(ValueError, match="c and shrink must lie between 0 and 1"):
            backtracking(lambda x: x @ x, np.array([1.0]), np.array([-1.0]), np.array([2.0]), c=c, shrink=shrink)


def test_the_exact_step_is_the_lowest_point_of_the_line():
    rng = np.random.default_rng(20)
    for n in (1, 2, 6):
        H = quadratic(rng.uniform(0.5, 9, size=n), n)
        x = rng.normal(size=n)
        g = H @ x
        best = scipy.optimize.minimize_scalar(lambda t, x=x, g=g, H=H: (x - t * g) @ H @ (x - t * g), tol=1e-10).x
        assert exact_step_quadratic(H, g) == pytest.approx(best, rel=1e-6)
    with pytest.raises(ValueError, match=r"curvature g \. H g is -2, not positive"):
        exact_step_quadratic([[-2, 0], [0, 1]], [1, 0])
    with pytest.raises(ValueError, match=r"curvature g \. H g is 0, not positive"):
        exact_step_quadratic(np.eye(2), [0, 0])
    with pytest.raises(ValueError, match=r"shape \(2, 2\) needs a g of length 2, got shape \(3,\)"):
        exact_step_quadratic(np.eye(2), [1, 2, 3])


@pytest.mark.parametrize("kappa", [3, 50])
def test_exact_line_search_from_the_worst_start_shrinks_by_the_kantorovich_ratio(kappa):
    H = np.diag([1.0, kappa])
    result = steepest_descent(
        lambda x: x @ H @ x / 2,
        lambda x: H @ x,
        [kappa, 1.0],
        line_search=lambda f, x, d, g: exact_step_quadratic(H, g),
        max_iter=12,
    )
    losses = np.array([x @ H @ x for x in result.path])
    assert_near(losses[1:] / losses[:-1], np.full(12, ((kappa - 1) / (kappa + 1)) ** 2), 1e-10)
    assert result.fun == losses[-1] / 2


def test_steepest_descent_obeys_armijo_at_every_step_and_arrives():
    def valley(x):
        return float((1 - x[0]) ** 2 + 5 * (x[1] - x[0] ** 2) ** 2)

    def slope(x):
        return np.array([-2 * (1 - x[0]) - 20 * x[0] * (x[1] - x[0] ** 2), 10 * (x[1] - x[0] ** 2)])

    result = steepest_descent(valley, slope, [-0.8, 1.7], tol=1e-5)
    assert result.success
    assert 20 < result.nit < 2000
    assert_near(result.x, np.ones(2), atol=1e-4)
    assert result.fun == valley(result.x)
    for x, new in itertools.pairwise(result.path):
        assert valley(new) <= valley(x) + 1e-4 * (new - x) @ slope(x) * (1 - 1e-6)
    assert np.linalg.norm(slope(result.path[-2])) > 1e-5


def test_steepest_descent_asked_for_too_much_ends_without_an_error():
    h = np.array([1.0, 30.0])
    result = steepest_descent(lambda x: 1 + x @ (h * x), lambda x: 2 * h * x, [1.0, 0.3], tol=0, max_iter=1000)
    assert not result.success
    assert_near(result.x, np.zeros(2), atol=1e-7)


@pytest.mark.parametrize("damped", [True, False])
def test_newton_needs_one_step_on_a_quadratic(damped):
    H, c = quadratic(np.array([0.1, 3.0, 1e4]), 21), np.array([1.0, -2.0, 3.0])
    result = newton(lambda x: x @ H @ x / 2 - c @ x, lambda x: H @ x - c, lambda x: H, np.ones(3), damped=damped)
    assert (result.nit, result.success) == (1, True)
    assert_near(result.x, np.linalg.solve(H, c), 1e-9)
    assert result.fun == pytest.approx(-c @ np.linalg.solve(H, c) / 2)


def test_newton_on_rosenbrock_equals_scipy_and_squares_its_error():
    result = newton(rosenbrock, rosenbrock_gradient, rosenbrock_hessian, [-0.8, 2.0], tol=1e-10)
    theirs = scipy.optimize.minimize(
        rosenbrock, [-0.8, 2.0], jac=rosenbrock_gradient, hess=rosenbrock_hessian, method="trust-exact"
    )
    assert_near(result.x, theirs.x, atol=1e-5)
    assert result.success
    errors = np.linalg.norm(result.path - 1, axis=1)
    late = errors[(errors < 1e-2) & (errors > 1e-7)]
    assert (late[1:] < 100 * late[:-1] ** 2).all()
    assert len(late) >= 2


def test_newton_does_not_see_a_linear_change_of_variables():
    B = np.array([[3.0, 1.0], [0.0, 0.2]])
    x0 = np.array([0.3, 0.9])
    plain = newton(rosenbrock, rosenbrock_gradient, rosenbrock_hessian, x0, damped=False)
    changed = newton(
        lambda z: rosenbrock(B @ z),
        lambda z: B.T @ rosenbrock_gradient(B @ z),
        lambda z: B.T @ rosenbrock_hessian(B @ z) @ B,
        np.linalg.solve(B, x0),
        damped=False,
    )
    steps = min(plain.nit, changed.nit) + 1
    assert_near(changed.path[:steps] @ B.T, plain.path[:steps], atol=1e-8)


def saddle(x):
    return x[0] ** 2 - x[1] ** 2 + x[1] ** 4


def saddle_gradient(x):
    return np.array([2 * x[0], -2 * x[1] + 4 * x[1] ** 3])


def saddle_hessian(x):
    return np.diag([2, -2 + 12 * x[1] ** 2])


def test_pure_newton_jumps_into_saddles_and_damped_newton_does_not():
    pure = newton(saddle, saddle_gradient, saddle_hessian, [1.0, 0.1], damped=False)
    assert_near(pure.x, np.zeros(2), atol=1e-6)
    damped = newton(saddle, saddle_gradient, saddle_hessian, [1.0, 0.1])
    assert_near(np.abs(damped.x), [0, math.sqrt(0.5)], atol=1e-6)
    assert damped.fun == pytest.approx(-0.25)
    assert (np.diff([saddle(x) for x in damped.path]) < 0).all()


def test_newton_with_a_singular_hessian():
    def call(damped):
        return newton(lambda x: x[0] ** 4 + x[1] ** 2, lambda x: np.array([4 * x[0] ** 3, 2 * x[1]]),
                      lambda x: np.diag([0.0, 2.0]), [0.5, 1.0], damped=damped, max_iter=500, tol=1e-2)  # fmt: skip

    assert call(True).success
    with pytest.raises(ValueError, match="singular to working precision"):
        call(False)


# --- 4.4: projections ---


PROJECTIONS = {
    "ball": lambda x: project_ball(x, 0.7),
    "nonnegative": project_nonnegative,
    "simplex": project_simplex,
}
MEMBERS = {
    "ball": lambda rng, n: 0.7 * rng.uniform() * (lambda v: v / np.linalg.norm(v))(rng.normal(size=n)),
    "nonnegative": lambda rng, n: rng.exponential(size=n),
    "simplex": lambda rng, n: rng.dirichlet(np.full(n, 0.3)),
}


@pytest.mark.parametrize("name", PROJECTIONS)
@pytest.mark.parametrize("n", [1, 2, 9])
def test_projections_are_idempotent_nonexpansive_and_nearest(name, n):
    project, rng = PROJECTIONS[name], np.random.default_rng(22)
    for scale in (0.1, 1.0, 50.0):
        for _ in range(60):
            x, y, z = scale * rng.normal(size=n), scale * rng.normal(size=n), MEMBERS[name](rng, n)
            p, q = project(x), project(y)
            assert_near(project(p), p, 1e-14, atol=1e-15)
            assert_near(project(z), z, 1e-12, atol=1e-15)
            assert np.linalg.norm(p - q) <= np.linalg.norm(x - y) * (1 + 1e-12)
            assert (x - p) @ (z - p) <= 1e-12 * scale  # no member lies on x's side of the tangent plane
    assert p.shape == (n,)


def test_the_simplex_projection_is_a_quadratic_program():
    rng = np.random.default_rng(23)
    for n in (2, 5, 8):
        x = 2 * rng.normal(size=n)
        theirs = scipy.optimize.minimize(
            lambda z, x=x: np.sum((z - x) ** 2), np.full(n, 1 / n), jac=lambda z, x=x: 2 * (z - x), method="SLSQP",
            bounds=[(0, None)] * n, constraints={"type": "eq", "fun": lambda z: z.sum() - 1}, tol=1e-14,
        )  # fmt: skip
        ours = project_simplex(x)
        assert_near(ours, theirs.x, atol=1e-6)
        assert ours.sum() == pytest.approx(1, abs=1e-14)
        theta = (x - ours)[ours > 0]
        alpha = np.where(ours > 0, 0, theta[0] - x)
        residuals = kkt_residuals(
            ours - x,
            inequality=(-ours, -np.eye(n), alpha),
            equality=([ours.sum() - 1], np.ones((1, n)), [theta[0]]),
        )
        assert max(residuals.values()) < 1e-14


def test_projections_far_away():
    assert_near(project_ball([3e200, 4e200]), [0.6, 0.8])
    assert_near(project_ball([3e-200, 4e-200], 1e-200), [0.6e-200, 0.8e-200])
    assert project_ball([0.0, 0.0]).tolist() == [0, 0]
    assert_near(project_ball(np.full((2, 2), 5.0), 1.0, axis=None), np.full((2, 2), 0.5))
    assert project_simplex([-INF, 3.0, 3.5]).tolist() == [0, 0.25, 0.75]
    assert project_nonnegative([-INF, INF]).tolist() == [0, INF]
    for bad in (0.0, -1.0, INF):
        with pytest.raises(ValueError, match="radius must be"):
            project_ball([1.0], bad)
    with pytest.raises(ValueError, match="x must be finite, got inf"):
        project_ball([1.0, INF])


def table(loader, seed=24):
    """Standardised columns, standardised target, shuffled."""
    X, y = loader(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(y))
    X, y = X[order], y[order].astype(float)
    return (X - X.mean(0)) / X.std(0), (y - y.mean()) / y.std()


WINE = table(load_wine)


def test_projected_gradient_solves_nonnegative_least_squares():
    A, b = WINE
    theirs, _ = scipy.optimize.nnls(A, b)
    lr = 1 / np.linalg.norm(A, 2) ** 2
    result = projected_gradient(lambda x: A.T @ (A @ x - b), project_nonnegative, -np.ones(13), lr, tol=1e-8)
    assert result.success
    assert_near(result.x, theirs, atol=1e-8)
    assert (result.path >= 0).all()
    alpha = A.T @ (A @ result.x - b)
    residuals = kkt_residuals(alpha, inequality=(-result.x, -np.eye(13), alpha * (result.x == 0)))
    assert max(residuals.values()) < 1e-7


def test_projected_gradient_stops_as_gradient_descent_does_without_constraints():
    A, b = WINE
    lr = 1 / np.linalg.norm(A, 2) ** 2
    plain = gradient_descent(lambda x: A.T @ (A @ x - b), np.zeros(13), lr, tol=1e-3)
    free = projected_gradient(lambda x: A.T @ (A @ x - b), lambda x: x, np.zeros(13), lr, tol=1e-3)
    assert abs(plain.nit - free.nit) <= 1
    assert_near(plain.x, free.x, atol=1e-6)


# --- 4.4: qp_active_set, kkt_residuals ---


def enumerate_active_sets(H, c, A, b):
    """Every subset of constraints, solved with equality; those that satisfy the KKT conditions."""
    n, m, solutions = len(c), len(b), []
    for size in range(min(n, m) + 1):
        for S in map(list, itertools.combinations(range(m), size)):
            K = np.block([[H, A[S].T], [A[S], np.zeros((size, size))]])
            if np.linalg.matrix_rank(A[S]) < size:
                continue
            solution = np.linalg.solve(K, np.concatenate([-c, b[S]]))
            x, alpha = solution[:n], solution[n:]
            if (A @ x <= b + 1e-8).all() and (alpha >= -1e-8).all():
                solutions.append(x)
    return solutions


@examples
@given(st.integers(1, 4), st.integers(0, 6), st.integers(0, 2**32 - 1), st.booleans())
def test_the_active_set_is_the_one_that_enumeration_finds(n, m, seed, degenerate):
    rng = np.random.default_rng(seed)
    H, c = quadratic(rng.uniform(0.2, 5, size=n), seed), 3 * rng.normal(size=n)
    A = rng.integers(-2, 3, size=(m, n)).astype(float) if degenerate else rng.normal(size=(m, n))
    x0 = rng.integers(-1, 2, size=n).astype(float)
    b = A @ x0 + (0 if degenerate else rng.exponential(size=m))  # degenerate: all constraints meet in x0
    result = qp_active_set(H, c, A, b, x0)
    assert result.success
    assert_near(result.x, enumerate_active_sets(H, c, A, b)[0], atol=1e-7)
    assert max(kkt_residuals(H @ result.x + c, inequality=(A @ result.x - b, A, result.multipliers)).values()) < 1e-8
    assert set(np.flatnonzero(result.multipliers)) <= set(result.active.tolist())
    assert result.path.shape == (result.nit + 1, n)
    assert (A @ result.path.T - b[:, None]).max(initial=0) <= 1e-9
    assert result.fun == pytest.approx(result.x @ H @ result.x / 2 + c @ result.x)


@pytest.mark.parametrize("bins", [6, 25])
def test_monotone_regression_is_a_quadratic_program(bins):
    X, y = load_diabetes(return_X_y=True)
    means = np.array([chunk.mean() for chunk in np.array_split(y[np.argsort(X[:, 8], kind="stable")], bins)])
    differences = np.eye(bins)[:-1] - np.eye(bins)[1:]
    result = qp_active_set(np.eye(bins), -means, differences, np.zeros(bins - 1), np.arange(bins) / bins)
    assert_near(result.x, IsotonicRegression().fit_transform(np.arange(bins), means), 1e-12)
    assert result.success


def test_a_constraint_can_leave_the_working_set():
    A, b = np.array([[0.0, 1.0], [1.0, 3.0]]), [0.2, 1.6]  # the way to (3, 1) meets the first, then the second
    result = qp_active_set(np.eye(2), [-3.0, -1.0], A, b, [0.0, 0.0])
    assert_near(result.path, [[0, 0], [0.6, 0.2], [1, 0.2], [1, 0.2], [2.56, -0.32]])
    assert_near(result.multipliers, [0, 0.44])
    assert result.active.tolist() == [1]


def test_the_multiplier_is_the_price_of_a_constraint():
    rng = np.random.default_rng(25)
    H, c, A = quadratic(rng.uniform(0.5, 4, size=3), 26), 4 * rng.normal(size=3), rng.normal(size=(4, 3))
    b = np.full(4, 0.3)
    result = qp_active_set(H, c, A, b, np.zeros(3))
    assert len(result.active) > 0
    prices = numerical_gradient(lambda r: qp_active_set(H, c, A, r, np.zeros(3)).fun, b, 1e-5)
    assert_near(-prices, result.multipliers, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"H": np.diag([1.0, 0.0])}, "H must be positive definite, got a smallest eigenvalue of 0"),
        ({"x0": [2.0, 0.0]}, "x0 must be feasible, but constraint 0 is exceeded by 1"),
        ({"c": [1.0]}, r"do not fit: shapes \(2, 2\), \(1,\), \(1, 2\), \(1,\), \(2,\)"),
        ({"b": [1.0, 2.0]}, "do not fit"),
        ({"max_iter": 0}, "max_iter must be an integer >= 1, got 0"),
        ({"c": [np.nan, 0.0]}, "c must be finite, got nan"),
    ],
)
def test_quadratic_programs_that_make_no_sense(change, message):
    arguments = {"H": np.eye(2), "c": [-3.0, 0.0], "A": [[1.0, 0.0]], "b": [1.0], "x0": [0.0, 0.0]} | change
    with pytest.raises(ValueError, match=message):
        qp_active_set(**arguments)


def test_a_step_ends_at_the_minimum_though_the_constraint_is_further_away():
    result = qp_active_set(np.eye(2), [-1.0, 0.0], [[1.0, 0.0]], [1.5], np.zeros(2))
    np.testing.assert_array_equal(result.path, [[0, 0], [1, 0]])


def test_a_start_may_miss_a_large_bound_by_rounding():
    start = np.array([1e6 * (1 + 1e-12), 0.0])
    result = qp_active_set(np.eye(2), [-3e6, 0.0], [[1.0, 0.0]], [1e6], start)
    assert result.success and result.x[0] == pytest.approx(1e6, rel=1e-11)


def test_an_unfinished_quadratic_program_says_so():
    result = qp_active_set(np.eye(2), [-3.0, -3.0], np.eye(2), [1.0, 1.0], [0.0, 0.5], max_iter=1)
    assert (result.success, result.message) == (False, "not converged after 1 systems")


def test_each_residual_sees_its_own_fault():
    h, J, alpha = np.array([-1.0, 0.0]), np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0.0, 2.0])
    good = kkt_residuals([0.0, -2.0], inequality=(h, J, alpha))
    assert good == {"stationarity": 0, "primal": 0, "dual": 0, "slackness": 0}
    assert kkt_residuals([3.0, 2.0], inequality=(h, J, alpha))["stationarity"] == 5
    assert kkt_residuals([0.0, -2.0], inequality=([-1.0, 0.5], J, alpha))["primal"] == 0.5
    assert kkt_residuals([0.0, 2.0], inequality=(h, J, -alpha))["dual"] == 2
    assert kkt_residuals([-3.0, -2.0], inequality=(h, J, [3.0, 2.0]))["slackness"] == 3
    assert kkt_residuals([1.0], equality=([-0.25], [[2.0]], [-0.5])) == good | {"primal": 0.25}
    assert kkt_residuals([0.0])["stationarity"] == 0
    with pytest.raises(
        ValueError, match=r"equality: values, gradients and multipliers of shapes \(1,\), \(1, 1\), \(2,\)"
    ):
        kkt_residuals([1.0], equality=([0.0], [[2.0]], [1.0, 1.0]))
    with pytest.raises(ValueError, match="do not fit a gradient of length 2"):
        kkt_residuals([1.0, 1.0], inequality=([0.0], [[2.0]], [1.0]))


# --- 4.5 ---


def test_algorithm_4_1_reaches_the_least_squares_solution():
    A, b = WINE
    lr, tol = 1 / np.linalg.norm(A, 2) ** 2, 1e-8
    result = least_squares_gd(A, b, np.zeros(13), lr, tol)
    assert_near(result.x, np.linalg.lstsq(A, b)[0], atol=1e-8)
    assert result.fun == pytest.approx(np.linalg.lstsq(A, b)[1][0] / 2)
    gradients = [np.linalg.norm(A.T @ (A @ x - b)) for x in result.path[-2:]]
    assert gradients[1] <= tol * (1 + 1e-6)
    assert gradients[0] > tol * (1 - 1e-6)
    by_hand = np.zeros(13)
    for x in result.path[:20]:
        assert_near(x, by_hand, atol=1e-13)
        by_hand = by_hand - lr * (A.T @ A @ by_hand - A.T @ b)


def test_algorithm_4_1_with_impossible_shapes():
    with pytest.raises(ValueError, match=r"A of shape \(3, 2\) does not fit b of shape \(2,\) and x0 of shape \(2,\)"):
        least_squares_gd(np.ones((3, 2)), [1, 2], [0, 0], 0.1, 1e-3)
    slow = least_squares_gd([[1.0]], [1.0], [0.0], 0.1, 1e-3, max_iter=5)
    assert (slow.nit, slow.success) == (5, False)


@pytest.mark.parametrize("radius", [0.3, 0.45, 0.6])
def test_three_ways_into_the_ball(radius):
    A, b = WINE
    secular = least_squares_ball(A, b, radius)
    ascent = least_squares_ball(A, b, radius, "dual_ascent")
    lr = 1 / np.linalg.norm(A, 2) ** 2
    descent = projected_gradient(
        lambda x: A.T @ (A @ x - b), lambda x: project_ball(x, radius), np.zeros(13), lr, tol=1e-7, max_iter=50_000
    )
    assert secular.success and ascent.success and descent.success
    assert_near(ascent.x, secular.x, atol=1e-7)
    assert_near(descent.x, secular.x, atol=1e-7)
    assert ascent.lam == pytest.approx(secular.lam, rel=1e-7)
    assert secular.nit < 12 < ascent.nit
    residuals = kkt_residuals(
        A.T @ (A @ secular.x - b),
        inequality=([secular.x @ secular.x - radius**2], [2 * secular.x], [secular.lam]),
    )
    assert max(residuals.values()) < 1e-8
    ridge = Ridge(alpha=2 * secular.lam, fit_intercept=False, solver="cholesky").fit(A, b)
    assert_near(ridge.coef_, secular.x, atol=1e-9)
    price = numerical_gradient(lambda r2: least_squares_ball(A, b, math.sqrt(r2)).fun, radius**2, 1e-5)
    assert -price == pytest.approx(secular.lam, rel=1e-5)


@pytest.mark.parametrize("shape", [(9, 4), (4, 9), (6, 6)])
@pytest.mark.parametrize("method", ["secular", "dual_ascent"])
def test_the_ball_with_any_rank_and_shape(shape, method):
    rng = np.random.default_rng(27)
    A = rng.normal(size=(shape[0], 3)) @ rng.normal(size=(3, shape[1]))  # rank 3
    b = rng.normal(size=shape[0])
    shortest = np.linalg.pinv(A, rcond=1e-10) @ b
    length = np.linalg.norm(shortest)
    roomy = least_squares_ball(A, b, 1.01 * length, method)
    assert (roomy.lam, roomy.nit, roomy.success) == (0, 0, True)
    assert_near(roomy.x, shortest, atol=1e-12)
    tight = least_squares_ball(A, b, 0.4 * length, method)
    assert np.linalg.norm(tight.x) == pytest.approx(0.4 * length, rel=1e-9)
    gradient = A.T @ (A @ tight.x - b)
    assert_near(gradient + 2 * tight.lam * tight.x, np.zeros(shape[1]), atol=1e-10)
    assert tight.lam > 0


def test_the_ball_says_when_it_is_not_done_and_what_it_cannot_use():
    A, b = WINE
    for arguments in ({"method": "dual_ascent", "step": 1e-3}, {}):
        slow = least_squares_ball(A, b, 0.3, max_iter=2, **arguments)
        assert (slow.success, slow.message, slow.nit) == (False, "not converged after 2 steps", 2)
    with pytest.raises(ValueError, match='method must be "secular" or "dual_ascent", got \'newton\''):
        least_squares_ball(A, b, 0.3, "newton")
    with pytest.raises(ValueError, match=r"shape \(178, 13\) needs a b of length 178, got shape \(13,\)"):
        least_squares_ball(A, b[:13], 0.3)
    with pytest.raises(ValueError, match="radius must be positive and finite, got 0"):
        least_squares_ball(A, b, 0)
    with pytest.raises(ValueError, match="step must be a number >= 0, got -1"):
        least_squares_ball(A, b, 0.3, "dual_ascent", step=-1)


def test_every_public_name_is_tested_here():
    assert set(numerics.__all__) <= set(globals())
