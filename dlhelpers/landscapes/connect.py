r"""A curve of low loss between two trained models: mode connectivity.

On the straight line between two trainings' ends the loss usually rises.  Curves with the
same ends, bent at one or more points :math:`\theta_1, \dots, \theta_{B}` that are trained to make
the mean loss along the curve small,

.. math:: \min_{\theta_1, \dots, \theta_B} \; \mathbb{E}_{t \sim U(0, 1)} \, L(\varphi(t)),

usually do not: the two ends lie in one connected region of low loss.

Source: Garipov, Izmailov, Podoprikhin, Vetrov, Wilson, *Loss Surfaces, Mode Connectivity, and
Fast Ensembling of DNNs*, NeurIPS 2018, section 3; the same year Draxler, Veschgini, Salmhofer,
Hamprecht, *Essentially No Barriers in Neural Network Energy Landscape*, ICML 2018, with another
method.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.func import functional_call

from dlhelpers import checks
from dlhelpers.landscapes import arguments
from dlhelpers.landscapes.arguments import Data, Loss
from dlhelpers.landscapes.directions import between
from dlhelpers.landscapes.surface import losses_at
from dlhelpers.training.evaluation import modes_kept

KINDS = ("bezier", "polyline")


@dataclass(frozen=True, eq=False)
class Curve:
    """A curve through parameter space, from ``models[0]`` to ``models[-1]``.

    ``models`` are the ends and, between them, the bends; ``kind`` is "bezier" or "polyline";
    ``history`` (steps,) are the losses that the training saw, each at its own random t.
    """

    models: tuple[nn.Module, ...]
    kind: str
    history: np.ndarray

    def weights(self, t: Any) -> np.ndarray:
        r"""How much of each model the points of the curve are made of.

        Bézier: :math:`\binom{n}{k} t^k (1-t)^{n-k}`; polyline: the two models next to t share linearly.

        :param t: (T,) positions from 0 to 1.
        :returns: (T, models); each row sums to 1.
        :raises TypeError: if t does not hold real numbers.
        :raises ValueError: if t is not one-dimensional, or leaves [0, 1].
        """
        t = checks.array(t, "t", ndim=1).astype(float)
        if t.min() < 0 or t.max() > 1:
            raise ValueError(f"t must lie in [0, 1], got {t.min():g} to {t.max():g}")
        return _weights(t, len(self.models), self.kind)

    def model(self, t: float) -> nn.Module:
        """The model at one position.

        :param t: from 0 to 1.
        :returns: a new model, with the buffers of the first end.
        :raises ValueError: if t leaves [0, 1].
        """
        shares, moved = self.weights([t])[0], copy.deepcopy(self.models[0])
        with torch.no_grad():
            for p, *parts in zip(moved.parameters(), *(m.parameters() for m in self.models), strict=True):
                p.copy_(sum(float(s) * part for s, part in zip(shares, parts, strict=True)))
        return moved

    def losses(self, loss: Loss, data: Data, t: Any, **options: Any) -> np.ndarray:
        """The mean losses along the curve.

        :param loss: as for ``surface``.
        :param data: as for ``surface``.
        :param t: (T,) positions from 0 to 1.
        :param options: ``chunk``, ``batch_norm`` and ``method``, as for ``surface``.
        :returns: (T,) losses.
        :raises TypeError: if an argument is of the wrong kind.
        :raises ValueError: naming the argument.
        """
        directions = [between(self.models[0], other) for other in self.models[1:]]
        return losses_at(self.models[0], loss, data, directions, self.weights(t)[:, 1:], **options)


def connect(start: nn.Module, end: nn.Module, loss: Loss, data: Data, *, kind: str = "bezier", bends: int = 1,
            steps: int = 400, eta: float = 0.01, batch: int | None = None, seed: int = 0) -> Curve:
    r"""Train a curve of low loss between two models, with Adam, from the straight line on.

    One step draws t from U(0, 1) and a batch, and follows the gradient of the loss at
    :math:`\varphi(t)` with respect to the bends.

    :param start: a trained model, without batch normalisation; it comes out as it went in.
    :param end: another of the same shape; it comes out as it went in.
    :param loss: ``loss(y_hat, y)``, one number that averages over the batch.
    :param data: ``(X, y)`` on the models' device.
    :param kind: must be one of "bezier" (of degree bends + 1) and "polyline".
    :param bends: points between the ends that are trained; at least 1.
    :param steps: of training.
    :param eta: Adam's learning rate; positive.
    :param batch: samples a step; all of them unless told.
    :param seed: of positions and batches; the global generator is not touched.
    :returns: the curve.
    :raises TypeError: if an argument is of the wrong kind.
    :raises ValueError: naming the argument: shapes that differ, running statistics, values out of range,
        a loss that is not finite on the way.

    Source: see the head of this module; equations (2) to (4) of Garipov et al.
    """
    first = arguments.model_parameters(start, "start")
    step_to = between(start, end)
    X, y = arguments.data_pair(data, start)
    arguments.scalar_loss(loss)
    checks.one_of(kind, "kind", KINDS)
    bends, steps = checks.integer(bends, "bends", at_least=1), checks.integer(steps, "steps", at_least=1)
    eta = checks.positive(eta, "eta")
    batch = len(X) if batch is None else checks.integer(batch, "batch", at_least=1, at_most=len(X))
    rng = torch.Generator().manual_seed(checks.integer(seed, "seed", at_least=0, at_most=2**63 - 1))
    if any(isinstance(getattr(m, "running_mean", None), torch.Tensor) for m in start.modules()):
        raise ValueError("start must have no running statistics (batch normalisation): they belong to no point between")
    names, ends = list(first), (list(first.values()), [p + d for p, d in zip(first.values(), step_to, strict=True)])
    middle = [[(p + (k + 1) / (bends + 1) * d).clone().requires_grad_() for p, d in zip(ends[0], step_to, strict=True)]
              for k in range(bends)]
    adam = torch.optim.Adam([p for point in middle for p in point], lr=eta)
    history, buffers = [], dict(start.named_buffers())
    with modes_kept(start), torch.enable_grad():
        start.eval()
        for step in range(steps):
            shares = _weights(torch.rand(1, generator=rng).double().numpy(), bends + 2, kind)[0].tolist()
            rows = torch.randperm(len(X), generator=rng)[:batch].to(X.device) if batch < len(X) else slice(None)
            here = [torch.stack([s * p for s, p in zip(shares, parts, strict=True)]).sum(0)
                    for parts in zip(ends[0], *middle, ends[1], strict=True)]
            state = dict(zip(names, here, strict=True)) | {key: buffer.clone() for key, buffer in buffers.items()}
            value = arguments.as_scalar(loss(functional_call(start, state, (X[rows],)), y[rows]))
            if not bool(torch.isfinite(value)):
                raise ValueError(f"eta {eta:g} is too large: the loss was not finite at step {step}")
            adam.zero_grad()
            value.backward()
            adam.step()
            history.append(float(value.detach()))
    models = (copy.deepcopy(start), *(_with(start, point) for point in middle), copy.deepcopy(end))
    return Curve(models, kind, np.array(history))


def _with(model: nn.Module, parameters: list[torch.Tensor]) -> nn.Module:
    moved = copy.deepcopy(model)
    with torch.no_grad():
        for p, value in zip(moved.parameters(), parameters, strict=True):
            p.copy_(value)
    return moved


def _weights(t: np.ndarray, points: int, kind: str) -> np.ndarray:
    """(T,) positions -> (T, points) shares."""
    n, k = points - 1, np.arange(points)
    if kind == "polyline":
        return np.maximum(0, 1 - np.abs(n * t[:, None] - k))
    return np.array([math.comb(n, int(j)) for j in k]) * t[:, None] ** k * (1 - t[:, None]) ** (n - k)
