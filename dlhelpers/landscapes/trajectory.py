r"""Where a training went: its parameters, and the plane that shows most of its way.

The points :math:`\theta_0, \dots, \theta_T` are centred and their two leading principal
directions span the plane; the shares of the variance along each say how much of the way
the picture shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from dlhelpers import checks
from dlhelpers.landscapes import arguments


@dataclass(frozen=True, eq=False)
class Plane:
    """The principal plane of a trajectory, through one of its points.

    ``directions`` are two orthonormal directions, ``path`` (T, 2) the coordinates of every
    recorded point relative to the ``origin``-th, ``explained`` (r,) the shares of the
    variance along all principal directions, the largest first.
    """

    directions: tuple[list[torch.Tensor], list[torch.Tensor]]
    path: np.ndarray
    explained: np.ndarray
    origin: int

    def limits(self, margin: float = 0.25) -> tuple[tuple[float, float], tuple[float, float]]:
        """Ranges of a and b that hold the path.

        :param margin: room on each side, relative to the path's extent; not negative.
        :returns: (low, high) of a, and of b.
        :raises ValueError: for a negative margin.
        """
        margin = checks.nonnegative(margin, "margin")
        low, high = self.path.min(0), self.path.max(0)
        pad = margin * np.maximum(high - low, 1e-12 + 0.2 * (high - low).max())
        low, high = low - pad, high + pad
        return (float(low[0]), float(high[0])), (float(low[1]), float(high[1]))


class Trajectory:
    """Remembers a model's parameters along its training.

    >>> trajectory = Trajectory(model)                                  # the start
    >>> training.fit(..., on_epoch=trajectory)                          # after every epoch
    >>> plane = trajectory.plane()

    In a loop of your own call ``trajectory.record(model)``.

    :param model: the model at the start; its parameters are copied.
    :raises TypeError: if it is no module.
    :raises ValueError: if it has no finite parameters.
    """

    def __init__(self, model: nn.Module) -> None:
        parameters = arguments.model_parameters(model)
        self._shapes = {key: p.shape for key, p in parameters.items()}
        self._like = next(iter(parameters.values()))
        self._points: list[torch.Tensor] = []
        self.record(model)

    def __len__(self) -> int:
        return len(self._points)

    def record(self, model: nn.Module) -> None:
        """Remember the present parameters (a copy, on the CPU).

        :param model: the model that was given at the start, or one like it.
        :raises ValueError: if its parameters have other shapes.
        """
        parameters = arguments.model_parameters(model)
        if {key: p.shape for key, p in parameters.items()} != self._shapes:
            raise ValueError("model must have the same parameters as at the start of the trajectory")
        self._points.append(torch.cat([p.reshape(-1) for p in parameters.values()]).cpu())  # each (...) -> (P,)

    def __call__(self, epoch: int, model: nn.Module, history: Any) -> None:
        """For ``training.fit(on_epoch=…)``.

        :param epoch: not used.
        :param model: the model in training.
        :param history: not used.
        """
        self.record(model)

    def vectors(self) -> torch.Tensor:
        """All recorded points.

        :returns: (T, P), on the CPU.
        """
        return torch.stack(self._points)

    def load(self, model: nn.Module, step: int) -> nn.Module:
        """Put the parameters of one recorded step into a model.

        :param model: a model of the same shape; it is changed.
        :param step: index of the recorded point; negative ones count from the end.
        :returns: the model.
        :raises ValueError: if there is no such step.
        """
        step = checks.integer(step, "step", at_least=-len(self), at_most=len(self) - 1)
        with torch.no_grad():
            for p, part in zip(model.parameters(), self._unflatten(self._points[step]), strict=True):
                p.copy_(part)
        return model

    def plane(self, origin: int = -1) -> Plane:
        """The principal plane.

        :param origin: index of the point that has the coordinates (0, 0); the last one unless told.
        :returns: two orthonormal directions, the path in them, and the shares of the variance.
        :raises ValueError: for fewer than three points, or points that all lie on one line.
        """
        if len(self) < 3:
            raise ValueError(f"a plane needs at least three recorded points, the trajectory has {len(self)}")
        origin = checks.integer(origin, "origin", at_least=-len(self), at_most=len(self) - 1) % len(self)
        vectors = self.vectors().double()
        centred = vectors - vectors.mean(0)
        axes, shares = _principal(centred)
        path = (vectors - vectors[origin]) @ axes  # (T, P) (P, 2)
        return Plane(self._pair(axes), path.numpy(), shares.numpy(), origin)

    def _pair(self, axes: torch.Tensor) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """(P, 2) -> two directions on the model's device."""
        first, second = ([part.to(self._like.dtype).to(self._like.device) for part in self._unflatten(axes[:, k])]
                         for k in range(2))
        return first, second

    def _unflatten(self, vector: torch.Tensor) -> list[torch.Tensor]:
        """(P,) -> one tensor for each parameter."""
        return [part.reshape(shape) for part, shape in
                zip(vector.split([s.numel() for s in self._shapes.values()]), self._shapes.values(), strict=True)]


def plane_through(origin: nn.Module, second: nn.Module, third: nn.Module) -> Plane:
    """The plane through three models of the same shape, with orthonormal directions.

    The first direction points from the origin to the second model, so that ``path`` (3, 2) is
    (0, 0), (distance, 0) and where the third lies.

    :param origin: the model at (0, 0), the one to hand to ``surface``.
    :param second: another.
    :param third: and another; the three must not lie on a line.
    :returns: the plane; ``explained`` are the shares of the three points' variance.
    :raises TypeError: if one is no module.
    :raises ValueError: if the shapes differ, or the models lie on a line.

    Source: Garipov, Izmailov, Podoprikhin, Vetrov, Wilson, *Loss Surfaces, Mode Connectivity, and
    Fast Ensembling of DNNs*, NeurIPS 2018, section 3.
    """
    way = Trajectory(origin)
    way.record(second)
    way.record(third)
    vectors = way.vectors().double()
    first, other = vectors[1] - vectors[0], vectors[2] - vectors[0]
    shares = _principal(vectors - vectors.mean(0))[1]
    first = first / first.norm()
    other = other - (other @ first) * first
    axes = torch.stack([first, other / other.norm()], dim=1)
    path = (vectors - vectors[0]) @ axes  # (3, P) (P, 2)
    return Plane(way._pair(axes), path.numpy(), shares.numpy(), 0)


def _principal(centred: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The two leading principal directions (P, 2) of points (T, P), and the shares (T,) of the variance."""
    # T is small, P large: the T x T Gram matrix has the same nonzero eigenvalues.
    values, coefficients = torch.linalg.eigh(centred @ centred.t())  # (T, P) (P, T)
    values, coefficients = values.flip(0).clamp_min(0), coefficients.flip(1)
    if float(values[1]) <= 1e-12 * float(values[0]) or float(values[0]) == 0:
        raise ValueError("the trajectory must leave a line: its points span no plane")
    return (centred.t() @ coefficients[:, :2]) / values[:2].sqrt(), values / values.sum()  # (P, T) (T, 2)
