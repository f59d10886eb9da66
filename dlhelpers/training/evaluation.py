"""A model's loss, predictions and accuracy over whole data sets, without gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from dlhelpers import checks
from dlhelpers.training import arguments

#: Samples that a forward pass takes at once: the activations stay in the cache.
CHUNK = 500

Loss = Callable[..., torch.Tensor]


@contextmanager
def modes_kept(model: nn.Module) -> Iterator[None]:
    """Put every submodule's train/eval mode back at the end."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def measure(model: nn.Module, X: torch.Tensor, y: torch.Tensor, loss: Loss,
             metrics: dict[str, Callable[..., Any]], chunk: int = CHUNK) -> tuple[float, dict[str, float]]:
    """Loss and metrics over all samples, in one pass."""
    total, kept = 0.0, []
    with torch.no_grad():
        for x_part, y_part in zip(X.split(chunk), y.split(chunk)):
            y_hat = model(x_part)
            total += float(loss(y_hat, y_part)) * len(x_part)
            if metrics:
                kept.append(y_hat)
        y_hat = torch.cat(kept) if metrics else None
        return total / len(X), {name: float(f(y_hat, y)) for name, f in metrics.items()}


def evaluate(model: nn.Module, X: torch.Tensor, y: torch.Tensor, loss: Loss, chunk: int = CHUNK) -> float:
    """Mean loss over all samples, in evaluation mode and without gradients.

    :param X, y: tensors of equal length on the model's device.
    :param loss: ``loss(y_hat, y)``, a scalar that averages over its batch.
    :param chunk: samples in one forward pass; the result depends on it only by rounding.
    """
    checks.instance(model, "model", nn.Module)
    X, y = arguments.data((X, y), "data", model)
    arguments.loss(loss)
    checks.integer(chunk, "chunk", at_least=1)
    with modes_kept(model):
        model.eval()
        return measure(model, X, y, loss, {}, chunk)[0]


def predict(model: nn.Module, X: torch.Tensor, chunk: int = CHUNK) -> torch.Tensor:
    """The model's outputs for all samples, in evaluation mode and without gradients.

    :param X: (n, ...) inputs on the model's device.
    :returns: (n, ...) outputs.
    """
    checks.instance(model, "model", nn.Module)
    arguments.data((X, X), "data", model)
    checks.integer(chunk, "chunk", at_least=1)
    with modes_kept(model), torch.no_grad():
        model.eval()
        return torch.cat([model(part) for part in X.split(chunk)])


def hits(y_hat: torch.Tensor, y: torch.Tensor) -> float:
    """Fraction of samples whose largest output is at the label: a metric for :func:`fit`.

    :param y_hat: (n, K) outputs.
    :param y: (n,) integer labels, or (n, K) one-hot rows.
    """
    checks.check_shape(checks.instance(y_hat, "y_hat", torch.Tensor), "y_hat", ndim=2)
    checks.instance(y, "y", torch.Tensor)
    labels = y.argmax(dim=1) if y.ndim == 2 else y
    if labels.is_floating_point():
        raise TypeError(f"y must hold integer labels or one-hot rows, got {y.dtype} of shape {tuple(y.shape)}")
    if len(labels) != len(y_hat) or (y.ndim == 2 and y.shape != y_hat.shape):
        raise ValueError(f"y must match y_hat of shape {tuple(y_hat.shape)}, got {tuple(y.shape)}")
    return float((y_hat.argmax(dim=1) == labels).double().mean())


def accuracy(model: nn.Module, X: torch.Tensor, y: torch.Tensor, chunk: int = CHUNK) -> float:
    """Fraction of samples that the model classifies right, in [0, 1].

    :param X: (n, ...) inputs on the model's device.
    :param y: (n,) integer labels, or (n, K) one-hot rows.
    """
    arguments.data((X, y), "data", model) if isinstance(model, nn.Module) else checks.instance(model, "model", nn.Module)
    return hits(predict(model, X, chunk), y)
