"""dlcore.networks.modules against NumPy, scipy, closed forms and gradcheck."""

import copy

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm

from dlcore.networks.autodiff import Graph, Tensor, abs, grad, gradcheck, no_grad, relu, sigmoid, softplus, tanh
from dlcore.networks.modules import (
    GLU,
    MLP,
    RBF,
    Embedding,
    Linear,
    Maxout,
    MixtureDensity,
    Module,
    PReLU,
    Residual,
    Sequential,
    gelu,
    hard_tanh,
    he_normal,
    leaky_relu,
)

X = np.random.default_rng(3).normal(size=(5, 3)).round(2) + 0.005


def new(seed=0):
    return np.random.default_rng(seed)


MODULES = {
    "Linear": lambda d: Linear(3, 2, rng=new(), dtype=d),
    "Linear without bias": lambda d: Linear(3, 2, bias=False, rng=new(), dtype=d),
    "Sequential": lambda d: Sequential(Linear(3, 4, rng=new(), dtype=d), tanh, Linear(4, 2, rng=new(1), dtype=d)),
    "MLP": lambda d: MLP([3, 4, 4, 2], softplus, rng=new(), dtype=d),
    "Residual": lambda d: Residual(Sequential(Linear(3, 3, rng=new(), dtype=d), sigmoid), scale=0.5),
    "PReLU": lambda d: PReLU(0.25, dtype=d),
    "PReLU per feature": lambda d: PReLU(0.25, 3, dtype=d),
    "Maxout": lambda d: Maxout(3, 2, 4, rng=new(), dtype=d),
    "GLU": lambda d: GLU(3, 2, rng=new(), dtype=d),
    "RBF": lambda d: RBF(3, 4, new().normal(size=(4, 3)), width=1.5, dtype=d),
}
ACTIVATIONS = {
    "leaky_relu": lambda x: leaky_relu(x, 0.1),
    "hard_tanh": hard_tanh,
    "gelu": gelu,
    "relu": relu,
    "abs": abs,
}


@pytest.mark.parametrize("name", MODULES)
def test_gradients_with_respect_to_input_and_parameters(name):
    model = MODULES[name](np.float64)
    x = Tensor(X, requires_grad=True, name="x")
    gradcheck(lambda *_: model(x), [x, *model.parameters()], order=2, rng=new(5))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_gradients_of_activations(name):
    gradcheck(ACTIVATIONS[name], [Tensor(X, requires_grad=True)], order=2, rng=new(6))


@pytest.mark.parametrize("name", [*MODULES, "MixtureDensity"])
def test_float32_by_default_all_the_way(name):
    make = MODULES.get(name, lambda d: MixtureDensity(3, 2, 2, rng=new(), dtype=d))
    model = make(np.float32)
    out = model(X.astype(np.float32))
    for y in out if isinstance(out, tuple) else [out]:
        assert y.dtype == np.float32 and len(y) == len(X)
        for p, g in zip(model.parameters(), grad(y.sum(), model.parameters(), unused="zero"), strict=True):
            assert g.dtype == np.float32 and g.shape == p.shape


def test_activations_by_their_definitions():
    np.testing.assert_allclose(gelu(X), X * norm.cdf(X), rtol=1e-14)
    np.testing.assert_allclose(hard_tanh(X), np.maximum(-1, np.minimum(1, X)))
    np.testing.assert_allclose(leaky_relu(X, -1), np.abs(X))
    np.testing.assert_allclose(2 * expit(2 * X) - 1, tanh(X), rtol=1e-13)


def test_what_holds_unless_told_otherwise():
    x = np.array([-2.0, 3.0], dtype=np.float32)
    np.testing.assert_allclose(leaky_relu(x), [-0.02, 3.0])
    np.testing.assert_allclose(PReLU()(x).data, [-0.5, 3.0])
    np.testing.assert_allclose(RBF(2, 1, [[-2.0, 2.0]])(x).data, [np.exp(-0.5)], rtol=1e-6)
    head = MixtureDensity(2, 2, 1, rng=new())
    np.testing.assert_allclose(head.means.bias.data, [-1.0, 1.0])
    head.log_scales.bias.data[:] = -50
    np.testing.assert_array_equal(head(np.zeros((1, 2), np.float32))[2].data, np.full((1, 2, 1), -7.0))


