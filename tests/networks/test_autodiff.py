"""dlcore.networks.autodiff against differences, complex steps, closed forms, scipy and enumeration of paths."""

import gc
import itertools
import math

import numpy as np
import pytest
import scipy.special
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, mutually_broadcastable_shapes

from dlcore.networks import autodiff as ad
from dlcore.networks.autodiff import (
    Fused,
    Graph,
    Op,
    Tensor,
    checkpoint,
    gnvp,
    grad,
    gradcheck,
    hessian,
    hvp,
    jacobian,
    jvp,
    no_grad,
    pullback,
    unbroadcast,
    vjp,
)

examples = settings(derandomize=True, deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))


def normal(seed, *shape):
    """Numbers that are neither near 0 nor near each other: kinks are out of reach of a difference."""
    rng = np.random.default_rng(seed)
    n = math.prod(shape)
    grid = (rng.permutation(n) + rng.uniform(0.3, 0.7, n) - n // 2) * (3 / max(n, 3)) + 0.01
    return grid.reshape(shape)


def leaf(data, name=None, dtype=np.float64):
    return Tensor(np.asarray(data, dtype=dtype), requires_grad=True, name=name)


def positive(seed, *shape):
    return np.abs(normal(seed, *shape)) + 0.5


def rows(seed, *shape):
    return scipy.special.softmax(normal(seed, *shape), axis=-1)


MASK = np.array([[True, False, True], [False, False, True]])

# name -> (function of Tensors, inputs)
CASES = {
    "identity": (ad.identity, [normal(1, 2, 3)]),
    "add": (ad.add, [normal(1, 2, 3), normal(2, 3)]),
    "add scalar": (lambda a: 2 + a + np.float64(1), [normal(1, 2, 3)]),
    "sub": (ad.sub, [normal(1, 2, 1), normal(2, 3)]),
    "sub scalar": (lambda a: 1 - a, [normal(1)]),
    "mul": (ad.mul, [normal(1, 4, 1, 3), normal(2, 2, 1)]),
    "mul 0-d": (ad.mul, [normal(1), normal(2, 2)]),
    "div": (ad.div, [normal(1, 2, 3), positive(2, 2, 1)]),
    "div scalar": (lambda a: 1 / a, [positive(2, 3)]),
    "neg": (lambda a: -a, [normal(1, 3)]),
    "power 3": (lambda a: a**3, [normal(1, 3)]),
    "power 2, 1, 0": (lambda a: a**2 + a**1 + a**0, [np.zeros(3)]),
    "power -1/2": (lambda a: a ** np.float64(-0.5), [positive(1, 3)]),
    "matmul": (ad.matmul, [normal(1, 2, 3), normal(2, 3, 4)]),
    "matmul stacks": (ad.matmul, [normal(1, 5, 1, 2, 3), normal(2, 4, 3, 2)]),
    "matmul stack and matrix": (ad.matmul, [normal(1, 5, 2, 3), normal(2, 3, 2)]),
    "matmul matrix and stack": (ad.matmul, [normal(1, 2, 3), normal(2, 4, 3, 2)]),
    "matmul vectors": (ad.matmul, [normal(1, 3), normal(2, 3)]),
    "matmul vector left": (lambda a, b: a @ b, [normal(1, 3), normal(2, 4, 3, 2)]),
    "matmul vector right": (lambda a, b: a @ b, [normal(1, 4, 2, 3), normal(2, 3)]),
    "affine": (ad.affine, [normal(1, 5, 3), normal(2, 3, 2), normal(3, 2)]),
    "affine stack": (ad.affine, [normal(1, 4, 5, 3), normal(2, 3, 2), normal(3, 2)]),
    "affine vector": (ad.affine, [normal(1, 3), normal(2, 3, 2), normal(3, 2)]),
    "exp": (ad.exp, [normal(1, 3)]),
    "log": (ad.log, [positive(1, 3)]),
    "sqrt": (ad.sqrt, [positive(1, 3)]),
    "abs": (ad.abs, [normal(1, 3)]),
    "tanh": (ad.tanh, [normal(1, 2, 3)]),
    "sin": (ad.sin, [normal(1, 3)]),
    "cos": (ad.cos, [normal(1, 3)]),
    "sigmoid": (ad.sigmoid, [normal(1, 3)]),
    "softplus": (ad.softplus, [normal(1, 3)]),
    "relu": (ad.relu, [normal(1, 2, 3)]),
    "maximum": (ad.maximum, [normal(1, 2, 3), normal(2, 3) + 0.005]),
    "minimum": (ad.minimum, [normal(1, 2, 3), normal(2, 2, 1) + 0.005]),
    "maximum scalar": (lambda a: ad.maximum(a, 0.0), [normal(1, 2, 3)]),
    "where": (lambda a, b: ad.where(MASK, a, b), [normal(1, 2, 3), normal(2, 2, 1)]),
    "clip": (lambda a: ad.clip(a, -0.5, 0.5), [normal(1, 7)]),
    "sum": (lambda a: a.sum(), [normal(1, 2, 3)]),
    "sum 0-d": (lambda a: a.sum(), [normal(1)]),
    "sum axis": (lambda a: a.sum(axis=1), [normal(1, 2, 3, 2)]),
    "sum axes": (lambda a: a.sum(axis=(0, -1), keepdims=True), [normal(1, 2, 3, 2)]),
    "mean": (lambda a: a.mean(axis=-1), [normal(1, 2, 3)]),
    "max": (lambda a: a.max(), [normal(1, 2, 3)]),
    "max axis": (lambda a: a.max(axis=-1, keepdims=True), [normal(1, 2, 3)]),
    "logsumexp": (ad.logsumexp, [normal(1, 2, 3)]),
    "logsumexp axis": (lambda a: ad.logsumexp(a, axis=0, keepdims=True), [normal(1, 2, 3)]),
    "softmax": (ad.softmax, [normal(1, 2, 3)]),
    "softmax axis": (lambda a: ad.softmax(a, axis=0), [normal(1, 2, 3)]),
    "reshape": (lambda a: a.reshape(3, -1), [normal(1, 2, 3)]),
    "transpose": (lambda a: a.transpose(1, 2, 0), [normal(1, 2, 3, 4)]),
    "T": (lambda a: a.T, [normal(1, 2, 3)]),
    "broadcast_to": (lambda a: ad.broadcast_to(a, (4, 2, 3)), [normal(1, 2, 1)]),
    "getitem slice": (lambda a: a[1:, ::2], [normal(1, 3, 4)]),
    "getitem number": (lambda a: a[-1], [normal(1, 3, 4)]),
    "getitem rows twice": (lambda a: a[np.array([2, 0, 2])], [normal(1, 3, 4)]),
    "getitem list": (lambda a: a[[0, 1, 1], [3, 2, 2]], [normal(1, 3, 4)]),
    "getitem mask": (lambda a: a[MASK], [normal(1, 2, 3)]),
    "put": (lambda a: ad.put(a, np.array([1, 1]), (3, 2)), [normal(1, 2, 2)]),
    "concatenate": (lambda a, b: ad.concatenate([a, b, a], axis=-1), [normal(1, 2, 3), normal(2, 2, 1)]),
    "stack": (lambda a, b: ad.stack([a, b], axis=-1), [normal(1, 2, 3), normal(2, 2, 3)]),
    "pad": (lambda a: ad.pad(a, ((1, 0), (2, 3))), [normal(1, 2, 3)]),
    "pad evenly": (lambda a: ad.pad(a, 1), [normal(1, 2, 3)]),
    "norm": (ad.norm, [normal(1, 2, 3)]),
    "norm axis": (lambda a: ad.norm(a, axis=0), [normal(1, 2, 3)]),
    "cross_entropy": (lambda z: ad.cross_entropy(z, rows(2, 4, 3)), [normal(1, 4, 3)]),
    "cross_entropy of one": (lambda z: ad.cross_entropy(z, rows(2, 3)), [normal(1, 3)]),
    "cross_entropy, learned targets": (
        lambda z, t: ad.cross_entropy(z, ad.softmax(t)),
        [normal(1, 2, 4, 3), normal(2, 2, 4, 3)],
    ),
    "fused": (lambda a, b: FUSED(a, b), [normal(1, 2, 3), normal(2, 3)]),
    "checkpoint": (lambda a, b: checkpoint(lambda a, b: ad.tanh(a * b) * a, a, b), [normal(1, 2, 3), normal(2, 3)]),
}

FUSED = Fused(
    "sum of products",
    lambda a, b: ((a * b).sum(), a + b),
    lambda g, y, saved, a, b: (g * (saved - a) * np.ones_like(a), (g * a).sum(axis=0)),
    lambda a, b: (a * b).sum(),
)


@pytest.mark.parametrize("name", CASES)
def test_first_and_second_derivatives_agree_with_differences(name):
    f, inputs = CASES[name]
    gradcheck(lambda *xs: f(*xs), [leaf(x) for x in inputs], order=2, rng=np.random.default_rng(7))


@pytest.mark.parametrize("name", CASES)
def test_jvp_agrees_with_differences_and_is_adjoint_to_vjp(name):
    f, inputs = CASES[name]
    rng = np.random.default_rng(8)
    xs, vs = [leaf(x) for x in inputs], [rng.normal(size=np.shape(x)) for x in inputs]
    Jv = jvp(f, xs, vs).data
    h = 1e-6
    up, down = (f(*[leaf(x + s * v) for x, v in zip(inputs, vs, strict=True)]).data for s in (h, -h))
    np.testing.assert_allclose(Jv, (up - down) / (2 * h), rtol=1e-6, atol=1e-8)
    u = rng.normal(size=Jv.shape)
    back = sum(np.sum(g.data * v) for g, v in zip(vjp(f, xs, u), vs, strict=True))
    assert back == pytest.approx(np.sum(u * Jv), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_hvp_is_the_hessian_times_v_and_symmetric(name):
    f, inputs = CASES[name]
    rng = np.random.default_rng(9)
    xs = [leaf(x) for x in inputs]
    w = rng.normal(size=f(*xs).shape)

    def scalar(*xs):
        return (ad.tanh(f(*xs)) * w).sum()

    u, v = ([rng.normal(size=x.shape) for x in xs] for _ in range(2))
    Hu, Hv = (np.concatenate([h.data.ravel() for h in hvp(scalar, xs, d)]) for d in (u, v))
    flat_u, flat_v = (np.concatenate([d.ravel() for d in ds]) for ds in (u, v))
    H = hessian(scalar, xs)
    np.testing.assert_allclose(H @ flat_v, Hv, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(H, H.T, rtol=1e-10, atol=1e-10)
    assert flat_u @ Hv == pytest.approx(flat_v @ Hu, rel=1e-10, abs=1e-10)


def test_every_public_op_has_a_case():
    ops = {name for name in ad.__all__ if isinstance(getattr(ad, name), Op)} | {"matmul", "concatenate", "stack"}
    assert ops <= {name.split()[0].rstrip(",") for name in CASES}


@pytest.mark.parametrize("name", ["exp", "log", "sqrt", "tanh", "sin", "cos"])
def test_complex_step(name):
    """An Op called on a complex array runs its forward function: a derivative without cancellation."""
    op, x = getattr(ad, name), positive(3, 5)
    exact = op(x + 1e-30j).imag / 1e-30
    np.testing.assert_allclose(grad(op(z := leaf(x)).sum(), z).data, exact, rtol=4e-16, atol=2e-16)


def test_third_derivative_of_tanh():
    x = leaf(0.7)
    y = ad.tanh(x)
    for _ in range(3):
        y = grad(y, x, create_graph=True)
    t = np.tanh(0.7)
    assert y.item() == pytest.approx((1 - t**2) * (6 * t**2 - 2), rel=4e-16)


def test_logsumexp_differentiates_to_scipys_softmax_at_extreme_logits():
    z = leaf([[1e4, 0.0, -1e4], [-1e4, -1e4, -1e4]])
    np.testing.assert_allclose(grad(ad.logsumexp(z).sum(), z).data, scipy.special.softmax(z.data, axis=1), atol=1e-15)


# --- random graphs ---

UNARY = [ad.tanh, ad.sin, ad.sigmoid, ad.softplus, lambda a: a * a, lambda a: a.sum(), lambda a: ad.exp(-a * a)]
BINARY = [
    ad.add,
    ad.sub,
    ad.mul,
    lambda a, b: a / (2 + b * b),
    lambda a, b: ad.logsumexp(ad.stack([a + 0 * b, b + 0 * a]), axis=0),
]


@st.composite
def programs(draw, n_leaves=3):
    """A program of a few steps over operands that broadcast; steps may use anything made before, also twice."""
    shapes = draw(mutually_broadcastable_shapes(num_shapes=n_leaves, max_dims=3, min_side=0, max_side=3)).input_shapes
    steps, n = [], n_leaves
    for _ in range(draw(st.integers(1, 6))):
        pick = st.integers(0, n - 1)
        steps.append(
            draw(st.one_of(st.tuples(st.sampled_from(UNARY), pick), st.tuples(st.sampled_from(BINARY), pick, pick)))
        )
        n += 1
    return shapes, steps


def run(steps, leaves):
    values = list(leaves)
    for op, *where in steps:
        values.append(op(*[values[i] for i in where]))
    return values[-1].sum()


@given(programs(), st.integers(0, 2**32 - 1))
@examples
def test_random_graphs_at_both_orders(program, seed):
    shapes, steps = program
    rng = np.random.default_rng(seed)
    xs = [leaf(rng.normal(size=shape)) for shape in shapes]
    gradcheck(lambda *xs: run(steps, xs), xs, order=2, rng=rng, n_directions=1, atol=1e-6)


@given(programs(), st.integers(0, 2**32 - 1))
@examples
def test_random_graphs_forward_reverse_and_both_dtypes(program, seed):
    shapes, steps = program
    rng = np.random.default_rng(seed)
    arrays, vs = ([rng.normal(size=shape) for shape in shapes] for _ in range(2))
    xs = [leaf(x) for x in arrays]
    gradients = grad(run(steps, xs), xs, unused="zero")
    along = sum(np.sum(g.data * v) for g, v in zip(gradients, vs, strict=True))
    assert jvp(lambda *xs: run(steps, xs), xs, vs).item() == pytest.approx(along, rel=1e-9, abs=1e-9)
    low = [leaf(x, dtype=np.float32) for x in arrays]
    for g, h in zip(grad(run(steps, low), low, unused="zero"), gradients, strict=True):
        assert g.dtype == np.float32 and g.shape == h.shape
        np.testing.assert_allclose(g.data, h.data, rtol=2e-3, atol=2e-3 * (1 + np.abs(h.data).max(initial=0)))


@given(programs(), st.integers(0, 2**32 - 1))
@examples
def test_running_a_graph_again_is_computing_it_anew(program, seed):
    shapes, steps = program
    rng = np.random.default_rng(seed)
    xs = [leaf(rng.normal(size=shape)) for shape in shapes]
    other = [rng.normal(size=shape) for shape in shapes]
    y = run(steps, xs)
    outputs = [y, *grad(y, xs, create_graph=True, unused="zero")]
    again = Graph(outputs).run(dict(zip(xs, other, strict=True)))
    fresh = [leaf(x) for x in other]
    z = run(steps, fresh)
    for a, b in zip(again, [z, *grad(z, fresh, unused="zero")], strict=True):
        np.testing.assert_allclose(a.data, b.data, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("shape", "target"), [((1, 3), (3,)), ((3,), (2,)), ((2, 3), (2, 1)), ((1,), ())])
def test_broadcast_to_refuses_what_numpy_refuses(shape, target):
    with pytest.raises(ValueError, match=r"broadcast|more dimensions"):
        np.broadcast_to(np.zeros(shape), target)
    for x in (np.zeros(shape), Tensor(np.zeros(shape))):
        with pytest.raises(ValueError, match="broadcast_to: "):
            ad.broadcast_to(x, target)


@given(mutually_broadcastable_shapes(num_shapes=2, max_dims=4, min_side=0, max_side=3))
@examples
def test_unbroadcast_is_the_adjoint_of_broadcast_to(drawn):
    rng = np.random.default_rng(1)
    shape = drawn.input_shapes[0]
    a, g = rng.normal(size=shape), rng.normal(size=drawn.result_shape)
    summed = unbroadcast(g, a)
    assert summed.shape == shape
    assert np.sum(summed * a) == pytest.approx(np.sum(g * np.broadcast_to(a, g.shape)), abs=1e-12)


@given(array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3), st.data())
@examples
def test_getitem_and_put_are_adjoint(shape, data):
    from hypothesis.extra.numpy import basic_indices

    index = data.draw(basic_indices(shape, allow_newaxis=True))
    rng = np.random.default_rng(2)
    x = rng.normal(size=shape)
    g = rng.normal(size=np.shape(x[index]))
    assert np.sum(g * x[index]) == pytest.approx(np.sum(ad.put(g, index, shape) * x), abs=1e-12)


# --- the table ---


def test_fifty_doublings_have_two_to_the_fifty_paths():
    x = leaf(1.0)
    z = x
    for _ in range(50):
        z = z + z
    assert grad(z, x).item() == 2.0**50


def test_naive_enumeration_of_paths_agrees():
    x = leaf(0.5)
    nodes = [x]
    for k in range(12):
        nodes.append(nodes[-1] * nodes[-1] if k % 5 == 0 else nodes[-1] + ad.sin(nodes[-1]))

    def paths(v):
        if v is x:
            return 1.0
        ones = np.ones_like(v.data)
        return sum(float(v.op.vjp(i)(ones, v.data, *v.values)) * paths(a) for i, a in enumerate(v.args))

    assert grad(nodes[-1], x).item() == pytest.approx(paths(nodes[-1]), rel=1e-12)


def test_each_edge_is_visited_once():
    calls = []
    double = Op("double", lambda x: 2 * x, lambda g, y, x: calls.append(1) or 2 * g)
    x = leaf(1.0)
    y = double(x)
    z = double(y) + double(y) + y
    assert grad(z, x).item() == 10.0 and len(calls) == 3


def test_a_chain_of_100_000_nodes():
    x = leaf(0.1)
    y = x
    for _ in range(100_000):
        y = -y
    assert grad(y, x).item() == 1.0
    y.backward()
    assert x.grad == 1.0
    H = grad(grad(y * y, x, create_graph=True), x)
    assert H.item() == 2.0


def test_graphs_are_freed_without_the_collector():
    gc.disable()
    try:
        before = sum(isinstance(o, Tensor) for o in gc.get_objects())
        x = leaf(np.ones(3))
        for _ in range(20):
            loss = (ad.tanh(x) * x).sum()
            loss.backward()
            grad(grad(loss, x, create_graph=True).sum(), x)
        del loss
        assert sum(isinstance(o, Tensor) for o in gc.get_objects()) == before + 1
    finally:
        gc.enable()


def test_results_on_the_way_receive_total_derivatives():
    x = leaf(0.3, "x")
    h = ad.exp(x)
    y = h * x + ad.sin(h)
    dh, dx = grad(y, [h, x])
    assert dh.item() == pytest.approx(0.3 + np.cos(np.exp(0.3)))
    assert dx.item() == pytest.approx(np.exp(0.3) + dh.item() * np.exp(0.3))
    assert grad(y, y).item() == 1.0


def test_several_outputs_add_up():
    x = leaf([1.0, 2.0])
    y = x * x
    (g,) = grad([y, y, y.sum()], [x], [[1.0, 0.0], [0.0, 1.0], None])
    np.testing.assert_array_equal(g.data, 2 * (2 * x.data))


def test_backward_adds_up_and_never_changes_a_gradient_in_place():
    a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    loss = (a + b).sum()
    loss.backward()
    first = a.grad
    loss.backward()
    np.testing.assert_array_equal(first, [1.0, 1.0])
    np.testing.assert_array_equal(a.grad, [2.0, 2.0])
    np.testing.assert_array_equal(b.grad, [2.0, 2.0])


def test_a_constant_array_on_the_left_reaches_the_engine():
    w = leaf([2.0, 3.0])
    X = np.array([[1.0, 2.0], [3.0, 4.0]])
    for y in (X @ w, X + w, X * w, X / w, X - w):
        assert isinstance(y, Tensor) and y.requires_grad
    np.testing.assert_array_equal(grad((X @ w).sum(), w).data, [4.0, 6.0])


def test_ops_on_arrays_are_numpy():
    X = normal(5, 3, 2)
    for y, expected in [
        (ad.exp(X), np.exp(X)),
        (ad.concatenate([X, X]), np.concatenate([X, X])),
        (ad.stack([X, X], axis=1), np.stack([X, X], axis=1)),
        (ad.matmul(X, X[0]), X @ X[0]),
        (ad.max(X, axis=0), X.max(axis=0)),
        (FUSED(X, X[0]), np.sum(X * X[0])),
    ]:
        assert not isinstance(y, Tensor)
        np.testing.assert_array_equal(y, expected)
    assert ad.exp(np.float32(1)).dtype == np.float32


def test_ties_share_and_kinks_have_a_convention():
    x = leaf([2.0, 2.0, 1.0])
    np.testing.assert_array_equal(grad(x.max(), x).data, [0.5, 0.5, 0])
    np.testing.assert_array_equal(grad(ad.maximum(x, 2.0).sum(), x).data, [0.5, 0.5, 0])
    np.testing.assert_array_equal(grad(ad.minimum(x, 2.0).sum(), x).data, [0.5, 0.5, 1])
    with np.errstate(invalid="ignore"):  # as many largest entries as rows, but not one in each
        X = leaf([[np.nan, 1.0], [2.0, 2.0]])
        np.testing.assert_array_equal(grad(X.max(axis=1).sum(), X).data, [[np.nan, np.nan], [0.5, 0.5]])
    zero = leaf([0.0, 0.0])
    for f in (ad.relu, ad.abs, ad.norm):
        np.testing.assert_array_equal(grad(f(zero).sum(), zero).data, [0.0, 0.0])
    ends = leaf([-2.0, -1.0, 0.0, 1.0, 2.0])
    np.testing.assert_array_equal(grad(ad.clip(ends, -1.0, 1.0).sum(), ends).data, [0, 1, 1, 1, 0])


def test_a_gradient_is_a_constant_unless_its_graph_is_wanted():
    x = leaf([1.0, 2.0])
    y = (x * x * x).sum()
    assert not grad(y, x).requires_grad
    slope = grad(y, x, create_graph=True)
    np.testing.assert_array_equal(grad(slope.sum(), x).data, [6.0, 12.0])


@pytest.mark.parametrize("axes", [(6,), (2, 3), (3, 1, 2)])
def test_cross_entropy_is_the_mean_of_its_rows_at_both_orders(axes):
    z, q, v = leaf(normal(4, 6, 4)), rows(5, 6, 4), normal(6, 6, 4)
    flat = hvp(lambda z: sum((ad.logsumexp(z[i]) - (z[i] * q[i]).sum() for i in range(6)), 0.0) / 6, [z], [v])[0]
    Z, V = leaf(z.data.reshape(*axes, 4)), v.reshape(*axes, 4)
    stacked = hvp(lambda z: ad.cross_entropy(z, q.reshape(*axes, 4)), [Z], [V])[0]
    np.testing.assert_allclose(stacked.data.reshape(6, 4), flat.data, rtol=1e-12, atol=1e-16)


def test_no_path_is_an_error_or_zero():
    x, w = leaf(1.0, "x"), leaf([1.0, 2.0])
    with pytest.raises(ValueError, match="no gradient path from output to input 'x'"):
        grad(w.sum(), x)
    with pytest.raises(ValueError, match="no gradient path from output to input 1"):
        grad(x * x, [x, w])
    assert grad(w.sum(), x, unused="zero").item() == 0.0
    slope = grad(3 * x, x, create_graph=True)
    assert hvp(lambda x: 3 * x, [x], [1.0])[0].item() == 0.0 and slope.item() == 3.0


# --- changes in place, no_grad, checkpoints, fused ---


def test_a_leaf_changed_in_place_is_refused():
    W, v = leaf(np.ones((2, 2)), "W1"), leaf(np.ones(2))
    loss = ((W @ v) ** 2).sum()
    W.data -= 0.1
    W.touch()
    for use in (loss.backward, lambda: grad(loss, W), lambda: grad(loss, v), lambda: grad(loss, [W, v])):
        with pytest.raises(ValueError, match="W1 changed in place after the forward pass"):
            use()
    ((W @ v) ** 2).sum().backward()
    with pytest.raises(ValueError, match="only a leaf may change in place, not the result of sum"):
        loss.touch()


def test_no_grad_keeps_nothing():
    x = leaf([1.0])
    with no_grad():
        y = ad.tanh(x) * x
        with pytest.raises(ZeroDivisionError):
            1 / 0  # noqa: B018
    assert y.op is None and not y.requires_grad
    assert (x * x).requires_grad
    with pytest.raises(KeyError), no_grad():
        raise KeyError
    assert (x * x).requires_grad


def segments(n_layers, n_segments):
    W = [leaf(normal(k, 4, 4)) for k in range(n_layers)]
    x = leaf(normal(99, 6, 4), "x")

    def plain(h, *weights):
        for w in weights:
            h = ad.tanh(h @ w)
        return h

    def checkpointed(x, *weights):
        size = n_layers // n_segments
        for k in range(0, n_layers, size):
            x = checkpoint(plain, x, *weights[k : k + size])
        return x

    return plain, checkpointed, [x, *W]


def test_checkpoints_keep_less_and_change_no_gradient():
    plain, checkpointed, xs = segments(64, 8)
    a, b = (f(*xs).sum() for f in (plain, checkpointed))
    for g, h in zip(grad(a, xs), grad(b, xs), strict=True):
        np.testing.assert_array_equal(g.data, h.data)
    leaves = sum(x.data.nbytes for x in xs)
    assert (Graph(b).nbytes() - leaves) / (Graph(a).nbytes() - leaves) < 2 / 8


def test_checkpoints_have_second_derivatives():
    plain, checkpointed, xs = segments(6, 3)
    vs = [normal(k, *x.shape) for k, x in enumerate(xs)]
    for g, h in zip(*(hvp(lambda *xs, f=f: f(*xs).sum(), xs, vs) for f in (plain, checkpointed)), strict=True):
        np.testing.assert_allclose(g.data, h.data, rtol=1e-10, atol=1e-12)


def test_a_checkpoint_refuses_parameters_in_its_closure():
    W, x = leaf(np.ones((2, 2)), "W"), leaf(np.ones(2))
    with pytest.raises(ValueError, match=r"^checkpoint: parameter 'W' is used but not passed$"):
        checkpoint(lambda x: ad.tanh(x @ W), x)
    assert checkpoint(lambda x, n: (x * n).sum(), x, 3).item() == 6


def test_fused_equals_its_composite_even_if_one_argument_is_made_from_the_other():
    def fused(x):
        a = x * 2.0
        return FUSED(ad.stack([a, a]), ad.exp(a))

    def composed(x):
        a = x * 2.0
        return FUSED.composite(ad.stack([a, a]), ad.exp(a))

    x, v = leaf(normal(1, 3)), [normal(2, 3)]
    np.testing.assert_allclose(grad(fused(x), x).data, grad(composed(x), x).data, rtol=1e-12)
    np.testing.assert_allclose(grad(fused(x), x, create_graph=True).data, grad(composed(x), x).data, rtol=1e-12)
    np.testing.assert_allclose(hvp(fused, [x], v)[0].data, hvp(composed, [x], v)[0].data, rtol=1e-12)


def test_fused_without_a_gradient_still_works_under_no_grad():
    square = Fused("square", lambda x: (x * x, None), None, lambda x: x * x)
    x = leaf(3.0)
    y = square(x)
    with no_grad():
        assert grad(y, x).item() == 6.0


# --- Jacobians, Hessians, Gauss-Newton ---


def test_jacobian_products_are_the_chain_rule():
    x = leaf(normal(1, 3))
    A, B = normal(2, 3, 4), normal(3, 4, 2)

    def inner(x):
        return ad.tanh(x @ A)

    def outer(h):
        return ad.sin(h @ B)

    product = jacobian(outer, Tensor(inner(x).data, requires_grad=True)) @ jacobian(inner, x)
    for mode in ("reverse", "forward"):
        np.testing.assert_allclose(jacobian(lambda x: outer(inner(x)), x, mode), product, rtol=1e-12, atol=1e-14)
    with pytest.raises(ValueError, match="'sideways'"):
        jacobian(inner, x, "sideways")


def test_jacobian_of_tensors_of_any_shape():
    x = leaf(normal(1, 2, 3))
    expected = np.zeros((3, 2, 2, 3))
    for i, j in itertools.product(range(2), range(3)):
        expected[j, i, i, j] = 2 * x.data[i, j]
    for mode in ("reverse", "forward"):
        np.testing.assert_allclose(jacobian(lambda x: (x * x).T, x, mode), expected)


def test_hessian_of_a_quadratic_form_over_two_inputs():
    A = normal(1, 5, 5)
    x, y = leaf(normal(2, 2)), leaf(normal(3, 3, 1))

    def f(x, y):
        z = ad.concatenate([x, y.reshape(3)])
        return z @ A @ z

    np.testing.assert_allclose(hessian(f, [x, y]), A + A.T, rtol=1e-12)
    with pytest.raises(ValueError, match="2001 x 2001"):
        hessian(lambda x: x.sum(), [leaf(np.ones(2001))])


def test_gauss_newton_is_j_transposed_h_j():
    W, X = leaf(normal(1, 3, 2)), normal(2, 5, 3)

    def f(W):
        return ad.tanh(X @ W)

    def loss(y):
        return (ad.exp(y) + y * y).sum()

    v = normal(3, 3, 2)
    J = jacobian(f, W).reshape(10, 6)
    H = hessian(loss, [Tensor(f(W).data, requires_grad=True)])
    np.testing.assert_allclose(gnvp(f, loss, [W], [v])[0].data.ravel(), J.T @ H @ J @ v.ravel(), rtol=1e-12)


def test_gauss_newton_is_the_hessian_where_the_model_is_linear():
    W, X, q, v = leaf(normal(1, 3, 4)), normal(2, 5, 3), rows(3, 5, 4), normal(4, 3, 4)
    G = gnvp(lambda W: X @ W, lambda z: ad.cross_entropy(z, q), [W], [v])[0].data
    np.testing.assert_allclose(G, hvp(lambda W: ad.cross_entropy(X @ W, q), [W], [v])[0].data, rtol=1e-12, atol=1e-15)


# --- dtypes and messages ---


def test_dtypes():
    assert Tensor([1, 2]).dtype == Tensor([1.5]).dtype == Tensor(np.arange(3)).dtype == Tensor(True).dtype == np.float32
    for dtype in (np.float16, np.float32, np.float64):
        assert Tensor(np.ones(2, dtype)).dtype == dtype
        assert Tensor(np.ones(2, dtype).sum()).dtype == dtype
    x = leaf([1.0, 2.0], dtype=np.float32)
    for y in (x * 2.0, x * np.float64(2), x * np.float64(2) / 3, ad.power(x, np.float64(2)), x * (x > 1), x.mean()):
        assert y.dtype == np.float32
        assert grad(y.sum(), x).dtype == grad(y.sum(), x, create_graph=True).dtype == np.float32
    with pytest.raises(ValueError, match="real numbers, got complex128"):
        Tensor(np.array([1j]))


def test_mixed_dtypes_are_refused():
    a, b = leaf([1.0], dtype=np.float32), leaf([1.0])
    for x, y in ((a, b), (b, a)):
        with pytest.raises(TypeError, match=r"^mul: float(32|64) and float(32|64) operands; cast one$"):
            x * y
    with pytest.raises(TypeError, match=r"^add: float32 and float64 operands; cast one$"):
        a + np.ones(1)
    with pytest.raises(TypeError, match=r"^add: float32 and int64 operands; cast one$"):
        a + np.arange(1)
    floor = Op("floor", lambda x: np.floor(x).astype(int))
    with pytest.raises(TypeError, match="floor: float64 operands gave"):
        floor(b)


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (
            lambda: Tensor(np.ones((32, 10))) + np.ones(32),
            "add: shapes (32, 10) and (32,) do not broadcast; did you mean reshape(-1, 1)?",
        ),
        (lambda: Tensor(np.ones((2, 3))) * np.ones((3, 2)), "mul: shapes (2, 3) and (3, 2) do not broadcast"),
        (lambda: Tensor(np.ones((2, 3))) @ np.ones((2, 3)), "matmul: shapes (2, 3) and (2, 3) do not fit"),
        (
            lambda: ad.where(np.ones(2, bool), Tensor(np.ones(3)), np.ones(3)),
            "where: shapes (2,), (3,) and (3,) do not broadcast",
        ),
        (lambda: Tensor(np.ones(6)).reshape(4, 2), "reshape: cannot reshape array of size 6 into shape (4,2)"),
        (
            lambda: ad.concatenate([Tensor(np.ones((2, 3))), np.ones((3, 2))]),
            "concatenate: shapes (2, 3) and (3, 2) do not fit",
        ),
        (lambda: leaf(np.ones((32, 10))).backward(), "backward() needs a scalar, got (32, 10)"),
        (lambda: Tensor(1.0).backward(), "backward() found nothing that requires a gradient"),
        (
            lambda: grad(leaf([1.0, 2.0]) * 2, leaf(1.0)),
            "grad() needs a scalar or a grad_output, got an output of shape (2,)",
        ),
        (lambda: grad(x := leaf([1.0, 2.0]), x, [1.0]), "grad_output of shape (1,) for an output of shape (2,)"),
        (lambda: Tensor(np.ones((0, 3))).mean(axis=0), "mean: nothing to average in shape (0, 3) along axis 0"),
        (
            lambda: ad.cross_entropy(Tensor(np.ones((0, 3))), np.ones((0, 3))),
            "cross_entropy: mean over nothing, logits of shape (0, 3)",
        ),
        (lambda: Tensor(1.0) @ Tensor([1.0]), "matmul: a number has no columns; use *"),
    ],
    ids=itertools.count(),
)
def test_messages(use, message):
    with pytest.raises(ValueError) as raised:
        use()
    assert str(raised.value) == message


