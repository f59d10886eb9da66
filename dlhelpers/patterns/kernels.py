r"""The compiled loop of the solver: numba, one core, fused and padded.

One Euler step of :math:`\dot u = D_u \nabla^2 u + \text{reaction}`, and of v alike.  On a
grid of spacing h the Laplacian is the sum of the four neighbours minus four times the cell,
over h²; gathering what multiplies the cell itself and what multiplies its neighbours leaves

    u  <-  keep_u * u  +  copied  +  feed_u  +  spread_u * (sum of the four neighbours)

Fields carry one ghost cell on each side, so that the inner loop has no branch and
no wrap-around, and the compiler turns it into SIMD instructions; both fields are
read once and written once a step; two buffers take turns.  numba is imported when
the first kernel is asked for, and the machine code is cached on disk.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Coefficients(NamedTuple):
    """What a step multiplies and adds, arrays of (batch,) each; all contain the time step."""

    keep_u: Any
    keep_v: Any
    feed_u: Any
    feed_v: Any
    spread_u: Any
    spread_v: Any
    rate_u: Any
    rate_v: Any


def advance(u_field: Any, v_field: Any, u_other: Any, v_other: Any, c: Any, steps: int, periodic: bool) -> None:
    """``steps`` Euler steps of a batch, in place.

    The result is in the first two arrays if ``steps`` is even, else in the other two.

    :param u_field: u, (batch, height + 2, width + 2).
    :param v_field: v, of that shape.
    :param u_other: second buffer of u, of that shape.
    :param v_other: second buffer of v, of that shape.
    :param c: :class:`Coefficients`.
    :param steps: how many.
    :param periodic: whether opposite edges touch; else nothing flows out.
    """
    batch, height, width = u_field.shape
    h, w = height - 2, width - 2
    # A pair stays in the cache for all its steps before the next one is touched.
    for b in range(batch):
        keep_u, feed_u, spread_u, rate_u = c.keep_u[b], c.feed_u[b], c.spread_u[b], c.rate_u[b]
        keep_v, feed_v, spread_v, rate_v = c.keep_v[b], c.feed_v[b], c.spread_v[b], c.rate_v[b]
        U, V, U_next, V_next = u_field[b], v_field[b], u_other[b], v_other[b]
        for _ in range(steps):
            if periodic:
                left, right, top, bottom = w, 1, h, 1
            else:
                left, right, top, bottom = 1, w, 1, h
            for i in range(1, h + 1):
                U[i, 0], U[i, w + 1] = U[i, left], U[i, right]
                V[i, 0], V[i, w + 1] = V[i, left], V[i, right]
            for j in range(1, w + 1):
                U[0, j], U[h + 1, j] = U[top, j], U[bottom, j]
                V[0, j], V[h + 1, j] = V[top, j], V[bottom, j]
            for i in range(1, h + 1):
                for j in range(1, w + 1):
                    u, v = U[i, j], V[i, j]
                    around_u = U[i - 1, j] + U[i + 1, j] + U[i, j - 1] + U[i, j + 1]
                    around_v = V[i - 1, j] + V[i + 1, j] + V[i, j - 1] + V[i, j + 1]
                    copied = (rate_u * u - rate_v * v) * v * u
                    U_next[i, j] = keep_u * u + copied + feed_u + spread_u * around_u
                    V_next[i, j] = keep_v * v - copied + feed_v + spread_v * around_v
            U, U_next = U_next, U
            V, V_next = V_next, V


@functools.cache
def compiled() -> tuple[Callable[..., None] | None, str]:
    """The compiled :func:`advance`.

    Only fused multiply-add is allowed to the compiler ("contract"): NaN and infinity
    keep their meaning, so that a blow-up is still seen.  If the cache folder cannot be
    written the kernel is compiled anew in each process, a matter of seconds.

    :returns: the kernel and "", or None and the reason why there is none.
    """
    try:
        import numba
    except Exception as error:  # a missing or broken installation: the reason is passed on
        return None, f"numba cannot be imported ({type(error).__name__}: {error})"
    options: dict[str, Any] = {"nopython": True, "nogil": True, "fastmath": {"contract"}}
    reason = ""
    for cache in (True, False):
        try:
            kernel = numba.jit(cache=cache, **options)(advance)
            _try(kernel)
            return kernel, ""
        except Exception as error:
            reason = f"numba cannot compile the kernel ({type(error).__name__}: {error})"
    return None, reason


def _try(kernel: Callable[..., None]) -> None:
    """Compile for float32: the smallest field, one step."""
    fields = [np.zeros((1, 5, 5), np.float32) for _ in range(4)]
    kernel(*fields, Coefficients(*np.zeros((8, 1), np.float32)), 1, True)


def backend() -> str:
    """What "auto" means here.

    :returns: "numba" if the kernel compiles, else "numpy", with a warning that says why.
    """
    kernel, reason = compiled()
    if kernel is None:
        warnings.warn(f"{reason}; falling back to numpy, some fifty times slower", RuntimeWarning, stacklevel=2)
    return "numba" if kernel is not None else "numpy"
