"""dlcore.foundations.linalg against exact arithmetic, enumeration, LAPACK and scikit-learn."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
import scipy.linalg
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.decomposition import PCA as SklearnPCA
from sklearn.utils.extmath import randomized_svd as sklearn_randomized_svd

from dlcore.foundations import linalg
from dlcore.foundations.linalg import (
    PCA,
    det,
    eigh_qr,
    gram_schmidt,
    in_span,
    inverse,
    low_rank,
    lu,
    matrix_rank,
    newton_schulz,
    norm,
    null_space,
    pinv,
    power_iteration,
    qr,
    randomized_svd,
    solve,
    svd_jacobi,
    whiten,
)

examples = settings(derandomize=True, deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))


# --- matrices to try, and oracles ---


SCALES = [1e-150, 1e-3, 1.0, 1e3, 1e150]


@st.composite
def matrices(draw, least=0, square=False):
    """Small matrices of every shape and rank, at scales whose squares leave the range of a float."""
    m = draw(st.integers(least, 7))
    n = m if square else draw(st.integers(least, 7))
    if draw(st.booleans()):  # integers: ties, zeros, dependent columns
        return draw(arrays(np.float64, (m, n), elements=st.integers(-3, 3).map(float)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rank = draw(st.integers(0, min(m, n)))
    return draw(st.sampled_from(SCALES)) * rng.normal(size=(m, rank)) @ rng.normal(size=(rank, n))


@st.composite
def invertible(draw, condition=1e3):
    """Square matrices with singular values between 1 and `condition`, times a scale."""
    n = draw(st.integers(1, 7))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    s = condition ** rng.uniform(size=n)
    return draw(st.sampled_from(SCALES)) * orthogonal(rng, n) * s @ orthogonal(rng, n)


def orthogonal(rng, n):
    return np.linalg.qr(rng.normal(size=(n, n)))[0]


def integers(rng, *shape):
    return rng.integers(-4, 5, size=shape)


def size(A):
    """Largest magnitude in A, or 1 if there is none."""
    return np.abs(A).max(initial=0) or 1.0


def assert_near(actual, expected, tol=1e-12, scale=None):
    """Equal shapes, and no entry further away than tol times the size of what is expected."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    scale = size(expected) if scale is None else scale
    assert np.abs(actual / scale - expected / scale).max(initial=0) <= tol


def assert_orthonormal(Q, tol=1e-13):
    assert_near(Q.T @ Q, np.eye(Q.shape[1]), tol)


def exact_echelon(A):
    """Rows of an integer matrix in echelon form, over the rationals."""
    rows, done = [[Fraction(int(a)) for a in row] for row in A], []
    for column in range(np.shape(A)[1]):
        pivot = next((row for row in rows if row[column]), None)
        if pivot is not None:
            rows.remove(pivot)
            done.append(pivot)
            rows = [[a - row[column] / pivot[column] * p for a, p in zip(row, pivot, strict=True)] for row in rows]
    return done


def exact_rank(A):
    return len(exact_echelon(A))


def exact_det(A):
    """Leibniz: the sum over all permutations."""
    n, total = len(A), 0
    for p in itertools.permutations(range(n)):
        sign = (-1) ** sum(p[i] > p[j] for i, j in itertools.combinations(range(n), 2))
        total += sign * int(np.prod([int(A[i][p[i]]) for i in range(n)]))
    return total


# --- what every function promises ---


RNG = np.random.default_rng(0)
CALLS = {  # one call per public name; the argument is a symmetric matrix with different rows
    "PCA": lambda A: PCA(2).fit(A).transform(A),
    "det": det,
    "eigh_qr": eigh_qr,
    "gram_schmidt": gram_schmidt,
    "in_span": lambda A: in_span(A, np.ones(3)),
    "inverse": inverse,
    "low_rank": lambda A: low_rank(A, 2),
    "lu": lu,
    "matrix_rank": matrix_rank,
    "newton_schulz": lambda A: newton_schulz(A, 3),
    "norm": lambda A: norm(A, "fro"),
    "null_space": null_space,
    "pinv": pinv,
    "power_iteration": lambda A: power_iteration(A, rng=RNG),
    "qr": qr,
    "randomized_svd": lambda A: randomized_svd(A, 2, rng=RNG),
    "solve": lambda A: solve(A, np.float32([1, 2, 3])),
    "svd_jacobi": svd_jacobi,
    "whiten": lambda A: whiten(A, 1),
}
SYMMETRIC = np.array([[4, 1, 0], [1, 3, -1], [0, -1, 2]])
every_function = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())


def test_the_table_of_calls_names_every_public_function():
    assert sorted(CALLS) == linalg.__all__


@every_function
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.where(SYMMETRIC == 3, np.nan, SYMMETRIC), r"must be finite, got nan at index \(1, 1\)"),
        (np.where(SYMMETRIC == 2, -np.inf, SYMMETRIC), r"must be finite, got -inf at index \(2, 2\)"),
        (SYMMETRIC * 1j, "must hold real numbers, got dtype complex128"),
        (SYMMETRIC.astype(str), "must hold real numbers, got dtype <U"),
        (SYMMETRIC.astype(object), "must hold real numbers, got dtype object"),
        (np.ones(3), r"must have 2 dimension\(s\), got shape \(3,\)"),
        (np.ones((3, 3, 3)), r"must have 2 dimension\(s\), got shape \(3, 3, 3\)"),
        (5.0, r"must have 2 dimension\(s\), got shape \(\)"),
        ([[1, 2], [3]], "inhomogeneous"),
    ],
    ids=["nan", "inf", "complex", "text", "object", "1-d", "3-d", "0-d", "ragged"],
)
def test_bad_matrices_are_refused_with_what_was_wrong(call, bad, message):
    with pytest.raises(ValueError, match=message):
        call(bad)


@every_function
@pytest.mark.parametrize(("given_dtype", "result_dtype"), [(np.float32, np.float32), (int, float), (bool, float)])
def test_float32_stays_and_everything_else_becomes_float64(call, given_dtype, result_dtype):
    A = np.eye(3) if given_dtype is bool else SYMMETRIC
    results = call(A.astype(given_dtype))
    for result in results if isinstance(results, tuple) else (results,):
        if isinstance(result, np.ndarray):
            assert result.dtype == result_dtype
        else:
            assert type(result) in (float, int, bool)


@every_function
def test_the_argument_is_left_as_it_was(call):
    A = SYMMETRIC.astype(float)
    call(A)
    np.testing.assert_array_equal(A, SYMMETRIC)
    A.setflags(write=False)
    call(A)


