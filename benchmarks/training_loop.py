"""The training loop: samples a second against the lecture's loop, a DataLoader, and the bare arithmetic.

    python benchmarks/training_loop.py [--json] [--threads N]

All train the same net with the same loss, batch and learning rate on the same data: MNIST
where it is on disk, else random pixels of its size (speed does not depend on the values).

- ``lecture``: images in one numpy array; each step draws ``random.sample``, gathers the
  batch with numpy and copies it into new tensors;
- ``dataloader``: ``DataLoader(TensorDataset(X, y), batch_size=200, shuffle=True)``;
- ``bare``: forward, backward, step on one fixed batch: what no loop can beat.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable

import numpy as np
import torch
from _report import Report, interleaved, parser
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from dlhelpers import data, training
from dlhelpers.models.mlp import mlp

BATCH, ETA = 200, 0.01


def load() -> tuple[np.ndarray, np.ndarray, str]:
    """Images (60000, 784) as float32 in [-0.5, 0.5], one-hot targets, and where they are from."""
    try:
        digits = data.digits("mnist")
        pixels, labels, source = digits.X_train.numpy(), digits.y_train.numpy(), "MNIST"
    except FileNotFoundError:
        rng = np.random.default_rng(0)
        pixels, labels = rng.random((60_000, 784), dtype=np.float32), rng.integers(10, size=60_000)
        source = "random pixels"
    return pixels.astype(np.float32) - 0.5, np.eye(10, dtype=np.float32)[labels], source


def contestants(sizes: list[int], pixels: np.ndarray, targets: np.ndarray,
                steps: int) -> dict[str, Callable[[], object]]:
    """Functions that each take ``steps`` steps with a fresh net."""
    X, y = torch.from_numpy(pixels), torch.from_numpy(targets)
    loss = nn.MSELoss()

    def start() -> tuple[nn.Module, torch.optim.Optimizer]:
        model = mlp(sizes, seed=0)
        return model, torch.optim.SGD(model.parameters(), lr=ETA)

    def step(model: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        value = loss(model(x), t)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        return value

    def ours() -> float:
        # Time of the epoch; what fit checks once before a run, of any length, is not in it.
        history = training.fit(mlp(sizes, seed=0), (X[:steps * BATCH], y[:steps * BATCH]), loss, eta=ETA,
                               epochs=1, batch=BATCH, progress=False)
        return history.seconds

    def lecture() -> None:
        model, optimizer = start()
        total = 0.0
        for _ in range(steps):
            rows = random.sample(range(len(pixels)), BATCH)
            value = step(model, optimizer, torch.tensor(pixels[rows]), torch.tensor(targets[rows]))
            total += value.item()

    def dataloader() -> None:
        model, optimizer = start()
        total, taken = 0.0, 0
        loader = DataLoader(TensorDataset(X[:steps * BATCH], y[:steps * BATCH]), batch_size=BATCH, shuffle=True)
        for x, t in loader:
            total += step(model, optimizer, x, t).item()
            taken += 1
        assert taken == steps

    def bare() -> None:
        model, optimizer = start()
        x, t = X[:BATCH].clone(), y[:BATCH].clone()
        for _ in range(steps):
            step(model, optimizer, x, t)

    return {"ours": ours, "lecture": lecture, "dataloader": dataloader, "bare": bare}


def main() -> int:
    """Time all contestants on both nets; returns how many bars were missed."""
    options = parser(__doc__)
    options.add_argument("--threads", type=int, help="threads of torch; its own choice if left out")
    args = options.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    pixels, targets, source = load()
    report = Report(f"Training loop, batch {BATCH}, {source}, {torch.get_num_threads()} threads", args.json)
    cases = (("one-layer 784-10", [784, 10], 300, {"lecture": 1.4, "dataloader": 2.5, "bare": None}),
             ("two-layer 784-1024-10", [784, 1024, 10], 100, {"bare": 1 / 1.1}))
    for case, sizes, steps, peers in cases:
        runs = contestants(sizes, pixels, targets, steps)
        times = interleaved({name: runs[name] for name in ("ours", *peers)}, args.repeats)
        for peer, needed in peers.items():
            note = (f"{steps * BATCH / times['ours']:9,.0f} against {steps * BATCH / times[peer]:9,.0f} samples/s"
                    + (", the limit" if peer == "bare" else ""))
            report.add(case, times["ours"], peer, times[peer], note=note, bar=needed)
    return report.finish()


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
