"""Layers with parameters, and how they are put together: *Deep Learning*, sections 6.3 and 6.4.

A `Module` is a function that owns parameters. An activation owns none, so it is a plain function (`relu`, `tanh`, ...
from `dlcore.networks.autodiff`, and `leaky_relu`, `hard_tanh`, `gelu` here), and `Sequential` takes both. Data are
rows: a layer maps shape (n, in_features) to (n, out_features). Parameters are float32 unless `dtype` says otherwise.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from scipy.special import ndtr

from dlcore.networks.autodiff import Op, Tensor, affine, clip, exp, matmul, maximum, minimum, relu, sigmoid

__all__ = [
    "GLU",
    "MLP",
    "RBF",
    "Embedding",
    "Linear",
    "Maxout",
    "MixtureDensity",
    "Module",
    "PReLU",
    "Residual",
    "Sequential",
    "gelu",
    "hard_tanh",
    "he_normal",
    "leaky_relu",
]

Array: TypeAlias = NDArray[np.floating[Any]]
Init: TypeAlias = Callable[[int, int, np.random.Generator], Array]


# --- activations that are not Ops of the engine ---

_normal_cdf: Op = Op("normal_cdf", ndtr, lambda g, y, x: g * (exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))))


def leaky_relu(x: Any, slope: float = 0.01) -> Any:
    """Return x where it is positive and slope x elsewhere; slope -1 gives the absolute value.

    Examples
    --------
    >>> leaky_relu(np.array([-2.0, 3.0]), 0.5)
    array([-1.,  3.])
    """
    return relu(x) - slope * relu(-x)


def hard_tanh(x: Any) -> Any:
    """Return x cut off at -1 and 1.

    Examples
    --------
    >>> hard_tanh(np.array([-2.0, 0.5]))
    array([-1. ,  0.5])
    """
    return clip(x, -1.0, 1.0)


def gelu(x: Any) -> Any:
    """Return x times the probability that a standard normal variable is below x.

    References
    ----------
    D. Hendrycks and K. Gimpel, Gaussian error linear units (2016).

    Examples
    --------
    >>> gelu(np.array([-10.0, 0.0, 10.0])).round(6)
    array([-0.,  0., 10.])
    """
    return x * _normal_cdf(x)


# --- modules ---


class Module:
    """A function that owns parameters: a base class, whose subclasses define ``forward``.

    What a module owns is found by looking at its attributes: a Tensor that requires a gradient is a parameter, an
    ndarray is a buffer (saved, not trained); modules, lists and dicts are entered. A parameter that is met twice is
    listed once, so that weights can be shared.

    Examples
    --------
    >>> class Scale(Module):
    ...     def __init__(self):
    ...         self.s = Tensor([2.0], requires_grad=True)
    ...
    ...     def forward(self, x):
    ...         return self.s * x
    >>> Scale()(np.float32([1, 3])).data
    array([2., 6.], dtype=float32)
    """

    training = True

    def forward(self, *args: Any) -> Any:
        """Compute the output; defined by each module."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def __call__(self, *args: Any) -> Any:
        y = self.forward(*args)
        if isinstance(y, Tensor) and y.name is None and y.op is not None:
            y.name = type(self).__name__  # drawings of a large graph show modules
        return y

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Yield (name, parameter), named by the path of attributes, such as ``parts.0.weight``."""
        seen: set[Tensor] = set()
        for name, value in _contents(vars(self)):
            if isinstance(value, Tensor) and value.requires_grad and value not in seen:
                seen.add(value)
                yield name, value

    def parameters(self) -> list[Tensor]:
        """Return the parameters."""
        return [p for _, p in self.named_parameters()]

    def state_dict(self) -> dict[str, Array]:
        """Return copies of parameters and buffers by name."""
        buffers = {name: value for name, value in _contents(vars(self)) if isinstance(value, np.ndarray)}
        return {name: np.copy(a) for name, a in [*((n, p.data) for n, p in self.named_parameters()), *buffers.items()]}

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None:
        """Copy saved arrays into parameters and buffers.

        Raises
        ------
        ValueError
            If names or shapes are not those of `state_dict`; nothing is changed then.
        """
        owned = dict(self.named_parameters())
        arrays = {name: p.data for name, p in owned.items()}
        arrays |= {name: value for name, value in _contents(vars(self)) if isinstance(value, np.ndarray)}
        if arrays.keys() != state.keys():
            raise ValueError(f"names that do not match: {sorted(arrays.keys() ^ state.keys())}")
        for name, array in arrays.items():
            if np.shape(state[name]) != array.shape:
                raise ValueError(f"{name} has shape {array.shape}, the saved one {np.shape(state[name])}")
        for name, array in arrays.items():
            array[...] = state[name]
        for p in owned.values():
            p.touch()

    def train(self, mode: bool = True) -> Self:
        """Switch this module and all inside to training, or with False to evaluation."""
        self.training = mode
        for _, value in _contents(vars(self)):
            if isinstance(value, Module):
                value.training = mode
        return self

    def eval(self) -> Self:
        """Switch to evaluation. Gradients are still computed: that is what `no_grad` is for."""
        return self.train(False)


def _contents(attributes: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield everything that attributes hold, inside modules, lists, tuples and dicts as well, with its path."""
    for key, value in attributes.items():
        name = f"{prefix}{key}"
        yield name, value
        if isinstance(value, Module):
            yield from _contents(vars(value), f"{name}.")
        elif isinstance(value, dict):
            yield from _contents(value, f"{name}.")
        elif isinstance(value, list | tuple):
            yield from _contents({str(i): v for i, v in enumerate(value)}, f"{name}.")


