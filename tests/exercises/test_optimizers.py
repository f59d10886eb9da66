"""The exercises of lecture 04 answer back."""

import numpy as np
import pytest
from exercise_tools import assert_exercise, reference

from dlhelpers.exercises import optimizers as ex


@pytest.fixture(scope="module")
def answers():
    return reference("04_optimizers")


def test_schedule(answers):
    right = answers["warm_up_cosine"]
    assert_exercise(ex.check_schedule, right, {
        "step 0 must move": lambda t, T, warm, top: top * t / warm if t < warm else right(t, T, warm, top),
        "not over T$":
            lambda t, T, warm, top: right(t, T, warm, top) if t < warm else top * (1 + np.cos(np.pi * t / T)) / 2,
        "count from":
            lambda t, T, warm, top: right(t, T, warm, top) if t < warm else
            top * (1 + np.cos(np.pi * t / (T - warm))) / 2,
        "not by T − 1 − warm": lambda t, T, warm, top: right(t, T, warm, top) if t < warm else
            top * (1 + np.cos(np.pi * (t - warm) / (T - 1 - warm))) / 2,
        "twice the top": lambda t, T, warm, top: right(t, T, warm, top) * (1 if t < warm else 2),
    })


def test_momentum(answers):
    def in_place(theta, v, g, eta, beta):
        v *= beta
        v += g
        return theta - eta * v, v

    def average(theta, v, g, eta, beta):
        v = beta * v + (1 - beta) * g
        return theta - eta * v, v

    assert_exercise(ex.check_momentum, answers["momentum_step"], {
        "lecture N's average": average,
        "old velocity": lambda theta, v, g, eta, beta: (theta - eta * v, beta * v + g),
        "turned round": lambda theta, v, g, eta, beta: (theta + eta * (beta * v + g), beta * v + g),
        "Nesterov": lambda theta, v, g, eta, beta: (theta - eta * (g + beta * (beta * v + g)), beta * v + g),
        "not into the velocity": lambda theta, v, g, eta, beta: (theta - beta * v - eta * g, beta * v + eta * g),
        "in place": in_place,
        "two things": lambda theta, v, g, eta, beta: theta - eta * (beta * v + g),
    })


def test_armijo(answers):
    right = answers["armijo"]

    def any_fall(f, gradient, theta, eta, c):
        return right(f, gradient, theta, eta, 0.0)

    def unsquared(f, gradient, theta, eta, c):
        return right(f, gradient, theta, eta, c / np.linalg.norm(gradient(theta)))

    assert_exercise(ex.check_armijo, right, {
        "any decrease": any_fall,
        "squared length": unsquared,
        "c is not used": lambda f, gradient, theta, eta, c: right(f, gradient, theta, eta, 0.5),
        "too many": lambda *a: right(*a) / 2,
        "too few": lambda *a: right(*a) * 2,
    })


def test_adam(answers):
    right = answers["adam_step"]

    def moments(v, s, g, beta, gamma):
        return beta * v + (1 - beta) * g, gamma * s + (1 - gamma) * g**2

    def uncorrected(theta, v, s, g, t, eta, beta, gamma, eps):
        v, s = moments(v, s, g, beta, gamma)
        return theta - eta * v / (np.sqrt(s) + eps), v, s

    def corrected(power=1, under=False, root=True, sign=-1, keep=False):
        def step(theta, v, s, g, t, eta, beta, gamma, eps):
            v, s = moments(v, s, g, beta, gamma)
            if t + power == 0:
                return right(theta, v * 0, s * 0, g, t, eta, beta, gamma, eps)
            a, z = v / (1 - beta ** (t + power)), s / (1 - gamma ** (t + power))
            below = np.sqrt(z + eps) if under else np.sqrt(z) + eps if root else z + eps
            return theta + sign * eta * a / below, a if keep else v, z if keep else s
        return step

    assert_exercise(ex.check_adam, right, {
        "not corrected": uncorrected,
        "power is t": corrected(power=0),
        "under the root": corrected(under=True),
        "root is missing": corrected(root=False),
        "turned round": corrected(sign=1),
        "as they are": corrected(keep=True),
        "exchanged": lambda theta, v, s, g, t, eta, beta, gamma, eps: right(theta, v, s, g, t, eta, gamma, beta, eps),
        "three things": lambda *a: right(*a)[0],
    })
