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
    })


def test_step(answers):
    right = answers["perceptron_step"]

    def strict(w, b, x, y):
        return (w + y * x, b + y) if y * (w @ x + b) < 0 else (w, b)

    def no_label(w, b, x, y):
        return (w + x, b + 1) if y * (w @ x + b) <= 0 else (w, b)

    def no_bias(w, b, x, y):
        return (w + y * x, b) if y * (w @ x + b) <= 0 else (w, b)

    def in_place(w, b, x, y):
        if y * (w @ x + b) <= 0:
            w += y * x
            b += y
        return w, b

    assert_exercise(ex.check_step, right, {
        "already right": lambda w, b, x, y: (w + y * x, b + y),
        "exactly 0 counts": strict,
        "label is missing": no_label,
        "bias is not updated": no_bias,
        "turned round": lambda w, b, x, y: (w - y * x, b - y) if y * (w @ x + b) <= 0 else (w, b),
        "half as long": lambda w, b, x, y: (w + y * x / 2, b + y / 2) if y * (w @ x + b) <= 0 else (w, b),
        "when the score is taken": lambda w, b, x, y: (w + y * x, b + y) if y * (w @ x) <= 0 else (w, b),
        "in place": in_place,
    })


def test_bound(answers):
    right = answers["mistake_bound"]
    def r_plus_one(X, y, w, bias):
        R = np.sqrt((X**2).sum(1).max())
        return right(X, y, w, False) * ((R + bias) / R) ** 2

    assert_exercise(ex.check_bound, right, {
        "not to R:": r_plus_one,
        "length 1": lambda X, y, w, bias: right(X, y, w, bias) / (w @ w),
        "square of": lambda X, y, w, bias: right(X, y, w, bias) ** 0.5,
        "extra input of 1": lambda X, y, w, bias: right(X, y, w, False),
    })


def test_hopfield(answers):
    assert_exercise(ex.check_hopfield, answers["hopfield_weights"], {
        "diagonal": lambda p: p.T @ p / p.shape[1],
        "number of units N$": lambda p: p.T @ p - len(p) * np.eye(p.shape[1]),
        "not by the number of patterns": lambda p: (p.T @ p - len(p) * np.eye(p.shape[1])) / len(p),
        "two things at once": lambda p: p.T @ p,
        "shape": lambda p: p @ p.T,
    })
