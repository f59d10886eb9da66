"""Pearson's twelve classes run on: which come to rest, and which never stop changing.

Each class starts from the same wounds as in the atlas, in a periodic field of 128 x 128 cells (dt = 1,
5-point Laplacian, float32), and runs for 120 000 steps.  At 40 000, 80 000 and 120 000 steps stored: how far
v moved in the 500 steps before (root mean square over the cells); and, for two pictures of the restless
ones, the middle 72 x 72 cells of v 500 steps before 40 000 steps and at 40 000, as uint8 (255 = 0.5).

    python data/runs/26_pearson_classes.py
"""

import time

import numpy as np
import torch

from dlhelpers import files, runs, runtime
from dlhelpers.patterns import gray_scott

NAME, SEED, SIDE, CROP, LAST, FULL = "26_pearson_classes", 0, 128, 72, 500, 0.5
LOOKS = (40_000, 80_000, 120_000)


def middle(v: np.ndarray) -> np.ndarray:
    """The cells in the middle, as bytes."""
    start = (SIDE - CROP) // 2
    return np.rint(np.clip(v[:, start:start + CROP, start:start + CROP] / FULL, 0, 1) * 255).astype(np.uint8)


def main() -> None:
    started, partial = time.perf_counter(), runs.partial(NAME)
    F, k = (np.array([getattr(kind, name) for kind in gray_scott.CLASSES]) for name in ("F", "k"))
    u, v = gray_scott.seed_fields((SIDE, SIDE), seed=SEED, spots=6, size=10)
    solver = gray_scott.solver(F, k, u, v, device=runtime.choose_device())
    done = {"change": torch.zeros(0, len(F)), "tiles": torch.zeros(0), "seconds": 0.0}
    if partial.exists():
        done = torch.load(partial, weights_only=True)
        solver.put(done["u"].numpy(), done["v"].numpy())
    for look in LOOKS[len(done["change"]):]:
        span = look - (LOOKS[LOOKS.index(look) - 1] if look > LOOKS[0] else 0)
        before, after = solver.run(span - LAST).v, solver.run(LAST).v
        change = torch.from_numpy(np.sqrt(((after - before) ** 2).mean((1, 2))))
        tiles = done["tiles"] if len(done["change"]) else torch.from_numpy(np.stack([middle(before), middle(after)]))
        done = {"change": torch.cat([done["change"], change[None]]), "tiles": tiles, "seconds": done["seconds"],
                "u": torch.from_numpy(solver.u), "v": torch.from_numpy(solver.v)}
        with files.atomic(partial) as temporary:
            torch.save({**done, "seconds": done["seconds"] + time.perf_counter() - started}, temporary)
    runs.save(NAME, {"looks": np.array(LOOKS), "change": done["change"].numpy(), "tiles": done["tiles"].numpy(),
                     "F": F, "k": k, "full": FULL},
              command=f"python data/runs/{NAME}.py", seed=SEED, steps=LOOKS[-1], side=SIDE,
              seconds=done["seconds"] + time.perf_counter() - started)
    partial.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