def test_the_matrix_product_obeys_the_laws_of_section_2_2():
    rng = np.random.default_rng(1)
    A, B, C = integers(rng, 3, 4), integers(rng, 4, 5), integers(rng, 5, 2)
    D = integers(rng, 4, 5)
    by_hand = [[sum(int(A[i, k]) * int(B[k, j]) for k in range(4)) for j in range(5)] for i in range(3)]
    np.testing.assert_array_equal(A @ B, by_hand)
    np.testing.assert_array_equal((A @ B).T, B.T @ A.T)
    np.testing.assert_array_equal(A @ (B + D), A @ B + A @ D)
    np.testing.assert_array_equal(A @ (B @ C), (A @ B) @ C)


# --- 2.3 lu, solve, inverse; 2.11 det ---


@examples
@given(matrices(square=True))
@example(np.zeros((0, 0)))
@example(np.array([[0.0]]))
@example(np.array([[0.0, 1.0], [1.0, 0.0]]))
@example(np.zeros((3, 3)))
def test_lu_factors_every_square_matrix(A):
    P, L, U = lu(A)
    n = len(A)
    assert_near(P @ A, L @ U, 1e-13, scale=size(A))
    np.testing.assert_array_equal(P @ P.T, np.eye(n))
    assert set(np.unique(P)) <= {0.0, 1.0}
    np.testing.assert_array_equal(L, np.tril(L, -1) + np.eye(n))
    np.testing.assert_array_equal(U, np.triu(U))
    assert np.abs(L).max(initial=0) <= 1


def test_lu_equals_lapack():
    for n in range(1, 9):
        A = np.random.default_rng(n).normal(size=(n, n))
        permutation, L, U = scipy.linalg.lu(A)  # A = P L U there, P A = L U here
        for ours, theirs in zip(lu(A), (permutation.T, L, U), strict=True):
            assert_near(ours, theirs, 1e-13)


@pytest.mark.parametrize("function", [lu, det, inverse, eigh_qr, lambda A: solve(A, np.ones(2))])
def test_square_matrices_are_required_where_the_mathematics_needs_them(function):
    with pytest.raises(ValueError, match=r"A must be square, got shape \(2, 3\)"):
        function(np.ones((2, 3)))


def test_solve_is_exact_up_to_rounding_on_integer_systems():
    rng = np.random.default_rng(3)
    for _ in range(50):
        n = int(rng.integers(1, 6))
        A, b = integers(rng, n, n), integers(rng, n)
        d = exact_det(A)
        if d == 0:
            continue
        cramer = [Fraction(exact_det(np.column_stack([A[:, :j], b, A[:, j + 1 :]])), d) for j in range(n)]
        assert_near(solve(A, b), [float(x) for x in cramer], 1e-11)


@examples
@given(invertible(), st.sampled_from([(), (0,), (1,), (3,)]))
def test_solve_and_inverse_agree_with_lapack(A, columns):
    b = np.random.default_rng(4).normal(size=(len(A), *columns))
    assert_near(solve(A, b) * size(A), np.linalg.solve(A / size(A), b), 1e-11)
    assert_near(inverse(A) * size(A), np.linalg.inv(A / size(A)), 1e-11)
    assert_near(inverse(A) @ A, np.eye(len(A)), 1e-11)
    assert_near(A @ inverse(A), np.eye(len(A)), 1e-11)


def test_solve_is_backward_stable_where_the_inverse_is_not():
    A = scipy.linalg.pascal(13).astype(float) / 7
    b = A.sum(axis=1)
    assert norm(A @ solve(A, b) - b) < 1e-14 * norm(b)
    assert norm(A @ (inverse(A) @ b) - b) > 1e-12 * norm(b)


def test_hilbert_matrices_are_solved_until_their_condition_passes_one_over_eps():
    for n in (5, 9, 12):  # condition 5e5, 5e11, 2e16
        A = scipy.linalg.hilbert(n)
        assert norm(A @ solve(A, A.sum(axis=1)) - A.sum(axis=1)) < 1e-14
    for n in (13, 14, 15):
        with pytest.raises(ValueError, match="singular to working precision"):
            solve(scipy.linalg.hilbert(n), np.ones(n))


def test_solve_of_nothing_is_nothing():
    assert solve(np.zeros((0, 0)), np.zeros(0)).shape == (0,)
    assert inverse(np.zeros((0, 0))).shape == (0, 0)
    assert_near(solve([[4]], [2]), [0.5])


def test_singular_systems_are_refused_even_when_rounding_hides_it():
    rng = np.random.default_rng(5)
    for A in ([[0]], [[1, 2], [2, 4]], [[1, 2, 3], [4, 5, 6], [7, 8, 9]], np.ones((4, 4))):
        for scale in SCALES:
            with pytest.raises(ValueError, match="A is singular to working precision: pivot"):
                solve(scale * np.asarray(A, dtype=float), np.ones(len(A)))
    for n in [2, 3, 4, 5, 6, 7, 8] * 10:
        A = integers(rng, n, n - 1) @ integers(rng, n - 1, n)
        with pytest.raises(ValueError, match="A is singular to working precision: pivot"):
            inverse(A)


def test_bad_scaling_is_not_taken_for_singularity():
    rng = np.random.default_rng(6)
    for _ in range(30):
        A = rng.normal(size=(5, 5)) * 10.0 ** rng.integers(-30, 30, size=(5, 1)) * 10.0 ** rng.integers(-30, 30, size=5)
        x = rng.normal(size=5)
        residual = np.abs(A @ solve(A, A @ x) - A @ x)
        assert (residual <= 1e-12 * np.abs(A) @ np.abs(solve(A, A @ x))).all()


def test_right_hand_sides_of_the_wrong_length_are_refused():
    with pytest.raises(ValueError, match=r"A of shape \(2, 2\) needs a b with 2 rows, got shape \(3,\)"):
        solve(np.eye(2), np.ones(3))
    with pytest.raises(ValueError, match=r"b must have 1 or 2 dimension\(s\), got shape \(\)"):
        solve(np.eye(2), 1.0)
    with pytest.raises(ValueError, match=r"A of shape \(2, 2\) needs a b of length 2, got shape \(3,\)"):
        in_span(np.eye(2), np.ones(3))


def test_det_equals_the_sum_over_permutations():
    rng = np.random.default_rng(7)
    for n in [0, 1, 2, 3, 4, 5] * 8:
        A = integers(rng, n, n)
        assert abs(det(A) - exact_det(A)) < 1e-10
    for p in itertools.permutations(range(4)):
        assert det(np.eye(4)[list(p)]) == exact_det(np.eye(4)[list(p)])


@examples
@given(invertible(), st.integers(0, 99))
def test_det_of_a_product_a_transpose_and_an_inverse(A, seed):
    A = A / size(A)
    B = np.random.default_rng(seed).normal(size=A.shape)
    assert det(A @ B) == pytest.approx(det(A) * det(B), rel=1e-9)
    assert det(A.T) == pytest.approx(det(A), rel=1e-9)
    assert det(inverse(A)) * det(A) == pytest.approx(1, rel=1e-9)
    assert det(A) == pytest.approx(np.linalg.det(A), rel=1e-9)


