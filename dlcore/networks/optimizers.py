"""How parameters follow their gradients: *Deep Learning*, chapter 8.

An optimiser is told the parameters once. After `Tensor.backward` its `step` changes their data in place and touches
them, so that a graph made before refuses to be differentiated. A parameter without a gradient is left alone.

`lbfgs` is of another kind: it minimises a function theta -> (value, gradient) of one vector, such as
`dlcore.networks.training.as_flat_function` makes of a model, and returns a `scipy.optimize.OptimizeResult` as the
methods of chapter 4 do.
"""

from __future__ import annotations

import math
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import OptimizeResult, line_search

from dlcore.networks.autodiff import Tensor

__all__ = ["SGD", "Adam", "Optimizer", "lbfgs"]

Array: TypeAlias = NDArray[np.floating[Any]]
Vector: TypeAlias = NDArray[np.float64]

_BLOCK = 131072  # entries whose few arrays stay in the processor's cache during one update


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
                if p.size <= _BLOCK:
                    self.update(p.data, p.grad, *memory)
                else:
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
        """Continue where another optimiser of the same kind stopped.

        Raises
        ------
        ValueError
            If the state remembers other arrays than this optimiser does; nothing is changed then.
        """
        mine, saved = ([[np.shape(a) for a in arrays] for arrays in m] for m in (self.memory, state["memory"]))
        if mine != saved:
            raise ValueError(f"this optimiser remembers arrays of shapes {mine}, the saved one {saved}")
        self.t, self.lr = state["t"], state["lr"]
        for a, b in zip(chain(*self.memory), chain(*state["memory"]), strict=True):
            a[...] = b


def _blocks(*arrays: Array) -> Iterator[Sequence[Array]]:
    """Cut arrays of one shape into pieces that fit in the cache."""
    if not arrays[0].flags.c_contiguous:
        yield arrays
        return
    flat = [a.reshape(-1) for a in arrays]
    for i in range(0, flat[0].size, _BLOCK):
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

    Raises
    ------
    ValueError
        As `Optimizer`; if momentum or weight_decay is out of its range.

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
        if not weight_decay >= 0:
            raise ValueError(f"weight_decay must not be negative, got {weight_decay}")
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

    Raises
    ------
    ValueError
        As `Optimizer`; if a beta does not lie in [0, 1), eps is not positive or weight_decay is negative.

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
        if not (eps > 0 and weight_decay >= 0):
            raise ValueError(f"eps must be positive and weight_decay not negative, got {eps} and {weight_decay}")
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
        step = g * g
        v += step
        weight = (1 - beta1**self.t) / (1 - beta1)  # 1 + beta1 + beta1^2 + ..., so that m / weight is a mean
        root = math.sqrt((1 - beta2**self.t) / (1 - beta2))
        np.sqrt(v, out=step)
        step += self.eps * root
        np.divide(m, step, out=step)
        step *= self.lr * root / weight
        p -= step


# --- 8.6.3: a function of one vector, all data at once ---


