"""Checkers of the exercises of lecture 27: another Gram matrix, width, leaky forces, a blind statistic, paired runs."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np
import torch
from scipy import stats

from dlhelpers.adversarial import point_statistics
from dlhelpers.exercises.core import call, checker, compare, refuse, to_numpy


def _unit_rows(seed: int, n: int, d: int) -> np.ndarray:
    X = np.random.default_rng(seed).standard_normal((n, d))
    return X / np.linalg.norm(X, axis=1, keepdims=True)


@checker("gram_absolute", "where two signs agree, for every pair of inputs")
def check_gram_absolute(answer: Any) -> None:
    """``gram_absolute(X)`` for inputs of norm 1: (n, n), against numerical integration over directions.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for seed, (n, d) in enumerate([(3, 2), (5, 4)]):
        X = _unit_rows(seed, n, d)
        C = np.clip(X @ X.T, -1, 1)
        # Mean of the two signs' product over the directions in the plane of two inputs, on a fine circle.
        turn = (np.arange(400_000) + 0.5) * (2 * np.pi / 400_000)
        right = np.array([[c * np.mean(np.sign(np.cos(turn)) * np.sign(np.cos(turn - math.acos(c)))) for c in row]
                          for row in C])
        angle = np.arccos(C)
        got = call(answer, "gram_absolute", X)
        if np.isnan(np.asarray(got, float)).any():
            refuse("gram_absolute holds NaN: by rounding an inner product comes out a little beyond 1, where arccos is "
                   "not defined; np.clip it to [−1, 1] first")
        compare(got, right, "gram_absolute(X)", {
            "this is the lecture's matrix for ReLU, where a neuron that is off counts 0; here it counts −1":
                C * (np.pi - angle) / (2 * np.pi),
            "the mean of the signs' product alone is returned: multiply it by the inner product of the two inputs":
                1 - 2 * angle / np.pi,
            "the angle is divided by 2π: the signs differ on two arcs of that angle, out of 2π, and count −1 there":
                C * (1 - angle / (2 * np.pi)),
            "only the part where the signs agree is counted; where they differ the product is −1, not 0":
                C * (1 - angle / np.pi),
            "the sign is turned round: nearly parallel inputs have signs that agree, so small angles give +1":
                C * (2 * angle / np.pi - 1),
            "the angle is in degrees: np.arccos gives radians, and a half circle is π":
                C * (1 - 2 * np.degrees(angle) / np.pi),
            "only the arcs where the signs differ are counted: where they agree the product is +1, not 0":
                -C * angle / np.pi,
            "this is half of it: the angle in the plane runs round a whole circle, 2π, and the differing arcs are two":
                C * (0.5 - angle / np.pi),
            "the sines or cosines of the angle do not enter the mean: it is linear in the angle": C * C,
        }, rtol=1e-4, atol=1e-5)


