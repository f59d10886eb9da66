r"""The loss of small fully connected stacks, compiled: imported only where it is used, since it imports numba.

Activations of a block of samples stay in the first-level cache, samples side by side, so that
every inner loop becomes SIMD instructions.  Only fused multiply-add is allowed to the compiler
("contract"): NaN and infinity keep their meaning.

Elementary functions; the largest relative errors are measured over every float32 number of the
range (tests look at each 997th):

- tanh: :math:`x P(x^2) / Q(x^2)` with P and Q of degree 4, clamped to 9, where tanh is 1 to
  float32; coefficients by iteratively reweighted least squares on [0, 9], exact to 2.1e-8;
  as computed, 3.4e-7 (from 1e-38 to 200);
- exp: :math:`2^n e^r`, :math:`|r| \le \ln 2 / 2`, Taylor series to :math:`r^7`; 7.9e-8 from -87.3 to
  88.3, clamped beyond; the sigmoid made of it 1.6e-7;
- log(1 + d), d ≥ 0: :math:`2\,\mathrm{artanh}(v / (2 + v))` after the power of two is taken
  out, series to the 15th power; 2.3e-7 (from 1e-38 to 1e30).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

F = np.float32
ZERO, ONE, TWO = F(0), F(1), F(2)
FLAT = F(9.0)
P0, P1, P2, P3, P4 = (F(c) for c in (0.9999999794591564, 0.13381028665092817, 0.0034955915300691784,
                                     2.060913032919333e-05, 1.3354712587013826e-08))
Q1, Q2, Q3, Q4 = (F(c) for c in (0.46714344263023755, 0.025876995646291884, 0.0003285640041045132,
                                 7.776582505199231e-07))
LOWEST, HIGHEST, PER_LN2 = F(-87.3), F(88.3), F(1 / math.log(2))
# ln 2 in two parts; the first has few digits, so that n times it is exact.
LN2, LN2_HIGH = F(math.log(2)), F(0.693359375)
LN2_LOW = F(math.log(2) - 0.693359375)
#: Adding and subtracting 1.5 times 2^23 rounds a float32 to the nearest integer.
ROUND = F(12582912.0)
E2, E3, E4, E5, E6, E7 = (F(1 / math.factorial(k)) for k in range(2, 8))
A0, A1, A2, A3, A4, A5, A6, A7 = (F(2 / (2 * k + 1)) for k in range(8))
BIAS, MANTISSA, EXPONENT_ONE, BITS = np.int32(127), np.int32(0x7FFFFF), np.int32(0x3F800000), np.int32(23)
#: Activations by number; 0 is none.
RELU, TANH, SIGMOID, SILU = 1, 2, 3, 4


def _compiled(function: Callable[..., Any]) -> Any:
    """Compile on first call; keep the machine code on disk where a folder can be written (the
    package's own, else the user's cache folder), and only in memory otherwise."""
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}
    try:
        return numba.njit(cache=True, **options)(function)
    except (RuntimeError, OSError):
        return numba.njit(**options)(function)


@_compiled
def relu(x: Any) -> Any:
    """max(x, 0); NaN stays NaN.

    :param x: float32.
    :returns: float32.
    """
    return ZERO if x < ZERO else x


@_compiled
def tanh(x: Any) -> Any:
    """Hyperbolic tangent, see the head of this module.

    :param x: float32.
    :returns: float32.
    """
    x = -FLAT if x < -FLAT else x
    x = FLAT if x > FLAT else x
    u = x * x
    return x * (P0 + u * (P1 + u * (P2 + u * (P3 + u * P4)))) / (ONE + u * (Q1 + u * (Q2 + u * (Q3 + u * Q4))))


@_compiled
def exp(x: Any) -> Any:
    """Exponential, see the head of this module.

    :param x: float32.
    :returns: float32.
    """
    x = LOWEST if x < LOWEST else x
    x = HIGHEST if x > HIGHEST else x
    n = (x * PER_LN2 + ROUND) - ROUND
    r = (x - n * LN2_HIGH) - n * LN2_LOW
    y = ONE + r * (ONE + r * (E2 + r * (E3 + r * (E4 + r * (E5 + r * (E6 + r * E7))))))
    return y * np.int32((np.int32(n) + BIAS) << BITS).view(np.float32)


@_compiled
def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)).

    :param x: float32.
    :returns: float32.
    """
    return ONE / (ONE + exp(-x))


@_compiled
def log1p(d: Any) -> Any:
    """log(1 + d), see the head of this module.

    :param d: float32, at least 0.
    :returns: float32.
    """
    bits = np.float32(ONE + d).view(np.int32)
    power = (bits >> BITS) - BIAS
    v = np.int32((bits & MANTISSA) | EXPONENT_ONE).view(np.float32) - ONE
    v = d if power == 0 else v      # the small digits of d, lost in 1 + d; not "d < 1": 1 + d may round to 2
    r = v / (TWO + v)
    q = r * r
    series = A0 + q * (A1 + q * (A2 + q * (A3 + q * (A4 + q * (A5 + q * (A6 + q * A7))))))
    return np.float32(power) * LN2 + r * series


