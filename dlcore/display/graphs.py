"""Drawings of computational graphs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import networkx as nx
import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Text

from dlcore.display.style import BLUE, GREY, INK, ORANGE, PAPER

MOST_NODES = 30
"""Graphs with more nodes are drawn by module."""


class ComputationalGraph(Protocol):
    """What is drawn: nodes in the order in which they were made, and what each was made from."""

    nodes: list[Any]
    outputs: list[Any]

    def inputs(self, v: Any, /) -> list[Any]:
        """Return the arguments of v that are nodes."""


def draw_graph(
    graph: ComputationalGraph, ax: Axes, values: bool = False, grads: Mapping[Any, Any] | None = None
) -> None:
    """Draw a computational graph from left to right.

    A node is a variable: a square box with its name where nothing made it (thick if its gradient is wanted), a round
    one with the operation where one did, under its name if it has one. An edge leads from an argument to a result; "2x"
    on it says that the argument is used twice. A graph of more than thirty nodes is drawn by module: what leads up to
    the result of a module stands in one box with its name.

    Parameters
    ----------
    graph : dlcore.networks.autodiff.Graph
        What to draw.
    ax : Axes
        Where to draw it; its frame is removed.
    values : bool
        Write the value of each variable under it, or its shape if it is not a number.
    grads : mapping from node to array, optional
        Gradients to write, in the same way, above their nodes.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from dlcore.networks.autodiff import Graph, Tensor, exp
    >>> x = Tensor(0.0, requires_grad=True, name="x")
    >>> fig, ax = plt.subplots()
    >>> draw_graph(Graph(exp(x) * x), ax, values=True)
    >>> [text.get_text() for text in ax.texts if text.get_text()]
    ['x', '0', 'exp', '1', 'mul', '0']
    >>> plt.close(fig)
    """
    drawn = _network(graph)
    places, boxes = _places(drawn), {}
    for v, place in places.items():
        boxes[v] = _box(ax, place, v, both=len(graph.nodes) <= MOST_NODES)
        if values:
            _write(ax, place, -17, _short(v.data), GREY)
        if grads is not None and v in grads:
            _write(ax, place, 17, _short(grads[v]), ORANGE)
    for a, v, uses in drawn.edges(data="uses"):
        (x0, y0), (x1, y1) = places[a], places[v]
        ends = {"patchA": boxes[a].get_bbox_patch(), "patchB": boxes[v].get_bbox_patch(), "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", (x1, y1), (x0, y0), arrowprops={"arrowstyle": "-|>", "color": GREY, **ends}, zorder=4)
        if uses > 1:
            _write(ax, ((x0 + x1) / 2, (y0 + y1) / 2), 5, f"{uses}x", GREY)
    xs, ys = zip(*places.values(), strict=True)
    ax.set(xlim=(min(xs) - 0.6, max(xs) + 0.6), ylim=(min(ys) - 0.8, max(ys) + 0.8))
    ax.set_axis_off()


def _box(ax: Axes, place: tuple[float, float], v: Any, both: bool) -> Text:
    """Draw a node; `both` writes name and operation."""
    operation = v.op.name if v.op is not None else None
    lines = [v.name, operation] if both or not v.name else [v.name]
    style = {
        "boxstyle": "round,pad=0.35,rounding_size=0.9" if operation else "square,pad=0.4",
        "facecolor": PAPER,
        "edgecolor": BLUE if operation else INK,
        "linewidth": 1.8 if v.requires_grad and not operation else 1,
    }
    label = "\n".join(filter(None, lines)) or "const"
    return ax.text(*place, label, ha="center", va="center", fontsize=9, color=INK, gid=f"node-{v.id}", bbox=style)


def _write(ax: Axes, place: tuple[float, float], points: float, text: str, colour: str) -> None:
    """Write text so many points above a place, or below it."""
    side = "bottom" if points > 0 else "top"
    ax.annotate(text, place, (0, points), textcoords="offset points", ha="center", va=side, fontsize=8, color=colour)


def _short(value: Any) -> str:
    """Return a number with three digits, or the shape of an array."""
    array = np.asarray(getattr(value, "data", value) if not isinstance(value, np.ndarray) else value)
    return f"{array.item():.3g}" if array.size == 1 else "x".join(map(str, array.shape))


def _network(graph: ComputationalGraph) -> nx.DiGraph:
    """Return the nodes to draw and the edges between them, with the number of times an argument is used."""
    stands_for = {v: v for v in graph.nodes}
    if len(graph.nodes) > MOST_NODES:
        consumers: dict[Any, list[Any]] = {v: [] for v in graph.nodes}
        for v in graph.nodes:
            for a in graph.inputs(v):
                consumers[a].append(v)
        for v in reversed(graph.nodes):
            inside = v.requires_grad if v.op is None else v.name is None
            if inside and v not in graph.outputs:
                stands_for[v] = stands_for[consumers[v][0]]
    network = nx.DiGraph()
    network.add_nodes_from(dict.fromkeys(stands_for.values()))
    for v in graph.nodes:
        for a in graph.inputs(v):
            ends = stands_for[a], stands_for[v]
            if ends[0] is not ends[1]:
                uses = network.edges[ends]["uses"] + 1 if network.has_edge(*ends) else 1
                network.add_edge(*ends, uses=uses)
    return network


def _places(network: nx.DiGraph) -> dict[Any, tuple[float, float]]:
    """Return positions: column = longest path from a leaf, and a leaf stands just before its first use."""
    column: dict[Any, int] = {}
    for i, generation in enumerate(nx.topological_generations(network)):
        column.update(dict.fromkeys(generation, i))
    for v in network:
        if column[v] == 0 and network.out_degree(v):
            column[v] = min(column[w] for w in network.successors(v)) - 1
    places: dict[Any, tuple[float, float]] = {}
    for i in sorted(set(column.values())):
        members = [v for v in network if column[v] == i]
        members.sort(key=lambda v: -np.mean([places[a][1] for a in network.predecessors(v) if a in places] or [0.0]))
        for k, v in enumerate(members):
            shift = (
                0.15 * (-1) ** i if len(members) == 1 else 0.0
            )  # so that an edge over a column passes beside its node
            places[v] = (float(i), (len(members) - 1) / 2 - k + shift)
    return places
