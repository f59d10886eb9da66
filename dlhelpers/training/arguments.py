"""What ``training`` refuses before it spends an hour on it.

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
from dlhelpers.training import batches
from dlhelpers.training.weights import ELEMENTWISE, LABELS, is_one_of, setting


def model(value: Any) -> list[nn.Parameter]:
    """The trainable parameters of a torch module; all on one device, and some at least.

    :param value: what came as ``model``.
    :returns: the parameters that require a gradient.
    :raises TypeError: if it is no module.
    :raises ValueError: if nothing is to be trained, or it lies on several devices.
    """
    checks.instance(value, "model", nn.Module)
    parameters = [p for p in value.parameters() if p.requires_grad]
    if not parameters:
        raise ValueError("model has no parameters to train (none at all, or all frozen)")
    devices = {p.device for p in value.parameters()}
    if len(devices) > 1:
        raise ValueError(f"model must lie on one device, got {sorted(map(str, devices))}")
    return parameters


def data(value: Any, name: str, net: nn.Module) -> batches.Data:
    """A pair (X, y) of equal length that suits the model's dtype and device.

    :param value: what came; X and y are one tensor each, or a tuple or dictionary of them.
    :param name: what the caller calls it, for the message.
    :param net: the model.
    :returns: the pair, detached.
    :raises TypeError: if it is no such pair, or of a wrong dtype.
    :raises ValueError: if lengths, shapes or devices do not fit, or a number is not finite.
    """
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        hint = "; several inputs form a tuple of their own, ((X1, X2), y)" if isinstance(value, (tuple, list)) else ""
        raise TypeError(f"{name} must be a pair (X, y) of tensors, got {type(value).__name__}{hint}")
    X, y = inputs(value[0], name, net), _tensors(value[1], f"{name}: y", net, floating=False)
    if batches.length(X) != batches.length(y):
        raise ValueError(f"{name}: X and y must be of equal length, got {batches.length(X)} and {batches.length(y)}")
    return X, y


def inputs(value: Any, name: str, net: nn.Module) -> Any:
    """Inputs that suit the model's dtype and device.

    :param value: what came: one tensor, or a tuple or dictionary of aligned ones.
    :param name: what the caller calls the data, for the message.
    :param net: the model.
    :returns: the inputs, detached.
    :raises TypeError: if it is no tensor, or of a wrong dtype.
    :raises ValueError: if lengths, shapes or devices do not fit, or a number is not finite.
    """
    # Indices into an embedding are the one kind of single input that is not a real number.
    tokens = any(isinstance(m, (nn.Embedding, nn.EmbeddingBag)) for m in net.modules())
    X = _tensors(value, f"{name}: X", net, floating=not tokens)
    first = next(net.parameters(), None)
    for part, tensor in _named(X, f"{name}: X"):
        real = first is not None and tensor.is_floating_point() and first.is_floating_point()
        if first is not None and real and tensor.dtype != first.dtype:
            raise TypeError(f"{part} has dtype {tensor.dtype}, the model {first.dtype}; convert one with .to()")
    return X


def _named(value: Any, name: str) -> list[tuple[str, Any]]:
    """(what to call it, tensor) for each tensor of a structure."""
    if isinstance(value, dict):
        return [(f"{name}[{key!r}]", tensor) for key, tensor in value.items()]
    if isinstance(value, (tuple, list)):
        return [(f"{name}[{i}]", tensor) for i, tensor in enumerate(value)]
    return [(name, value)]


def _tensors(value: Any, name: str, net: nn.Module, *, floating: bool) -> Any:
    """One tensor, or aligned ones, on the model's device; among several, integers and masks are welcome."""
    named = _named(value, name)
    if not named:
        raise ValueError(f"{name} must hold at least one tensor, got an empty {type(value).__name__}")
    first = next(net.parameters(), None)
    alone = isinstance(value, torch.Tensor)
    for part, tensor in named:
        checks.tensor(tensor, part, floating=floating and alone)
        if tensor.ndim == 0:
            raise ValueError(f"{part} must have a first axis of samples, got a single number")
        if (tensor.dtype == torch.bool and alone) or tensor.is_complex():
            raise TypeError(f"{part} must hold real numbers, got dtype {tensor.dtype}")
        if first is not None and tensor.device != first.device:
            raise ValueError(f"{part} is on {tensor.device}, the model on {first.device}; move one with .to()")
    lengths = [len(tensor) for _, tensor in named]
    if len(set(lengths)) > 1:
        raise ValueError(f"{name} must hold tensors of equal length, got {lengths}")
    return batches.each(torch.Tensor.detach, value)