def test_det_leaves_the_range_of_a_float_only_when_its_value_does():
    assert det(np.diag([1e200, 1e200, 1e-200, 1e-200])) == pytest.approx(1)
    assert det(np.diag([1e-200, 1e-200, 1e200, -1e200])) == pytest.approx(-1)
    assert det(np.diag([1e200, 1e200, 0.0])) == 0
    assert det(0.25 * np.eye(700)) == 0  # 2^-1400 underflows; nothing is singular about this matrix
    with pytest.warns(RuntimeWarning, match="overflow"):
        assert det(-4 * np.eye(701)) == -np.inf


# --- 2.4 matrix_rank, null_space, in_span ---


def test_rank_equals_the_exact_rank_of_integer_matrices():
    rng = np.random.default_rng(8)
    for _ in range(100):
        m, n, inner = rng.integers(1, 8, size=3)
        A = integers(rng, m, inner) @ integers(rng, inner, n)
        for scale in (1.0, 1e150, 1e-150):
            assert matrix_rank(scale * A) == exact_rank(A)
        assert null_space(A).shape == (n, n - exact_rank(A))


@examples
@given(matrices())
@example(np.zeros((0, 4)))
@example(np.zeros((4, 0)))
@example(np.zeros((0, 0)))
@example(np.zeros((3, 2)))
@example(np.zeros((2, 3)))
def test_rank_and_null_space_agree_with_lapack(A):
    N = null_space(A)
    assert matrix_rank(A) == (np.linalg.matrix_rank(A) if A.size else 0)
    assert N.shape == (A.shape[1], A.shape[1] - matrix_rank(A))
    assert_orthonormal(N)
    assert_near(A @ N, np.zeros((len(A), N.shape[1])), 1e-13, scale=size(A))
    if A.size:
        expected = scipy.linalg.null_space(A)
        assert_near(N @ N.T, expected @ expected.T, 1e-9, scale=1)


def test_rank_tolerance_is_absolute():
    A = np.diag([5.0, 0.1, 1e-3])
    assert [matrix_rank(A, tol=tol) for tol in (None, 0, 1e-3, 0.1, 5)] == [3, 3, 2, 1, 0]


def test_rounding_level_is_the_one_of_numpy():
    eps = np.finfo(float).eps
    for n in (2, 5, 9):
        for smallest in (0.9 * n * eps, 1.1 * n * eps, 2 * n * eps):
            A = 3 * np.diag(np.r_[np.ones(n - 1), smallest])
            assert matrix_rank(A) == np.linalg.matrix_rank(A) == n - (smallest < n * eps)
            assert null_space(A).shape[1] == n - matrix_rank(A)


def test_in_span_iff_the_rank_does_not_grow_on_200_integer_systems():
    rng = np.random.default_rng(9)
    answers = []
    for _ in range(200):
        m, n = rng.integers(1, 6, size=2)
        A, b = integers(rng, m, n), integers(rng, m)
        if rng.random() < 0.4:
            b = A @ integers(rng, n)
        answers.append(in_span(A, b))
        assert answers[-1] == (exact_rank(A) == exact_rank(np.column_stack([A, b])))
    assert 50 < sum(answers) < 150


def test_the_average_of_two_solutions_is_a_solution():
    rng = np.random.default_rng(10)
    A = integers(rng, 3, 6)
    b = A @ integers(rng, 6)
    x = pinv(A) @ b
    y = x + null_space(A) @ [1.0, -2.0, 3.0]
    for z in (x, y, (x + y) / 2, 5 * x - 4 * y):
        assert_near(A @ z, b, 1e-11)
    assert norm(x - y) == pytest.approx(norm([1, 2, 3]))


@pytest.mark.parametrize("scale", SCALES)
def test_in_span_does_not_depend_on_units(scale):
    A, b, off = scale * np.array([[1, 2], [0, 1], [1, 3]]), np.array([3, 1, 4]), np.array([0, 0, 1])
    assert in_span(A, b / scale)
    assert in_span(A, 0 * b)
    assert not in_span(A, (b + off) / scale)
    assert in_span(A, b + 1e-3 * off, tol=1e-2)
    assert not in_span(A, b + 1e-3 * off, tol=1e-6)


def test_in_span_of_no_columns_is_the_origin():
    assert in_span(np.zeros((2, 0)), [0, 0])
    assert not in_span(np.zeros((2, 0)), [0, 1e-300])


# --- 2.5 norm ---


vectors = arrays(np.float64, st.integers(1, 9), elements=st.integers(-999, 999).map(lambda k: k / 7))


@examples
@given(vectors, st.sampled_from([0, 0.5, 1, 1.5, 2, 3, 8.0, np.inf]), st.sampled_from(SCALES))
def test_norm_agrees_with_scipy_at_every_scale(x, p, scale):
    factor = 1 if p == 0 else scale
    assert norm(scale * x, p) / factor == pytest.approx(float(scipy.linalg.norm(x, p)), rel=1e-12)


@examples
@given(vectors, st.integers(0, 999), st.sampled_from([1, 1.5, 2, 3, np.inf]), st.floats(-9, 9))
def test_norm_axioms_and_inequalities(x, seed, p, factor):
    y = np.random.default_rng(seed).normal(size=x.shape)
    slack = 1 + 1e-12
    assert norm(x + y, p) <= (norm(x, p) + norm(y, p)) * slack
    assert norm(factor * x, p) == pytest.approx(abs(factor) * norm(x, p), rel=1e-12, abs=1e-300)
    assert (norm(x, p) == 0) == (not x.any())
    assert norm(x, np.inf) <= norm(x) * slack
    assert norm(x) <= norm(x, 1) * slack
    assert norm(x, 1) <= len(x) ** 0.5 * norm(x) * slack
    assert abs(x @ y) <= norm(x) * norm(y) * slack


def test_below_one_the_triangle_inequality_fails():
    assert norm([1, 1], 0.5) == 4 > norm([1, 0], 0.5) + norm([0, 1], 0.5)
    assert norm([5, 0, -2], 0) == 2


def test_norm_of_extremes():
    assert norm([]) == norm([], np.inf) == norm(np.zeros((0, 3)), "fro") == norm([0, 0], 3) == 0
    assert norm([3e-320, 4e-320]) == pytest.approx(5e-320, rel=1e-3)
    assert norm([1.5e308, 0]) == 1.5e308
    assert norm([2, 2], 5000) == pytest.approx(2 * 2 ** (1 / 5000))
    assert norm(np.float32([3e30, 4e30])) == pytest.approx(5e30)


@examples
@given(matrices())
def test_squared_frobenius_norm_is_the_sum_of_squared_singular_values(A):
    _, s, _ = svd_jacobi(A)
    assert norm(A, "fro") == pytest.approx(norm(s), rel=1e-12)


