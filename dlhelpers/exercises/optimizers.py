"""Checkers for the exercises of lecture 04: memory, time, a detective, a look ahead, a valley against Adagrad."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlhelpers import descent, objectives
from dlhelpers.exercises.core import call, checker, compare, refuse, to_numpy

#: The detective's suspects, at an unknown learning rate.
SUSPECTS = ("GD", "momentum", "Adagrad", "RMSprop", "Adam")
#: The challenge: steps, rates tried, how many times higher Adagrad must end, the largest condition number.
STEPS, RATES, TIMES, MOST = 150, np.geomspace(1e-4, 10, 41), 1000.0, 1000.0


@checker("memory_for", "half forgotten in time, and no faster than before in the long run")
def check_memory(answer: Any) -> None:
    """``memory_for(half_life, eta)`` -> (lr, gamma) for torch's momentum.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for half_life, eta in ((5, 0.02), (20, 0.3), (1, 0.1)):
        got = call(answer, "memory_for", half_life, eta)
        if not isinstance(got, (tuple, list)) or len(got) != 2:
            refuse("memory_for should return two numbers: the learning rate and gamma")
        gamma = 0.5 ** (1 / half_life)
        natural, share = np.exp(-1 / half_life), 1 - 1 / half_life
        right = np.array([eta * (1 - gamma), gamma])
        given = np.array([to_numpy(part) for part in got], dtype=float)
        slow = np.array([eta, share]) if half_life > 1 else np.full(2, np.nan)
        named = {
            "torch adds gradients up: under a constant one its velocity tends to g/(1 − γ), so η must shrink":
                np.array([eta, gamma]),
            "the factor of η is turned round: torch's steps are 1/(1 − γ) times too long, not too short":
                np.array([eta / (1 - gamma), gamma]),
            "after that many steps γ^h is 1/e, not one half": np.array([eta * (1 - natural), natural]),
            "1 − 1/h is the memory that falls to about 1/e in h steps; you want γ^h to be one half":
                np.array([eta / half_life, share]) if half_life > 1 else np.array([np.nan, np.nan]),
            "γ is what is kept a step, not what is lost": np.array([eta * gamma, 1 - gamma]),
            "the learning rate comes first, then γ": right[::-1],
            "γ is the h-th root of one half, not its h-th power":
                np.array([eta * (1 - 0.5**half_life), 0.5**half_life]) if half_life > 1 else np.full(2, np.nan),
            "γ above 1 makes old gradients count more, not less": np.array([eta * (1 - 1 / gamma), 1 / gamma]),
            "two things: 1 − 1/h falls to about 1/e in h steps, where γ^h should be one half; and torch adds gradients "
            "up, so η must shrink": slow,
            "two things: exp(−1/h) falls to 1/e in h steps, where γ^h should be one half; and torch adds gradients up, "
            "so η must shrink": np.array([eta, natural]),
        }
        known = any(np.allclose(given, wrong, rtol=1e-5, atol=1e-7) for wrong in named.values())
        if given.shape == (2,) and np.isclose(given[1], gamma) and not np.isclose(given[0], right[0]) and not known:
            refuse("memory_for: γ is right; η must make η/(1 − γ), torch's rate in the long run, equal the old rate")
        compare(given, right, "memory_for", named)


