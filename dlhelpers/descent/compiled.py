"""The optimisers' loop in the plane, compiled: a hundred thousand steps in a blink.

``descend`` takes the rules of ``rules`` and gives what ``iterate`` gives, for the
landscapes of ``planes``.  numba is imported at the first call, which also compiles (two
seconds or so, once a session); where numba is missing, ``iterate`` does the work.
"""

from __future__ import annotations

import functools
import math
import warnings
from typing import Any

import numpy as np

from dlhelpers import checks
from dlhelpers.descent import planes, rules
from dlhelpers.descent.iterates import GradientStep, Rule, Trajectory, iterate

_NAMES = list(planes.PLANES)


def _codes(rule: Rule) -> tuple[int, float, float, float, float]:
    """Method number, then beta (or rho), gamma, eps and the gain on the gradient."""
    kind = type(rule)
    if kind is GradientStep:
        return 0, 0.0, 0.0, 0.0, 1.0
    if kind is rules.Momentum:
        return 1, rule.beta, 0.0, 0.0, rule.gain
    if kind is rules.Nesterov:
        return 2, rule.beta, 0.0, 0.0, 1.0
    if kind is rules.Adagrad:
        return 3, 0.0, 0.0, rule.eps, 1.0
    if kind is rules.Adadelta:
        return 4, rule.rho, 0.0, rule.eps, 1.0
    if kind is rules.RMSprop:
        return 5, 0.0, rule.gamma, rule.eps, 1.0
    if kind is rules.Adam and rule.correct and not rule.amsgrad:
        return 6, rule.beta, rule.gamma, rule.eps, 1.0
    raise TypeError(f"rule must be GradientStep, Momentum, Nesterov, Adagrad, Adadelta, RMSprop or plain Adam here, "
                    f"got {kind.__name__}: use iterate")


def _loop(slopes: Any, which: int, method: int, etas: Any, beta: float, gamma: float, eps: float, gain: float, noise: Any,
          limit: float, points: Any) -> int:
    """Fill ``points`` (T+1, 2) from row 1 on; returns how many steps stayed within ``limit``."""
    v, s, u = np.zeros(2), np.zeros(2), np.zeros(2)
    g, theta = np.zeros(2), points[0].copy()
    decay_v, decay_s = 1.0, 1.0
    for t in range(len(etas)):
        _, g[0], g[1] = slopes(which, theta[0], theta[1])
        decay_v, decay_s = decay_v * beta, decay_s * gamma
        for i in range(2):
            d = g[i]
            if noise.size > 0:
                d += noise[t, i]
            if method == 0:
                move = d
            elif method <= 2:
                v[i] = beta * v[i] + gain * d
                move = v[i] if method == 1 else d + beta * v[i]
            elif method == 4:
                s[i] = beta * s[i] + (1 - beta) * d * d
                move = math.sqrt(u[i] + eps) / math.sqrt(s[i] + eps) * d
                u[i] = beta * u[i] + (1 - beta) * move * move
            elif method == 6:
                v[i] = beta * v[i] + (1 - beta) * d
                s[i] = gamma * s[i] + (1 - gamma) * d * d
                top = v[i] / (1 - decay_v)
                move = top / (math.sqrt(s[i] / (1 - decay_s)) + eps) if top != 0 else 0.0
            else:
                s[i] = s[i] + d * d if method == 3 else gamma * s[i] + (1 - gamma) * d * d
                move = d / (math.sqrt(s[i]) + eps) if d != 0 else 0.0
            theta[i] -= etas[t] * move
        if not (abs(theta[0]) <= limit and abs(theta[1]) <= limit):
            return t
        points[t + 1, 0], points[t + 1, 1] = theta[0], theta[1]
    return len(etas)


@functools.cache
def kernel() -> Any:
    """The compiled loop for all landscapes; None, with a warning, where numba is missing."""
    try:
        import numba
    except ImportError as error:
        warnings.warn(f"numba cannot be imported ({error}): steps will be taken by numpy", RuntimeWarning, stacklevel=2)
        return None
    compiled = numba.njit(error_model="numpy")
    valley, turned, rosenbrock, saddle, ripples = (compiled(function) for function, *_ in planes.PLANES.values())

    @compiled
    def slopes(which: int, x: float, y: float) -> tuple[float, float, float]:
        if which == 0:
            return valley(x, y)
        if which == 1:
            return turned(x, y)
        if which == 2:
            return rosenbrock(x, y)
        if which == 3:
            return saddle(x, y)
        return ripples(x, y)

    return functools.partial(compiled(_loop), slopes)


def descend(plane: str, start: Any, rule: Rule, T: int, *, noise: Any = None, limit: float = 1e12) -> Trajectory:
    """``T`` compiled steps of ``rule`` on the landscape called ``plane``; the same run as ``iterate``'s.

    :param start: (2,), or None for the landscape's own.
    :param noise: (T, 2), added to the gradients; None for none.
    :raises TypeError: if the rule has no compiled form.
    """
    checks.one_of(plane, "plane", _NAMES)
    objective = planes.Plane(plane)
    T, limit = checks.integer(T, "T", at_least=1), checks.positive(limit, "limit")
    checks.instance(rule, "rule", Rule)
    method, *constants = _codes(rule)
    first = np.asarray(checks.array(objective.start if start is None else start, "start", shape=(2,)), np.float64)
    extra = np.empty((0, 2)) if noise is None else np.asarray(checks.array(noise, "noise", shape=(T, 2)), np.float64)
    loop = kernel()
    if loop is None:
        if noise is not None:
            raise ValueError("noise needs numba, which is missing here")
        return iterate(objective, first, rule, T, limit=limit)
    points = np.empty((T + 1, 2))
    points[0] = first
    etas = np.fromiter((rule.eta(t) for t in range(T)), np.float64, T)
    steps = loop(_NAMES.index(plane), method, etas, *constants, extra, limit, points)
    points = points[:steps + 1]
    return Trajectory(points, objective._value(points), np.linalg.norm(objective._gradient(points), axis=-1),
                      None if steps == T else steps + 1)
