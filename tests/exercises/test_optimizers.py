"""The exercises of lecture 04 answer back."""

import numpy as np
import pytest
from exercise_tools import assert_exercise, reference

from dlhelpers.exercises import optimizers as ex


@pytest.fixture(scope="module")
def answers():
    return reference("04_optimizers")


def test_memory(answers):
    assert_exercise(ex.check_memory, answers["memory_for"], {
        "torch adds gradients up": lambda h, eta: (eta, 0.5 ** (1 / h)),
        "turned round": lambda h, eta: (eta / (1 - 0.5 ** (1 / h)), 0.5 ** (1 / h)),
        "1/e, not one half": lambda h, eta: (eta * (1 - np.exp(-1 / h)), np.exp(-1 / h)),
        "falls to about 1/e": lambda h, eta: (eta / h, 1 - 1 / h),
        "not what is lost": lambda h, eta: (eta * 0.5 ** (1 / h), 1 - 0.5 ** (1 / h)),
        "comes first": lambda h, eta: (0.5 ** (1 / h), eta * (1 - 0.5 ** (1 / h))),
        "falls to about 1/e in h steps, where γ": lambda h, eta: (eta, 1 - 1 / h),
        "falls to 1/e in h steps, where γ": lambda h, eta: (eta, np.exp(-1 / h)),
        "two numbers": lambda h, eta: eta,
    })


@pytest.mark.parametrize("factor", [lambda gamma: gamma, lambda gamma: 0.5, lambda gamma: 1 + gamma])
def test_memory_with_another_rate(answers, factor):
    assert_exercise(ex.check_memory, answers["memory_for"], {
        "γ is right; η must": lambda h, eta: (eta * factor(0.5 ** (1 / h)), 0.5 ** (1 / h)),
        "turned round": lambda h, eta: (eta / (1 - 0.5 ** (1 / h)), 0.5 ** (1 / h)),
    })


def test_decay(answers):
    def exact(alpha, mu, shrink):
        """Solved step by step instead of with the flow: as good."""
        low, high = 0.0, 1 - 1e-6
        for _ in range(40):
            q = (low + high) / 2
            reached = np.log1p(-mu * alpha * q ** np.arange(int(min(3e6, 40 / (1 - q))))).sum()
            low, high = (q, high) if reached > np.log(shrink) else (low, q)
        return low

    def flow(alpha, mu, shrink):
        """The integral of the rates instead of their sum."""
        return np.exp(-alpha * mu / np.log(1 / shrink))

    ex.check_decay(exact)
    ex.check_decay(flow)
    assert_exercise(ex.check_decay, answers["decay_that_arrives"], {
        "curvature is missing": lambda alpha, mu, shrink: 1 - alpha / np.log(1 / shrink),
        "α is missing": lambda alpha, mu, shrink: 1 - mu / np.log(1 / shrink),
        "natural logarithm": lambda alpha, mu, shrink: 1 - alpha * mu / np.log10(1 / shrink),
        "is negative": lambda alpha, mu, shrink: 1 - alpha * mu / np.log(shrink),
        "base 2": lambda alpha, mu, shrink: 1 - alpha * mu / np.log2(1 / shrink),
        "loses a step": lambda alpha, mu, shrink: alpha * mu / np.log(1 / shrink),
        "time the walk needs": lambda alpha, mu, shrink: np.log(1 / shrink) / mu,
        "sum of the qᵗ": lambda alpha, mu, shrink: np.log(1 / shrink) / (mu * alpha),
        "not its inverse": lambda alpha, mu, shrink: 1 - alpha * mu * shrink,
        "one number": lambda alpha, mu, shrink: [alpha, mu],
    })


def test_detective(answers):
    right = answers["which_rule"]

    def families(gradients, moves):
        """Looks at the first move only."""
        return "GD" if np.ptp(moves[0] / gradients[0]) < 1e-6 * abs(moves[0] / gradients[0]).max() else "Adagrad"

    assert_exercise(ex.check_detective, right, {
        "GD and momentum": families,
        "two families": lambda g, m: {"GD": "Adagrad"}.get(right(g, m), right(g, m)),
        "Adam with another": lambda g, m: {"Adam": "RMSprop"}.get(right(g, m), right(g, m)),
        "Adagrad and RMSprop": lambda g, m: {"Adagrad": "RMSprop"}.get(right(g, m), right(g, m)),
        "one of the names": lambda g, m: 3,
    })


def test_nesterov(answers):
    def in_place(theta, v, g, eta, gamma):
        v *= gamma
        v += (1 - gamma) * g
        return theta - eta * ((1 - gamma) * g + gamma * v), v

    def mean(v, g, gamma):
        return gamma * v + (1 - gamma) * g

    def torchs(theta, v, g, eta, gamma):
        v = gamma * v + g
        return theta - eta * (g + gamma * v), v

    def the_ball(theta, v, g, eta, gamma):
        return theta + gamma * eta * v - eta * mean(v, g, gamma), mean(v, g, gamma)

    def follow(theta, v, g, eta, gamma):
        ball, v = theta + gamma * eta * v, mean(v, g, gamma)
        return ball - eta * v - gamma * eta * v, v

    def from_theta(theta, v, g, eta, gamma):
        v = mean(v, g, gamma)
        return theta - eta * v - gamma * eta * v, v

    def wrong_way(theta, v, g, eta, gamma):
        return from_theta(theta - gamma * eta * v, v, g, eta, gamma)

    ex.check_nesterov(follow)
    assert_exercise(ex.check_nesterov, answers["nesterov_averaged"], {
        "torch's form": torchs,
        "enters the move with": lambda theta, v, g, eta, gamma:
            (theta - eta * (g + gamma * mean(v, g, gamma)), mean(v, g, gamma)),
        "without a look ahead": lambda theta, v, g, eta, gamma:
            (theta - eta * mean(v, g, gamma), mean(v, g, gamma)),
        "returns the ball": the_ball,
        "go back to p": from_theta,
        "wrong sign: θ = p": wrong_way,
        "the old velocity": lambda theta, v, g, eta, gamma: (follow(theta, v, g, eta, gamma)[0], v),
        "turned round": lambda theta, v, g, eta, gamma:
            (theta + eta * ((1 - gamma) * g + gamma * mean(v, g, gamma)), mean(v, g, gamma)),
        "in place": in_place,
        "two things": lambda theta, v, g, eta, gamma: theta,
    })


def test_valley(answers):
    def made(D, angle=0.7, start=(-4.0, 1.0)):
        R = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        return lambda: (R.T @ np.diag(D) @ R, np.array(start))

    ex.check_valley(lambda: (np.array([[500.5, 499.5], [499.5, 500.5]]), np.array([-4.0, 1.0])))      # κ = 1000
    assert_exercise(ex.check_valley, answers["valley_against_adagrad"], {
        "lies along an axis": made([1.0, 100.0], angle=0.0),
        "nearly round": made([1.0, 2.0]),
        "not positive definite": made([-1.0, 100.0]),
        "condition number": made([1.0, 1e5]),
        "not symmetric": lambda: (np.array([[1.0, 2.0], [0.0, 3.0]]), np.ones(2)),
        "is the minimum": made([1.0, 100.0], start=(0.0, 0.0)),
        "further from the axes": made([1.0, 100.0], angle=0.09),
        "start off its floor": made([1.0, 100.0], angle=np.pi / 4, start=(1.0, 1.0)),
        "off both axes": made([1.0, 100.0], angle=np.pi / 4, start=(1.0, -1.0)),
        "2 × 2": lambda: (np.eye(3), np.ones(2)),
        "two things": lambda: np.eye(2),
    })
