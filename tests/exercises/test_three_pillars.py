"""The exercises of lecture 01: references pass, blanks are named, mistakes get their own hint."""

import numpy as np
import pytest
from exercise_tools import assert_exercise, reference
from scipy.stats import rankdata

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


def _axes_and_lengths(y_hat, y):
    if y_hat.ndim != y.ndim or len(y_hat) != len(y):
        raise ValueError("axes or lengths")
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
        r"accepts the shapes \(4, 3\) and \(4, 1\)": _axes_and_lengths,
        "number of rows": _refusing(lambda miss: np.sum(miss**2) / len(miss)),
        "returns None in silence": lambda y_hat, y: np.mean((y_hat - y) ** 2) if y_hat.shape == y.shape else None,
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
        "textbook's variant": lambda p: (right(p) - right(p).min()) / (1 - right(p).min()),
        "average rank": lambda p: rankdata(p).reshape(p.shape) / p.size,                         # (height, width)
        "different brightnesses;": lambda p: (np.unique(p, return_inverse=True)[1].reshape(p.shape) + 1)
        / len(np.unique(p)),
        "how often": lambda p: (p.ravel()[None, :] == p.ravel()[:, None]).mean(1).reshape(p.shape),
        "merged them": _binned,
    })
    with pytest.raises(AssertionError, match="equalise"):
        three_pillars.check_equalise(lambda p: right(np.round(p, 1)))


def _binned(picture):
    edges = np.linspace(0, 1, 257)
    at = np.clip(np.digitize(picture, edges) - 1, 0, 255)
    return (np.bincount(at.ravel(), minlength=256).cumsum() / picture.size)[at]


def _slopes(picture):
    down, across = np.gradient(picture)
    return across, down


def _degrees(doubled):
    return np.degrees(np.angle(doubled)) / 2 % 180


def _doubled(picture):
    across, down = _slopes(picture)
    return (across + 1j * down) ** 2


def test_stripe_angle(answers):
    right = answers["stripe_angle"]
    assert_exercise(three_pillars.check_stripe_angle, right, {
        "along the stripes": lambda p: (right(p) + 90) % 180,
        "axes seem to be swapped": lambda p: right(p.T),
        "y grows downwards": lambda p: right(p[::-1]),
        "radians": lambda p: np.radians(right(p)),
        "twice the angles": lambda p: 2 * right(p),
        "came too early": lambda p: 2 * right(p) % 180,
        "lost the sign": lambda p: abs((right(p) + 90) % 180 - 90),
        "flanks of a stripe cancel": lambda p: np.degrees(np.arctan2(_slopes(p)[1].mean(), _slopes(p)[0].mean())) % 180,
        "sizes of the two slopes": lambda p: np.degrees(np.arctan2(*(np.abs(s).mean() for s in _slopes(p)[::-1]))),
        "one steepest pixel": lambda p: _degrees(_doubled(p).flat[np.abs(_doubled(p)).argmax()]),
        "equally loudly": lambda p: _degrees((_doubled(p) / np.abs(_doubled(p))).mean()),
        "the median": lambda p: np.degrees(np.median(np.arctan2(*_slopes(p)[::-1]) % np.pi)),
        "the directions are off": lambda p: np.degrees(np.arctan2(*_slopes(p)[::-1])).mean() % 180,
        r"must lie in \[0, 180\)": lambda p: right(p) - 180,
        "one number": lambda p: np.array([right(p), 0.0]),
    })


@pytest.mark.parametrize("angle", range(0, 180, 7))
def test_the_reference_finds_every_stripe(answers, angle):
    for seed in range(5):
        found = answers["stripe_angle"](three_pillars.stripes(angle, seed))
        assert abs((found - angle + 90) % 180 - 90) < 2


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
        "absolute value lost": lambda a, b: abs(right(a, b)),
        "two variances added": lambda a, b: (a.mean() - b.mean()) / np.sqrt((a.var() + b.var()) / len(a)),
        "about their mean": lambda a, b: (a * 1.0 - b).mean() / (a * 1.0 - b).std() * len(a) ** 0.5,
        "with n − 1": lambda a, b: (a * 1.0 - b).mean() / (a * 1.0 - b).std(ddof=1) * len(a) ** 0.5,
        "continuity": lambda a, b: np.sign(right(a, b)) * (abs(alone(a, b)[0] - alone(a, b)[1]) - 1)
        / sum(alone(a, b)) ** 0.5,
        "agree on every picture": lambda a, b: np.subtract(*alone(a, b)) / np.sqrt(np.float64(sum(alone(a, b)))),
    })


def test_pairing_makes_the_verdict_sharper_where_errors_are_shared(answers):
    rng = np.random.default_rng(0)
    hard = rng.random(4000) < 0.25
    first, second = (rng.random(4000) < np.where(hard, high, low) for high, low in ((0.8, 0.1), (0.65, 0.04)))
    pooled = (first.mean() + second.mean()) / 2
    unpaired = (first.mean() - second.mean()) / np.sqrt(2 * pooled * (1 - pooled) / 4000)
    assert answers["paired_z"](first, second) > 1.2 * unpaired
