"""Record what moved, scaled and covered digits do to nine ways of reading them.

    python data/runs/11_shifted_digits.py

The shipped digits, 20 x 20 pixels in the middle of 28 x 28.  Every way gets the same search: Adam
with four rates, chosen by the loss on 300 digits held back (unmoved ones; three seeds), then five seeds
on all 1 500; only the slow net without strides has one seed in the search, and three seeds.  The last
three ways are also tried with shifts of up to 8 pixels, in a frame that is wider by 8 on each side (a
multiple of every total stride).  Stopped, the same command continues where it was; about half an hour of
one core.
"""

from __future__ import annotations

import json
import time
from functools import partial

import numpy as np
import torch
from torch import nn

from dlhelpers import data, files, runs, training
from dlhelpers.models.convolutional import Images, three_layer
from dlhelpers.models.mlp import mlp

NAME = "11_shifted_digits"
COMMAND = f"python data/runs/{NAME}.py"
RATES = (3e-4, 1e-3, 3e-3, 1e-2)
SEEDS = (0, 1, 2, 3, 4)
EPOCHS, BATCH, HELD_BACK, REACH = 20, 50, 300, 4
SEARCHED = SEEDS[:3]
#: Way -> (net, trained on moved copies).
WAYS = {"dense": ("dense", False), "convolutions": ("flat", False), "convolutions, mean over places": ("mean", False),
        "dense, shown moved digits": ("dense", True), "convolutions, shown moved digits": ("flat", True),
        "convolutions, maxima": ("max", False), "strides 2, 2, 2, maximum over places": ("strides 8", False),
        "strides 2, 2, 1, maximum over places": ("strides 4", False),
        "no strides, maximum over places": ("strides 1", False)}
SHIFTS, SIDES, PATCH = np.arange(REACH + 1), np.arange(10, 29, 2), 7
CORNERS = np.arange(-3, 28, 3)
FAR, WIDER, SHADES = np.arange(9), 8, (0.0, 0.5, 1.0)
#: Kind -> channels, strides and distances of the pixels in a window, layer by layer.
WINDOWS = {"strides 8": (32, (2, 2, 2), (1, 1, 1)), "strides 4": (32, (2, 2, 1), (1, 1, 1)),
           "strides 1": (16, (1, 1, 1), (1, 2, 4))}
SLOW = "strides 1"
#: The ways that are tried with a patch laid over the digits as well: that takes long.
COVERED = ("dense", "convolutions")


def net(kind: str, seed: int) -> nn.Module:
    """A net with torch's default weights."""
    if kind == "dense":
        return mlp([784, 128, 10], "relu", seed=seed)
    if kind == "flat":
        return three_layer(seed=seed)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        if kind == "mean":
            return nn.Sequential(*list(three_layer(seed=seed))[:-2], nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                                 nn.Linear(32, 10))
        if kind in WINDOWS:
            channels, strides, apart = WINDOWS[kind]
            parts = [part for d_in, stride, dilation in zip((1, channels, channels), strides, apart, strict=True)
                     for part in (nn.Conv2d(d_in, channels, 3, stride, dilation, dilation), nn.ReLU())]
            model = nn.Sequential(Images(), *parts, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(channels, 10))
            return model.to(memory_format=torch.channels_last)  # twice as fast on a CPU
        parts = [part for d_in, d_out, pool in ((1, 16, nn.MaxPool2d(2)), (16, 32, nn.MaxPool2d(2)),
                                                (32, 32, nn.AdaptiveMaxPool2d(1)))
                 for part in (nn.Conv2d(d_in, d_out, 3, padding=1), nn.ReLU(), pool)]
        return nn.Sequential(Images(), *parts, nn.Flatten(), nn.Linear(32, 10))


class Moved(nn.Module):
    """While training, every image is moved by its own whole number of pixels, at most REACH each way."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x (n, 784) -> (n, 784)."""
        if not self.training:
            return x
        side = torch.arange(28, device=x.device)
        by = torch.randint(-REACH, REACH + 1, (2, len(x), 1), device=x.device)
        rows, columns = ((side - shift) % 28 for shift in by)  # each (n, 28); the frame is empty: nothing wraps
        images = x.reshape(-1, 28, 28)  # (n, 28, 28)
        return images[torch.arange(len(x))[:, None, None], rows[:, :, None], columns[:, None, :]].flatten(1)


