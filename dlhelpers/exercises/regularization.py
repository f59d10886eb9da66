"""Checkers for lecture 09: a start for leaky ReLU, block threshold, dropout's limit, folding, what seeds can show."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from dlhelpers.exercises.core import call, checker, compare, refuse, to_numpy


@checker("init_std", "the signal keeps its size behind leaky ReLUs of any slope")
def check_init(answer: Any) -> None:
    """``init_std(d_in, d_out, slope)`` -> standard deviation of the weights behind leaky ReLUs.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    # The mean square that is left, by quadrature: an oracle without the formula.
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    for d_in, d_out, a in ((300, 70, 0.2), (12, 48, 0.5), (64, 200, 0.0), (50, 80, 1.0), (90, 30, -1.0)):
        left = float(weights @ np.where(nodes > 0, nodes, a * nodes) ** 2 / weights.sum())
        right = (1 / (left * d_in)) ** 0.5
        mean = (1 - a) / (2 * np.pi) ** 0.5
        away = float("nan")  # where a mistake makes no difference
        compare(call(answer, "init_std", d_in, d_out, a), right, "init_std", {
            "this is the variance: the standard deviation is its root": right**2,
            "this is He's start, as if nothing came through on the negative side; a share a² of that half does":
                (2 / d_in) ** 0.5 if a else away,
            "square each half, then add: 1 + a², not (1 + a)²": (2 / ((1 + a) ** 2 * d_in)) ** 0.5 if a > -1 else away,
            "what is left is a mean SQUARE: the negative half counts a², not a":
                (2 / ((1 + a) * d_in)) ** 0.5 if a > -1 else away,
            "each half is hit half of the time: ½(1 + a²) is left, so 2 stands above":
                (1 / ((1 + a**2) * d_in)) ** 0.5,
            "this is 1/√d_in, the start for tanh; of a leaky ReLU's square only ½(1 + a²) is left, so more is needed":
                (1 / d_in) ** 0.5 if abs(a) < 1 else away,
            "the negative half adds to what is left: 1 + a², not 1 - a²":
                (2 / ((1 - a**2) * d_in)) ** 0.5 if 0 < abs(a) < 1 else away,
            "the sum that makes z runs over the inputs: d_in, not d_out": (1 / (left * d_out)) ** 0.5,
            "this averages both widths, as Xavier does; on the way forward only d_in counts":
                (2 / (left * (d_in + d_out))) ** 0.5,
            "the weights must make up for what is lost, not lose it again: divide by ½(1 + a²)": (left / d_in) ** 0.5,
            "the next layer adds up squares: what is left is the mean square of φ, not its variance":
                (1 / ((left - mean**2) * d_in)) ** 0.5 if a < 1 else away,
            "this is where a uniform distribution ends; its standard deviation is smaller by √3": 3**0.5 * right,
            "this is Xavier's start for linear units; here half of the square is lost, and d_out does not count":
                (2 / (d_in + d_out)) ** 0.5,
            "the variance is 2/((1 + a²) d_in): the root goes over all of it, not over d_in alone":
                2 / ((1 + a**2) * d_in**0.5) if abs(a) < 1 else away,
        })


