"""Handwritten digits: the set that the project ships, or real MNIST on request."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from dlhelpers import checks, files
from dlhelpers.data import mnist

SOURCES = ("bundled", "mnist")
#: Of data/digits.npz, as data/README.md gives it.
SHA256 = "d3ec8666b3a6870390664c4a0a96e6659d3cffaf14b327ba7b1f0876c235deaa"


@dataclass(frozen=True, eq=False, repr=False)
class Digits:
    """Digits with their labels, in two parts.

    :param X_train: images flattened row by row, (n, 784), float32 in [0, 1] with 0 for the
        background.
    :param y_train: the digits 0..9, (n,), int64.
    :param X_test: images for testing, likewise.
    :param y_test: their digits, likewise.
    :param name: which set it is, for titles.
    """

    X_train: torch.Tensor
    y_train: torch.Tensor
    X_test: torch.Tensor
    y_test: torch.Tensor
    name: str

    def __repr__(self) -> str:
        return f"Digits({self.name!r}: {len(self.y_train)} for training, {len(self.y_test)} for testing)"

    def images(self, split: str = "train") -> torch.Tensor:
        """The images of one part: a view, not a copy.

        :param split: "train" or "test".
        :returns: (n, 1, 28, 28).
        :raises ValueError: for another split.
        """
        checks.one_of(split, "split", ("train", "test"))
        X = self.X_train if split == "train" else self.X_test
        return X.reshape(-1, 1, 28, 28)  # (n, 784) -> (n, 1, 28, 28)

    def numpy(self) -> Digits:
        """A copy whose four members are NumPy arrays, for scikit-learn and friends.

        :returns: the copy, on the CPU.
        """
        return self._each(lambda tensor: np.array(tensor.cpu() if hasattr(tensor, "cpu") else tensor))

    def to(self, device: str | torch.device) -> Digits:
        """The same digits on a device.

        :param device: where to; a name or a ``torch.device``.
        :returns: the digits there.
        :raises TypeError: if it is something else.
        :raises ValueError: where torch has no such device.
        """
        checks.instance(device, "device", (str, torch.device))
        try:
            # RuntimeError: unknown name; AssertionError: torch built without CUDA.
            return self._each(lambda array: torch.as_tensor(array).to(device))
        except (RuntimeError, AssertionError) as error:
            raise ValueError(f"device must be one that torch can use here, got {str(device)!r}: {error}") from error

    def _each(self, change: Any) -> Digits:
        return Digits(change(self.X_train), change(self.y_train), change(self.X_test), change(self.y_test),
                      self.name)


def digits(source: str | None = None) -> Digits:
    """Handwritten digits, 28x28, the same interface whatever the source.

    :param source: "bundled" for the 1 500 + 297 digits that the project ships; "mnist" for
        the real 60 000 + 10 000, which must be on disk; None for what the environment
        variable ``DLHELPERS_DIGITS`` says, else bundled.
    :returns: a :class:`Digits` of torch tensors on the CPU, new with every call.
    :raises ValueError: for an unknown source, or a damaged file, which is named.
    :raises FileNotFoundError: if MNIST is not on disk; the message holds the command that fetches it.

    Source: bundled, UCI digits of Alpaydin and Kaynak (1998), see data/README.md;
    MNIST, LeCun, Bottou, Bengio and Haffner (1998).
    """
    name = "source"
    if source is None:
        name = "source (from DLHELPERS_DIGITS)"
        source = os.environ.get("DLHELPERS_DIGITS") or "bundled"
    checks.one_of(source, name, SOURCES)
    return _bundled() if source == "bundled" else _mnist()


def _bundled() -> Digits:
    path = files.shipped("digits.npz")
    if files.digest(path) != SHA256:
        raise ValueError(f"{path} is damaged (its SHA-256 is not the one in data/README.md); "
                         "restore it with `git checkout -- data/digits.npz`")
    with np.load(path, allow_pickle=False) as stored:
        levels = int(stored["levels"])
        return Digits(_scaled(stored["X_train"], levels), _labels(stored["y_train"]),
                      _scaled(stored["X_test"], levels), _labels(stored["y_test"]), "bundled digits")


def _mnist() -> Digits:
    parts = mnist.load()
    return Digits(_scaled(parts["train-images-idx3-ubyte"], 255), _labels(parts["train-labels-idx1-ubyte"]),
                  _scaled(parts["t10k-images-idx3-ubyte"], 255), _labels(parts["t10k-labels-idx1-ubyte"]), "MNIST")


def _scaled(pixels: np.ndarray, levels: int) -> torch.Tensor:
    """Whole numbers 0..levels -> float32 in [0, 1], one row an image."""
    return torch.from_numpy(pixels.reshape(len(pixels), -1).astype(np.float32)).div_(levels)  # (n, 28, 28) -> (n, 784)


def _labels(labels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(labels.astype(np.int64))