@checker("width_needed", "Theorem 1, read backwards")
def check_width_needed(answer: Any) -> None:
    """``width_needed(n, residual, lambda0, most)``: the smallest width whose leash is short enough.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    cases = (7, 1.7, 0.3, 0.6), (11, 3.5, 0.1, 0.8), (6, 1.5, 0.2, 0.7), (4, 1.0, 0.5, 1.0)
    for n, residual, lambda0, most in cases:
        # The leash is the integral of the greatest speed, summed numerically; it falls like 1/√m.
        t = np.linspace(0, 60 / lambda0, 200_001)
        speed = math.sqrt(n) * residual * np.exp(-lambda0 * t / 2)
        exact = (float(np.sum((speed[1:] + speed[:-1]) / 2) * (t[1] - t[0])) / most) ** 2
        exact = round(exact, 4)                                              # of the sum's own error
        right = math.ceil(exact)
        got = call(answer, "width_needed", n, residual, lambda0, most)
        if np.ndim(got) == 0 and math.floor(exact) < float(got) < right:
            refuse("width_needed is not a whole number: neurons come one by one, round up")
        if np.ndim(got) == 0 and float(got) == math.floor(exact) < right:
            refuse("width_needed rounds down, and with so few neurons the leash is a little too long: round up")
        compare(got, right, f"width_needed({n}, {residual}, {lambda0}, {most})", {
            "the root is not undone: the leash goes like 1/√m, so m is the square of a quotient":
                math.ceil(math.sqrt(exact)),
            "the factor 2 of the leash is missing: the integral of exp(−λ₀t/2) is 2/λ₀": math.ceil(exact / 4),
            "the residual is not squared, though the whole quotient is": math.ceil(exact / residual),
            "λ₀ is not squared, though the whole quotient is": math.ceil(exact * lambda0),
            "the factor 2 is not squared, though the whole quotient is": math.ceil(exact / 2),
            "`most` is not squared, though the whole quotient is": math.ceil(exact * most),
            "λ₀ is missing: the error shrinks at the rate λ₀/2, and the leash is the longer the smaller λ₀":
                math.ceil(exact * lambda0**2),
            "one neuron too many: here the leash is exactly short enough; round up, but only what is not whole":
                right + 1,
            "√n is missing: n errors pull at the neuron together": math.ceil(exact / n),
            "n enters twice: √n squared is n, not n²": math.ceil(exact * n),
            "this width is for the whole layer's ‖U − U₀‖ or for another power of m: one neuron's leash is "
            "2√n‖z(0) − y‖/(√m λ₀)": math.ceil(exact**2),
            "λ₀ belongs in the denominator: a larger least eigenvalue means a shorter leash and fewer neurons":
                math.ceil(exact * lambda0**4),
        }, rtol=1e-9)


@checker("leaky_force", "the force on every hidden neuron, whatever the signal")
def check_leaky_force(answer: Any) -> None:
    """``leaky_force(U, V, X, signal, leak)``, (m, d_in), against autograd.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    g = torch.Generator().manual_seed(3)
    for (m, n, d_in, d_out), leak in (((6, 4, 3, 2), 0.3), ((9, 5, 4, 3), 0.1)):
        U, V, X, signal = (torch.randn(*shape, generator=g, dtype=torch.float64)
                           for shape in ((m, d_in), (d_out, m), (n, d_in), (n, d_out)))
        Ug = U.clone().requires_grad_()
        f = torch.nn.functional.leaky_relu(X @ Ug.T, leak) @ V.T / math.sqrt(m * d_out)
        right, = torch.autograd.grad((signal * f).sum(), Ug)
        c, on = 1 / math.sqrt(m * d_out), (X @ U.T >= 0).double()
        slope = on + leak * (1 - on)
        got = call(answer, "leaky_force", U, V, X, signal, leak)
        compare(got, right, "leaky_force(U, V, X, signal, leak)", {
            "this is the force on ReLU neurons: with a leak, neurons that are off pull as well, by the leak":
                c * ((signal @ V) * on).T @ X,
            "neurons that are off pull with full strength: below zero the slope is the leak, not 1":
                c * (signal @ V).T @ X,
            "the leak multiplies all neurons: those that are on have slope 1":
                c * leak * (signal @ V).T @ X,
            "two things: the factor 1/√(d_out m) is missing, and neurons that are off feel nothing, without a leak":
                ((signal @ V) * on).T @ X,
            "leak and 1 are exchanged: neurons that are ON have slope 1":
                c * ((signal @ V) * (1 - on + leak * on)).T @ X,
            "the leak is added everywhere: a neuron that is on has slope 1, not 1 + leak":
                c * ((signal @ V) * (on + leak)).T @ X,
            "below zero the slope is +leak: the leak keeps the sign of the signal":
                c * ((signal @ V) * (on - leak * (1 - on))).T @ X,
            "the sign is turned round: the force points uphill for the signal": -right,
            "the factor 1/√(d_out m) of the network is missing": right / c,
            "the factor is squared: the network carries it once": right * c,
            "d_out is missing from the factor: it is 1/√(d_out m)": right * math.sqrt(d_out),
            "m is missing from the factor: it is 1/√(d_out m)": right * math.sqrt(m),
            "the activation stands where its derivative belongs":
                c * ((signal @ V) * torch.nn.functional.leaky_relu(X @ U.T, leak)).T @ X,
            "the mean over the points is returned; the force is their sum": right / n,
            "the v_j are ignored: a neuron feels the signal through its own column of V":
                c * (signal.sum(1, keepdim=True) * slope).T @ X,
        })


