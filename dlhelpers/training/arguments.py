"""What ``training.fit`` refuses before it spends an hour on it.

Every function raises ValueError or TypeError that names the argument, says what
came and what is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from dlhelpers import checks

#: Losses that compare element by element: predictions and targets of one shape.
ELEMENTWISE = (nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss, nn.BCELoss, nn.BCEWithLogitsLoss,
               F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss, F.binary_cross_entropy,
               F.binary_cross_entropy_with_logits)
#: Losses over class labels 0, ..., K-1.
LABELS = (nn.CrossEntropyLoss, nn.NLLLoss, F.cross_entropy, F.nll_loss)


def model(value: Any) -> list[nn.Parameter]:
    """The trainable parameters of a torch module; all on one device, and some at least."""
    checks.instance(value, "model", nn.Module)
    parameters = [p for p in value.parameters() if p.requires_grad]
    if not parameters:
        raise ValueError("model has no parameters to train (none at all, or all frozen)")
    devices = {p.device for p in value.parameters()}
    if len(devices) > 1:
        raise ValueError(f"model must lie on one device, got {sorted(map(str, devices))}")
    return parameters


def data(value: Any, name: str, net: nn.Module) -> tuple[torch.Tensor, torch.Tensor]:
    """A pair (X, y) of tensors of equal length that suits the model's dtype and device."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise TypeError(f"{name} must be a pair (X, y) of tensors, got {type(value).__name__}")
    # Indices into an embedding are the one kind of input that is not a real number.
    tokens = any(isinstance(m, (nn.Embedding, nn.EmbeddingBag)) for m in net.modules())
    X = checks.tensor(value[0], f"{name}: X", floating=not tokens)
    y = checks.tensor(value[1], f"{name}: y", floating=False)
    for tensor, part in ((X, "X"), (y, "y")):
        if tensor.ndim == 0:
            raise ValueError(f"{name}: {part} must have a first axis of samples, got a single number")
        if tensor.dtype == torch.bool or tensor.is_complex():
            raise TypeError(f"{name}: {part} must hold real numbers, got dtype {tensor.dtype}")
    if len(X) != len(y):
        raise ValueError(f"{name}: X and y must be of equal length, got {len(X)} and {len(y)}")
    first = next(net.parameters(), None)
    if first is not None:
        if X.is_floating_point() and first.is_floating_point() and X.dtype != first.dtype:
            raise TypeError(f"{name}: X has dtype {X.dtype}, the model {first.dtype}; convert one with .to()")
        for tensor, part in ((X, "X"), (y, "y")):
            if tensor.device != first.device:
                raise ValueError(f"{name}: {part} is on {tensor.device}, the model on {first.device}; "
                                 "move one with .to()")
    return X, y


def is_one_of(loss: Callable[..., Any], family: tuple[Any, ...]) -> bool:
    """Whether a loss is one of torch's own, as a module or as a function."""
    return any(isinstance(loss, kind) if isinstance(kind, type) else loss is kind for kind in family)


def loss(value: Any) -> Callable[..., torch.Tensor]:
    """A function of (predictions, targets) that averages over the batch."""
    checks.function(value, "loss")
    if isinstance(value, type):
        raise TypeError(f"loss must be an instance such as {value.__name__}(), got the class itself")
    reduction = getattr(value, "reduction", "mean")
    if reduction != "mean":
        raise ValueError(f"loss must average over the batch (reduction='mean'), got reduction={reduction!r}")
    return value


