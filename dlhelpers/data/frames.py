"""Digits that do not fill their square: made smaller, moved, partly covered.

The shipped digits touch the rim, so a shift would cut something off.  :func:`framed` makes them
smaller and puts them in the middle of an empty frame, as MNIST's are; then they have room to move.
Images are flattened squares, (n, side²), background 0.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from dlhelpers import checks


def area_matrix(old: int, new: int) -> torch.Tensor:
    """M (new, old) of shares: each new pixel is the mean over the part of the line that it covers.

    :param old: pixels a side before.
    :param new: pixels a side afterwards, at most ``old``.
    :returns: (new, old), float32; every row adds up to 1.
    :raises TypeError: if one is no integer.
    :raises ValueError: if one is below 1, or the new side is the larger.
    """
    old = checks.integer(old, "old", at_least=1)
    new = checks.integer(new, "new", at_least=1, at_most=old)
    edges, cells = torch.arange(new + 1, dtype=torch.float64) * old / new, torch.arange(old, dtype=torch.float64)
    upper = torch.minimum(edges[1:, None], cells + 1)
    lower = torch.maximum(edges[:-1, None], cells)
    return ((upper - lower).clamp_min(0) * new / old).float()


def framed(X: torch.Tensor, side: int = 20, *, frame: int = 28) -> torch.Tensor:
    """Digits of ``side`` pixels in the middle of an empty frame.

    :param X: flattened square images (n, d).
    :param side: of the digit, at most the images' own and the frame's.
    :param frame: side of the result.
    :returns: (n, frame²), on the device of X.
    :raises TypeError: if X holds no floating-point numbers, or a side is no integer.
    :raises ValueError: if the images are no squares, or a side does not fit.
    """
    old = _side(X)
    frame = checks.integer(frame, "frame", at_least=1)
    side = checks.integer(side, "side", at_least=1, at_most=min(old, frame))
    M = area_matrix(old, side).to(X)
    small = M @ X.reshape(-1, old, old) @ M.T  # (n, old, old) -> (n, side, side)
    before = (frame - side) // 2
    after = frame - side - before
    return F.pad(small, (before, after, before, after)).flatten(1)  # (n, frame²)


def shifted(X: torch.Tensor, right: int = 0, down: int = 0) -> torch.Tensor:
    """Every image moved by whole pixels; what leaves the frame is lost, what enters is background.

    :param X: flattened square images (n, side²).
    :param right: pixels; negative ones move to the left.
    :param down: pixels; negative ones move up.
    :returns: (n, side²).
    :raises TypeError: if X holds no floating-point numbers, or a shift is no integer.
    :raises ValueError: if the images are no squares, or a shift is larger than they are.
    """
    side = _side(X)
    right = checks.integer(right, "right", at_least=-side, at_most=side)
    down = checks.integer(down, "down", at_least=-side, at_most=side)
    images = X.reshape(-1, side, side)  # (n, side, side)
    moved = torch.zeros_like(images)
    to, come = (slice(max(0, s), side + min(0, s)) for s in (down, right)), (
        slice(max(0, -s), side + min(0, -s)) for s in (down, right))
    (r1, c1), (r0, c0) = to, come
    moved[:, r1, c1] = images[:, r0, c0]
    return moved.flatten(1)  # (n, side²)


def covered(X: torch.Tensor, top: int, left: int, size: int = 7, *, value: float = 0.5) -> torch.Tensor:
    """Every image with a square of one grey laid over it.

    :param X: flattened square images (n, side²).
    :param top: first covered row; the square may lie partly outside.
    :param left: first covered column.
    :param size: of the square, in pixels.
    :param value: its grey.
    :returns: (n, side²), a copy.
    :raises TypeError: if X holds no floating-point numbers, or a place is no integer.
    :raises ValueError: if the images are no squares, or the size is below 1.
    """
    side = _side(X)
    top, left = checks.integer(top, "top"), checks.integer(left, "left")
    size, value = checks.integer(size, "size", at_least=1), checks.number(value, "value")
    images = X.reshape(-1, side, side).clone()  # (n, side, side)
    images[:, max(0, top):max(0, top + size), max(0, left):max(0, left + size)] = value
    return images.flatten(1)  # (n, side²)


def _side(X: torch.Tensor) -> int:
    checks.tensor(X, "X", ndim=2)
    side = math.isqrt(X.shape[1])
    if side * side != X.shape[1]:
        raise ValueError(f"X must hold flattened square images (n, side²), got shape {tuple(X.shape)}")
    return side
