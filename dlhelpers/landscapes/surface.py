r"""The loss along a line, over a plane, or at any points of a few directions.

``method="fused"`` evaluates stacks of layers many points at a time (see ``fused``);
``method="general"`` puts the parameters of one point after the other into any module
with ``torch.func.functional_call``; "auto" takes the first where it can.  Both work
through the data in pieces of ``chunk`` samples, so memory does not grow with the
data or the grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.func import functional_call

from dlhelpers import checks
from dlhelpers.landscapes import arguments, fused
from dlhelpers.landscapes.arguments import Data, Direction, Loss

METHODS = ("auto", "fused", "general")
BATCH_NORMS = ("eval", "recompute")
#: Samples in one pass, unless the caller says otherwise.
CHUNK = 512


@dataclass(frozen=True, eq=False)
class Line:
    """Losses ``values`` (n,) at the coordinates ``a`` (n,); ``method`` says how they were found."""

    a: np.ndarray
    values: np.ndarray
    method: str

    @property
    def diverged(self) -> float:
        """Share of the points whose loss is not finite."""
        return float((~np.isfinite(self.values)).mean())


@dataclass(frozen=True, eq=False)
class Surface:
    """Losses ``values`` (n_b, n_a) over the plane; rows follow ``b``, columns ``a``."""

    a: np.ndarray
    b: np.ndarray
    values: np.ndarray
    method: str

    @property
    def diverged(self) -> float:
        """Share of the points whose loss is not finite."""
        return float((~np.isfinite(self.values)).mean())

    def shown(self, *, log: bool = False, floor: float = 1e-6) -> np.ndarray:
        """The values for a picture: points that diverged take the largest finite loss.

        :param log: return log10 of the loss, cut off below ``floor``.
        """
        floor = checks.positive(floor, "floor")
        top = self.values[np.isfinite(self.values)].max()
        values = np.where(np.isfinite(self.values), self.values, top)
        return np.log10(np.maximum(values, floor)) if log else values


def surface(model: nn.Module, loss: Loss, data: Data, directions: Sequence[Direction], *, radius: float = 1.0,
            points: int = 25, a: Any = None, b: Any = None, chunk: int = CHUNK, batch_norm: str = "eval",
            method: str = "auto") -> Surface:
    r"""The mean loss over the plane :math:`\theta + aA + bB`.

    :param model: any torch module; it comes out as it went in.
    :param loss: ``loss(y_hat, y)``, one number that averages over the batch.
    :param data: ``(X, y)`` on the model's device; all of it is used.
    :param directions: A and B, each one tensor for each parameter.
    :param radius: both coordinates run from -radius to radius …
    :param points: … in so many steps;
    :param a, b: or give the coordinates themselves, (n_a,) and (n_b,).
    :param chunk: samples in one pass.
    :param batch_norm: "eval" keeps the model's running statistics at every point, as Li et
        al. do; "recompute" measures them afresh at every point, over all of ``data``.
    :param method: "auto", "fused" or "general", see the head of this module.
    :raises ValueError, TypeError: naming the argument; also when the loss is not finite at
        the model itself, or everywhere else on the plane.
    """
    if not isinstance(directions, Sequence) or len(directions) != 2:
        raise ValueError("directions must be a pair (A, B) of directions")
    columns, rows = _axis(a, "a", radius, points), _axis(b, "b", radius, points)
    grid = np.stack([g.reshape(-1) for g in np.meshgrid(columns, rows)], axis=1)
    values, used = _evaluate(model, loss, data, directions, grid, chunk, batch_norm, method)
    _refuse_nothing(values, columns, rows)
    return Surface(columns, rows, values.reshape(len(rows), len(columns)), used)


def line(model: nn.Module, loss: Loss, data: Data, direction: Direction, *, radius: float = 1.0, points: int = 51,
         a: Any = None, chunk: int = CHUNK, batch_norm: str = "eval", method: str = "auto") -> Line:
    r"""The mean loss along :math:`\theta + aD`; arguments as for :func:`surface`.

    With ``direction=between(start, end)`` and ``a=np.linspace(0, 1, …)`` it is the
    linear interpolation between two models.
    """
    columns = _axis(a, "a", radius, points)
    values, used = _evaluate(model, loss, data, [direction], columns[:, None], chunk, batch_norm, method)
    _refuse_nothing(values, columns)
    return Line(columns, values, used)


def losses_at(model: nn.Module, loss: Loss, data: Data, directions: Sequence[Direction], at: Any, *,
              chunk: int = CHUNK, batch_norm: str = "eval", method: str = "auto") -> np.ndarray:
    r"""The mean losses (P,) at the points ``at`` (P, k): :math:`\theta + \sum_k a_k D_k`."""
    at = checks.array(at, "at", shape=(None, len(directions)))
    return _evaluate(model, loss, data, directions, at, chunk, batch_norm, method)[0]


def _axis(given: Any, name: str, radius: float, points: int) -> np.ndarray:
    if given is not None:
        return checks.array(given, name, ndim=1).astype(float)
    radius = checks.positive(radius, "radius")
    return np.linspace(-radius, radius, checks.integer(points, "points", at_least=2))


def _refuse_nothing(values: np.ndarray, *axes: np.ndarray) -> None:
    if np.isfinite(values).sum() <= 1 < len(values):
        reach = max(float(np.abs(axis).max()) for axis in axes)
        raise ValueError(f"radius {reach:g} is too large: the loss is not finite anywhere on the grid away from the "
                         "model itself; choose a smaller one")


def _evaluate(model: nn.Module, loss: Loss, data: Data, directions: Sequence[Direction], at: np.ndarray, chunk: int,
              batch_norm: str, method: str) -> tuple[np.ndarray, str]:
    parameters = arguments.model_parameters(model)
    X, y = arguments.data_pair(data, model)
    arguments.scalar_loss(loss)
    checked = [arguments.direction(d, f"directions[{k}]" if len(directions) > 1 else "direction", parameters)
               for k, d in enumerate(directions)]
    chunk = checks.integer(chunk, "chunk", at_least=1)
    checks.one_of(batch_norm, "batch_norm", BATCH_NORMS)
    checks.one_of(method, "method", METHODS)
    fits = fused.supported(model)
    if method == "fused" and not fits:
        raise ValueError("method 'fused' needs an nn.Sequential of linear, convolution and elementwise layers; "
                         "use method='auto'")
    used = "fused" if fits and method != "general" else "general"
    points = torch.as_tensor(at, dtype=torch.float64)
    with torch.no_grad(), arguments.evaluating(model):
        _check_here(model, loss, X[:chunk], y[:chunk])
        if used == "fused":
            stack = fused.Stack(model, checked)
            size = stack.sample_chunk(chunk)
            total = sum(stack.losses(x_part, y_part, points, loss) * len(x_part)
                        for x_part, y_part in zip(X.split(size), y.split(size)))
            return (total / len(X)).numpy(), used
        general = _General(model, loss, parameters, checked, X.split(chunk), y.split(chunk), batch_norm)
        return np.array([general.loss_at(where) for where in points.tolist()]), used


def _check_here(model: nn.Module, loss: Loss, X: torch.Tensor, y: torch.Tensor) -> None:
    value = arguments.as_scalar(loss(model(X), y))
    if not bool(torch.isfinite(value)):
        raise ValueError(f"loss must be finite at the model itself, got {float(value)}")


class _General:
    """One point after the other, for any module."""

    def __init__(self, model: nn.Module, loss: Loss, parameters: dict[str, torch.Tensor],
                 directions: list[list[torch.Tensor]], X: Sequence[torch.Tensor], y: Sequence[torch.Tensor],
                 batch_norm: str) -> None:
        self.model, self.loss, self.X, self.y = model, loss, X, y
        self.parameters, self.directions = parameters, directions
        self.norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)
                      and m.track_running_stats] if batch_norm == "recompute" else []

    def loss_at(self, where: list[float]) -> float:
        """The mean loss over all chunks with the parameters moved."""
        state: dict[str, torch.Tensor] = {}
        for i, (key, p) in enumerate(self.parameters.items()):
            moved = p
            for value, d in zip(where, self.directions):
                moved = torch.add(moved, d[i], alpha=value)
            state[key] = moved
        # A forward pass may write to buffers: it gets copies.
        state |= {key: buffer.clone() for key, buffer in self.model.named_buffers()}
        if self.norms:
            self._measure_statistics(state)
        total = sum(float(arguments.as_scalar(self.loss(functional_call(self.model, state, (x,)), t))) * len(x)
                    for x, t in zip(self.X, self.y))
        return total / sum(len(x) for x in self.X)

    def _measure_statistics(self, state: dict[str, torch.Tensor]) -> None:
        """Average the batch statistics over the chunks into the copies of the buffers."""
        for key, buffer in state.items():
            if key.endswith("num_batches_tracked"):
                buffer.zero_()
        momenta = [m.momentum for m in self.norms]
        try:
            for m in self.norms:
                m.momentum, m.training = None, True     # None: a plain average over the chunks
            for x in self.X:
                functional_call(self.model, state, (x,))
        finally:
            for m, momentum in zip(self.norms, momenta):
                m.momentum, m.training = momentum, False
