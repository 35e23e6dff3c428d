"""dlcore.networks.training against least squares, scikit-learn and differences."""

import numpy as np
import pytest
from scipy.optimize import check_grad, minimize
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression

from dlcore.datasets import diabetes, digits
from dlcore.networks.autodiff import Tensor, tanh
from dlcore.networks.losses import binary_cross_entropy_with_logits, cross_entropy, mse_loss
from dlcore.networks.modules import MLP, Linear
from dlcore.networks.optimizers import SGD, Adam
from dlcore.networks.training import as_flat_function, fit, flatten, minibatches, unflatten


@pytest.mark.parametrize(("n", "size"), [(10, 3), (4, 4), (3, 100), (1, 1)])
def test_minibatches_visit_every_row_once(n, size):
    batches = list(minibatches(n, size, np.random.default_rng(0)))
    assert sorted(np.concatenate(batches)) == list(range(n))
    assert [len(b) for b in batches[:-1]] == [size] * (len(batches) - 1) and 1 <= len(batches[-1]) <= size


@pytest.mark.parametrize(("n", "size"), [(0, 3), (3, 0)])
def test_minibatches_of_nothing(n, size):
    with pytest.raises(ValueError, match=f"got n = {n}, size = {size}"):
        next(minibatches(n, size, np.random.default_rng(0)))


def test_fit_is_the_loop_written_out():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(7, 3)).astype(np.float32), rng.integers(0, 2, 7)
    model, twin = (MLP([3, 4, 2], rng=np.random.default_rng(2)) for _ in range(2))
    seen = []
    history = fit(
        model, cross_entropy, (X, y), Adam(model.parameters(), 0.05),
        epochs=3, batch_size=3, rng=np.random.default_rng(3), callback=lambda *args: seen.append(args),
    )  # fmt: skip
    optimizer, order = Adam(twin.parameters(), 0.05), np.random.default_rng(3)
    losses = []
    for _ in range(3):
        permutation = order.permutation(7)
        for rows in (permutation[:3], permutation[3:6], permutation[6:]):
            optimizer.zero_grad()
            loss = cross_entropy(twin(X[rows]), y[rows])
            loss.backward()
            optimizer.step()
            losses.append(loss.item() * len(rows))
    np.testing.assert_array_equal(flatten(model.parameters()), flatten(twin.parameters()))
    np.testing.assert_allclose(history, np.sum(np.reshape(losses, (3, 3)), axis=1) / 7)
    assert seen == list(enumerate(history, start=1))


def test_fit_refuses_what_it_cannot_train():
    model = Linear(1, 1, rng=np.random.default_rng(0))
    X = np.ones((4, 1), np.float32)
    arguments = {"epochs": 50, "batch_size": 4, "rng": np.random.default_rng(0)}
    with pytest.raises(ValueError, match="X has 4 rows, y has 3"):
        fit(model, mse_loss, (X, X[:3]), SGD(model.parameters(), 0.1), **arguments)
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=r"the loss became (inf|nan) in epoch"):
        fit(model, mse_loss, (X, X), SGD(model.parameters(), 1e3), **arguments)


def test_flatten_and_unflatten_are_inverse_and_touch():
    params = [Tensor(np.arange(6.0).reshape(2, 3), True, "W"), Tensor(np.array(7.0), True)]
    theta = flatten(params)
    loss = (params[0] * 2).sum()
    unflatten(params, theta + 1)
    np.testing.assert_array_equal(flatten(params), theta + 1)
    with pytest.raises(ValueError, match="W changed"):
        loss.backward()
    with pytest.raises(ValueError, match=r"a vector of shape \(6,\) for 7 parameters"):
        unflatten(params, np.zeros(6))


def test_flat_function_has_the_gradient_of_differences():
    rng = np.random.default_rng(5)
    X, y = rng.normal(size=(9, 2)), rng.integers(0, 3, 9)
    model = MLP([2, 3, 3], tanh, rng=rng, dtype=np.float64)
    f = as_flat_function(model, cross_entropy, (X, y))
    theta = flatten(model.parameters())
    assert check_grad(lambda t: f(t)[0], lambda t: f(t)[1], theta) < 1e-6


def test_lbfgs_on_a_linear_unit_is_least_squares():
    table = diabetes()
    X, y = table.X / table.X.std(axis=0), table.y[:, None]
    model = Linear(X.shape[1], 1, rng=np.random.default_rng(0), dtype=np.float64)
    result = minimize(
        as_flat_function(model, mse_loss, (X, y)), flatten(model.parameters()), jac=True, method="L-BFGS-B",
        options={"maxiter": 2000, "ftol": 1e-15, "gtol": 1e-9},
    )  # fmt: skip
    design = np.hstack([X, np.ones((len(X), 1))])
    best = np.linalg.lstsq(design, y, rcond=None)[0][:, 0]
    np.testing.assert_allclose(design @ result.x, design @ best, atol=1e-4)
    assert result.fun == pytest.approx(np.mean((design @ best - y[:, 0]) ** 2), rel=1e-10)


def test_logistic_regression_is_scikit_learns():
    X, y = load_breast_cancer(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    model = Linear(30, 1, rng=np.random.default_rng(0), dtype=np.float64)

    def loss(z, y):
        return binary_cross_entropy_with_logits(z, y) + 0.5 / len(y) * (model.weight * model.weight).sum()

    result = minimize(
        as_flat_function(model, loss, (X, y[:, None].astype(float))), flatten(model.parameters()), jac=True,
        method="L-BFGS-B", options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 1000},
    )  # fmt: skip
    theirs = LogisticRegression(C=1.0, tol=1e-9, max_iter=5000).fit(X, y)
    np.testing.assert_allclose(result.x[:30], theirs.coef_[0], atol=1e-4)
    assert result.x[30] == pytest.approx(theirs.intercept_[0], abs=1e-4)


def test_an_mlp_learns_the_digits():
    X, y, _, _, X_test, y_test = digits(n_valid=297)
    rng = np.random.default_rng(0)
    model = MLP([64, 64, 10], rng=rng)
    history = fit(
        model, cross_entropy, (X.astype(np.float32), y), SGD(model.parameters(), 0.1, momentum=0.9),
        epochs=8, batch_size=50, rng=rng,
    )  # fmt: skip
    error = np.mean(model(X_test.astype(np.float32)).data.argmax(axis=1) != y_test)
    assert history[-1] < 0.15 and error < 0.08
