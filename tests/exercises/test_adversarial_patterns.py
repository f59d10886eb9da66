"""The exercises of lecture 27: reference answers pass, plausible mistakes draw their own hints."""

from itertools import combinations, product

import numpy as np
import pytest
import torch
from exercise_tools import assert_exercise, reference
from scipy import stats

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
        "in degrees": lambda X: X @ X.T * (1 - 2 * np.degrees(angle(X)) / np.pi),
        "signs differ are counted": lambda X: -X @ X.T * angle(X) / np.pi,
        "half of it": lambda X: X @ X.T * (0.5 - angle(X) / np.pi),
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
        "factor 2 of the leash is missing": lambda n, r, lam, most: int(np.ceil(exact(n, r, lam, most) / 4)),
        "factor 2 is not squared": lambda n, r, lam, most: int(np.ceil(exact(n, r, lam, most) / 2)),
        "λ₀ is not squared": lambda n, r, lam, most: int(np.ceil(exact(n, r, lam, most) * lam)),
        "residual is not squared": lambda n, r, lam, most: int(np.ceil(exact(n, r, lam, most) / r)),
        "`most` is not squared": lambda n, r, lam, most: int(np.ceil(exact(n, r, lam, most) * most)),
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
        "multiplies all neurons": with_slope(lambda on, leak: leak * torch.ones_like(on)),
        "two things": lambda U, V, X, s, leak: ((s @ V) * (X @ U.T >= 0).double()).T @ X,
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


def islands(widths, apart=12.0, seed_used=True):
    """As many islands as widths, on a simplex of side ~ apart."""
    def answer(m, d, seed):
        rng = np.random.default_rng(seed if seed_used else 0)
        which = np.arange(m) % len(widths)
        return apart * np.eye(d)[which] + np.array(widths)[which, None] * rng.standard_normal((m, d))
    return answer


def test_hidden_islands(right):
    def uneven(m, d, seed):
        rng = np.random.default_rng(seed)
        return rng.standard_normal((m, d)) * np.exp(0.5 * rng.standard_normal((m, 1)))

    def grid(m, d, seed):
        side = np.stack(np.meshgrid(np.arange(5.0), np.arange(7.0), [0.0, 1.0, 2.0, 3.0]), -1).reshape(-1, 3)[:m]
        rng = np.random.default_rng(seed)
        return np.hstack([side, np.zeros((m, d - 3))]) + 1e-3 * rng.standard_normal((m, d))

    def far_grids(m, d, seed):
        cloud = 0.5 * grid(m // 2, d, seed)
        return np.vstack([cloud, cloud + 1e-6 + 50 * np.eye(d)[-1]])

    assert_exercise(check.check_hidden_islands, right["hidden_islands"], {
        "Hopkins stands only": islands([1.0], apart=0.0),
        "exchanged": uneven,
        "make the islands alike": islands([1.0, 0.2, 1.0]),
        "too much alike for chance": far_grids,
        "coincide": lambda m, d, seed: 9 * np.eye(d)[np.arange(m) % 4],
        "two seeds give the same": islands([1.0] * 4, seed_used=False),
        "has shape": lambda m, d, seed: islands([1.0] * 4)(d, m, seed),
        "not finite": lambda m, d, seed: np.full((m, d), np.nan)})


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
        "drew swaps at random": lambda low, high:
            np.mean(np.random.default_rng(1).choice([-1, 1], (4_000, len(low))) @ (high - low)
                    >= (high - low).sum() - 1e-9),
        "ranks in place of sizes": lambda low, high: stats.wilcoxon(high, low, alternative="greater").pvalue,
        "little room": counted(lambda sums, seen: np.mean(sums >= seen)),
        "as for random draws": counted(lambda sums, seen: (1 + np.sum(sums >= seen - 1e-9)) / (1 + len(sums)))})
