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

from dlhelpers import checks
from dlhelpers import progress as progress_bars
from dlhelpers.training import arguments, checkpoints
from dlhelpers.training.evaluation import Loss, measure, modes_kept
from dlhelpers.training.state import EarlyStopping, History, Run

#: How the batches of an epoch are drawn; see :func:`batches_of_epoch`.
SAMPLINGS = ("shuffle", "with replacement", "lecture")
#: Batches an epoch of "lecture" sampling: 300 batches of 200 are MNIST's 60 000 images.
LECTURE_BATCHES = 300

Data = tuple[torch.Tensor, torch.Tensor]


def batches_of_epoch(n: int, batch: int, sampling: str, generator: torch.Generator,
                     batches: int | None = None) -> list[torch.Tensor]:
    """The sample numbers of each batch of one epoch.

    - "shuffle": one permutation cut into batches, the last one may be smaller;
    - "with replacement": each sample drawn independently of all others;
    - "lecture": each batch drawn without replacement, independently of the other batches.

    :param n: samples there are; ``batch`` of them make a batch.
    :param generator: advanced by the draw; the global generator is not used.
    :param batches: how many; None for ceil(n / batch), or 300 for "lecture".
    :returns: int64 index tensors.
    """
    if sampling == "shuffle":
        return list(torch.randperm(n, generator=generator).split(batch))
    if sampling == "with replacement":
        batches = batches or -(-n // batch)
        return list(torch.randint(n, (batches, batch), generator=generator))
    batches = batches or LECTURE_BATCHES
    if batch * batch > 2 * n:  # repeats are likely: permute everything, keep the head
        return [torch.randperm(n, generator=generator)[:batch] for _ in range(batches)]
    # Rows with a repeat are drawn again as a whole: what remains is uniform over
    # ordered samples without repetition, and costs far less than n a batch.
    rows = torch.randint(n, (batches, batch), generator=generator)
    while True:
        ordered = rows.sort(dim=1).values
        bad = (ordered[:, 1:] == ordered[:, :-1]).any(dim=1).nonzero().squeeze(1)
        if not len(bad):
            return list(rows)
        rows[bad] = torch.randint(n, (len(bad), batch), generator=generator)


def fit(model: nn.Module, data: Data, loss: Loss, *,
        optimizer: torch.optim.Optimizer | None = None, eta: float | None = None,
        epochs: int, batch: int, sampling: str = "shuffle", batches: int | None = None,
        validation: Data | None = None, metrics: dict[str, Callable[..., Any]] | None = None,
        seed: int = 0, stop: EarlyStopping | None = None,
        checkpoint: str | os.PathLike[str] | None = None, checkpoint_every: int = 1,
        progress: bool = True,
        on_epoch: Callable[[int, nn.Module, History], Any] | None = None) -> History:
    r"""Train a model in place.

    :param model: any torch module; changed in place, its train/eval modes put back.
    :param data: ``(X, y)``, tensors of equal length on the model's device.
    :param loss: ``loss(y_hat, y)``, a scalar that averages over the batch.
    :param optimizer: a torch optimizer over the model's parameters; or
    :param eta: the learning rate :math:`\eta` of plain gradient descent.
    :param epochs: counted from the start of the run, also when it is resumed.
    :param batch: samples a step; at most n.
    :param sampling: "shuffle", "with replacement" or "lecture", see :func:`batches_of_epoch`.
    :param batches: batches an epoch, not for "shuffle".
    :param validation: ``(X, y)`` to evaluate after each epoch.
    :param metrics: ``{name: f}`` with ``f(y_hat, y)`` a number, evaluated after each
        epoch on all validation data (on the training data if there are none).
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
    :raises ValueError, TypeError: naming the argument that does not fit.

    torch's global random state is what it was before, also with dropout.
    """
    parameters = arguments.model(model)
    X, y = (tensor.detach() for tensor in arguments.data(data, "data", model))
    arguments.loss(loss)
    n = len(X)
    epochs = checks.integer(epochs, "epochs", at_least=1)
    batch = checks.integer(batch, "batch", at_least=1, at_most=n)
    checks.one_of(sampling, "sampling", SAMPLINGS)
    if batches is not None:
        checks.integer(batches, "batches", at_least=1)
        if sampling == "shuffle":
            raise ValueError("batches cannot be chosen with sampling='shuffle': an epoch is one pass over X")
    if validation is not None:
        validation = arguments.data(validation, "validation", model)
    metrics = arguments.metrics(metrics)
    seed = checks.integer(seed, "seed", at_least=0, at_most=2**63 - 1)
    if stop is not None:
        checks.instance(stop, "stop", EarlyStopping)
        if validation is None:
            raise ValueError("stop needs validation data")
    checks.integer(checkpoint_every, "checkpoint_every", at_least=1)
    if on_epoch is not None:
        checks.function(on_epoch, "on_epoch")
    optimizer = arguments.optimizer(optimizer, eta, parameters)
    eta = None if eta is None else float(eta)
    # What a resumed run must have in common with the one that it continues.
    settings = {"samples": n, "batch": batch, "sampling": sampling, "batches": batches, "seed": seed,
                "optimizer": type(optimizer).__name__, "metrics": sorted(metrics),
                "validation": validation is not None, "stop": repr(stop),
                "optimizer settings": repr(sorted(optimizer.defaults.items()))}
    run = Run(model, optimizer, settings, stop, checkpoint)
    with modes_kept(model), _global_state_kept(run.device):
        model.eval()
        arguments.trial(model, X, y, loss, "data")
        if validation is not None:
            arguments.trial(model, *validation, loss, "validation")
        checkpoints.seed_random_state(seed, run.device)
        generator = torch.Generator().manual_seed(seed)
        run.resume(generator, epochs)
        try:
            for epoch in progress_bars.bar(range(len(run.records), epochs), "epochs", show=progress):
                if run.stopped_early:
                    break
                started = time.perf_counter()
                model.train()
                order = batches_of_epoch(n, batch, sampling, generator, batches)
                train_loss = _one_epoch(model, X, y, loss, optimizer, eta, order)
                model.eval()
                measured = {}
                validation_loss = float("nan")
                if np.isfinite(train_loss) and (validation is not None or metrics):
                    validation_loss, measured = measure(model, *(validation or (X, y)), loss, metrics)
                    validation_loss = validation_loss if validation is not None else float("nan")
                run.add(train_loss, validation_loss, measured, time.perf_counter() - started)
                if on_epoch is not None:
                    on_epoch(epoch, model, run.history())
                if run.diverged:
                    break
                if checkpoint is not None and run.is_due(checkpoint_every, epochs):
                    run.save(generator)
        except KeyboardInterrupt:
            run.interrupted = True
        run.restore_best()
    return run.history()


def _one_epoch(model: nn.Module, X: torch.Tensor, y: torch.Tensor, loss: Loss,
               optimizer: torch.optim.Optimizer, eta: float | None, order: list[torch.Tensor]) -> float:
    """One step for each batch; the mean loss, each batch weighted by its size."""
    losses = []
    trained = list({id(p): p for p in [p for group in optimizer.param_groups for p in group["params"]]
                    + [p for p in model.parameters() if p.requires_grad]}.values())
    if X.device.type != "cpu":
        order = [rows.to(X.device, non_blocking=True) for rows in order]
    # Every batch is gathered into the same memory, which so stays in the cache.
    B = len(order[0])
    x_batch, y_batch = X.new_empty((B, *X.shape[1:])), y.new_empty((B, *y.shape[1:]))
    for rows in order:
        x_part, y_part = (x_batch, y_batch) if len(rows) == B else (x_batch[:len(rows)], y_batch[:len(rows)])
        torch.index_select(X, 0, rows, out=x_part)
        torch.index_select(y, 0, rows, out=y_part)
        value = loss(model(x_part), y_part)
        for p in trained:
            p.grad = None
        value.backward()
        if eta is None:
            optimizer.step()
        else:  # what SGD does, without its book-keeping: bit for bit the same
            with torch.no_grad():
                for p in trained:
                    if p.grad is not None:
                        p.add_(p.grad, alpha=-eta)
        losses.append(value.detach())
    sizes = torch.tensor([len(rows) for rows in order], dtype=torch.float64)
    return float((torch.stack(losses).cpu().double() * sizes).sum() / sizes.sum())


@contextmanager
def _global_state_kept(device: torch.device) -> Iterator[None]:
    """Put torch's global random state back at the end."""
    state = checkpoints.random_state(device)
    try:
        yield
    finally:
        checkpoints.restore_random_state(state, device)
