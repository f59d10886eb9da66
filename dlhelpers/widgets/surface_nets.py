r"""The nets whose loss surfaces lecture 10's explorer shows: small enough to be trained while one waits.

Two inputs, ReLU blocks of two layers each, two outputs.  A plain block is
:math:`h \leftarrow \phi(W_2\,\phi(W_1 h + b_1) + b_2)`, one with a skip
:math:`h \leftarrow \phi(h + W_2\,\phi(W_1 h + b_1) + b_2)`.  Both start from the same numbers and
are trained alike.

A net is one vector here, so that thousands of points of a plane are one batched product.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from dlhelpers import data, training

WIDTH, SAMPLES, EPOCHS, BATCH, ETA, MOMENTUM = 12, 200, 60, 50, 0.05, 0.9
#: Points of a plane in one product: their activations stay in the cache.
TOGETHER = 48


class Net(nn.Module):
    """Two inputs, ``blocks`` blocks of two ReLU layers, two outputs.

    :param blocks: how many blocks.
    :param skip: whether each block adds its input.
    :param seed: of the start, He's: variance 2/d_in, biases 0.
    """

    def __init__(self, blocks: int, skip: bool, seed: int) -> None:
        super().__init__()
        self.blocks, self.skip = blocks, skip
        sizes = [(2, WIDTH), *[(WIDTH, WIDTH)] * (2 * blocks), (WIDTH, 2)]
        linear = [nn.Linear(a, b) for a, b in sizes]
        self.layers = nn.ModuleList(linear)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for layer, (d_in, _) in zip(linear, sizes, strict=True):
                layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator) * (2 / d_in) ** 0.5)
                layer.bias.zero_()

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Scores of both classes.

        :param X: (n, 2) inputs.
        :returns: (n, 2).
        """
        h = torch.relu(self.layers[0](X))
        for k in range(self.blocks):
            r = self.layers[2 * k + 2](torch.relu(self.layers[2 * k + 1](h)))
            h = torch.relu(h + r if self.skip else r)
        return self.layers[-1](h)


@functools.cache
def moons() -> tuple[torch.Tensor, torch.Tensor]:
    """The points all nets learn: (n, 2) and labels (n,)."""
    return data.toy.moons(SAMPLES, noise=0.15, seed=0)


@dataclass(frozen=True, eq=False)
class Training:
    """A trained net: its vectors epoch by epoch, (EPOCHS + 1, N), and its losses (EPOCHS + 1,)."""

    net: Net
    way: torch.Tensor
    losses: np.ndarray


@functools.cache
def trained(blocks: int, skip: bool, seed: int) -> Training:
    """Train one net; the second call with the same arguments is free.

    :param blocks: how many blocks.
    :param skip: whether each block adds its input.
    :param seed: of start and batches.
    :returns: the way it took.
    """
    net = Net(blocks, skip, seed)
    points = [nn.utils.parameters_to_vector(net.parameters()).detach().clone()]

    def remember(*_: object) -> None:
        points.append(nn.utils.parameters_to_vector(net.parameters()).detach().clone())

    training.fit(net, moons(), nn.CrossEntropyLoss(), optimizer=torch.optim.SGD(net.parameters(), ETA, MOMENTUM),
                 epochs=EPOCHS, batch=BATCH, progress=False, on_epoch=remember, seed=seed)
    way = torch.stack(points)
    return Training(net, way, losses(net, way))


def losses(net: Net, vectors: torch.Tensor) -> np.ndarray:
    """The mean cross-entropy of many nets of one shape.

    :param net: tells the shape.
    :param vectors: (P, N), one net a row.
    :returns: (P,) losses; inf where one is not finite.
    """
    X, y = moons()
    sizes = [p.shape for p in net.parameters()]
    found = []
    for some in vectors.split(TOGETHER):
        parts = [part.reshape(len(some), *s) for part, s in
                 zip(some.split([s.numel() for s in sizes], 1), sizes, strict=True)]      # (P, d_out, d_in), (P, d_out)

        def layer(k: int, h: torch.Tensor, parts: list[torch.Tensor] = parts) -> torch.Tensor:
            return torch.baddbmm(parts[2 * k + 1][:, None], h, parts[2 * k].transpose(1, 2))      # (P, n, d_out)

        h = functional.relu_(layer(0, X.expand(len(some), *X.shape)))
        for k in range(net.blocks):
            r = layer(2 * k + 2, functional.relu_(layer(2 * k + 1, h)))
            h = functional.relu_(r.add_(h) if net.skip else r)
        z = layer(2 * net.blocks + 1, h)                                                         # (P, n, 2)
        margin = (z[..., 0] - z[..., 1]) * (2.0 * y - 1)
        found.append(functional.softplus(margin).mean(1))
    return torch.nan_to_num(torch.cat(found), nan=np.inf, posinf=np.inf).double().numpy()


def rescaling(net: Net, factor: float) -> torch.Tensor:
    r"""What every parameter is multiplied by when the units inside the blocks are rescaled.

    Every second unit of a block's first layer takes its weights and bias times c, and the weights that
    read it divided by c; the others the other way round.  :math:`\phi(cz) = c\,\phi(z)`, so no output changes.

    :param net: tells the shape.
    :param factor: c, positive.
    :returns: (N,) factors.
    """
    turns = torch.where(torch.arange(WIDTH) % 2 == 0, factor, 1 / factor)
    scale: list[torch.Tensor] = []
    for k, layer in enumerate(net.layers):
        inner, after = 0 < k < len(net.layers) - 1 and k % 2 == 1, 0 < k < len(net.layers) - 1 and k % 2 == 0
        assert isinstance(layer, nn.Linear)
        weight = torch.ones_like(layer.weight)
        scale += [(weight * turns[:, None] if inner else weight / turns if after else weight).reshape(-1),
                  turns if inner else torch.ones_like(layer.bias)]
    return torch.cat(scale)
