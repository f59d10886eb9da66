"""Checkers for the exercises of lecture 04: a schedule, momentum, a line search, Adam."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlhelpers import objectives
from dlhelpers.exercises.core import call, checker, compare, refuse


@checker("warm_up_cosine", "up in a straight line, down in half a cosine")
def check_schedule(answer: Any) -> None:
    """``warm_up_cosine(t, T, warm, top)`` -> the learning rate of step t = 0 … T - 1.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for T, warm, top in ((100, 10, 0.5), (60, 1, 2.0)):
        for t in (0, warm - 1, warm, (T + warm) // 2, T - 1):
            share = (t - warm) / (T - warm)
            right = top * (t + 1) / warm if t < warm else top * (1 + np.cos(np.pi * share)) / 2
            got = call(answer, "warm_up_cosine", t, T, warm, top)
            compare(got, right, f"warm_up_cosine at t = {t}, T = {T}, warm = {warm}", {
                "the warm-up starts at top/warm, not at 0: step 0 must move": top * t / warm if t < warm else np.nan,
                "the cosine must fall to 0 over the T − warm steps that are left, not over T":
                    top * (1 + np.cos(np.pi * t / T)) / 2 if t >= warm else np.nan,
                "the last step, T − 1, is not the end of the cosine: divide by T − warm, not by T − 1 − warm":
                    top * (1 + np.cos(np.pi * (t - warm) / (T - 1 - warm))) / 2 if t > warm else np.nan,
                "the cosine starts when the warm-up ends: count from t − warm":
                    top * (1 + np.cos(np.pi * t / (T - warm))) / 2 if t >= warm else np.nan,
                "half of 1 + cos: otherwise the rate starts at twice the top": 2 * right if t >= warm else np.nan,
            })


@checker("momentum_step", "velocity first, then the step, and nothing is overwritten")
def check_momentum(answer: Any) -> None:
    """``momentum_step(theta, v, g, eta, beta)`` -> (theta, v) after one step in torch's convention.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(2)
    for beta in (0.9, 0.5):
        theta, v, g, eta = rng.normal(size=4), rng.normal(size=4), rng.normal(size=4), 0.1
        got = call(answer, "momentum_step", theta, v, g, eta, beta)
        if not isinstance(got, (tuple, list)) or len(got) != 2:
            refuse("momentum_step should return two things: the new theta and the new velocity")
        new = beta * v + g
        mean = beta * v + (1 - beta) * g
        got = np.concatenate([np.ravel(got[0]), np.ravel(got[1])])
        compare(got, np.concatenate([theta - eta * new, new]), "momentum_step", {
            "this is lecture N's average, βv + (1 − β)g; torch's velocity is βv + g":
                np.concatenate([theta - eta * mean, mean]),
            "the step uses the old velocity: update v first": np.concatenate([theta - eta * v, new]),
            "the sign is turned round: descend, theta − ηv": np.concatenate([theta + eta * new, new]),
            "that is Nesterov's step, η(g + βv)": np.concatenate([theta - eta * (g + beta * new), new]),
            "the learning rate belongs into the step, not into the velocity":
                np.concatenate([theta - (beta * v + eta * g), beta * v + eta * g]),
        })


@checker("armijo", "the longest step that earns its share, and no longer one")
def check_armijo(answer: Any) -> None:
    """``armijo(f, gradient, theta, eta, c)`` -> the first of eta, eta/2, eta/4, … that lowers f enough.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    bowl, banana = objectives.TestFunction("valley"), objectives.TestFunction("Rosenbrock")
    # In the first case all mistakes give different rates.
    for plane, at, start, c in ((bowl, [0.923, 0.0], 2.4, 0.9), (banana, [0.2, -0.2], 1.0, 1e-4),
                                (banana, [-1.0, 0.5], 1.0, 0.4)):
        theta = np.array(at)
        g = plane.gradient(theta)

        def search(demand: float, plane: objectives.TestFunction = plane, theta: np.ndarray = theta, g: np.ndarray = g,
                   eta: float = start) -> float:
            while plane.value(theta - eta * g) > plane.value(theta) - demand * eta:
                eta /= 2
            return eta

        right = search(c * float(g @ g))
        got = call(answer, "armijo", plane.value, plane.gradient, theta, start, c)
        compare(got, right, "armijo", {
            "any decrease is accepted: ask for c·η·‖g‖² of it": search(0.0),
            "c is not used: a fixed share of one half is asked for in its place": search(0.5 * float(g @ g)),
            "the demand is c·η·‖g‖², the squared length of the gradient": search(c * float(np.linalg.norm(g))),
            "one halving too many: return the rate that passed the test": right / 2,
            "one halving too few: this rate has failed the test": right * 2,
        })


@checker("adam_step", "both moments, both corrections, ε in its place")
def check_adam(answer: Any) -> None:
    """``adam_step(theta, v, s, g, t, eta, beta, gamma, eps)`` -> (theta, v, s), the first step having t = 0.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(5)
    for t in (0, 1, 7):
        theta, v, g = rng.normal(size=3), rng.normal(size=3) * (t > 0), rng.normal(size=3)
        s = rng.random(3) * (t > 0)
        eta, beta, gamma, eps = 0.1, 0.8, 0.95, 0.05
        got = call(answer, "adam_step", theta, v, s, g, t, eta, beta, gamma, eps)
        if not isinstance(got, (tuple, list)) or len(got) != 3:
            refuse("adam_step should return three things: the new theta, v and s")
        new_v, new_s = beta * v + (1 - beta) * g, gamma * s + (1 - gamma) * g**2
        b, c = 1 - beta ** (t + 1), 1 - gamma ** (t + 1)

        def whole(theta_new: np.ndarray, a: np.ndarray = new_v, z: np.ndarray = new_s) -> np.ndarray:
            return np.concatenate([theta_new, a, z])

        hat_v, hat_s = new_v / b, new_s / c
        v_turned, s_turned = gamma * v + (1 - gamma) * g, beta * s + (1 - beta) * g**2
        exchanged = whole(theta - eta * v_turned / c / (np.sqrt(s_turned / b) + eps), v_turned, s_turned)
        late_v = new_v / (1 - beta**t) if t else np.full(3, np.nan)
        late_s = new_s / (1 - gamma**t) if t else np.full(3, np.nan)
        flat = np.concatenate([np.ravel(part) for part in got])
        compare(flat, whole(theta - eta * hat_v / (np.sqrt(hat_s) + eps)), "adam_step", {
            "the moments are not corrected: divide v by 1 − β^(t+1) and s by 1 − γ^(t+1)":
                whole(theta - eta * new_v / (np.sqrt(new_s) + eps)),
            "the corrections use t: with t = 0 in the first step the power is t + 1":
                whole(theta - eta * late_v / (np.sqrt(late_s) + eps)),
            "ε stands under the root: it is added after the root": whole(theta - eta * hat_v / np.sqrt(hat_s + eps)),
            "the root is missing: divide by √ŝ": whole(theta - eta * hat_v / (hat_s + eps)),
            "β and γ are exchanged: β keeps the mean of g, γ the mean of g²": exchanged,
            "the sign is turned round: descend": whole(theta + eta * hat_v / (np.sqrt(hat_s) + eps)),
            "return v and s as they are; their corrected forms are for this step only":
                whole(theta - eta * hat_v / (np.sqrt(hat_s) + eps), hat_v, hat_s),
        })
