"""Checkers for the exercises of lecture 09: initial weights, soft threshold, dropout, batch norm."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlhelpers.exercises.core import call, checker, compare, refuse


@checker("init_std", "He for ReLU, Xavier for tanh")
def check_init(answer: Any) -> None:
    """``init_std(d_in, d_out, activation)`` -> standard deviation of the initial weights.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for d_in, d_out in ((300, 70), (12, 48), (64, 200)):
        compare(call(answer, "init_std", d_in, d_out, "relu"), (2 / d_in) ** 0.5, "init_std for relu", {
            "this is the variance: the standard deviation is its root": 2 / d_in,
            "ReLU throws half of the square away: the variance must be 2/d_in": (1 / d_in) ** 0.5,
            "the sum that makes z runs over the inputs: d_in, not d_out": (2 / d_out) ** 0.5,
            "this is Xavier's, but He's is asked for with ReLU": (2 / (d_in + d_out)) ** 0.5,
        })
        compare(call(answer, "init_std", d_in, d_out, "tanh"), (2 / (d_in + d_out)) ** 0.5, "init_std for tanh", {
            "Xavier takes the mean of both widths: 2/(d_in + d_out)": (1 / d_in) ** 0.5,
            "the mean of two widths is half their sum: 2 in the numerator": (1 / (d_in + d_out)) ** 0.5,
            "this is He's, but tanh keeps the whole signal near zero": (2 / d_in) ** 0.5,
        })


@checker("soft_threshold", "small entries become exactly 0, the others move by t")
def check_soft(answer: Any) -> None:
    """``soft_threshold(v, t)`` -> minimiser of (w - v)²/2 + t|w|, entry by entry.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(5)
    grid = np.linspace(-6, 6, 120_001)                     # an oracle without the formula: try every w
    for t in (0.7, 1.5, 0.0):
        v = np.round(rng.normal(0, 2, 12), 4)
        right = np.array([grid[np.argmin((grid - value) ** 2 / 2 + t * np.abs(grid))] for value in v])
        compare(call(answer, "soft_threshold", v, t), right, "soft_threshold", {
            "entries beyond t must move towards 0 by t, too; this only cuts the small ones (hard threshold)":
                np.where(np.abs(v) > t, v, 0),
            "negative entries have a minimum as well: shrink |v| and give the sign back": np.maximum(v - t, 0),
            "the sign is lost": np.maximum(np.abs(v) - t, 0),
            "this moves every entry by t, also past 0: stop there": v - t * np.sign(v),
            "the penalty pulls towards 0, not away from it": v + t * np.sign(v),
        }, atol=2e-4)


@checker("dropout", "the right units are silent, the mean is kept, production does nothing")
def check_dropout(answer: Any) -> None:
    """``dropout(h, u, p, training)`` -> inverted dropout.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(6)
    for p in (0.2, 0.7):
        h, u = rng.normal(size=(6, 5)), rng.random((6, 5))
        kept = u >= p
        compare(call(answer, "dropout", h, u, p, True), h * kept / (1 - p), "dropout in training", {
            "the survivors must be scaled up, by 1/(1 - p), to keep the mean": h * kept,
            "p is the probability of being dropped: scale by 1/(1 - p)": h * kept / p,
            "the lecture's p is the probability to be kept; here p is that of being dropped: keep where u ≥ p, divide "
            "by 1 - p":
                h * ~kept / p,
            "this keeps the units that should be dropped: drop where u < p": h * ~kept / (1 - p),
            "scale up: divide by 1 - p": h * kept * (1 - p),
        })
        compare(call(answer, "dropout", h, u, p, False), h, "dropout in production", {
            "training has paid for the scaling already: return h as it is": h * (1 - p),
            "no unit is dropped in production": h * kept / (1 - p),
            "no unit is dropped in production, and none is scaled": h * kept,
        })


@checker("batch_norm", "normalised by the batch in training and by its memory in production")
def check_batch_norm(answer: Any) -> None:
    """``batch_norm(z, mean, var, a, training)`` -> (normalised, running mean, running variance).

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(7)
    for training in (True, False):
        z, mean, var, a = rng.normal(2, 3, (6, 4)), rng.normal(size=4), rng.uniform(0.5, 2, 4), 0.3
        # One unit hardly varies: there it shows where the 1e-5 stands.
        z[:, 2], var[2] = z[:, 2] * 1e-3, 1e-5
        got = call(answer, "batch_norm", z, mean, var, a, training)
        if not isinstance(got, (tuple, list)) or len(got) != 3:
            refuse("batch_norm should return three things: the batch, the running mean, the running variance")
        by_batch, by_memory = (z - z.mean(0)) / np.sqrt(z.var(0) + 1e-5), (z - mean) / np.sqrt(var + 1e-5)
        if training:
            compare(got[0], by_batch, "batch_norm in training", {
                "normalise by the batch's own mean and variance while training": by_memory,
                "the 1e-5 belongs under the root, beside the variance: √(var + 1e-5)":
                    (z - z.mean(0)) / (np.sqrt(z.var(0)) + 1e-5),
                "the 1e-5 is missing: √(var + 1e-5) keeps a unit that does not vary from being divided by 0":
                    (z - z.mean(0)) / np.sqrt(z.var(0)),
                "divide by the variance over B here, not over B - 1":
                    (z - z.mean(0)) / np.sqrt(z.var(0, ddof=1) + 1e-5),
                "divide by the standard deviation, the root of the variance": (z - z.mean(0)) / (z.var(0) + 1e-5),
                "each unit has its own mean: average over the batch, axis 0":
                    (z - z.mean(1, keepdims=True)) / np.sqrt(z.var(1, keepdims=True) + 1e-5),
            })
            compare(got[1], (1 - a) * mean + a * z.mean(0), "the running mean", {
                "the shares are swapped: the new batch counts a, the memory 1 - a": a * mean + (1 - a) * z.mean(0),
                "the running mean has not moved": mean,
            })
            compare(got[2], (1 - a) * var + a * z.var(0, ddof=1), "the running variance", {
                "it estimates the population: divide by B - 1": (1 - a) * var + a * z.var(0),
                "the running variance has not moved": var,
            })
        else:
            compare(got[0], by_memory, "batch_norm in production", {
                "the 1e-5 belongs under the root, beside the variance: √(var + 1e-5)":
                    (z - mean) / (np.sqrt(var) + 1e-5),
                "the 1e-5 is missing: √(var + 1e-5) keeps a unit that does not vary from being divided by 0":
                    (z - mean) / np.sqrt(var),
                "production must use the running estimates: otherwise an answer depends on its neighbours": by_batch,
            })
            compare(np.stack([got[1], got[2]]), np.stack([mean, var]), "the memory in production", {
                "the running estimates must not learn from production data":
                    np.stack([(1 - a) * mean + a * z.mean(0), (1 - a) * var + a * z.var(0, ddof=1)]),
            })
