r"""Directions in parameter space, and how long they should be.

A ReLU network does not change when a unit's incoming weights are doubled and its
outgoing weights halved, but a fixed perturbation then hits the two very
differently.  *Filter normalisation* gives each filter (row) of a random direction
the norm of the model's own filter, which removes that arbitrariness.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from dlhelpers import checks
from dlhelpers.landscapes import arguments
from dlhelpers.landscapes.arguments import Direction

NORMALISATIONS = ("none", "layer", "filter")


def random_direction(model: nn.Module, *, seed: int = 0, normalisation: str = "filter",
                     one_dimensional: bool = False) -> list[torch.Tensor]:
    r"""A Gaussian direction, normalised.

    :param seed: of a generator of its own; the global one is not touched.
    :param normalisation: see :func:`normalise`.
    :param one_dimensional: False zeroes the parts for biases and for the scales and shifts
        of batch norm (all parameters with fewer than two dimensions), as Li et al. do.
    :returns: one tensor for each parameter, in the order of ``model.parameters()``.
    """
    parameters = arguments.model_parameters(model)
    rng = torch.Generator().manual_seed(checks.integer(seed, "seed", at_least=0, at_most=2**63 - 1))
    drawn = [torch.randn(p.shape, generator=rng, dtype=p.dtype).to(p.device) for p in parameters.values()]
    return normalise(drawn, model, normalisation, one_dimensional=one_dimensional)


def random_plane(model: nn.Module, *, seed: int = 0, normalisation: str = "filter",
                 one_dimensional: bool = False) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Two random directions; in many dimensions they are nearly orthogonal by themselves."""
    checks.integer(seed, "seed", at_least=0, at_most=2**62)
    kind = {"normalisation": normalisation, "one_dimensional": one_dimensional}
    return random_direction(model, seed=2 * seed, **kind), random_direction(model, seed=2 * seed + 1, **kind)


def normalise(direction: Direction, model: nn.Module, normalisation: str = "filter", *,
              one_dimensional: bool = False) -> list[torch.Tensor]:
    r"""Give a direction the lengths of the model's own weights.

    - "none": as it is;
    - "layer": :math:`d_l \leftarrow d_l\,\|\theta_l\| / \|d_l\|` for each weight tensor l;
    - "filter": :math:`d_{l,i} \leftarrow d_{l,i}\,\|\theta_{l,i}\| / \|d_{l,i}\|` for each
      filter i: an output channel of a convolution, a row of a weight matrix.

    :param one_dimensional: False zeroes the parts for one-dimensional parameters under
        every choice; with True they are scaled like one filter ("none": kept).
    :returns: new tensors; a part of zero length stays zero.

    Source: Li, Xu, Taylor, Studer, Goldstein, *Visualizing the Loss Landscape of Neural
    Nets* (2018), section 4, and their published code for the one-dimensional parameters.
    """
    parameters = arguments.model_parameters(model)
    direction = arguments.direction(direction, "direction", parameters)
    checks.one_of(normalisation, "normalisation", NORMALISATIONS)
    result = []
    for d, p in zip(direction, parameters.values()):
        if p.ndim < 2 and not one_dimensional:
            result.append(torch.zeros_like(d))
        elif normalisation == "none":
            result.append(d.clone())
        else:
            rows = len(p) if normalisation == "filter" and p.ndim >= 2 else 1
            have, want = (t.reshape(rows, -1).norm(dim=1, keepdim=True) for t in (d, p))
            scale = torch.where(have > 0, want / have.clamp_min(torch.finfo(d.dtype).tiny), 0.0)
            result.append((d.reshape(rows, -1) * scale).reshape(d.shape))
    return result


def between(start: nn.Module, end: nn.Module) -> list[torch.Tensor]:
    """The direction from one model to another of the same shape: end − start, biases included."""
    first, last = arguments.model_parameters(start, "start"), arguments.model_parameters(end, "end")
    ends = arguments.direction(list(last.values()), "end", first)
    return [b - a for a, b in zip(first.values(), ends)]


def point(model: nn.Module, directions: Sequence[Direction], at: Sequence[float]) -> list[torch.Tensor]:
    r"""The parameters :math:`\theta + \sum_k a_k D_k`; the model keeps its own."""
    parameters = arguments.model_parameters(model)
    checked = [arguments.direction(d, f"directions[{k}]", parameters) for k, d in enumerate(directions)]
    at = checks.array(at, "at", shape=(len(checked),))
    return [p + sum(float(a) * d[i] for a, d in zip(at, checked)) for i, p in enumerate(parameters.values())]


def angle(first: Direction, second: Direction) -> float:
    """Angle between two directions, in degrees."""
    a, b = (torch.cat([t.detach().reshape(-1).double() for t in d]) for d in (first, second))
    if a.shape != b.shape:
        raise ValueError(f"second must have as many numbers as first, got {b.numel()} and {a.numel()}")
    length = a.norm() * b.norm()
    if length == 0:
        raise ValueError("first and second must not be zero: they have no angle")
    return float(torch.rad2deg(torch.arccos((a @ b / length).clamp(-1, 1))))
