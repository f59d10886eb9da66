"""Record lecture 10's sharp and flat minima: the same net trained with small and large batches.

    python data/runs/10_batch_size.py

Net 784-32-10, the shipped digits, plain descent with η = 0.1, for batches of ten also with
η = 0.02, until the training loss is below 0.05 after some epoch; then the largest Hessian
eigenvalue and the loss along five random directions, with and without filter normalisation.
"""

from __future__ import annotations

import time

import numpy as np
import torch
from torch import nn

from dlhelpers import data, landscapes, runs, runtime, training
from dlhelpers.models.mlp import mlp

NAME = "10_batch_size"
#: (batch, η); the last pair has the ratio η/batch of the second.
RUNS = [(10, 0.1), (50, 0.1), (250, 0.1), (1500, 0.1), (10, 0.02)]
SEEDS, TARGET = [0, 1, 2, 3, 4], 0.05
ALONG = np.linspace(-1, 1, 41)


def length(tensors: list[torch.Tensor]) -> float:
    """The length of a list of tensors as one vector."""
    return float(torch.cat([t.reshape(-1) for t in tensors]).norm())


def main() -> None:
    """Train, measure, store."""
    digits, device, started = data.digits("bundled"), runtime.choose_device(), time.perf_counter()
    pair, loss = (digits.X_train.to(device), digits.y_train.to(device)), nn.CrossEntropyLoss()
    shape = (len(RUNS), len(SEEDS))
    stored = {key: np.zeros(shape) for key in ("top", "test_accuracy", "train_loss", "steps", "weight_norm")}
    curves = {key: np.zeros((*shape, len(ALONG))) for key in ("filter", "none")}
    for i, (batch, eta) in enumerate(RUNS):
        for j, seed in enumerate(SEEDS):
            model, epochs = mlp([784, 32, 10], seed=seed).to(device), 0
            while True:
                part = max(1, batch // 25)
                training.fit(model, pair, loss, eta=eta, epochs=part, batch=batch, seed=1000 * seed + epochs,
                             progress=False)
                epochs += part
                final = training.evaluate(model, *pair, loss)
                if final < TARGET:
                    break
            spectrum = landscapes.top_eigenvalues(model, loss, pair, steps=40, tol=1e-3)
            stored["top"][i, j], stored["train_loss"][i, j] = spectrum.top[0], final
            stored["steps"][i, j] = epochs * -(-len(pair[0]) // batch)
            stored["weight_norm"][i, j] = length([p.detach() for p in model.parameters()])
            stored["test_accuracy"][i, j] = training.accuracy(model, digits.X_test.to(device),
                                                                digits.y_test.to(device))
            for kind, curve in curves.items():
                directions = [landscapes.random_direction(model, seed=k, normalisation=kind) for k in range(5)]
                if kind == "none":      # unit length, times ten
                    directions = [[10 * t / length(d) for t in d] for d in directions]
                lines = [landscapes.line(model, loss, pair, d, a=ALONG).values for d in directions]
                curve[i, j] = np.mean(lines, axis=0)
            print(batch, eta, seed, {key: round(float(value[i, j]), 4) for key, value in stored.items()}, flush=True)
    runs.save(NAME, {**stored, "along_filter": curves["filter"], "along_none": curves["none"], "along": ALONG,
                     "batches": [batch for batch, _ in RUNS], "etas": [eta for _, eta in RUNS]},
              command=f"python data/runs/{NAME}.py", seed=SEEDS, seconds=time.perf_counter() - started,
              model="784-32-10", target=TARGET)


if __name__ == "__main__":
    main()
