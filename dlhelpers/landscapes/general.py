"""The loss at one point of a plane after the other, for any module."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.func import functional_call

from dlhelpers.landscapes import losses
from dlhelpers.landscapes.arguments import Loss, as_scalar


class General:
    """A module, its directions and the data; the module is in evaluation mode and stays as it is.

    :param model: any module.
    :param loss: a loss whose pieces can be averaged, or ``chunk`` at least n.
    :param parameters: name -> parameter.
    :param directions: k directions, each one tensor for each parameter.
    :param X: (n, ...) inputs.
    :param y: (n, ...) targets.
    :param chunk: samples in one pass.
    :param recompute: measure running statistics afresh at every point.
    """

    def __init__(self, model: nn.Module, loss: Loss, parameters: dict[str, torch.Tensor],
                 directions: Sequence[Sequence[torch.Tensor]], X: torch.Tensor, y: torch.Tensor, chunk: int,
                 recompute: bool) -> None:
        self.model, self.loss, self.parameters, self.directions = model, loss, parameters, directions
        self.X, self.y, self.shares = X.split(chunk), y.split(chunk), losses.shares(loss, y, chunk)
        # torch's batch norms and ours alike: what keeps a running mean that follows with a momentum.
        self.norms = [m for m in model.modules() if isinstance(getattr(m, "running_mean", None), torch.Tensor)
                      and hasattr(m, "momentum")] if recompute else []

    def loss_at(self, where: Sequence[float]) -> float:
        """The mean loss with the parameters moved.

        :param where: k coordinates.
        :returns: the mean over all data.
        """
        state: dict[str, torch.Tensor] = {}
        for i, (key, p) in enumerate(self.parameters.items()):
            moved = p
            for value, d in zip(where, self.directions):
                moved = torch.add(moved, d[i], alpha=value)
            state[key] = moved
        # A forward pass may write to buffers: it gets copies.
        state |= {key: buffer.clone() for key, buffer in self.model.named_buffers()}
        if self.norms:
            self._measure_statistics(state)
        return sum(float(as_scalar(self.loss(functional_call(self.model, state, (x,)), t))) * share
                   for x, t, share in zip(self.X, self.y, self.shares) if share != 0)

    def _measure_statistics(self, state: dict[str, torch.Tensor]) -> None:
        """The samples' mean of the chunks' statistics, in the copies of the buffers."""
        before, seen = [(m, m.momentum, m.training) for m in self.norms], 0
        pieces = list(self.X)
        if len(pieces) > 1 and len(pieces[-1]) == 1:      # one sample alone has no variance
            pieces[-2:] = [torch.cat(pieces[-2:])]
        try:
            for x in pieces:
                seen += len(x)
                for m in self.norms:
                    # The first piece replaces what was there; each piece then counts with its samples.
                    m.training, m.momentum = True, len(x) / seen
                functional_call(self.model, state, (x,))
        finally:
            for m, momentum, training in before:
                m.momentum, m.training = momentum, training