@pytest.mark.parametrize("ord", [-1, -np.inf, np.nan, "nuc", None, 1j])
def test_unknown_norms_are_refused(ord):
    with pytest.raises(ValueError, match="ord must be a number >= 0"):
        norm([1, 2], ord)


def test_vectors_and_matrices_have_their_own_norms():
    with pytest.raises(ValueError, match=r"x must have 1 dimension\(s\), got shape \(2, 2\)"):
        norm(np.eye(2))
    with pytest.raises(ValueError, match=r"x must have 2 dimension\(s\), got shape \(2,\)"):
        norm([1, 2], "fro")


# --- 2.6 qr, gram_schmidt ---


@examples
@given(matrices())
@example(np.zeros((0, 3)))
@example(np.zeros((3, 0)))
@example(np.zeros((3, 2)))
@example(np.array([[-2.0]]))
def test_qr_factors_every_matrix(A):
    Q, R = qr(A)
    k = min(A.shape)
    assert Q.shape == (len(A), k)
    assert R.shape == (k, A.shape[1])
    assert_orthonormal(Q)
    assert_near(Q @ R, A, 1e-13)
    np.testing.assert_array_equal(R, np.triu(R))
    assert (np.diag(R) >= 0).all()


@examples
@given(invertible())
def test_qr_is_unique_and_equals_lapack_and_gram_schmidt(A):
    Q, R = qr(A)
    expected_Q, expected_R = np.linalg.qr(A)
    signs = np.sign(np.diag(expected_R))
    assert_near(Q, expected_Q * signs, 1e-10)
    assert_near(R, signs[:, None] * expected_R, 1e-10)
    assert_near(gram_schmidt(A), Q, 1e-10)
    assert_near(gram_schmidt(A, modified=False), Q, 1e-8)


def test_orthogonality_is_lost_by_gram_schmidt_and_kept_by_householder():
    A = np.vander(np.linspace(-0.5, 1, 37), 11)

    def loss(Q):
        return norm(Q.T @ Q - np.eye(11), "fro")

    condition, eps = np.linalg.cond(A), np.finfo(float).eps
    assert 1e4 * eps < loss(gram_schmidt(A, modified=False)) < condition**2 * eps
    assert 1e2 * eps < loss(gram_schmidt(A)) < condition * eps
    assert loss(qr(A)[0]) < 20 * eps


def test_dependent_columns_have_no_orthonormal_basis_of_their_number():
    for A in ([[1, 2], [1, 2]], [[1, 2, 3], [4, 5, 6], [7, 8, 9]], [[1, 0], [0, 0]], 1e-150 * np.ones((3, 2))):
        with pytest.raises(ValueError, match=r"column \d of A, of shape .*, depends on the columns before it"):
            gram_schmidt(A)
    with pytest.raises(ValueError, match=r"column 2 of A, of shape \(2, 3\), depends"):
        gram_schmidt([[1, 0, 1], [0, 1, 1]])


def test_orthogonal_matrices_preserve_lengths_angles_and_distances():
    rng = np.random.default_rng(11)
    Q, _ = qr(rng.normal(size=(12, 12)))
    X = rng.normal(size=(20, 12))
    Y = X @ Q.T
    assert_near(Y @ Y.T, X @ X.T, 1e-13)
    distances = np.array([[[norm(a - b) for a in Z] for b in Z] for Z in (X, Y)])
    assert_near(distances[0], distances[1], 1e-13)
    np.testing.assert_array_equal(distances, np.swapaxes(distances, 1, 2))
    assert norm(inverse(Q) - Q.T, "fro") < 1e-13


# --- 2.7 power_iteration, eigh_qr ---


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("largest", [1.0, -1.0])
def test_power_iteration_finds_the_eigenvalue_of_largest_magnitude(scale, largest):
    rng = np.random.default_rng(12)
    Q = orthogonal(rng, 8)
    A = scale * (Q * np.r_[np.linspace(-0.7, 0.8, 7), largest]) @ Q.T
    value, vector, n_iter = power_iteration(A, rng=rng)
    assert value / scale == pytest.approx(largest, rel=1e-14)
    assert abs(vector @ Q[:, -1]) == pytest.approx(1, abs=1e-13)
    assert norm(vector) == pytest.approx(1)
    assert 60 < n_iter < 110  # log(1.5e-8) / log(0.8) = 81


def test_power_iteration_stops_when_the_residual_says_so():
    ratio = 0.9
    A, v0 = np.diag([1, ratio]), [1, 1]
    for tol in (1e-3, 1e-6, 1e-9):
        # after k products the vector is (1, ratio^k), the sine of its angle times 1 - ratio is the residual
        residuals = [(1 - ratio) * ratio**k / (1 + ratio ** (2 * k)) for k in range(400)]
        values = [(1 + ratio ** (2 * k + 1)) / (1 + ratio ** (2 * k)) for k in range(400)]
        first = next(k for k in range(400) if residuals[k] <= tol * values[k])
        assert power_iteration(A, v0, tol=tol)[2] == first + 1


@pytest.mark.parametrize("allowed", [1, 2, 5])
def test_power_iteration_multiplies_as_often_as_it_may(allowed):
    A, calls = np.array([[2.0, 1.0], [1.0, 2.0]]), []
    with pytest.raises(ValueError, match=f"no convergence in {allowed} products"):
        power_iteration(lambda v: (calls.append(1), A @ v)[1], [1.0, 0.0], tol=1e-12, max_iter=allowed)
    assert len(calls) == allowed
    assert power_iteration(A, [1.0, 1.0], max_iter=1)[2] == 1


def test_power_iteration_needs_only_products():
    rng = np.random.default_rng(13)
    B = rng.normal(size=(6, 40))
    products = []

    def multiply(v):
        products.append(v)
        return B @ (B.T @ v)

    value, _, n_iter = power_iteration(multiply, np.ones(6), tol=1e-10)
    assert value == pytest.approx(np.linalg.eigvalsh(B @ B.T)[-1], rel=1e-13)
    assert n_iter == len(products)
    assert power_iteration(lambda v: (2 * v).tolist(), [3.0, 4.0])[0] == pytest.approx(2)


def test_power_iteration_finds_the_stationary_distribution_of_a_chain():
    T = np.array([[0.5, 0.2, 0.1], [0.3, 0.6, 0.4], [0.2, 0.2, 0.5]])  # columns sum to 1; not symmetric
    value, p, _ = power_iteration(T, [1, 0, 0], tol=1e-13)
    assert value == pytest.approx(1)
    assert_near(T @ (p / p.sum()), p / p.sum(), 1e-12)


