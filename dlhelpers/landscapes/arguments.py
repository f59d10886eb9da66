"""What all functions of ``landscapes`` demand of a model, a loss, data and directions.

Data and losses are those of ``training`` and checked by the same functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import nn

from dlhelpers import checks
from dlhelpers.training import arguments

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
Data = tuple[torch.Tensor, torch.Tensor]
#: One tensor for each parameter, in the order of ``model.parameters()``.
Direction = Sequence[torch.Tensor]


def model_parameters(model: nn.Module, name: str = "model") -> dict[str, torch.Tensor]:
    """The parameters of a model, all finite, real and on one device.

    :param model: a torch module.
    :param name: what the caller calls it, for the message.
    :returns: name -> detached parameter, in the order of ``model.parameters()``.
    :raises TypeError: if it is no module, or holds parameters that are not real.
    :raises ValueError: if it has no parameters, some that are not finite, or on several devices.
    """
    checks.instance(model, name, nn.Module)
    parameters = {key: p.detach() for key, p in model.named_parameters()}
    if not parameters:
        raise ValueError(f"{name} must have parameters, but {type(model).__name__} has none")
    devices = {str(p.device) for p in parameters.values()}
    if len(devices) > 1:
        raise ValueError(f"{name} must lie on one device, got {sorted(devices)}")
    for key, p in parameters.items():
        if not p.is_floating_point():
            raise TypeError(f"{name} must have real parameters, but {key} has dtype {p.dtype}")
        if not bool(torch.isfinite(p).all()):
            raise ValueError(f"{name} must have finite parameters, but {key} holds NaN or infinity")
    return parameters


def data_pair(data: Data, model: nn.Module) -> Data:
    """The pair (X, y), if it suits the model's dtype and device.

    :param data: X (n, ...) and y (n, ...) of equal length.
    :param model: the model that will take X.
    :returns: both, detached.
    :raises TypeError: if it is no pair of tensors, or X has another dtype than the model.
    :raises ValueError: if the lengths differ, X is not finite, or something lies on another device.
    """
    X, y = arguments.data(data, "data", model)
    if not (isinstance(X, torch.Tensor) and isinstance(y, torch.Tensor)):
        raise TypeError(f"data must be a pair of tensors, got {type(X).__name__} and {type(y).__name__}")
    return X.detach(), y.detach()


def scalar_loss(loss: Loss) -> Loss:
    """Something that can be called as ``loss(y_hat, y)`` and averages over the batch.

    :param loss: one of torch's losses, or a function.
    :returns: the same.
    :raises TypeError: if it cannot be called, or is a class instead of an instance.
    :raises ValueError: if it is one of torch's with another reduction than "mean".
    """
    return arguments.loss(loss)


def as_scalar(value: torch.Tensor) -> torch.Tensor:
    """What a loss returned, if it is one real number.

    :param value: what the loss returned.
    :returns: the number, as a tensor of shape ().
    :raises TypeError: if it is no tensor.
    :raises ValueError: if it holds another count of numbers, or they are not real.
    """
    if not isinstance(value, torch.Tensor):
        raise TypeError(f"loss must return a torch tensor with one number, got {type(value).__name__}")
    if value.numel() != 1 or not value.is_floating_point():
        raise ValueError(f"loss must return one real number (a mean over the batch), got shape {tuple(value.shape)} "
                         f"and dtype {value.dtype}")
    return value.reshape(())  # () or (1,) -> ()


def direction(value: Direction, name: str, parameters: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    """One finite tensor for each parameter, moved to its device and dtype.

    :param value: the tensors, each of the shape of its parameter.
    :param name: what the caller calls it, for the message.
    :param parameters: name -> parameter.
    :returns: the tensors, detached.
    :raises TypeError: if it is no list of tensors of real numbers.
    :raises ValueError: if a shape differs, or a number is not finite.
    """
    if isinstance(value, torch.Tensor) or not isinstance(value, Sequence):
        raise TypeError(f"{name} must be a list of tensors, one for each parameter; got {type(value).__name__}")
    if len(value) != len(parameters):
        raise ValueError(f"{name} must hold {len(parameters)} tensors, one for each parameter, got {len(value)}")
    result = []
    for given, (key, p) in zip(value, parameters.items(), strict=True):
        if not isinstance(given, torch.Tensor):
            raise TypeError(f"{name} must hold tensors, got {type(given).__name__} for {key}")
        if given.shape != p.shape:
            raise ValueError(f"{name} must have the shapes of the parameters: {key} has {tuple(p.shape)}, "
                             f"the direction {tuple(given.shape)}")
        if not given.is_floating_point():
            raise TypeError(f"{name} must hold real numbers, got dtype {given.dtype} for {key}")
        # The dtype first: a float64 direction must not reach a device that has none.
        given = given.detach().to(p.dtype).to(p.device)
        if not bool(torch.isfinite(given).all()):
            raise ValueError(f"{name} must be finite, but its part for {key} holds NaN or infinity")
        result.append(given)
    return result
