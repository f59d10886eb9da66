"""Gray-Scott patterns over the (F, k) plane, and one for each of Pearson's classes.

Each pair starts from the same wounds in a periodic field of 128 x 128 cells and runs
for 40 000 steps (dt = 1, 5-point Laplacian, float32).  Stored: the middle 64 x 64 cells
of v as uint8 (255 = 0.5), and of the whole field the mean and spread of v and how much
it still changed over the last 500 steps.  A row of the map is a checkpoint: a stopped
run goes on with the next one.

    python data/runs/26_pearson_atlas.py
"""

import time

import numpy as np
import torch

from dlhelpers import files, progress, runs, runtime
from dlhelpers.patterns import gray_scott

NAME, SEED, SIDE, CROP, STEPS, LAST, FULL = "26_pearson_atlas", 0, 128, 64, 40_000, 500, 0.5
F_ROWS, K_COLUMNS = np.round(np.arange(0.006, 0.0721, 0.006), 4), np.round(np.arange(0.046, 0.0689, 0.0012), 4)


def batch(F: np.ndarray, k: np.ndarray, crop: int) -> dict[str, np.ndarray]:
    """Run a list of pairs; what is stored of each."""
    u, v = gray_scott.seed_fields((SIDE, SIDE), seed=SEED, spots=6, size=10)
    solver = gray_scott.solver(F, k, u, v, device=runtime.choose_device()).run(STEPS - LAST)
    before, after = solver.v, solver.run(LAST).v
    start = (SIDE - crop) // 2
    middle = after[:, start:start + crop, start:start + crop]
    return {"tiles": np.rint(np.clip(middle / FULL, 0, 1) * 255).astype(np.uint8), "mean": after.mean((1, 2)),
            "spread": after.std((1, 2)), "change": np.sqrt(((after - before) ** 2).mean((1, 2)))}


def main() -> None:
    started, partial = time.perf_counter(), runs.partial(NAME)
    state = torch.load(partial, weights_only=True) if partial.exists() else {"rows": [], "seconds": 0.0}
    for F in progress.bar(F_ROWS[len(state["rows"]):], "rows of the map"):
        row = batch(np.full(len(K_COLUMNS), F), K_COLUMNS, CROP)
        state["rows"].append({key: torch.from_numpy(value) for key, value in row.items()})
        with files.atomic(partial) as temporary:
            torch.save({**state, "seconds": state["seconds"] + time.perf_counter() - started}, temporary)
    found = {key: np.stack([row[key].numpy() for row in state["rows"]]) for key in state["rows"][0]}
    classes = batch(*(np.array([getattr(c, x) for c in gray_scott.CLASSES]) for x in ("F", "k")), 96)
    runs.save(NAME, {"F": F_ROWS, "k": K_COLUMNS, "full": FULL, **found,
                     **{f"class_{key}": value for key, value in classes.items()}},
              command=f"python data/runs/{NAME}.py", seed=SEED, steps=STEPS, side=SIDE,
              seconds=state["seconds"] + time.perf_counter() - started)
    partial.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
