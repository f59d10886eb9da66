"""Record lecture 10's control: what of the skips' smooth picture is the start, what the small branch.

    python data/runs/10_skip_controls.py

Two gains of the start x three nets (plain, branches times 1/4, branches in full), three seeds;
everything else as in 10_skip_connections.
"""

from __future__ import annotations

import itertools
import time

import numpy as np
import torch
from torch import nn

from dlhelpers import data, landscapes, runs

NAME = "10_skip_controls"
DEPTH, WIDTH, STEPS, POINTS = 16, 16, 600, 25
GAINS, BRANCHES, SEEDS = [1.5, 1.0], [0.0, 0.25, 1.0], [0, 1, 2]


class Skip(nn.Module):
    """h + branch tanh(Wh + c)."""

    def __init__(self, linear: nn.Linear, branch: float) -> None:
        super().__init__()
        self.linear, self.branch = linear, branch

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        return h + self.branch * torch.tanh(self.linear(h))


def build(gain: float, branch: float, seed: int) -> nn.Module:
    """2-16-...-16-2 with weights of standard deviation gain/sqrt(fan in); branch 0 means no skips."""
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


def main() -> None:
    """Train, count the basins of one plane each, store."""
    pair, began = data.toy.moons(400, noise=0.1, seed=0), time.perf_counter()
    shape = len(GAINS), len(BRANCHES), len(SEEDS)
    count, share, final = np.zeros(shape, dtype=int), np.zeros(shape), np.zeros(shape)
    for at in itertools.product(*map(range, shape)):
        gain, branch, seed = GAINS[at[0]], BRANCHES[at[1]], SEEDS[at[2]]
        model = build(gain, branch, seed)
        final[at] = train(model, *pair)
        plane = landscapes.random_plane(model, seed=seed)
        surface = landscapes.surface(model, nn.CrossEntropyLoss(), pair, plane, radius=1.0, points=POINTS)
        count[at], share[at] = landscapes.basins(surface.values)
        print(gain, branch, seed, f"loss {final[at]:.5f}, {count[at]} minima, share {share[at]:.2f}", flush=True)
    runs.save(NAME, {"count": count, "share": share, "loss": final, "gains": np.array(GAINS),
                     "branches": np.array(BRANCHES)},
              command=f"python data/runs/{NAME}.py", seed=SEEDS, seconds=time.perf_counter() - began, depth=DEPTH,
              width=WIDTH, steps=STEPS, points=POINTS, radius=1.0)


if __name__ == "__main__":
    main()
