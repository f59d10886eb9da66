"""The pattern experiment that the recorded runs of lecture 27 share."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from dlhelpers import data, files, runs, runtime
from dlhelpers.adversarial import point_statistics, two_layer
from dlhelpers.adversarial.game import Game

MODES = {"supervised": 0.0, "adversarial": 1.0}
NULL_SAMPLES = 499


def load(source: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Unit-norm images and one-hot targets, on the device of choice."""
    try:
        digits = data.digits(source)
    except FileNotFoundError as error:
        sys.exit(f"this run needs MNIST: {error}")
    device = runtime.choose_device()
    return two_layer.unit(digits.X_train.to(device)), nn.functional.one_hot(digits.y_train, 10).float().to(device)


def train(name: str, X: torch.Tensor, Y: torch.Tensor, *, m: int, optimizer: str, mode: str, seed: int,
          snapshots: list[int], every: int, keep: bool) -> dict[str, Any]:
    """One run with a checkpoint; stopped, the same call continues.

    Returns curves (one entry every ``every`` steps), statistics at the snapshots, final
    weights, all snapshots of the weights if ``keep``, and the seconds of all attempts.
    """
    place = runs.partial(f"{name}_{optimizer}_{mode}_{seed}")
    game = Game(X, Y, m=m, optimizer=optimizer, adversary=MODES[mode], seed=seed)
    out: dict[str, Any] = {"curves": [], "statistics": [], "kept": [], "seconds": 0.0}
    if place.exists():
        stored = torch.load(place, weights_only=True, map_location="cpu")
        out = stored["out"]
        if out.get("done"):
            return out
        game.load_state_dict(stored["game"])
    clock = time.perf_counter()
    last_saved = time.perf_counter()
    while True:
        t = game.step_count
        # A checkpoint is written right after this block, so that nothing is measured twice.
        if t % every == 0 and len(out["curves"]) == t // every:
            out["curves"].append(list(game.measure(X[:1000], Y[:1000]).values()))
        if t in snapshots and len(out["statistics"]) == snapshots.index(t):
            U, V = game.weights["U"].cpu(), game.weights["V"].T.cpu()
            out["statistics"].append([point_statistics.measure(U).tolist(), point_statistics.measure(V).tolist()])
            if keep or t == snapshots[-1]:
                out["kept"].append([U.half(), V.half()])
        finished = t >= snapshots[-1]
        if finished or (t % every == 0 and time.perf_counter() - last_saved > 30):
            now = time.perf_counter()
            out["seconds"] += now - clock
            clock = last_saved = now
            out["done"] = finished
            place.parent.mkdir(parents=True, exist_ok=True)
            with files.atomic(place) as temporary:
                torch.save({"out": out, "game": None if finished else game.state_dict()}, temporary)
        if finished:
            print(f"{name} {optimizer} {mode} seed {seed}: {out['seconds']:.0f} s, "
                  f"moved U {out['curves'][-1][0]:.1f} V {out['curves'][-1][1]:.1f}, risk {out['curves'][-1][2]:.3f}, "
                  f"U {np.round(out['statistics'][-1][0], 3)} V {np.round(out['statistics'][-1][1], 3)}", flush=True)
            return out
        game.step()


def embed(clouds: list[np.ndarray], seed: int = 0) -> np.ndarray:
    """t-SNE of one cloud after another, each started from the picture before, as int8.

    Returns (clouds, m, 2); one scale for the whole film, so that sizes compare.
    """
    from sklearn.manifold import TSNE

    pictures: list[np.ndarray] = []
    for cloud in clouds:
        start: Any = "pca" if not pictures else pictures[-1] / pictures[-1][:, 0].std() * 1e-4
        flat = TSNE(perplexity=30, init=start, random_state=seed).fit_transform(cloud)
        pictures.append(flat - flat.mean(0))
    film = np.stack(pictures)
    return np.clip(np.round(film / np.abs(film).max() * 127), -127, 127).astype(np.int8)


def null(m: int, d: int, samples: int) -> np.ndarray:
    """The null distribution of the statistics, kept beside the checkpoints."""
    place = Path(runs.partial(f"null_{m}_{d}_{samples}")).with_suffix(".npy")
    if not place.exists():
        values = point_statistics.null(m, d, samples, seed=27)
        with files.atomic(place) as temporary, open(temporary, "wb") as handle:
            np.save(handle, values)
    return np.load(place)


def record(name: str, source: str, *, m: int, optimizers: list[str], seeds: list[int], snapshots: list[int],
           every: int, command: str, filmed: list[str] | None = None, frames: list[int] | None = None,
           null_samples: int = NULL_SAMPLES) -> Path:
    """Everything: training, statistics, nulls, films; stored with its provenance.

    ``filmed`` names the optimisers whose snapshots are embedded (slow), ``frames`` the
    steps at which they are; None means all.
    """
    filmed = optimizers if filmed is None else filmed
    frames = snapshots if frames is None else frames
    X, Y = load(source)
    results = {}
    for seed in seeds:
        for optimizer in optimizers:
            for mode in MODES:
                results[optimizer, mode, seed] = train(name, X, Y, m=m, optimizer=optimizer, mode=mode, seed=seed,
                                                       snapshots=snapshots, every=every, keep=seed == seeds[0])
    before = sum(r["seconds"] for r in results.values())
    began = time.perf_counter()

    def grid(pick: Any) -> np.ndarray:
        return np.array([[[pick(results[o, k, s]) for s in seeds] for k in MODES] for o in optimizers])

    films, spectra, moved = [], [], []
    fresh = results[optimizers[0], "supervised", seeds[0]]["kept"][0][0].double().numpy()
    for optimizer in optimizers:
        for mode in MODES:
            kept = results[optimizer, mode, seeds[0]]["kept"]
            if optimizer in filmed:
                shown = [kept[snapshots.index(step)] for step in frames]
                films.append([embed([pair[layer].float().numpy() for pair in shown]) for layer in (0, 1)])
            U = kept[-1][0].double().numpy()
            spectra.append(point_statistics.eigenvalues(U))
            moved.append(np.linalg.norm(U - fresh, axis=1))
    shape = (len(optimizers), len(MODES))
    arrays = {"curves": grid(lambda r: r["curves"]).astype(np.float32),
              "statistics": grid(lambda r: r["statistics"]).astype(np.float32),
              "film": np.array(films).reshape(len(filmed), len(MODES), 2, len(frames), m, 2),
              "spectra": np.array(spectra).reshape(*shape, -1).astype(np.float32),
              "moved": np.array(moved).reshape(*shape, -1).astype(np.float16),
              "null_U": null(m, X.shape[1], null_samples).astype(np.float32),
              "null_V": null(m, 10, null_samples).astype(np.float32),
              "snapshots": np.array(snapshots), "curve_steps": np.arange(0, snapshots[-1] + 1, every)}
    seconds = before + time.perf_counter() - began
    return runs.save(name, arrays, command=command, seed=seeds if len(seeds) > 1 else seeds[0], seconds=seconds,
                     source=source, m=m, optimizers=optimizers, filmed=filmed, frames=frames, modes=list(MODES),
                     batch=200, penalty=10.0,
                     curve_names=["move_U", "move_V", "risk", "accuracy", "residual", "slope", "score_difference"],
                     statistic_names=list(point_statistics.STATISTICS))
