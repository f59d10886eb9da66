r"""The compiled path: small fully connected stacks on a CPU, in float32.

For nets of a few dozen units torch spends most of its time between its operations and, for
tanh, in the function itself.  ``kernels`` does forward pass and loss of a block of samples
at one point without leaving the first-level cache.  Threads share the points, as many as
torch uses; the result does not depend on how many.

The kernel is compiled at its first use, a matter of seconds, and kept on disk, so that ``auto``
takes it for surfaces only that keep torch busy for some tenths of a second.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import nn

from dlhelpers.landscapes import losses
from dlhelpers.landscapes.arguments import Loss

#: Activations by the numbers that ``kernels`` gives them.
CODES = {nn.Identity: 0, nn.Dropout: 0, nn.ReLU: 1, nn.Tanh: 2, nn.Sigmoid: 3, nn.SiLU: 4}
#: Beyond so many units a layer torch's matrix products win.
WIDEST = 64
#: ``auto`` compiles for so many activations (points x samples x hidden units), torch's work of 0.15 s or more.
WORTH = 10**8
#: Bytes of the first layer's outputs for one block of samples, and the largest block.
BLOCK_BYTES, BLOCK = 2**16, 192
#: Numbers of moved weights held at once, for each thread.
MOVED = 2**20


@functools.cache
def kernel() -> Any:
    """The compiled kernel.

    :returns: ``kernels.losses``, or None, with a warning, where numba cannot be imported.
    """
    try:
        from dlhelpers.landscapes import kernels
    except ImportError as error:
        warnings.warn(f"numba cannot be imported ({error}): surfaces will be computed by torch", RuntimeWarning,
                      stacklevel=2)
        return None
    return kernels.losses


def fits(steps: Sequence[tuple[nn.Module, Any]], X: torch.Tensor, y: torch.Tensor, loss: Loss) -> bool:
    """Whether the kernel can do this work.

    :param steps: the layers of a stack from its first linear one on, each with its parameters (``fused.Stack.steps``).
    :param X: (n, d_in) inputs.
    :param y: targets.
    :param loss: the loss.
    :returns: True for linear layers of at most ``WIDEST`` units and the activations of ``CODES``, float32
        on the CPU, and torch's cross-entropy or mean squared error.
    """
    widths = [len(parts[0][0]) for _, parts in steps if parts]
    known = all(type(layer) is nn.Linear or type(layer) in CODES for layer, _ in steps)
    if not known or type(X) is not torch.Tensor or X.device.type != "cpu" or X.dtype != torch.float32 or X.ndim != 2:
        return False
    twice = any(a is None and b is None for (_, a), (_, b) in zip(steps, steps[1:]))    # two activations in a row
    real = all(t.dtype == torch.float32 for _, parts in steps if parts for p in parts for t in p)
    if twice or not real or max(widths) > WIDEST:
        return False
    return losses.is_squared(loss, y, widths[-1]) or losses.label_coefficients(loss, y, widths[-1], X.dtype) is not None


def worth(steps: Sequence[tuple[nn.Module, Any]], samples: int, points: int) -> bool:
    """Whether ``auto`` should take the kernel.

    :param steps: as for :func:`fits`.
    :param samples: how many.
    :param points: how many.
    :returns: True if torch would be busy long enough.
    """
    hidden = sum(len(parts[0][0]) for _, parts in steps[:-1] if parts)
    return samples * points * hidden >= WORTH


def evaluate(steps: Sequence[tuple[nn.Module, Any]], X: torch.Tensor, y: torch.Tensor, loss: Loss,
             points: torch.Tensor) -> np.ndarray:
    """The mean losses at many points.

    :param steps: as for :func:`fits`, which must have said yes.
    :param X: (n, d_in) inputs.
    :param y: (n,) or (n, K) targets.
    :param loss: the loss.
    :param points: (P, k) coordinates.
    :returns: (P,) losses, float64.
    """
    run = kernel()
    at = np.ascontiguousarray(points.numpy(), dtype=np.float32)
    sizes, codes, later = _layers(steps)
    Z, C, squared = _blocks(steps[0][1], X, y, loss, int(sizes[-1]), int(sizes.max()))
    out = np.zeros(len(at))

    def share(rows: np.ndarray) -> None:
        work = np.empty((2 * int(sizes.max()) + 4, Z.shape[3]), np.float32)
        for piece in np.array_split(rows, -(-len(rows) * max(later.shape[1], 1) // MOVED)):
            moved = later[0] + at[piece] @ later[1:]
            found = np.zeros(len(piece))
            run(Z, moved, sizes, codes, C, squared, at[piece], found, work)
            out[piece] = found

    threads = min(torch.get_num_threads(), len(at))
    if threads == 1:
        share(np.arange(len(at)))
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(share, np.array_split(np.arange(len(at)), threads)))
    return out


def _layers(steps: Sequence[tuple[nn.Module, Any]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sizes (layers,), codes (layers,), and the later layers' base and slopes (1 + k, T)."""
    sizes, codes, flat = [], [], []
    for layer, parts in steps:
        if parts is None:
            codes[-1] = codes[-1] or CODES[type(layer)]
            continue
        sizes.append(len(parts[0][0]))
        codes.append(0)
        if len(sizes) > 1:
            weight = torch.stack(parts[0]).flatten(1)                                   # (1 + k, m_out * m_in)
            bias = torch.stack(parts[1]) if len(parts) > 1 else weight.new_zeros(len(weight), sizes[-1])
            flat += [weight, bias]                                                      # bias (1 + k, m_out)
    joined = torch.cat(flat, 1).numpy() if flat else np.zeros((len(steps[0][1][0]), 0), np.float32)
    return np.array(sizes), np.array(codes), joined


def _blocks(first: list[list[torch.Tensor]], X: torch.Tensor, y: torch.Tensor, loss: Loss, K: int,
            widest: int) -> tuple[np.ndarray, np.ndarray, bool]:
    """First outputs (blocks, 1 + k, m, B) and coefficients (blocks, K + 1, B); is it a sum of squares?"""
    n, parts = len(X), len(first[0])
    squared = losses.is_squared(loss, y, K)
    if squared:
        C = torch.cat([y.float(), torch.full((n, 1), 1 / (n * K))], 1)                  # (n, K + 1)
    else:
        found = losses.label_coefficients(loss, y, K, torch.float32)
        assert found is not None
        C = torch.cat([found, found.sum(1, keepdim=True)], 1)                           # (n, K + 1)
    most = min(BLOCK, max(16, BLOCK_BYTES // (4 * parts * widest)))
    blocks = -(-n // most)
    B = -(-n // (8 * blocks)) * 8      # of equal length, and whole SIMD registers
    last = torch.arange(blocks * B).clamp_max(n - 1)                                    # the last sample fills up ...
    C = C[last]
    C[n:, -1] = 0                                                                       # ... and does not count
    if not squared:
        C[n:] = 0
    bias: Sequence[torch.Tensor | None] = first[1] if len(first) > 1 else [None] * parts
    Z = torch.stack([nn.functional.linear(X, w, b) for w, b in zip(first[0], bias)])[:, last]    # (1 + k, n, m)
    Z = Z.reshape(parts, blocks, B, -1).permute(1, 0, 3, 2).contiguous()                # (blocks, 1 + k, m, B)
    C = C.reshape(blocks, B, K + 1).permute(0, 2, 1).contiguous()                       # (blocks, K + 1, B)
    return Z.numpy(), C.numpy(), squared
