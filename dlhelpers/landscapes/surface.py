r"""The loss along a line, over a plane, or at any points of a few directions.

Four ways, which agree within rounding:

- "compiled": small fully connected stacks in float32 on a CPU, see ``compiled``;
- "fused": stacks of layers, many points at a time, on any device, see ``fused``;
- "general": the parameters of one point after the other put into any module with
  ``torch.func.functional_call``;
- "auto": the first that can, "compiled" only where the work is worth the compiling.

All work through the data in pieces of ``chunk`` samples, so memory does not grow with the
data or the grid, and weigh the pieces as the loss does, see ``losses``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from dlhelpers import checks
from dlhelpers.landscapes import arguments, compiled, fused, losses
from dlhelpers.landscapes.arguments import Data, Direction, Loss
from dlhelpers.landscapes.general import General
from dlhelpers.training.evaluation import modes_kept

METHODS = ("auto", "compiled", "fused", "general")
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

        :param log: return log10 of the loss.
        :param floor: the smallest loss that the logarithm sees; positive.
        :returns: (n_b, n_a), all finite.
        :raises ValueError: if floor is not positive.
        """
        floor = checks.positive(floor, "floor")
        top = self.values[np.isfinite(self.values)].max()
        values = np.where(np.isfinite(self.values), self.values, top)
        return np.log10(np.maximum(values, floor)) if log else values


def surface(model: nn.Module, loss: Loss, data: Data, directions: Sequence[Direction], *, radius: float = 1.0,
            points: int = 25, a: Any = None, b: Any = None, chunk: int = CHUNK, batch_norm: str = "eval",
            method: str = "auto") -> Surface:
    r"""The mean loss over the plane :math:`\theta + aA + bB`, in evaluation mode.

    :param model: any torch module; it comes out as it went in.
    :param loss: ``loss(y_hat, y)``, one number that averages over the batch; class weights,
        ignored labels and label smoothing count as in one batch of all data.
    :param data: ``(X, y)`` on the model's device; all of it is used.
    :param directions: A and B, each one tensor for each parameter.
    :param radius: both coordinates run from -radius to radius; positive.
    :param points: in so many steps; at least 2.
    :param a: (n_a,) coordinates along A instead.
    :param b: (n_b,) coordinates along B instead.
    :param chunk: samples in one pass.
    :param batch_norm: must be one of "eval", which keeps the model's running statistics at every
        point, as Li et al. do, and "recompute", which measures them afresh at every point over
        all of ``data``: the mean over all samples, and the samples' mean of the chunks' variances.
    :param method: must be one of "auto", "compiled", "fused" and "general", see the head of this module.
    :returns: the losses (n_b, n_a), the coordinates, and the method taken.
    :raises TypeError: if an argument is of the wrong kind.
    :raises ValueError: naming the argument; also when the loss is not finite at the model itself,
        or everywhere else on the plane, and when parts of the input lie on different devices.

    Source: Li, Xu, Taylor, Studer, Goldstein, *Visualizing the Loss Landscape of Neural Nets*,
    NeurIPS 2018, section 4.
    """
    if not isinstance(directions, Sequence) or len(directions) != 2:
        raise ValueError("directions must be a pair (A, B) of directions")
    columns, rows = _axis(a, "a", radius, points), _axis(b, "b", radius, points)
    grid = np.stack([g.reshape(-1) for g in np.meshgrid(columns, rows)], axis=1)         # 2 x (n_b, n_a) -> (P, 2)
    values, used = _evaluate(model, loss, data, directions, grid, chunk, batch_norm, method)
    _refuse_nothing(values, columns, rows)
    return Surface(columns, rows, values.reshape(len(rows), len(columns)), used)         # (P,) -> (n_b, n_a)


def line(model: nn.Module, loss: Loss, data: Data, direction: Direction, *, radius: float = 1.0, points: int = 51,
         a: Any = None, chunk: int = CHUNK, batch_norm: str = "eval", method: str = "auto") -> Line:
    r"""The mean loss along :math:`\theta + aD`.

    With ``direction=between(start, end)`` and ``a=np.linspace(0, 1, …)`` it is the
    linear interpolation between two models.

    :param model: as for :func:`surface`.
    :param loss: as for :func:`surface`.
    :param data: as for :func:`surface`.
    :param direction: D, one tensor for each parameter.
    :param radius: a runs from -radius to radius; positive.
    :param points: in so many steps; at least 2.
    :param a: (n,) coordinates instead.
    :param chunk: as for :func:`surface`.
    :param batch_norm: as for :func:`surface`.
    :param method: as for :func:`surface`.
    :returns: the losses (n,), the coordinates, and the method taken.
    :raises TypeError: as for :func:`surface`.
    :raises ValueError: as for :func:`surface`.

    Source: Goodfellow, Vinyals, Saxe, *Qualitatively characterizing neural network optimization
    problems*, ICLR 2015.
    """
    columns = _axis(a, "a", radius, points)
    values, used = _evaluate(model, loss, data, [direction], columns[:, None], chunk, batch_norm, method)
    _refuse_nothing(values, columns)
    return Line(columns, values, used)


