"""How parameters follow their gradients: *Deep Learning*, chapter 8.

An optimiser is told the parameters once. After `Tensor.backward` its `step` changes their data in place and touches
them, so that a graph made before refuses to be differentiated. A parameter without a gradient is left alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dlcore.networks.autodiff import Tensor

__all__ = ["SGD", "Adam", "Optimizer"]

Array: TypeAlias = NDArray[np.floating[Any]]

_BLOCK = 32768  # entries whose few arrays stay in the processor's cache during one update


class Optimizer:
    """A base class; subclasses define ``update``.

    Parameters
    ----------
    params : sequence of Tensors
        Leaves that require a gradient.
    lr : float
        The learning rate; may be changed between steps.
    memory : int
        How many arrays to keep for each parameter, in its shape, zero at first.

    Raises
    ------
    ValueError
        If there is no parameter, one of them is not a leaf that requires a gradient, or the rate is not positive.
    """

    def __init__(self, params: Sequence[Tensor], lr: float, memory: int) -> None:
        self.params, self.lr, self.t = list(params), lr, 0
        if not self.params:
            raise ValueError("an optimiser needs at least one parameter")
        for i, p in enumerate(self.params):
            if p.op is not None or not p.requires_grad:
                raise ValueError(f"parameter {p.name or i!r} is not a leaf that requires a gradient")
        if not lr > 0:
            raise ValueError(f"the learning rate must be positive, got {lr}")
        self.memory = [[np.zeros_like(p.data) for _ in range(memory)] for p in self.params]

    def update(self, p: Array, g: Array, *memory: Array) -> None:
        """Change p and its memory in place, given the gradient g; all work entry by entry."""
        raise NotImplementedError

    def step(self) -> None:
        """Update every parameter that has a gradient."""
        self.t += 1
        for p, memory in zip(self.params, self.memory, strict=True):
            if p.grad is not None:
                for block in _blocks(p.data, p.grad, *memory):
                    self.update(*block)
                p.touch()

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for p in self.params:
            p.grad = None

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of everything that later steps depend on, besides the parameters."""
        return {"t": self.t, "lr": self.lr, "memory": [[np.copy(a) for a in arrays] for arrays in self.memory]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue where another optimiser of the same kind stopped."""
        self.t, self.lr = state["t"], state["lr"]
        for mine, saved in zip(self.memory, state["memory"], strict=True):
            for a, b in zip(mine, saved, strict=True):
                a[...] = b


def _blocks(*arrays: Array) -> Iterator[Sequence[Array]]:
    """Cut arrays of one shape into pieces that fit in the cache."""
    n = arrays[0].size
    if n <= _BLOCK or not arrays[0].flags.c_contiguous:
        yield arrays
        return
    flat = [a.reshape(-1) for a in arrays]
    for i in range(0, n, _BLOCK):
        yield [a[i : i + _BLOCK] for a in flat]


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if wanted: v <- momentum v - lr g, then theta <- theta + v.

    The velocity contains the rate, as in the book. (PyTorch's does not; the two differ when the rate changes.)

    Parameters
    ----------
    params, lr
        See `Optimizer`.
    momentum : float in [0, 1)
        How much of the velocity is kept.
    nesterov : bool
        Step as if the gradient had been taken after the velocity was applied: theta <- theta + momentum v - lr g.
    weight_decay : float
        Adds weight_decay theta to the gradient.

    References
    ----------
    Deep Learning, algorithms 8.1 to 8.3.

    Examples
    --------
    >>> w = Tensor([1.0], requires_grad=True)
    >>> optimizer = SGD([w], lr=0.1, momentum=0.9)
    >>> for _ in range(2):
    ...     optimizer.zero_grad()
    ...     (w * w).sum().backward()
    ...     optimizer.step()
    >>> w.data.round(4)
    array([0.46], dtype=float32)
    """

    def __init__(
        self,
        params: Sequence[Tensor],
        lr: float,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum must lie in [0, 1), got {momentum}")
        super().__init__(params, lr, memory=1 if momentum else 0)
        self.momentum, self.nesterov, self.weight_decay = momentum, nesterov, weight_decay

    def update(self, p: Array, g: Array, *memory: Array) -> None:
        """Apply the two lines above."""
        if self.weight_decay:
            g = g + self.weight_decay * p
        step = -self.lr * g
        for v in memory:
            v *= self.momentum
            v += step
            step = self.momentum * v + step if self.nesterov else v
        p += step


class Adam(Optimizer):
    """Steps of nearly equal size for every parameter: the mean gradient over its root mean square.

    Both means give a gradient that is k steps old the weight beta^k. They are kept as sums and divided by the sum of
    the weights, which is what the book's running means and their bias correction amount to, with fewer passes over
    the arrays.

    Parameters
    ----------
    params, lr
        See `Optimizer`; lr is about the size of a step.
    betas : (float, float)
        How much of the running means of g and of g^2 is kept.
    eps : float
        Added to the root.
    weight_decay : float
        Adds weight_decay theta to the gradient (L2, before the division).

    References
    ----------
    Deep Learning, algorithm 8.7. D. Kingma and J. Ba, Adam (2014).

    Examples
    --------
    >>> w = Tensor([1.0, -1.0], requires_grad=True)
    >>> (w * w * np.float32([1, 100])).sum().backward()
    >>> Adam([w], lr=0.01).step()
    >>> w.data
    array([ 0.99, -0.99], dtype=float32)
    """

    def __init__(
        self,
        params: Sequence[Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        if not (0 <= betas[0] < 1 and 0 <= betas[1] < 1):
            raise ValueError(f"betas must lie in [0, 1), got {betas}")
        super().__init__(params, lr, memory=2)
        self.betas, self.eps, self.weight_decay = betas, eps, weight_decay

    def update(self, p: Array, g: Array, *memory: Array) -> None:
        """Update both sums, then the parameters by lr (m / weight) / (sqrt(v) / root + eps)."""
        m, v = memory
        beta1, beta2 = self.betas
        if self.weight_decay:
            g = g + self.weight_decay * p
        m *= beta1
        m += g
        v *= beta2
        v += g * g
        weight = (1 - beta1**self.t) / (1 - beta1)  # 1 + beta1 + beta1^2 + ..., so that m / weight is a mean
        root = math.sqrt((1 - beta2**self.t) / (1 - beta2))
        step = np.sqrt(v)
        step += self.eps * root
        np.divide(m, step, out=step)
        step *= self.lr * root / weight
        p -= step
