"""Record lecture 10's picture: a deep tanh net on the moons, plain and with skip connections.

    python data/runs/10_skip_connections.py

Five seeds; a net and its twin start from the same weights and see the same data.
Stopped, the same command continues with the next seed.
"""

from __future__ import annotations

import time

import _skips
import numpy as np
import torch
from torch import nn

from dlhelpers import files, landscapes, runs, runtime

NAME = "10_skip_connections"
GAIN, SEEDS = 1.5, [0, 1, 2, 3, 4]
#: Factor of the corrections: 1/sqrt(depth), a quarter.
BRANCH = _skips.DEPTH**-0.5


def main() -> None:
    """Train, take the surfaces and the ends of the spectrum, store."""
    device = runtime.choose_device()
    X, y = (part.to(device) for part in _skips.moons())
    loss, checkpoint = nn.CrossEntropyLoss(), runs.partial(NAME)
    done: dict[str, torch.Tensor] = torch.load(checkpoint, weights_only=True) if checkpoint.exists() else {}
    for seed in SEEDS:
        for skips in (False, True):
            key = f"{'skips' if skips else 'plain'}_{seed}"
            if f"{key}_surface" in done:
                continue
            started = time.perf_counter()
            model = _skips.build(GAIN, BRANCH if skips else 0.0, seed).to(device)
            final = _skips.train(model, X, y)
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
              command=f"python data/runs/{NAME}.py", seed=SEEDS, seconds=seconds, depth=_skips.DEPTH,
              width=_skips.WIDTH, gain=GAIN, steps=_skips.STEPS, radius=1.0)


if __name__ == "__main__":
    main()
