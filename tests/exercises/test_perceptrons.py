"""The exercises of lecture 05 answer back."""

import numpy as np
import pytest
from exercise_tools import assert_exercise, reference

from dlhelpers.exercises import perceptrons as ex


@pytest.fixture(scope="module")
def answers():
    return reference("05_perceptrons")


def test_majority(answers):
    assert_exercise(ex.check_majority, answers["majority_gate"], {
        "too low": lambda n: (np.ones(n), n // 2),
        "too high": lambda n: (np.ones(n), n),
        "weights, got shape": lambda n: (np.ones(n + 1), n),
        "this is a bias": lambda n: (np.ones(n), -(n + 1) / 2),
        "unequal votes": lambda n: (np.eye(n)[0], 1),
        "sign of the weights": lambda n: (-np.ones(n), -(n - 1) / 2),
    })


def train(X, y, epochs, keep, update=lambda w, b, x, t: (w + t * x, b + t), mistake=lambda s: s <= 0):
    """Rosenblatt's rule with a hook: ``keep(w, b, x, y, end)`` sees each state."""
    w, b = np.zeros(2), 0.0
    for _ in range(epochs):
        for x_i, y_i in zip(X, y, strict=True):
            if mistake(y_i * (w @ x_i + b)):
                w, b = update(w, b, x_i, y_i)
                keep(w, b, False)
        keep(w, b, True)
    return w, b


def best_of(X, y, epochs, better=min, only_ends=False, **kwargs):
    seen = []
    train(X, y, epochs, lambda w, b, end: seen.append((w, b)) if end or not only_ends else None, **kwargs)
    return better(seen, key=lambda line: (y * (X @ line[0] + line[1]) <= 0).sum())


def test_pocket(answers):
    def same_array(X, y, epochs):
        w, b, fewest = np.zeros(2), 0.0, 999
        for _ in range(epochs):
            for x_i, y_i in zip(X, y, strict=True):
                if y_i * (w @ x_i + b) <= 0:
                    w += y_i * x_i
                    b += y_i
                    wrong = (y * (X @ w + b) <= 0).sum()
                    if wrong < fewest:
                        kept, fewest = w, wrong
        return kept, b

    assert_exercise(ex.check_pocket, answers["pocket"], {
        "last weights": same_array,
        "before any correction": lambda X, y, epochs: (np.zeros(2), 0.0),
        "end of an epoch": lambda X, y, epochs: best_of(X, y, epochs, only_ends=True),
        "turned round": lambda X, y, epochs: best_of(X, y, epochs, better=max),
        "never comes by": lambda X, y, epochs: train(X, y, epochs, lambda *_: None,
                                                     update=lambda w, b, x, t: (w + t * x, b)),
        "on all points and not on one": lambda X, y, epochs: best_of(X, y, 1),
        "two things": lambda X, y, epochs: np.zeros(3),
    })
    ex.check_pocket(lambda X, y, epochs: best_of(X, y, epochs))


def test_bound(answers):
    right = answers["mistake_bound"]

    def parts(X, y, w, b):
        margins, full = y * (X @ w + b), np.sqrt(w @ w + b * b)
        return (X**2).sum(1).max(), margins, full, np.linalg.norm(w)

    def variant(formula):
        return lambda X, y, w, b: formula(*parts(X, y, w, b))

    assert_exercise(ex.check_bound, right, {
        "distance from the line": variant(lambda R2, m, full, short: (R2 + 1) / (m.min() / short) ** 2),
        "neither number": variant(lambda R2, m, full, short: R2 / (m.min() / short) ** 2),
        "must have length 1": variant(lambda R2, m, full, short: (R2 + 1) / m.min() ** 2),
        "not by its square": variant(lambda R2, m, full, short: (R2 + 1) / (m.min() / full**2) ** 2),
        "longer than x": variant(lambda R2, m, full, short: R2 / (m.min() / full) ** 2),
        "not to R$": variant(lambda R2, m, full, short: (R2**0.5 + 1) ** 2 / (m.min() / full) ** 2),
        "before the 1": variant(lambda R2, m, full, short: (R2**0.5 + 1) / (m.min() / full) ** 2),
        "square of R": variant(lambda R2, m, full, short: (R2 + 1) ** 0.5 / (m.min() / full)),
        "half the width": variant(lambda R2, m, full, short: (R2 + 1) / (2 * m.min() / full) ** 2),
        "not their mean": variant(lambda R2, m, full, short: (R2 + 1) / (m.mean() / full) ** 2),
        "not their median": variant(lambda R2, m, full, short: (R2 + 1) / (np.median(m) / full) ** 2),
        "whole matrix": lambda X, y, w, b: right(X, y, w, b) * ((X**2).sum() + 1) / ((X**2).sum(1).max() + 1),
        "b is missing": lambda X, y, w, b: ((X**2).sum(1).max() + 1) * (w @ w + b * b) / (y * (X @ w)).min() ** 2,
        "label is missing": lambda X, y, w, b: ((X**2).sum(1).max() + 1) * (w @ w + b * b) / (X @ w + b).min() ** 2,
        "turned round": variant(lambda R2, m, full, short: (R2 + 1) / (np.abs(m).min() / full) ** 2),
    })
    ex.check_bound(lambda *given: np.floor(right(*given)))      # mistakes are whole


def test_diagnose(answers):
    right = answers["diagnose"]

    def without(word, instead="fine"):
        return lambda W, patterns: instead if right(W, patterns) == word else right(W, patterns)

    def by_size(W, patterns):
        return right(W, patterns) if np.abs(W).max() < 0.2 else "forgotten"

    assert_exercise(ex.check_diagnose, right, {
        "as much else|so would be much else": without("diagonal"),
        "with its transpose": without("asymmetric"),
        "with which sign": without("inverted"),
        "all patterns, and at all": without("forgotten"),
        "than one lost pattern": without("inverted", "forgotten"),
        "some units of some patterns": without("forgotten", "inverted"),
        "not how large the numbers": by_size,
        "one of the words": lambda W, patterns: "broken",
    })
