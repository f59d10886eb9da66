"""Checkers for the exercises of lecture 05: a gate, a pocket, a bound, a broken memory."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from dlhelpers import data
from dlhelpers.exercises.core import call, checker, compare, refuse
from dlhelpers.models import energy, perceptrons


@checker("majority_gate", "one unit fires exactly when most of its inputs do")
def check_majority(answer: Any) -> None:
    """``majority_gate(n)`` -> (w, threshold) of one unit that fires for more than n/2 ones.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for n in (3, 5, 7):
        w, threshold = call(answer, "majority_gate", n)
        w, threshold = np.asarray(w, float), float(threshold)
        if w.shape != (n,):
            refuse(f"majority_gate({n}) should give {n} weights, got shape {w.shape}")
        inputs = np.array(list(itertools.product([0, 1], repeat=n)))
        right, sums = inputs.sum(1) > n / 2, inputs @ w
        fires = sums >= threshold
        if (fires == right).all():
            continue
        if ((sums >= -threshold) == right).all():
            refuse(f"majority_gate({n}): this is a bias, for w·x + b ≥ 0; asked for is the threshold, which is −b")
        if np.ptp(w) > 1e-9:
            refuse(f"majority_gate({n}): the inputs have unequal votes, so it matters which of them are on; "
                   "give each the same weight")
        if w[0] <= 0:
            refuse(f"majority_gate({n}): more ones make the sum smaller, or leave it as it is: the sign of the weights")
        x = tuple(int(v) for v in inputs[(fires != right).argmax()])
        if fires[(fires != right).argmax()]:
            refuse(f"majority_gate({n}) fires for {x}, which has only {sum(x)} ones: the threshold is too low")
        refuse(f"majority_gate({n}) is silent for {x}, which has {sum(x)} ones: the threshold is too high")


