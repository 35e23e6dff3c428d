"""dlcore.networks.backprop against the engine, against counts of edges, and against sums over paths."""

import itertools
import math

import numpy as np
import pytest

from dlcore.networks import autodiff as ad
from dlcore.networks import backprop as bp
from dlcore.networks.autodiff import Graph, Op, Tensor, grad


def leaf(data, name=None):
    return Tensor(np.array(data, dtype=np.float64), requires_grad=True, name=name)


# --- algorithms 6.1 and 6.2 ---


def test_scalar_algorithms_agree_with_the_engine():
    f = [lambda a, b: a * b, math.sin, lambda a, b, c: a * b + c, math.exp]
    df = [lambda a, b: [b, a], lambda a: [math.cos(a)], lambda a, b, c: [b, a, 1], lambda a: [math.exp(a)]]
    parents = [[0, 1], [2], [2, 3, 0], [4]]
    u = bp.scalar_forward([0.7, -0.4], f, parents)
    table = bp.scalar_backward(u, df, parents)

    x, y = leaf(0.7), leaf(-0.4)
    p = x * y
    q = ad.sin(p)
    r = p * q + x
    z = ad.exp(r)
    assert u[-1] == pytest.approx(z.item(), rel=1e-15)
    expected = [g.item() for g in grad(z, [x, y, p, q, r, z])]
    np.testing.assert_allclose(table, expected, rtol=1e-12)


def test_a_node_may_be_its_childs_parent_twice():
    parents = [[0, 0]]
    u = bp.scalar_forward([3.0], [lambda a, b: a * b], parents)
    assert bp.scalar_backward(u, [lambda a, b: [b, a]], parents)[0] == 6


def test_fifty_doublings_need_one_product_per_edge():
    calls = []

    def derivative(a, b):
        calls.append(1)
        return [1.0, 1.0]

    parents = [[k, k] for k in range(50)]
    u = bp.scalar_forward([1.0], [lambda a, b: a + b] * 50, parents)
    assert u[-1] == 2.0**50
    assert bp.scalar_backward(u, [derivative] * 50, parents)[0] == 2.0**50 and len(calls) == 50


# --- algorithms 6.3 and 6.4 ---


@pytest.mark.parametrize("sizes", [(3, 2), (4, 5, 3), (2, 6, 1, 4, 3)])
@pytest.mark.parametrize("lam", [0.0, 0.3])
def test_mlp_algorithms_agree_with_the_engine(sizes, lam):
    rng = np.random.default_rng(len(sizes))
    X, Y = rng.normal(size=(7, sizes[0])), rng.normal(size=(7, sizes[-1]))
    W = [rng.normal(size=s) for s in itertools.pairwise(sizes)]
    b = [rng.normal(size=n) for n in sizes[1:]]
    tanh, sine = (np.tanh, lambda a: 1 - np.tanh(a) ** 2, ad.tanh), (np.sin, np.cos, ad.sin)
    softplus = (lambda a: np.log1p(np.exp(a)), lambda a: 1 / (1 + np.exp(-a)), ad.softplus)
    f, df, engine = zip(*[tanh, sine, softplus, tanh][: len(W)], strict=True)  # a layer has its own

    def L(out, y):
        return float(((out - y) ** 2).sum() / len(y))

    def dL(out, y):
        return 2 * (out - y) / len(y)

    def Omega(W, b):
        return float(sum((w**2).sum() for w in W) + sum((c**3).sum() for c in b))

    def dOmega(W, b):
        return [2 * w for w in W], [3 * c**2 for c in b]

    a, h, J = bp.mlp_forward(X, Y, W, b, f, L, Omega, lam)
    dW, db = bp.mlp_backward(a, h, Y, W, b, df, dL, dOmega, lam)

    tW, tb = [leaf(w) for w in W], [leaf(c) for c in b]
    out = Tensor(X)
    for w, c, activation in zip(tW, tb, engine, strict=True):
        out = activation(out @ w + c)
    cost = ((out - Y) ** 2).sum() / 7
    for w, c in zip(tW, tb, strict=True):
        cost = cost + lam * ((w**2).sum() + (c**3).sum())
    assert pytest.approx(cost.item(), rel=1e-12) == J
    for mine, theirs in zip([*dW, *db], grad(cost, [*tW, *tb]), strict=True):
        np.testing.assert_allclose(mine, theirs.data, rtol=1e-12, atol=1e-13)


# --- algorithms 6.5 and 6.6 ---


def reused(x, w):
    y = x * x
    return (ad.exp(y * w) + y).sum(), [x, w]


def perceptron(x, w):
    h = ad.relu(x @ w.reshape(3, 1) + 0.1)
    return ad.cross_entropy(ad.concatenate([h, 1 - h], axis=1), np.eye(2)[[0, 1]]), [x, w]


def on_the_way(x, w):
    h = ad.tanh(x * w)
    return (h * h * x).sum() + h.sum(), [h, x]


def long_way(x, w):
    for _ in range(5):
        x = ad.sin(x) + x * w
    return ad.logsumexp(x.reshape(6)), [w]


def dead_branch(x, w):
    ad.exp(x)
    unused = w * 3
    y = ad.softmax(x + w)
    return (y * y).sum() + 0.0 * unused.sum(), [w]


GRAPHS = [reused, perceptron, on_the_way, long_way, dead_branch]


@pytest.mark.parametrize("build", GRAPHS)
def test_backprop_agrees_with_the_engine(build):
    rng = np.random.default_rng(3)
    x, w = leaf(rng.normal(size=(2, 3)), "x"), leaf(rng.normal(size=3), "w")
    z, targets = build(x, w)
    for mine, theirs in zip(bp.backprop(targets, Graph(z), z), grad(z, targets), strict=True):
        np.testing.assert_allclose(mine.data, theirs.data, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("build", GRAPHS)
def test_one_product_per_edge_and_one_entry_per_node(build, monkeypatch):
    rng = np.random.default_rng(4)
    z, targets = build(leaf(rng.normal(size=(2, 3))), leaf(rng.normal(size=3)))
    graph, products, calls = Graph(z), [], []
    pruned = bp._prune(targets, graph, z)
    edges = sum(a in pruned for v in pruned for a in graph.inputs(v))
    pull, build_grad = Op.pull, bp.build_grad
    monkeypatch.setattr(
        Op, "pull", lambda op, g, y, i, create_graph: products.extend(i) or pull(op, g, y, i, create_graph)
    )
    monkeypatch.setattr(bp, "build_grad", lambda V, *rest: calls.append(V) or build_grad(V, *rest))
    table = {z: Tensor(np.ones_like(z.data))}
    for V in targets:
        bp.build_grad(V, graph, pruned, table)
    assert set(table) == pruned
    assert len(products) == edges
    assert len(calls) == edges + len(targets)


def test_the_gradients_are_a_graph():
    x = leaf(0.4)
    z = ad.sin(x * x)
    (dx,) = bp.backprop([x], Graph(z), z)
    (d2x,) = bp.backprop([x], Graph(dx), dx)
    assert d2x.item() == pytest.approx(2 * math.cos(0.16) - 4 * 0.16 * math.sin(0.16), rel=1e-12)


def test_no_path_and_the_depth_of_recursion():
    x, w = leaf(1.0, "x"), leaf(1.0, "w")
    z = x * x
    with pytest.raises(ValueError, match="no path leads from w"):
        bp.backprop([w], Graph([z, w]), z)
    for _ in range(2000):
        z = -z
    with pytest.raises(RecursionError):
        bp.backprop([x], Graph(z), z)
    assert grad(z, x).item() == 2