def test_power_iteration_of_a_zero_matrix_is_zero():
    value, vector, n_iter = power_iteration(np.zeros((3, 3)), [1, 2, 2])
    assert (value, n_iter) == (0, 1)
    assert_near(vector, [1 / 3, 2 / 3, 2 / 3])


@pytest.mark.parametrize("A", [[[0, -1], [1, 0]], [[1, 0], [0, -1]], [[0, 1], [1, 0]]])
def test_power_iteration_says_when_it_does_not_converge(A):
    with pytest.raises(ValueError, match=r"no convergence in 500 products: residual .* \(try A \+ c I\)"):
        power_iteration(A, [1.0, 0.5], max_iter=500)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "a start is needed: v0, or, if A is a matrix, an rng"),
        ({"A": lambda v: v, "rng": RNG}, "a start is needed"),
        ({"v0": [0, 0]}, r"v0 must have an entry other than zero, got shape \(2,\)"),
        ({"A": np.zeros((0, 0)), "rng": RNG}, r"v0 must have an entry other than zero, got shape \(0,\)"),
        ({"v0": [1, 2, 3]}, r"A of shape \(2, 2\) cannot multiply a v0 of shape \(3,\)"),
        ({"v0": [[1, 2]]}, r"v0 must have 1 dimension\(s\), got shape \(1, 2\)"),
        ({"A": np.ones((2, 3)), "rng": RNG}, r"A must be square, got shape \(2, 3\)"),
        ({"v0": [1, 2], "max_iter": 0}, "max_iter must be an integer >= 1, got 0"),
        ({"v0": [1, 2], "tol": -1e-3}, "tol must be a number >= 0, got -0.001"),
        ({"A": lambda v: v * np.nan, "v0": [1, 2]}, r"A v must be finite, got nan at index \(0,\)"),
        ({"A": lambda v: np.ones((2, 1)), "v0": [1, 2]}, r"A v must have 1 dimension\(s\), got shape \(2, 1\)"),
        ({"A": lambda v: np.ones(3), "v0": [1, 2]}, r"size 3 is different from 2"),
    ],
)
def test_power_iteration_refuses_what_it_cannot_start_from(arguments, message):
    with pytest.raises(ValueError, match=message):
        power_iteration(**{"A": np.eye(2), **arguments})


@st.composite
def symmetric(draw):
    """Symmetric matrices, half of them with repeated eigenvalues, at several scales."""
    if draw(st.booleans()):
        A = draw(matrices(square=True))
        return A / 2 + A.T / 2
    n = draw(st.integers(1, 8))
    Q = orthogonal(np.random.default_rng(draw(st.integers(0, 2**32 - 1))), n)
    w = draw(arrays(np.float64, n, elements=st.integers(-2, 2).map(float)))
    A = draw(st.sampled_from(SCALES)) * (Q * w) @ Q.T
    return A / 2 + A.T / 2


@examples
@given(symmetric())
@example(np.zeros((0, 0)))
@example(np.zeros((4, 4)))
@example(np.eye(5))
@example(np.eye(4)[[2, 3, 0, 1]])  # equal to its own Q: shifts of zero would never move it
@example(np.ones((6, 6)))
@example(np.diag([1.0, 1 + 1e-15, 1 - 1e-15]))
def test_eigh_qr_agrees_with_lapack(A):
    w, V = eigh_qr(A)
    assert_near(w, np.linalg.eigvalsh(A), 1e-13, scale=size(A))
    assert (np.diff(w) >= 0).all()
    assert_orthonormal(V)
    assert_near(V * w @ V.T, A, 1e-13)


def test_eigh_qr_takes_about_two_steps_per_eigenvalue(monkeypatch):
    steps = []
    monkeypatch.setattr(linalg, "qr", lambda A: steps.append(len(A)) or qr(A))
    A = np.random.default_rng(14).normal(size=(40, 40))
    w, _ = eigh_qr(A + A.T)
    assert_near(w, np.linalg.eigvalsh(A + A.T), 1e-13)
    assert len(steps) < 2.5 * 40
    assert steps == sorted(steps, reverse=True)  # deflation: the matrix only gets smaller


def test_eigh_qr_separates_close_eigenvalues():
    rng = np.random.default_rng(15)
    Q = orthogonal(rng, 6)
    w = np.array([1, 1 + 1e-9, 1 + 2e-9, 2, 2 + 1e-12, 3])
    A = (Q * w) @ Q.T
    computed, V = eigh_qr((A + A.T) / 2)
    assert_near(computed, w, 1e-14)
    assert_orthonormal(V)


def test_eigh_qr_uses_the_tolerance_and_the_limit_of_steps():
    A = np.array([[1.0, 1e-4], [1e-4, 2.0]])
    assert_near(eigh_qr(A, tol=1e-3, max_iter=0)[0], [1, 2], 1e-15)
    assert_near(eigh_qr(A, max_iter=1)[0], np.linalg.eigvalsh(A), 1e-15)
    with pytest.raises(ValueError, match="eigenvalue 1 did not converge in 0 steps: try a larger max_iter or tol"):
        eigh_qr(A, max_iter=0)


@pytest.mark.parametrize("scale", SCALES)
def test_eigh_qr_refuses_what_is_not_symmetric(scale):
    with pytest.raises(ValueError, match=r"A must be symmetric, but A - A.T has an entry of size"):
        eigh_qr(scale * np.array([[1, 2], [2 + 1e-9, 1]]))
    eigh_qr(scale * np.array([[1, 2], [2 + 1e-15, 1]]))


def test_rayleigh_quotients_stay_between_the_extreme_eigenvalues():
    rng = np.random.default_rng(16)
    B = rng.normal(size=(5, 5))
    w, V = eigh_qr(B + B.T)
    X = rng.normal(size=(10_000, 5))
    quotients = np.einsum("ni,ij,nj->n", X, B + B.T, X) / (X**2).sum(axis=1)
    assert w[0] < quotients.min() < quotients.max() < w[-1]
    assert V[:, 0] @ (B + B.T) @ V[:, 0] == pytest.approx(w[0])
    assert np.trace(B + B.T) == pytest.approx(w.sum())
    assert det(B + B.T) == pytest.approx(np.prod(w))


# --- 2.8 svd_jacobi, low_rank ---


@examples
@given(matrices())
@example(np.zeros((0, 3)))
@example(np.zeros((3, 0)))
@example(np.zeros((0, 0)))
@example(np.zeros((4, 2)))
@example(np.array([[-7.0]]))
@example(np.ones((5, 5)))
@example(np.diag([1.0, 1e-12, 1e-200]))
@example(np.diag([5e-324, 1e-310]))
@example(np.array([[1.7e308, 0.0], [0.0, 1e308]]))
def test_svd_jacobi_agrees_with_lapack(A):
    U, s, Vt = svd_jacobi(A)
    k = min(A.shape)
    assert (U.shape, s.shape, Vt.shape) == ((len(A), k), (k,), (k, A.shape[1]))
    assert_near(s, np.linalg.svd(A, compute_uv=False), 1e-13, scale=size(A))
    assert (np.diff(s) <= 0).all()
    assert (s >= 0).all()
    assert_orthonormal(U)
    assert_orthonormal(Vt.T)
    assert_near(U * (s / size(A)) @ Vt, A / size(A), 1e-13, scale=1)