@checker("block_threshold", "short vectors vanish whole, long ones are shortened by t and keep their direction")
def check_block(answer: Any) -> None:
    """``block_threshold(v, t)`` -> minimiser of ‖w - v‖²/2 + t‖w‖.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(5)
    lengths = np.linspace(0, 1, 40_001)  # an oracle without the formula: w is a share of v; try every share
    for t, size in ((0.7, 2.3), (1.5, 0.4), (0.3, 0.7), (0.0, 1.0)):
        v = rng.normal(size=4)
        v *= size / np.linalg.norm(v)
        right = v * lengths[np.argmin((1 - lengths) ** 2 * size**2 / 2 + t * lengths * size)]
        compare(call(answer, "block_threshold", v, t), right, "block_threshold", {
            "this is the lasso's threshold, entry by entry: here the whole vector is shortened, its direction kept":
                np.sign(v) * np.maximum(np.abs(v) - t, 0),
            "a vector longer than t must get shorter, too, by t; this only cuts the short ones":
                v if size > t else 0 * v,
            "this goes through 0 and out on the other side: stop at 0 when v is shorter than t": (1 - t / size) * v,
            "this is what the SQUARED norm as a penalty gives: it shrinks everything and removes nothing": v / (1 + t),
            "this is what the SQUARED norm as a penalty gives: it shrinks all and removes nothing": v / (1 + 2 * t),
            "the length falls by t, it is not multiplied by 1 - t": max(1 - t, 0) * v,
            "divide by the norm, not by its square: the step along v must have length t": max(1 - t / size**2, 0) * v,
            "the penalty pulls towards 0, not away from it": (1 + t / size) * v,
            "the length falls by t, not by t/2: the ½ before the square is gone once you differentiate":
                max(1 - t / (2 * size), 0) * v,
            "the length falls by t, not by 2t: with ½ before the square its derivative is w - v":
                max(1 - 2 * t / size, 0) * v,
            "the new length is ‖v‖ - t, so it multiplies the unit vector v/‖v‖, not v itself":
                max(size - t, 0) * v,
            "the norm here is the Euclidean one, not the sum of absolute values": max(1 - t / np.abs(v).sum(), 0) * v,
            "entries are not shortened one by one: the vector as a whole loses the length t":
                v - t * np.sign(v) if size > t else 0 * v,
            "t is the length that is taken away, not the length that is left": t / size * v,
        }, atol=2e-4)
    nothing = to_numpy(call(answer, "block_threshold", np.zeros(3), 0.5)).astype(float)
    if not np.isfinite(nothing).all():
        refuse("v = 0 has no direction to divide by: there the answer is 0, without a division")
    compare(nothing, np.zeros(3), "block_threshold of the zero vector")


@checker("dropout_limit", "the weights that dropout ends at, without a single mask")
def check_dropout_limit(answer: Any) -> None:
    """``dropout_limit(X, y, p)`` -> minimiser of the expected loss of linear regression with dropout on the inputs.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(6)
    for n, p in ((9, 0.2), (14, 0.7)):
        X = rng.normal(size=(n, 4)) * [1.0, 2.0, 0.5, 1.5]
        y = X @ rng.normal(size=4) + rng.normal(size=n)
        masks = np.array(list(itertools.product([0.0, 1.0], repeat=4)))  # an oracle that asks every mask
        chances = (1 - p) ** masks.sum(1) * p ** (4 - masks.sum(1))
        thinned = X[:, None] * masks / (1 - p)  # (n, masks, 4)
        second = np.einsum("k,nki,nkj->ij", chances, thinned, thinned)  # (n, masks, 4) twice -> (4, 4)
        gram, pull, sums = X.T @ X, X.T @ y, np.diag((X**2).sum(0))
        odds = p / (1 - p)
        compare(call(answer, "dropout_limit", X, y, p), np.linalg.solve(second, pull), "dropout_limit", {
            "these are the least-squares weights: dropout's variance must be paid for": np.linalg.solve(gram, pull),
            "p is the probability of being dropped: the price is p/(1 - p), not (1 - p)/p":
                np.linalg.solve(gram + sums / odds, pull),
            "p(1 - p) is the price without the division by 1 - p; here the survivors are scaled up":
                np.linalg.solve(gram + p * (1 - p) * sums, pull),
            "every weight pays for the size of its own input: a diagonal of ‖x_j‖², not the identity":
                np.linalg.solve(gram + odds * np.eye(4), pull),
            "the loss is a sum over the samples, and so is ‖x_j‖²: no mean":
                np.linalg.solve(gram + odds * sums / n, pull),
            "both parts of the loss are squares, and the factor 2 of their gradients cancels: no ½ is left":
                np.linalg.solve(gram + odds / 2 * sums, pull),
            "the price grows with the variance of a mask divided by (1 - p)²: p(1 - p)/(1 - p)² = p/(1 - p)":
                np.linalg.solve(gram + p * sums, pull),
            "(1 - p) stands in the price once: the mask's variance p(1 - p) over (1 - p)² is p/(1 - p)":
                np.linalg.solve(gram + p / (1 - p) ** 2 * sums, pull),
            "the price is the squared length of input j, ‖x_j‖², not its length":
                np.linalg.solve(gram + odds * np.sqrt(sums), pull),
            "this is 1 - p times least squares, as if all of XᵀX were dearer; only its diagonal is, since the mask "
            "of one input does not touch its products with the others": np.linalg.solve(gram * (1 + odds), pull),
            "the factor 2 of the penalty's gradient and the 2 of the loss's cancel: the price is p/(1 - p), once":
                np.linalg.solve(gram + 2 * odds * sums, pull),
            "every weight pays for its own input: ‖x_j‖² on the diagonal, not their mean for all":
                np.linalg.solve(gram + odds * np.trace(gram) / 4 * np.eye(4), pull),
            "every weight pays for its own input: ‖x_j‖² on the diagonal, not their sum for all":
                np.linalg.solve(gram + odds * np.trace(gram) * np.eye(4), pull),
            "the survivors are divided by 1 - p in training; without that the weights come out longer by 1/(1 - p)":
                np.linalg.solve(second, pull) / (1 - p),
        })


