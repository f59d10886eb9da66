"""The recipe that the lecture's demo codes 2 and 3 share, on real MNIST."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from dlhelpers import data, metrics, runtime, training

#: A test image that the two nets read differently: it shows a 6.
IMAGE = 11


def mnist() -> tuple[training.Data, training.Data]:
    """Training and test data as the demo codes use them, on the device of choice.

    Pixels in [-0.5, 0.5], one-hot targets.
    """
    try:
        digits = data.digits("mnist")
    except FileNotFoundError as error:
        sys.exit(f"this run needs MNIST: {error}")
    pairs = ((digits.X_train, digits.y_train), (digits.X_test, digits.y_test))
    device = runtime.choose_device()
    train, test = (((X.float().contiguous() - 0.5).to(device), nn.functional.one_hot(y.long(), 10).float().to(device))
                   for X, y in pairs)
    return train, test


def _output(k: int) -> Callable[[torch.Tensor, torch.Tensor], float]:
    return lambda y_hat, y: y_hat[IMAGE, k]


def train(model: nn.Module, train_data: training.Data, test_data: training.Data, *, epochs: int, seed: int,
          checkpoint: Path | None = None, checkpoint_every: int = 20,
          on_epoch: Callable[[int, nn.Module, training.History], None] | None = None) -> training.History:
    """Gradient descent with eta 0.01 on 300 batches of 200 an epoch; test values after each epoch.

    The model moves to the device of the data.
    """
    model.to(train_data[0].device)
    if checkpoint is not None:
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
    measured = {"accuracy": metrics.accuracy} | {f"output {k}": _output(k) for k in range(10)}
    return training.fit(model, train_data, nn.MSELoss(), eta=0.01, epochs=epochs, batch=200, sampling="lecture",
                        validation=test_data, metrics=measured, seed=seed, checkpoint=checkpoint,
                        checkpoint_every=checkpoint_every, on_epoch=on_epoch)


def arrays(history: training.History) -> dict[str, np.ndarray]:
    """What a run stores of its history: one entry (or one row of ten outputs) an epoch."""
    outputs = np.stack([history.metrics[f"output {k}"] for k in range(10)], axis=1)
    return {"train_loss": history.train_loss, "test_loss": history.validation_loss,
            "test_accuracy": history.metrics["accuracy"],
            "image_outputs": outputs.astype(np.float32), "image_read_as": outputs.argmax(axis=1)}


def confusion(model: nn.Module, test_data: training.Data) -> np.ndarray:
    """10 x 10 counts on the test images: rows predicted, columns true."""
    X, targets = test_data
    table = np.zeros((10, 10), dtype=np.int64)
    np.add.at(table, (training.predict(model, X).argmax(1).cpu().numpy(), targets.argmax(1).cpu().numpy()), 1)
    return table
