"""Checkers of the exercises of lecture 27: Gram matrix, leash, forces, homogeneity, p-values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from dlhelpers.exercises.core import call, checker, compare, refuse


def _unit_rows(seed: int, n: int, d: int) -> np.ndarray:
    X = np.random.default_rng(seed).standard_normal((n, d))
    return X / np.linalg.norm(X, axis=1, keepdims=True)


@checker("gram_limit", "the overlap of two half-planes, for every pair of inputs")
def check_gram_limit(answer: Any) -> None:
    """``gram_limit(X)`` for inputs of norm 1: (n, n), against numerical integration over directions.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for seed, (n, d) in enumerate([(3, 2), (5, 4)]):
        X = _unit_rows(seed, n, d)
        C = np.clip(X @ X.T, -1, 1)
        # Share of directions in the plane of two inputs that both see, counted on a fine circle.
        turn = (np.arange(400_000) + 0.5) * (2 * np.pi / 400_000)
        right = np.array([[c * np.mean((np.cos(turn) >= 0) & (np.cos(turn - math.acos(c)) >= 0)) for c in row]
                          for row in C])
        angle = np.arccos(C)
        got = call(answer, "gram_limit", X)
        if np.isnan(np.asarray(got, float)).any():
            refuse("gram_limit holds NaN: by rounding an inner product comes out a little beyond 1, where arccos is "
                   "not defined; np.clip it to [−1, 1] first")
        compare(got, right, "gram_limit(X)", {
            "the probability alone is returned: multiply it by the inner product of the two inputs":
                (np.pi - angle) / (2 * np.pi),
            "twice too large: a random neuron sees both with probability (π − φ) / 2π, not (π − φ) / π":
                C * (np.pi - angle) / np.pi,
            "the angle itself is used: nearly parallel inputs are shared by MORE neurons, so it is π − φ that counts":
                C * angle / (2 * np.pi),
        }, rtol=1e-4, atol=1e-5)


@checker("leash", "Theorem 1 with its constant")
def check_leash(answer: Any) -> None:
    """``leash(n, m, residual, lambda0)``: the bound of Theorem 1 on the way of one neuron.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for n, m, residual, lambda0 in ((7, 96, 2.0, 0.25), (11, 250, 3.5, 0.1)):
        # The integral of the greatest speed, summed numerically.
        t = np.linspace(0, 60 / lambda0, 200_001)
        speed = math.sqrt(n / m) * residual * np.exp(-lambda0 * t / 2)
        right = float(np.sum((speed[1:] + speed[:-1]) / 2) * (t[1] - t[0]))
        got = call(answer, "leash", n, m, residual, lambda0)
        compare(got, right, f"leash({n}, {m}, {residual}, {lambda0})", {
            "the factor 2 is missing: the integral of exp(−λ₀t/2) is 2/λ₀": right / 2,
            "√n is missing: n residuals pull at the neuron together": right / math.sqrt(n),
            "n enters without its square root": right * math.sqrt(n),
            "m enters without its square root: a neuron's share of the output is 1/√m": right / math.sqrt(m),
            "this is the bound for the whole layer: ONE neuron has another √m less": right * math.sqrt(m),
            "λ₀ belongs in the denominator: a larger least eigenvalue means faster learning and a shorter way":
                right * lambda0**2,
        }, rtol=1e-4)


@checker("hidden_force", "the force on every hidden neuron, whatever the signal")
def check_hidden_force(answer: Any) -> None:
    """``hidden_force(U, V, X, signal)``, (m, d_in), against autograd.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    g = torch.Generator().manual_seed(3)
    for m, n, d_in, d_out in ((6, 4, 3, 2), (9, 5, 4, 3)):
        U, V, X, signal = (torch.randn(*shape, generator=g, dtype=torch.float64)
                           for shape in ((m, d_in), (d_out, m), (n, d_in), (n, d_out)))
        Ug = U.clone().requires_grad_()
        f = torch.relu(X @ Ug.T) @ V.T / math.sqrt(m * d_out)
        right, = torch.autograd.grad((signal * f).sum(), Ug)
        c, on = 1 / math.sqrt(m * d_out), (X @ U.T > 0).double()
        got = call(answer, "hidden_force", U, V, X, signal)
        compare(got, right, "hidden_force(U, V, X, signal)", {
            "the sign is turned round: the force points uphill for the signal": -right,
            "the factor 1/√(d_out m) of the network is missing": right / c,
            "the factor is squared: the network carries it once": right * c,
            "d_out is missing from the factor: it is 1/√(d_out m)": right * math.sqrt(d_out),
            "m is missing from the factor: it is 1/√(d_out m)": right * math.sqrt(m),
            "neurons that are off take part: multiply by 1{u_j·x_p ≥ 0}": c * (signal @ V).T @ X,
            "σ(u_j·x_p) stands where its derivative 1{u_j·x_p ≥ 0} belongs":
                c * ((signal @ V) * torch.relu(X @ U.T)).T @ X,
            "the mean over the points is returned; the force is their sum": right / n,
            "the v_j are ignored: a neuron feels the signal through its own column of V":
                c * (signal.sum(1, keepdim=True) * on).T @ X,
        })


