r"""The loop itself: draw batches, step, measure once an epoch.

The data are tensors in memory, so a batch is one ``index_select``; the loss of a
step stays on the device, and is looked at once an epoch.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from dlhelpers import progress as progress_bars
from dlhelpers.training import arguments, checkpoints
from dlhelpers.training.batches import Data, Gathered, batches_of_epoch, length
from dlhelpers.training.evaluation import measure, modes_kept, uneven_weights
from dlhelpers.training.plan import Plan
from dlhelpers.training.state import EarlyStopping, History, Run
from dlhelpers.training.steps import Stepper
from dlhelpers.training.weights import Loss


def fit(model: nn.Module, data: Data, loss: Loss, *,
        optimizer: torch.optim.Optimizer | None = None, eta: float | None = None, clip: float | None = None,
        epochs: int, batch: int, sampling: str = "shuffle", batches: int | None = None,
        validation: Data | None = None, metrics: dict[str, Any] | None = None,
        seed: int = 0, stop: EarlyStopping | None = None,
        checkpoint: str | os.PathLike[str] | None = None, checkpoint_every: int = 1,
        progress: bool = True,
        on_epoch: Callable[[int, nn.Module, History], Any] | None = None) -> History:
    r"""Train a model in place.

    :param model: any torch module; changed in place, its train/eval modes put back.
    :param data: ``(X, y)``, tensors of equal length on the model's device.  X (and y) may
        be a tuple or a dictionary of aligned tensors, for ``model(*X)`` or ``model(**X)``.
    :param loss: ``loss(y_hat, y)``, a scalar that averages over the batch.
    :param optimizer: a torch optimizer over the model's parameters; or
    :param eta: the learning rate :math:`\eta` of plain gradient descent.
    :param clip: largest norm of the gradient of a step; None for no limit.
    :param epochs: counted from the start of the run, also when it is resumed.
    :param batch: samples a step; at most n.
    :param sampling: "shuffle", "with replacement" or "lecture", see :func:`batches_of_epoch`.
    :param batches: batches an epoch, not for "shuffle".
    :param validation: ``(X, y)`` to evaluate after each epoch.
    :param metrics: ``{name: f}`` with ``f(y_hat, y)`` a number, evaluated after each
        epoch on all validation data (on the training data if there are none).  All outputs
        are kept in memory for that; an object with ``reset()``, ``update(y_hat, y)`` and
        ``compute()`` is fed in parts instead.
    :param seed: for the order of the samples and for dropout.
    :param stop: :class:`EarlyStopping`; needs validation data, and whatever ends the
        run, the model is left with the weights of ``best_epoch``.
    :param checkpoint: file that the run is stored in; if it exists the run continues
        from it, bit for bit as if it had never stopped.
    :param checkpoint_every: epochs from one checkpoint to the next.
    :param progress: show a bar (``DLHELPERS_QUIET=1`` silences it everywhere).
    :param on_epoch: called as ``on_epoch(epoch, model, history)`` after each epoch.
    :returns: the :class:`History`.  A KeyboardInterrupt (the stop button) ends the run
        with ``interrupted``: the begun epoch is not in the history, though its steps are
        in the weights.  A loss that is not finite ends it with ``diverged``.
    :raises TypeError: naming the argument that is of another kind.
    :raises ValueError: naming the argument that does not fit.

    torch's global random state is what it was before, also with dropout.
    """
    arguments.model(model)
    X, y = arguments.data(data, "data", model)
    arguments.loss(loss)
    plan = Plan(length(X), epochs, batch, sampling, batches, seed, validation is not None,
                arguments.metrics(metrics), stop, checkpoint_every, on_epoch)
    watched = (X, y) if validation is None else arguments.data(validation, "validation", model)
    step = Stepper(model, loss, optimizer, eta=eta, clip=clip)
    run = Run(model, step.optimizer, plan.settings(step), stop, checkpoint)
    with modes_kept(model), _global_state_kept(run.device):
        model.eval()
        arguments.trial(model, X, y, loss, "data")
        if validation is not None:
            arguments.trial(model, *watched, loss, "validation")
        weights = uneven_weights(loss, y, parts=plan.batch < plan.n)
        checkpoints.seed_random_state(plan.seed, run.device)
        generator = torch.Generator().manual_seed(plan.seed)
        run.resume(generator, plan.epochs)
        try:
            for epoch in progress_bars.bar(range(len(run.records), plan.epochs), "epochs", show=progress):
                if run.stopped_early:
                    break
                started = time.perf_counter()
                model.train()
                order = batches_of_epoch(plan.n, plan.batch, plan.sampling, generator, plan.batches)
                train_loss = _one_epoch(step, X, y, order, weights)
                model.eval()
                validation_loss, measured = float("nan"), dict[str, float]()
                if np.isfinite(train_loss) and (plan.validated or plan.metrics):
                    watched_loss, measured = measure(model, *watched, loss, plan.metrics)
                    validation_loss = watched_loss if plan.validated else float("nan")
                run.add(train_loss, validation_loss, measured, time.perf_counter() - started)
                if on_epoch is not None:
                    on_epoch(epoch, model, run.history())
                if run.diverged:
                    break
                if checkpoint is not None and run.is_due(checkpoint_every, plan.epochs):
                    run.save(generator)
        except KeyboardInterrupt:
            run.interrupted = True
        run.restore_best()
    return run.history()


def _one_epoch(step: Stepper, X: Any, y: Any, order: list[torch.Tensor], weights: torch.Tensor | None) -> float:
    """One step for each batch; the mean loss, each batch (at the weights of its moment) by its normaliser.

    A batch in which nothing counts has no loss, torch calls it NaN: it is left out.
    """
    sizes = [float(len(rows)) if weights is None else float(weights[rows].sum()) for rows in order]
    if not all(sizes):
        order, sizes = [rows for rows, size in zip(order, sizes, strict=True) if size], [size for size in sizes if size]
        if not sizes:
            raise ValueError("y must hold a target that counts in at least one batch of each epoch")
    device = step.trained[0].device
    if device.type != "cpu":
        order = [rows.to(device, non_blocking=True) for rows in order]
    B = max(map(len, order))
    x_batch, y_batch = Gathered(X, B), Gathered(y, B)
    losses = [step(x_batch(rows), y_batch(rows)) for rows in order]
    counts = torch.tensor(sizes, dtype=torch.float64)
    return float((torch.stack(losses).cpu().double() * counts).sum() / counts.sum())


@contextmanager
def _global_state_kept(device: torch.device) -> Iterator[None]:
    """Put torch's global random state back at the end."""
    state = checkpoints.random_state(device)
    try:
        yield
    finally:
        checkpoints.restore_random_state(state, device)
