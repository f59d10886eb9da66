r"""The largest curvature along gradient descent, and the edge of stability.

On a quadratic with curvature λ gradient descent is stable while :math:`\lambda < 2/\eta`.  On
the full-batch loss of a network the *sharpness*, the Hessian's largest eigenvalue, grows until it
reaches that edge and then hovers about it, while the loss goes on falling, no longer step by step.

Source: Cohen, Kaur, Li, Kolter, Talwalkar, *Gradient Descent on Neural Networks Typically Occurs at
the Edge of Stability*, ICLR 2021.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from dlhelpers import checks
from dlhelpers.landscapes import arguments, losses
from dlhelpers.landscapes.arguments import Data, Loss
from dlhelpers.landscapes.hessian import top_eigenvalues
from dlhelpers.landscapes.surface import CHUNK, chunk_for
from dlhelpers.training.evaluation import modes_kept


class SharpnessLog:
    """Measures the largest eigenvalue of the loss's Hessian whenever it is called.

    >>> log = SharpnessLog(loss, (X, y), every=5)
    >>> training.fit(..., on_epoch=log)                   # every fifth epoch
    >>> log.steps, log.values

    Each measurement starts from the last one's direction, which saves most of the products.

    :param loss: ``loss(y_hat, y)``, one number that averages over the batch.
    :param data: ``(X, y)`` on the model's device, over which the Hessian is taken.
    :param every: measure at multiples of so many.
    :param products: at most so many Hessian-vector products a measurement.
    :param tol: relative accuracy of the eigenvalue.
    :param chunk: samples in one pass.
    :raises TypeError: if an argument is of the wrong kind.
    :raises ValueError: if an argument is out of range.
    """

    def __init__(self, loss: Loss, data: Data, *, every: int = 1, products: int = 40, tol: float = 1e-3,
                 chunk: int = CHUNK) -> None:
        self.loss, self.data = arguments.scalar_loss(loss), data
        self.every = checks.integer(every, "every", at_least=1)
        self.products = checks.integer(products, "products", at_least=1)
        self.tol, self.chunk = checks.positive(tol, "tol"), checks.integer(chunk, "chunk", at_least=1)
        self.steps: list[int] = []
        self.values: list[float] = []
        self._last: list[torch.Tensor] | None = None

    def record(self, model: nn.Module, step: int) -> float:
        """Measure now.

        :param model: the model.
        :param step: what to call this moment.
        :returns: the largest eigenvalue.
        :raises ValueError: if the loss or its curvature is not finite.
        """
        start = self._last
        if start is not None:      # with a little of all other directions, should another one have become the sharpest
            rng = torch.Generator().manual_seed(step)
            size = sum(p.numel() for p in start) ** 0.5
            start = [p + (0.1 / size * torch.randn(p.shape, generator=rng)).to(p.dtype).to(p.device) for p in start]
        found = top_eigenvalues(model, self.loss, self.data, steps=self.products, tol=self.tol, start=start,
                                chunk=self.chunk)
        self._last = found.sharpest
        self.steps.append(step)
        self.values.append(float(found.top[0]))
        return self.values[-1]

    def __call__(self, epoch: int, model: nn.Module, history: Any) -> None:
        """For ``training.fit(on_epoch=…)``.

        :param epoch: its number.
        :param model: the model in training.
        :param history: not used.
        """
        if epoch % self.every == 0:
            self.record(model, epoch)


@dataclass(frozen=True, eq=False)
class Descent:
    """Full-batch gradient descent with rate ``eta``.

    ``losses`` (T + 1,) before every step and after the last; ``sharpness`` (S,) at ``steps`` (S,);
    ``model`` is where it ended.
    """

    eta: float
    losses: np.ndarray
    steps: np.ndarray
    sharpness: np.ndarray
    model: nn.Module

    @property
    def edge(self) -> float:
        """The sharpness 2 / eta, beyond which descent on a quadratic is unstable."""
        return 2 / self.eta


def descend(model: nn.Module, loss: Loss, data: Data, *, eta: float, T: int, every: int = 10, products: int = 40,
            tol: float = 1e-3, chunk: int = CHUNK) -> Descent:
    r"""Gradient descent on the loss of all data, and the sharpness along it.

    .. math:: \theta \leftarrow \theta - \eta \nabla L(\theta)

    The model is in evaluation mode all along, so that every step sees the same function.  Where
    the loss is no longer finite it stops.

    :param model: any torch module; it comes out as it went in, a copy descends.
    :param loss: ``loss(y_hat, y)``, one number that averages over the batch.
    :param data: ``(X, y)`` on the model's device; all of it is used in every step.
    :param eta: learning rate η; positive.
    :param T: steps.
    :param every: the sharpness is measured before every so manieth step, and after the last.
    :param products: at most so many Hessian-vector products a measurement.
    :param tol: relative accuracy of the eigenvalues.
    :param chunk: samples in one pass.
    :returns: losses, sharpness, and the model at the end.
    :raises TypeError: if an argument is of the wrong kind.
    :raises ValueError: naming the argument; also when the loss is not finite at the model itself.
    """
    arguments.model_parameters(model)
    X, y = arguments.data_pair(data, model)
    eta, T = checks.positive(eta, "eta"), checks.integer(T, "T", at_least=1)
    log = SharpnessLog(loss, (X, y), every=every, products=products, tol=tol, chunk=chunk)
    mover, values = copy.deepcopy(model), []
    with modes_kept(mover):
        mover.eval()
        size = chunk_for(mover, loss, X, y, log.chunk)[0]
        pieces = list(zip(X.split(size), y.split(size), losses.shares(loss, y, size), strict=True))
        parameters = [p for p in mover.parameters() if p.requires_grad]
        if not parameters:
            raise ValueError("model has no parameters to train: all are frozen")
        for step in range(T + 1):
            mover.zero_grad()
            value = 0.0
            with torch.enable_grad():
                for x, t, share in pieces:
                    if share != 0:
                        part = arguments.as_scalar(loss(mover(x), t)) * share
                        part.backward()
                        value += float(part.detach())
            values.append(value)
            if not np.isfinite(value):
                break
            if step % log.every == 0 or step == T:
                log.record(mover, step)
            if step < T:
                with torch.no_grad():
                    for p in parameters:
                        if p.grad is not None:
                            p.sub_(p.grad, alpha=eta)
    mover.zero_grad()
    return Descent(eta, np.array(values), np.array(log.steps), np.array(log.values), mover)
