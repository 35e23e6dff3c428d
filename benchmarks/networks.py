"""Cases of chapter 6: training steps and gradients beside NumPy by hand, scikit-learn and, if it is there, torch."""

import importlib.util
from collections.abc import Callable, Iterator

import numpy as np
from scipy.optimize import OptimizeResult, minimize
from sklearn._loss import HalfMultinomialLoss
from sklearn.datasets import load_digits
from sklearn.linear_model._linear_loss import LinearModelLoss
from sklearn.neural_network import MLPClassifier

from dlcore.networks.autodiff import Tensor, grad
from dlcore.networks.losses import cross_entropy
from dlcore.networks.modules import MLP, Linear
from dlcore.networks.optimizers import SGD, lbfgs
from dlcore.networks.training import as_flat_function

Case = tuple[str, str, Callable[[], object], Callable[[], object], str]


def cases() -> Iterator[Case]:
    """Yield (what, peer, ours, theirs, note), each after asserting equal results."""
    digits = load_digits()
    X, y = (digits.data / 16).astype(np.float32), digits.target
    yield by_hand(X[:50], y[:50])
    yield scikit_learn_epoch(X[:1280], y[:1280])
    yield logistic_regression(X, y)
    yield quasi_newton(X, y)
    if importlib.util.find_spec("torch"):
        import networks_torch

        yield from networks_torch.cases()


def by_hand(X: np.ndarray, y: np.ndarray) -> Case:
    """Loss and gradients of a perceptron 64-64-10: the engine, and algorithm 6.4 written out for it."""
    model = MLP([64, 64, 10], rng=np.random.default_rng(0))
    params = model.parameters()
    W1, b1, W2, b2 = (p.data for p in params)

    def ours() -> list[np.ndarray]:
        for p in params:
            p.grad = None
        cross_entropy(model(X), y).backward()
        return [p.grad for p in params]

    def theirs() -> list[np.ndarray]:
        rows = np.arange(len(y))
        a = X @ W1 + b1
        h = np.maximum(a, 0)
        z = h @ W2 + b2
        z -= z.max(axis=1, keepdims=True)
        e = np.exp(z)
        s = e.sum(axis=1, keepdims=True)
        (np.log(s[:, 0]) - z[rows, y]).mean()
        g = e / s
        g[rows, y] -= 1
        g /= len(y)
        ga = (g @ W2.T) * (a > 0)
        return [X.T @ ga, ga.sum(axis=0), h.T @ g, g.sum(axis=0)]

    for a, b in zip(ours(), theirs(), strict=True):
        assert np.abs(a - b).max() < 1e-6
    return "loss and gradient, 64-64-10, batch 50", "NumPy by hand", ours, theirs, "goal 2.5: the price of generality"


def scikit_learn_epoch(X: np.ndarray, y: np.ndarray) -> Case:
    """One epoch of SGD with momentum, batches in order, from the same weights."""
    theirs = MLPClassifier(
        (128,), solver="sgd", alpha=0, batch_size=64, learning_rate_init=0.05, momentum=0.9, shuffle=False,
        nesterovs_momentum=False, random_state=0,
    )  # fmt: skip
    theirs.partial_fit(X, y, classes=np.arange(10))
    model = MLP([64, 128, 10], rng=np.random.default_rng(0))
    for layer, W, b in zip((model.parts[0], model.parts[2]), theirs.coefs_, theirs.intercepts_, strict=True):
        assert isinstance(layer, Linear)
        layer.weight.data[...], layer.bias.data[...] = W, b
    for velocity in theirs._optimizer.velocities:
        velocity[...] = 0
    optimizer = SGD(model.parameters(), 0.05, momentum=0.9)

    def ours() -> float:
        total = 0.0
        for i in range(0, len(X), 64):
            optimizer.zero_grad()
            loss = cross_entropy(model(X[i : i + 64]), y[i : i + 64])
            loss.backward()
            optimizer.step()
            total += loss.item() / (len(X) // 64)
        return total

    for _ in range(3):
        assert abs(ours() - theirs.partial_fit(X, y).loss_) < 1e-5
    return (
        "epoch, 64-128-10, 20 batches of 64, SGD",
        "scikit-learn MLPClassifier",
        ours,
        lambda: theirs.partial_fit(X, y),
        "same weights, same losses to 1e-5",
    )


def logistic_regression(X: np.ndarray, y: np.ndarray) -> Case:
    """Loss and gradient of multinomial logistic regression on all digits."""
    X = X.astype(np.float64)
    W, b = np.random.default_rng(0).normal(size=(64, 10)) / 8, np.zeros(10)
    model = Linear(64, 10, init=lambda m, n, rng: W, rng=np.random.default_rng(0), dtype=np.float64)
    loss = LinearModelLoss(HalfMultinomialLoss(n_classes=10), fit_intercept=True)
    coefficients = np.asfortranarray(np.vstack([W, b]).T)
    target = y.astype(np.float64)

    def ours() -> tuple[Tensor, list[Tensor]]:
        value = cross_entropy(model(X), y)
        return value, grad(value, model.parameters())

    def theirs() -> tuple[float, np.ndarray]:
        return loss.loss_gradient(coefficients, X, target)

    value, (gW, gb) = ours()
    their_value, gradient = theirs()
    assert abs(value.item() - their_value) < 1e-10
    assert np.abs(np.vstack([gW.data, gb.data]).T - gradient).max() < 1e-10
    return "logistic regression, gradient, 1797 x 64", "scikit-learn (Cython)", ours, theirs, "same loss and gradient"


def quasi_newton(X: np.ndarray, y: np.ndarray) -> Case:
    """Softmax regression with weight decay on all digits, from zero to the minimum."""
    model = Linear(64, 10, rng=np.random.default_rng(0), dtype=np.float64)
    W = model.weight
    f = as_flat_function(model, lambda z, y: cross_entropy(z, y) + 0.005 * (W * W).sum(), (X.astype(np.float64), y))
    start, precise = np.zeros(650), {"maxcor": 10, "ftol": 0.0, "gtol": 1e-6, "maxiter": 1000}

    def ours() -> OptimizeResult:
        return lbfgs(f, start, memory=10, tol=4e-6)

    def theirs() -> OptimizeResult:
        return minimize(f, start, jac=True, method="L-BFGS-B", options=precise)

    a, b = ours(), theirs()
    assert a.success and abs(a.fun - b.fun) < 1e-8
    assert np.linalg.norm(a.jac) <= np.linalg.norm(b.jac) < 5e-6  # ours is not the less precise
    note = f"same minimum to 1e-8, in {a.nfev} and {b.nfev} gradients"
    return "L-BFGS, softmax regression, 1797 x 64", "scipy L-BFGS-B", ours, theirs, note
