"""A model's loss, predictions and accuracy over whole data sets, without gradients."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from dlhelpers import checks
from dlhelpers import metrics as measures
from dlhelpers.training import arguments, batches
from dlhelpers.training.weights import LABELS, Loss, by_label, is_one_of, weights_of

#: Samples that a forward pass takes at once: the activations stay in the cache.
CHUNK = 500


@contextmanager
def modes_kept(model: nn.Module) -> Iterator[None]:
    """Put every submodule's train/eval mode back at the end.

    :param model: any torch module.
    :returns: a context manager.
    """
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def uneven_weights(loss: Loss, y: Any, *, parts: bool) -> torch.Tensor | None:
    """The weights of the samples in the mean over several batches, where they are not all equal.

    :param loss: ``loss(y_hat, y)``, which averages over its batch.
    :param y: all targets.
    :param parts: whether there is more than one batch, so that the weights matter.
    :returns: (n,) as :func:`~dlhelpers.training.weights.weights_of` gives them; None where
        each sample counts alike.
    :raises ValueError: if no sample counts, or the weights cannot be known.
    """
    labels = is_one_of(loss, LABELS) and not y.is_floating_point()
    if not parts and not labels:
        return None
    weights = weights_of(loss, y) if parts else by_label(loss, y)
    if not bool((weights > 0).any()):
        raise ValueError("y must hold a target that counts: the loss ignores all of them, or weighs them by 0")
    return None if bool((weights == weights[0]).all()) else weights


def measure(model: nn.Module, X: Any, y: Any, loss: Loss, metrics: dict[str, Any],
            chunk: int = CHUNK) -> tuple[float, dict[str, float]]:
    r"""Loss and metrics over all samples, in one pass and in the model's present mode.

    Each chunk counts by its normaliser, :math:`\sum_b N_b L_b / \sum_b N_b`, so ``weight``
    and ``ignore_index`` of torch's losses give what one pass over everything would; a chunk
    in which nothing counts is left out.

    :param model: any torch module.
    :param X: inputs (n, ...), or a tuple or dictionary of them.
    :param y: targets (n, ...), likewise.
    :param loss: ``loss(y_hat, y)``, which averages over its batch.
    :param metrics: name to function of (y_hat, y), which gets all outputs at once (they are
        kept in memory for it), or to an object with ``reset()``, ``update(y_hat, y)`` and
        ``compute()``, which is fed chunk by chunk.
    :param chunk: samples in one forward pass.
    :returns: the loss, and name to number.
    :raises ValueError: if nothing counts, or the normaliser cannot be known.
    """
    n = batches.length(X)
    weights = uneven_weights(loss, y, parts=n > chunk)
    fed = {name: metric for name, metric in metrics.items() if arguments.accumulates(metric)}
    for metric in fed.values():
        metric.reset()
    total, norm, start, kept = 0.0, 0.0, 0, []
    with torch.no_grad():
        for x_part, y_part in zip(batches.chunks(X, chunk), batches.chunks(y, chunk), strict=True):
            y_hat = batches.call(model, x_part)
            stop = start + batches.length(y_part)
            size = float(stop - start) if weights is None else float(weights[start:stop].sum())
            if size:
                total, norm = total + float(loss(y_hat, y_part)) * size, norm + size
            for metric in fed.values():
                metric.update(y_hat, y_part)
            if len(fed) < len(metrics):
                kept.append(y_hat)
            start = stop
        outputs = batches.joined(kept) if kept else None
        return total / norm, {name: float(metric.compute() if name in fed else metric(outputs, y))
                              for name, metric in metrics.items()}


def evaluate(model: nn.Module, X: Any, y: Any, loss: Loss, chunk: int = CHUNK) -> float:
    """Mean loss over all samples, in evaluation mode and without gradients.

    With ``weight`` or ``ignore_index`` it is the mean that torch takes: of the entries that
    count, each by its weight.

    :param model: any torch module.
    :param X: inputs (n, ...) on the model's device; or a tuple or dictionary of them.
    :param y: targets (n, ...), likewise.
    :param loss: ``loss(y_hat, y)``, a scalar that averages over its batch.
    :param chunk: samples in one forward pass; the result depends on it only by rounding.
    :returns: the loss.
    :raises TypeError: naming the argument that is of another kind.
    :raises ValueError: if shapes do not fit, no target counts, or the loss has an
        ``ignore_index`` but is none of torch's (see :func:`~dlhelpers.training.weights_of`).
    """
    checks.instance(model, "model", nn.Module)
    X, y = arguments.data((X, y), "data", model)
    arguments.loss(loss)
    checks.integer(chunk, "chunk", at_least=1)
    with modes_kept(model):
        model.eval()
        return measure(model, X, y, loss, {}, chunk)[0]


def predict(model: nn.Module, X: Any, chunk: int = CHUNK) -> Any:
    """The model's outputs for all samples, in evaluation mode and without gradients.

    :param model: any torch module.
    :param X: inputs (n, ...) on the model's device; or a tuple or dictionary of them.
    :param chunk: samples in one forward pass.
    :returns: outputs (n, ...), or a tuple or dictionary of them if the model returns one.
    :raises TypeError: naming the argument that is of another kind.
    :raises ValueError: if shapes, numbers or devices do not fit.
    """
    checks.instance(model, "model", nn.Module)
    X = arguments.inputs(X, "data", model)
    checks.integer(chunk, "chunk", at_least=1)
    with modes_kept(model), torch.no_grad():
        model.eval()
        return batches.joined([batches.call(model, part) for part in batches.chunks(X, chunk)])


def accuracy(model: nn.Module, X: Any, y: torch.Tensor, chunk: int = CHUNK, *,
             ignore_index: int | None = None) -> float:
    """Fraction of samples (or entries of sequences) that the model classifies right, in [0, 1].

    :param model: any torch module whose outputs have the classes on the last axis.
    :param X: inputs (n, ...) on the model's device; or a tuple or dictionary of them.
    :param y: integer labels, (n,) or (n, T); or (n, K) one-hot rows.
    :param chunk: samples in one forward pass.
    :param ignore_index: label of entries that do not count, such as padding.
    :returns: see :func:`dlhelpers.metrics.accuracy`.
    :raises TypeError: naming the argument that is of another kind.
    :raises ValueError: if shapes do not fit or no entry counts.
    """
    checks.instance(model, "model", nn.Module)
    arguments.data((X, y), "data", model)
    return measures.accuracy(predict(model, X, chunk), y, ignore_index=ignore_index)
