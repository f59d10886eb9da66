"""The state of a training run: its history, early stopping, and how it is resumed."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from dlhelpers import checks
from dlhelpers.training import checkpoints


@dataclass(frozen=True)
class EarlyStopping:
    """Stop when the validation loss has not fallen for ``patience`` epochs.

    :param patience: epochs without improvement that are tolerated.
    :param min_delta: an improvement counts when it exceeds this, in units of the loss.
    :raises TypeError: if patience is no integer or min_delta no number.
    :raises ValueError: if patience is below 1 or min_delta negative.
    """

    patience: int
    min_delta: float = 0.0

    def __post_init__(self) -> None:
        checks.integer(self.patience, "patience", at_least=1)
        checks.nonnegative(self.min_delta, "min_delta")


@dataclass
class History:
    """What happened in training, one entry an epoch.

    :param train_loss: mean over the epoch's batches, each at the model's weights of its
        moment; each counts by its normaliser, which is its size unless the loss weighs or
        ignores labels (:func:`~dlhelpers.training.weights_of`).
    :param validation_loss: at the epoch's end; NaN without validation data.
    :param metrics: name to one number an epoch, at its end.
    :param best_epoch: counted from 0; None without validation data.
    :param interrupted: ended by the stop button.
    :param stopped_early: ended by early stopping.
    :param diverged: ended by a loss that is not finite.
    :param reason: in words why training ended.
    :param seconds: summed over resumed runs; takes no part in comparisons.
    """

    train_loss: np.ndarray
    validation_loss: np.ndarray
    metrics: dict[str, np.ndarray]
    best_epoch: int | None = None
    interrupted: bool = False
    stopped_early: bool = False
    diverged: bool = False
    reason: str = ""
    seconds: float = field(default=0.0, compare=False)

    @property
    def epochs(self) -> int:
        """Whole epochs trained."""
        return len(self.train_loss)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, History):
            return NotImplemented
        return _plain(self) == _plain(other)


def _plain(h: History) -> tuple[Any, ...]:
    # Through bytes, since NaN (no validation data) must equal itself.
    return (h.train_loss.tobytes(), h.validation_loss.tobytes(),
            {name: values.tobytes() for name, values in h.metrics.items()},
            h.best_epoch, h.interrupted, h.stopped_early, h.diverged, h.reason)


class Run:
    """The state of a run between two epochs, and its way to and from a checkpoint.

    :param model: the model in training.
    :param optimizer: its optimizer.
    :param settings: what a resumed run must have in common with this one.
    :param stop: early stopping, or None.
    :param path: the checkpoint's file, or None.
    """

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, settings: dict[str, Any],
                 stop: EarlyStopping | None, path: str | os.PathLike[str] | None) -> None:
        self.model, self.optimizer, self.settings, self.stop, self.path = model, optimizer, settings, stop, path
        self.device = next(model.parameters()).device
        self.records: list[tuple[float, float, dict[str, float], float]] = []
        self.best_epoch: int | None = None
        self.best_state: dict[str, torch.Tensor] | None = None
        self.interrupted = self.stopped_early = self.diverged = False

    def add(self, train_loss: float, validation_loss: float, measured: dict[str, float],
            seconds: float) -> None:
        """Take one finished epoch in.

        :param train_loss: the mean over its batches.
        :param validation_loss: NaN without validation data.
        :param measured: the metrics.
        :param seconds: how long it took.
        """
        epoch = len(self.records)
        has_validation = self.settings["validation"]
        self.diverged = not np.isfinite(train_loss) or (has_validation and not np.isfinite(validation_loss))
        if has_validation and not self.diverged:
            margin = self.stop.min_delta if self.stop else 0.0
            if self.best_epoch is None or validation_loss < self.records[self.best_epoch][1] - margin:
                if self.stop:
                    self.best_state = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
                self.best_epoch = epoch
            elif self.stop and epoch - self.best_epoch >= self.stop.patience:
                self.stopped_early = True
        self.records.append((train_loss, validation_loss, measured, seconds))

    def is_due(self, every: int, epochs: int) -> bool:
        """Whether a checkpoint is to be written after this epoch.

        :param every: epochs from one checkpoint to the next.
        :param epochs: epochs of the whole run.
        :returns: True also at the end of the run.
        """
        done = len(self.records)
        return done % every == 0 or done == epochs or self.stopped_early

    def history(self) -> History:
        """A copy of what happened so far.

        :returns: the :class:`History`.
        """
        train, validation, measured, seconds = zip(*self.records, strict=True) if self.records else ((), (), (), ())
        names = self.settings["metrics"]
        done = len(self.records)
        if self.diverged:
            reason = (f"diverged: the loss is not finite after {done} epoch(s); "
                      "a smaller learning rate usually helps")
        elif self.interrupted:
            reason = f"interrupted after {done} whole epoch(s)"
        elif self.stopped_early and self.best_epoch is not None:
            reason = (f"stopped early: the validation loss has not fallen since epoch {self.best_epoch}, "
                      f"for {done - 1 - self.best_epoch} epoch(s)")
        else:
            reason = f"{done} epoch(s) done"
        return History(np.array(train), np.array(validation),
                       {name: np.array([m.get(name, float("nan")) for m in measured]) for name in names},
                       self.best_epoch, self.interrupted, self.stopped_early, self.diverged, reason,
                       float(sum(seconds)))

    def restore_best(self) -> None:
        """With early stopping the model ends with its best weights."""
        if self.best_state is not None:
            self.model.load_state_dict(self.best_state)

    def save(self, generator: torch.Generator) -> None:
        """Write everything that the next epoch depends on.

        :param generator: of the order of the samples.
        """
        assert self.path is not None
        checkpoints.save(self.path, {
            "settings": self.settings, "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(), "order": generator.get_state(),
            "random": checkpoints.random_state(self.device), "records": self.records,
            "best": (self.best_epoch, self.best_state, self.stopped_early)})

    def resume(self, generator: torch.Generator, epochs: int) -> None:
        """Continue from the checkpoint, if there is one.

        :param generator: of the order of the samples; set to its stored state.
        :param epochs: epochs of the whole run.
        :raises ValueError: if it is incomplete, longer, or of another run or model.
        """
        if self.path is None or not os.path.exists(checks.instance(self.path, "checkpoint", (str, os.PathLike))):
            return
        stored = checkpoints.load(self.path)
        missing = {"settings", "model", "optimizer", "order", "random", "records", "best"} - set(stored)
        if missing:
            raise ValueError(f"checkpoint {self.path} is incomplete: it has no {sorted(missing)[0]!r}")
        if len(stored["records"]) > epochs:
            raise ValueError(f"epochs is {epochs}, but checkpoint {self.path} already holds "
                             f"{len(stored['records'])}; delete the file to start again")
        checkpoints.compare_settings(stored["settings"], self.settings, self.path)
        checkpoints.restore_model(self.model, stored["model"], self.path)
        self.optimizer.load_state_dict(stored["optimizer"])
        generator.set_state(stored["order"])
        checkpoints.restore_random_state(stored["random"], self.device)
        self.records = [tuple(record) for record in stored["records"]]
        self.best_epoch, self.best_state, self.stopped_early = stored["best"]
