"""Record how many gradients a net 1-64-1 needs for one curve, from starts of different steepness.

    python data/runs/07_steep_starts.py

tanh units, the curve sin 2πx + 0.3 sin 6πx at 101 points, L-BFGS, until the worst error is below 0.03 or 2 000
gradients are spent.  Before training the first layer of torch's start is multiplied by each of ``GAINS``, as it
is and with its bends spread evenly over [0, 1]; ten seeds each.
About two minutes on one core; if it is stopped, it begins again.
"""

from __future__ import annotations

import itertools
import time

import numpy as np
import torch

from dlhelpers import runs
from dlhelpers.models.mlp import mlp

NAME = "07_steep_starts"
GAINS = [1, 2, 4, 8, 12, 16, 24]
SEEDS = list(range(10))
UNITS, POINTS, EPS, LIMIT = 64, 101, 0.03, 2000


class ReachedError(Exception):
    """Raised inside the optimiser when the net is near enough."""


def started(seed: int, gain: float, spread: bool) -> torch.nn.Sequential:
    """torch's start with a first layer so many times as steep, its bends where they were or spread."""
    net = mlp([1, UNITS, 1], "tanh", seed=seed)
    with torch.no_grad():
        net[0].weight.mul_(gain)
        net[0].bias.mul_(gain)
        if spread:
            net[0].bias.copy_(-net[0].weight[:, 0] * torch.linspace(0, 1, UNITS))
    return net


def gradients_until(net: torch.nn.Sequential) -> int:
    """Train until the worst error is below EPS: how many gradients that took, at most LIMIT."""
    x = np.linspace(0, 1, POINTS)
    xs = torch.tensor(x[:, None]).float()
    ys = torch.tensor(np.sin(2 * np.pi * x) + 0.3 * np.sin(6 * np.pi * x))[:, None].float()
    spent = 0
    optimizer = torch.optim.LBFGS(net.parameters(), max_iter=LIMIT, max_eval=LIMIT, line_search_fn="strong_wolfe",
                                  tolerance_grad=0, tolerance_change=0)

    def closure() -> torch.Tensor:
        nonlocal spent
        spent += 1
        gap = net(xs) - ys
        if gap.detach().abs().max() < EPS:
            raise ReachedError
        optimizer.zero_grad()
        loss = gap.square().mean()
        loss.backward()
        return loss

    try:
        optimizer.step(closure)
    except ReachedError:
        return spent
    return LIMIT


def main() -> None:
    """Train them all and store the counts."""
    began = time.perf_counter()
    counts = np.zeros((len(GAINS), 2, len(SEEDS)), dtype=int)
    steepest = np.zeros(counts.shape)
    for at in itertools.product(*map(range, counts.shape)):
        net = started(SEEDS[at[2]], GAINS[at[0]], bool(at[1]))
        counts[at] = gradients_until(net)
        steepest[at] = float(net[0].weight.detach().abs().max())
        if at[2] == len(SEEDS) - 1:
            print(f"gain {GAINS[at[0]]}, spread {at[1]}: {sorted(counts[at[:2]])}, steepest weights at the end "
                  f"{np.round(np.sort(steepest[at[:2]]), 1)}", flush=True)
    runs.save(NAME, {"counts": counts, "steepest": steepest, "gains": np.array(GAINS)},
              command=f"python data/runs/{NAME}.py", seed=SEEDS, seconds=time.perf_counter() - began,
              model="1-64-1 tanh", eps=EPS, limit=LIMIT, points=POINTS)


if __name__ == "__main__":
    main()