def test_svd_jacobi_is_exact_on_known_factors():
    rng = np.random.default_rng(17)
    U, V = orthogonal(rng, 9), orthogonal(rng, 6)
    s = np.array([7.0, 7.0, 3.0, 1e-6, 1e-6, 0.0])
    ours_U, ours_s, ours_Vt = svd_jacobi(U[:, :6] * s @ V.T)
    assert_near(ours_s, s, 1e-15)
    assert_near(ours_U[:, :2] @ ours_U[:, :2].T, U[:, :2] @ U[:, :2].T, 1e-14)
    assert abs(ours_U[:, 2] @ U[:, 2]) == pytest.approx(1, abs=1e-14)
    assert abs(ours_Vt[5] @ V[:, 5]) == pytest.approx(1, abs=1e-14)


@pytest.mark.parametrize("shape", [(30, 11), (11, 30), (64, 64), (500, 13)])
def test_svd_jacobi_needs_few_sweeps(shape):
    A = np.random.default_rng(18).normal(size=shape)
    U, s, Vt = svd_jacobi(A, max_sweeps=8 if min(shape) < 20 else 12)
    assert_near(s, np.linalg.svd(A, compute_uv=False), 1e-14)
    assert_near(U * s @ Vt, A, 1e-14)
    with pytest.raises(ValueError, match="not orthogonal after 3 sweeps: try a larger max_sweeps"):
        svd_jacobi(A, max_sweeps=3)


@pytest.mark.parametrize("name", ["vander", "hilbert", "graded", "wide"])
def test_svd_jacobi_converges_on_hard_matrices(name):
    rng = np.random.default_rng(19)
    A = {
        "vander": np.vander(np.linspace(0, 1, 64)),
        "hilbert": scipy.linalg.hilbert(40),
        "graded": np.diag(10.0 ** -np.arange(50)) @ rng.normal(size=(50, 50)),
        "wide": np.vstack([rng.normal(size=(20, 60)), np.zeros((40, 60))]),
    }[name]
    U, s, Vt = svd_jacobi(A)
    assert_near(s, np.linalg.svd(A, compute_uv=False), 1e-14)
    assert_near(U * s @ Vt, A, 1e-13)


def test_svd_jacobi_keeps_float32_to_its_precision():
    A = np.random.default_rng(20).normal(size=(25, 25)).astype(np.float32)
    U, s, Vt = svd_jacobi(A)
    assert_near(s, np.linalg.svd(A.astype(float), compute_uv=False), 1e-6)
    assert_orthonormal(U, 3e-6)
    assert_near(U * s @ Vt, A, 3e-6)


def test_tournament_meets_every_pair_once_and_no_one_twice_in_a_round():
    for n in range(12):
        rounds = [list(zip(i.tolist(), j.tolist(), strict=True)) for i, j in linalg._tournament(n)]
        pairs = sorted(tuple(sorted(pair)) for pairs in rounds for pair in pairs)
        assert pairs == list(itertools.combinations(range(n), 2))
        for pairs in rounds:
            assert len(set(itertools.chain(*pairs))) == 2 * len(pairs)


@examples
@given(matrices(least=1), st.data())
def test_low_rank_error_is_the_discarded_tail(A, data):
    k = data.draw(st.integers(0, min(A.shape)))
    B = low_rank(A, k)
    s = np.linalg.svd(A, compute_uv=False)
    assert norm(A - B, "fro") == pytest.approx(norm(s[k:]), rel=1e-9, abs=1e-13 * size(A))
    assert matrix_rank(B, tol=1e-10 * size(A)) <= k


def test_alternating_least_squares_comes_down_to_low_rank_and_never_crosses():
    rng = np.random.default_rng(21)
    A = rng.normal(size=(30, 20)) * 0.7 ** np.arange(20)
    best = norm(A - low_rank(A, 4), "fro")
    for seed in range(3):
        C = np.random.default_rng(seed).normal(size=(4, 20))
        errors = []
        for _ in range(25):
            B = A @ pinv(C)
            C = pinv(B) @ A
            errors.append(norm(A - B @ C, "fro"))
        assert min(errors) >= best * (1 - 1e-12)
        assert errors[0] > 1.01 * best
        assert errors[-1] < 1.0001 * best
        assert (np.diff(errors) <= 1e-12 * best).all()


@pytest.mark.parametrize("k", [-1, 4, 2.0, "2", None])
def test_low_rank_wants_a_rank_that_exists(k):
    with pytest.raises(ValueError, match=f"k must be an integer from 0 to 3, got {k!r}"):
        low_rank(np.ones((5, 3)), k)


# --- 2.9 pinv ---


@examples
@given(matrices())
@example(np.zeros((0, 3)))
@example(np.zeros((2, 3)))
@example(np.zeros((3, 0)))
def test_pinv_meets_the_four_penrose_conditions(A):
    B = pinv(A)
    assert B.shape == A.shape[::-1]
    assert_near(A @ B @ A, A, 1e-9)
    assert_near(B @ A @ B, B, 1e-9)
    assert_near(A @ B, (A @ B).T, 1e-9, scale=1)
    assert_near(B @ A, (B @ A).T, 1e-9, scale=1)
    assert_near(B, np.linalg.pinv(A, rcond=1e-12), 1e-9)
    assert_near(pinv(A.T), B.T, 1e-9)


def test_pinv_is_the_limit_of_ridge_solutions():
    rng = np.random.default_rng(23)
    for shape in [(7, 3), (3, 7)]:
        A = rng.normal(size=shape)
        ridge = [solve(A.T @ A + alpha * np.eye(shape[1]), A.T) for alpha in (1e-3, 1e-5)]
        errors = [norm(B - pinv(A), "fro") for B in ridge]
        assert errors[1] == pytest.approx(errors[0] / 100, rel=0.02)


def test_pinv_solves_least_squares_with_least_norm():
    rng = np.random.default_rng(24)
    A = rng.normal(size=(8, 3)) @ rng.normal(size=(3, 5))
    b = rng.normal(size=8)
    x = pinv(A) @ b
    assert_near(x, np.linalg.lstsq(A, b, rcond=1e-10)[0], 1e-11)
    assert_near(A.T @ (A @ x - b), np.zeros(5), 1e-12)
    N = null_space(A)
    for _ in range(100):
        other = x + N @ rng.normal(size=2)
        assert norm(other) > norm(x)
        assert norm(A @ other - b) == pytest.approx(norm(A @ x - b))