@checker("decay_that_arrives", "just enough time")
def check_decay(answer: Any) -> None:
    """``decay_that_arrives(alpha, mu, shrink)`` -> the q for which rates alpha·qᵗ shrink the flat direction so far.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for alpha, mu, shrink in ((0.01, 0.5, 1e-3), (0.005, 0.4, 0.2), (0.002, 3.0, 1e-6)):
        needed = np.log(1 / shrink)
        got = call(answer, "decay_that_arrives", alpha, mu, shrink)
        value = to_numpy(got)
        if value.shape != () or value.dtype.kind not in "fiu" or not np.isfinite(value):
            refuse("decay_that_arrives should return one number, the factor q")
        q = float(value)
        # The oracle walks: 1 - mu·alpha·qᵗ a step until the rates are used up.
        if 0 < q < 1 and q < 1 - 1e-7:
            t = np.arange(int(min(3e6, 40 / (1 - q))) + 1)
            reached = -np.log1p(-mu * alpha * q**t).sum()
            if abs(reached - needed) < 0.01 * needed:
                continue
        compare(1 - q, alpha * mu / needed, "decay_that_arrives: 1 − q", {
            "the curvature is missing: a direction of curvature μ shrinks by exp(−μ · time)": alpha / needed,
            "α is missing: the rates add up to α/(1 − q)": mu / needed,
            "that shrinks by a power of ten too little: the flow's exponential asks for the natural logarithm":
                alpha * mu / np.log10(1 / shrink),
            "that is a logarithm to the base 2: the flow's exponential asks for the natural logarithm":
                alpha * mu / np.log2(1 / shrink),
            "that is the share that a rate loses a step; q is the share that it keeps": 1 - alpha * mu / needed,
            "ln(shrink) is negative: q must be below 1, or the rates grow": -alpha * mu / needed,
            "that is the time the walk needs, not the q that gives it": 1 - needed / mu,
            "that is the sum of the qᵗ, not q": 1 - needed / (alpha * mu),
            "the time needed is a logarithm of shrink, not its inverse": alpha * mu * shrink,
        }, rtol=5e-3)


def _trail(name: str, eta: float, gradients: np.ndarray) -> np.ndarray:
    """The moves of a suspect that meets these gradients, whatever it does."""
    rules = {"GD": descent.GradientStep, "momentum": descent.Momentum, "Adagrad": descent.Adagrad,
             "RMSprop": descent.RMSprop, "Adam": descent.Adam}
    rule, moves = rules[name](eta), []
    rule.begin(gradients[0])
    for t, g in enumerate(gradients):
        moves.append(-rule.step(t, np.zeros_like(g), lambda at, g=g: g))
    return np.array(moves)


@checker("which_rule", "every suspect named by its trail alone")
def check_detective(answer: Any) -> None:
    """``which_rule(gradients, moves)`` -> "GD", "momentum", "Adagrad", "RMSprop" or "Adam".

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(11)
    for round_, eta in enumerate((0.003, 0.2, 1.7)):
        for name in SUSPECTS:
            gradients = rng.normal(size=(12, 3)) * [0.1, 1.0, 20.0] * (1 + 3 * round_)
            got = call(answer, "which_rule", gradients, _trail(name, eta, gradients))
            if got == name:
                continue
            if not isinstance(got, str) or got not in SUSPECTS:
                refuse(f"which_rule should return one of the names {', '.join(SUSPECTS)}")
            pair, plain = {got, name}, {"GD", "momentum"}
            if pair == plain:
                refuse("which_rule mixes up GD and momentum: their first steps are the same, look at a later one")
            if len(pair & plain) == 1:
                refuse("which_rule mixes up the two families: the first move is proportional to the gradient, or "
                       "equally long in all coordinates whatever the gradient")
            if "Adam" in pair:
                refuse("which_rule mixes up Adam with another that divides by a root: only in Adam does a move "
                       "depend on the sign of earlier gradients")
            refuse("which_rule mixes up Adagrad and RMSprop: the first steps cannot tell them apart, since η is "
                   "unknown; one keeps the sum of all squares, the other forgets")