def lbfgs(
    f: Callable[[Vector], tuple[float, ArrayLike]],
    x0: ArrayLike,
    *,
    memory: int = 10,
    c2: float = 0.9,
    tol: float = 1e-6,
    max_iter: int = 1000,
) -> OptimizeResult:
    """Minimise by L-BFGS: a Newton step whose inverse Hessian is remembered as a few pairs of vectors.

    A step s changed the gradient by y, so the inverse Hessian should map y to s: the secant equation. BFGS corrects
    an n x n matrix so that it does; here the matrix is never formed. The last pairs (s, y) are applied one after the
    other to the gradient (`memory` times 4n multiplications), and a line search that fulfils the strong Wolfe
    conditions makes sure that s . y > 0, without which the direction might not point downhill.

    Parameters
    ----------
    f : function of a vector
        Returns the value and the gradient, shape (n,).
    x0 : array_like, shape (n,)
        Start.
    memory : int
        How many pairs to keep.
    c2 : float in (1e-4, 1)
        How much of the slope may remain after a line search; a small one makes the search nearly exact, and dearer.
    tol : float
        Stop when the norm of the gradient is at most tol.
    max_iter : int
        Largest number of steps.

    Returns
    -------
    OptimizeResult
        x, fun, jac (the gradient at x), nit, nfev (calls of f), path (shape (nit + 1, n)), success, message.

    Raises
    ------
    ValueError
        If x0 is not a finite vector, f is not finite there or returns something else than a number and a gradient
        of that shape; if memory, c2, tol or max_iter is out of its range.

    References
    ----------
    Deep Learning, section 8.6.3. J. Nocedal, Updating quasi-Newton matrices with limited storage (1980).

    Examples
    --------
    >>> result = lbfgs(lambda x: (x @ x, 2 * x), [3.0, 4.0])
    >>> result.success, abs(result.x).max() < 1e-6
    (True, np.True_)
    """
    if memory < 1 or max_iter < 0 or not 1e-4 < c2 < 1 or not tol >= 0:
        raise ValueError(f"out of range: memory = {memory}, c2 = {c2}, tol = {tol} or max_iter = {max_iter}")
    ask, x = _Remembered(f), np.array(x0, dtype=float)
    if x.ndim != 1 or not np.isfinite(x).all():
        raise ValueError(f"x0 must be a finite vector, got {x0!r}")
    path, pairs = [x], deque[tuple[Vector, Vector]](maxlen=memory)
    value, g = ask(x)
    if not (math.isfinite(value) and np.isfinite(g).all()):
        raise ValueError(f"f is not finite at x0: {value}")
    while not (converged := bool(np.linalg.norm(g) <= tol)) and len(path) <= max_iter:
        d = -_inverse_hessian_times(g, pairs)
        t = _strong_wolfe(ask, x, d, g, value, c2, first=not pairs)
        if t is None:
            message = "stopped: no step along the direction fulfils the Wolfe conditions in this precision"
            break
        before, g_before, x = x, g, x + t * d
        value, g = ask(x)
        path.append(x)
        if (x - before) @ (g - g_before) > 0:  # fails by rounding only
            pairs.append((x - before, g - g_before))
    else:
        message = "converged" if converged else f"not converged after {max_iter} steps"
    found = {"x": x, "fun": value, "jac": g, "nit": len(path) - 1, "nfev": ask.calls, "path": np.array(path)}
    return OptimizeResult(**found, success=converged, message=message)


def _inverse_hessian_times(g: Vector, pairs: Iterable[tuple[Vector, Vector]]) -> Vector:
    """Multiply by the approximation of the inverse Hessian: the two-loop recursion.

    It is the product of (I - r s y^T), one for each pair, newest outermost, around a multiple of I, plus r s s^T each;
    r = 1 / (s . y).
    """
    history = [(s, y, 1 / (s @ y)) for s, y in pairs]
    q, alphas = g.copy(), []
    for s, y, r in reversed(history):
        alphas.append(r * (s @ q))
        q -= alphas[-1] * y
    if history:
        s, y, r = history[-1]
        q /= r * (y @ y)  # the multiple: a curvature that was met
    for (s, y, r), alpha in zip(history, reversed(alphas), strict=True):
        q += (alpha - r * (y @ q)) * s
    return q


def _strong_wolfe(
    ask: _Remembered, x: Vector, d: Vector, g: Vector, value: float, c2: float, *, first: bool
) -> float | None:
    """Return t with f(x + t d) low enough and at most c2 of the slope left, or None. The first step has length 1."""
    higher = value + float(np.linalg.norm(g)) / 2 if first else None  # scipy derives its first trial from it
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # a failure is reported by the result
        t, *_, slope = line_search(ask.value, ask.gradient, x, d, g, value, higher, c2=c2, maxiter=20)
    return None if t is None or slope is None else float(t)


class _Remembered:
    """A function theta -> (value, gradient) that keeps its last answer: a line search asks twice at one point."""

    def __init__(self, f: Callable[[Vector], tuple[float, ArrayLike]]) -> None:
        self.f, self.calls = f, 0
        self.x: Vector | None = None

    def __call__(self, x: Vector) -> tuple[float, Vector]:
        if self.x is None or not np.array_equal(x, self.x):
            value, gradient = self.f(x)
            g = np.array(gradient, dtype=float)
            if g.shape != x.shape:
                raise ValueError(f"at an x of shape {x.shape} the gradient must have that shape, got {g.shape}")
            self.answer = float(value), g
            self.x, self.calls = x.copy(), self.calls + 1
        return self.answer

    def value(self, x: Vector) -> float:
        value = self(x)[0]
        return value if math.isfinite(value) else math.inf  # too far

    def gradient(self, x: Vector) -> Vector:
        return self(x)[1]