def trial(net: nn.Module, X: torch.Tensor, y: torch.Tensor, value: Callable[..., torch.Tensor],
          name: str) -> None:
    """Run two samples through model and loss, and refuse what cannot be trained.

    The model is in evaluation mode meanwhile, so that running statistics stay.
    """
    X, y, labels = X[:2], y[:2], y
    try:
        y_hat = net(X)
    except (RuntimeError, IndexError) as error:
        raise ValueError(f"{name}: X of shape {tuple(X.shape)[1:]} a sample does not fit the model: "
                         f"{str(error).splitlines()[0]}") from error
    if isinstance(y_hat, torch.Tensor):
        _targets(y_hat, y, labels, value, name)
    try:
        result = value(y_hat, y)
    except (RuntimeError, IndexError) as error:
        raise ValueError(f"{name}: y does not fit the model's output and the loss: "
                         f"{str(error).splitlines()[0]}") from error
    if not isinstance(result, torch.Tensor):
        raise TypeError(f"loss must return a tensor, got {type(result).__name__}")
    if result.shape != ():
        raise ValueError(f"loss must return a scalar, got shape {tuple(result.shape)}")
    if not result.requires_grad:
        raise ValueError("loss does not depend on the model's parameters through torch operations")


def _targets(y_hat: torch.Tensor, y: torch.Tensor, labels: torch.Tensor,
             value: Callable[..., torch.Tensor], name: str) -> None:
    """Shapes that would broadcast, and labels that would be out of range."""
    if is_one_of(value, LABELS):
        if labels.is_floating_point():
            if is_one_of(value, (nn.NLLLoss, F.nll_loss)) or labels.shape[1:] != y_hat.shape[1:]:
                raise TypeError(f"{name}: y must hold integer class labels for this loss, got {labels.dtype}")
            return
        if labels.dtype != torch.int64:
            raise TypeError(f"{name}: y must hold labels as int64, got {labels.dtype}")
        classes = y_hat.shape[1] if y_hat.ndim > 1 else 0
        ignored = getattr(value, "ignore_index", -100)
        used = labels[labels != ignored]
        if used.numel() and not 0 <= int(used.min()) <= int(used.max()) < classes:
            raise ValueError(f"{name}: y must hold labels from 0 to {classes - 1} for the model's {classes} "
                             f"outputs, got {int(used.min())} to {int(used.max())}")
        return
    # A loss of one's own may pair any shapes, but (n, 1) against (n,) is always the same mistake.
    column = y.is_floating_point() and y_hat.ndim == y.ndim + 1 and y_hat.shape[-1] == 1
    row = y.is_floating_point() and y.ndim == y_hat.ndim + 1 and y.shape[-1] == 1
    if column or row or (is_one_of(value, ELEMENTWISE) and y_hat.shape != y.shape):
        raise ValueError(f"{name}: y has shape {tuple(y.shape)[1:]} a sample, the model's output "
                         f"{tuple(y_hat.shape)[1:]}; they must be equal")
    if is_one_of(value, ELEMENTWISE) and y.dtype != y_hat.dtype:
        raise TypeError(f"{name}: y must have the dtype of the model's output, {y_hat.dtype}, got {y.dtype}")


def optimizer(value: Any, eta: Any, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    """The given optimizer, or plain gradient descent with learning rate ``eta``."""
    if (value is None) == (eta is None):
        raise TypeError("optimizer or eta must be given, one of the two and not both")
    if eta is not None:
        return torch.optim.SGD(parameters, lr=checks.positive(eta, "eta"))
    if isinstance(value, type):
        raise TypeError(f"optimizer must be an instance such as {value.__name__}(model.parameters()), "
                        "got the class itself")
    checks.instance(value, "optimizer", torch.optim.Optimizer)
    if isinstance(value, torch.optim.LBFGS):
        raise ValueError("optimizer must be one that steps without a closure, got LBFGS")
    own = {id(p) for p in parameters}
    if not any(id(p) in own for group in value.param_groups for p in group["params"]):
        raise ValueError("optimizer holds none of the model's parameters; build it from model.parameters()")
    return value


def metrics(value: Any) -> dict[str, Callable[..., Any]]:
    """A dictionary of functions of (predictions, targets)."""
    value = {} if value is None else checks.instance(value, "metrics", dict)
    for name, function in value.items():
        checks.instance(name, "metrics: each key", str)
        checks.function(function, f"metrics[{name!r}]")
    return value