@checker("nesterov_averaged", "the ball ahead, with a velocity that is a mean")
def check_nesterov(answer: Any) -> None:
    """``nesterov_averaged(theta, v, g, eta, gamma)`` -> (theta, v), theta being the point ahead.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(4)
    for gamma in (0.8, 0.6):
        theta, v, g, eta = rng.normal(size=3), rng.normal(size=3), rng.normal(size=3), 0.1
        got = call(answer, "nesterov_averaged", theta, v, g, eta, gamma)
        if not isinstance(got, (tuple, list)) or len(got) != 2:
            refuse("nesterov_averaged should return two things: the new theta and the new velocity")
        new, summed = gamma * v + (1 - gamma) * g, gamma * v + g
        # The oracle moves the ball p itself and looks ahead only then.
        ball = theta + gamma * eta * v - eta * new
        flat = np.concatenate([np.ravel(to_numpy(part)) for part in got])

        def both(a: np.ndarray, b: np.ndarray = new) -> np.ndarray:
            return np.concatenate([a, b])

        compare(flat, both(ball - gamma * eta * new), "nesterov_averaged", {
            "that is torch's form, with a velocity that is a sum; here it is a mean, γv + (1 − γ)g":
                both(theta - eta * (g + gamma * summed), summed),
            "the velocity is a mean, but the bare gradient is a sum's share: it enters the move with 1 − γ":
                both(theta - eta * (g + gamma * new)),
            "that is averaged momentum without a look ahead": both(theta - eta * new),
            "that returns the ball p, not the point ahead of it": both(ball),
            "θ is the point ahead, not the ball: go back to p before you move": both(theta - (1 + gamma) * eta * new),
            "going back from θ to p has the wrong sign: θ = p − γηv":
                both(theta - gamma * eta * v - (1 + gamma) * eta * new),
            "θ is right, but that is the old velocity": both(ball - gamma * eta * new, v),
            "γ and 1 − γ have changed places: γ is the share of the old velocity that stays":
                both(theta - eta * (gamma * g + (1 - gamma) * ((1 - gamma) * v + gamma * g)),
                     (1 - gamma) * v + gamma * g),
            "the sign is turned round: descend": both(theta + eta * ((1 - gamma) * g + gamma * new)),
        })


def _best(A: np.ndarray, start: np.ndarray, adaptive: bool) -> float:
    """The lowest final height over all rates, of Adagrad or of momentum, on ½ θᵀAθ."""
    theta = np.repeat(start[None], len(RATES), 0)                              # (rate, 2)
    memory = np.zeros_like(theta)
    with np.errstate(all="ignore"):
        for _ in range(STEPS):
            g = theta @ A
            if adaptive:
                memory = memory + g**2
                theta = theta - RATES[:, None] * g / (np.sqrt(memory) + 1e-10)
            else:
                memory = 0.9 * memory + g
                theta = theta - RATES[:, None] * memory
        heights = 0.5 * ((theta @ A) * theta).sum(-1)                          # (rate,)
    return float(np.nan_to_num(heights, nan=np.inf).min())


@checker("valley_against_adagrad", "a valley that only a rule without axes can run down")
def check_valley(answer: Any) -> None:
    """``valley_against_adagrad()`` -> (A, start): momentum beats Adagrad a thousandfold on ½ θᵀAθ.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    got = call(answer, "valley_against_adagrad")
    if not isinstance(got, (tuple, list)) or len(got) != 2:
        refuse("valley_against_adagrad should return two things: the matrix A and the start")
    A, start = (np.asarray(to_numpy(part), dtype=float) for part in got)
    if A.shape != (2, 2) or start.shape != (2,) or not (np.isfinite(A).all() and np.isfinite(start).all()):
        refuse("A should be a 2 × 2 matrix and the start two numbers")
    if not np.allclose(A, A.T):
        refuse("A is not symmetric: the gradient of ½ θᵀAθ is then not Aθ")
    curvatures = np.linalg.eigvalsh(A)
    if curvatures[0] <= 0:
        refuse("A is not positive definite: this is a saddle or a trough without a lowest point")
    # A valley of exactly this condition number may have a little more by rounding.
    if curvatures[1] > MOST * curvatures[0] * (1 + 1e-9):
        refuse(f"the condition number is over {MOST:.0f}, more than the exercise allows")
    height = objectives.Quadratic(A).value(start)
    if height <= 0:
        refuse("the start is the minimum: there is nothing to run down")
    if abs(A[0, 1]) < 1e-9 * curvatures[1]:
        refuse("this valley lies along an axis: Adagrad gives each axis its own rate, and it is no valley any more")
    if curvatures[1] < 3 * curvatures[0]:
        refuse("this bowl is nearly round: with all curvatures alike there is nothing that one rate cannot serve")
    adagrad, momentum = _best(A, start, True) / height, _best(A, start, False) / height
    ratio = adagrad / max(momentum, 1e-12)
    if ratio < TIMES:
        flat, steep = np.linalg.eigh(A)[1].T
        if abs(steep @ start) < 1e-6 * np.linalg.norm(start):
            advice = "start off its floor: on it one rate is enough"
        elif abs(flat @ start) < 1e-6 * np.linalg.norm(start):
            advice = "start off both axes of the valley: straight down its wall one rate is enough"
        elif np.abs(steep).min() < np.sin(0.3):
            advice = "turn the valley further from the axes"
        else:
            advice = "make it narrower, or start further out along its floor"
        refuse(f"Adagrad ends {ratio:.2g} times as high as momentum here, not {TIMES:.0f} times: {advice}")
