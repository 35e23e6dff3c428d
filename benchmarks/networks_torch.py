"""The cases of chapter 6 whose peer is torch, on one thread. Read by networks.py when torch is installed."""

from collections.abc import Callable, Iterator

import numpy as np
import torch

from dlcore.networks.autodiff import Tensor, grad, hvp, tanh
from dlcore.networks.losses import cross_entropy
from dlcore.networks.modules import MLP
from dlcore.networks.optimizers import SGD, Adam, Optimizer

Case = tuple[str, str, Callable[[], object], Callable[[], object], str]


def cases() -> Iterator[Case]:
    """Yield (what, peer, ours, theirs, note), each after asserting equal results."""
    torch.set_num_threads(1)
    yield training_step(
        "step, 64-128-10, batch 64, SGD with momentum",
        [64, 128, 10],
        64,
        lambda params: SGD(params, 0.05, momentum=0.9),
        lambda params: torch.optim.SGD(params, 0.05, momentum=0.9, fused=True),
        "goal 0.5: small arrays, where calls cost more than arithmetic",
    )
    yield training_step(
        "step, 784-512-512-10, batch 128, Adam",
        [784, 512, 512, 10],
        128,
        lambda params: Adam(params, 1e-4),
        lambda params: torch.optim.Adam(params, 1e-4, fused=True),
        "goal 1.0: both spend their time in matrix products",
    )
    yield chain(100)
    yield chain(10_000)
    yield hessian_vector_product()


def twins(sizes: list[int], n: int) -> tuple[MLP, torch.nn.Sequential, np.ndarray, np.ndarray]:
    """Return a perceptron in both libraries with the same weights, and data for them."""
    rng = np.random.default_rng(0)
    model = MLP(sizes, rng=rng)
    layers: list[torch.nn.Module] = []
    for ours in model.parts[::2]:
        layer = torch.nn.Linear(*ours.weight.shape)
        with torch.no_grad():
            layer.weight.copy_(torch.tensor(ours.weight.data.T))
            layer.bias.zero_()
        layers += [layer, torch.nn.ReLU()]
    X = rng.normal(size=(n, sizes[0])).astype(np.float32)
    return model, torch.nn.Sequential(*layers[:-1]), X, rng.integers(0, sizes[-1], n)


def training_step(
    what: str,
    sizes: list[int],
    n: int,
    our_optimizer: Callable[[list[Tensor]], Optimizer],
    their_optimizer: Callable[[list[torch.nn.Parameter]], torch.optim.Optimizer],
    note: str,
) -> Case:
    """Forward, backward and update on one batch."""
    model, net, X, y = twins(sizes, n)
    ours_o, theirs_o = our_optimizer(model.parameters()), their_optimizer(list(net.parameters()))
    tX, ty, criterion = torch.tensor(X), torch.tensor(y), torch.nn.CrossEntropyLoss()

    def ours() -> Tensor:
        ours_o.zero_grad()
        loss = cross_entropy(model(X), y)
        loss.backward()
        ours_o.step()
        return loss

    def theirs() -> torch.Tensor:
        theirs_o.zero_grad()
        loss = criterion(net(tX), ty)
        loss.backward()
        theirs_o.step()
        return loss

    for _ in range(20):
        assert abs(ours().item() - theirs().item()) < 1e-5
    return what, f"torch {torch.__version__.split('+')[0]}, fused", ours, theirs, note


def chain(n: int) -> Case:
    """A hundred elementwise operations and their gradient."""
    x = Tensor(np.random.default_rng(0).normal(size=n).astype(np.float32), requires_grad=True)
    tx = torch.tensor(x.data, requires_grad=True)

    def ours() -> Tensor:
        h = x
        for _ in range(50):
            h = tanh(h) * 1.1
        return grad(h.sum(), x)

    def theirs() -> torch.Tensor:
        h = tx
        for _ in range(50):
            h = torch.tanh(h) * 1.1
        return torch.autograd.grad(h.sum(), tx)[0]

    expected = theirs().numpy()
    assert np.abs(ours().data - expected).max() < 1e-5 * np.abs(expected).max()
    note = "goal 0.6: the price of one operation" if n < 1000 else "no goal: the price of the arithmetic"
    return f"gradient of 100 operations on {n} numbers", f"torch {torch.__version__.split('+')[0]}", ours, theirs, note


def hessian_vector_product() -> Case:
    """H v of a perceptron 64-128-10 on a batch of 64."""
    model, net, X, y = twins([64, 128, 10], 64)
    params, theirs_p = model.parameters(), list(net.parameters())
    tX, ty, criterion = torch.tensor(X), torch.tensor(y), torch.nn.CrossEntropyLoss()
    vs = [np.random.default_rng(1).normal(size=p.shape).astype(np.float32) for p in params]
    tvs = [torch.tensor(v.T.copy() if v.ndim == 2 else v) for v in vs]

    def ours() -> list[Tensor]:
        return hvp(lambda *_: cross_entropy(model(X), y), params, vs)

    def theirs() -> tuple[torch.Tensor, ...]:
        gradients = torch.autograd.grad(criterion(net(tX), ty), theirs_p, create_graph=True)
        return torch.autograd.grad(gradients, theirs_p, tvs)

    for a, b in zip(ours(), theirs(), strict=True):
        assert np.abs(a.data.T - b.numpy()).max() < 1e-5
    peer = f"torch {torch.__version__.split('+')[0]}"
    return "Hessian-vector product, 64-128-10, batch 64", peer, ours, theirs, "goal 0.7"
