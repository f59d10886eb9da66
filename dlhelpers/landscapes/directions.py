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
    """A Gaussian direction, normalised.

    :param model: any torch module.
    :param seed: of a generator of its own; the global one is not touched.
    :param normalisation: must be one of "filter", "layer" and "none", see :func:`normalise`.
    :param one_dimensional: False zeroes the parts for biases and for the scales and shifts
        of batch norm (all parameters with fewer than two dimensions), as Li et al. do.
    :returns: one tensor for each parameter, in the order of ``model.parameters()``.
    :raises TypeError: if an argument is of the wrong kind.
    :raises ValueError: if an argument is out of range, or the model has no finite parameters.
    """
    parameters = arguments.model_parameters(model)
    rng = torch.Generator().manual_seed(checks.integer(seed, "seed", at_least=0, at_most=2**63 - 1))
    drawn = [torch.randn(p.shape, generator=rng, dtype=p.dtype).to(p.device) for p in parameters.values()]
    return normalise(drawn, model, normalisation, one_dimensional=one_dimensional)


def random_plane(model: nn.Module, *, seed: int = 0, normalisation: str = "filter",
                 one_dimensional: bool = False) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Two random directions; in many dimensions they are nearly orthogonal by themselves.

    :param model: any torch module.
    :param seed: of generators of their own; the global one is not touched.
    :param normalisation: must be one of "filter", "layer" and "none", see :func:`normalise`.
    :param one_dimensional: as for :func:`random_direction`.
    :returns: A and B, each one tensor for each parameter.
    :raises TypeError: if an argument is of the wrong kind.
    :raises ValueError: if an argument is out of range, or the model has no finite parameters.
    """
    checks.integer(seed, "seed", at_least=0, at_most=2**62)
    first, second = (random_direction(model, seed=s, normalisation=normalisation, one_dimensional=one_dimensional)
                     for s in (2 * seed, 2 * seed + 1))
    return first, second


def normalise(direction: Direction, model: nn.Module, normalisation: str = "filter", *,
              one_dimensional: bool = False) -> list[torch.Tensor]:
    r"""Give a direction the lengths of the model's own weights.

    - "none": as it is;
    - "layer": :math:`d_l \leftarrow d_l\,\|\theta_l\| / \|d_l\|` for each weight tensor l;
    - "filter": :math:`d_{l,i} \leftarrow d_{l,i}\,\|\theta_{l,i}\| / \|d_{l,i}\|` for each
      filter i: an output channel of a convolution, a row of a weight matrix.

    None of them undoes a rescaling of single units, see ``symmetries.rescaled``: a unit's
    incoming weights are one filter, its outgoing weights are parts of many.

    :param direction: one tensor for each parameter.
    :param model: the model whose weights give the lengths.
    :param normalisation: must be one of "filter", "layer" and "none".
    :param one_dimensional: False zeroes the parts for one-dimensional parameters under
        every choice; with True they are scaled like one filter ("none": kept).
    :returns: new tensors; a part of zero length stays zero.
    :raises TypeError: if an argument is of the wrong kind.
    :raises ValueError: if shapes differ, numbers are not finite, or the normalisation is unknown.

    Source: Li, Xu, Taylor, Studer, Goldstein, *Visualizing the Loss Landscape of Neural Nets*,
    NeurIPS 2018, section 4, and their published code for the one-dimensional parameters.
    """
    parameters = arguments.model_parameters(model)
    direction = arguments.direction(direction, "direction", parameters)
    checks.one_of(normalisation, "normalisation", NORMALISATIONS)
    result = []
    for d, p in zip(direction, parameters.values(), strict=True):
        if p.ndim < 2 and not one_dimensional:
            result.append(torch.zeros_like(d))
        elif normalisation == "none":
            result.append(d.clone())
        else:
            rows = len(p) if normalisation == "filter" and p.ndim >= 2 else 1
            have, want = (t.reshape(rows, -1).norm(dim=1, keepdim=True) for t in (d, p))  # (rows, ...) -> (rows, 1)
            scale = torch.where(have > 0, want / have.clamp_min(torch.finfo(d.dtype).tiny), 0.0)
            result.append((d.reshape(rows, -1) * scale).reshape(d.shape))  # (rows, ...) -> (rows, rest) -> back
    return result


def between(start: nn.Module, end: nn.Module) -> list[torch.Tensor]:
    """The direction from one model to another of the same shape: end − start, biases included.

    :param start: a model.
    :param end: another with parameters of the same shapes.
    :returns: one tensor for each parameter, on the start's device.
    :raises TypeError: if one is no module.
    :raises ValueError: if the shapes differ.
    """
    first, last = arguments.model_parameters(start, "start"), arguments.model_parameters(end, "end")
    ends = arguments.direction(list(last.values()), "end", first)
    return [b - a for a, b in zip(first.values(), ends, strict=True)]


def point(model: nn.Module, directions: Sequence[Direction], at: Sequence[float]) -> list[torch.Tensor]:
    r"""The parameters :math:`\theta + \sum_k a_k D_k`; the model keeps its own.

    :param model: any torch module.
    :param directions: K directions, each one tensor for each parameter.
    :param at: (K,) coordinates.
    :returns: new tensors, one for each parameter.
    :raises TypeError: if an argument is of the wrong kind.
    :raises ValueError: if shapes differ, or there are not as many coordinates as directions.
    """
    parameters = arguments.model_parameters(model)
    checked = [arguments.direction(d, f"directions[{k}]", parameters) for k, d in enumerate(directions)]
    values = checks.array(at, "at", shape=(len(checked),)).tolist()
    return [p + sum(a * d[i] for a, d in zip(values, checked, strict=True)) for i, p in enumerate(parameters.values())]


def angle(first: Direction, second: Direction) -> float:
    """Angle between two directions.

    :param first: a direction, on any device.
    :param second: another with as many numbers.
    :returns: degrees, from 0 to 180.
    :raises ValueError: if they differ in size, or one is zero.
    """
    a, b = (torch.cat([t.detach().cpu().double().reshape(-1) for t in d]) for d in (first, second))  # (P,) each
    if a.shape != b.shape:
        raise ValueError(f"second must have as many numbers as first, got {b.numel()} and {a.numel()}")
    length = a.norm() * b.norm()
    if length == 0:
        raise ValueError("first and second must not be zero: they have no angle")
    return float(torch.rad2deg(torch.arccos((a @ b / length).clamp(-1, 1))))
