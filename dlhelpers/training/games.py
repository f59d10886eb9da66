r"""Two networks against each other: some steps of the critic, one of the generator, and again.

.. math:: w \leftarrow w - \eta_D \nabla_w L_D(w, \theta) \ \ (k\ \text{times}), \qquad
          \theta \leftarrow \theta - \eta_G \nabla_\theta L_G(w, \theta)

What the losses are is up to the caller: the logarithmic ones of the first paper, or
Wasserstein's with a penalty.

Source: I. Goodfellow et al., Generative adversarial nets, NeurIPS 2014, algorithm 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from dlhelpers import checks
from dlhelpers import progress as progress_bars
from dlhelpers.training.steps import Hook, Stepper

#: Steps between two looks at whether the losses are still finite (each look waits for the device).
LOOK = 100


@dataclass
class Player:
    """One side of a game.

    :param model: its network.
    :param loss: ``loss(batch)``, the scalar that it descends, through both networks.
    :param optimizer: a torch optimizer over its parameters; or
    :param eta: the learning rate of plain gradient descent.
    :param clip: largest norm of its gradient; None for no limit.
    :param after: called with the model after each step (clipping a critic's weights).
    """

    model: nn.Module
    loss: Callable[[Any], torch.Tensor]
    optimizer: torch.optim.Optimizer | None = None
    eta: float | None = None
    clip: float | None = None
    after: Hook | None = None

    def stepper(self) -> Stepper:
        """The prepared step.

        :returns: a :class:`Stepper`.
        :raises TypeError: if not exactly one of optimizer and eta was given.
        :raises ValueError: if the model has nothing to train.
        """
        checks.function(self.loss, "loss")
        return Stepper(self.model, None, self.optimizer, eta=self.eta, clip=self.clip, after=self.after)


@dataclass
class GameHistory:
    """Losses of whole rounds, and how the game ended.

    :param critic: the critic's, (rounds, k).
    :param generator: the generator's, (rounds,).
    :param interrupted: by the stop button.
    :param diverged: a loss is not finite.
    """

    critic: np.ndarray
    generator: np.ndarray
    interrupted: bool = False
    diverged: bool = False


def play(critic: Player, generator: Player, draw: Callable[[], Any], *, rounds: int, k: int = 1,
         progress: bool = True, on_round: Callable[[int], Any] | None = None) -> GameHistory:
    """Let two players move in turn; both models are changed in place.

    While one moves the parameters of the other need no gradient, so nothing is spent on
    them.  The models' modes stay as they are.

    :param critic: moves first, k times a round.
    :param generator: moves once a round, on the round's last batch.
    :param draw: makes a batch, for each step of the critic a new one; of any kind that the
        losses understand.
    :param rounds: how many.
    :param k: steps of the critic in a round.
    :param progress: show a bar (``DLHELPERS_QUIET=1`` silences it everywhere).
    :param on_round: called with the number of the round, counted from 0, after it.
    :returns: :class:`GameHistory`.  A KeyboardInterrupt ends the game with ``interrupted``,
        losses that are not finite end it with ``diverged``, within 100 rounds.
    :raises TypeError: naming the argument that is of another kind.
    :raises ValueError: naming the argument that does not fit.
    """
    checks.function(draw, "draw")
    checks.integer(rounds, "rounds", at_least=1)
    checks.integer(k, "k", at_least=1)
    steps = [checks.instance(side, name, Player).stepper()
             for name, side in (("critic", critic), ("generator", generator))]
    losses: list[list[torch.Tensor]] = []
    history = GameHistory(np.zeros((0, k)), np.zeros(0))
    try:
        for number in progress_bars.bar(range(rounds), "rounds", show=progress):
            moves = []
            for _ in range(k):
                batch = draw()
                moves.append(_move(critic, generator, steps[0], batch))
            moves.append(_move(generator, critic, steps[1], batch))
            losses.append(moves)
            if on_round is not None:
                on_round(number)
            if len(losses) % LOOK == 0 and not bool(torch.isfinite(torch.stack(moves)).all()):
                break
    except KeyboardInterrupt:
        history.interrupted = True
    if losses:
        table = torch.stack([torch.stack(moves) for moves in losses]).cpu().double().numpy()  # (rounds, k + 1)
        history.critic, history.generator = table[:, :k], table[:, k]
        history.diverged = not bool(np.isfinite(table).all())
    return history


def _move(mover: Player, other: Player, step: Stepper, batch: Any) -> torch.Tensor:
    """One step of one player; its loss."""
    with _frozen(other.model):
        value = mover.loss(batch)
        step.update(value)
    return value.detach()


@contextmanager
def _frozen(model: nn.Module) -> Iterator[None]:
    """No gradients towards the parameters of a model."""
    trained = [p for p in model.parameters() if p.requires_grad]
    for p in trained:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p in trained:
            p.requires_grad_(True)
