"""Record the controlled comparison of lecture 09: every technique against none, ten seeds.

    python data/runs/09_regularization.py

Part 1 trains the net 196-128-10 on 200 digits, clean and with a fifth of the labels wrong.
Every technique may choose among three settings on the same 300 validation digits, the
control among three learning rates; a fourth, lower one shows with wrong labels what a wider
search would change.  The ten nets of a technique, one for each seed, train side by side as
one stack of matrices.  Part 2 trains a ReLU net of 30 hidden layers from four
initialisations.  Stopped, the same command continues after the last finished training.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from dlhelpers import data, runs, runtime, training
from dlhelpers.models.layers import RandomAffine, initialise
from dlhelpers.models.mlp import mlp
from dlhelpers.training import checkpoints

NAME = "09_regularization"
SEEDS, DEEP_SEEDS = list(range(10)), list(range(5))
NOISE = (0.0, 0.2)
EPOCHS, BATCH, ETA, HIDDEN = 120, 50, 2e-3, 128
RATES = (1e-3, 2e-3, 4e-3)
LOWER = 5e-4  # the control once more, with wrong labels
DROPPED = ((0.1, 0.25), (0.2, 0.5), (0.3, 0.7))  # probability of being dropped: inputs, hidden units
MOVED = ((0.5, 5.0), (1.0, 10.0), (2.0, 20.0))  # largest shift in pixels, largest turn in degrees
#: technique -> its three settings, the weakest first.
SETTINGS: dict[str, tuple[Any, ...]] = {
    "none": RATES, "early stopping": RATES, "L2": (1e-3, 5e-3, 2.5e-2), "L1": (1e-4, 5e-4, 2.5e-3), "dropout": DROPPED,
    "batch norm": RATES, "augmentation": MOVED, "dropout + augmentation": tuple(zip(DROPPED, MOVED, strict=True))}
TEMPERATURES = np.geomspace(0.125, 8, 25)
SCHEMES = ("zero", "xavier", "he", 3.0)
DEPTH, WIDTH, DEEP_EPOCHS, DEEP_ETA = 30, 64, 40, 0.01


def split(seed: int, noise: float) -> list[torch.Tensor]:
    """200 digits to train on, 300 to validate, 1 297 to test, 14×14 pixels; other ones for each seed.

    They are drawn on the CPU, the same ones for every device.
    """
    digits = data.digits("bundled")
    X = F.avg_pool2d(torch.cat([digits.images("train"), digits.images("test")]), 2).flatten(1)  # (n, 196)
    y = torch.cat([digits.y_train, digits.y_test])
    generator = torch.Generator().manual_seed(seed)
    train, validation, test = torch.randperm(len(X), generator=generator).split([200, 300, len(X) - 500])
    labels = y[train].clone()
    wrong = torch.rand(len(train), generator=generator) < noise
    labels[wrong] = (labels[wrong] + torch.randint(1, 10, (int(wrong.sum()),), generator=generator)) % 10
    return [X[train], labels, X[validation], y[validation], X[test], y[test]]


class Stack(nn.Module):
    """One net 196-128-10 for each seed, with the layers that a technique adds."""

    def __init__(self, technique: str, setting: Any) -> None:
        super().__init__()
        pairs = [[layer for layer in mlp([196, HIDDEN, 10], "relu", seed=seed) if isinstance(layer, nn.Linear)]
                 for seed in SEEDS]
        self.weights = nn.ParameterList(torch.stack([pair[k].weight.detach().T for pair in pairs]) for k in (0, 1))
        self.biases = nn.ParameterList(torch.stack([pair[k].bias.detach()[None] for pair in pairs]) for k in (0, 1))
        both = technique == "dropout + augmentation"
        self.dropped = setting[0] if both else setting if technique == "dropout" else (0.0, 0.0)
        self.affine = RandomAffine(*(setting[1] if both else setting)) if "augmentation" in technique else None
        self.normalise = technique == "batch norm"
        if self.normalise:
            shape = (len(SEEDS), 1, HIDDEN)
            self.gamma, self.beta = nn.Parameter(torch.ones(shape)), nn.Parameter(torch.zeros(shape))
            self.register_buffer("mean", torch.zeros(shape))
            self.register_buffer("var", torch.ones(shape))

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Images (seeds, n, 196) -> logits (seeds, n, 10)."""
        if self.affine is not None:
            X = self.affine(X.flatten(0, 1)).view(X.shape)  # (seeds·n, 196), then (seeds, n, 196)
        z = torch.baddbmm(self.biases[0], F.dropout(X, self.dropped[0], self.training), self.weights[0])
        if self.normalise:
            mean, var = (z.mean(1, keepdim=True), z.var(1, keepdim=True)) if self.training else (self.mean, self.var)
            if self.training:
                self.mean.lerp_(mean.detach(), 0.1)
                self.var.lerp_(var.detach(), 0.1)
                var = var * (1 - 1 / z.shape[1])  # the memory divides by B - 1, the normalisation by B
            z = self.gamma * (z - mean) / torch.sqrt(var + 1e-5) + self.beta
        h = F.dropout(torch.relu(z), self.dropped[1], self.training)
        return torch.baddbmm(self.biases[1], h, self.weights[1])


