"""The exercises of lecture 06 answer back."""

import numpy as np
import pytest
from exercise_tools import assert_exercise, reference

from dlhelpers.exercises import linear_classifiers as ex


@pytest.fixture(scope="module")
def answers():
    return reference("06_linear_classifiers")


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def test_confusion(answers):
    right = answers["confusion_matrix"]

    def forgetful(predicted, true, K):
        table = np.zeros((K, K))
        table[predicted, true] += 1
        return table

    assert_exercise(ex.check_confusion, right, {
        "exchanged": lambda p, t, K: right(p, t, K).T,
        "forgets repetitions": forgetful,
        "size of the class": lambda p, t, K: right(p, t, K) / right(p, t, K).sum(0),
        "by their number": lambda p, t, K: right(p, t, K) / len(t),
        "never predicted": lambda p, t, K: right(p, t, K)[:-1],
    })


def test_gradient(answers):
    right = answers["logistic_gradient"]

    def with_factor(w, b, X, y):
        s = sigmoid(X @ w + b)
        error = (s - y) * s * (1 - s)
        return X.T @ error / len(y), error.mean()

    def in_place(w, b, X, y):
        result = right(w, b, X, y)
        w -= result[0]
        return result

    assert_exercise(ex.check_gradient, right, {
        "uphill": lambda *a: tuple(-part for part in right(*a)),
        "divide the sum by n": lambda w, b, X, y: tuple(len(y) * part for part in right(w, b, X, y)),
        "here it cancels": with_factor,
        "gradient of the squared loss": lambda *a: tuple(2 * part for part in with_factor(*a)),
        "not z": lambda w, b, X, y: (X.T @ (X @ w + b - y) / len(y), (X @ w + b - y).mean()),
        "bias is forgotten": lambda w, b, X, y: right(w, 0.0, X, y),
        "two things": lambda w, b, X, y: right(w, b, X, y)[0],
        "shape of w": lambda w, b, X, y: (np.zeros(30), 0.0),
        "in place": in_place,
    })


def test_softmax(answers):
    assert_exercise(ex.check_softmax, answers["softmax"], {
        "whole array": lambda z: np.exp(z) / np.exp(z).sum(),
        "columns": lambda z: np.exp(z) / np.exp(z).sum(0),
        "exponentials are missing": lambda z: z / z.sum(1, keepdims=True),
        "divide by the sum": np.exp,
        "overflows": lambda z: np.exp(z) / np.exp(z).sum(1, keepdims=True),
    })


def test_newton(answers):
    right = answers["newton_step"]

    def gradient(theta, A, y):
        return A.T @ (sigmoid(A @ theta) - y) / len(y)

    assert_exercise(ex.check_newton, right, {
        "climbs": lambda t, A, y: 2 * t - right(t, A, y),
        "too long": lambda t, A, y: t + len(y) * (right(t, A, y) - t),
        "too short": lambda t, A, y: t + (right(t, A, y) - t) / len(y),
        "Hessian is missing": lambda t, A, y: t - gradient(t, A, y),
        "least squares": lambda t, A, y: t - np.linalg.solve(A.T @ A / len(y), gradient(t, A, y)),
    })


def test_interval(answers):
    right = answers["confidence_interval"]

    def logit(p):
        return np.log(p) - np.log(1 - p)

    def scaled(factor):
        def interval(theta, A, phi):
            ends = logit(np.array(right(theta, A, phi)))
            return sigmoid(ends.mean() + factor * (ends - ends.mean()))
        return interval

    def symmetric(theta, A, phi):
        ends, p = logit(np.array(right(theta, A, phi))), sigmoid(phi @ theta)
        return p + p * (1 - p) * (ends - ends.mean())

    def variance_itself(theta, A, phi):
        ends = logit(np.array(right(theta, A, phi)))
        error = (ends[1] - ends[0]) / 2 / 1.96
        return sigmoid(phi @ theta + 1.96 * np.array([-1, 1]) * error**2)

    assert_exercise(ex.check_interval, right, {
        "map its ends": lambda *a: logit(np.array(right(*a))),
        "square root": variance_itself,
        "not of the mean": scaled(80**0.5),
        "leave": symmetric,
        "low comes first": scaled(-1),
        "90 %": scaled(1.645 / 1.96),
        "68 %": scaled(1 / 1.96),
        "two numbers": lambda *a: right(*a)[0],
    })
