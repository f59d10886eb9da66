"""What ``fit`` is asked to do, checked: how long, in which batches, and what is watched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dlhelpers import checks
from dlhelpers.training.batches import SAMPLINGS
from dlhelpers.training.state import EarlyStopping
from dlhelpers.training.steps import Stepper


@dataclass
class Plan:
    """The settings of a run; refuses those that do not fit, by name.

    :param n: samples there are.
    :param epochs: epochs of the whole run.
    :param batch: samples a step, at most n.
    :param sampling: one of ``SAMPLINGS``.
    :param batches: batches an epoch, not for "shuffle".
    :param seed: for the order of the samples and for dropout.
    :param validated: whether there are validation data.
    :param metrics: name to metric.
    :param stop: early stopping.
    :param checkpoint_every: epochs from one checkpoint to the next.
    :param on_epoch: called after each epoch.
    """

    n: int
    epochs: int
    batch: int
    sampling: str
    batches: int | None
    seed: int
    validated: bool
    metrics: dict[str, Any]
    stop: EarlyStopping | None
    checkpoint_every: int
    on_epoch: Callable[..., Any] | None

    def __post_init__(self) -> None:
        self.epochs = checks.integer(self.epochs, "epochs", at_least=1)
        self.batch = checks.integer(self.batch, "batch", at_least=1, at_most=self.n)
        checks.one_of(self.sampling, "sampling", SAMPLINGS)
        if self.batches is not None:
            checks.integer(self.batches, "batches", at_least=1)
            if self.sampling == "shuffle":
                raise ValueError("batches cannot be chosen with sampling='shuffle': an epoch is one pass over X")
        self.seed = checks.integer(self.seed, "seed", at_least=0, at_most=2**63 - 1)
        if self.stop is not None:
            checks.instance(self.stop, "stop", EarlyStopping)
            if not self.validated:
                raise ValueError("stop needs validation data")
        checks.integer(self.checkpoint_every, "checkpoint_every", at_least=1)
        if self.on_epoch is not None:
            checks.function(self.on_epoch, "on_epoch")

    def settings(self, step: Stepper) -> dict[str, Any]:
        """What a resumed run must have in common with the one that it continues.

        :param step: how the run steps.
        :returns: numbers, strings and lists by name.
        """
        return {"samples": self.n, "batch": self.batch, "sampling": self.sampling, "batches": self.batches,
                "seed": self.seed, "optimizer": type(step.optimizer).__name__, "metrics": sorted(self.metrics),
                "validation": self.validated, "stop": repr(self.stop), "clip": step.clip,
                "optimizer settings": repr(sorted(step.optimizer.defaults.items()))}