def test_an_argument_without_vjp_is_named():
    x = leaf([2.0])
    with pytest.raises(TypeError, match="power: argument 1 has no derivative"):
        grad((x**x).sum(), x)
    with pytest.raises(TypeError, match="where: argument 0 has no derivative"):
        grad(ad.where(x, x, x), x)


def test_gradcheck_finds_a_wrong_gradient():
    rng = np.random.default_rng(0)
    wrong = Op("wrong", np.sin, lambda g, y, x: g * 2 * ad.cos(x))
    with pytest.raises(AssertionError, match=r"input 'x': analytic .*, numeric .*, ratio (2|1.99999.|2.00000.)$"):
        gradcheck(wrong, [leaf(normal(1, 3), "x")], rng=rng)
    once = Op("once", np.sin, lambda g, y, x: g * np.cos(x.data if isinstance(x, Tensor) else x))
    gradcheck(once, [leaf(normal(1, 3))], rng=rng)
    with pytest.raises(AssertionError, match="derivative of the gradient of input 0: input 0: analytic 0, numeric"):
        gradcheck(once, [leaf(normal(1, 3))], order=2, rng=rng)
    for bad in (leaf([1.0], "x", np.float32), Tensor(np.ones(1), name="x")):
        with pytest.raises(ValueError, match="unlike input 'x'"):
            gradcheck(ad.sin, [bad], rng=rng)