def loss(value: Any) -> Callable[..., torch.Tensor]:
    """A function of (predictions, targets) that averages over the batch.

    :param value: what came as ``loss``.
    :returns: the loss.
    :raises TypeError: if it cannot be called, or is a class.
    :raises ValueError: if it sums, or returns one number a sample.
    """
    checks.function(value, "loss")
    if isinstance(value, type):
        raise TypeError(f"loss must be an instance such as {value.__name__}(), got the class itself")
    reduction = setting(value, "reduction", "mean")
    if reduction != "mean":
        raise ValueError(f"loss must average over the batch (reduction='mean'), got reduction={reduction!r}")
    return value


def trial(net: nn.Module, X: Any, y: Any, value: Callable[..., torch.Tensor], name: str) -> None:
    """Run two samples through model and loss, and refuse what cannot be trained.

    The model is in evaluation mode meanwhile, so that running statistics stay.

    :param net: the model.
    :param X: all inputs.
    :param y: all targets.
    :param value: the loss.
    :param name: what the caller calls the data, for the message.
    :raises TypeError: if targets have a dtype that the loss cannot use, or it returns no tensor.
    :raises ValueError: if shapes or labels do not fit, or the loss is no scalar that depends on
        the parameters.
    """
    labels = y
    X, y = (batches.each(lambda t: t[:2], part) for part in (X, y))
    try:
        y_hat = batches.call(net, X)
    except (RuntimeError, IndexError, TypeError) as error:
        if isinstance(error, TypeError) and isinstance(X, torch.Tensor):
            raise
        shapes = " and ".join(str(tuple(t.shape)[1:]) for t in batches.leaves(X))
        raise ValueError(f"{name}: X of shape {shapes} a sample does not fit the model: "
                         f"{str(error).splitlines()[0]}") from error
    if isinstance(y_hat, torch.Tensor) and isinstance(y, torch.Tensor):
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
        ignored = setting(value, "ignore_index", -100)
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
    """The given optimizer, or plain gradient descent with learning rate ``eta``.

    :param value: what came as ``optimizer``, or None.
    :param eta: what came as ``eta``, or None.
    :param parameters: those that are to be trained.
    :returns: the optimizer.
    :raises TypeError: if not exactly one of the two is given, or it is no optimizer.
    :raises ValueError: if eta is not positive, or the optimizer holds other parameters or
        needs a closure.
    """
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


def metrics(value: Any) -> dict[str, Any]:
    """A dictionary of metrics, see :func:`dlhelpers.training.fit`.

    :param value: what came as ``metrics``, or None.
    :returns: the dictionary, empty for None.
    :raises TypeError: if it is something else.
    """
    value = {} if value is None else checks.instance(value, "metrics", dict)
    for name, metric in value.items():
        checks.instance(name, "metrics: each key", str)
        if not accumulates(metric):
            checks.function(metric, f"metrics[{name!r}]")
    return value


def accumulates(metric: Any) -> bool:
    """Whether a metric is fed part by part.

    :param metric: a function of (y_hat, y), or an object with ``update(y_hat, y)`` and
        ``compute()``, and ``reset()`` to start again.
    :returns: True for such an object.
    """
    return all(callable(getattr(metric, name, None)) for name in ("update", "compute", "reset"))
