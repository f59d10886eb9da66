"""Record lecture 10's control: what of the skips' smooth picture is the start, the small branch, the units.

    python data/runs/10_skip_controls.py

Two gains of the start x three nets (plain, branches times 1/4, branches in full), five seeds, three
random planes a net; everything else as in 10_skip_connections.  Besides, with the same trained nets:
the planes of the small branches with steps four times as long in the hidden layers (outside W there
stands 1/4), and those of the plain net with steps a quarter as long.
Stopped, the same command continues with the next net.
"""

from __future__ import annotations

import itertools
import time

import _skips
import numpy as np
import torch
from torch import nn

from dlhelpers import files, landscapes, runs

NAME = "10_skip_controls"
POINTS, GAINS, SEEDS, PLANES = 25, [1.5, 1.0], [0, 1, 2, 3, 4], 3
#: name -> (factor of the branch, factor of the steps in the hidden layers)
ROWS = {"plain": (0.0, 1.0), "plain, steps / 4": (0.0, 0.25), "skip x 1/4": (0.25, 1.0),
        "skip x 1/4, steps x 4": (0.25, 4.0), "skip x 1": (1.0, 1.0)}


def inner_minima(values: np.ndarray) -> int:
    """How many points of the grid, its rim left out, lie lower than their eight neighbours."""
    n = len(values) - 1
    around = [values[1 + i:n + i, 1 + j:n + j] for i, j in itertools.product((-1, 0, 1), repeat=2) if i or j]
    return int((values[1:-1, 1:-1] < np.min(around, axis=0)).sum())


def planes(model: nn.Module, factor: float, seed: int) -> list[np.ndarray]:
    """The surfaces of one net, the steps of its 16 x 16 layers times the factor."""
    hidden = (_skips.WIDTH, _skips.WIDTH)
    found = []
    for k in range(PLANES):
        plane = [[d * factor if d.shape == hidden else d for d in direction]
                 for direction in landscapes.random_plane(model, seed=seed + 100 * k)]
        found.append(landscapes.surface(model, nn.CrossEntropyLoss(), _skips.moons(), plane, radius=1.0,
                                        points=POINTS).values)
    return found


def main() -> None:
    """Train, count the minima inside of three planes each, store."""
    pair, checkpoint = _skips.moons(), runs.partial(NAME)
    shape = len(ROWS), len(GAINS), len(SEEDS)
    done: dict[str, torch.Tensor] = torch.load(checkpoint, weights_only=True) if checkpoint.exists() else {
        "inner": torch.zeros(*shape, PLANES, dtype=torch.int64), "share": torch.zeros(*shape, PLANES),
        "loss": torch.full(shape, torch.nan), "seconds": torch.zeros(())}
    for g, s in itertools.product(range(len(GAINS)), range(len(SEEDS))):
        trained: dict[float, tuple[nn.Module, float]] = {}
        for r, (name, (branch, factor)) in enumerate(ROWS.items()):
            if not done["loss"][r, g, s].isnan():
                continue
            began = time.perf_counter()
            if branch not in trained:
                model = _skips.build(GAINS[g], branch, SEEDS[s])
                trained[branch] = model, _skips.train(model, *pair)
            model, final = trained[branch]
            for k, values in enumerate(planes(model, factor, SEEDS[s])):
                done["inner"][r, g, s, k] = inner_minima(values)
                done["share"][r, g, s, k] = landscapes.basins(values)[1]
            done["loss"][r, g, s] = final
            done["seconds"] += time.perf_counter() - began
            with files.atomic(checkpoint) as temporary:
                torch.save(done, temporary)
            print(GAINS[g], SEEDS[s], name, f"loss {final:.5f}, minima", *done["inner"][r, g, s].tolist(), flush=True)
    arrays = {key: done[key].numpy() for key in ("inner", "share", "loss")}
    runs.save(NAME, arrays | {"gains": np.array(GAINS), "rows": np.array(list(ROWS))},
              command=f"python data/runs/{NAME}.py", seed=SEEDS, seconds=float(done["seconds"]), depth=_skips.DEPTH,
              width=_skips.WIDTH, steps=_skips.STEPS, points=POINTS, planes=PLANES, radius=1.0)


if __name__ == "__main__":
    main()
