"""Record the controlled comparison of lecture 09: every technique against none, five seeds.

    python data/runs/09_regularization.py

Part 1 trains the net 196-128-10 on 200 digits (clean, and with a fifth of the labels
wrong), once for each technique and seed.  Part 2 trains a ReLU net of 30 hidden layers from four
initialisations.  Stopped, the same command continues after the last finished training.
"""

from __future__ import annotations

import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from dlhelpers import data, metrics, runs, runtime, training
from dlhelpers.models.layers import BatchNorm1d, Dropout, RandomAffine, initialise
from dlhelpers.models.mlp import mlp
from dlhelpers.training import checkpoints

NAME = "09_regularization"
SEEDS = [0, 1, 2, 3, 4]
TECHNIQUES = ("none", "early stopping", "L2", "L1", "dropout", "batch norm", "augmentation", "dropout + augmentation")
NOISE = (0.0, 0.2)
EPOCHS, BATCH, ETA = 120, 50, 2e-3
L1, L2, HIDDEN = 5e-4, 5e-3, 128
SCHEMES = ("zero", "xavier", "he", 3.0)
DEPTH, WIDTH, DEEP_EPOCHS, DEEP_ETA = 30, 64, 40, 0.01


def split(seed: int, noise: float) -> tuple[training.Data, training.Data, training.Data]:
    """200 digits to train on, 300 to validate, 1 297 to test, 14×14 pixels; other ones for each seed.

    They are drawn on the CPU, the same ones for every device, and live on the device of choice.
    """
    device = runtime.choose_device()
    digits = data.digits("bundled")
    X = F.avg_pool2d(torch.cat([digits.images("train"), digits.images("test")]), 2).flatten(1)  # (n, 196)
    y = torch.cat([digits.y_train, digits.y_test])
    generator = torch.Generator().manual_seed(seed)
    train, validation, test = torch.randperm(len(X), generator=generator).split([200, 300, len(X) - 500])
    labels = y[train].clone()
    wrong = torch.rand(len(train), generator=generator) < noise
    labels[wrong] = (labels[wrong] + torch.randint(1, 10, (int(wrong.sum()),), generator=generator)) % 10
    parts = (X[train], labels), (X[validation], y[validation]), (X[test], y[test])
    return tuple((inputs.to(device), targets.to(device)) for inputs, targets in parts)  # type: ignore[return-value]


def build(technique: str, seed: int) -> nn.Sequential:
    """The net 196-128-10 with the layers that the technique adds."""
    first, _, last = mlp([196, HIDDEN, 10], "relu", seed=seed)
    layers: list[nn.Module] = [first, nn.ReLU(), last]
    if technique == "batch norm":
        layers.insert(1, BatchNorm1d(HIDDEN))
    if "dropout" in technique:
        layers = [Dropout(0.2), first, nn.ReLU(), Dropout(0.5), last]
    if "augmentation" in technique:
        layers.insert(0, RandomAffine(1.0, 10.0))
    return nn.Sequential(*layers)


def train(technique: str, noise: float, seed: int) -> dict[str, object]:
    """One training: errors on the three sets and on shifted test images, and the curves."""
    train_data, validation, test = split(seed, noise)
    model = build(technique, seed).to(train_data[0].device)
    weights = [p for p in model.parameters() if p.ndim == 2]

    def loss(y_hat: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        value = F.cross_entropy(y_hat, y)
        if model.training and technique == "L1":
            value = value + L1 * sum(w.abs().sum() for w in weights)
        if model.training and technique == "L2":
            value = value + L2 / 2 * sum((w**2).sum() for w in weights)
        return value

    stop = training.EarlyStopping(patience=EPOCHS) if technique == "early stopping" else None
    history = training.fit(model, train_data, loss, optimizer=torch.optim.Adam(model.parameters(), lr=ETA),
                           epochs=EPOCHS, batch=BATCH, validation=validation, metrics={"accuracy": metrics.accuracy},
                           seed=seed, stop=stop, progress=False)
    moved = F.pad(test[0].view(-1, 14, 14), (1, 0, 1, 0))[:, :14, :14].flatten(1)  # (n, 14, 14), then (n, 196)
    return {"errors": [1 - training.accuracy(model, *part) for part in (train_data, validation, test)]
            + [1 - training.accuracy(model, moved, test[1])],
            "loss": history.train_loss.tolist(), "validation_loss": history.validation_loss.tolist(),
            "validation_error": (1 - history.metrics["accuracy"]).tolist(), "best_epoch": history.best_epoch}


def train_deep(scheme: str | float, seed: int) -> dict[str, object]:
    """A ReLU net of 30 hidden layers with 64 units, by plain gradient descent on 1 000 digits."""
    digits = data.digits("bundled")
    device = runtime.choose_device()
    X = F.avg_pool2d(digits.images("train"), 2).flatten(1)[:1000]  # (1000, 196)
    X = ((X - X.mean()) / X.std()).to(device)
    model = initialise(mlp([196, *[WIDTH] * DEPTH, 10], "relu", seed=seed), scheme, seed=seed).to(device)
    history = training.fit(model, (X, digits.y_train[:1000].to(device)), nn.CrossEntropyLoss(), eta=DEEP_ETA,
                           epochs=DEEP_EPOCHS, batch=50, seed=seed, progress=False)
    loss = np.full(DEEP_EPOCHS, np.nan)
    loss[:len(history.train_loss)] = history.train_loss
    return {"loss": loss.tolist(), "diverged": history.diverged}


def main() -> None:
    """Do what is not done yet, then store everything."""
    path = runs.partial(NAME)
    done = checkpoints.load(path)["done"] if path.exists() else {}
    jobs = {f"{t}|{noise}|{seed}": (train, t, noise, seed) for t in TECHNIQUES for noise in NOISE for seed in SEEDS}
    jobs |= {f"deep {s}|{seed}": (train_deep, s, seed) for s in SCHEMES for seed in SEEDS}
    for key, (function, *arguments) in jobs.items():
        if key not in done:
            started = time.perf_counter()
            done[key] = {**function(*arguments), "seconds": time.perf_counter() - started}
            checkpoints.save(path, {"done": done})
            print(key, done[key].get("errors", done[key]["loss"][-1:]), flush=True)
    arrays = {name: np.array([[[done[f"{t}|{noise}|{s}"][name] for s in SEEDS] for noise in NOISE] for t in TECHNIQUES])
              for name in ("errors", "loss", "validation_loss", "validation_error", "best_epoch")}
    arrays["deep_loss"] = np.array([[done[f"deep {s}|{seed}"]["loss"] for seed in SEEDS] for s in SCHEMES])
    runs.save(NAME, {key: value.astype(np.float32) for key, value in arrays.items()},
              command=f"python data/runs/{NAME}.py", seed=SEEDS, seconds=sum(d["seconds"] for d in done.values()),
              techniques=list(TECHNIQUES), noise=list(NOISE), schemes=[str(s) for s in SCHEMES], epochs=EPOCHS,
              batch=BATCH, eta=ETA, l1=L1, l2=L2, model="196-128-10 ReLU", depth=DEPTH, width=WIDTH)


if __name__ == "__main__":
    main()
