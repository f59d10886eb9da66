"""What lecture 10's two runs about skip connections share: the deep net, its start, its training."""

from __future__ import annotations

import itertools

import torch
from torch import nn

from dlhelpers import data, training

DEPTH, WIDTH, STEPS = 16, 16, 600


class Skip(nn.Module):
    """h + branch tanh(Wh + c)."""

    def __init__(self, linear: nn.Linear, branch: float) -> None:
        super().__init__()
        self.linear, self.branch = linear, branch

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        return h + self.branch * torch.tanh(self.linear(h))


def build(gain: float, branch: float, seed: int) -> nn.Module:
    """2-16-...-16-2 with weights of standard deviation gain/sqrt(fan in); branch 0 means no skips.

    Nets of one gain and one seed start from the same weights.
    """
    rng = torch.Generator().manual_seed(seed)
    linears = [nn.Linear(a, b) for a, b in itertools.pairwise([2, *[WIDTH] * (DEPTH + 1), 2])]
    with torch.no_grad():
        for linear in linears:
            linear.weight.normal_(0, gain / linear.in_features**0.5, generator=rng)
            linear.bias.zero_()
    layers: list[nn.Module] = [linears[0], nn.Tanh()]
    for linear in linears[1:-1]:
        layers += [Skip(linear, branch)] if branch else [linear, nn.Tanh()]
    return nn.Sequential(*layers, linears[-1])


def moons() -> training.Data:
    """The points that all nets learn."""
    return data.toy.moons(400, noise=0.1, seed=0)


def train(model: nn.Module, X: torch.Tensor, y: torch.Tensor) -> float:
    """Adam on all data, gradients clipped at length 1; the last loss."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(STEPS):
        value = nn.functional.cross_entropy(model(X), y)
        optimizer.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return float(value.detach())