def train(way: str, rate: float, seed: int, X: torch.Tensor, y: torch.Tensor) -> nn.Module:
    """One net trained from one start."""
    kind, moved = WAYS[way]
    model = net(kind, seed)
    learner = nn.Sequential(Moved(), model) if moved else model
    training.fit(learner, (X, y), nn.CrossEntropyLoss(), epochs=EPOCHS, batch=BATCH, seed=seed, progress=False,
                 optimizer=torch.optim.Adam(learner.parameters(), lr=rate))
    return model


def main() -> None:
    """Search the rates, train, measure, store."""
    torch.set_num_threads(1)
    digits = data.digits("bundled")
    X, X_new, y, y_new = (data.frames.framed(digits.X_train), data.frames.framed(digits.X_test), digits.y_train,
                          digits.y_test)
    kept = runs.partial(NAME).with_suffix(".json")
    kept.parent.mkdir(parents=True, exist_ok=True)
    done = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}

    def once(key: str, compute) -> list:
        if key not in done:
            started = time.perf_counter()
            value = compute()
            done[key] = [value, time.perf_counter() - started]
            files.write_text(kept, json.dumps(done))
            print(key, flush=True)
        return done[key][0]

    def searched(way: str, rate: float, seed: int) -> float:
        model = train(way, rate, seed, X[HELD_BACK:], y[HELD_BACK:])
        return training.evaluate(model, X[:HELD_BACK], y[:HELD_BACK], nn.CrossEntropyLoss())

    def measured(way: str, rate: float, seed: int) -> dict[str, list]:
        model = train(way, rate, seed, X, y)

        def right(images: torch.Tensor) -> float:
            return training.accuracy(model, images, y_new)

        shift = [float(np.mean([right(data.frames.shifted(X_new, a * s, b * s))
                                for a, b in ((1, 0), (-1, 0), (0, 1), (0, -1))])) for s in map(int, SHIFTS)]
        scale = [right(data.frames.framed(digits.X_test, int(side))) for side in SIDES]
        if WAYS[way][0] in WINDOWS:
            wide = torch.nn.functional.pad(X_new.reshape(-1, 1, 28, 28), 4 * (WIDER,))  # (n, 1, 44, 44)
            far = [float(np.mean([training.accuracy(model[1:], wide.roll((a * s, b * s), (2, 3)), y_new)
                                  for a, b in ((1, 0), (-1, 0), (0, 1), (0, -1))])) for s in map(int, FAR)]
            return {"shift": shift, "scale": scale, "far": far}
        if way not in COVERED:
            return {"shift": shift, "scale": scale}
        cover = [[right(data.frames.covered(X_new, int(r), int(c), PATCH)) for c in CORNERS] for r in CORNERS]
        return {"shift": shift, "scale": scale, "cover": cover}

    def shaded(rate: float, seed: int) -> list:
        model = train("convolutions", rate, seed, X, y)
        return [[[training.accuracy(model, data.frames.covered(X_new, int(r), int(c), PATCH, value=shade), y_new)
                  for c in CORNERS] for r in CORNERS] for shade in SHADES]

    stored: dict[str, np.ndarray] = {"names": np.array(list(WAYS)), "rates": np.array(RATES), "shifts": SHIFTS,
                                     "sides": SIDES, "corners": CORNERS, "far": FAR,
                                     "shades": np.array(SHADES)}
    for k, way in enumerate(WAYS):
        starts = SEARCHED[:1] if WAYS[way][0] == SLOW else SEARCHED
        table = np.array([[once(f"{way} {rate} {seed}", partial(searched, way, rate, seed)) for seed in starts]
                          for rate in RATES])
        best = RATES[int(np.median(table, axis=1).argmin())]
        seeds = SEEDS[:3] if WAYS[way][0] == SLOW else SEEDS
        found = [once(f"{way} measured {seed}", partial(measured, way, best, seed)) for seed in seeds]
        stored[f"search_{k}"], stored[f"rate_{k}"] = table, np.array(best)
        kinds = [what for what in ("shift", "scale", "cover", "far") if all(what in one for one in found)]
        stored |= {f"{what}_{k}": np.array([one[what] for one in found]) for what in kinds}
        if way == "convolutions":
            stored["shaded"] = np.array([once(f"shaded {seed}", partial(shaded, best, seed)) for seed in SEEDS])
    runs.save(NAME, stored, command=COMMAND, seed=list(SEEDS), seconds=sum(v[1] for v in done.values()), epochs=EPOCHS,
              batch=BATCH, held_back=HELD_BACK, patch=PATCH, digit_side=20)


if __name__ == "__main__":
    main()
