"""Drawings of graphs: every node is there, in its column, with what is asked for written beside it."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from dlcore.display import draw_graph, style
from dlcore.display.figures import render
from dlcore.display.graphs import MOST_NODES
from dlcore.networks.autodiff import Graph, Tensor, exp, grad, relu
from dlcore.networks.losses import mse_loss
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
