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
        """Ranges of a and b that hold the path, with a margin relative to its extent."""
        margin = checks.nonnegative(margin, "margin")
        low, high = self.path.min(0), self.path.max(0)
        pad = margin * np.maximum(high - low, 1e-12 + 0.2 * (high - low).max())
        return tuple((float(lo), float(hi)) for lo, hi in zip(low - pad, high + pad))  # type: ignore[return-value]


class Trajectory:
    """Remembers a model's parameters along its training.

    >>> trajectory = Trajectory(model)                                  # the start
    >>> training.fit(..., on_epoch=trajectory)                          # after every epoch
    >>> plane = trajectory.plane()

    In a loop of your own call ``trajectory.record(model)``.
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
        """Remember the present parameters (a copy, on the CPU)."""
        parameters = arguments.model_parameters(model)
        if {key: p.shape for key, p in parameters.items()} != self._shapes:
            raise ValueError("model must have the same parameters as at the start of the trajectory")
        self._points.append(torch.cat([p.reshape(-1) for p in parameters.values()]).cpu())

    def __call__(self, epoch: int, model: nn.Module, history: Any) -> None:
        """For ``training.fit(on_epoch=…)``."""
        self.record(model)

    def vectors(self) -> torch.Tensor:
        """All recorded points, (T, P)."""
        return torch.stack(self._points)

    def load(self, model: nn.Module, step: int) -> nn.Module:
        """Put the parameters of one recorded step into ``model``, and return it."""
        step = checks.integer(step, "step", at_least=-len(self), at_most=len(self) - 1)
        with torch.no_grad():
            for p, part in zip(model.parameters(), self._unflatten(self._points[step])):
                p.copy_(part)
        return model

    def plane(self, origin: int = -1) -> Plane:
        """The principal plane.

        :param origin: index of the point that has the coordinates (0, 0); the last one unless told.
        :raises ValueError: for fewer than three points, or points that all lie on one line.
        """
        if len(self) < 3:
            raise ValueError(f"a plane needs at least three recorded points, the trajectory has {len(self)}")
        origin = checks.integer(origin, "origin", at_least=-len(self), at_most=len(self) - 1) % len(self)
        vectors = self.vectors().double()
        centred = vectors - vectors.mean(0)
        # T is small, P large: the T x T Gram matrix has the same nonzero eigenvalues.
        values, coefficients = torch.linalg.eigh(centred @ centred.t())
        values, coefficients = values.flip(0).clamp_min(0), coefficients.flip(1)
        if float(values[1]) <= 1e-12 * float(values[0]) or float(values[0]) == 0:
            raise ValueError("the trajectory must leave a line: its points span no plane")
        axes = (centred.t() @ coefficients[:, :2]) / values[:2].sqrt()
        path = (vectors - vectors[origin]) @ axes
        first, second = ([part.to(self._like) for part in self._unflatten(axes[:, k])] for k in range(2))
        return Plane((first, second), path.numpy(), (values / values.sum()).numpy(), origin)

    def _unflatten(self, vector: torch.Tensor) -> list[torch.Tensor]:
        return [part.reshape(shape) for part, shape in
                zip(vector.split([s.numel() for s in self._shapes.values()]), self._shapes.values())]