def test_a_residual_block_adds_its_body_to_its_input():
    np.testing.assert_allclose(Residual(np.sin, scale=0.5)(X), X + 0.5 * np.sin(X), rtol=1e-15)
    np.testing.assert_allclose(Residual(np.sin)(X), X + np.sin(X), rtol=1e-15)


@pytest.mark.parametrize("name", MODULES)
def test_rows_may_stand_in_any_number_of_axes(name):
    model, rows = MODULES[name](np.float64), np.stack([X[:4], X[1:]])
    together = np.asarray(model(rows).data)
    np.testing.assert_allclose(together, [model(part).data for part in rows], rtol=1e-12)
    np.testing.assert_allclose(together[1, 2], model(rows[1, 2]).data, rtol=1e-12)


def test_linear_is_x_w_plus_b_on_any_number_of_axes():
    layer = MODULES["Linear"](np.float64)
    layer.bias.data[:] = [1, -1]
    np.testing.assert_allclose(layer(X).data, X @ layer.weight.data + [1, -1])
    stacked = np.stack([X, 2 * X])
    np.testing.assert_allclose(layer(stacked).data, stacked @ layer.weight.data + [1, -1])
    assert layer(np.zeros((0, 3))).shape == (0, 2) and layer(X[0]).shape == (2,)
    with pytest.raises(ValueError, match=r"affine: shapes \(5, 2\), \(3, 2\) and \(2,\) do not fit"):
        layer(X[:, :2])
    with pytest.raises(ValueError, match=r"init returned shape \(2, 3\) instead of \(3, 2\)"):
        Linear(3, 2, init=lambda m, n, rng: np.zeros((n, m)), rng=new())


def test_he_normal_keeps_the_second_moment_through_a_relu():
    W = he_normal(400, 2000, new())
    h = new(1).normal(size=400)
    assert np.mean(np.maximum(h @ W, 0) ** 2) == pytest.approx(np.mean(h**2), rel=0.1)


def test_maxout_and_rbf_by_their_definitions():
    layer = MODULES["Maxout"](np.float64)
    W = layer.linear.weight.data.reshape(3, 2, 4)
    np.testing.assert_allclose(layer(X).data, np.einsum("ni,iuk->nuk", X, W).max(axis=2))
    with pytest.raises(ValueError, match="at least one piece, got 0"):
        Maxout(3, 2, 0, rng=new())
    rbf = MODULES["RBF"](np.float64)
    d2 = ((X[:, None] - rbf.centers.data) ** 2).sum(axis=2)
    np.testing.assert_allclose(rbf(X).data, np.exp(-d2 / (2 * 1.5**2)), rtol=1e-12)
    glu = MODULES["GLU"](np.float64)
    np.testing.assert_allclose(glu(X).data, (X @ glu.value.weight.data) * expit(X @ glu.gate.weight.data))
    prelu = MODULES["PReLU"](np.float64)
    np.testing.assert_allclose(prelu(X).data, np.where(X > 0, X, 0.25 * X))


def test_rbf_at_a_center_is_at_most_one():
    centers = new().normal(size=(50, 3)) * 1e3
    assert RBF(3, 50, centers)(centers.astype(np.float32)).data.max() == 1
    with pytest.raises(ValueError, match=r"centers of shape \(4, 3\) instead of \(3, 4\)"):
        RBF(4, 3, np.zeros((4, 3)))
    with pytest.raises(ValueError, match="width must be positive, got 0"):
        RBF(3, 4, np.zeros((4, 3)), width=0)


def test_embedding_adds_up_rows_met_twice():
    table = Embedding(5, 2, rng=new(), dtype=np.float64)
    numbers = np.array([[3, 0], [3, 3]])
    y = table(numbers)
    np.testing.assert_array_equal(y.data, table.weight.data[numbers])
    g = grad(y.sum(), table.weight).data
    np.testing.assert_array_equal(g, np.bincount([3, 0, 3, 3], minlength=5)[:, None] * np.ones(2))
    gradcheck(lambda *_: tanh(table(numbers)), [table.weight], order=2, rng=new())
    for bad in ([5], [-1], [1.0]):
        with pytest.raises(ValueError, match=r"integers in 0\.\.4"):
            table(np.array(bad))


