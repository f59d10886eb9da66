r"""Changes of a network's parameters that leave its function as it is.

A unit with a positively homogeneous activation, :math:`\phi(\alpha z) = \alpha \phi(z)`, may have
its incoming weights and bias multiplied by :math:`\alpha > 0` and its outgoing weights divided
by it; hidden units may change places with any activation.  So equal functions lie at many
places of the parameter space, with other curvatures around them and ridges between them.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from dlhelpers import checks
from dlhelpers.landscapes import arguments
from dlhelpers.landscapes.fused import ELEMENTWISE, layers_of

#: Activations with phi(alpha z) = alpha phi(z) for alpha > 0.
HOMOGENEOUS = (nn.ReLU, nn.LeakyReLU, nn.Identity, nn.Dropout)


def rescaled(model: nn.Module, factors: Any, *, layer: int = 0) -> nn.Module:
    r"""A copy with a hidden layer's incoming weights times α and its outgoing ones divided by it.

    .. math:: W_l \leftarrow \mathrm{diag}(\alpha) W_l, \quad b_l \leftarrow \alpha \odot b_l, \quad
              W_{l+1} \leftarrow W_{l+1} \mathrm{diag}(\alpha)^{-1}

    The outputs stay the same; the Hessian does not, so that one and the same function can be made
    as sharp as one likes.  To look at the surface after the rescaling, hand the copy to ``surface``:
    with directions of its own they follow the scale of whole filters, with those of the original
    they do not.

    :param model: an ``nn.Sequential`` of linear layers and ReLU, leaky ReLU or no activation.
    :param factors: α, one positive number for all units of the layer or (m,), one for each.
    :param layer: which hidden layer, counted from 0.
    :returns: a new model.
    :raises TypeError: if the model is no module, or factors hold no real numbers.
    :raises ValueError: if the model is another kind of network, the layer does not exist, or a factor
        is not positive.

    Source: Dinh, Pascanu, S. Bengio, Y. Bengio, *Sharp Minima Can Generalize For Deep Nets*, ICML
    2017, section 3.
    """
    changed = copy.deepcopy(model)
    before, after = _neighbours(changed, layer, HOMOGENEOUS, "ReLU, leaky ReLU or no activation")
    alpha = checks.array(factors, "factors")
    if alpha.ndim > 1 or alpha.size not in (1, before.out_features):
        raise ValueError(f"factors must be one number or {before.out_features} of them, one for each unit, "
                         f"got shape {alpha.shape}")
    if not (alpha > 0).all():
        raise ValueError(f"factors must be positive, got {float(alpha.min())}")
    scale = torch.from_numpy(np.broadcast_to(alpha, (before.out_features,)).copy()).to(before.weight.dtype)
    scale = scale.to(before.weight.device)
    with torch.no_grad():
        before.weight.mul_(scale[:, None])
        if before.bias is not None:
            before.bias.mul_(scale)
        after.weight.div_(scale)
    return changed


def permuted(model: nn.Module, order: Sequence[int] | torch.Tensor | np.ndarray, *, layer: int = 0) -> nn.Module:
    """A copy with the units of a hidden layer in another order; the outputs stay the same.

    :param model: an ``nn.Sequential`` of linear layers and elementwise activations.
    :param order: (m,) a permutation: the new unit i is the old unit order[i].
    :param layer: which hidden layer, counted from 0.
    :returns: a new model.
    :raises TypeError: if the model is no module.
    :raises ValueError: if the model is another kind of network, the layer does not exist, or order is
        no permutation.
    """
    changed = copy.deepcopy(model)
    before, after = _neighbours(changed, layer, (*ELEMENTWISE, nn.Dropout), "elementwise activations")
    index = torch.as_tensor(order)
    if index.is_floating_point() or sorted(index.flatten().tolist()) != list(range(before.out_features)):
        raise ValueError(f"order must hold each number from 0 to {before.out_features - 1} once")
    index = index.flatten().to(before.weight.device)
    with torch.no_grad():
        before.weight.copy_(before.weight[index])
        if before.bias is not None:
            before.bias.copy_(before.bias[index])
        after.weight.copy_(after.weight[:, index])
    return changed


def matched(model: nn.Module, target: nn.Module, *, rounds: int = 20) -> nn.Module:
    r"""A copy of a model whose hidden units are ordered to lie as near to another model's as they can.

    Layer by layer the order that maximises :math:`\langle W_l, PW'_l \rangle + \langle b_l, Pb'_l \rangle
    + \langle W_{l+1}, W'_{l+1}P^\top \rangle` is found exactly, as an assignment problem, and the
    layers take turns until none changes: a local optimum when there are several hidden layers.

    :param model: an ``nn.Sequential`` of linear layers and elementwise activations.
    :param target: another of the same shape.
    :param rounds: at most so many turns.
    :returns: a new model with the function of ``model``.
    :raises TypeError: if one is no module.
    :raises ValueError: if the shapes differ, or the model is another kind of network.

    Source: Ainsworth, Hayase, Srinivasa, *Git Re-Basin: Merging Models modulo Permutation Symmetries*,
    ICLR 2023, algorithm 1.
    """
    from scipy.optimize import linear_sum_assignment

    rounds = checks.integer(rounds, "rounds", at_least=1)
    first = arguments.model_parameters(model)
    arguments.direction(list(arguments.model_parameters(target, "target").values()), "target", first)
    moved, hidden = copy.deepcopy(model), len(_linear(model)) - 1
    for _ in range(rounds):
        changed = False
        for layer in range(hidden):
            pairs = [_neighbours(net, layer, (*ELEMENTWISE, nn.Dropout), "elementwise activations")
                     for net in (target, moved)]
            likeness = sum(a @ b.t() for a, b in zip(*(_around(*pair) for pair in pairs), strict=True))  # (m, d) (d, m)
            assert isinstance(likeness, torch.Tensor)
            order = linear_sum_assignment(likeness.numpy(), maximize=True)[1]
            if (order != np.arange(len(order))).any():
                moved, changed = permuted(moved, order, layer=layer), True
        if not changed:
            break
    return moved


def _around(before: nn.Linear, after: nn.Linear) -> list[torch.Tensor]:
    """What belongs to the units between two layers, (m, d) each, float64, on the CPU."""
    parts = [before.weight, after.weight.t()] + ([before.bias[:, None]] if before.bias is not None else [])
    return [p.detach().cpu().double() for p in parts]


def _linear(model: nn.Module) -> list[nn.Linear]:
    return [layer for layer in layers_of(model) or [] if isinstance(layer, nn.Linear)]


def _neighbours(model: nn.Module, layer: int, between: tuple[type, ...], needed: str) -> tuple[nn.Linear, nn.Linear]:
    """The linear layers before and after the units of a hidden layer."""
    checks.instance(model, "model", nn.Module)
    layers = layers_of(model) or [model]
    if not all(type(part) in (nn.Linear, nn.Flatten, *between) for part in layers):
        raise ValueError(f"model must be an nn.Sequential of linear layers and {needed}, got {type(model).__name__} of "
                         f"{', '.join(sorted({type(part).__name__ for part in layers}))}")
    linear = _linear(model)
    if len(linear) < 2:
        raise ValueError("model must have a hidden layer")
    layer = checks.integer(layer, "layer", at_least=0, at_most=len(linear) - 2)
    return linear[layer], linear[layer + 1]
