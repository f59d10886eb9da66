r"""What a batch is: one tensor, or a tuple or dictionary of aligned tensors; and how batches are drawn.

Aligned tensors share their first axis, the samples.  A model takes them as
``model(X)``, ``model(*inputs)`` or ``model(**inputs)``: an encoder-decoder is trained on
``((src, tgt_in), tgt)``, a model with a mask on ``({"x": x, "mask": mask}, y)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import nn

#: One tensor, or aligned ones.
Tensors = torch.Tensor | tuple[torch.Tensor, ...] | list[torch.Tensor] | dict[str, torch.Tensor]
#: Inputs and targets.
Data = tuple[Tensors, Tensors]

#: How the batches of an epoch are drawn; see :func:`batches_of_epoch`.
SAMPLINGS = ("shuffle", "with replacement", "lecture")
#: Batches an epoch of "lecture" sampling: 300 batches of 200 are MNIST's 60 000 images.
LECTURE_BATCHES = 300


def call(model: nn.Module, inputs: Any) -> Any:
    """The model's output for inputs that are one tensor, a tuple (or list), or a dictionary.

    :param model: any torch module.
    :param inputs: X, or ``(X1, X2, …)``, or ``{"name": X1, …}``.
    :returns: ``model(X)``, ``model(X1, X2, …)`` or ``model(name=X1, …)``.
    """
    if isinstance(inputs, dict):
        return model(**inputs)
    if isinstance(inputs, (tuple, list)):
        return model(*inputs)
    return model(inputs)


def each(change: Callable[[torch.Tensor], Any], tensors: Any) -> Any:
    """The same tuple, list or dictionary with every tensor changed.

    :param change: what is done to each tensor.
    :param tensors: one tensor, or a tuple, list or dictionary of them.
    :returns: of the same structure (a list comes back as a tuple).
    """
    if isinstance(tensors, dict):
        return {name: change(tensor) for name, tensor in tensors.items()}
    if isinstance(tensors, (tuple, list)):
        return tuple(change(tensor) for tensor in tensors)
    return change(tensors)


def leaves(tensors: Any) -> list[torch.Tensor]:
    """The tensors of a structure, in order.

    :param tensors: one tensor, or a tuple, list or dictionary of them.
    :returns: a list of at least one, for what ``fit`` accepts.
    """
    if isinstance(tensors, dict):
        return list(tensors.values())
    return list(tensors) if isinstance(tensors, (tuple, list)) else [tensors]


def length(tensors: Any) -> int:
    """The number of samples.

    :param tensors: one tensor, or a tuple, list or dictionary of aligned ones.
    :returns: the length of the first axis.
    """
    return len(leaves(tensors)[0])


def chunks(tensors: Any, size: int) -> Iterator[Any]:
    """Consecutive parts, for passes without gradients.

    :param tensors: one tensor, or a tuple, list or dictionary of aligned ones.
    :param size: samples in a part; the last may be smaller.
    :returns: an iterator over structures like ``tensors``.
    """
    for start in range(0, length(tensors), size):
        yield each(partial(_part, start=start, size=size), tensors)


def _part(tensor: torch.Tensor, start: int, size: int) -> torch.Tensor:
    return tensor[start:start + size]


def joined(parts: list[Any]) -> Any:
    """Parts of a model's output put together again along the samples.

    :param parts: tensors, or tuples, lists or dictionaries of tensors, all alike.
    :returns: one structure of the same kind.
    """
    if isinstance(parts[0], dict):
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    if isinstance(parts[0], (tuple, list)):
        return tuple(torch.cat(column) for column in zip(*parts, strict=True))
    return torch.cat(parts)


class Gathered:
    """Gathers every batch into the same memory, which so stays in the cache.

    :param tensors: all samples: one tensor, or a tuple, list or dictionary of aligned ones.
    :param size: samples in the largest batch.
    """

    def __init__(self, tensors: Any, size: int) -> None:
        self.tensors, self.size = tensors, size
        self.memory = each(lambda t: t.new_empty((size, *t.shape[1:])), tensors)

    def __call__(self, rows: torch.Tensor) -> Any:
        """The samples of some rows, valid until the next call.

        :param rows: sample numbers, (B,), on the data's device.
        :returns: a structure like the data's, of tensors (B, ...).
        """
        if isinstance(self.tensors, torch.Tensor):
            return self._take(self.tensors, self.memory, rows)
        if isinstance(self.tensors, dict):
            return {name: self._take(t, self.memory[name], rows) for name, t in self.tensors.items()}
        return tuple(self._take(t, m, rows) for t, m in zip(self.tensors, self.memory, strict=True))

    def _take(self, tensor: torch.Tensor, memory: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        out = memory if len(rows) == self.size else memory[:len(rows)]
        return torch.index_select(tensor, 0, rows, out=out)


def batches_of_epoch(n: int, batch: int, sampling: str, generator: torch.Generator,
                     batches: int | None = None) -> list[torch.Tensor]:
    """The sample numbers of each batch of one epoch.

    - "shuffle": one permutation cut into batches, the last one may be smaller;
    - "with replacement": each sample drawn independently of all others;
    - "lecture": each batch drawn without replacement, independently of the other batches.

    :param n: samples there are.
    :param batch: samples in a batch.
    :param sampling: how they are drawn.
    :param generator: on the CPU, advanced by the draw; the global generator is not used.
    :param batches: how many; None for ceil(n / batch), or 300 for "lecture".
    :returns: int64 index tensors, each (B,).
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