def losses_at(model: nn.Module, loss: Loss, data: Data, directions: Sequence[Direction], at: Any, *,
              chunk: int = CHUNK, batch_norm: str = "eval", method: str = "auto") -> np.ndarray:
    r"""The mean losses at any points :math:`\theta + \sum_k a_k D_k`.

    :param model: as for :func:`surface`.
    :param loss: as for :func:`surface`.
    :param data: as for :func:`surface`.
    :param directions: k directions.
    :param at: (P, k) coordinates.
    :param chunk: as for :func:`surface`.
    :param batch_norm: as for :func:`surface`.
    :param method: as for :func:`surface`.
    :returns: (P,) losses, float64.
    :raises TypeError: as for :func:`surface`.
    :raises ValueError: as for :func:`surface`.
    """
    at = checks.array(at, "at", shape=(None, len(directions)))
    return _evaluate(model, loss, data, directions, at, chunk, batch_norm, method)[0]


def chunk_for(model: nn.Module, loss: Loss, X: torch.Tensor, y: torch.Tensor,
              chunk: int) -> tuple[int, bool]:
    """How many samples may be taken at once, after a look at the loss at the model itself.

    :param model: a module in evaluation mode.
    :param loss: the loss.
    :param X: (n, ...) inputs.
    :param y: (n, ...) targets.
    :param chunk: at most so many.
    :returns: ``chunk``, or n for a loss that is no mean over samples; and whether it is one.
    :raises TypeError: if the loss returns no tensor.
    :raises ValueError: if it is not one finite number at the model, or its weights lie on another device.
    """
    losses.check_device(loss, y)
    additive = True
    with torch.no_grad():
        if losses.over_labels(loss, y):
            value = sum(float(arguments.as_scalar(loss(model(x), t))) * share
                        for x, t, share in zip(X.split(chunk), y.split(chunk), losses.shares(loss, y, chunk))
                        if share != 0)
        else:
            outputs = [model(x) for x in X.split(chunk)]
            joined = torch.cat(outputs) if isinstance(outputs[0], torch.Tensor) else model(X)
            value = float(arguments.as_scalar(loss(joined, y)))
            additive = losses.additive(loss, joined, y)
    if not np.isfinite(value):
        raise ValueError(f"loss must be finite at the model itself, got {value}")
    return chunk if additive else len(X), additive


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
    stack = fused.Stack(model, checked) if fused.supported(model) and method != "general" else None
    points = torch.as_tensor(at, dtype=torch.float64)
    with torch.no_grad(), modes_kept(model):
        model.eval()
        chunk, additive = chunk_for(model, loss, X, y, chunk)
        used = _choose(method, stack, X, y, loss, len(points))
        if used == "compiled":
            assert stack is not None
            return compiled.evaluate(stack.steps[stack.first:], stack.inputs(X), y, loss, points), used
        if used == "fused":
            assert stack is not None
            return stack.losses(X, y, points, loss, stack.sample_chunk(chunk) if additive else chunk).numpy(), used
        general = General(model, loss, parameters, checked, X, y, chunk, batch_norm == "recompute")
        return np.array([general.loss_at(where) for where in points.tolist()]), used


def _choose(method: str, stack: fused.Stack | None, X: torch.Tensor, y: torch.Tensor, loss: Loss, points: int) -> str:
    if stack is None:
        if method in ("fused", "compiled"):
            raise ValueError(f"method {method!r} needs an nn.Sequential of linear, convolution and elementwise layers; "
                             "use method='auto'")
        return "general"
    steps = stack.steps[stack.first:]
    fits = method in ("auto", "compiled") and compiled.fits(steps, stack.inputs(X), y, loss)
    if method == "compiled" and not (fits and compiled.kernel() is not None):
        raise ValueError("method 'compiled' needs numba, and linear layers of at most "
                         f"{compiled.WIDEST} units in float32 on the CPU with torch's cross-entropy or mean squared "
                         "error; use method='auto'")
    if fits and (method == "compiled" or compiled.worth(steps, len(X), points)) and compiled.kernel() is not None:
        return "compiled"
    return "fused"
