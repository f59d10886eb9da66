"""Record lecture 10's picture: a deep tanh net on the moons, plain and with skip connections.

    python data/runs/10_skip_connections.py

Five seeds; a net and its twin start from the same weights and see the same data.
Stopped, the same command continues with the next seed.
"""

from __future__ import annotations

import itertools
import time

import numpy as np
import torch
from torch import nn

from dlhelpers import data, files, landscapes, runs, runtime

NAME = "10_skip_connections"
DEPTH, WIDTH, GAIN, STEPS, SEEDS = 16, 16, 1.5, 600, [0, 1, 2, 3, 4]


class Skip(nn.Module):
    """h + tanh(Wh + c)/sqrt(depth)."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.linear = linear

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        return h + torch.tanh(self.linear(h)) / DEPTH**0.5


def build(skips: bool, seed: int) -> nn.Module:
    """2-16-...-16-2 with weights of standard deviation GAIN/sqrt(fan in)."""
    rng = torch.Generator().manual_seed(seed)
    sizes = [2, *[WIDTH] * (DEPTH + 1), 2]
    linears = [nn.Linear(a, b) for a, b in itertools.pairwise(sizes)]
    with torch.no_grad():
        for linear in linears:
            linear.weight.normal_(0, GAIN / linear.in_features**0.5, generator=rng)
            linear.bias.zero_()
    layers: list[nn.Module] = [linears[0], nn.Tanh()]
    for linear in linears[1:-1]:
        layers += [Skip(linear)] if skips else [linear, nn.Tanh()]
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
    """Train, take the surfaces and the ends of the spectrum, store."""
    device = runtime.choose_device()
    X, y = (part.to(device) for part in data.toy.moons(400, noise=0.1, seed=0))
    loss, checkpoint = nn.CrossEntropyLoss(), runs.partial(NAME)
    done: dict[str, torch.Tensor] = torch.load(checkpoint, weights_only=True) if checkpoint.exists() else {}
    for seed in SEEDS:
        for skips in (False, True):
            key = f"{'skips' if skips else 'plain'}_{seed}"
            if f"{key}_surface" in done:
                continue
            started = time.perf_counter()
            model = build(skips, seed).to(device)
            final = train(model, X, y)
            plane = landscapes.random_plane(model, seed=seed)
            surface = landscapes.surface(model, loss, (X, y), plane, radius=1.0, points=81 if seed == 0 else 41)
            # The ends of the spectrum in float64, which is the CPU's.
            exact = model.cpu().double(), loss, (X.cpu().double(), y.cpu())
            spectrum = landscapes.top_eigenvalues(*exact, steps=80, tol=1e-3)
            done |= {f"{key}_surface": torch.tensor(surface.values, dtype=torch.float32),
                     f"{key}_loss": torch.tensor(final),
                     f"{key}_ends": torch.tensor([spectrum.bottom[0], spectrum.top[0]]),
                     f"{key}_seconds": torch.tensor(time.perf_counter() - started)}
            with files.atomic(checkpoint) as temporary:
                torch.save(done, temporary)
            print(key, f"loss {final:.5f}, non-convex {landscapes.nonconvex_share(np.log(surface.values)):.2f} "
                  f"{landscapes.nonconvex_share(surface.values):.2f}, eigenvalues {spectrum.bottom[0]:.3g} "
                  f"{spectrum.top[0]:.3g}, {float(done[f'{key}_seconds']):.0f} s", flush=True)
    seconds = float(sum(value for key, value in done.items() if key.endswith("_seconds")))
    runs.save(NAME, {key: value.numpy() for key, value in done.items() if not key.endswith("_seconds")},
              command=f"python data/runs/{NAME}.py", seed=SEEDS, seconds=seconds, depth=DEPTH, width=WIDTH, gain=GAIN,
              steps=STEPS, radius=1.0)


if __name__ == "__main__":
    main()
