"""Drawings of computational graphs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import networkx as nx
import numpy as np
from matplotlib.axes import Axes
from matplotlib.path import Path
from matplotlib.text import Text
from numpy.typing import ArrayLike
from scipy.linalg import block_diag
from scipy.optimize import lsq_linear

from dlcore.display.style import BLUE, GREY, INK, ORANGE, PAPER

MOST_NODES = 30
"""Graphs with more nodes are drawn by module."""

CLEAR = 5
"""Points of an edge beside the widest box of a column that are still level."""

LEVEL = 1000.0
"""How much more a difference in height weighs along a link that does not come from a leaf."""

SWEEPS = 12
"""How often the columns are put in order, from the left and from the right in turn."""


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
    one with the operation where one did, under its name if it has one; a constant number shows its value. An edge leads
    from an argument to a result and passes beside the boxes between them; "2x" at its end says that the argument is
    used twice. A graph of more than thirty nodes is drawn by module: what leads up to the result of a module stands in
    one box with its name.

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
    places, ways = _layout(drawn)
    boxes: dict[Any, Text] = {}
    for v in drawn:
        boxes[v] = _box(ax, places[v], v, both=len(graph.nodes) <= MOST_NODES)
        if values and boxes[v].get_text() != _short(v.data):
            _write(ax, places[v], (0, -17), _short(v.data), GREY)
        if grads is not None and v in grads:
            _write(ax, places[v], (0, 17), _short(grads[v]), ORANGE)
    for (a, v), way in ways.items():
        stops = [places[stop] for stop in way]
        passed = [[box for w, box in boxes.items() if places[w][0] == x] for x, _ in stops]
        course = _past(ax, stops, passed, (boxes[a], boxes[v]))
        line = {"arrowstyle": "-|>", "color": GREY, "connectionstyle": course}
        ax.annotate("", stops[-1], stops[0], arrowprops=line, zorder=4, in_layout=False)
        if (uses := drawn.edges[a, v]["uses"]) > 1:
            outside = -3 if stops[-2][1] > stops[-1][1] else 3  # of the bend
            _write(ax, (0, 0.5), (-13, outside), f"{uses}x", GREY, of=boxes[v])
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
    label = "\n".join(filter(None, lines)) or (_short(v.data) if v.data.ndim == 0 else "const")
    return ax.text(*place, label, ha="center", va="center", fontsize=9, color=INK, gid=f"node-{v.id}", bbox=style)


def _write(
    ax: Axes, place: tuple[float, float], points: tuple[float, float], text: str, colour: str, of: Any = "data"
) -> None:
    """Write text so many points right of a place of the axes, or of a box, and so many above or below."""
    look: dict[str, Any] = {"ha": "center", "va": "bottom" if points[1] > 0 else "top", "fontsize": 8, "color": colour}
    ax.annotate(text, place, points, xycoords=of, textcoords="offset points", **look)


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


def _past(ax: Axes, stops: ArrayLike, columns: Sequence[list[Text]], ends: tuple[Text, Text]) -> Callable[..., Path]:
    """Return what Matplotlib asks for the course of an edge: level past every column, curved from one to the next.

    It is asked when the figure is drawn: before, nobody knows how large the boxes are.
    """

    def course(*_places: Any, **_patches: Any) -> Path:
        points = ax.transData.transform(stops)
        room = CLEAR * ax.figure.dpi / 72
        reach = [max(np.ptp(_sides(box)) for box in column) / 2 + room for column in columns]
        path = [(_sides(ends[0])[1], points[0, 1])]
        for (x0, y0), (x1, y1), before, after in zip(points, points[1:], reach, reach[1:], strict=False):
            x0, x1 = x0 + before, x1 - after
            bend = 0.4 * (x1 - x0)
            path += [(x0, y0), (x0 + bend, y0), (x1 - bend, y1), (x1, y1)]
        path.append((_sides(ends[1])[0], points[-1, 1]))
        return Path(path, [Path.MOVETO, *[Path.LINETO, *[Path.CURVE4] * 3] * (len(points) - 1), Path.LINETO])

    return course


def _sides(text: Text) -> tuple[float, float]:
    """Return where the box around a text begins and ends, in pixels, once it is drawn."""
    box: Any = text.get_bbox_patch()
    x = box.get_transform().transform(box.get_path().vertices)[:, 0]
    return x.min(), x.max()


def _layout(network: nx.DiGraph) -> tuple[dict[Any, tuple[float, float]], dict[tuple[Any, Any], list[Any]]]:
    """Return the places of nodes and lanes, and the stops of each edge (Sugiyama, Tagawa and Toda, 1981)."""
    layers, ways = _layers(network)
    links = nx.DiGraph()
    links.add_nodes_from(network)
    for way in ways.values():
        nx.add_path(links, way)
    return _places(_untangled(layers, links), links), ways


def _layers(network: nx.DiGraph) -> tuple[list[list[Any]], dict[tuple[Any, Any], list[Any]]]:
    """Return the columns, and the stops of each edge, one in a column: its ends, and lanes over the columns between.

    The column of a node is the longest path from a leaf, and a leaf stands just before its first use. A lane is a pair
    (a, column), the same for all edges from a.
    """
    column: dict[Any, int] = {}
    for i, generation in enumerate(nx.topological_generations(network)):
        column.update(dict.fromkeys(generation, i))
    for v in network:
        if column[v] == 0 and network.out_degree(v):
            column[v] = min(column[w] for w in network.successors(v)) - 1
    ways = {(a, v): [a, *((a, i) for i in range(column[a] + 1, column[v])), v] for a, v in network.edges}
    layers: list[list[Any]] = [[] for _ in range(max(column.values()) + 1)]
    for v in network:
        layers[column[v]].append(v)
    for lane in dict.fromkeys(stop for way in ways.values() for stop in way[1:-1]):
        layers[lane[1]].append(lane)
    return layers, ways


def _untangled(layers: list[list[Any]], links: nx.DiGraph) -> list[list[Any]]:
    """Return the columns in an order with few crossings: each in turn by where its neighbours stand, there and back."""
    rank = {v: k for layer in layers for k, v in enumerate(layer)}
    best, fewest = layers, _crossings(layers, links)
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        near = links.predecessors if forward else links.successors
        layers = [list(layer) for layer in layers]
        for layer in layers if forward else layers[::-1]:
            layer.sort(key=lambda v: np.mean([rank[w] for w in near(v)] or [rank[v]]))
            rank.update({v: k for k, v in enumerate(layer)})
        if (crossings := _crossings(layers, links)) < fewest:
            best, fewest = layers, crossings
    return best


def _crossings(layers: list[list[Any]], links: nx.DiGraph) -> int:
    """Count the pairs of links that cross."""
    rank = {v: k for layer in layers for k, v in enumerate(layer)}
    count = 0
    for layer in layers:
        ends = np.array([(rank[a], rank[v]) for a, v in links.out_edges(layer)]).reshape(-1, 2)
        before, after = (np.sign(np.subtract.outer(side, side)) for side in ends.T)
        count += int(np.sum(before * after < 0)) // 2
    return count


def _places(layers: list[list[Any]], links: nx.DiGraph) -> dict[Any, tuple[float, float]]:
    """Return positions, one column after another and at least 1 apart in it, with the links as level as can be.

    That is a least-squares problem in the steps down each column: the first is free, the others are at least 1. The
    links from leaves count less: they join a chain of operations from the side.
    """
    stops = [v for layer in layers for v in layer]
    weights = [LEVEL if links.in_degree(a) else 1.0 for a, _ in links.edges]
    level = np.transpose(nx.incidence_matrix(links, stops, oriented=True).toarray() * np.sqrt(weights))
    down = block_diag(*[-np.tri(len(layer)) for layer in layers])
    least = np.concatenate([[-np.inf] + [1.0] * (len(layer) - 1) for layer in layers])
    rows = np.vstack([level, 0.01 * np.eye(len(stops))])  # of all solutions, the one about 0
    heights = down @ lsq_linear(rows @ down, np.zeros(len(rows)), (least, np.inf), method="bvls").x
    column = {v: float(i) for i, layer in enumerate(layers) for v in layer}
    return {v: (column[v], y) for v, y in zip(stops, heights.round(6).tolist(), strict=True)}
