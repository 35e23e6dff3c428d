"""Back-propagation as the book writes it: *Deep Learning*, algorithms 6.1 to 6.6, line by line.

Nothing imports this module. It is here to be read beside `dlcore.networks.autodiff`, and to agree with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dlcore.networks.autodiff import Graph, Tensor

__all__ = ["backprop", "build_grad", "mlp_backward", "mlp_forward", "scalar_backward", "scalar_forward"]

Array: TypeAlias = NDArray[np.floating[Any]]


def scalar_forward(
    x: Sequence[float],
    f: Sequence[Callable[..., float]],
    parents: Sequence[Sequence[int]],
) -> list[float]:
    """Compute u[n] from the inputs x, node by node.

    Parameters
    ----------
    x : sequence of n_i numbers
        u[0], ..., u[n_i - 1].
    f : sequence of functions
        f[k] makes node n_i + k from the values of its parents.
    parents : sequence of sequences of int
        parents[k] are nodes before n_i + k.

    Returns
    -------
    list of float
        All u; the last is the output.

    References
    ----------
    Deep Learning, algorithm 6.1.

    Examples
    --------
    >>> scalar_forward([3.0], [lambda a: a * a, lambda a, b: a + b], [[0], [0, 1]])
    [3.0, 9.0, 12.0]
    """
    u = list(x)
    for f_i, parents_i in zip(f, parents, strict=True):
        A_i = [u[j] for j in parents_i]
        u.append(f_i(*A_i))
    return u


def scalar_backward(
    u: Sequence[float],
    df: Sequence[Callable[..., Sequence[float]]],
    parents: Sequence[Sequence[int]],
) -> list[float]:
    """Compute the derivatives of u[n] by every node, from the last to the first.

    Parameters
    ----------
    u : sequence of float
        What `scalar_forward` returned.
    df : sequence of functions
        df[k] returns the derivatives of f[k] with respect to each of its arguments.
    parents : sequence of sequences of int
        As for `scalar_forward`.

    Returns
    -------
    list of float
        The table: du[n]/du[j] for every j. One product and one sum per edge.

    References
    ----------
    Deep Learning, algorithm 6.2.

    Examples
    --------
    >>> parents = [[0], [0, 1]]
    >>> scalar_backward([3.0, 9.0, 12.0], [lambda a: [2 * a], lambda a, b: [1, 1]], parents)
    [7.0, 1.0, 1.0]
    """
    n_i = len(u) - len(parents)
    grad_table = [0.0] * len(u)
    grad_table[-1] = 1.0
    for i in reversed(range(n_i, len(u))):
        local = df[i - n_i](*[u[j] for j in parents[i - n_i]])
        for j, derivative in zip(parents[i - n_i], local, strict=True):
            grad_table[j] += grad_table[i] * derivative
    return grad_table


def mlp_forward(
    x: Array,
    y: Any,
    W: Sequence[Array],
    b: Sequence[Array],
    f: Sequence[Callable[[Array], Array]],
    L: Callable[[Array, Any], float],
    Omega: Callable[[Sequence[Array], Sequence[Array]], float],
    lam: float,
) -> tuple[list[Array], list[Array], float]:
    """Compute the cost of a multilayer perceptron on a minibatch of rows.

    Parameters
    ----------
    x : ndarray, shape (m, n_0)
        Inputs.
    y : targets of the loss
    W, b : sequences of l arrays, shapes (n_{k-1}, n_k) and (n_k,)
        Weights and biases.
    f : sequence of l functions
        The activation of each layer.
    L : function (output, y) -> loss
    Omega : function (W, b) -> penalty
    lam : float
        Weight of the penalty.

    Returns
    -------
    a, h : lists of arrays
        Pre-activations a[1..l] (a[0] is empty) and activations h[0..l].
    J : float
        L + lam Omega.

    References
    ----------
    Deep Learning, algorithm 6.3.

    Examples
    --------
    >>> a, h, J = mlp_forward(np.ones((1, 2)), 0.0, [np.ones((2, 1))], [np.zeros(1)], [np.positive],
    ...                       lambda out, y: float(out.sum()), lambda W, b: 1.0, 0.5)
    >>> J
    2.5
    """
    a: list[Array] = [np.empty(0)]
    h = [x]
    for k in range(1, len(W) + 1):
        a.append(b[k - 1] + h[k - 1] @ W[k - 1])
        h.append(f[k - 1](a[k]))
    return a, h, L(h[-1], y) + lam * Omega(W, b)


def mlp_backward(
    a: Sequence[Array],
    h: Sequence[Array],
    y: Any,
    W: Sequence[Array],
    b: Sequence[Array],
    df: Sequence[Callable[[Array], Array]],
    dL: Callable[[Array, Any], Array],
    dOmega: Callable[..., tuple[Sequence[Array], Sequence[Array]]],
    lam: float,
) -> tuple[list[Array], list[Array]]:
    """Compute the gradients of that cost, from the last layer to the first.

    Parameters
    ----------
    a, h : lists of arrays
        What `mlp_forward` returned.
    y, W, b, lam
        As for `mlp_forward`.
    df : sequence of l functions
        The derivative of each activation, at a.
    dL : function (output, y) -> gradient of the loss with respect to the output
    dOmega : function (W, b) -> gradients of the penalty with respect to each W and each b

    Returns
    -------
    dW, db : lists of l arrays
        Gradients of J.

    References
    ----------
    Deep Learning, algorithm 6.4.

    Examples
    --------
    >>> W, b = [np.ones((2, 1))], [np.zeros(1)]
    >>> a, h = [np.empty(0), np.array([[2.0]])], [np.ones((1, 2)), np.array([[2.0]])]
    >>> mlp_backward(a, h, 0.0, W, b, [np.ones_like], lambda out, y: np.ones_like(out), lambda W, b: (W, b), 0.5)[0]
    [array([[1.5],
           [1.5]])]
    """
    dOmega_dW, dOmega_db = dOmega(W, b)
    dW, db = list(W), list(b)  # to be overwritten
    g = dL(h[-1], y)
    for k in reversed(range(1, len(W) + 1)):
        g = g * df[k - 1](a[k])
        db[k - 1] = g.sum(axis=0) + lam * dOmega_db[k - 1]
        dW[k - 1] = h[k - 1].T @ g + lam * dOmega_dW[k - 1]
        g = g @ W[k - 1].T
    return dW, db


def backprop(targets: Sequence[Tensor], graph: Graph, z: Tensor) -> list[Tensor]:
    """Compute the gradients of a scalar z with respect to the targets.

    Parameters
    ----------
    targets : sequence of Tensors
        The variables T.
    graph : Graph
        What z was computed in.
    z : Tensor
        The variable to differentiate.

    Returns
    -------
    list of Tensors
        One gradient per target, as nodes of a larger graph.

    Raises
    ------
    ValueError
        If z does not depend on a target.

    References
    ----------
    Deep Learning, algorithm 6.5.

    Examples
    --------
    >>> x = Tensor(3.0, requires_grad=True)
    >>> z = x * x
    >>> backprop([x], Graph(z), z)[0].item()
    6.0
    """
    pruned = _prune(targets, graph, z)
    grad_table = {z: Tensor(np.ones_like(z.data))}
    for V in targets:
        build_grad(V, graph, pruned, grad_table)
    return [grad_table[V] for V in targets]


def _prune(targets: Sequence[Tensor], graph: Graph, z: Tensor) -> set[Tensor]:
    """Return G': the nodes that are ancestors of z and descendants of a target, both included."""
    ancestors, descendants = {z}, set(targets)
    for V in reversed(graph.nodes):
        if V in ancestors:
            ancestors.update(graph.inputs(V))
    for V in graph.nodes:
        if descendants.intersection(graph.inputs(V)):
            descendants.add(V)
    return ancestors & descendants


