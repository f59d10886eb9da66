"""What all functions of ``landscapes`` demand of a model, a loss, data and directions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn

from dlhelpers import checks

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
Data = tuple[torch.Tensor, torch.Tensor]
#: One tensor for each parameter, in the order of ``model.parameters()``.
Direction = Sequence[torch.Tensor]


def model_parameters(model: nn.Module, name: str = "model") -> dict[str, torch.Tensor]:
    """Name -> detached parameter; refuses what is no module, or has no (finite, real) parameters."""
    checks.instance(model, name, nn.Module)
    parameters = {key: p.detach() for key, p in model.named_parameters()}
    if not parameters:
        raise ValueError(f"{name} must have parameters, but {type(model).__name__} has none")
    for key, p in parameters.items():
        if not p.is_floating_point():
            raise TypeError(f"{name} must have real parameters, but {key} has dtype {p.dtype}")
        if not bool(torch.isfinite(p).all()):
            raise ValueError(f"{name} must have finite parameters, but {key} holds NaN or infinity")
    return parameters


def data_pair(data: Data, model: nn.Module) -> Data:
    """(X, y) of equal length; X real unless the model embeds symbols."""
    if not (isinstance(data, (tuple, list)) and len(data) == 2 and all(isinstance(t, torch.Tensor) for t in data)):
        raise TypeError(f"data must be a pair (X, y) of torch tensors, got {type(data).__name__}")
    X, y = (t.detach() for t in data)
    if X.ndim < 1 or y.ndim < 1 or len(X) == 0 or len(X) != len(y):
        raise ValueError(f"data must hold as many rows in X as in y, at least one; got shapes {tuple(X.shape)} "
                         f"and {tuple(y.shape)}")
    embeds = any(isinstance(m, (nn.Embedding, nn.EmbeddingBag)) for m in model.modules())
    if not X.is_floating_point() and not embeds:
        raise TypeError(f"data must hold real inputs X, got dtype {X.dtype}: convert with X.float()")
    if X.is_floating_point() and not bool(torch.isfinite(X).all()):
        raise ValueError("data must be finite, but X holds NaN or infinity")
    return X, y


def scalar_loss(loss: Loss) -> Loss:
    """Something that can be called as ``loss(y_hat, y)``."""
    return checks.function(loss, "loss")


def as_scalar(value: torch.Tensor) -> torch.Tensor:
    """What ``loss`` returned, if it is one real number."""
    if not isinstance(value, torch.Tensor):
        raise TypeError(f"loss must return a torch tensor with one number, got {type(value).__name__}")
    if value.numel() != 1 or not value.is_floating_point():
        raise ValueError(f"loss must return one real number (a mean over the batch), got shape {tuple(value.shape)} "
                         f"and dtype {value.dtype}")
    return value.reshape(())


def direction(value: Direction, name: str, parameters: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    """One finite tensor for each parameter, of its shape, on its device, with its dtype."""
    if isinstance(value, torch.Tensor) or not isinstance(value, Sequence):
        raise TypeError(f"{name} must be a list of tensors, one for each parameter; got {type(value).__name__}")
    if len(value) != len(parameters):
        raise ValueError(f"{name} must hold {len(parameters)} tensors, one for each parameter, got {len(value)}")
    result = []
    for given, (key, p) in zip(value, parameters.items()):
        if not isinstance(given, torch.Tensor):
            raise TypeError(f"{name} must hold tensors, got {type(given).__name__} for {key}")
        if given.shape != p.shape:
            raise ValueError(f"{name} must have the shapes of the parameters: {key} has {tuple(p.shape)}, "
                             f"the direction {tuple(given.shape)}")
        if not given.is_floating_point():
            raise TypeError(f"{name} must hold real numbers, got dtype {given.dtype} for {key}")
        given = given.detach().to(p)
        if not bool(torch.isfinite(given).all()):
            raise ValueError(f"{name} must be finite, but its part for {key} holds NaN or infinity")
        result.append(given)
    return result


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode inside; every submodule's own mode is put back at the end."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.eval()
        yield
    finally:
        for module, training in modes:
            module.training = training