def test_mixture_density_answers_inputs_of_unit_size_with_outputs_of_unit_size():
    head = MixtureDensity(400, 30, 20, rng=new(), spread=0.0, dtype=np.float64)
    logits, means, log_scales = head(new(1).normal(size=(50, 400)))
    for part in (logits, means, log_scales + 1.0):
        assert part.data.std() == pytest.approx(1, rel=0.06)


def test_mixture_density_starts_spread_and_wide_and_has_a_floor():
    head = MixtureDensity(3, 3, 2, rng=new(), spread=2.0, floor=-2.0, dtype=np.float64)
    logits, means, log_scales = head(np.zeros((1, 3)))
    np.testing.assert_array_equal(logits.data, np.zeros((1, 3)))
    np.testing.assert_array_equal(means.data[0], [[-2, -2], [0, 0], [2, 2]])
    np.testing.assert_array_equal(log_scales.data, np.full((1, 3, 2), -1.0))
    head.log_scales.bias.data[:] = -50
    assert head(np.zeros((1, 3)))[2].data.min() == -2
    assert MixtureDensity(3, 1, 2, rng=new())(np.zeros((4, 3), np.float32))[1].data.max() == 0


class Everything(Module):
    def __init__(self):
        self.shared = Linear(2, 2, rng=new())
        self.tied = self.shared
        self.by_name = {"a": PReLU(), "b": [Tensor([1.0], requires_grad=True)]}
        self.constant = Tensor([5.0])
        self.buffer = np.zeros(2)
        self.layers = (Linear(2, 1, bias=False, rng=new()), np.tanh)


def test_parameters_are_found_once_and_buffers_are_not_parameters():
    model = Everything()
    assert [name for name, _ in model.named_parameters()] == [
        "shared.weight",
        "shared.bias",
        "by_name.a.slope",
        "by_name.b.0",
        "layers.0.weight",
    ]
    assert len(model.parameters()) == 5
    assert list(model.state_dict()) == [*(name for name, _ in model.named_parameters()), "buffer"]
    with pytest.raises(NotImplementedError, match="Everything has no forward"):
        model(1)


def test_state_is_a_copy_and_comes_back():
    model, other = Everything(), Everything()
    for p in model.parameters():
        p.data += 1
    model.buffer += 7
    state = model.state_dict()
    model.shared.weight.data += 1
    graph = (other.shared.weight * 2).sum()
    other.load_state_dict(state)
    np.testing.assert_array_equal(other.shared.weight.data, model.shared.weight.data - 1)
    np.testing.assert_array_equal(other.buffer, [7, 7])
    with pytest.raises(ValueError, match="W changed in place"):
        graph.backward()
    with pytest.raises(ValueError, match=r"names that do not match: \['buffer'\]"):
        other.load_state_dict({k: v for k, v in state.items() if k != "buffer"})
    with pytest.raises(ValueError, match=r"buffer has shape \(2,\), the saved one \(3,\)"):
        other.load_state_dict(state | {"shared.weight": np.zeros((2, 2)), "buffer": np.zeros(3)})
    assert other.shared.weight.data.any()


def test_modes_reach_every_module_and_gradients_stay_on():
    model = Sequential(Residual(Sequential(PReLU())), {"in a dict": PReLU()}.get)
    assert model.training and model.parts[0].body.parts[0].training
    assert model.eval() is model
    assert not (model.training or model.parts[0].training or model.parts[0].body.parts[0].training)
    assert model.parts[0](np.ones(2, np.float32)).requires_grad
    model.train()
    assert model.parts[0].body.parts[0].training


def test_models_can_be_copied():
    model = MLP([3, 2], rng=new())
    twin = copy.deepcopy(model)
    twin(X.astype(np.float32)).sum().backward()
    assert model.parameters()[0].grad is None and twin.parameters()[0].grad is not None


def test_results_are_named_after_their_modules():
    model = MLP([3, 4, 2], rng=new(), dtype=np.float64)
    y = model(X)
    assert [v.name for v in Graph(y).nodes if v.op and v.name] == ["Linear", "Linear"]
    with no_grad():
        assert model(X).name is None
    with pytest.raises(ValueError, match=r"sizes must name input and output, got \[3\]"):
        MLP([3], rng=new())
