"""Record lecture 10's descents without noise: loss and sharpness for three learning rates.

    python data/runs/10_edge_of_stability.py

Net 784-32-10, the shipped digits, full-batch descent, five starts; the loss before every step,
the largest Hessian eigenvalue before every fifth.
"""

from __future__ import annotations

import time

import numpy as np
from torch import nn

from dlhelpers import data, landscapes, runs, runtime
from dlhelpers.models.mlp import mlp

NAME = "10_edge_of_stability"
#: η -> steps, enough to bring the loss below 0.09.
RATES = {0.1: 400, 0.2: 400, 0.4: 300}
SEEDS, EVERY = [0, 1, 2, 3, 4], 5


def main() -> None:
    """Descend, measure, store."""
    digits, device, started = data.digits("bundled"), runtime.choose_device(), time.perf_counter()
    pair = digits.X_train.to(device), digits.y_train.to(device)
    stored = {}
    for eta, T in RATES.items():
        found = [landscapes.descend(mlp([784, 32, 10], seed=seed).to(device), nn.CrossEntropyLoss(), pair, eta=eta,
                                    T=T, every=EVERY, products=12, tol=0.01) for seed in SEEDS]
        stored |= {f"loss_{eta}": np.stack([run.losses for run in found]), f"steps_{eta}": found[0].steps,
                   f"sharpness_{eta}": np.stack([run.sharpness for run in found])}
        print(eta, [f"{run.sharpness.max() / run.edge:.2f}" for run in found], flush=True)
    runs.save(NAME, stored, command=f"python data/runs/{NAME}.py", seed=SEEDS, seconds=time.perf_counter() - started,
              model="784-32-10")


if __name__ == "__main__":
    main()
