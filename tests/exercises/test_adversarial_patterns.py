"""The exercises of lecture 27: reference answers pass, plausible mistakes draw their own hints."""

from itertools import combinations, product

import numpy as np
import pytest
import torch
from exercise_tools import assert_exercise, reference

from dlhelpers.exercises import adversarial_patterns as check


@pytest.fixture(scope="module")
def right():
    return reference("27_adversarial_patterns")


def test_gram_absolute(right):
    def angle(X):
        return np.arccos(np.clip(X @ X.T, -1, 1))

    assert_exercise(check.check_gram_absolute, right["gram_absolute"], {
        "for ReLU": lambda X: X @ X.T * (np.pi - angle(X)) / (2 * np.pi),
        "product alone": lambda X: 1 - 2 * angle(X) / np.pi,
        "np.clip": lambda X: X @ X.T * (1 - 2 * np.arccos(1.0000001 * X @ X.T) / np.pi),
        "signs agree is counted": lambda X: X @ X.T * (1 - angle(X) / np.pi),
        "sign is turned round": lambda X: X @ X.T * (2 * angle(X) / np.pi - 1),
        "linear in the angle": lambda X: (X @ X.T) ** 2})


def test_a_mirror_image_breaks_the_absolute_value(right):
    X = np.array([[0.6, 0.8], [-0.6, -0.8]])
    assert abs(np.linalg.eigvalsh(right["gram_absolute"](X))[0]) < 1e-7


def test_width_needed(right):
    def exact(n, r, lam, most):
        return (2 * np.sqrt(n) * r / (lam * most)) ** 2

    assert_exercise(check.check_width_needed, right["width_needed"], {
        "round up": lambda n, r, lam, most: exact(n, r, lam, most),
        "rounds down": lambda n, r, lam, most: int(exact(n, r, lam, most)),
        "root is not undone": lambda n, r, lam, most: int(np.ceil(exact(n, r, lam, most) ** 0.5)),
        "factor 2": lambda n, r, lam, most: int(np.ceil(exact(n, r, lam, most) / 4)),
        "√n is missing": lambda n, r, lam, most: int(np.ceil(exact(1, r, lam, most))),
        "n enters twice": lambda n, r, lam, most: int(np.ceil(exact(n * n, r, lam, most))),
        "denominator": lambda n, r, lam, most: int(np.ceil(exact(n, r, 1 / lam, most)))})


def test_leaky_force(right):
    force = right["leaky_force"]

    def with_slope(slope):
        return lambda U, V, X, s, leak: ((s @ V) * slope((X @ U.T >= 0).double(), leak)).T @ X / V.numel() ** 0.5

    def in_place(U, V, X, signal, leak):
        signal *= 2
        return force(U, V, X, signal, leak)

    assert_exercise(check.check_leaky_force, force, {
        "ReLU neurons": with_slope(lambda on, leak: on),
        "full strength": with_slope(lambda on, leak: on * 0 + 1),
        "exchanged": with_slope(lambda on, leak: 1 - on + leak * on),
        "added everywhere": with_slope(lambda on, leak: on + leak),
        "\\+leak": with_slope(lambda on, leak: on - leak * (1 - on)),
        "points uphill": lambda U, V, X, s, leak: -force(U, V, X, s, leak),
        "d_out is missing": lambda U, V, X, s, leak: force(U, V, X, s, leak) * len(V) ** 0.5,
        "1/√\\(d_out m\\) of the network is missing":
            lambda U, V, X, s, leak: force(U, V, X, s, leak) * V.numel() ** 0.5,
        "squared": lambda U, V, X, s, leak: force(U, V, X, s, leak) / V.numel() ** 0.5,
        "derivative belongs": lambda U, V, X, s, leak:
            ((s @ V) * torch.nn.functional.leaky_relu(X @ U.T, leak)).T @ X / V.numel() ** 0.5,
        "mean over": lambda U, V, X, s, leak: force(U, V, X, s, leak) / len(X),
        "in place": in_place,
        "shape": lambda U, V, X, s, leak: force(U, V, X, s, leak).T})


def test_neighbour_spread(right):
    def distances(P):
        D = np.sqrt(((P[:, None] - P[None]) ** 2).sum(2))
        np.fill_diagonal(D, np.inf)
        return D.min(1)

    def itself(P):
        with np.errstate(invalid="ignore"):
            zero = np.sqrt(((P[:, None] - P[None]) ** 2).sum(2)).min(1)
            return zero.std() / zero.mean()

    assert_exercise(check.check_neighbour_spread, right["neighbour_spread"], {
        "to itself": itself,
        "upside down": lambda P: distances(P).mean() / distances(P).std(),
        "squared distances": lambda P: (distances(P) ** 2).std() / (distances(P) ** 2).mean(),
        "divide by the mean": lambda P: distances(P).std(),
        "n − 1": lambda P: distances(P).std(ddof=1) / distances(P).mean()})


def test_paired_p(right):
    def swaps(low, high):
        d = np.asarray(high) - np.asarray(low)
        return np.array(list(product((-1, 1), repeat=len(d)))) @ d, d.sum()

    def unpaired(low, high):
        both, n = np.r_[low, high], len(low)
        sums = [2 * both[list(pick)].sum() - both.sum() for pick in combinations(range(2 * n), n)]
        return np.mean(np.array(sums) >= (high - low).sum() - 1e-9)

    def counted(test):
        def answer(low, high):
            sums, seen = swaps(low, high)
            return test(sums, seen)
        return answer

    assert_exercise(check.check_paired_p, right["paired_p"], {
        "left out": counted(lambda sums, seen: np.mean(sums > seen + 1e-9)),
        "as if unpaired": unpaired,
        "both directions": counted(lambda sums, seen: np.mean(abs(sums) >= abs(seen) - 1e-9)),
        "wrong direction": counted(lambda sums, seen: np.mean(sums <= seen + 1e-9)),
        "as for random draws": counted(lambda sums, seen: (1 + np.sum(sums >= seen - 1e-9)) / (1 + len(sums)))})
