"""Differentiation of programs: the engine of *Deep Learning*, chapter 6.

1. A `Tensor` is an array and the recipe that made it: ``op, args, kwargs``. A leaf has no recipe.
2. An `Op` is a function on arrays plus one vector-Jacobian product per argument, ``vjp(g, y, *args, **kwargs)``: g is
   the gradient that arrives at the output y.
3. Tensors are numbered as they are made, so an argument's number is below its result's; counting numbers down is
   reverse topological order.
4. Going back fills one table, ``table[a] += vjp_a(table[y], y, *args)``, over the ancestors of y that descend from what
   was asked for (`pullback`).
5. Fed arrays, these lines give numbers; fed Tensors, the same lines write a graph, which can be differentiated again.

An Op is the function that the reader calls. On arrays alone it is plain NumPy; with a Tensor among its arguments it
returns a Tensor, which keeps the recipe if one of them needs a gradient. A vjp may use only what arrays and Tensors
share: ``+ - * / ** @ [] .shape .ndim .sum .reshape .transpose .T`` and other Ops. What has derivative zero (masks,
signs, ties) is computed from values.

Floating arrays keep their dtype; lists, integers and booleans become float32. The result of an Op has the dtype of its
Tensors, or it raises ``TypeError``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dlcore.foundations import numerics

__all__ = [
    "Fused",
    "Graph",
    "Op",
    "Tensor",
    "abs",
    "add",
    "affine",
    "broadcast_to",
    "checkpoint",
    "clip",
    "concatenate",
    "cos",
    "cross_entropy",
    "div",
    "exp",
    "getitem",
    "gnvp",
    "grad",
    "gradcheck",
    "hessian",
    "hvp",
    "identity",
    "jacobian",
    "jvp",
    "log",
    "logsumexp",
    "matmul",
    "max",
    "maximum",
    "minimum",
    "mul",
    "neg",
    "no_grad",
    "norm",
    "pad",
    "power",
    "pullback",
    "put",
    "relu",
    "reshape",
    "sigmoid",
    "sin",
    "softmax",
    "softplus",
    "sqrt",
    "stack",
    "sub",
    "sum",
    "tanh",
    "transpose",
    "unbroadcast",
    "vjp",
    "where",
]

Array: TypeAlias = NDArray[np.floating[Any]]
Axis: TypeAlias = int | tuple[int, ...] | None
Gradient: TypeAlias = Any
"""An array, or a Tensor where a graph is wanted."""

_numbers = itertools.count()
_taping = True


# --- Tensors and operations ---


class Tensor:
    """An array and the recipe that made it.

    Parameters
    ----------
    data : array_like
        Real numbers. Floating arrays are not copied.
    requires_grad : bool
        Whether gradients with respect to this leaf are wanted.
    name : str, optional
        What messages and drawings call it.

    Attributes
    ----------
    grad : ndarray or None
        Where `backward` adds up the gradient of a leaf. Never changed in place: two leaves may share one array.
    id : int
        The number; an argument's is below its result's.
    op, args, kwargs
        The recipe; ``op`` is None for a leaf. ``values`` are the args as the Op computed with them.

    Raises
    ------
    ValueError
        If data are not real numbers.

    References
    ----------
    Deep Learning, section 6.5.1.

    Examples
    --------
    >>> w = Tensor([1.0, 2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> w.grad
    array([2., 4.], dtype=float32)
    """

    __slots__ = ("args", "data", "grad", "id", "kwargs", "name", "op", "requires_grad", "saved", "values")
    __array_ufunc__ = None  # so that `ndarray * Tensor` reaches __rmul__

    def __init__(self, data: ArrayLike, requires_grad: bool = False, name: str | None = None) -> None:
        if not isinstance(data, np.ndarray):
            data = np.asarray(data, dtype=None if isinstance(data, np.generic) else np.float32)
        if data.dtype.kind != "f":
            if data.dtype.kind not in "biu":
                raise ValueError(f"a Tensor holds real numbers, got {data.dtype}")
            data = data.astype(np.float32)
        self.data: Array = data
        self.requires_grad, self.name = requires_grad, name
        self.id = next(_numbers)
        self.grad: Array | None = None
        self.op: Any = None
        self.args: tuple[Any, ...] = ()
        self.values: Sequence[Any] = ()
        self.kwargs: dict[str, Any] = {}
        self.saved: Any = None

    def __repr__(self) -> str:
        name = f", name={self.name!r}" if self.name else ""
        return f"Tensor({self.data!r}{name}{', requires_grad=True' if self.requires_grad else ''})"

    shape = property(lambda self: self.data.shape)
    ndim = property(lambda self: self.data.ndim)
    dtype = property(lambda self: self.data.dtype)
    size = property(lambda self: self.data.size)
    T = property(lambda self: transpose(self))

    def __len__(self) -> int:
        return len(self.data)

    def __bool__(self) -> bool:
        return bool(self.data)

    def __add__(self, other: Any) -> Tensor:
        return add(self, other)

    def __radd__(self, other: Any) -> Tensor:
        return add(other, self)

    def __sub__(self, other: Any) -> Tensor:
        return sub(self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return sub(other, self)

    def __mul__(self, other: Any) -> Tensor:
        return mul(self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return mul(other, self)

    def __truediv__(self, other: Any) -> Tensor:
        return div(self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return div(other, self)

    def __matmul__(self, other: Any) -> Tensor:
        return matmul(self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return matmul(other, self)

    def __pow__(self, p: float) -> Tensor:
        return power(self, p)

    def __neg__(self) -> Tensor:
        return neg(self)

    def __getitem__(self, index: Any) -> Tensor:
        return getitem(self, index)

    def __gt__(self, other: Any) -> Any:
        return self.data > _value(other)

    def __ge__(self, other: Any) -> Any:
        return self.data >= _value(other)

    def __lt__(self, other: Any) -> Any:
        return self.data < _value(other)

    def __le__(self, other: Any) -> Any:
        return self.data <= _value(other)

    def sum(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Add along the axes, or all entries."""
        return sum(self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Average along the axes, or all entries."""
        n = math.prod(self.shape[i] for i in _axes(axis, self.ndim))
        if n == 0:
            raise ValueError(f"mean: nothing to average in shape {self.shape} along axis {axis}")
        return mul(self.sum(axis, keepdims), 1 / n)

    def max(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Largest entry along the axes, or of all; entries that tie share the gradient."""
        return max(self, axis=axis, keepdims=keepdims)

    def reshape(self, *shape: Any) -> Tensor:
        """Reorder nothing, give another shape: ``x.reshape(2, -1)`` or ``x.reshape((2, -1))``."""
        return reshape(self, shape[0] if isinstance(shape[0], tuple) else shape)

    def transpose(self, *axes: Any) -> Tensor:
        """Permute the axes: ``x.transpose(1, 0)`` or ``x.transpose((1, 0))``; reverse them without arguments."""
        return transpose(self, axes[0] if axes and isinstance(axes[0], tuple) else axes or None)

    def detach(self) -> Tensor:
        """Return a leaf with the same data, through which no gradient passes."""
        return Tensor(self.data, name=self.name)

    def item(self) -> float:
        """Return the only entry as a Python number."""
        return float(self.data.item())

    def touch(self) -> None:
        """Announce that the data of this leaf were changed in place: graphs made before refuse to be differentiated."""
        if self.op is not None:
            raise ValueError(f"only a leaf may change in place, not the result of {self.op.name}")
        self.id = next(_numbers)

    def backward(self) -> None:
        """Add the gradient of this scalar to the ``grad`` of every leaf that it was made from."""
        if self.size != 1:
            raise ValueError(f"backward() needs a scalar, got {self.shape}")
        if not self.requires_grad:
            raise ValueError("backward() found nothing that requires a gradient")
        for x, g in pullback({self: np.ones(self.shape, self.dtype)[()]}).items():
            x.grad = g if x.grad is None else x.grad + g


class Op:
    """A function on arrays, and how gradients pass through it.

    Parameters
    ----------
    name : str
        What messages and drawings call it.
    forward : function of arrays
        Returns one array. Several results are returned stacked, and the caller slices.
    *vjps : functions ``(g, y, *args, **kwargs)`` -> gradient
        One per differentiable argument: the product of g, the gradient at the output y, with the Jacobian of that
        argument. Written with what arrays and Tensors share.
    each : function position -> vjp, optional
        Instead of `vjps`, for an Op with any number of arguments.

    Raises
    ------
    ValueError, TypeError
        When called: if shapes do not fit; if the result has another dtype than the Tensors that went in.

    References
    ----------
    Deep Learning, section 6.5.6, where the vjps are called ``op.bprop``.

    Examples
    --------
    >>> cube = Op("cube", lambda x: x**3, lambda g, y, x: g * (3 * x**2))
    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> grad(cube(x).sum(), x).data
    array([ 3., 12.], dtype=float32)
    """

    fused = False

    def __init__(
        self,
        name: str,
        forward: Callable[..., Any],
        *vjps: Callable[..., Gradient],
        each: Callable[[int], Callable[..., Gradient]] | None = None,
    ) -> None:
        self.name, self.forward = name, forward
        self.vjp = each or vjps.__getitem__

    def __repr__(self) -> str:
        return f"<Op {self.name}>"

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:  # an array where no argument is a Tensor
        tensors, values = [], []
        for a in args:
            if isinstance(a, Tensor):
                tensors.append(a)
                values.append(a.data)
            else:  # a NumPy scalar would promote float32 to its own dtype; a Python number does not
                values.append(a.item() if isinstance(a, np.generic) else a)
        try:
            data = self.forward(*(values if tensors else args), **kwargs)
        except ValueError as error:
            raise ValueError(_explain(self.name, values, str(error))) from None
        saved = None
        if self.fused:
            data, saved = data
        if not tensors:
            return data  # type: ignore[no-any-return]
        data = np.asarray(data)
        dtype, requires_grad = data.dtype, False
        for a in tensors:
            if a.data.dtype is not dtype and a.data.dtype != dtype:
                raise TypeError(_mixed(self.name, values, dtype))
            if a.requires_grad:
                requires_grad = _taping
        y = Tensor.__new__(Tensor)  # past __init__, which converts what a reader may pass
        y.data, y.requires_grad, y.name, y.id, y.grad = data, requires_grad, None, next(_numbers), None
        if requires_grad:
            y.op, y.args, y.values, y.kwargs, y.saved = self, args, values, kwargs, saved
        else:
            y.op, y.args, y.values, y.kwargs, y.saved = None, (), (), {}, None
        return y

    def pull(self, g: Gradient, y: Tensor, wanted: Sequence[int], create_graph: bool) -> list[Gradient]:
        """Return the gradients of the wanted arguments of y, as arrays or, if a graph is wanted, as Tensors."""
        result, args = (y, y.args) if create_graph else (y.data, y.values)
        gradients, kwargs = [], y.kwargs
        for i in wanted:
            try:
                vjp = self.vjp(i)
            except IndexError:
                raise TypeError(f"{self.name}: argument {i} has no derivative") from None
            gradients.append(vjp(g, result, *args, **kwargs))
        return gradients


def _value(a: Any) -> Any:
    return a.data if isinstance(a, Tensor) else a


def _explain(name: str, values: Sequence[Any], message: str) -> str:
    """Return the message of an Op whose forward function refused its arguments."""
    if message.startswith(f"{name}: ") and "operand" not in message:
        return message
    shapes = [a.shape for a in values if isinstance(a, np.ndarray)]
    if len(shapes) < 2:
        return f"{name}: {message}"
    said = f"{name}: shapes {', '.join(map(str, shapes[:-1]))} and {shapes[-1]} do not "
    if "broadcast" not in message:
        return f"{said}fit"
    low, high = sorted(shapes[-2:], key=len)
    hint = "; did you mean reshape(-1, 1)?" if len(low) == 1 and len(high) == 2 and low[0] == high[0] else ""
    return f"{said}broadcast{hint}"


def _mixed(name: str, values: Sequence[Any], result: np.dtype[Any]) -> str:
    """Return the message of an Op whose arguments have different dtypes."""
    kinds = [str(a.dtype) if isinstance(a, np.ndarray) else type(a).__name__ for a in values]
    if len(set(kinds)) == 1:
        return f"{name}: {kinds[0]} operands gave {result}"
    return f"{name}: {' and '.join(dict.fromkeys(kinds))} operands; cast one"


@contextmanager
def _tape(on: bool) -> Iterator[None]:
    global _taping
    before, _taping = _taping, on
    try:
        yield
    finally:
        _taping = before


def no_grad() -> Any:
    """Return a context in which Ops keep no recipes: results are leaves.

    Examples
    --------
    >>> w = Tensor([1.0], requires_grad=True)
    >>> with no_grad():
    ...     (2 * w).requires_grad
    False
    """
    return _tape(False)


# --- 6.5.6 General Back-Propagation ---


def pullback(
    table: dict[Tensor, Gradient],
    xs: Sequence[Tensor] | None = None,
    create_graph: bool = False,
) -> dict[Tensor, Gradient]:
    """Fill the table of gradients backwards from the outputs that stand in it.

    Parameters
    ----------
    table : dict
        Output -> the gradient that arrives there, in its shape: arrays, or Tensors if a graph is wanted.
    xs : sequence of Tensors, optional
        What to differentiate with respect to: leaves or results on the way, which receive total derivatives. Without
        it, all leaves that require a gradient.
    create_graph : bool
        Compute with Tensors, so that the gradients can be differentiated.

    Returns
    -------
    dict
        Tensor -> gradient, for those xs to which a path leads.

    Raises
    ------
    ValueError
        If a leaf was changed in place after an output was computed.

    References
    ----------
    Deep Learning, section 6.5.6, algorithms 6.5 and 6.6 (`dlcore.networks.backprop` has them literally).

    Examples
    --------
    >>> x = Tensor(3.0, requires_grad=True, name="x")
    >>> pullback({x * x: np.float32(1)})
    {Tensor(array(3., dtype=float32), name='x', requires_grad=True): np.float32(6.0)}
    """
    edges = _edges(list(table), xs)
    asked = set() if xs is None else set(xs)
    table = dict(table)
    for y in sorted(edges, key=_number, reverse=True):  # results first
        wanted = edges[y]
        if wanted:
            g = table[y] if y in asked else table.pop(y)
            gradients = y.op.pull(g, y, wanted, create_graph)
            for i, da in zip(wanted, gradients):
                a = y.args[i]
                table[a] = table[a] + da if a in table else da
    return table if xs is None else {x: table[x] for x in asked if x in table}


_number = attrgetter("id")


def _edges(ys: Sequence[Tensor], xs: Sequence[Tensor] | None = None) -> dict[Tensor, list[int]]:
    """Find the paths from the ys to the xs, or to all leaves: result of an Op -> positions of the arguments on a path.

    What is older than all xs cannot descend from them, and is left out.
    """
    oldest, asked = 0, set(xs or ())
    if asked:
        numbers = sorted(map(_number, asked))
        if numbers[-1] <= min(map(_number, ys)):
            oldest = numbers[0]
    edges: dict[Tensor, list[int]] = {}
    stack = [y for y in ys if y.op is not None]
    while stack:
        v = stack.pop()
        if v not in edges:
            edges[v] = wanted = []
            number = v.id
            for i, a in enumerate(v.args):
                if isinstance(a, Tensor):
                    if a.id > number:
                        raise ValueError(f"{a.name or 'a leaf'} changed in place after the forward pass")
                    if a.requires_grad and a.id >= oldest:
                        if a.op is not None:
                            stack.append(a)
                        elif xs is not None and a not in asked:
                            continue
                        wanted.append(i)
    if not all(edges.values()):
        _prune(edges, asked)
    return edges


def _prune(edges: dict[Tensor, list[int]], xs: set[Tensor]) -> None:
    """Keep the edges that lead to one of the xs."""
    live = set(xs)
    for v in sorted(edges, key=_number):
        edges[v] = [i for i in edges[v] if v.args[i] in live]
        if edges[v]:
            live.add(v)


def grad(
    ys: Any,
    xs: Any,
    grad_output: Any = None,
    create_graph: bool = False,
    unused: Literal["raise", "zero"] = "raise",
) -> Any:
    """Return the gradient of a scalar with respect to xs.

    Parameters
    ----------
    ys : Tensor or sequence of Tensors
        A scalar, unless `grad_output` is given.
    xs : Tensor or sequence of Tensors
        Leaves, or results on the way to the output.
    grad_output : Tensor or array_like, or a sequence of them, optional
        The gradients at the ys with which to start, in their shapes; 1 by default.
    create_graph : bool
        Return gradients that can themselves be differentiated.
    unused : {"raise", "zero"}
        What to do with an x on which the output does not depend.

    Returns
    -------
    Tensor or list of Tensors
        One gradient per x, in its shape.

    Raises
    ------
    ValueError
        If y is not a scalar, shapes do not fit, or no path leads to an x.

    References
    ----------
    Deep Learning, section 6.5.6.

    Examples
    --------
    >>> x = Tensor(2.0, requires_grad=True)
    >>> slope = grad(x**3, x, create_graph=True)
    >>> slope.item(), grad(slope, x).item()
    (12.0, 12.0)
    """
    if isinstance(ys, Tensor):
        ys, grad_output = [ys], [grad_output]
    if isinstance(xs, Tensor):
        return grad(ys, [xs], grad_output, create_graph, unused)[0]
    table: dict[Tensor, Gradient] = {}
    for y, g in zip(ys, grad_output, strict=True):
        g = _seed(y, g, create_graph)
        table[y] = table[y] + g if y in table else g
    table = pullback(table, xs, create_graph)
    for i, x in enumerate(xs):
        if x not in table:
            if unused == "raise":
                raise ValueError(f"no gradient path from output to input {x.name or i!r}")
            table[x] = np.zeros_like(x.data)
    return [g if isinstance(g, Tensor) else Tensor(g) for g in (table[x] for x in xs)]


def _seed(y: Tensor, g: Any, create_graph: bool) -> Gradient:
    """Return the gradient with which to start at y: an array, or a Tensor if a graph is wanted."""
    if g is None:
        if y.size != 1:
            raise ValueError(f"grad() needs a scalar or a grad_output, got an output of shape {y.shape}")
        g = np.ones(y.shape, y.dtype)
    start = g.data if isinstance(g, Tensor) else np.asarray(g, dtype=y.dtype)
    if start.shape != y.shape:
        raise ValueError(f"grad_output of shape {start.shape} for an output of shape {y.shape}")
    if not create_graph:
        return start
    return g if isinstance(g, Tensor) else Tensor(start)


class Fused(Op):
    """An Op with a hand-written gradient, for speed only, and a composite of other Ops that says the same.

    Parameters
    ----------
    name : str
        What messages call it.
    forward : function of arrays
        Returns (result, saved): what is saved helps `backward`.
    backward : function ``(g, y, saved, *arrays, **kwargs)`` -> gradients, or None
        In NumPy, one gradient per argument. None: differentiate the composite.
    composite : Op, or function of Tensors
        The same function in Ops. It is differentiated when a graph is asked for. It receives aliases of the arguments,
        because a vjp must treat its arguments as distinct even where one was made from another. (A single Op does.)

    References
    ----------
    Deep Learning, section 6.5.9.

    Examples
    --------
    >>> def backward(g, y, saved, x):
    ...     return [g * (1 - saved)]
    >>> swish = Fused("halves", lambda x: (x - x / 2, 0.5), backward, lambda x: x - x / 2)
    >>> x = Tensor([3.0], requires_grad=True)
    >>> grad(swish(x).sum(), x).data
    array([0.5], dtype=float32)
    """

    fused = True

    def __init__(
        self,
        name: str,
        forward: Callable[..., tuple[Any, Any]],
        backward: Callable[..., Sequence[Any]] | None,
        composite: Callable[..., Tensor],
    ) -> None:
        super().__init__(name, forward)
        self.backward, self.composite = backward, composite

    def pull(self, g: Gradient, y: Tensor, wanted: Sequence[int], create_graph: bool) -> list[Gradient]:
        """Return the gradients of the wanted arguments of y, from `backward` or from the composite."""
        if self.backward is not None and not create_graph:
            gradients = self.backward(g, y.data, y.saved, *y.values, **y.kwargs)
            return [gradients[i] for i in wanted]
        if isinstance(self.composite, Op):
            return self.composite.pull(g, y, wanted, create_graph)
        with _tape(True):
            args = [identity(a) if i in wanted else a for i, a in enumerate(y.args)]
            aliases = [args[i] for i in wanted]
            gradients = grad(self.composite(*args, **y.kwargs), aliases, g, create_graph, unused="zero")
        return gradients if create_graph else [a.data for a in gradients]


def checkpoint(f: Callable[..., Tensor], *inputs: Any) -> Tensor:
    """Compute ``f(*inputs)`` without keeping what happens inside, and compute it again when its gradient is wanted.

    Parameters
    ----------
    f : function of Tensors
        Deterministic. Every Tensor that needs a gradient, parameters included, must be among its arguments.
    *inputs
        Tensors, or constants.

    Returns
    -------
    Tensor
        ``f(*inputs)``.

    Raises
    ------
    ValueError
        If f uses a Tensor that requires a gradient and was not passed.

    References
    ----------
    Deep Learning, section 6.5.8. T. Chen et al., Training deep nets with sublinear memory cost (2016).

    Examples
    --------
    >>> x = Tensor([0.5], requires_grad=True)
    >>> y = checkpoint(lambda x: tanh(tanh(x)), x)
    >>> np.array_equal(grad(y, x).data, grad(tanh(tanh(x)), x).data)
    True
    """

    def forward(*values: Any) -> tuple[Array, None]:
        y = f(*[Tensor(v) if isinstance(a, Tensor) else v for a, v in zip(inputs, values, strict=True)])
        for v in Graph(y).nodes:
            if v.requires_grad and v.op is None:
                raise ValueError(f"checkpoint: parameter {v.name or 'without a name'!r} is used but not passed")
        return y.data, None

    result: Tensor = Fused("checkpoint", forward, None, f)(*inputs)
    return result


# --- primitives: shapes and sums ---


def unbroadcast(g: Gradient, a: Any) -> Gradient:
    """Add up what broadcasting copied: the adjoint of `broadcast_to`, from the shape of g to that of a.

    Examples
    --------
    >>> unbroadcast(np.ones((3, 2)), np.zeros((1, 2)))
    array([[3., 3.]])
    """
    if g.shape == a.shape:
        return g
    if g.ndim > a.ndim:
        g = g.sum(axis=tuple(range(g.ndim - a.ndim)))
        if g.shape == a.shape:
            return g
    axes = tuple(i for i, n in enumerate(a.shape) if n != g.shape[i])
    return g.sum(axis=axes, keepdims=True) if axes else g


def _spread(g: Gradient, x: Any, axis: Axis, keepdims: bool) -> Gradient:
    """Hand the gradient of a sum along axes to every entry that was added."""
    if axis is not None and not keepdims:
        axes = _axes(axis, x.ndim)
        g = g.reshape(tuple(1 if i in axes else n for i, n in enumerate(x.shape)))
    return broadcast_to(g, x.shape)


def _axes(axis: Axis, ndim: int) -> Sequence[int]:
    """Return the axes that NumPy means by `axis`, counted from 0."""
    if axis is None:
        return range(ndim)
    return [i % ndim for i in ((axis,) if isinstance(axis, int) else axis)]


def _ties(x: Any, y: Any, axis: Axis, keepdims: bool) -> Array:
    """Return the share of each entry of x in the maximum y: 1 where it stands alone, 1/2 where two tie, 0 elsewhere."""
    values, y = _value(x), _value(y)
    largest: Array = values == _spread(y, values, axis, keepdims)
    if np.count_nonzero(largest) == y.size == np.count_nonzero(y == y):  # one each; a NaN equals nothing
        return largest
    shares: Array = largest / largest.sum(axis=axis, keepdims=True, dtype=values.dtype)
    return shares


def _broadcast(x: Any, shape: tuple[int, ...]) -> Array:
    """Return x copied into a shape. (A view, as of `numpy.broadcast_to`, costs more calls and is slower to read.)"""
    y = np.empty(shape, x.dtype)
    if x.ndim > y.ndim:  # an assignment would drop leading axes of length 1
        raise ValueError(f"{x.shape} has more axes than {y.shape}")
    y[...] = x
    return y


identity: Op = Op("identity", lambda x: x, lambda g, y, x: g)
reshape: Op = Op("reshape", np.reshape, lambda g, y, x, shape: g.reshape(x.shape))
transpose: Op = Op(
    "transpose",
    np.transpose,
    lambda g, y, x, axes=None: g.T if axes is None else transpose(g, tuple(np.argsort(axes))),
)
broadcast_to: Op = Op("broadcast_to", _broadcast, lambda g, y, x, shape: unbroadcast(g, x))
sum: Op = Op(
    "sum",
    lambda x, axis=None, keepdims=False: x.sum(axis=axis, keepdims=keepdims),
    lambda g, y, x, axis=None, keepdims=False: _spread(g, x, axis, keepdims),
)
max: Op = Op(
    "max",
    lambda x, axis=None, keepdims=False: x.max(axis=axis, keepdims=keepdims),
    lambda g, y, x, axis=None, keepdims=False: _spread(g, x, axis, keepdims) * _ties(x, y, axis, keepdims),
)


def _put(g: Array, index: Any, shape: tuple[int, ...]) -> Array:
    """Return zeros with g added at an index of this shape."""
    x = np.zeros(shape, dtype=g.dtype)
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(i, list | np.ndarray) and np.asarray(i).dtype.kind in "iu" for i in parts):
        np.add.at(x, index, g)  # an entry may be named twice
    else:
        x[index] = g
    return x


getitem: Op = Op("getitem", lambda x, index: x[index], lambda g, y, x, index: put(g, index, x.shape))
put: Op = Op("put", _put, lambda g, y, x, index, shape: g[index])


def _block(axis: int, ndim: int, part: int | slice) -> tuple[int | slice, ...]:
    """Return the index of a part of an axis, with all of the others."""
    index: list[int | slice] = [slice(None)] * ndim
    index[axis] = part
    return tuple(index)


def _concatenate_vjp(i: int) -> Callable[..., Gradient]:
    def vjp(g: Gradient, y: Any, *xs: Any, axis: int) -> Gradient:
        start = math.fsum(x.shape[axis] for x in xs[:i])
        return g[_block(axis, g.ndim, slice(int(start), int(start) + xs[i].shape[axis]))]

    return vjp


_concatenate: Op = Op("concatenate", lambda *xs, axis: np.concatenate(xs, axis), each=_concatenate_vjp)
_stack: Op = Op(
    "stack",
    lambda *xs, axis: np.stack(xs, axis),
    each=lambda i: lambda g, y, *xs, axis: g[_block(axis, g.ndim, i)],
)


def concatenate(xs: Sequence[Any], axis: int = 0) -> Any:
    """Join Tensors or arrays along an axis that they have.

    Examples
    --------
    >>> concatenate([Tensor([1.0]), Tensor([2.0, 3.0])]).data
    array([1., 2., 3.], dtype=float32)
    """
    return _concatenate(*xs, axis=axis)


def stack(xs: Sequence[Any], axis: int = 0) -> Any:
    """Join Tensors or arrays of one shape along a new axis.

    Examples
    --------
    >>> stack([Tensor([1.0, 2.0]), Tensor([3.0, 4.0])], axis=1).data
    array([[1., 3.],
           [2., 4.]], dtype=float32)
    """
    return _stack(*xs, axis=axis)


pad: Op = Op("pad", np.pad, lambda g, y, x, width: g[_middle(width, x.shape)])


def _middle(width: Any, shape: tuple[int, ...]) -> tuple[slice, ...]:
    """Return where an array of this shape stands after padding; `width` as in `numpy.pad`."""
    before = np.broadcast_to(width, (len(shape), 2))[:, 0]
    return tuple(slice(b, b + n) for b, n in zip(before, shape, strict=True))


# --- primitives: arithmetic ---

add: Op = Op("add", np.add, lambda g, y, a, b: unbroadcast(g, a), lambda g, y, a, b: unbroadcast(g, b))
sub: Op = Op("sub", np.subtract, lambda g, y, a, b: unbroadcast(g, a), lambda g, y, a, b: unbroadcast(-g, b))
mul: Op = Op("mul", np.multiply, lambda g, y, a, b: unbroadcast(g * b, a), lambda g, y, a, b: unbroadcast(g * a, b))
div: Op = Op("div", np.divide, lambda g, y, a, b: unbroadcast(g / b, a), lambda g, y, a, b: unbroadcast(-g * y / b, b))
neg: Op = Op("neg", np.negative, lambda g, y, x: -g)
power: Op = Op("power", np.power, lambda g, y, x, p: g * (p * x ** (p - 1)) if p else g * 0.0)


def _swap(x: Any) -> Any:
    """Transpose the matrices in a stack."""
    return x.T if x.ndim == 2 else x.transpose((*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def _weight_vjp(g: Gradient, x: Any) -> Gradient:
    """Return the gradient of the W in x W: the rows of all leading axes in one product."""
    if x.ndim != 2:
        rows = math.prod(x.shape[:-1])
        x, g = x.reshape((rows, x.shape[-1])), g.reshape((rows, g.shape[-1]))
    return x.T @ g


_matmul: Op = Op(
    "matmul",
    np.matmul,
    lambda g, y, a, b: unbroadcast(g @ _swap(b), a),
    lambda g, y, a, b: _weight_vjp(g, a) if b.ndim == 2 else unbroadcast(_swap(a) @ g, b),
)
affine: Op = Op(  # x W + b in one step, because every layer has it
    "affine",
    lambda x, W, b: np.matmul(x, W) + b,
    lambda g, y, x, W, b: g @ W.T,
    lambda g, y, x, W, b: _weight_vjp(g, x),
    lambda g, y, x, W, b: unbroadcast(g, b),
)


def matmul(a: Any, b: Any) -> Tensor:
    """Multiply matrices, or stacks of them; a vector counts as a row on the left and as a column on the right.

    Examples
    --------
    >>> matmul(Tensor([[1.0, 2.0], [3.0, 4.0]]), Tensor([1.0, 1.0])).data
    array([3., 7.], dtype=float32)
    """
    left, right = np.ndim(a), np.ndim(b)
    if left > 1 and right > 1:
        return _matmul(a, b)
    if not (left and right):
        raise ValueError("matmul: a number has no columns; use *")
    y = _matmul(a if left > 1 else reshape(a, (1, -1)), b if right > 1 else reshape(b, (-1, 1)))
    rows, columns = y.shape[-2:-1] if left > 1 else (), y.shape[-1:] if right > 1 else ()
    return reshape(y, y.shape[:-2] + rows + columns)


# --- primitives: functions of one entry ---

exp: Op = Op("exp", np.exp, lambda g, y, x: g * y)
log: Op = Op("log", np.log, lambda g, y, x: g / x)
sqrt: Op = Op("sqrt", np.sqrt, lambda g, y, x: g / (2.0 * y))
sin: Op = Op("sin", np.sin, lambda g, y, x: g * cos(x))
cos: Op = Op("cos", np.cos, lambda g, y, x: -g * sin(x))
tanh: Op = Op("tanh", np.tanh, lambda g, y, x: g - g * (y * y))
sigmoid: Op = Op("sigmoid", numerics.sigmoid, lambda g, y, x: g * (y - y * y))
softplus: Op = Op("softplus", numerics.softplus, lambda g, y, x: g * sigmoid(x))
relu: Op = Op(  # a row of zeros, because NumPy compares arrays faster than an array with a number
    "relu", lambda x: np.maximum(x, np.zeros(x.shape[-1:], x.dtype)), lambda g, y, x: g * (y > 0)
)
abs: Op = Op("abs", np.abs, lambda g, y, x: g * np.sign(_value(x)))
clip: Op = Op("clip", np.clip, lambda g, y, x, low, high: g * ((x >= low) & (x <= high)))


# --- primitives: choices, normalisations ---


def _larger(a: Any, b: Any, dtype: Any) -> Array:
    """Return 1 where a > b, 1/2 where they tie, 0 elsewhere."""
    a, b = _value(a), _value(b)
    wins: Array = np.add(a > b, a >= b, dtype=dtype) / 2
    return wins


def _mask_vjp(*_: Any) -> Any:
    raise TypeError("where: argument 0 has no derivative")


maximum: Op = Op(
    "maximum",
    np.maximum,
    lambda g, y, a, b: unbroadcast(g * _larger(a, b, g.dtype), a),
    lambda g, y, a, b: unbroadcast(g * _larger(b, a, g.dtype), b),
)
minimum: Op = Op(
    "minimum",
    np.minimum,
    lambda g, y, a, b: unbroadcast(g * _larger(b, a, g.dtype), a),
    lambda g, y, a, b: unbroadcast(g * _larger(a, b, g.dtype), b),
)
where: Op = Op(
    "where",
    np.where,
    _mask_vjp,
    lambda g, y, mask, a, b: unbroadcast(where(mask, g, 0.0), a),
    lambda g, y, mask, a, b: unbroadcast(where(mask, 0.0, g), b),
)
norm: Op = Op(
    "norm",
    lambda x, axis=None, keepdims=False: np.sqrt(np.square(x).sum(axis=axis, keepdims=keepdims)),
    lambda g, y, x, axis=None, keepdims=False: x * _spread(_unless_zero(g, y), x, axis, keepdims),
)
logsumexp: Op = Op(
    "logsumexp",
    numerics.logsumexp,
    lambda g, y, x, axis=-1, keepdims=False: _spread(g, x, axis, keepdims) * exp(x - _spread(y, x, axis, keepdims)),
)
softmax: Op = Op("softmax", numerics.softmax, lambda g, y, x, axis=-1: y * (g - (g * y).sum(axis=axis, keepdims=True)))


def _unless_zero(g: Gradient, y: Any) -> Gradient:
    """Return g / y, and 0 where y is 0."""
    zero = _value(y) == 0
    return g * ~zero / (y + zero)


def _cross_entropy_forward(z: Array, q: Array) -> tuple[Any, Array]:
    if z.size == 0:
        raise ValueError(f"cross_entropy: mean over nothing, logits of shape {z.shape}")
    log_p = numerics.log_softmax(z)
    return -(q * log_p).sum() / _rows(z), log_p


def _cross_entropy_backward(g: Array, y: Array, log_p: Array, z: Array, q: Array) -> list[Array]:
    share = g / _rows(z)
    return [(np.exp(log_p) - q) * share, log_p * -share]


def _rows(z: Any) -> int:
    """Return the number of distributions in z, one per row."""
    return math.prod(z.shape[:-1])


_cross_entropy: Op = Op(
    "cross_entropy",
    lambda z, q: _cross_entropy_forward(z, q)[0],
    lambda g, y, z, q: (softmax(z) - q) * (g / _rows(z)),
    lambda g, y, z, q: (logsumexp(z, keepdims=True) - z) * (g / _rows(z)),
)
cross_entropy: Op = Fused("cross_entropy", _cross_entropy_forward, _cross_entropy_backward, _cross_entropy)
"""Mean over the rows of the cross-entropy between target probabilities q and softmax(z). Rows of q sum to 1."""


# --- products with Jacobians and Hessians ---


def vjp(f: Callable[..., Tensor], xs: Sequence[Tensor], u: Any) -> list[Tensor]:
    """Return u^T J, one piece per x: J is the Jacobian of f at xs. One pass back.

    Examples
    --------
    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> vjp(lambda x: x * x, [x], [1.0, 10.0])[0].data
    array([ 2., 40.], dtype=float32)
    """
    result: list[Tensor] = grad(f(*xs), xs, u, unused="zero")
    return result


def jvp(f: Callable[..., Tensor], xs: Sequence[Tensor], vs: Sequence[Any]) -> Tensor:
    """Return J v: the product u^T J is linear in u, and its derivative with respect to u is J.

    Parameters
    ----------
    f : function of Tensors
        Called as ``f(*xs)``. It may also ignore its arguments and use the Tensors xs themselves, as a model does.
    xs : sequence of Tensors
        Where; they must require a gradient.
    vs : sequence of array_like
        The direction, in the shapes of xs.

    Returns
    -------
    Tensor
        In the shape of ``f(*xs)``.

    References
    ----------
    Deep Learning, section 6.5.9. The trick is J. Townsend's (2017).

    Examples
    --------
    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> jvp(lambda x: x * x, [x], [[1.0, 10.0]]).data
    array([ 2., 40.], dtype=float32)
    """
    return _push(f(*xs), xs, vs)


def _push(y: Tensor, xs: Sequence[Tensor], vs: Sequence[Any]) -> Tensor:
    u = Tensor(np.zeros_like(y.data), requires_grad=True)
    result: Tensor = grad(grad(y, xs, u, create_graph=True, unused="zero"), u, vs, unused="zero")
    return result


def hvp(
    f: Callable[..., Tensor],
    xs: Sequence[Tensor],
    vs: Sequence[Any],
) -> list[Tensor]:
    """Return H v for the Hessian H of a scalar function, without the matrix.

    It is the gradient of (gradient of f)^T v, v held constant.

    The gradient of g^T v is v pulled back through g, so that the product itself need not be computed.

    Parameters
    ----------
    f : function of Tensors
        Returns a scalar; called as ``f(*xs)``, see `jvp`.
    xs : sequence of Tensors
        Where; they must require a gradient.
    vs : sequence of array_like
        The direction, in the shapes of xs.

    Returns
    -------
    list of Tensors
        One piece per x, at the price of two or three gradients. No matrix is formed.

    References
    ----------
    Deep Learning, section 6.5.10. B. A. Pearlmutter, Fast exact multiplication by the Hessian (1994).

    Examples
    --------
    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> hvp(lambda x: (x * x * x).sum(), [x], [[1.0, 1.0]])[0].data
    array([ 6., 12.], dtype=float32)
    """
    gradients = grad(f(*xs), xs, create_graph=True, unused="zero")
    result: list[Tensor] = grad(gradients, xs, vs, unused="zero")
    return result


def gnvp(
    f: Callable[..., Tensor], loss: Callable[[Tensor], Tensor], xs: Sequence[Tensor], vs: Sequence[Any]
) -> list[Tensor]:
    """Return J^T H J v, the product with the Gauss-Newton matrix of ``loss(f(*xs))``.

    Parameters
    ----------
    f : function of Tensors
        The model, J its Jacobian.
    loss : function of one Tensor
        Scalar function of the model's output; H is its Hessian. Where it is convex, the product is positive
        semi-definite.
    xs, vs
        As for `hvp`.

    Returns
    -------
    list of Tensors
        One piece per x.

    References
    ----------
    N. N. Schraudolph, Fast curvature matrix-vector products (2002).

    Examples
    --------
    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> gnvp(lambda x: x * x, lambda y: (y * y).sum(), [x], [[1.0, 1.0]])[0].data
    array([ 8., 32.], dtype=float32)
    """
    y = f(*xs)
    output = Tensor(y.data, requires_grad=True)
    (curved,) = hvp(loss, [output], [_push(y, xs, vs)])
    result: list[Tensor] = grad(y, xs, curved, unused="zero")
    return result


def jacobian(f: Callable[[Tensor], Tensor], x: Tensor, mode: Literal["reverse", "forward"] = "reverse") -> Array:
    """Return the Jacobian of f, row by row (reverse) or column by column (forward).

    Parameters
    ----------
    f : function of one Tensor
        Any shapes.
    x : Tensor
        Where; it must require a gradient.
    mode : {"reverse", "forward"}
        Cheap for few outputs, or for few inputs.

    Returns
    -------
    ndarray, shape f(x).shape + x.shape
        All partial derivatives.

    References
    ----------
    Deep Learning, sections 6.5.2 and 6.5.9.

    Examples
    --------
    >>> jacobian(lambda x: x * x, Tensor([1.0, 2.0], requires_grad=True))
    array([[2., 0.],
           [0., 4.]], dtype=float32)
    """
    y = f(x)
    if mode == "reverse":
        rows = [grad(y, x, e, unused="zero").data for e in _units(y)]
        return np.reshape(np.array(rows, dtype=y.dtype), y.shape + x.shape)
    if mode != "forward":
        raise ValueError(f"mode must be 'reverse' or 'forward', got {mode!r}")
    columns = [_push(y, [x], [e]).data.ravel() for e in _units(x)]
    return np.reshape(np.reshape(columns, (x.size, y.size)).T, y.shape + x.shape)


def _units(x: Tensor) -> Iterator[Array]:
    """Yield the arrays in the shape of x that are 1 in one entry and 0 elsewhere."""
    for i in range(x.size):
        e = np.zeros(x.size, dtype=x.dtype)
        e[i] = 1
        yield e.reshape(x.shape)


def hessian(f: Callable[..., Tensor], xs: Sequence[Tensor]) -> Array:
    """Return the Hessian of a scalar function as a matrix, the xs laid end to end.

    Parameters
    ----------
    f : function of Tensors
        Returns a scalar; called as ``f(*xs)``, see `jvp`.
    xs : sequence of Tensors
        Where, n <= 2000 entries altogether; they must require a gradient.

    Returns
    -------
    ndarray, shape (n, n)
        One pass back per row.

    Raises
    ------
    ValueError
        If n > 2000: ask for products (`hvp`) instead.

    References
    ----------
    Deep Learning, section 6.5.10.

    Examples
    --------
    >>> hessian(lambda x: x[0] * x[1] ** 2, [Tensor([1.0, 2.0], requires_grad=True)])
    array([[0., 4.],
           [4., 2.]], dtype=float32)
    """
    n = int(np.sum([x.size for x in xs]))
    if n > 2000:
        raise ValueError(f"a Hessian of {n} x {n} entries: use hvp, which needs no matrix")
    rows = [
        np.concatenate([h.data.ravel() for h in grad(g, xs, e, unused="zero")])
        for g in grad(f(*xs), xs, create_graph=True, unused="zero")
        for e in _units(g)
    ]
    return np.reshape(rows, (n, n))


# --- is it right? what does it look like? ---


def gradcheck(
    f: Callable[..., Tensor],
    inputs: Sequence[Tensor],
    order: Literal[1, 2] = 1,
    *,
    rng: np.random.Generator,
    n_directions: int = 3,
    eps: float = 1e-6,
    rtol: float = 1e-5,
    atol: float = 1e-8,
) -> float:
    """Compare derivatives with differences, along random directions.

    Parameters
    ----------
    f : function of Tensors
        Any output; a random weighted sum of its entries is differentiated. Called as ``f(*inputs)``, see `jvp`.
    inputs : sequence of Tensors
        float64, all requiring a gradient. Kinks (relu at 0, ties) must be further away than `eps`.
    order : 1 or 2
        Check the gradient, or the gradient and the derivative of the gradient.
    rng : numpy.random.Generator
        The source of weights and directions.
    n_directions : int
        Directions per input.
    eps : float
        Half the distance of the two points whose difference is taken.
    rtol, atol : float
        Allowed: atol + rtol abs(numeric).

    Returns
    -------
    float
        The largest error in units of what is allowed.

    Raises
    ------
    ValueError
        If an input is not float64 or does not require a gradient.
    AssertionError
        If a derivative is wrong; says which, and by which factor.

    References
    ----------
    Deep Learning, section 6.5.

    Examples
    --------
    >>> x = Tensor(np.array([0.3, -1.2]), requires_grad=True)
    >>> gradcheck(lambda x: tanh(x) * x, [x], order=2, rng=np.random.default_rng(0)) < 1
    True
    """
    for i, x in enumerate(inputs):
        if x.dtype != np.float64 or not x.requires_grad:
            raise ValueError(f"gradcheck needs float64 inputs that require a gradient, unlike input {x.name or i!r}")
    weights = rng.normal(size=f(*inputs).shape)
    worst = 0.0
    gradients = grad(f(*inputs), inputs, weights, unused="zero")
    for i, (x, g) in enumerate(zip(inputs, gradients, strict=True)):
        for _ in range(n_directions if x.size else 0):
            d = rng.normal(size=x.shape)
            analytic, numeric = float(np.sum(g.data * d)), _slope(lambda: np.sum(weights * f(*inputs).data), x, d, eps)
            error = np.abs(analytic - numeric) / (atol + rtol * np.abs(numeric))
            if not error <= 1:
                ratio = analytic / numeric if numeric else math.inf
                raise AssertionError(
                    f"input {x.name or i!r}: analytic {analytic:.8g}, numeric {numeric:.8g}, ratio {ratio:.6g}"
                )
            worst = np.maximum(worst, error)
    if order == 2:
        for i, x in enumerate(inputs):
            try:
                again = gradcheck(
                    lambda *xs, x=x: grad(f(*xs), x, weights, create_graph=True, unused="zero"),
                    inputs,
                    rng=rng,
                    n_directions=n_directions,
                    eps=eps,
                    rtol=rtol,
                    atol=atol,
                )
            except AssertionError as error:
                raise AssertionError(f"derivative of the gradient of input {x.name or i!r}: {error}") from None
            worst = np.maximum(worst, again)
    return float(worst)


def _slope(value: Callable[[], Any], x: Tensor, d: Array, eps: float) -> float:
    """Return the derivative of value() as x moves along d, by differences."""
    start = x.data

    def moved(t: Array) -> float:
        x.data = start + t[0] * d
        return float(value())

    try:
        return float(numerics.numerical_gradient(moved, np.zeros(1), eps)[0])
    finally:
        x.data = start


class Graph:
    """The graph of a computation: what was computed, from what, in which order.

    Parameters
    ----------
    outputs : Tensor or sequence of Tensors
        The ends. Everything that they were made from belongs to the graph; arrays and numbers among the arguments are
        constants and do not.

    Attributes
    ----------
    outputs : list of Tensors
    nodes : list of Tensors
        In the order in which they were made.

    References
    ----------
    Deep Learning, sections 6.5.1, 6.5.5 and 6.5.6 (get_operation, get_inputs, get_consumers).

    Examples
    --------
    >>> x = Tensor(3.0, requires_grad=True, name="x")
    >>> graph = Graph(exp(x) * x)
    >>> [graph.operation(v).name for v in graph.consumers(x)]
    ['exp', 'mul']
    >>> float(graph.run({x: 0.0})[0].data)
    0.0
    """

    def __init__(self, outputs: Tensor | Sequence[Tensor]) -> None:
        self.outputs = [outputs] if isinstance(outputs, Tensor) else list(outputs)
        found, stack = set(self.outputs), list(self.outputs)
        while stack:
            new = [a for a in self.inputs(stack.pop()) if a not in found]
            found.update(new)
            stack.extend(new)
        self.nodes = sorted(found, key=lambda v: v.id)

    def operation(self, v: Tensor) -> Op | None:
        """Return the Op that made v, None for a leaf."""
        op: Op | None = v.op
        return op

    def inputs(self, v: Tensor) -> list[Tensor]:
        """Return the Tensors that v was made from, as often as they are arguments."""
        return [a for a in v.args if isinstance(a, Tensor)]

    def consumers(self, v: Tensor) -> list[Tensor]:
        """Return the nodes that were made from v, as often as v is an argument."""
        return [w for w in self.nodes for a in self.inputs(w) if a is v]

    def run(self, feed: Mapping[Tensor, ArrayLike]) -> list[Tensor]:
        """Follow the recipes again with other values of some nodes, and return the outputs.

        Masks, signs and ties are constants of a graph of gradients: they keep the values of the first run.
        """
        values: dict[Tensor, Tensor] = {}
        for v in self.nodes:
            if v in feed:
                values[v] = Tensor(np.asarray(feed[v], dtype=v.dtype), requires_grad=v.requires_grad, name=v.name)
            elif v.op is None:
                values[v] = v
            else:
                values[v] = v.op(*[values[a] if isinstance(a, Tensor) else a for a in v.args], **v.kwargs)
        return [values[v] for v in self.outputs]

    def nbytes(self) -> int:
        """Return the bytes of all arrays that the graph keeps alive; views count once, with what they show."""
        arrays = {}
        for v in self.nodes:
            for array in (v.data, *(v.saved if isinstance(v.saved, tuple) else (v.saved,)), *v.args):
                while isinstance(array, np.ndarray) and array.base is not None:
                    array = array.base
                if isinstance(array, np.ndarray):
                    arrays[id(array)] = array.nbytes
        return int(np.sum(list(arrays.values()), dtype=int))