def test_pinv_cuts_at_rcond_but_never_below_rounding():
    A = np.diag([1.0, 1e-3])
    assert_near(pinv(A), np.diag([1, 1e3]))
    assert_near(pinv(A, rcond=1e-2), np.diag([1.0, 0.0]))
    singular = np.float32([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    assert_near(pinv(singular, rcond=0), np.linalg.pinv(singular.astype(float)), 1e-5)
    with pytest.raises(ValueError, match="rcond must be a number >= 0, got nan"):
        pinv(A, rcond=np.nan)


# --- 2.12 PCA, whiten ---


TABLES = {
    "wine": load_wine().data,
    "tumours": load_breast_cancer().data[:25],  # fewer rows than columns
    "wide": np.random.default_rng(25).normal(size=(9, 40)) * 0.8 ** np.arange(40),
}
every_table = pytest.mark.parametrize("X", TABLES.values(), ids=TABLES.keys())


@every_table
@pytest.mark.parametrize("n_components", [None, 1, 4])
def test_pca_equals_scikit_learn(X, n_components):
    ours, theirs = PCA(n_components).fit(X), SklearnPCA(n_components, svd_solver="full").fit(X)
    kept = slice(0, min(len(ours.components_), len(X) - 1))  # a component without variance has no direction
    signs = np.sign(np.sum(ours.components_ * theirs.components_, axis=1))
    assert_near(ours.mean_, theirs.mean_)
    assert_near(ours.components_[kept], (signs[:, None] * theirs.components_)[kept], 1e-8)
    assert_near(ours.singular_values_, theirs.singular_values_)
    assert_near(ours.explained_variance_, theirs.explained_variance_)
    assert_near(ours.explained_variance_ratio_, theirs.explained_variance_ratio_)
    assert_near(ours.transform(X)[:, kept], (theirs.transform(X) * signs)[:, kept], 1e-8)
    assert_near(ours.inverse_transform(ours.transform(X)), theirs.inverse_transform(theirs.transform(X)), 1e-10)


@every_table
def test_pca_signs_are_a_convention(X):
    for D in (PCA().fit(X).components_, PCA().fit(-X).components_, PCA().fit(X[::-1]).components_):
        assert (D[np.arange(len(D)), np.abs(D).argmax(axis=1)] > 0).all()


@every_table
def test_pca_scores_are_uncorrelated_and_the_error_is_the_variance_left_out(X):
    m = len(X)
    everything = PCA().fit(X).explained_variance_
    for k in (1, 3, 6):
        pca = PCA(k).fit(X)
        scores = pca.transform(X)
        assert_near(np.cov(scores.T).reshape(k, k), np.diag(pca.explained_variance_), 1e-11)
        error = np.mean(np.sum((X - pca.inverse_transform(scores)) ** 2, axis=1))
        assert error == pytest.approx(everything[k:].sum() * (m - 1) / m, rel=1e-8)
        assert pca.explained_variance_ratio_.sum() == pytest.approx(1 - everything[k:].sum() / everything.sum())


def test_pca_one_direction_at_a_time_equals_all_at_once():
    X = TABLES["wine"] / TABLES["wine"].std(axis=0)
    C = np.cov(X.T)
    for component, variance in zip(PCA(5).fit(X).components_, PCA(5).fit(X).explained_variance_, strict=True):
        value, d, _ = power_iteration(C, component, tol=1e-12)
        assert value == pytest.approx(variance)
        assert value == pytest.approx(np.linalg.eigvalsh(C)[-1])
        C = C - value * np.outer(d, d)


@pytest.mark.parametrize("scale", SCALES)
def test_pca_and_whitening_do_not_depend_on_units(scale):
    X = TABLES["wine"]
    pca = PCA(3).fit(scale * X)
    assert_near(pca.components_, PCA(3).fit(X).components_, 1e-10)
    assert_near(pca.explained_variance_ratio_, PCA(3).fit(X).explained_variance_ratio_)
    assert_near(whiten(scale * X, 5)[0], whiten(X, 5)[0], 1e-9)


def test_pca_refuses_data_without_variance_and_impossible_requests():
    X = TABLES["wide"]
    for bad in (X[:1], X[:0], np.zeros((4, 0)), np.full((5, 3), 0.1)):
        with pytest.raises(ValueError, match=r"X needs two different rows to have a variance, got shape \("):
            PCA().fit(bad)
    for k in (0, 10, 1.0):
        with pytest.raises(ValueError, match=f"n_components must be an integer from 1 to 9, got {k!r}"):
            PCA(k).fit(X)
    for method in (PCA().transform, PCA().inverse_transform):
        with pytest.raises(ValueError, match=r"call fit\(X\) first"):
            method(X)
    with pytest.raises(ValueError, match=r"X must have 40 columns, got shape \(9, 39\)"):
        PCA(2).fit(X).transform(X[:, 1:])
    with pytest.raises(ValueError, match=r"Z must have 2 columns, got shape \(9, 40\)"):
        PCA(2).fit(X).inverse_transform(X)


@every_table
@pytest.mark.parametrize("kind", ["pca", "zca"])
def test_whitened_data_have_unit_covariance_on_what_was_kept(X, kind):
    Z, K, mean = whiten(X, 6, kind=kind)
    assert_near(Z, (X - mean) @ K)
    V = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)[2][:6].T
    expected = np.eye(6) if kind == "pca" else V @ V.T
    assert_near(np.cov(Z.T), expected, 1e-8, scale=1)


def test_zca_is_the_symmetric_inverse_root_and_stays_nearest_to_the_data():
    X = TABLES["wine"] / TABLES["wine"].std(axis=0)
    Z, K, mean = whiten(X, kind="zca")
    assert_near(K, K.T, 1e-13)
    assert_near(K, np.real(scipy.linalg.inv(scipy.linalg.sqrtm(np.cov(X.T)))), 1e-9)
    rng = np.random.default_rng(26)
    for rotation in [orthogonal(rng, 13) for _ in range(20)]:
        assert norm(Z - (X - mean), "fro") < norm(Z @ rotation - (X - mean), "fro")


def test_whitening_drops_or_refuses_directions_without_variance():
    rng = np.random.default_rng(27)
    X = np.column_stack([rng.normal(size=(50, 3)) @ rng.normal(size=(3, 5)), np.full(50, 0.3), np.zeros(50)])
    Z, K, _ = whiten(X)
    assert (Z.shape, K.shape) == ((50, 3), (7, 3))
    assert_near(np.cov(Z.T), np.eye(3), 1e-10)
    with pytest.raises(ValueError, match="X varies in 3 directions only: take n_components <= 3, or eps > 0, got 4"):
        whiten(X, 4)
    Z, K, _ = whiten(X, 7, eps=0.1)
    assert_near(np.diag(np.cov(Z.T))[3:], np.zeros(4), 1e-12, scale=1)
    assert np.isfinite(K).all()


@pytest.mark.parametrize("eps", [0.0, 0.5, 100.0])
def test_whitening_adds_eps_to_every_variance(eps):
    X = TABLES["wine"]
    w, V = np.linalg.eigh(np.cov(X.T))
    _, K, _ = whiten(X, kind="zca", eps=eps)
    assert_near(K, V / np.sqrt(w + eps) @ V.T, 1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "cholesky"}, 'kind must be "pca" or "zca", got \'cholesky\''),
        ({"eps": -1e-3}, "eps must be a number >= 0, got -0.001"),
        ({"eps": np.nan}, "eps must be a number >= 0, got nan"),
        ({"n_components": 14}, "n_components must be an integer from 1 to 13, got 14"),
        ({"n_components": 0}, "n_components must be an integer from 1 to 13, got 0"),
    ],
)
def test_whitening_refuses_what_it_does_not_know(arguments, message):
    with pytest.raises(ValueError, match=message):
        whiten(TABLES["wine"], **arguments)


