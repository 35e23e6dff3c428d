"""dlcore.networks.optimizers against the book's recurrences on one number, and against themselves cut in pieces."""

import numpy as np
import pytest

from dlcore.networks import optimizers
from dlcore.networks.autodiff import Tensor
from dlcore.networks.optimizers import SGD, Adam, Optimizer


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


@pytest.mark.parametrize("make", [lambda p: SGD(p, 0.1, 0.9), lambda p: Adam(p, 0.1)], ids=["SGD", "Adam"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_large_parameter_in_blocks_equals_its_parts(make, dtype, monkeypatch):
    rng = np.random.default_rng(4)
    start, gradients = rng.normal(size=(7, 5)), rng.normal(size=(3, 7, 5))
    results = []
    for block in (4, 1000):
        monkeypatch.setattr(optimizers, "_BLOCK", block)
        p, q = leaf(start, dtype), leaf(np.asfortranarray(start), dtype)
        optimizer = make([p, q])
        for g in gradients.astype(dtype):
            p.grad, q.grad = g, np.asfortranarray(g)
            optimizer.step()
        assert p.data.dtype == dtype
        results += [p.data, q.data]
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
    ("make", "message"),
    [
        (lambda: SGD([], 0.1), "an optimiser needs at least one parameter"),
        (lambda: SGD([Tensor([1.0], name="X")], 0.1), "parameter 'X' is not a leaf that requires a gradient"),
        (lambda: SGD([leaf([1.0]) * 2], 0.1), "parameter 0 is not a leaf that requires a gradient"),
        (lambda: SGD([leaf([1.0])], 0), "the learning rate must be positive, got 0"),
        (lambda: SGD([leaf([1.0])], 0.1, momentum=1.0), "momentum must lie in [0, 1), got 1.0"),
        (lambda: Adam([leaf([1.0])], betas=(0.9, 1.0)), "betas must lie in [0, 1), got (0.9, 1.0)"),
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
