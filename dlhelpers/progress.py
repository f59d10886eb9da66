"""Progress bars that a person sees and a test does not.

``DLHELPERS_QUIET=1`` silences them: stored outputs then compare on every machine.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def quiet() -> bool:
    """Whether bars are silenced.

    :returns: True when ``DLHELPERS_QUIET`` is set to anything but 0 or nothing.
    """
    return os.environ.get("DLHELPERS_QUIET", "") not in ("", "0")


def bar(items: Iterable[Item], label: str = "", *, total: int | None = None,
        show: bool = True) -> Iterable[Item]:
    """``items``, with a progress bar around them unless silenced.

    :param items: anything to iterate over.
    :param label: stands before the bar.
    :param total: how many there are, if they do not say so themselves.
    :param show: False for no bar.
    :returns: the items.
    """
    if quiet() or not show:
        return items
    from tqdm.auto import tqdm

    return tqdm(items, desc=label, total=total, leave=False)


def steps(total: int, label: str = "", *, show: bool = True) -> Iterator[int]:
    """``range(total)`` with a progress bar.

    :param total: how many steps.
    :param label: stands before the bar.
    :param show: False for no bar.
    :returns: an iterator over 0, ..., total - 1.
    """
    yield from bar(range(total), label, total=total, show=show)
