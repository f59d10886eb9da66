"""The optimisers' loop in the plane, compiled: a hundred thousand steps in a blink.

``descend`` takes the rules of ``rules`` and gives what ``iterate`` gives, on the test
functions of ``objectives``.  It compiles the same ``formulas`` that the rules call, so
that none is written twice.  numba is imported at the first call, which also compiles (a
few seconds, once a session); where numba is missing, ``iterate`` does the work.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from dlhelpers import checks
from dlhelpers.descent import formulas, rules
from dlhelpers.descent.iterates import GradientStep, Iterates, Rule, iterate
from dlhelpers.objectives import TEST_FUNCTIONS, TestFunction

_NAMES = list(TEST_FUNCTIONS)
GRADIENT, MOMENTUM, NESTEROV, ADAGRAD, ADADELTA, RMSPROP, ADAM = range(7)


class Method(NamedTuple):
    """A rule as the compiled loop sees it: its number, its constants."""

    number: int
    momentum: float = 0.0
    rho: float = 0.0
    eps: float = 0.0
    gain: float = 1.0
    correct: bool = True
    amsgrad: bool = False


def _method(rule: Rule) -> tuple[Callable[[int], float], Method]:
    """The step size of a rule and its compiled form."""
    # The exact types: a subclass may step otherwise.
    if type(rule) is GradientStep:
        return rule.eta, Method(GRADIENT)
    if type(rule) is rules.Momentum:
        return rule.eta, Method(MOMENTUM, rule.momentum, gain=rule.gain)
    if type(rule) is rules.Nesterov:
        return rule.eta, Method(NESTEROV, rule.momentum)
    if type(rule) is rules.Adagrad:
        return rule.eta, Method(ADAGRAD, eps=rule.eps)
    if type(rule) is rules.Adadelta:
        return rule.eta, Method(ADADELTA, rho=rule.rho, eps=rule.eps)
    if type(rule) is rules.RMSprop:
        return rule.eta, Method(RMSPROP, rho=rule.rho, eps=rule.eps)
    if type(rule) is rules.Adam:
        return rule.eta, Method(ADAM, rule.momentum, rule.rho, rule.eps, correct=rule.correct, amsgrad=rule.amsgrad)
    raise TypeError(f"rule must be GradientStep, Momentum, Nesterov, Adagrad, Adadelta, RMSprop or Adam here, "
                    f"got {type(rule).__name__}: use iterate")


def _loop(slopes: Any, move: Any, which: int, method: Any, etas: Any, noise: Any, limit: float, points: Any) -> int:
    """Fill ``points`` (T+1, 2) from row 1 on; returns how many steps stayed within ``limit``."""
    g, theta, memory = np.zeros(2), points[0].copy(), np.zeros((2, 3))
    for t in range(len(etas)):
        _, g[0], g[1] = slopes(which, theta[0], theta[1])
        for i in range(2):
            d = g[i]
            if noise.size > 0:
                d += noise[t, i]
            theta[i] -= etas[t] * move(method, d, memory[i], t)
        if not (abs(theta[0]) <= limit and abs(theta[1]) <= limit):
            return t
        points[t + 1, 0], points[t + 1, 1] = theta[0], theta[1]
    return len(etas)


@functools.cache
def kernel() -> Any:
    """The compiled loop for all test functions and rules.

    :returns: the loop, or None, with a warning, where numba is missing.
    """
    try:
        import numba
    except ImportError as error:
        warnings.warn(f"numba cannot be imported ({error}): steps will be taken by numpy", RuntimeWarning, stacklevel=2)
        return None
    # Only the loop is called from Python: the parts need no way in from there, which halves the compiling.
    part = numba.njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)  # type: ignore[call-overload]
    return functools.partial(numba.njit(error_model="numpy")(_loop), _slopes(part), _move(part))


def _slopes(compiled: Callable[[Any], Any]) -> Any:
    """One compiled function for all test functions: (which, x, y) to value and slopes."""
    valley, turned, saddle, ripples = (compiled(TEST_FUNCTIONS[name].function)
                                       for name in ("valley", "turned valley", "saddle", "ripples"))
    rosenbrock = compiled(TEST_FUNCTIONS["Rosenbrock"].function)

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

    return slopes


def _move(compiled: Callable[[Any], Any]) -> Any:
    """One compiled function for all rules: (method, gradient, memory (3,), t) to the move."""
    by_momentum, by_nesterov = compiled(formulas.momentum_move), compiled(formulas.nesterov_move)
    by_adagrad, by_adadelta = compiled(formulas.adagrad_move), compiled(formulas.adadelta_move)
    by_rmsprop, by_adam = compiled(formulas.rmsprop_move), compiled(formulas.adam_move)

    @compiled
    def move(method: Any, g: float, m: Any, t: int) -> float:
        step = g
        if method.number == MOMENTUM:
            step, m[0] = by_momentum(g, m[0], method.momentum, method.gain)
        elif method.number == NESTEROV:
            step, m[0] = by_nesterov(g, m[0], method.momentum)
        elif method.number == ADAGRAD:
            step, m[0] = by_adagrad(g, m[0], method.eps)
        elif method.number == ADADELTA:
            step, m[0], m[1] = by_adadelta(g, m[0], m[1], method.rho, method.eps)
        elif method.number == RMSPROP:
            step, m[0] = by_rmsprop(g, m[0], method.rho, method.eps)
        elif method.number == ADAM:
            step, m[0], m[1], m[2] = by_adam(g, m[0], m[1], m[2], t, method.momentum, method.rho, method.eps,
                                             method.correct, method.amsgrad)
        return step

    return move


def descend(function: str, start: Any, rule: Rule, T: int, *, noise: Any = None, limit: float = 1e12) -> Iterates:
    """``T`` compiled steps of ``rule`` on a test function; the same run as ``iterate``'s.

    :param function: its name in ``objectives.TEST_FUNCTIONS``.
    :param start: the first point, (2,), or None for the function's own.
    :param rule: a gradient step or one of ``rules`` with a compiled form (no Armijo, no Noisy).
    :param T: steps, at least 1.
    :param noise: added to the gradients, (T, 2); None for none.
    :param limit: an iterate with an entry beyond it counts as diverged.
    :returns: the iterates, T + 1 of them unless the run diverged.
    :raises TypeError: if the rule has no compiled form.
    :raises ValueError: if the name is unknown, a shape does not fit, or numba, which noise needs, is missing.
    """
    checks.one_of(function, "function", _NAMES)
    objective = TestFunction(function)
    T, limit = checks.integer(T, "T", at_least=1), checks.positive(limit, "limit")
    checks.instance(rule, "rule", Rule)
    eta, method = _method(rule)
    first = np.asarray(checks.array(objective.start if start is None else start, "start", shape=(2,)), np.float64)
    extra = np.empty((0, 2)) if noise is None else np.asarray(checks.array(noise, "noise", shape=(T, 2)), np.float64)
    loop = kernel()
    if loop is None:
        if noise is not None:
            raise ValueError("noise needs numba, which is missing here")
        return iterate(objective, first, rule, T, limit=limit)
    points = np.empty((T + 1, 2))
    points[0] = first
    etas = np.fromiter((eta(t) for t in range(T)), np.float64, T)
    steps = loop(_NAMES.index(function), method, etas, extra, limit, points)
    points = points[:steps + 1]
    return Iterates(points, objective._value(points), np.linalg.norm(objective._gradient(points), axis=-1),
                    None if steps == T else steps + 1)