@checker("neighbour_spread", "how unevenly the neurons sit, in weight space")
def check_neighbour_spread(answer: Any) -> None:
    """``neighbour_spread(points)``: std / mean of nearest-neighbour distances.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for seed, (m, d) in enumerate([(12, 2), (30, 7)]):
        P = np.random.default_rng(10 + seed).standard_normal((m, d)) * 3 + 1
        D = np.sqrt(((P[:, None] - P[None]) ** 2).sum(2))
        near = np.array([min(D[i, j] for j in range(m) if j != i) for i in range(m)])
        others = np.array([np.mean([D[i, j] for j in range(m) if j != i]) for i in range(m)])
        far = D.max(1)
        right = near.std() / near.mean()
        got = call(answer, "neighbour_spread", P)
        if np.ndim(got) == 0 and not np.isfinite(float(got)):
            refuse("neighbour_spread is not finite: the distance of a neuron to itself, 0, is its smallest; "
                   "leave it out, for instance with infinity on the diagonal")
        compare(got, right, f"neighbour_spread of {m} points", {
            "the quotient is upside down: std divided by mean": near.mean() / near.std(),
            "squared distances are used: take the root before mean and std": (near**2).std() / (near**2).mean(),
            "the mean distance to all others is used: only the nearest counts": others.std() / others.mean(),
            "the farthest neighbour is used: take the minimum": far.std() / far.mean(),
            "the standard deviation alone changes with the scale of the weights: divide by the mean": near.std(),
            "std uses n − 1 (torch's default, numpy's ddof=1): here it is divided by the number of neurons":
                near.std(ddof=1) / near.mean(),
        })


@checker("p_value", "never zero, and fair to ties")
def check_p_value(answer: Any) -> None:
    """``p_value(observed, null)``: Monte Carlo, one-sided, large values count.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    null = np.array([0.1, 0.4, 0.4, 0.5, 0.9, 1.2, 0.3, 0.2, 0.8])
    for observed in (0.4, 0.85, 2.0):
        larger, at_least = sum(v > observed for v in null), sum(v >= observed for v in null)
        right = (1 + at_least) / (1 + len(null))
        got = call(answer, "p_value", observed, null)
        compare(got, right, f"p_value({observed}, …)", {
            "a p-value of 0 would say impossible; the observation itself counts as one draw: (1 + k)/(1 + N)":
                at_least / len(null),
            "ties are dropped: count the null values that are at least as large, ≥": (1 + larger) / (1 + len(null)),
            "the wrong tail: large statistics speak against homogeneity":
                (1 + sum(v <= observed for v in null)) / (1 + len(null)),
            "the 1 belongs in the denominator as well": (1 + at_least) / len(null),
        })
