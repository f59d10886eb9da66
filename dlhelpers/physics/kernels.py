r"""The compiled loop of cubic autocatalysis: numba, one core, fused and padded.

Fields carry one ghost cell on each side, so that the inner loop has no branch and
no wrap-around, and the compiler turns it into SIMD instructions; both fields are
read once and written once a step; two buffers take turns.  numba is imported when
the first kernel is asked for, and the machine code is cached on disk.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any


def advance(p: Any, q: Any, p2: Any, q2: Any, coefficients: Any, steps: int, periodic: bool) -> None:
    """``steps`` Euler steps of a batch, in place; the result is in (p, q) if ``steps`` is even, else in (p2, q2).

    :param p, q, p2, q2: activator, substrate and their second buffers, (batch, height + 2, width + 2).
    :param coefficients: (batch, 7), all times dt: exchange of p and q with each neighbour, factor
        of p and q themselves, feed of p and q, rate.  See ``autocatalysis.coefficients``.
    """
    batch, height, width = p.shape
    h, w = height - 2, width - 2
    # A pair stays in the cache for all its steps before the next one is touched.
    for b in range(batch):
        dp, dq = coefficients[b, 0], coefficients[b, 1]
        cp, cq = coefficients[b, 2], coefficients[b, 3]
        fp, fq, rate = coefficients[b, 4], coefficients[b, 5], coefficients[b, 6]
        P, Q, P2, Q2 = p[b], q[b], p2[b], q2[b]
        for _ in range(steps):
            if periodic:
                left, right, top, bottom = w, 1, h, 1
            else:
                left, right, top, bottom = 1, w, 1, h
            for i in range(1, h + 1):
                P[i, 0], P[i, w + 1] = P[i, left], P[i, right]
                Q[i, 0], Q[i, w + 1] = Q[i, left], Q[i, right]
            for j in range(1, w + 1):
                P[0, j], P[h + 1, j] = P[top, j], P[bottom, j]
                Q[0, j], Q[h + 1, j] = Q[top, j], Q[bottom, j]
            for i in range(1, h + 1):
                for j in range(1, w + 1):
                    x, y = P[i, j], Q[i, j]
                    r = rate * x * x * y
                    P2[i, j] = cp * x + r + fp + dp * (P[i - 1, j] + P[i + 1, j] + P[i, j - 1] + P[i, j + 1])
                    Q2[i, j] = cq * y - r + fq + dq * (Q[i - 1, j] + Q[i + 1, j] + Q[i, j - 1] + Q[i, j + 1])
            P, P2 = P2, P
            Q, Q2 = Q2, Q


@functools.cache
def compiled() -> tuple[Callable[..., None] | None, str]:
    """The compiled ``advance`` and "", or None and the reason why there is none.

    Only fused multiply-add is allowed to the compiler ("contract"): NaN and infinity
    keep their meaning, so that a blow-up is still seen.  If the cache folder cannot be
    written the kernel is compiled anew in each process, a matter of seconds.
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
    import numpy as np

    fields = [np.zeros((1, 5, 5), np.float32) for _ in range(4)]
    kernel(*fields, np.zeros((1, 7), np.float32), 1, True)


def backend() -> str:
    """ "numba" if the kernel compiles here, else "numpy", with a warning that says why."""
    kernel, reason = compiled()
    if kernel is None:
        warnings.warn(f"{reason}; falling back to numpy, some fifty times slower", RuntimeWarning, stacklevel=2)
    return "numba" if kernel is not None else "numpy"
