"""Record the nets that read what is drawn in lecture 11, trained on the shipped digits.

    python data/runs/11_digit_reader.py

Two nets of three convolutions and a dense one, all with Adam and the same number of epochs; one of
the convolutional nets sees every digit shifted, turned, scaled and slanted at random while it
trains, since nobody draws as straight as a preprinted form asks for.  About two minutes of one core.
"""

from __future__ import annotations

import math
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from dlhelpers import data, runs, training
from dlhelpers.models.convolutional import three_layer
from dlhelpers.models.mlp import mlp

NAME = "11_digit_reader"
COMMAND = f"python data/runs/{NAME}.py"
EPOCHS, BATCH, RATE, WIDTH, SEED = 60, 50, 1e-3, 128, 0
NAMES = ("three convolutions, shown bent digits", "three convolutions", "dense net")


class Bent(nn.Module):
    """While training, every digit is shifted, turned, scaled and slanted by its own random amounts."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x (n, 784) -> (n, 784)."""
        if not self.training:
            return x
        turn, slant, wide, high, right, down = (2 * torch.rand(6, len(x), device=x.device) - 1)
        turn, slant, wide, high = math.radians(12) * turn, 0.3 * slant, 1 + 0.15 * wide, 1 + 0.1 * high
        cos, sin = turn.cos(), turn.sin()
        # grid_sample asks where each pixel comes from, in half images: 1.5 pixels are 3 / 28.
        first = torch.stack([wide * cos, wide * (slant * cos - sin), 3 / 28 * right], 1)  # (n, 3)
        second = torch.stack([high * sin, high * (slant * sin + cos), 3 / 28 * down], 1)  # (n, 3)
        grid = F.affine_grid(torch.stack([first, second], 1), [len(x), 1, 28, 28], align_corners=False)
        images = x.reshape(-1, 1, 28, 28)  # (n, 1, 28, 28)
        return F.grid_sample(images, grid, align_corners=False).flatten(1)  # (n, 784)


def main() -> None:
    """Train the three nets and store their weights."""
    torch.set_num_threads(1)
    started, digits = time.perf_counter(), data.digits("bundled")
    stored: dict[str, np.ndarray] = {"names": np.array(NAMES), "width": np.array(WIDTH)}
    for k, name in enumerate(NAMES):
        net = mlp([784, WIDTH, 10], "relu", seed=SEED) if "dense" in name else three_layer(seed=SEED)
        learner = nn.Sequential(Bent(), net) if "bent" in name else net
        training.fit(learner, (digits.X_train, digits.y_train), nn.CrossEntropyLoss(), epochs=EPOCHS, batch=BATCH,
                     optimizer=torch.optim.Adam(net.parameters(), lr=RATE), seed=SEED, progress=False)
        print(f"{name}: {training.accuracy(net, digits.X_test, digits.y_test):.4f} of the test digits", flush=True)
        # Half precision is enough for a reader, and half the bytes.
        stored |= {f"net{k}_{key}": value.detach().numpy().astype(np.float16) for key, value in
                   net.state_dict().items()}
    runs.save(NAME, stored, command=COMMAND, seed=SEED, seconds=time.perf_counter() - started, epochs=EPOCHS,
              batch=BATCH, eta=RATE)


if __name__ == "__main__":
    main()