def cross_entropy(logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Logits (seeds, n, 10), labels (seeds, n) -> the mean loss of each net, (seeds,)."""
    return F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="none").view(y.shape).mean(1)


def penalty(stack: Stack, technique: str, setting: Any) -> torch.Tensor | float:
    """What the weights cost, summed over the nets."""
    if technique == "L1":
        return setting * sum(w.abs().sum() for w in stack.weights)
    return setting / 2 * sum((w**2).sum() for w in stack.weights) if technique == "L2" else 0.0


def train(technique: str, number: int, noise: float, eta: float | None = None) -> dict[str, list[Any]]:
    """Ten trainings: errors at the last epoch and at the one of least validation error, and the curves.

    ``eta`` replaces the learning rate.
    """
    device = runtime.choose_device()
    torch.manual_seed(0)  # masks and shifts
    setting = SETTINGS[technique][number]
    X, y, X_val, y_val, X_test, y_test = (torch.stack(parts).to(device) for parts in
                                          zip(*(split(seed, noise) for seed in SEEDS), strict=True))
    stack = Stack(technique, setting).to(device)
    rate = eta or (setting if SETTINGS[technique] is RATES else ETA)
    optimizer = torch.optim.Adam(stack.parameters(), lr=rate)
    order = torch.Generator().manual_seed(0)
    nets = torch.arange(len(SEEDS), device=device)[:, None]
    moved = F.pad(X_test.unflatten(2, (14, 14)), (1, 0, 1, 0))[..., :14, :14].flatten(2)  # (seeds, n, 14, 14), 196
    curves: dict[str, list[np.ndarray]] = {name: [] for name in ("loss", "validation_loss", "validation_error",
                                                                 "tempered_loss")}

    def errors() -> np.ndarray:
        parts = ((X, y), (X_val, y_val), (X_test, y_test), (moved, y_test))
        return torch.stack([(stack(a).argmax(2) != b).float().mean(1) for a, b in parts]).cpu().numpy()

    least, at_best = np.full(len(SEEDS), np.inf), np.zeros((4, len(SEEDS)))
    for _ in range(EPOCHS):
        losses = []
        for rows in torch.rand(len(SEEDS), y.shape[1], generator=order).argsort(1).to(device).split(BATCH, 1):
            loss = cross_entropy(stack.train()(X[nets, rows]), y[nets, rows])
            optimizer.zero_grad()
            (loss.sum() + penalty(stack, technique, setting)).backward()
            optimizer.step()
            losses.append(loss.detach())
        with torch.no_grad():
            logits = stack.eval()(X_val)
            error = (logits.argmax(2) != y_val).float().mean(1).cpu().numpy()
            curves["loss"].append(torch.stack(losses).mean(0).cpu().numpy())
            curves["validation_loss"].append(cross_entropy(logits, y_val).cpu().numpy())
            curves["validation_error"].append(error)
            if technique == "none":
                tempered = [cross_entropy(logits / float(t), y_val) for t in TEMPERATURES]
                curves["tempered_loss"].append(torch.stack(tempered).amin(0).cpu().numpy())
            if (error < least).any():
                at_best = np.where(error < least, errors(), at_best)
                least = np.minimum(error, least)
    with torch.no_grad():
        last = errors()
    shown = {name: np.array(values).T.tolist() for name, values in curves.items()} if technique == "none" else {}
    return {"errors": (at_best if technique == "early stopping" else last).tolist(), **shown}


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
    jobs: dict[str, tuple[Any, ...]] = {
        f"{t}|{k}|{noise}": (train, t, k, noise) for t in SETTINGS for k in range(3) for noise in NOISE}
    jobs[f"none at {LOWER}|{NOISE[1]}"] = train, "none", 0, NOISE[1], LOWER
    jobs |= {f"deep {s}|{seed}": (train_deep, s, seed) for s in SCHEMES for seed in DEEP_SEEDS}
    for key, (function, *arguments) in jobs.items():
        if key not in done:
            started = time.perf_counter()
            done[key] = {**function(*arguments), "seconds": time.perf_counter() - started}
            checkpoints.save(path, {"done": done})
            print(key, np.mean(done[key].get("errors", done[key].get("loss"))[-2:], -1), flush=True)
    # errors (techniques, settings, noise, sets, seeds): training, validation, test, test moved by a pixel
    arrays = {"errors": np.array([[[done[f"{t}|{k}|{noise}"]["errors"] for noise in NOISE] for k in range(3)]
                                  for t in SETTINGS])}
    for name in ("loss", "validation_loss", "validation_error", "tempered_loss"):  # (noise, seeds, epochs), η = 2e-3
        arrays[name] = np.array([done[f"none|1|{noise}"][name] for noise in NOISE])
    arrays["lower_errors"] = np.array(done[f"none at {LOWER}|{NOISE[1]}"]["errors"])  # (sets, seeds)
    arrays["deep_loss"] = np.array([[done[f"deep {s}|{seed}"]["loss"] for seed in DEEP_SEEDS] for s in SCHEMES])
    runs.save(NAME, {key: value.astype(np.float32) for key, value in arrays.items()},
              command=f"python data/runs/{NAME}.py", seed=SEEDS, seconds=sum(d["seconds"] for d in done.values()),
              techniques=list(SETTINGS), settings=[str(s) for s in SETTINGS.values()], noise=list(NOISE), lower=LOWER,
              schemes=[str(s) for s in SCHEMES], epochs=EPOCHS, batch=BATCH, eta=ETA, model="196-128-10 ReLU",
              depth=DEPTH, width=WIDTH)


if __name__ == "__main__":
    main()