def _states(X: np.ndarray, y: np.ndarray, epochs: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights and bias after each correction (M + 1, d + 1), and how many points each has wrong."""
    history = perceptrons.perceptron(X, y, epochs=epochs).history
    return history, (y * (history @ np.c_[X, np.ones(len(X))].T) <= 0).sum(1)


@checker("pocket", "it trains on data that no line separates, and keeps the best that it has seen")
def check_pocket(answer: Any) -> None:
    """``pocket(X, y, epochs)`` -> (w, b): the best weights among those that Rosenblatt's rule passes through.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for seed in (3, 5, 6):
        points, labels = data.toy.blobs(n=60, distance=1.5, seed=seed)
        X, y = points.double().numpy(), 2.0 * labels.numpy() - 1
        got = call(answer, "pocket", X, y, 10)
        if not isinstance(got, (tuple, list)) or len(got) != 2 or np.shape(got[0]) != (2,) or np.ndim(got[1]):
            refuse("pocket should return two things: the weights, of shape (2,), and the bias, a number")
        line = np.append(np.asarray(got[0], float), float(got[1]))
        if not np.isfinite(line).all():
            refuse("pocket returned weights that are not finite")
        wrong = int((y * (X @ line[:2] + line[2]) <= 0).sum())
        history, counts = _states(X, y, 10)
        best, last = int(counts.min()), history[-1]
        ends = [_states(X, y, k)[0][-1] for k in range(1, 11)]
        at_ends = min(int((y * (X @ e[:2] + e[2]) <= 0).sum()) for e in ends)
        if wrong <= best:
            continue
        if np.allclose(line, last):
            refuse(f"pocket: these are the last weights, {wrong} of 60 points wrong; on the way it had better ones. "
                   "Keep a copy of the best: a pocket that holds the same array changes with it")
        if np.allclose(line, 0):
            refuse("pocket: these are the weights before any correction; count the mistakes on all points after each")
        if any(np.allclose(line, e) for e in ends) and wrong == at_ends:
            refuse("pocket: this is the best line at the end of an epoch; better ones come up between: look after "
                   "each correction")
        if np.allclose(line, history[counts.argmax()]) or wrong > 30:
            refuse(f"pocket: {wrong} of 60 points are wrong; is a comparison or a sign turned round?")
        if not np.isclose(history, line).all(1).any():
            refuse(f"pocket: {wrong} of 60 points are wrong, and Rosenblatt's rule (from zero weights, the points in "
                   "the given order, a score of 0 counts as a mistake) never comes by these weights")
        refuse(f"pocket: {wrong} of 60 points are wrong; the rule came by a better line. "
               "Compare with the best so far, on all points and not on one")


@checker("mistake_bound", "R and γ in the space with the bias, and no promise for a line that fails")
def check_bound(answer: Any) -> None:
    """``mistake_bound(X, y, w, b)`` -> the bound that the line w·x + b = 0 proves for a perceptron with a bias.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(8)
    for _ in range(3):
        w, b = rng.normal(size=5) * 3, float(rng.normal() * 6 + 8)
        length = np.linalg.norm(w)
        X = rng.normal(size=(30, 5)) - b * w / length**2
        X = X + 0.5 * np.sign(X @ w + b)[:, None] * w / length
        y, score = np.sign(X @ w + b), X @ w + b
        R2, full = (X**2).sum(1).max(), np.sqrt(length**2 + b**2)
        margins = y * score
        gamma = margins.min() / full
        right = (R2 + 1) / gamma**2
        got = call(answer, "mistake_bound", X, y, w, b)
        if np.ndim(got) == 0 and np.isclose(float(got), np.floor(right), atol=1e-6):
            continue        # mistakes are whole: a sharper theorem
        norms = np.linalg.norm(X, axis=1)
        compare(got, right, "mistake_bound", {
            "γ is the distance from the line, but the theorem wants the margin of a unit vector in the space with the "
            "bias: divide by the length of (w, b)": (R2 + 1) / (margins.min() / length) ** 2,
            "neither number is measured in the space with the bias": R2 / (margins.min() / length) ** 2,
            "(w, b) must have length 1 before its margin is measured": (R2 + 1) / margins.min() ** 2,
            "divide the margin by the length of (w, b), not by its square": (R2 + 1) / (margins.min() / full**2) ** 2,
            "R is not measured in the space with the bias: an input (x, 1) is longer than x": R2 / gamma**2,
            "the bias adds 1 to R², not to R": (np.sqrt(R2) + 1) ** 2 / gamma**2,
            "R must be squared before the 1 is added": (np.sqrt(R2) + 1) / gamma**2,
            "the bound is the square of R/γ": np.sqrt(R2 + 1) / gamma,
            "γ is half the width of the street": (R2 + 1) / (2 * gamma) ** 2,
            "γ is the smallest of the margins, not their mean": (R2 + 1) / (margins.mean() / full) ** 2,
            "γ is the smallest of the margins, not their median": (R2 + 1) / (np.median(margins) / full) ** 2,
            "R is the largest length of an input, not the mean": ((norms**2).mean() + 1) / gamma**2,
            "R is the largest length of an input; this is the mean": (norms.mean() ** 2 + 1) / gamma**2,
            "R is the largest length of one input, not that of the whole matrix": ((X**2).sum() + 1) / gamma**2,
            "R belongs to an input, a row; this is the largest single entry": ((X**2).max() + 1) / gamma**2,
            "the margin is y (w·x + b): b is missing": (R2 + 1) / ((y * (X @ w)).min() / full) ** 2,
            "the label is missing: the margin is y (w·x + b)": (R2 + 1) / (score.min() / full) ** 2,
        })
        y = y.copy()
        y[7] = -y[7]
        failed = call(answer, "mistake_bound", X, y, w, b)
        if not np.isinf(float(failed)):
            refuse("mistake_bound: here one label is turned round, so this line does not separate the points and "
                   "proves nothing; infinity was asked for. Look at the sign of y (w·x + b)")


_VERDICTS = ("fine", "diagonal", "asymmetric", "inverted", "forgotten")


def _broken(seed: int) -> list[tuple[str, str, np.ndarray, np.ndarray]]:
    """(verdict, what was done, W, patterns)."""
    rng = np.random.default_rng(seed)
    patterns = rng.choice([-1.0, 1.0], size=(4, 120))
    W = energy.Hopfield(patterns).W
    half = np.triu(W) + np.tril(W) * (rng.random(W.shape) < 0.5)
    return [
        ("fine", "fresh weights", W, patterns),
        ("fine", "weights divided by P, not by N: 30 times too large, but a unit only takes the sign of its field",
         30 * W, patterns),
        ("fine", "weights a hundred times too small: a unit only takes the sign of its field", W / 100, patterns),
        ("diagonal", "a kept diagonal", patterns.T @ patterns / 120, patterns),
        ("asymmetric", "weights above the diagonal with their sign, below it without half of them", half, patterns),
        ("asymmetric", "only the weights above the diagonal", np.triu(W), patterns),
        ("inverted", "all signs turned round", -W, patterns),
        ("forgotten", "one pattern left out", energy.Hopfield(patterns[:3]).W, patterns),
        ("forgotten", "only the first pattern stored", energy.Hopfield(patterns[:1]).W, patterns),
        ("forgotten", "the outer product of the patterns' sum",
         np.outer(patterns.sum(0), patterns.sum(0)) * (1 - np.eye(120)) / 120, patterns),
    ]


@checker("diagnose", "it finds what is wrong with a memory, and lets a harmless factor pass")
def check_diagnose(answer: Any) -> None:
    """``diagnose(W, patterns)`` -> one word: fine, diagonal, asymmetric, inverted or forgotten.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for seed in range(3):
        for verdict, done, W, patterns in _broken(seed):
            got = call(answer, "diagnose", W, patterns)
            if not isinstance(got, str) or got not in _VERDICTS:
                refuse(f"diagnose should return one of the words {', '.join(_VERDICTS)}")
            if got != verdict:
                refuse(f"diagnose says {got!r} of {done}; {_why(got, verdict)}")


def _why(got: str, verdict: str) -> str:
    """What tells the two apart."""
    if verdict == "fine":
        return "the memory works: test what a unit does, not how large the numbers are"
    if got == "fine":
        return {"diagonal": "the patterns are at rest, and so would be much else: look at W itself",
                "asymmetric": "the patterns may be at rest, but nothing promises an end: compare W with its transpose",
                "inverted": "look at the fields W ξ: with which sign do they stand to the pattern?",
                "forgotten": "look at all patterns, and at all of their units"}[verdict]
    if got == "forgotten" and verdict == "inverted":
        return "no unit of any pattern agrees with its field, which is another fault than one lost pattern"
    if got == "inverted" and verdict == "forgotten":
        return "only some units of some patterns disagree with their field"
    return "test the diagonal first, then the symmetry, then the patterns"
