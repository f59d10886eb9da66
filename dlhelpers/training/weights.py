r"""How much each sample counts in a loss that averages over its batch.

torch's losses return :math:`L = \sum_i w_i \ell_i / \sum_i w_i`.  For most of them all
:math:`w_i` are equal; cross-entropy with ``weight`` or ``ignore_index`` has
:math:`w_i = \text{weight}[y_i]`, and 0 where :math:`y_i` is to be ignored.  The mean over
several batches is :math:`\sum_b N_b L_b / \sum_b N_b` with the batch's normaliser
:math:`N_b = \sum_{i \in b} w_i`, not with its number of samples.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from dlhelpers.training import batches

Loss = Callable[..., torch.Tensor]

#: Losses that compare element by element: predictions and targets of one shape.
ELEMENTWISE = (nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss, nn.BCELoss, nn.BCEWithLogitsLoss,
               F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss, F.binary_cross_entropy,
               F.binary_cross_entropy_with_logits)
#: Losses over class labels 0, ..., K-1.
LABELS = (nn.CrossEntropyLoss, nn.NLLLoss, F.cross_entropy, F.nll_loss)
#: Others with ``weight`` that divide by the number of samples all the same.
BY_COUNT = (nn.MultiMarginLoss, nn.MultiLabelSoftMarginLoss, F.multi_margin_loss, F.multilabel_soft_margin_loss)


def is_one_of(loss: Loss, family: tuple[Any, ...]) -> bool:
    """Whether a loss is one of torch's own, as a module, as a function, or as a partial of one.

    :param loss: the loss.
    :param family: classes and functions.
    :returns: True if it is an instance of a class or one of the functions.
    """
    if isinstance(loss, functools.partial):
        loss = loss.func
    return any(isinstance(loss, kind) if isinstance(kind, type) else loss is kind for kind in family)


def setting(loss: Loss, name: str, default: Any = None) -> Any:
    """An option of a loss, such as ``ignore_index``.

    :param loss: a module, a function, or a ``functools.partial`` of one.
    :param name: the option.
    :param default: what it is where the loss does not say.
    :returns: its value.
    """
    if isinstance(loss, functools.partial):
        return loss.keywords.get(name, setting(loss.func, name, default))
    return getattr(loss, name, default)


def weights_of(loss: Loss, y: Any) -> torch.Tensor:
    """How much each sample counts in the mean that ``loss`` takes, up to a common factor.

    ``weights_of(loss, y).sum()`` is the normaliser of the batch y.  A loss of one's own
    counts each sample once, unless it says otherwise by a method ``weights(y)`` -> (n,).

    :param loss: ``loss(y_hat, y)``, with reduction "mean".
    :param y: targets, (n, ...): a tensor, or a tuple or dictionary of aligned ones.
    :returns: (n,), float64 on the CPU, 0 where every entry of a sample is to be ignored.
    :raises ValueError: for a loss whose normaliser cannot be known: one with ``ignore_index``
        that is none of torch's, with a weight for each sample of one batch, or with
        label smoothing and a class of weight 0.
    """
    n = batches.length(y)
    own = getattr(loss, "weights", None)
    if callable(own):
        return torch.as_tensor(own(y)).detach().cpu().double()
    name = getattr(loss, "__name__", type(loss).__name__)
    if is_one_of(loss, ELEMENTWISE):
        weight = setting(loss, "weight")
        if weight is not None and weight.ndim and weight.ndim >= y.ndim and weight.shape[0] != 1:
            raise ValueError(f"loss has a weight of shape {tuple(weight.shape)}, one for each sample of a batch; "
                             "such a loss cannot be averaged over several batches")
    elif is_one_of(loss, LABELS):
        if not y.is_floating_point():
            weight = setting(loss, "weight")
            if setting(loss, "label_smoothing", 0.0) and weight is not None and bool((weight == 0).any()):
                raise ValueError("loss has label_smoothing and a class of weight 0, whose samples then count above the "
                                 "fraction bar but not below; such a loss cannot be averaged over several batches")
            return by_label(loss, y)
        # Probabilities of classes as targets: a mean over samples, whatever the weights.
    elif not is_one_of(loss, BY_COUNT):
        if setting(loss, "ignore_index") is not None:
            raise ValueError(f"loss {name} has ignore_index, so its mean over several batches needs to know how many "
                             "entries count; give it a method weights(y) that returns one number a sample")
    return torch.ones(n, dtype=torch.float64)


def by_label(loss: Loss, y: torch.Tensor) -> torch.Tensor:
    """Weights of samples under a loss over class labels.

    :param loss: one of ``LABELS``.
    :param y: integer labels, (n,) or (n, T, ...).
    :returns: the sum over a sample's labels of the label's weight, 0 for the ignored one; (n,),
        float64 on the CPU.
    """
    labels = y.detach().cpu()
    counted = labels != setting(loss, "ignore_index", -100)
    weight = setting(loss, "weight")
    each = counted.double()
    if weight is not None:
        each = each * weight.detach().cpu().double()[labels * counted]  # the ignored label may be no class
    return each.reshape(len(y), -1).sum(1)  # (n, ...) -> (n, entries) -> (n,)
