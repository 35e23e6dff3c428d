"""The loop around model, loss and optimiser: *Deep Learning*, sections 5.9 and 8.1.3."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dlcore.networks.autodiff import Tensor, grad
from dlcore.networks.modules import Module
from dlcore.networks.optimizers import Optimizer

__all__ = ["as_flat_function", "fit", "flatten", "minibatches", "unflatten"]

Array: TypeAlias = NDArray[np.floating[Any]]
Loss: TypeAlias = Callable[[Any, Any], Tensor]


def minibatches(n: int, size: int, rng: np.random.Generator) -> Iterator[NDArray[np.intp]]:
    """Yield the rows 0..n-1 in random order, `size` at a time; the last batch may be smaller.

    Raises
    ------
    ValueError
        If there are no rows, or the batch size is not positive.

    References
    ----------
    Deep Learning, section 8.1.3.

    Examples
    --------
    >>> [len(rows) for rows in minibatches(10, 4, np.random.default_rng(0))]
    [4, 4, 2]
    """
    if n < 1 or size < 1:
        raise ValueError(f"minibatches needs rows and a positive size, got n = {n}, size = {size}")
    order = rng.permutation(n)
    for i in range(0, n, size):
        yield order[i : i + size]


def fit(
    model: Callable[[Any], Any],
    loss: Loss,
    data: tuple[Array, Any],
    optimizer: Optimizer,
    *,
    epochs: int,
    batch_size: int,
    rng: np.random.Generator,
    callback: Callable[[int, float], object] | None = None,
) -> list[float]:
    """Train by minibatches.

    Parameters
    ----------
    model : function X -> output
        A `Module`, or any function of rows.
    loss : function (output, y) -> scalar Tensor
        A mean over rows.
    data : (X, y)
        Arrays with one row per example.
    optimizer : Optimizer
        Of the parameters to train.
    epochs, batch_size : int
        Passes over the data, and rows per step.
    rng : numpy.random.Generator
        For the order of the rows.
    callback : function (epoch, loss), optional
        Called after each epoch, counted from 1.

    Returns
    -------
    list of float
        The mean training loss of each epoch, as met on the way.

    Raises
    ------
    ValueError
        If X and y have different numbers of rows, or a loss is not finite: says in which epoch.

    References
    ----------
    Deep Learning, algorithm 8.1.

    Examples
    --------
    >>> from dlcore.networks.losses import mse_loss
    >>> from dlcore.networks.modules import Linear
    >>> from dlcore.networks.optimizers import SGD
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 2)).astype(np.float32)
    >>> model = Linear(2, 1, rng=rng)
    >>> losses = fit(model, mse_loss, (X, X @ np.float32([[1], [2]])), SGD(model.parameters(), 0.1),
    ...              epochs=5, batch_size=10, rng=rng)
    >>> losses[-1] < 1e-4 * losses[0]
    True
    """
    X, y = data
    if len(X) != len(y):
        raise ValueError(f"X has {len(X)} rows, y has {len(y)}")
    history: list[float] = []
    for epoch in range(1, epochs + 1):
        total = 0.0
        for rows in minibatches(len(X), batch_size, rng):
            optimizer.zero_grad()
            batch_loss = loss(model(X[rows]), y[rows])
            batch_loss.backward()
            optimizer.step()
            total += batch_loss.item() * len(rows)
        history.append(total / len(X))
        if not np.isfinite(history[-1]):
            raise ValueError(f"the loss became {history[-1]} in epoch {epoch}: try a smaller learning rate")
        if callback is not None:
            callback(epoch, history[-1])
    return history


def flatten(params: Sequence[Tensor]) -> Array:
    """Return a copy of all parameters, laid end to end.

    Examples
    --------
    >>> flatten([Tensor([[1.0, 2.0]]), Tensor(3.0)])
    array([1., 2., 3.], dtype=float32)
    """
    return np.concatenate([p.data.ravel() for p in params])


def unflatten(params: Sequence[Tensor], theta: ArrayLike) -> None:
    """Copy a vector into the parameters, in the order of `flatten`.

    Raises
    ------
    ValueError
        If the length of the vector is not the number of parameters.

    Examples
    --------
    >>> W = Tensor([[1.0, 2.0]])
    >>> unflatten([W], [3, 4])
    >>> W.data
    array([[3., 4.]], dtype=float32)
    """
    vector, sizes = np.asarray(theta), [p.size for p in params]
    if vector.shape != (sum(sizes),):
        raise ValueError(f"a vector of shape {vector.shape} for {sum(sizes)} parameters")
    for p, part in zip(params, np.split(vector, np.cumsum(sizes)[:-1]), strict=True):
        p.data[...] = part.reshape(p.shape)
        p.touch()


def as_flat_function(
    model: Module, loss: Loss, data: tuple[Array, Any]
) -> Callable[[ArrayLike], tuple[float, NDArray[np.float64]]]:
    """Return theta -> (loss on all data, its gradient), as `scipy.optimize.minimize` wants it with ``jac=True``.

    Calling it sets the parameters of the model to theta.

    Examples
    --------
    >>> from dlcore.networks.losses import mse_loss
    >>> from dlcore.networks.modules import Linear
    >>> model = Linear(1, 1, bias=False, rng=np.random.default_rng(0))
    >>> f = as_flat_function(model, mse_loss, (np.float32([[1.0]]), np.float32([[3.0]])))
    >>> f([2.0])
    (1.0, array([-2.]))
    """
    X, y = data
    params = model.parameters()

    def f(theta: ArrayLike) -> tuple[float, NDArray[np.float64]]:
        unflatten(params, theta)
        value = loss(model(X), y)
        gradient = np.concatenate([g.data.ravel() for g in grad(value, params, unused="zero")])
        return value.item(), gradient.astype(np.float64)

    return f
