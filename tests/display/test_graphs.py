"""Drawings of graphs: every node is there, in its column, with what is asked for written beside it."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.path import Path

from dlcore.display import draw_graph, style
from dlcore.display.figures import render
from dlcore.display.graphs import MOST_NODES
from dlcore.networks.autodiff import Graph, Tensor, cos, exp, grad, relu, sigmoid, sin
from dlcore.networks.losses import cross_entropy, mse_loss
from dlcore.networks.modules import MLP


@pytest.fixture
def ax():
    with style.figure_style():
        fig, ax = plt.subplots(figsize=(7, 4))
        yield ax
        plt.close(fig)


def nodes(ax):
    return {text.get_text(): text.get_position() for text in ax.texts if (text.get_gid() or "").startswith("node-")}


def test_a_layer_reads_from_left_to_right(ax):
    X = Tensor(np.ones((4, 3)), name="X")
    W, b = (Tensor(np.ones(shape), requires_grad=True, name=name) for shape, name in (((3, 2), "W"), ((2,), "b")))
    draw_graph(Graph(relu(X @ W + b)), ax, values=True)
    column = {name: x for name, (x, _) in nodes(ax).items()}
    assert column == {"X": 0, "W": 0, "matmul": 1, "b": 1, "add": 2, "relu": 3}
    written = [text.get_text() for text in ax.texts]
    assert written.count("4x2") == 3 and "4x3" in written and "3x2" in written
    render(ax.figure, scale=1)


def test_values_and_gradients_of_numbers(ax):
    x = Tensor(2.0, requires_grad=True, name="x")
    y = x * x
    z = exp(-y)
    draw_graph(Graph(z), ax, values=True, grads={y: grad(z, y), x: grad(z, x).data})
    written = [text.get_text() for text in ax.texts]
    assert {f"{factor * np.exp(-4):.3g}" for factor in (1, -1, -4)} <= set(written)
    assert "2x" in written  # the square takes x twice


def test_no_two_nodes_stand_on_one_place(ax):
    rng = np.random.default_rng(0)
    values = [Tensor(1.0, requires_grad=True, name=f"x{i}") for i in range(4)]
    for _ in range(12):
        i, j = rng.integers(0, len(values), 2)
        values.append(values[i] * values[j])
    graph = Graph(values[4:])
    draw_graph(graph, ax)
    places = [text.get_position() for text in ax.texts if text.get_gid()]
    assert len(places) == len(set(places)) == len(graph.nodes)


def test_large_graphs_are_drawn_by_module(ax):
    net = MLP([2] + [3] * 8 + [1], rng=np.random.default_rng(0))
    loss = mse_loss(net(np.ones((5, 2), np.float32)), np.ones((5, 1), np.float32))
    graph = Graph(loss)
    assert len(graph.nodes) > MOST_NODES
    draw_graph(graph, ax)
    labels = [text.get_text() for text in ax.texts if text.get_gid()]
    assert labels.count("Linear") == 9 and len(labels) == 10


def leaves(names, shape=()):
    return [Tensor(np.ones(shape), requires_grad=True, name=name) for name in names]


def layers_with_a_penalty():
    W1, W2 = leaves(["W1", "W2"], (3, 3))
    data = cross_entropy(relu(np.ones((5, 3)) @ W1) @ W2, np.zeros(5, int))
    return data + 0.1 * ((W1 * W1).sum() + (W2 * W2).sum())


def a_graph_and_its_derivative(f, depth):
    (w,) = leaves("w")
    z = w
    for _ in range(depth):
        z = f(z)
    return [z, grad(z, w, create_graph=True)]


def logistic_regression():
    x, w, b = leaves("xwb")
    return sigmoid(x * w + b) + (w * w) * 0.1


def bypasses():
    """A node that is used at every later step."""
    x, y = leaves("xy")
    z = x * y
    for _ in range(4):
        z = sin(z) * x + y
    return z


def random_graph(seed, size=30):
    rng = np.random.default_rng(seed)
    values = leaves("abcde")
    while len(values) < size:
        i, j = rng.integers(0, len(values), 2)
        values.append(values[i] * values[j] if rng.random() < 0.7 else sin(values[i]))
    return values[5:]


def trespasses(fig, ax, points):
    """Return the number of edges, and by the places of its ends each that comes so near to the box of a third node."""
    fig.canvas.draw()
    boxes = {text.get_position(): text.get_bbox_patch().get_window_extent() for text in ax.texts if text.get_gid()}
    edges = [text for text in ax.texts if getattr(text, "arrow_patch", None)]
    found = []
    for edge in edges:
        ends = tuple(map(float, edge.xyann)), tuple(map(float, edge.xy))
        assert set(ends) <= set(boxes)
        path = edge.arrow_patch.get_transform().transform_path(edge.arrow_patch.get_path())
        lines = [Path(line) for line in path.to_polygons(closed_only=False)]  # curves as short lines; the arrowhead
        for place in boxes.keys() - set(ends):
            box = boxes[place].padded(points * fig.dpi / 72)
            found += [(ends, place) for line in lines if line.intersects_bbox(box, filled=False)]
    return len(edges), found


GRAPHS = {
    "layers with a penalty": layers_with_a_penalty,
    "sin sin": lambda: a_graph_and_its_derivative(sin, 2),
    "cos cos cos cos": lambda: a_graph_and_its_derivative(cos, 4),
    "logistic regression": logistic_regression,
    "bypasses": bypasses,
}


@pytest.mark.parametrize("name", GRAPHS)
def test_no_edge_passes_through_a_third_node(name):
    with style.figure_style():
        fig, ax = plt.subplots(figsize=(7.8, 3.0))
        graph = Graph(GRAPHS[name]())
        draw_graph(graph, ax)
        edges, found = trespasses(fig, ax, points=3)
        plt.close(fig)
    assert edges == len({(a, v) for v in graph.nodes for a in graph.inputs(v)})
    assert not found


@pytest.mark.parametrize("seed", range(8))
def test_no_edge_passes_through_a_third_node_of_a_random_graph(seed):
    with style.figure_style():
        fig, ax = plt.subplots(figsize=(12, 8))
        draw_graph(Graph(random_graph(seed)), ax)
        edges, found = trespasses(fig, ax, points=3)
        plt.close(fig)
    assert edges > 25 and not found


def test_a_constant_number_is_shown_as_its_value(ax):
    draw_graph(Graph(Tensor(2.5) * Tensor(1.0, requires_grad=True, name="x") + Tensor([1.0, 2.0])), ax, values=True)
    written = [text.get_text() for text in ax.texts]
    assert written.count("2.5") == 2 and "const" in written  # the constant, without a second 2.5 below; the product


def test_the_same_graph_is_drawn_the_same_way():
    drawings = []
    for _ in range(2):
        fig, ax = plt.subplots()
        draw_graph(Graph(random_graph(13)), ax)
        drawings.append([text.get_position() for text in ax.texts])
        plt.close(fig)
    assert drawings[0] == drawings[1]


def test_a_leaf_alone(ax):
    draw_graph(Graph(leaves("x")), ax)
    assert nodes(ax) == {"x": (0, 0)}


def test_a_chain_is_level(ax):
    draw_graph(Graph(exp(sin(cos(leaves("x")[0])))), ax)
    assert nodes(ax) == {"x": (0, 0), "cos": (1, 0), "sin": (2, 0), "exp": (3, 0)}


def test_what_belongs_together_stands_together(ax):
    a, b, c, d = leaves("abcd")
    draw_graph(Graph(exp(a * c) + sin(b * d)), ax)
    height = {name: y for name, (_, y) in nodes(ax).items()}
    first, second = {height["a"], height["c"]}, {height["b"], height["d"]}
    assert min(first) > max(second) or min(second) > max(first)