@checker("hidden_islands", "islands that the Hopkins statistic sees and the neighbour spread does not")
def check_hidden_islands(answer: Any) -> None:
    """``hidden_islands(m, d, seed)``: a cloud (m, d) whose neighbour spread is that of fresh clouds, and its Hopkins
    statistic is not.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for m, d in (128, 10), (90, 6):
        fresh = point_statistics.null(m, d, samples=100, seed=m)
        clouds = []
        for seed in (1, 2):
            cloud = call(answer, "hidden_islands", m, d, seed)
            try:
                cloud = to_numpy(cloud).astype(float)
            except (TypeError, ValueError, AttributeError):
                refuse("hidden_islands should return an array of numbers, one row a neuron")
            if cloud.shape != (m, d):
                refuse(f"the cloud has shape {cloud.shape}: one row for each of {m} neurons, {d} numbers in a row")
            if not np.isfinite(cloud).all():
                refuse("the cloud holds numbers that are not finite")
            if not point_statistics.nearest(cloud).min() > 0:
                refuse("some neurons coincide: draw each of them anew around the middle of its island")
            spread, crowding, _ = (point_statistics.measure(cloud) - fresh.mean(0)) / fresh.std(0)
            if crowding < 10 and abs(spread) > 3:
                refuse(f"the statistics are exchanged: the neighbour spread stands {spread:+.0f} s.d. from fresh "
                       f"clouds, Hopkins {crowding:+.0f}; uneven distances are not islands, wide empty gaps are")
            if crowding < 10:
                refuse(f"Hopkins stands only {crowding:+.1f} s.d. from fresh clouds: a random probe must fall into "
                       "empty space, so move the groups farther apart than they are wide")
            if spread > 3:
                refuse(f"the neighbour spread notices, by {spread:+.0f} s.d.: some neurons have their neighbours much "
                       "nearer than others have; make the islands alike, in width and in number")
            if spread < -3:
                refuse(f"the neighbour spread notices, by {spread:+.0f} s.d.: the distances are too much alike for "
                       "chance; neurons on a grid or on a sphere are evener than a Gaussian cloud")
            clouds.append(cloud)
        if np.array_equal(clouds[0], clouds[1]):
            refuse("two seeds give the same cloud: draw with np.random.default_rng(seed)")


@checker("paired_p", "only the two runs of a seed may be swapped")
def check_paired_p(answer: Any) -> None:
    """``paired_p(supervised, adversarial)``: exact, one-sided, over all swaps of pairs.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(27)
    # With these levels rounding takes one side of the tie in the second case a little below the other.
    level = np.array([5.0, 3.0, -2.0, 0.0, 1.0])
    rises = ([0.4, 0.2, 1.1, -0.5, 0.7], [0.4, -0.3, 0.2, 0.3, 0.6], [0.4, 0.5, 0.2, 0.3, 0.6],
             [0.2, 0.5, -0.3, 0.1], [-0.4, -0.2, 0.1, -0.5, -0.3])
    for rise in rises:
        n = len(rise)
        low = level[:n] + (0.1 if n == 4 else 0.0) * rng.standard_normal(n)
        high = low + rise
        d = high - low
        # Swap the pairs one pattern after another, by the bits of a counter.
        swapped = np.array([sum(-v if k >> i & 1 else v for i, v in enumerate(d)) for k in range(2**n)])
        room = 1e-9 * np.abs(d).sum()
        right = float(np.mean(swapped >= d.sum() - room))
        both = np.r_[low, high]
        sums = np.array([2 * both[list(pick)].sum() - both.sum() for pick in combinations(range(2 * n), n)])
        got = call(answer, "paired_p", low, high)
        ranks = np.argsort(np.argsort(np.abs(d))) + 1
        ranks = ranks * np.sign(d)
        by_rank = np.array([sum(-r if k >> i & 1 else r for i, r in enumerate(ranks)) for k in range(2**n)])
        mistakes = {
            "1/2ⁿ is only the least possible p: count the swaps that reach the observed sum": 1 / 2**n,
            "the count is returned: divide it by the number of swaps": float(np.sum(swapped >= d.sum() - room)),
            "this is the p-value of a t-test, which assumes normal differences; here the swaps themselves are listed":
                float(stats.ttest_rel(high, low, alternative="greater").pvalue),
            "the observed arrangement itself is left out: it is one of the swaps, so p is never 0":
                float(np.mean(swapped > d.sum() + room)),
            "the runs are mixed as if unpaired, all ways to choose n of 2n: runs of one seed share weights and "
            "batches, only the two of a pair may be swapped": float(np.mean(sums >= d.sum() - room)),
            "both directions are counted: the question is one-sided, larger with an adversary":
                float(np.mean(np.abs(swapped) >= abs(d.sum()) - room)),
            "the wrong direction: count the swaps whose difference adversarial − supervised is at least as LARGE":
                float(np.mean(swapped <= d.sum() + room)),
            "1 is added to count and total, as for random draws; here all swaps are listed, the observed one too":
                float((1 + np.sum(swapped >= d.sum() - room)) / (1 + 2**n)),
            "this is the sign test, which knows only how many pairs rise; the size of the differences counts here":
                sum(math.comb(n, k) for k in range(int((d > 0).sum()), n + 1)) / 2**n,
            "these are ranks in place of sizes (Wilcoxon's test): here the differences themselves are added up":
                float(np.mean(by_rank >= by_rank[0])) if n == 5 and len(set(np.abs(d).round(9))) == n else math.nan,
            "a tie is missed: equal sums can differ in the last digit; compare with a little room":
                float(np.mean(swapped > d.sum() + room)) + 1 / 2**n,
        }
        near = np.ndim(got) == 0 and abs(float(got) - right) < 0.05 and abs(float(got) * 2**n % 1 - 0.5) < 0.499
        if near and not any(np.isclose(float(got), wrong, rtol=1e-6) for wrong in mistakes.values()):
            refuse(f"close, but no number of {2**n}: you drew swaps at random, and so few can all be listed")
        compare(got, right, f"paired_p of {n} pairs", mistakes, rtol=1e-6)
