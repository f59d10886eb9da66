r"""The optimisers' formulas, each written once: for arrays, and number by number in the compiled loop.

g is the gradient, v a velocity or mean of gradients, s a mean or sum of squared gradients;
t counts the steps from 0.  The coefficient of momentum is γ (``momentum``, as in torch),
the share of the past that a mean of squares keeps is ρ (``rho``), so that β stays free for
the smoothness.  Each function returns the move first (a step goes from θ to θ - η·move),
then its memory.  Where ``eps`` stands matters: it is written out.  A numerator of 0 gives
0, even over 0: the ``== 0`` in a denominator adds 1 there, and an entry that has seen no
gradient stays where it is with eps = 0 too.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def momentum_move(g: Any, v: Any, momentum: float, gain: float) -> Any:
    r"""A ball that keeps its speed.

    .. math:: v \leftarrow \gamma v + \text{gain}\, g, \qquad \text{move} = v

    :param g: gradient.
    :param v: velocity.
    :param momentum: γ.
    :param gain: 1, or 1 - γ for an average.
    :returns: move and new velocity.
    """
    v = momentum * v + gain * g
    return v, v


def nesterov_move(g: Any, v: Any, momentum: float) -> Any:
    r"""A ball that looks ahead.

    .. math:: v \leftarrow \gamma v + g, \qquad \text{move} = g + \gamma v

    :param g: gradient.
    :param v: velocity.
    :param momentum: γ.
    :returns: move and new velocity.
    """
    v = momentum * v + g
    return g + momentum * v, v


def adagrad_move(g: Any, s: Any, eps: float) -> Any:
    r"""The gradient over the root of all squares so far.

    .. math:: s \leftarrow s + g^2, \qquad \text{move} = g/(\sqrt s + \epsilon)

    :param g: gradient.
    :param s: sum of squares.
    :param eps: ε, added to the root.
    :returns: move and new sum.
    """
    s = s + g * g
    return g / (np.sqrt(s) + eps + (g == 0)), s


def rmsprop_move(g: Any, s: Any, rho: float, eps: float) -> Any:
    r"""The gradient over the root of the recent mean square.

    .. math:: s \leftarrow \rho s + (1-\rho) g^2, \qquad \text{move} = g/(\sqrt s + \epsilon)

    :param g: gradient.
    :param s: mean square.
    :param rho: ρ.
    :param eps: ε, added to the root.
    :returns: move and new mean square.
    """
    s = rho * s + (1 - rho) * g * g
    return g / (np.sqrt(s) + eps + (g == 0)), s


def adadelta_move(g: Any, s: Any, u: Any, rho: float, eps: float) -> Any:
    r"""A move as long as the recent moves.

    .. math:: s \leftarrow \rho s + (1-\rho) g^2, \quad
              \text{move} = \frac{\sqrt{u + \epsilon}}{\sqrt{s + \epsilon}}\, g, \quad
              u \leftarrow \rho u + (1-\rho)\,\text{move}^2

    :param g: gradient.
    :param s: mean square of the gradients.
    :param u: mean square of the moves.
    :param rho: ρ.
    :param eps: ε, under both roots.
    :returns: move and both new mean squares.
    """
    s = rho * s + (1 - rho) * g * g
    move = np.sqrt(u + eps) / np.sqrt(s + eps) * g
    return move, s, rho * u + (1 - rho) * move * move


def adam_move(g: Any, v: Any, s: Any, largest: Any, t: int, momentum: float, rho: float, eps: float,
              correct: bool, amsgrad: bool) -> Any:
    r"""The mean gradient over the root of the mean square, both corrected for their start at zero.

    .. math:: v \leftarrow \gamma v + (1-\gamma) g, \quad s \leftarrow \rho s + (1-\rho) g^2, \quad
              \text{move} = \frac{v}{1-\gamma^{t+1}} \Big/
              \Bigl(\sqrt{\frac{s}{1-\rho^{t+1}}} + \epsilon\Bigr)

    :param g: gradient.
    :param v: mean gradient.
    :param s: mean square.
    :param largest: the largest mean square so far.
    :param t: the step, from 0.
    :param momentum: γ.
    :param rho: ρ.
    :param eps: ε, added to the root.
    :param correct: whether both means are divided by their corrections.
    :param amsgrad: whether the largest mean square takes the place of the present one.
    :returns: move, and the new v, s and largest.
    """
    v = momentum * v + (1 - momentum) * g
    s = rho * s + (1 - rho) * g * g
    largest = np.maximum(largest, s)
    v_hat, s_hat = v, (largest if amsgrad else s)
    if correct:
        v_hat, s_hat = v_hat / (1 - momentum ** (t + 1)), s_hat / (1 - rho ** (t + 1))
    return v_hat / (np.sqrt(s_hat) + eps + (v_hat == 0)), v, s, largest
