r"""How the mean loss over all data is put together from pieces of the data.

A loss that averages over samples is the average of its pieces' values, each weighed by its
number of samples.  torch's losses over labels average differently: with class weights w,

.. math:: L = \frac{\sum_i w_{y_i} \ell_i}{\sum_i w_{y_i}}, \qquad \text{both sums without ignored labels,}

so that a piece weighs :math:`\sum_i w_{y_i}`.  A loss of one's own that is no such average
is found out by a trial, and then sees all samples at once.

Source: documentation of ``torch.nn.CrossEntropyLoss``.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from dlhelpers.landscapes.arguments import Loss, as_scalar

#: torch's losses over class labels.
LABELS = (nn.CrossEntropyLoss, nn.NLLLoss)
LABEL_FUNCTIONS = (F.cross_entropy, F.nll_loss)
#: The trial looks at so many pieces.
PIECES = 7


def over_labels(loss: Loss, y: torch.Tensor) -> bool:
    """Whether it is one of torch's losses over integer labels.

    :param loss: any loss.
    :param y: (n, ...) its targets.
    :returns: True for ``CrossEntropyLoss``, ``NLLLoss`` and their functions with labels.
    """
    known = type(loss) in LABELS or any(loss is function for function in LABEL_FUNCTIONS)
    return known and not y.is_floating_point()


def check_device(loss: Loss, y: torch.Tensor) -> None:
    """Refuse class weights that lie elsewhere than the data.

    :param loss: any loss.
    :param y: (n, ...) its targets.
    :raises ValueError: naming both devices.
    """
    weight = getattr(loss, "weight", None)
    if isinstance(weight, torch.Tensor) and weight.device != y.device:
        raise ValueError(f"loss: weight is on {weight.device}, data on {y.device}; move one with .to()")


def sample_weights(loss: Loss, y: torch.Tensor) -> torch.Tensor:
    """What each sample weighs in the mean.

    :param loss: any loss.
    :param y: (n, ...) its targets.
    :returns: (n,) weights, float64, on the CPU: ones, unless the loss is over labels.
    """
    if not over_labels(loss, y):
        return torch.ones(len(y), dtype=torch.float64)
    labels, weight = y.cpu(), getattr(loss, "weight", None)
    used = labels != getattr(loss, "ignore_index", -100)
    each = used.double()
    if weight is not None:
        # A label out of range weighs nothing here; the loss itself will refuse it.
        table = weight.detach().cpu().double()
        each = torch.where(used, table[labels.clamp(0, len(table) - 1)], 0.0)
    return each.reshape(len(y), -1).sum(1)  # (n, ...) -> (n,)


def shares(loss: Loss, y: torch.Tensor, size: int) -> list[float]:
    """What each piece of ``size`` samples weighs in the mean over all.

    :param loss: a loss whose pieces can be averaged, see :func:`additive`.
    :param y: (n, ...) its targets.
    :param size: samples in a piece; the last one may be shorter.
    :returns: one share a piece; their sum is 1, or all are NaN where every label is ignored.
    """
    weights = sample_weights(loss, y)
    total = float(weights.sum())
    return [float(part.sum()) / total if total else float("nan") for part in weights.split(size)]


def additive(loss: Loss, y_hat: Any, y: torch.Tensor) -> bool:
    """Whether the loss over all samples is the weighted mean of the losses of its pieces.

    :param loss: any loss.
    :param y_hat: (n, ...) outputs at which a loss of one's own is tried, with noise added where it
        allows that: outputs that are all alike would hide what it weighs.
    :param y: (n, ...) targets.
    :returns: True for torch's losses over labels; for others what the trial says.
    """
    if over_labels(loss, y) or len(y) < 2:
        return True
    if not isinstance(y_hat, torch.Tensor):
        return False
    rng = torch.Generator().manual_seed(0)
    noise = torch.randn(y_hat.shape, generator=rng).to(y_hat.dtype).to(y_hat.device)
    for tried in (y_hat + noise, y_hat[torch.randperm(len(y_hat), generator=rng).to(y_hat.device)]):
        try:
            whole = as_scalar(loss(tried, y)).cpu().double()
            size = -(-len(y) // PIECES)
            parts = [as_scalar(loss(out, t)).cpu().double() * len(t) / len(y)
                     for out, t in zip(tried.split(size), y.split(size))]
        except (RuntimeError, ValueError, IndexError):
            continue      # noise took it out of its domain (probabilities, say), or pieces do not fit
        if bool(torch.isfinite(whole)):
            return bool(torch.isclose(torch.stack(parts).sum(), whole, rtol=1e-4, atol=1e-7))
    return False


def label_coefficients(loss: Loss, y: torch.Tensor, K: int, dtype: torch.dtype) -> torch.Tensor | None:
    r"""The matrix C with which torch's own cross-entropy reads as a linear sum.

    .. math:: L = \sum_i \Big( \big(\textstyle\sum_c C_{ic}\big)\, \log\sum_c e^{z_{ic}} - \sum_c C_{ic} z_{ic} \Big)

    With labels :math:`C_{ic} = ((1-\varepsilon)\,w_c [c = y_i] + \varepsilon w_c / K) / \sum_i w_{y_i}`,
    :math:`\varepsilon` the label smoothing, zero for ignored samples; with rows of probabilities p,
    :math:`C_{ic} = w_c ((1-\varepsilon)\,p_{ic} + \varepsilon / K) / n`.

    :param loss: any loss.
    :param y: (n,) labels or (n, K) probabilities.
    :param K: outputs of the model.
    :param dtype: of the result.
    :returns: (n, K) on y's device, or None if the loss is not torch's cross-entropy over such targets.
    """
    if not (loss is F.cross_entropy or type(loss) is nn.CrossEntropyLoss):
        return None
    weight = getattr(loss, "weight", None)
    weight = torch.ones(K, dtype=dtype, device=y.device) if weight is None else weight.detach().to(dtype)
    smooth = float(getattr(loss, "label_smoothing", 0.0))
    if weight.shape != (K,):
        return None
    if y.ndim == 1 and y.dtype == torch.int64:
        used = y != getattr(loss, "ignore_index", -100)
        if not bool(((y >= 0) & (y < K))[used].all()):
            return None
        target = F.one_hot(torch.where(used, y, 0), K).to(dtype)
        C = weight * ((1 - smooth) * target + smooth / K) * used[:, None]
        return C / float(sample_weights(loss, y).sum())
    if y.ndim == 2 and y.is_floating_point() and y.shape[1] == K:
        return weight * ((1 - smooth) * y.to(dtype) + smooth / K) / len(y)
    return None


def is_squared(loss: Loss, y: torch.Tensor, K: int) -> bool:
    """Whether it is torch's mean squared error over targets of the model's own shape.

    :param loss: any loss.
    :param y: its targets.
    :param K: outputs of the model.
    :returns: True for ``MSELoss`` or ``mse_loss`` and real targets (n, K).
    """
    return ((loss is F.mse_loss or type(loss) is nn.MSELoss)
            and y.is_floating_point() and y.ndim == 2 and y.shape[1] == K)