def build_grad(
    V: Tensor,
    graph: Graph,
    pruned: set[Tensor],
    grad_table: dict[Tensor, Tensor],
) -> Tensor:
    """Compute the entry of V in the table, and those that it needs, by recursion.

    A consumer counts once per argument that V is: x * x hands x two gradients.

    Parameters
    ----------
    V : Tensor
        The variable whose gradient is wanted.
    graph : Graph
        The graph to modify: the entries computed here extend it.
    pruned : set of Tensors
        G', the nodes that take part.
    grad_table : dict
        Node -> gradient, filled on the way.

    Returns
    -------
    Tensor
        grad_table[V].

    References
    ----------
    Deep Learning, algorithm 6.6.

    Examples
    --------
    >>> x = Tensor(3.0, requires_grad=True)
    >>> z = x * x
    >>> build_grad(x, Graph(z), {x, z}, {z: Tensor(1.0)}).item()
    6.0
    """
    if V in grad_table:
        return grad_table[V]
    G: list[Tensor] = []
    for C in dict.fromkeys(graph.consumers(V)):
        for i, argument in enumerate(C.args if C in pruned else ()):
            if argument is V:
                D = build_grad(C, graph, pruned, grad_table)
                G += C.op.pull(D, C, [i], create_graph=True)
    if not G:
        raise ValueError(f"no path leads from {V.name or 'a target'} to the output")
    total = G[0]
    for term in G[1:]:
        total = total + term
    grad_table[V] = total
    return total
