"""The exercises of lecture 07 answer back."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from exercise_tools import assert_exercise, reference
from torch import nn

from dlhelpers import data
from dlhelpers.exercises import multilayer_perceptrons as ex
from dlhelpers.exercises.core import WrongAnswer
from dlhelpers.models.mlp import count_parameters, mlp


@pytest.fixture(scope="module")
def answers():
    return reference("07_multilayer_perceptrons")


def root(d_in, K, hidden, budget):
    """The width as a root of the quadratic equation, not yet rounded."""
    a, b, c = hidden - 1, d_in + K + hidden, K - budget
    return -c / b if a == 0 else (-b + np.sqrt(b * b - 4 * a * c)) / (2 * a)


def test_widest(answers):
    def cheaper(price):
        def widest(d_in, K, hidden, budget):
            m = 0
            while price(m + 1, d_in, K, hidden) <= budget:
                m += 1
            return m
        return widest

    def cost(m, d_in, K, hidden):
        return (d_in + 1) * m + (hidden - 1) * (m + 1) * m + (m + 1) * K

    right = answers["widest"]
    assert right(3, 2, 4, 700) == 13 and count_parameters(mlp([3, 13, 13, 13, 13, 2])) == cost(13, 3, 2, 4) <= 700
    assert_exercise(ex.check_widest, right, {
        "inputs have no biases": cheaper(lambda m, d, K, h: cost(m, d, K, h) + d),
        "the biases are forgotten": cheaper(lambda m, d, K, h: cost(m, d, K, h) - h * m - K),
        "one hidden layer to the next": cheaper(lambda m, d, K, h: cost(m, d, K, 1)),
        "not just the first two": cheaper(lambda m, d, K, h: cost(m, d, K, min(h, 2))),
        "not of matrices": lambda d, K, h, budget: right(d, K, max(h - 1, 1), budget),
        "fewer than n": lambda d, K, h, budget: right(d, K, h + (h > 1), budget),
        "biases of the output layer": cheaper(lambda m, d, K, h: cost(m, d, K, h) - K),
        "more than the budget": lambda *a: int(np.ceil(root(*a))),
        "last parameter": cheaper(lambda m, *a: cost(m, *a) + 1),
        "still fit": lambda *a: right(*a) // 2,
        "not a single unit": lambda *a: max(1, right(*a)),
        "below 0": lambda d, K, h, budget: right(d, K, h, budget) if h == 1 else -500,
        "units come whole": root,
        "one whole number": lambda *a: [right(*a)],
    })
    ex.check_widest(lambda *a: max(0, int(np.floor(root(*a)))))


def symmetric(w2, c1=None, c2=0.0):
    """A net of hinges that only counts the ones."""
    def parity_net(d):
        w = np.array([w2(k) for k in range(d)], float)
        return np.ones((d, d)), -np.arange(d) if c1 is None else c1(d), w, c2
    return parity_net


def corner_by_corner(every):
    """A hinge for each corner (or each with an odd number of ones) that is on there only."""
    def parity_net(d):
        corners = np.array([[n >> k & 1 for k in range(d)] for n in range(2**d)])
        corners = corners if every else corners[corners.sum(1) % 2 == 1]
        return 2 * corners - 1, 1 - corners.sum(1), corners.sum(1) % 2, 0.0
    return parity_net


def test_parity(answers):
    right = answers["parity_net"]

    def turned(d):
        W1, c1, w2, c2 = right(d)
        return W1, c1, -w2, 1 - c2

    def signed(d):                                  # inputs ±1
        W1, c1, w2, c2 = right(d)
        return W1 / 2, c1 + d / 2, w2, c2

    def spare(d):
        W1, c1, w2, c2 = right(d)
        return np.vstack([W1, W1[:1]]), np.append(c1, -d), np.append(w2, 1.0), c2

    assert_exercise(ex.check_parity, right, {
        "other way round": turned,
        "not −1 and 1": lambda d: (*right(d)[:2], 2 * right(d)[2], -1.0),
        "counts the ones": symmetric(lambda k: float(k == 0)),
        "whether any bit": symmetric(lambda k: [1, -1, 0][min(k, 2)]),
        "falls on for good": symmetric(lambda k: [1, -2, 0][min(k, 2)]),
        "lies flat": symmetric(lambda k: (-1) ** k),
        "twice too steep": symmetric(lambda k: 2 * (-1) ** k),
        "too far to the right": lambda d: (right(d)[0], right(d)[1] - 1, *right(d)[2:]),
        "does not rise": lambda d: (right(d)[0][1:], right(d)[1][1:], right(d)[2][1:], 0.0),
        "further down": symmetric(lambda k: -2 if k else 1),
        "bits −1 and 1": signed,
        "takes 32 hinges for 5": corner_by_corner(True),
        "takes 16 hinges for 5": corner_by_corner(False),
        "where no corner is": spare,
        "tuple of four": lambda d: right(d)[:3],
        "row of 5 weights": lambda d: (np.ones(d), *right(d)[1:]),
        "c1 should hold": lambda d: (right(d)[0], 0.0, *right(d)[2:]),
        "c2 should be one number": lambda d: (*right(d)[:3], [0.0]),
        "not finite": lambda d: (*right(d)[:3], np.nan),
        "another form": lambda d: ("W1", *right(d)[1:]),
        "right in": lambda d: (*right(d)[:2], np.where(np.arange(d) == 3, 2, right(d)[2]), 0.0),
    })

    def from_the_right(d):                          # the wire folded from the other end
        W1, c1, w2, _ = right(d)
        return -W1, c1 + d, w2 * (1 if d % 2 == 0 else -1), float(d % 2)

    ex.check_parity(from_the_right)
    ex.check_parity(lambda d: [torch.tensor(np.asarray(part)) for part in right(d)])


def exact_pieces(w1, c1, w2, a, b):
    """The count by rational numbers, for weights that are exact."""
    change = {}
    for w, c, v in zip(map(Fraction, w1), map(Fraction, c1), map(Fraction, w2), strict=True):
        if w:
            change[-c / w] = change.get(-c / w, 0) + v * abs(w)
    return 1 + sum(a < t < b and step != 0 for t, step in change.items())


def test_pieces(answers):
    right = answers["true_pieces"]

    def variant(place=lambda w, c: -c / w, step=lambda w, v: v * abs(w), ends=False, tolerance=1e-9, merge=True,
                nothing=1):
        def true_pieces(w1, c1, w2, a, b):
            on = w1 != 0
            t, change = place(w1[on], c1[on]), step(w1[on], w2[on])
            inside = (t >= a) & (t <= b) if ends else (t > a) & (t < b)
            t, change = t[inside], change[inside]
            if not merge or not len(t):
                return nothing + int((change != 0).sum())
            count = 1
            while len(t):
                here = np.abs(t - t[0]) <= tolerance
                count, t, change = count + int(abs(change[here].sum()) > 1e-9), t[~here], change[~here]
            return count
        return true_pieces

    def with_constants(w1, c1, w2, a, b):           # a unit with w1 = 0 is taken for a bend
        return right(w1, c1, w2, a, b) + int(((w1 == 0) & (c1 > a) & (c1 < b)).sum())

    def grid(w1, c1, w2, a, b):
        x = np.linspace(a, b, 40_000)
        bends = np.abs(np.diff(np.maximum(0, x[:, None] * w1 + c1) @ w2, 2)) > 1e-10
        return 1 + int((bends & ~np.roll(bends, 1)).sum())

    assert_exercise(ex.check_pieces, right, {
        "these are the bends": lambda *a: right(*a) - 1,
        "at which x": variant(place=lambda w, c: c / w),
        "face left": variant(step=lambda w, v: v * np.maximum(w, 0)),
        "a place of its own": lambda w1, *rest: 2 * len(w1),
        "outside": lambda w1, *rest: len(w1) + 1,
        "very end": variant(ends=True),
        "does not listen to x": with_constants,
        "output does not listen": variant(step=lambda w, v: abs(w)),
        "make one bend": variant(merge=False),
        "last digit": variant(tolerance=0.0),
        "each other": variant(step=lambda w, v: v * w),
        "opposite ways": variant(step=lambda w, v: abs(v * w)),
        "1e-6 apart": variant(tolerance=1e-5),
        "straight wire": variant(nothing=0),
        "one whole number": lambda *a: [right(*a)],
    })
    with pytest.raises(WrongAnswer):
        ex.check_pieces(grid)
    rng = np.random.default_rng(0)
    for _ in range(200):                            # quarters: exact, and often equal
        w1, c1, w2 = rng.choice([-2, -1, -0.5, 0, 0.5, 1, 2], (3, 9))
        c1 = -w1 * rng.integers(0, 17, 9) / 4 + (w1 == 0) * c1
        assert right(w1, c1, w2, 1.0, 3.0) == exact_pieces(w1, c1, w2, 1, 3)


def knots_of(rho):
    """Knots at even shares of a density of x and f''."""
    def place(f2, m):
        x = np.linspace(0, 1, 20_001)
        share = np.cumsum(rho(x, f2(x)))
        share = (share - share[0]) / (share[-1] - share[0])
        return np.interp(np.linspace(0, 1, m + 1), share, x)
    return place


def test_place(answers):
    right = answers["place"]

    def at_random(f2, m):
        x = np.linspace(0, 1, 20_001)
        p = np.sqrt(np.abs(f2(x)))[1:-1]
        drawn = np.random.default_rng(0).choice(x[1:-1], m - 1, replace=False, p=p / p.sum())
        return np.concatenate([[0], np.sort(drawn), [1]])

    def not_turned(f2, m):
        x = np.linspace(0, 1, m + 1)
        share = np.cumsum(np.sqrt(np.abs(f2(x))))
        return (share - share[0]) / (share[-1] - share[0])

    def on_its_own_grid(f2, m):
        x = np.linspace(0, 1, m + 1)
        return np.interp(x, not_turned(f2, m), x)

    def of_signed(f2, m):
        with np.errstate(invalid="ignore"):
            return knots_of(lambda x, f: np.sqrt(f))(f2, m)

    assert_exercise(ex.check_place, right, {
        "evenly spaced": lambda f2, m: np.linspace(0, 1, m + 1),
        "too much of a good thing": knots_of(lambda x, f: np.abs(f)),
        "1/h, not h": knots_of(lambda x, f: np.abs(f) ** -0.5 if (np.abs(f) > 0).all() else x**0),
        "even shares": not_turned,
        "no finer than the knots": on_its_own_grid,
        "times what is possible": at_random,
        "not finite": of_signed,
        "41 knots": lambda f2, m: right(f2, m)[:-1],
        "increase": lambda f2, m: right(f2, m)[::-1],
        "ends of the curve": lambda f2, m: 0.98 * right(f2, m) + 0.01,
        "another form": lambda f2, m: "knots",
    })
    ex.check_place(lambda f2, m: list(right(f2, m)))
    ex.check_place(knots_of(lambda x, f: np.sqrt(np.abs(f)) + 1e-2))


class ByHeart(nn.Module):
    """Knows the points that it was shown and nothing else."""

    def __init__(self, X, y, openly):
        super().__init__()
        if openly:
            self.register_buffer("points", X)
        self.known = {tuple(x): 2.0 * int(k) - 1 for x, k in zip(X.tolist(), y, strict=True)}

    def forward(self, X):
        return torch.tensor([self.known.get(tuple(x), x[0] * x[1]) for x in X.tolist()])[:, None]


def test_spirals(answers):
    right = answers["train_spirals"]
    done = {}

    def once(X, y):                                 # trained once for a draw, then varied
        key = float(X.sum())
        if key not in done:
            done[key] = right(X, y)
        return done[key]

    def behind(*more):
        return lambda X, y: nn.Sequential(*once(X, y), *more)

    def affine(scale):
        layer = nn.Linear(1, len(scale))
        layer.weight.data, layer.bias.data = torch.tensor(scale)[:, None], torch.zeros(len(scale))
        return layer.requires_grad_(False)

    def trained(net, steps, lr=0.05):
        def train(X, y):
            optimizer = torch.optim.Adam(net.parameters(), lr=lr)
            for _ in range(steps):
                optimizer.zero_grad()
                nn.functional.binary_cross_entropy_with_logits(net(X), y[:, None].float()).backward()
                optimizer.step()
            return net
        return train

    def dead(X, y):
        net = mlp([2, 10, 1], "relu", seed=0)
        net[0].bias.data.fill_(-100.0)
        return net

    assert_exercise(ex.check_spirals, once, {
        "got function": lambda X, y: lambda points: points,
        "161 parameters": lambda X, y: mlp([2, 40, 1], seed=0),
        "carries the points": lambda X, y: ByHeart(X, y, openly=True),
        "left to luck": lambda X, y: ByHeart(X, y, openly=False),
        "same score": dead,
        "between 0 and 1": behind(nn.Sigmoid()),
        "same sign": behind(nn.Softplus()),
        "taken for the other": behind(affine([-1.0])),
        "is a plane": trained(mlp([2, 6, 6, 1], "identity", seed=0), 50),
        "not learned them yet": trained(mlp([2, 24, 1], "relu", seed=0), 30),
        "does not take points": lambda X, y: mlp([3, 5, 1], seed=0),
        r"got \(300, 2\)": lambda X, y: mlp([2, 5, 2], seed=0),
        "not finite": trained(mlp([2, 5, 1], "relu", seed=0), 3, lr=1e30),
    })


@pytest.mark.parametrize("seed", range(5))
def test_the_spirals_are_learned_from_other_draws_too(answers, seed):
    net = answers["train_spirals"](*data.toy.spirals(300, noise=0.02, seed=seed))
    X, y = data.toy.spirals(1000, noise=0.02, seed=seed + 50)
    assert ((net(X)[:, 0] > 0) == (y == 1)).float().mean() > 0.975
