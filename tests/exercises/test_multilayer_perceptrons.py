"""The exercises of lecture 07 answer back."""

import itertools

import numpy as np
import pytest
from exercise_tools import assert_exercise, reference

from dlhelpers.exercises import multilayer_perceptrons as ex


@pytest.fixture(scope="module")
def answers():
    return reference("07_multilayer_perceptrons")


def test_count(answers):
    right = answers["count"]
    assert_exercise(ex.check_count, right, {
        "biases are missing": lambda sizes, bias: right(sizes, False),
        "bias=False is ignored": lambda sizes, bias: right(sizes, True),
        "layer they lead to": lambda sizes, bias: sum(a * (b + bias) for a, b in itertools.pairwise(sizes)),
        "no biases of its own": lambda sizes, bias: right(sizes, bias) + bias * sizes[0],
        "as many biases as units": lambda sizes, bias: right(sizes, False) + bias * (len(sizes) - 1),
    })


def test_forward(answers):
    right = answers["forward"]

    def chain(X, weights, biases, last=False, bend=True, turn=False):
        for k, (W, b) in enumerate(zip(weights, biases, strict=True)):
            X = X @ (W if turn and W.shape[0] == W.shape[1] else W.T) + b
            if bend and (last or k < len(weights) - 1):
                X = np.maximum(0, X)
        return X

    def in_place(X, weights, biases):
        X -= X.mean()
        return right(X, weights, biases)

    assert_exercise(ex.check_forward, right, {
        "last layer has no activation": lambda X, W, b: chain(X, W, b, last=True),
        "activation is missing": lambda X, W, b: chain(X, W, b, bend=False),
        "biases are missing": lambda X, W, b: right(X, W, [0 * v for v in b]),
        "wrong way round": lambda X, W, b: chain(X, W, b, turn=True),
        "two arrays do not fit": lambda X, W, b: X @ W[0] + b[0],
        "in place": in_place,
        "shape": lambda X, W, b: right(X, W, b).T,
    })


def test_elu(answers):
    def calm(z):
        return np.exp(np.minimum(z, 0))

    def overflowing(z, alpha):
        return np.where(z >= 0, 1.0, alpha * np.exp(z))

    assert_exercise(ex.check_elu, answers["elu_slope"], {
        "not its slope": lambda z, alpha: np.where(z >= 0, z, alpha * (calm(z) - 1)),
        "factor α": lambda z, alpha: np.where(z >= 0, 1.0, calm(z)),
        "drops out": lambda z, alpha: np.where(z >= 0, 1.0, alpha * (calm(z) - 1)),
        "ReLU's slope": lambda z, alpha: (z >= 0) * 1.0,
        "exchanged": lambda z, alpha: np.where(z < 0, 1.0, alpha * calm(z)),
        "overflows": overflowing,
    })


def test_fold(answers):
    right = answers["fold"]
    assert_exercise(ex.check_fold, right, {
        "change of slope": lambda t, y: (np.diff(y) / np.diff(t), y[0]),
        "divide by the distance":
            lambda t, y: (np.diff(np.diff(y), prepend=0.0) / (1 if len(t) > 2 else np.diff(t)), y[0]),
        "evenly spaced": lambda t, y: (np.diff(np.diff(y) / (t[1] - t[0]), prepend=0.0), y[0]),
        "offset c": lambda t, y: (right(t, y)[0], 0.0),
        "signs": lambda t, y: (-right(t, y)[0], y[0]),
        "one hinge at each point but the last": lambda t, y: (np.append(right(t, y)[0], 0.0), y[0]),
        "two things": lambda t, y: right(t, y)[0],
    })


def test_collapse(answers):
    right = answers["collapse"]

    def square(weights):
        return weights[0].shape[0] == weights[0].shape[1]

    assert_exercise(ex.check_collapse, right, {
        "transposed|should have shape": lambda W, b: (right(W, b)[0].T, right(W, b)[1]),
        "wrong order": lambda W, b: (np.linalg.multi_dot(W), right(W, b)[1]) if square(W) else right(W, b),
        "two arrays do not fit": lambda W, b: (np.linalg.multi_dot(W), b[-1]),
        "only the last bias": lambda W, b: (right(W, b)[0], b[-1]),
        "pass through": lambda W, b: (right(W, b)[0], sum(b)) if square(W) else right(W, b),
    })
