"""The exercises of lecture 01: references pass, blanks are named, mistakes get their own hint."""

import numpy as np
import pytest
from exercise_tools import assert_exercise, reference

from dlhelpers.exercises import three_pillars


@pytest.fixture(scope="module")
def answers():
    return reference("01_three_pillars")


def _refusing(formula):
    def answer(y_hat, y):
        if y_hat.shape != y.shape:
            raise ValueError("shapes")
        return formula(y_hat - y)
    return answer


def _lengths_only(y_hat, y):
    if len(y_hat) != len(y):
        raise ValueError("lengths")
    return np.mean((y_hat - y) ** 2)


def _asserts(y_hat, y):
    assert y_hat.shape == y.shape
    return np.mean((y_hat - y) ** 2)


def test_safe_mse(answers):
    assert_exercise(three_pillars.check_safe_mse, answers["safe_mse"], {
        "sum of the squares": _refusing(lambda miss: np.sum(miss**2)),
        "square root": _refusing(lambda miss: np.sqrt(np.mean(miss**2))),
        "absolute values": _refusing(lambda miss: np.mean(np.abs(miss))),
        r"accepts the shapes \(5,\) and \(5, 1\)": _lengths_only,
        "raised AssertionError": _asserts,
    })


def test_equalise(answers):
    right = answers["equalise"]
    assert_exercise(three_pillars.check_equalise, right, {
        "that are darker": lambda p: (p.ravel()[None, :] < p.ravel()[:, None]).mean(1).reshape(p.shape),
        "exchanged": lambda p: right(-p),
        "divide by how many": lambda p: right(p) * p.size,
        "different: ranks": lambda p: (np.argsort(np.argsort(p.ravel(), kind="stable")).reshape(p.shape) + 1) / p.size,
        "darkest gets 0": lambda p: np.argsort(np.argsort(p.ravel(), kind="stable")).reshape(p.shape) / p.size,
        "stretches": lambda p: (p - p.min()) / np.ptp(p),
        "lost its shape": lambda p: right(p).ravel(),
    })


def _slopes(picture):
    down, across = np.gradient(picture)
    return across, down


def _averages_angles(picture):
    gx, gy = _slopes(picture)
    return np.degrees(np.arctan2(gy, gx)).mean() % 180


def test_stripe_angle(answers):
    right = answers["stripe_angle"]
    assert_exercise(three_pillars.check_stripe_angle, right, {
        "along the stripes": lambda p: (right(p) + 90) % 180,
        "axes seem to be swapped": lambda p: right(p.T),
        "y grows downwards": lambda p: right(p[::-1]),
        "radians": lambda p: np.radians(right(p)),
        "twice the angles": lambda p: 2 * right(p),
        "cancels them": _averages_angles,
        r"must lie in \[0, 180\)": lambda p: right(p) - 180,
        "one number": lambda p: np.array([right(p), 0.0]),
    })


def test_paired_z(answers):
    right = answers["paired_z"]

    def unpaired(a, b):
        pooled = (a.mean() + b.mean()) / 2
        return (a.mean() - b.mean()) / np.sqrt(2 * pooled * (1 - pooled) / len(a))

    def alone(a, b):
        return int((a & ~b).sum()), int((b & ~a).sum())

    assert_exercise(three_pillars.check_paired_z, right, {
        "unpaired test": unpaired,
        "the sign is wrong": lambda a, b: right(b, a),
        "root is missing": lambda a, b: (alone(a, b)[0] - alone(a, b)[1]) / sum(alone(a, b)),
        "not by √n": lambda a, b: (alone(a, b)[0] - alone(a, b)[1]) / len(a) ** 0.5,
        "the square": lambda a, b: right(a, b) ** 2,
        "both are wrong": lambda a, b: (a.sum() - b.sum()) / (a.sum() + b.sum()) ** 0.5,
    })
