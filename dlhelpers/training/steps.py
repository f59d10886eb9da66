r"""One step of training, for whatever loop needs one.

.. math:: \theta \leftarrow \theta - \eta\, g, \qquad g = \nabla L(\theta)\,\min(1,\ c / \|\nabla L(\theta)\|)

or whatever the optimizer makes of g.  :func:`step` starts from a batch, :func:`update`
from a loss that has been computed: a critic's with its penalty, a policy's, a loss on
the nodes of a mask.  ``fit`` takes thousands of steps alike, and prepares a :class:`Stepper` once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from dlhelpers import checks
from dlhelpers.training import arguments, batches
from dlhelpers.training.weights import Loss

#: Called with the model: between backward and clipping, or after the optimizer's step.
Hook = Callable[[nn.Module], Any]


class Stepper:
    """A step that is taken again and again; called with a batch, it returns the loss.

    :param model: any torch module.
    :param loss: ``loss(y_hat, y)``, a scalar; None if only :meth:`update` is used.
    :param optimizer: a torch optimizer; or
    :param eta: the learning rate of plain gradient descent.
    :param clip: largest norm of the gradient, over all parameters together.
    :param before: called with the model when the gradients are there, before they are clipped.
    :param after: called with the model after the step.
    :raises TypeError: if neither an optimizer nor eta is given, or both.
    :raises ValueError: if the model has nothing to train, or a number is out of range.
    """

    def __init__(self, model: nn.Module, loss: Loss | None = None, optimizer: torch.optim.Optimizer | None = None, *,
                 eta: float | None = None, clip: float | None = None,
                 before: Hook | None = None, after: Hook | None = None) -> None:
        own = arguments.model(model)
        self.optimizer = arguments.optimizer(optimizer, eta, own)
        self.model, self.loss, self.before, self.after = model, loss, before, after
        self.eta = None if eta is None else float(eta)
        self.clip = None if clip is None else checks.positive(clip, "clip")
        held = [p for group in self.optimizer.param_groups for p in group["params"]]
        self.trained = list({id(p): p for p in held + own}.values())

    def __call__(self, inputs: Any, y: Any) -> torch.Tensor:
        """Forward, backward, step.

        :param inputs: one tensor, or a tuple or dictionary of them, as the model takes them.
        :param y: targets, as the loss takes them.
        :returns: the loss before the step, detached, still on its device.
        """
        assert self.loss is not None
        value = self.loss(batches.call(self.model, inputs), y)
        self.update(value)
        return value.detach()

    def update(self, value: torch.Tensor) -> None:
        """Backward and step.

        :param value: the loss, a scalar that depends on the parameters.
        """
        for p in self.trained:
            p.grad = None
        value.backward()
        if self.before is not None:
            self.before(self.model)
        if self.clip is not None:
            nn.utils.clip_grad_norm_(self.trained, self.clip)
        if self.eta is None:
            self.optimizer.step()
        else:  # what SGD does, without its book-keeping: bit for bit the same
            with torch.no_grad():
                for p in self.trained:
                    if p.grad is not None:
                        p.add_(p.grad, alpha=-self.eta)
        if self.after is not None:
            self.after(self.model)


def step(model: nn.Module, batch: tuple[Any, Any], loss: Loss, optimizer: torch.optim.Optimizer | None = None, *,
         eta: float | None = None, clip: float | None = None,
         before: Hook | None = None, after: Hook | None = None) -> torch.Tensor:
    """One step on one batch: forward, loss, backward, optimizer.

    The model's mode (train or eval) stays as it is.  A batch may be of any form that the
    model and the loss understand; a mask can be part of it, ``((X, A), (y, mask))``.

    :param model: any torch module; changed in place.
    :param batch: ``(inputs, y)``; inputs are one tensor, a tuple for ``model(*inputs)``, or a
        dictionary for ``model(**inputs)``.
    :param loss: ``loss(y_hat, y)``, a scalar.
    :param optimizer: a torch optimizer over the model's parameters; or
    :param eta: the learning rate of plain gradient descent.
    :param clip: largest norm of the gradient, over all parameters together; None for no limit.
    :param before: called with the model when the gradients are there, before they are
        clipped (averaging them over processes, measuring them).
    :param after: called with the model after the step (clipping weights, a moving average).
    :returns: the loss before the step, a detached scalar on the model's device.
    :raises TypeError: if batch is no pair, or not exactly one of optimizer and eta is given.
    :raises ValueError: if the loss is no scalar, the model has nothing to train, or a number
        is out of range.
    """
    if not isinstance(batch, (tuple, list)) or len(batch) != 2:
        raise TypeError(f"batch must be a pair (inputs, y), got {type(batch).__name__}")
    take = Stepper(model, checks.function(loss, "loss"), optimizer, eta=eta, clip=clip, before=before, after=after)
    value = loss(batches.call(model, batch[0]), batch[1])
    take.update(_scalar(value))
    return value.detach()


def update(model: nn.Module, value: torch.Tensor, optimizer: torch.optim.Optimizer | None = None, *,
           eta: float | None = None, clip: float | None = None,
           before: Hook | None = None, after: Hook | None = None) -> torch.Tensor:
    """One step down a loss that has been computed, whatever it depends on besides.

    :param model: the module that is trained; gradients of others that the loss depends on
        are left in their ``grad``, and cleared when they are updated.
    :param value: the loss, a scalar with a graph.
    :param optimizer: a torch optimizer over the model's parameters; or
    :param eta: the learning rate of plain gradient descent.
    :param clip: largest norm of the gradient, over all parameters together; None for no limit.
    :param before: called with the model when the gradients are there, before they are clipped.
    :param after: called with the model after the step.
    :returns: the loss, detached.
    :raises TypeError: if not exactly one of optimizer and eta is given, or value is no tensor.
    :raises ValueError: if the loss is no scalar, does not depend on any parameter, or a number
        is out of range.
    """
    Stepper(model, None, optimizer, eta=eta, clip=clip, before=before, after=after).update(_scalar(value))
    return value.detach()


def _scalar(value: Any) -> torch.Tensor:
    """A loss that can be differentiated."""
    if not isinstance(value, torch.Tensor):
        raise TypeError(f"loss must be a tensor, got {type(value).__name__}")
    if value.shape != ():
        raise ValueError(f"loss must be a scalar, got shape {tuple(value.shape)}")
    if not value.requires_grad:
        raise ValueError("loss does not depend on any parameter through torch operations")
    return value
