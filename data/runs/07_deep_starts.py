r"""Record how nets of eight hidden layers learn from different starts: each with its own best rate, five seeds.

    python data/runs/07_deep_starts.py

Nets 784-64-...-64-10 on the bundled digits (pixels minus 1/2), cross-entropy, 12 epochs of batches of 50,
plain gradient descent; the rate of each start is the one of ``RATES`` with the lowest median loss on the
training digits after the last epoch.  As a control, the sigmoid net with Xavier's start also under Adam.
About five minutes on one core; if it is stopped, it begins again.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from dlhelpers import data, metrics, runs, training
from dlhelpers.models.mlp import mlp

NAME = "07_deep_starts"
COMMAND = f"python data/runs/{NAME}.py"
SEEDS = [0, 1, 2, 3, 4]
RATES = [0.01, 0.03, 0.1, 0.3, 1.0]
ADAM_RATES = [0.0003, 0.001, 0.003, 0.01, 0.03]
EPOCHS, BATCH, WIDTH = 12, 50, 64

#: Name -> (activation, hidden layers, rule, gain and shift behind the first layer, optimiser).
STARTS: dict[str, tuple[str, int, str, float, bool, str]] = {
    "ReLU, He": ("relu", 8, "he", 1, False, "gd"),
    "ReLU, Xavier": ("relu", 8, "xavier", 1, False, "gd"),
    "ReLU, torch's": ("relu", 8, "torch", 1, False, "gd"),
    "sigmoid, Xavier": ("sigmoid", 8, "xavier", 1, False, "gd"),
    "sigmoid, gain alone": ("sigmoid", 8, "xavier", 4, False, "gd"),
    "sigmoid, shift alone": ("sigmoid", 8, "xavier", 1, True, "gd"),
    "sigmoid, fair": ("sigmoid", 8, "xavier", 4, True, "gd"),
    "sigmoid, 1 hidden layer": ("sigmoid", 1, "xavier", 1, False, "gd"),
    "sigmoid, Xavier, Adam": ("sigmoid", 8, "xavier", 1, False, "adam"),
}


def prepared(activation: str, depth: int, seed: int, rule: str, gain: float = 1, shift: bool = False) -> nn.Sequential:
    """A net with its start; gain and shift belong to the layers that stand behind a sigmoid."""
    net, rng = mlp([784] + [WIDTH] * depth + [10], activation, seed=seed), torch.Generator().manual_seed(seed)
    for i, layer in enumerate(net[::2]):
        if rule == "he":
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=rng)
        elif rule == "xavier":
            nn.init.xavier_normal_(layer.weight, gain=gain if i else 1, generator=rng)
        if rule != "torch":
            nn.init.zeros_(layer.bias)
        if shift and i:
            layer.bias.data.sub_(layer.weight.data.sum(1) / 2)
    return net


def main() -> None:
    """Train them all and store losses, gradients and shares right."""
    began = time.time()
    digits = data.digits("bundled")
    X, y, X_test, y_test = digits.X_train - 0.5, digits.y_train, digits.X_test - 0.5, digits.y_test
    stored: dict[str, Any] = {}
    for k, (name, (activation, depth, rule, gain, shift, optimiser)) in enumerate(STARTS.items()):
        rates = ADAM_RATES if optimiser == "adam" else RATES
        losses = np.zeros((len(rates), len(SEEDS), EPOCHS))
        right, norms = np.zeros((len(rates), len(SEEDS))), []
        for s, seed in enumerate(SEEDS):
            for r, eta in enumerate(rates):
                net = prepared(activation, depth, seed, rule, gain, shift)
                if r == 0:
                    F.cross_entropy(net(X[:500]), y[:500]).backward()
                    norms.append([float(layer.weight.grad.norm()) for layer in net[::2]])
                    net.zero_grad()
                how = {"optimizer": torch.optim.Adam(net.parameters(), lr=eta)} if optimiser == "adam" else {"eta": eta}
                history = training.fit(net, (X, y), nn.CrossEntropyLoss(), epochs=EPOCHS, batch=BATCH, seed=seed,
                                       progress=False, **how)
                losses[r, s, :] = np.inf
                losses[r, s, :history.epochs] = np.nan_to_num(history.train_loss, nan=np.inf)
                right[r, s] = metrics.accuracy(training.predict(net, X_test), y_test)
        best = int(np.median(losses[:, :, -1], 1).argmin())
        stored |= {f"loss_{k}": losses[best], f"right_{k}": right[best], f"norms_{k}": np.array(norms),
                   f"rate_{k}": np.array(rates[best]), f"medians_{k}": np.median(losses[:, :, -1], 1)}
        print(f"{name}: rate {rates[best]}, loss {np.round(losses[best, :, -1], 3)}, right {np.round(right[best], 3)}, "
              f"gradient first / last hidden {np.round(stored[f'norms_{k}'][:, 0] / stored[f'norms_{k}'][:, -2], 6)}; "
              f"median loss by rate {np.round(stored[f'medians_{k}'], 3)}", flush=True)
    runs.save(NAME, {**stored, "names": np.array(list(STARTS)), "rates": np.array(RATES),
                     "adam_rates": np.array(ADAM_RATES)},
              command=COMMAND, seed=SEEDS, seconds=time.time() - began, model="784-64-…-64-10, eight hidden layers",
              batch=BATCH, epochs=EPOCHS, threads=torch.get_num_threads())


if __name__ == "__main__":
    main()