def _parameter(array: ArrayLike, dtype: DTypeLike, name: str) -> Tensor:
    return Tensor(np.array(array, dtype=dtype), requires_grad=True, name=name)


def he_normal(fan_in: int, fan_out: int, rng: np.random.Generator) -> Array:
    """Draw a weight matrix with variance 2 / fan_in, which keeps the size of activations through layers of ReLUs.

    References
    ----------
    Deep Learning, section 8.4. K. He et al., Delving deep into rectifiers (2015).

    Examples
    --------
    >>> he_normal(8, 3, np.random.default_rng(0)).shape
    (8, 3)
    """
    return rng.normal(scale=math.sqrt(2 / fan_in), size=(fan_in, fan_out))


class Linear(Module):
    """The affine map x W + b.

    The weight has shape (in_features, out_features), as in the book's h = W^T x + b for a column x. (PyTorch stores the
    transpose.)

    Parameters
    ----------
    in_features, out_features : int
        Columns of the input and of the output.
    bias : bool
        Whether to add b, which starts at 0.
    init : function (fan_in, fan_out, rng) -> array, optional
        The first weight; `he_normal` by default.
    rng : numpy.random.Generator
        For the first weight.
    dtype : dtype
        Of the parameters.

    Raises
    ------
    ValueError
        If `init` returns another shape, or the input has another number of columns.

    References
    ----------
    Deep Learning, section 6.1.

    Examples
    --------
    >>> layer = Linear(3, 2, rng=np.random.default_rng(0))
    >>> layer(np.zeros((5, 3), dtype=np.float32)).shape
    (5, 2)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        init: Init | None = None,
        *,
        rng: np.random.Generator,
        dtype: DTypeLike = np.float32,
    ) -> None:
        weight = (init or he_normal)(in_features, out_features, rng)
        if weight.shape != (in_features, out_features):
            raise ValueError(f"init returned shape {weight.shape} instead of {(in_features, out_features)}")
        self.weight = _parameter(weight, dtype, "W")
        self.bias = _parameter(np.zeros(out_features), dtype, "b") if bias else None

    def forward(self, x: Any) -> Tensor:
        """Return x W + b; x may have any number of leading axes."""
        return matmul(x, self.weight) if self.bias is None else affine(x, self.weight, self.bias)


class Sequential(Module):
    """Functions applied one after the other: modules, and plain functions such as `relu`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> net = Sequential(Linear(4, 8, rng=rng), relu, Linear(8, 2, rng=rng))
    >>> [name for name, _ in net.named_parameters()]
    ['parts.0.weight', 'parts.0.bias', 'parts.2.weight', 'parts.2.bias']
    """

    def __init__(self, *parts: Callable[[Any], Any]) -> None:
        self.parts = list(parts)

    def forward(self, x: Any) -> Any:
        """Return the last function of ... of the first function of x."""
        for part in self.parts:
            x = part(x)
        return x


class MLP(Sequential):
    """A multilayer perceptron: affine maps with an activation between them.

    Parameters
    ----------
    sizes : sequence of int
        Features of the input, of each hidden layer, of the output.
    activation : function
        Applied after every layer but the last.
    init, rng, dtype
        As for `Linear`.

    Raises
    ------
    ValueError
        If there are fewer than two sizes.

    References
    ----------
    Deep Learning, chapter 6.

    Examples
    --------
    >>> net = MLP([64, 32, 10], rng=np.random.default_rng(0))
    >>> sum(p.size for p in net.parameters())
    2410
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: Callable[[Any], Any] = relu,
        *,
        rng: np.random.Generator,
        init: Init | None = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        if len(sizes) < 2:
            raise ValueError(f"sizes must name input and output, got {list(sizes)}")
        parts: list[Callable[[Any], Any]] = []
        for m, n in itertools.pairwise(sizes):
            parts += [Linear(m, n, init=init, rng=rng, dtype=dtype), activation]
        super().__init__(*parts[:-1])