@pytest.mark.parametrize(("excess", "accepted"), [(0.9e-5, True), (1.2e-5, False)])
def test_gradcheck_draws_the_line_where_it_is_told(excess, accepted):
    wrong = Op("wrong", lambda x: 3.0 * x, lambda g, y, x: g * 3.0 * (1 + excess))
    if accepted:
        assert gradcheck(wrong, [leaf([2.0])], rng=np.random.default_rng(2)) == pytest.approx(0.9, rel=0.02)
    else:
        with pytest.raises(AssertionError, match=r"ratio 1\.00001"):
            gradcheck(wrong, [leaf([2.0])], rng=np.random.default_rng(2))


def test_gradcheck_reads_parameters_that_f_holds():
    W = leaf(normal(1, 3, 2), "W")
    gradcheck(lambda *_: ad.tanh(normal(2, 4, 3) @ W), [W], order=2, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(W.data, normal(1, 3, 2))


# --- Tensors and graphs as objects ---


def test_tensors_behave_like_arrays_where_they_may():
    x = Tensor([[1.0, 2.0], [3.0, 4.0]], name="x")
    assert x.shape == (2, 2) and x.ndim == 2 and x.size == 4 and len(x) == 2
    assert [row.data.tolist() for row in x] == [[1.0, 2.0], [3.0, 4.0]]
    assert (x > 2).tolist() == [[False, False], [True, True]] and (x <= Tensor(1.0)).sum() == 1
    assert (x >= 4).sum() == 1 and (x < 2.0).sum() == 1
    assert bool(Tensor(0.0)) is False
    assert repr(x).startswith("Tensor(array([[1., 2.],") and repr(x).endswith("name='x')")
    assert repr(leaf(1.0)) == "Tensor(array(1.), requires_grad=True)" and repr(ad.exp) == "<Op exp>"
    assert x.detach().data is x.data and x.transpose().data.tolist() == x.T.data.tolist()
    with pytest.raises(TypeError):
        np.exp(x)


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), ()])
@pytest.mark.parametrize("keepdims", [False, True])
def test_sums_means_and_maxima_are_those_of_the_array(axis, keepdims):
    a = normal(8, 2, 3, 4)
    for name in ("sum", "mean", "max"):
        mine = getattr(leaf(a), name)(axis=axis, keepdims=keepdims).data
        theirs = getattr(a, name)(axis=axis, keepdims=keepdims)
        np.testing.assert_allclose(mine, theirs, rtol=1e-14)
        assert mine.shape == theirs.shape