@_compiled
def activate(h: Any, units: int, code: int) -> None:
    """Apply an activation in place.

    :param h: (at least units, B) float32.
    :param units: rows that count.
    :param code: RELU, TANH, SIGMOID, SILU, or 0 for none.
    """
    for i in range(units):
        row = h[i]
        if code == RELU:
            for s in range(row.size):
                row[s] = relu(row[s])
        elif code == TANH:
            for s in range(row.size):
                row[s] = tanh(row[s])
        elif code == SIGMOID:
            for s in range(row.size):
                row[s] = sigmoid(row[s])
        elif code == SILU:
            for s in range(row.size):
                row[s] = row[s] * sigmoid(row[s])


@_compiled
def linear(w: Any, at: int, h: Any, g: Any, m_in: int, m_out: int) -> None:
    """g = W h + b, two outputs and four inputs at a time: eight products for eight memory accesses.

    :param w: (T,) float32, all later layers one after the other, each W row by row, then b.
    :param at: where this layer begins in w.
    :param h: (at least m_in, B) inputs.
    :param g: (at least m_out + 1, B) outputs, overwritten; the row after the last may be too.
    :param m_in: inputs.
    :param m_out: outputs.
    """
    B = h.shape[1]
    bias = at + m_out * m_in
    whole = m_in - m_in % 4
    for o in range(0, m_out, 2):
        second, twin = o + 1, min(o + 1, m_out - 1)      # an odd last row is done twice, into the spare one
        u, v = at + o * m_in, at + twin * m_in
        b, c = w[bias + o], w[bias + twin]
        for s in range(B):
            g[o, s] = b
            g[second, s] = c
        for i in range(0, whole, 4):
            a0, a1, a2, a3 = w[u + i], w[u + i + 1], w[u + i + 2], w[u + i + 3]
            c0, c1, c2, c3 = w[v + i], w[v + i + 1], w[v + i + 2], w[v + i + 3]
            for s in range(B):
                x0, x1, x2, x3 = h[i, s], h[i + 1, s], h[i + 2, s], h[i + 3, s]
                first = g[o, s] + (a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3)
                other = g[second, s] + (c0 * x0 + c1 * x1 + c2 * x2 + c3 * x3)
                g[o, s] = first
                g[second, s] = other
        for i in range(whole, m_in):
            a0, c0 = w[u + i], w[v + i]
            for s in range(B):
                x0 = h[i, s]
                first, other = g[o, s] + a0 * x0, g[second, s] + c0 * x0
                g[o, s] = first
                g[second, s] = other


@_compiled
def losses(Z: Any, moved: Any, sizes: Any, codes: Any, C: Any, squared: bool, points: Any, out: Any, work: Any) -> None:
    """Add to ``out`` the losses of all samples at all points.

    :param Z: (blocks, 1 + k, m, B) float32, the first layer's output at the model and along each direction.
    :param moved: (P, T) float32, all later weights and biases at each point, as :func:`linear` wants them.
    :param sizes: (layers,) units of each layer, the first one's m included.
    :param codes: (layers,) the activation after each.
    :param C: (blocks, K + 1, B) float32: coefficients and their sum, see ``losses.label_coefficients``;
        with ``squared`` targets and the factor of each sample.  A sample of factor 0 does not count.
    :param squared: sum of squares instead of cross-entropy.
    :param points: (P, k) float32.
    :param out: (P,) float64, added to.
    :param work: (2 widest + 4, B) float32, scratch.
    """
    blocks, parts, m, B = Z.shape
    half = (work.shape[0] - 2) // 2
    top, more = work[2 * half], work[2 * half + 1]
    for block in range(blocks):
        c = C[block]
        K = c.shape[0] - 1
        for p in range(points.shape[0]):
            h, g = work[:half], work[half:2 * half]
            for i in range(m):
                for s in range(B):
                    h[i, s] = Z[block, 0, i, s]
            for j in range(1, parts):
                value = points[p, j - 1]
                for i in range(m):
                    for s in range(B):
                        h[i, s] += value * Z[block, j, i, s]
            at = 0
            for layer in range(sizes.size):
                if layer > 0:
                    linear(moved[p], at, h, g, sizes[layer - 1], sizes[layer])
                    at += (sizes[layer - 1] + 1) * sizes[layer]
                    h, g = g, h
                activate(h, sizes[layer], codes[layer])
            if squared:
                for s in range(B):
                    more[s] = ZERO
                for i in range(K):
                    for s in range(B):
                        gap = h[i, s] - c[i, s]
                        more[s] += c[K, s] * gap * gap
            else:
                # log sum exp = top + log(1 + more), the largest output left out of the sum.
                for s in range(B):
                    top[s] = h[0, s]
                    more[s] = ZERO
                for i in range(1, K):
                    for s in range(B):
                        x, y, d = h[i, s], top[s], more[s]
                        e = exp(-abs(x - y))
                        more[s] = e + e * d if x > y else d + e
                        top[s] = x if x > y else y
                for s in range(B):
                    more[s] = c[K, s] * log1p(more[s])
                for i in range(K):
                    for s in range(B):
                        more[s] += c[i, s] * (top[s] - h[i, s])
            total = 0.0
            for s in range(B):
                if c[K, s] != ZERO:
                    total += more[s]
            out[p] += total