class Residual(Module):
    """A body and a path around it: x + scale body(x).

    References
    ----------
    Deep Learning, section 6.4.2. K. He et al., Deep residual learning (2015).

    Examples
    --------
    >>> Residual(np.square, scale=0.5)(np.array([2.0]))
    array([4.])
    """

    def __init__(self, body: Callable[[Any], Any], scale: float = 1.0) -> None:
        self.body, self.scale = body, scale

    def forward(self, x: Any) -> Any:
        """Return x + scale body(x)."""
        return x + self.scale * self.body(x)


class PReLU(Module):
    """A leaky ReLU whose slope is learned: max(0, x) + slope min(0, x).

    Parameters
    ----------
    slope : float
        Where the slope starts.
    n : int
        1 for one slope in all, or the number of features for one each.
    dtype : dtype
        Of the slope.

    References
    ----------
    Deep Learning, section 6.3.1.

    Examples
    --------
    >>> PReLU(0.5)(np.float32([-2, 3])).data
    array([-1.,  3.], dtype=float32)
    """

    def __init__(self, slope: float = 0.25, n: int = 1, dtype: DTypeLike = np.float32) -> None:
        self.slope = _parameter(np.full(n, slope), dtype, "slope")

    def forward(self, x: Any) -> Tensor:
        """Return max(0, x) + slope min(0, x)."""
        return relu(x) + self.slope * minimum(x, 0.0)


class Maxout(Module):
    """The largest of several affine maps, unit by unit: a learned convex function.

    Parameters
    ----------
    in_features, out_features : int
        Columns of the input and of the output.
    pieces : int
        Affine maps per unit.
    init, rng, dtype
        As for `Linear`.

    Raises
    ------
    ValueError
        If there is no piece.

    References
    ----------
    Deep Learning, section 6.3.1. I. Goodfellow et al., Maxout networks (2013).

    Examples
    --------
    >>> Maxout(3, 2, 4, rng=np.random.default_rng(0))(np.zeros((5, 3), dtype=np.float32)).shape
    (5, 2)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        pieces: int,
        *,
        init: Init | None = None,
        rng: np.random.Generator,
        dtype: DTypeLike = np.float32,
    ) -> None:
        if pieces < 1:
            raise ValueError(f"a maxout unit needs at least one piece, got {pieces}")
        self.pieces = pieces
        self.linear = Linear(in_features, out_features * pieces, init=init, rng=rng, dtype=dtype)

    def forward(self, x: Any) -> Tensor:
        """Return the maxima; the pieces of a unit stand side by side in the weight."""
        z = self.linear(x)
        y: Tensor = z.reshape((*z.shape[:-1], z.shape[-1] // self.pieces, self.pieces)).max(axis=-1)
        return y


class GLU(Module):
    """The gated linear unit: one affine map times the sigmoid of another.

    References
    ----------
    Y. Dauphin et al., Language modeling with gated convolutional networks (2017).

    Examples
    --------
    >>> GLU(3, 2, rng=np.random.default_rng(0))(np.zeros((5, 3), dtype=np.float32)).shape
    (5, 2)
    """

    def __init__(
        self, in_features: int, out_features: int, *, rng: np.random.Generator, dtype: DTypeLike = np.float32
    ) -> None:
        self.value = Linear(in_features, out_features, rng=rng, dtype=dtype)
        self.gate = Linear(in_features, out_features, rng=rng, dtype=dtype)

    def forward(self, x: Any) -> Tensor:
        """Return value(x) sigmoid(gate(x))."""
        y: Tensor = self.value(x) * sigmoid(self.gate(x))
        return y


class RBF(Module):
    """Radial basis functions exp(-d^2 / (2 width^2)), d the distance of x to a centre c; one per centre.

    Parameters
    ----------
    in_features, out_features : int
        Columns of the input, and the number of centres.
    centers : array_like, shape (out_features, in_features)
        Where the units are active at first; learned. Units far from all data have no gradient.
    width : float
        The standard deviation; fixed.
    dtype : dtype
        Of the centres.

    Raises
    ------
    ValueError
        If the centres have another shape or the width is not positive.

    References
    ----------
    Deep Learning, section 6.3.3.

    Examples
    --------
    >>> RBF(2, 1, [[1.0, 0.0]])(np.float32([[1, 0], [1, 1]])).data.round(3)
    array([[1.   ],
           [0.607]], dtype=float32)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        centers: ArrayLike,
        width: float = 1.0,
        dtype: DTypeLike = np.float32,
    ) -> None:
        if np.shape(centers) != (out_features, in_features):
            raise ValueError(f"centers of shape {np.shape(centers)} instead of {(out_features, in_features)}")
        if not width > 0:
            raise ValueError(f"width must be positive, got {width}")
        self.centers, self.width = _parameter(centers, dtype, "centers"), width

    def forward(self, x: Any) -> Tensor:
        """Return one column per centre, with d^2 = x.x - 2 x.c + c.c, cut off at 0 against rounding."""
        c = self.centers
        d2 = (x * x).sum(axis=-1, keepdims=True) - 2.0 * (x @ c.T) + (c * c).sum(axis=-1)
        return exp(maximum(d2, 0.0) * (-0.5 / self.width**2))