@pytest.mark.parametrize(
    ("left", "right"),
    [((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((4, 2, 3), (3,)), ((3,), (4, 3, 2)), ((5, 1, 2, 3), (3,))],
)
def test_vectors_and_stacks_multiply_as_in_numpy(left, right):
    a, b = normal(1, *left), normal(2, *right)
    product = leaf(a) @ leaf(b)
    np.testing.assert_allclose(product.data, a @ b, rtol=1e-13)
    assert product.shape == (a @ b).shape


def test_graph_of_the_figure():
    X, W, b = Tensor(normal(1, 4, 3), name="X"), leaf(normal(2, 3, 2), "W"), leaf(normal(3, 2), "b")
    H = ad.relu(X @ W + b)
    graph = Graph(H)
    assert [v.name or graph.operation(v).name for v in graph.nodes] == ["X", "W", "b", "matmul", "add", "relu"]
    assert graph.inputs(graph.nodes[3]) == [X, W] and graph.consumers(b) == [graph.nodes[4]]
    square = Graph(W * W)
    assert len(square.consumers(W)) == 2
    assert graph.nbytes() == sum(v.data.nbytes for v in graph.nodes)
    view = Graph(W.reshape(6))
    assert view.nbytes() == W.data.nbytes


def test_pullback_fills_one_table():
    x = leaf(2.0)
    y = x * x
    z = y * x
    table = pullback({z: np.array(1.0)}, [x, y])
    assert table == {x: 12.0, y: 2.0}
