"""The exercises of lecture 06 answer back."""

import numpy as np
import pytest
from exercise_tools import assert_exercise, reference

from dlhelpers.exercises import linear_classifiers as ex
from dlhelpers.models import linear


@pytest.fixture(scope="module")
def answers():
    return reference("06_linear_classifiers")


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def test_precision(answers):
    right = answers["precision_recall"]

    def false_alarms(scores, y, threshold):
        return right(scores, y, threshold)[0], (scores > threshold)[y == 0].mean()

    def accuracy(scores, y, threshold):
        return ((scores > threshold) == (y == 1)).mean(), right(scores, y, threshold)[1]

    assert_exercise(ex.check_precision, right, {
        "exchanged": lambda *a: right(*a)[::-1],
        "accuracy": accuracy,
        "false alarm rate": false_alarms,
        "threshold is not used": lambda s, y, t: right(s, y, 0.0),
        "not below": lambda s, y, t: right(-s, y, -t),
        "0 of 0": lambda *a: tuple(np.nan_to_num(right(*a))),
        "two numbers": lambda *a: right(*a)[0],
    })


def test_softmax(answers):
    assert_exercise(ex.check_softmax, answers["softmax"], {
        "whole array": lambda z: np.exp(z) / np.exp(z).sum(),
        "columns": lambda z: np.exp(z) / np.exp(z).sum(0),
        "exponentials are missing": lambda z: z / z.sum(1, keepdims=True),
        "divide by the sum": np.exp,
        "overflows": lambda z: np.exp(z) / np.exp(z).sum(1, keepdims=True),
    })


def test_smoothed(answers):
    right = answers["smoothed_gradient"]

    def toward(targets):
        def gradient(Theta, A, y, eps):
            truth = np.eye(Theta.shape[1])[y]
            return A.T @ (linear.softmax(A @ Theta) - targets(truth, eps)) / len(y)
        return gradient

    def sigmoids(Theta, A, y, eps):
        K = Theta.shape[1]
        return A.T @ (sigmoid(A @ Theta) - (1 - eps) * np.eye(K)[y] - eps / K) / len(y)

    assert_exercise(ex.check_smoothed, right, {
        "eps is not used": lambda T, A, y, eps: right(T, A, y, 0.0),
        "shared among the others": toward(lambda e, eps: (1 - eps) * e + eps / (e.shape[1] - 1) * (1 - e)),
        "add up to 1": toward(lambda e, eps: (1 - eps) * e),
        "not the whole eps": toward(lambda e, eps: (1 - eps) * e + eps),
        "uphill": lambda *a: -right(*a),
        "divide the sum by n": lambda T, A, y, eps: len(y) * right(T, A, y, eps),
        "not a sigmoid": sigmoids,
        "shape": lambda *a: right(*a).T,
    })


def perceptron(rounds, bias=True):
    def separable(X, y):
        A = np.column_stack([np.full(len(X), float(bias)), X])
        s, theta = 2 * y - 1, np.zeros(A.shape[1])
        for _ in range(rounds):
            mistakes = 0
            for row, sign in zip(A, s, strict=True):
                if sign * (row @ theta) <= 0:
                    theta, mistakes = theta + sign * row, mistakes + 1
            if not mistakes:
                return True
        return False
    return separable


def test_separable(answers):
    right = answers["separable"]

    def least_squares(X, y):
        A = linear.design(X)
        return ((2 * y - 1) * (A @ np.linalg.pinv(A) @ (2 * y - 1)) > 0).all()

    def overlaps_only(X, y):           # XOR is seen, one stray point is not
        return right(X, y) or len(X) > 4

    assert_exercise(ex.check_separable, right, {
        "some line makes no mistake": lambda X, y: False,
        "XOR": lambda X, y: True,
        "midst of the other class": overlaps_only,
        "add the bias": perceptron(500, bias=False),
        "least squares": least_squares,
        "many more rounds": lambda X, y: np.max(np.abs(X)) > 1.5 or np.abs(X[:, 0]).min() > 0.1 and right(X, y),
        "True or False": lambda X, y: "yes",
    })
    ex.check_separable(perceptron(3000))          # slower than a linear program, and as good


def test_features(answers):
    right = answers["features"]
    assert_exercise(ex.check_features, right, {
        "straight lines": lambda x: x[:, None],
        "odd function": lambda x: np.column_stack([x, x**3]),
        "left and right": lambda x: x[:, None] ** 2,
        "around 0 only": lambda x: np.column_stack([x, np.abs(x)]),
        "which other points": lambda x: right(x - x.mean()),
        "row of numbers": lambda x: x**2,
    })
    ex.check_features(lambda x: np.column_stack([x, x**2, x**3]))


def test_training(answers):
    right = answers["train_softmax"]
    done = {}

    def once(X, y, K):                             # trained once, then varied
        if not done:
            done["Theta"] = right(X, y, K)
        return done["Theta"]

    assert_exercise(ex.check_training, right, {
        "shape": lambda *a: once(*a).T,
        "not finite": lambda *a: once(*a) * np.nan,
        "same score": lambda X, y, K: np.zeros((X.shape[1] + 1, K)),
        "climb": lambda *a: -once(*a),
        "too few": lambda *a: np.vstack([once(*a)[:1] + [[9.0, 0.0, 0.0]], once(*a)[1:]]),
        "hardly sure": lambda *a: 0.1 * once(*a),
        "too sure": lambda *a: 100 * once(*a),
    })