# --- since the book: randomized_svd, newton_schulz ---


def decaying(m=90, n=70, rate=0.9):
    rng = np.random.default_rng(28)
    return orthogonal(rng, m)[:, :n] * rate ** np.arange(n) @ orthogonal(rng, n)


@pytest.mark.parametrize("transpose", [False, True])
def test_randomized_svd_comes_within_a_percent_of_the_optimum(transpose):
    A = decaying().T if transpose else decaying()
    s = np.linalg.svd(A, compute_uv=False)
    ratios = []
    for n_iter in (0, 1, 2):
        errors = []
        for seed in range(5):
            U, ours, Vt = randomized_svd(A, 12, n_iter=n_iter, rng=np.random.default_rng(seed))
            assert_orthonormal(U)
            assert_orthonormal(Vt.T)
            assert (np.diff(ours) <= 0).all()
            assert (ours <= s[:12] * (1 + 1e-12)).all()
            errors.append(norm(A - U * ours @ Vt, "fro"))
        ratios.append(np.mean(errors) / norm(s[12:]))
    assert ratios[0] > ratios[1] > ratios[2] > 1
    assert ratios[2] < 1.01


def test_randomized_svd_is_as_good_as_scikit_learn():
    A = decaying(rate=0.95)

    def error(U, s, Vt):
        return norm(A - U * s @ Vt, "fro")

    ours = [error(*randomized_svd(A, 9, rng=np.random.default_rng(seed))) for seed in range(8)]
    theirs = [error(*sklearn_randomized_svd(A, 9, n_oversamples=10, n_iter=2, random_state=seed)) for seed in range(8)]
    assert np.mean(ours) < 1.002 * np.mean(theirs)


@examples
@given(matrices(least=1), st.integers(0, 3))
def test_randomized_svd_is_exact_when_the_basis_is_complete(A, n_iter):
    assume(A.any())
    k = min(A.shape)
    U, s, Vt = randomized_svd(A, k, n_iter=n_iter, rng=np.random.default_rng(29))
    assert_near(s, np.linalg.svd(A, compute_uv=False), 1e-12, scale=size(A))
    assert_near(U * s @ Vt, A, 1e-12)


@pytest.mark.parametrize("scale", [1e-160, 1e160])
def test_randomized_svd_does_not_depend_on_units(scale):
    A = decaying(40, 30)
    U, s, Vt = randomized_svd(A, 5, rng=np.random.default_rng(30))
    scaled_U, scaled_s, scaled_Vt = randomized_svd(scale * A, 5, rng=np.random.default_rng(30))
    assert_near(scaled_s / scale, s)
    assert_near(scaled_U * s @ scaled_Vt, U * s @ Vt)


def test_randomized_svd_depends_on_its_generator_alone():
    A = decaying(40, 30)
    first, again, other = (randomized_svd(A, 3, rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert (first[0] != other[0]).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 0}, "k must be an integer from 1 to 3, got 0"),
        ({"k": 4}, "k must be an integer from 1 to 3, got 4"),
        ({"n_iter": -1}, "n_iter must be an integer >= 0, got -1"),
        ({"n_oversamples": -1}, "n_oversamples must be an integer >= 0, got -1"),
    ],
)
def test_randomized_svd_refuses_impossible_counts(arguments, message):
    with pytest.raises(ValueError, match=message):
        randomized_svd(**{"A": np.ones((5, 3)), "k": 2, "rng": RNG, **arguments})


@pytest.mark.parametrize("shape", [(48, 20), (20, 48), (9, 9), (5, 1), (1, 5)])
@pytest.mark.parametrize("scale", SCALES)
def test_newton_schulz_reaches_the_polar_factor(shape, scale):
    G = np.random.default_rng(30).normal(size=shape)
    U, _, Vt = np.linalg.svd(G, full_matrices=False)
    X = newton_schulz(scale * G, 14 if shape != (9, 9) else 25)
    assert_near(X, U @ Vt, 1e-12)


def test_a_newton_schulz_step_is_a_polynomial_of_the_singular_values():
    rng = np.random.default_rng(31)
    U, V = orthogonal(rng, 7)[:, :4], orthogonal(rng, 4)
    s = np.array([2.0, 1.0, 0.5, 0.0])
    for a, b, c in [(1.5, -0.5, 0.0), (3.4445, -4.7750, 2.0315), (0.3, 0.2, 0.1)]:
        t = s / norm(s)
        assert_near(newton_schulz(U * s @ V.T, 0, (a, b, c)), U * t @ V.T, 1e-14)
        for n_steps in (1, 2, 3):
            t = a * t + b * t**3 + c * t**5
            assert_near(newton_schulz(U * s @ V.T, n_steps, (a, b, c)), U * t @ V.T, 1e-13)


def test_the_quintic_of_muon_is_fast_and_crude():
    for seed in range(5):
        G = np.random.default_rng(seed).normal(size=(40, 25))
        for n_steps in (5, 10):
            s = np.linalg.svd(newton_schulz(G, n_steps, (3.4445, -4.7750, 2.0315)), compute_uv=False)
            assert 0.6 < s.min() < 0.95
            assert 1.02 < s.max() < 1.25


def test_newton_schulz_refuses_a_matrix_without_direction():
    for G in (np.zeros((3, 2)), np.zeros((0, 2)), np.zeros((2, 0))):
        with pytest.raises(ValueError, match=r"G must have an entry other than zero, got shape"):
            newton_schulz(G, 5)
    with pytest.raises(ValueError, match="n_steps must be an integer >= 0, got -1"):
        newton_schulz(np.eye(2), -1)
    with pytest.raises(ValueError, match="values to unpack"):
        newton_schulz(np.eye(2), 1, (1.5, -0.5))