@checker("fold", "one layer computes what the layer and its batch norm computed")
def check_fold(answer: Any) -> None:
    """``fold(W, c, gamma, beta, mean, var, eps)`` -> (weights, bias) of the layer that needs no batch norm.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(7)
    for m, d, eps in ((4, 4, None), (3, 5, 1e-2)):
        W, c = rng.normal(size=(m, d)), rng.normal(size=m)
        gamma, beta, mean, var = rng.uniform(0.5, 2, m), rng.normal(size=m), rng.normal(size=m), rng.uniform(1, 4, m)
        var[1] = 1e-5  # one unit hardly varies: there it shows where eps stands
        given = () if eps is None else (eps,)  # once the default, once another one
        eps = 1e-5 if eps is None else eps
        got = call(answer, "fold", W, c, gamma, beta, mean, var, *given)
        if not isinstance(got, (tuple, list)) or len(got) != 2:
            refuse("fold should return two things: the weights and the bias")
        if np.shape(to_numpy(got[0])) == (m,) and np.shape(to_numpy(got[1])) == (m, d):
            refuse("the weights come first, then the bias: the two are exchanged")
        scale = gamma / np.sqrt(var + eps)
        # An oracle without the formula: the two layers on the unit vectors and on 0.
        at = np.vstack([np.zeros(d), np.eye(d)])
        out = (at @ W.T + c - mean) / np.sqrt(var + eps) * gamma + beta
        compare(got[0], (out[1:] - out[0]).T, "the weights of the new layer", {
            "W has a row for each unit: scale its rows, not its columns": scale[:d] * W if m == d else np.array(np.nan),
            "gamma is missing: the normalised unit is stretched by it": (scale / gamma)[:, None] * W,
            "divide by the standard deviation, the root of the variance": (gamma / (var + eps))[:, None] * W,
            "eps stands under the root, beside the variance": (gamma / (np.sqrt(var) + eps))[:, None] * W,
            "eps is missing under the root": (gamma / np.sqrt(var))[:, None] * W,
            "the function is given eps and must use that one, not always 1e-5":
                (gamma / np.sqrt(var + 1e-5))[:, None] * W if given else np.array(np.nan),
            "the old weights must be scaled: batch norm stretches what comes through them": W,
            "W was transposed: its rows belong to the units already":
                scale[:, None] * W.T if m == d else np.array(np.nan),
        })
        compare(got[1], out[0], "the bias of the new layer", {
            "the old bias c passes through batch norm, too: subtract the mean from it and scale": beta - scale * mean,
            "the running mean must be subtracted before the scaling": beta + scale * c,
            "the mean is subtracted from c, then both are scaled": c - mean + beta,
            "c is inside the batch norm: it is scaled as the mean is": beta + c - scale * mean,
            "batch norm's own shift beta is missing": scale * (c - mean),
            "beta is added after the scaling, it is not scaled": scale * (c - mean + beta),
            "the mean is subtracted, not added": scale * (c + mean) + beta,
            "eps stands under the root, beside the variance": gamma / (np.sqrt(var) + eps) * (c - mean) + beta,
            "the mean is inside the batch norm: it is scaled as c is": scale * c - mean + beta,
            "the mean is subtracted from c, not c from the mean": scale * (mean - c) + beta,
            "beta alone is what is left of z = mean; c and the mean count as well": beta,
        })


@checker("reach", "what the sign-flip test could show at best, and how many seeds it takes")
def check_reach(answer: Any) -> None:
    """``reach(differences, questions)`` -> (least chance for these sizes, seeds needed for 0.05/questions).

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for sizes, questions in (([1, 0, 0, 2, -3, 4, 9], 60), ([3, -1, 4, 0, -2, 6, 5, 7], 14), ([2, 2, -5, 1, 3, 8], 1)):
        d = np.array(sizes) / 8  # exact in binary
        n, zeros = len(d), int((d == 0).sum())
        signs = np.array(list(itertools.product([1, -1], repeat=n)))
        sums = np.abs(signs @ np.abs(d))  # an oracle without the formula: all signs against all equal
        least = float((sums >= np.abs(d).sum()).mean())
        got = call(answer, "reach", d, questions)
        if not isinstance(got, (tuple, list)) or len(got) != 2:
            refuse("reach should return two things: the least chance and the number of seeds")
        compare(got[0], least, "the least chance", {
            "a difference of exactly 0 has no sign: flipping it changes nothing, so more choices reach the largest sum":
                2.0 ** (1 - n) if zeros else np.nan,
            "all plus and all minus are equally far from 0: two choices, not one": 2.0 ** (zeros - n),
            "a zero makes the least chance larger, not smaller: the choices are still 2ⁿ, or drop it from both":
                2.0 ** (1 - n - zeros) if zeros else np.nan,
            "this is the chance for the signs as they are; at best all differences have one sign":
                float((np.abs(signs @ d) >= abs(d.sum())).mean()),
            "this is how many choices reach it: divide by their number, 2ⁿ": 2.0 ** (1 + zeros),
        })
        level = 0.05 / questions
        needed = next(k for k in itertools.count(1) if float(np.ldexp(2.0, -k)) < level)
        once, half = (next(k for k in itertools.count(1) if limit(k)) for limit in (
            lambda k: 2.0 ** (1 - k) < 0.05, lambda k, level=level: 2.0**-k < level))
        compare(got[1], needed, "the number of seeds", {
            "the level is 0.05 divided by the number of questions": once if questions > 1 else np.nan,
            "two choices of signs, all plus and all minus, reach the largest sum: the least chance is 2/2ⁿ, not 1/2ⁿ":
                half,
            "with one seed fewer it is not below the level yet, and with this one it is: you stopped a seed too late":
                needed + 1,
        })