class Embedding(Module):
    """A table of n vectors of length d, looked up by number.

    Parameters
    ----------
    n, d : int
        Numbers 0 to n - 1, entries per vector.
    rng : numpy.random.Generator
        The table starts standard normal.
    dtype : dtype
        Of the table.

    Raises
    ------
    ValueError
        If a number is not an integer from 0 to n - 1.

    Examples
    --------
    >>> Embedding(10, 4, rng=np.random.default_rng(0))(np.array([[1, 2, 1]])).shape
    (1, 3, 4)
    """

    def __init__(self, n: int, d: int, *, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> None:
        self.weight = _parameter(rng.normal(size=(n, d)), dtype, "E")

    def forward(self, numbers: ArrayLike) -> Tensor:
        """Return the vectors, shape numbers.shape + (d,)."""
        i = np.asarray(numbers)
        if i.dtype.kind not in "iu" or np.any((i < 0) | (i >= len(self.weight))):
            raise ValueError(f"Embedding: numbers must be integers in 0..{len(self.weight) - 1}, got {i}")
        return self.weight[i]


class MixtureDensity(Module):
    """The parameters of a mixture of K Gaussians over d outputs, as affine functions of the input.

    Parameters
    ----------
    in_features : int
        Columns of the input.
    K, d : int
        Components, and outputs y.
    rng, dtype
        As for `Linear`.
    spread : float
        The component means start at K points from -spread to spread, equal in every output.
    floor : float
        Least log-scale: without one the likelihood of a point that a component sits on is unbounded.

    References
    ----------
    Deep Learning, section 6.2.2.4. C. Bishop, Mixture density networks (1994).

    Examples
    --------
    >>> head = MixtureDensity(8, 3, 1, rng=np.random.default_rng(0))
    >>> [part.shape for part in head(np.zeros((5, 8), dtype=np.float32))]
    [(5, 3), (5, 3, 1), (5, 3, 1)]
    """

    def __init__(
        self,
        in_features: int,
        K: int,
        d: int,
        *,
        rng: np.random.Generator,
        spread: float = 1.0,
        floor: float = -7.0,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.K, self.d, self.floor = K, d, floor
        self.logits = Linear(in_features, K, init=_small, rng=rng, dtype=dtype)
        self.means = Linear(in_features, K * d, init=_small, rng=rng, dtype=dtype)
        self.log_scales = Linear(in_features, K * d, init=_small, rng=rng, dtype=dtype)
        start = np.linspace(-spread, spread, K) if K > 1 else np.zeros(1)
        self.means.bias = _parameter(np.repeat(start, d), dtype, "b")
        self.log_scales.bias = _parameter(np.full(K * d, -1.0), dtype, "b")

    def forward(self, x: Any) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits of the weights (n, K), means (n, K, d) and logarithms of standard deviations (n, K, d)."""
        logits = self.logits(x)
        shape = (*logits.shape, self.d)
        return logits, self.means(x).reshape(shape), maximum(self.log_scales(x).reshape(shape), self.floor)


def _small(fan_in: int, fan_out: int, rng: np.random.Generator) -> Array:
    """Draw weights with variance 1 / fan_in, for outputs of unit size."""
    return rng.normal(scale=1 / math.sqrt(fan_in), size=(fan_in, fan_out))
