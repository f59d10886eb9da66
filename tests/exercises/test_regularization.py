"""The exercises of lecture 09 answer back."""

import numpy as np
import pytest
from exercise_tools import assert_exercise, reference

from dlhelpers.exercises import regularization as ex


@pytest.fixture(scope="module")
def answers():
    return reference("09_regularization")


def test_init(answers):
    right = answers["init_std"]
    assert_exercise(ex.check_init, right, {
        "this is the variance": lambda i, o, a: right(i, o, a) ** 2,
        "half of the square": lambda i, o, a: (1 / i) ** 0.5,
        "d_in, not d_out": lambda i, o, a: (2 / o) ** 0.5,
        "this is Xavier's": lambda i, o, a: right(i, o, "tanh"),
        "this is He's": lambda i, o, a: right(i, o, "relu"),
    })


def test_soft(answers):
    def in_place(v, t):
        v -= t
        return v

    assert_exercise(ex.check_soft, answers["soft_threshold"], {
        "hard threshold": lambda v, t: np.where(np.abs(v) > t, v, 0),
        "negative entries": lambda v, t: np.maximum(v - t, 0),
        "sign is lost": lambda v, t: np.maximum(np.abs(v) - t, 0),
        "past 0": lambda v, t: v - t * np.sign(v),
        "in place": in_place,
    })


def test_dropout(answers):
    right = answers["dropout"]
    assert_exercise(ex.check_dropout, right, {
        "scaled up, by": lambda h, u, p, t: h * (u >= p) if t else h,
        "p is the probability of being dropped": lambda h, u, p, t: h * (u >= p) / p if t else h,
        "lecture's p is the probability to be kept": lambda h, u, p, t: h * (u < p) / p if t else h,
        "drop where u < p": lambda h, u, p, t: h * (u < p) / (1 - p) if t else h,
        "paid for the scaling already": lambda h, u, p, t: right(h, u, p, t) * (1 if t else 1 - p),
        "no unit is dropped in production$": lambda h, u, p, t: right(h, u, p, True),
    })


def test_batch_norm(answers):
    right = answers["batch_norm"]

    def always_batch(z, mean, var, a, training, eps=1e-5):
        return (right(z, mean, var, a, True)[0], *right(z, mean, var, a, training)[1:])

    def outside(z, mean, var, a, training, eps=1e-5):
        m, v = (z.mean(0), z.var(0)) if training else (mean, var)
        return (z - m) / (np.sqrt(v) + 1e-5), *right(z, mean, var, a, training)[1:]

    def swapped(z, mean, var, a, training, eps=1e-5):
        return right(z, mean, var, 1 - a, training)

    def biased(z, mean, var, a, training, eps=1e-5):
        out, new_mean, _ = right(z, mean, var, a, training)
        return out, new_mean, (1 - a) * var + a * z.var(0) if training else var

    def learns_always(z, mean, var, a, training, eps=1e-5):
        return (right(z, mean, var, a, training)[0], *right(z, mean, var, a, True)[1:])

    assert_exercise(ex.check_batch_norm, right, {
        "depends on its neighbours": always_batch,
        "shares are swapped": swapped,
        "under the root": outside,
        "1e-5 is missing": lambda z, m, v, a, t, eps=1e-5: right(z, m, v, a, t, eps=0.0),
        "divide by B - 1$": biased,
        "must not learn from production": learns_always,
        "own mean and variance while training": lambda z, m, v, a, t, eps=1e-5: right(z, m, v, a, False),
    })
