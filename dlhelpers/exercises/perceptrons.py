"""Checkers for the exercises of lecture 05: gates, Rosenblatt's rule, its bound, a memory."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from dlhelpers.exercises.core import call, checker, compare, refuse
from dlhelpers.models import energy


@checker("majority_gate", "one unit fires exactly when most of its inputs do")
def check_majority(answer: Any) -> None:
    """``majority_gate(n)`` -> (w, threshold) of one unit that fires for more than n/2 ones.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for n in (3, 5, 7):
        w, threshold = call(answer, "majority_gate", n)
        w = np.asarray(w, float)
        if w.shape != (n,):
            refuse(f"majority_gate({n}) should give {n} weights, got shape {w.shape}")
        for x in itertools.product([0, 1], repeat=n):
            fires, right = w @ np.array(x) >= threshold, sum(x) > n / 2
            if fires and not right:
                refuse(f"majority_gate({n}) fires for {x}, which has only {sum(x)} ones: "
                       "the threshold is too low")
            if right and not fires:
                refuse(f"majority_gate({n}) is silent for {x}, which has {sum(x)} ones: "
                       "the threshold is too high")


@checker("perceptron_step", "it learns from mistakes only, and by the right amount")
def check_step(answer: Any) -> None:
    """``perceptron_step(w, b, x, y)`` -> (w, b) after seeing one example.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(3)
    cases = [(rng.normal(size=3), rng.normal(), rng.normal(size=3), label) for label in (1, -1) for _ in range(6)]
    cases.append((np.zeros(3), 0.0, np.array([1.0, 2.0, 3.0]), 1))
    for w, b, x, y in cases:
        wrong = y * (w @ x + b) <= 0
        right = np.append(w + y * x, b + y) if wrong else np.append(w, b)
        without_bias = np.append(w + y * x, b + y) if y * (w @ x) <= 0 else np.append(w, b)
        got = call(answer, "perceptron_step", w, b, x, y)
        if not isinstance(got, (tuple, list)) or len(got) != 2:
            refuse("perceptron_step should return two things: the weights and the bias")
        got = np.append(np.asarray(got[0], float), float(got[1]))
        if wrong and np.allclose(got, np.append(w, b)) and np.allclose(w, 0):
            refuse("perceptron_step: a score of exactly 0 counts as a mistake; otherwise learning "
                   "never starts from zero weights")
        compare(got, right, "perceptron_step", {
            "it changes the weights of an example that is already right: learn from mistakes only":
                np.append(w + y * x, b + y) if not wrong else np.full(4, np.nan),
            "the label is missing: add y·x, so that class −1 pushes the other way":
                np.append(w + x, b + 1) if y < 0 and wrong else np.full(4, np.nan),
            "the bias is not updated": np.append(w + y * x, b),
            "the step is half as long as asked for: add y·x and y themselves": np.append(w + y * x / 2, b + y / 2),
            "the bias is forgotten when the score is taken: w·x + b decides":
                without_bias if not np.allclose(without_bias, right) else np.full(4, np.nan),
            "the sign is turned round: this makes the mistake worse": np.append(w - y * x, b - y),
        })


@checker("mistake_bound", "(R/γ)², with and without a bias")
def check_bound(answer: Any) -> None:
    """``mistake_bound(X, y, w_star, bias)`` -> Novikoff's bound for a separating direction.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(8)
    for bias in (False, True):
        w = rng.normal(size=4) * 3
        X = rng.normal(size=(30, 4))
        X = X + 0.5 * np.sign(X @ w)[:, None] * w / np.linalg.norm(w)
        y = np.sign(X @ w)
        gamma, R2 = (y * (X @ w)).min() / np.linalg.norm(w), (X**2).sum(1).max()
        compare(call(answer, "mistake_bound", X, y, w, bias), (R2 + bias) / gamma**2, "mistake_bound", {
            "the direction must have length 1 before its margin is measured":
                (R2 + bias) / (gamma * np.linalg.norm(w)) ** 2,
            "the bound is the square of R/γ": np.sqrt(R2 + bias) / gamma,
            "the bias adds 1 to R², not to R: an input (x, 1) has the squared length ‖x‖² + 1":
                (np.sqrt(R2) + 1) ** 2 / gamma**2 if bias else np.nan,
            "the bias is an extra input of 1: it turns R² into R² + 1": R2 / gamma**2 if bias else np.nan,
            "γ is the smallest of the margins, not their mean":
                (R2 + bias) / ((y * (X @ w)).mean() / np.linalg.norm(w)) ** 2,
        })


@checker("hopfield_weights", "symmetric, without self-connections, and the patterns are remembered")
def check_hopfield(answer: Any) -> None:
    """``hopfield_weights(patterns)`` -> (N, N) Hebbian weights of ±1 patterns (P, N).

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    patterns = np.random.default_rng(4).choice([-1.0, 1.0], size=(4, 60))
    right = energy.Hopfield(patterns).W
    raw = patterns.T @ patterns
    compare(call(answer, "hopfield_weights", patterns), right, "hopfield_weights", {
        "the diagonal must be zero: a unit does not listen to itself": raw / 60,
        "two things at once: divide by the number of units N, and set the diagonal to zero": raw,
        "divide by the number of units N": raw - np.diag(np.diag(raw)),
        "divide by the number of units N, not by the number of patterns": (raw - np.diag(np.diag(raw))) / 4,
    })
