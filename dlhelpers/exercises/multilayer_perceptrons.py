"""Checkers for the exercises of lecture 07: counting, the forward pass, a slope, hinges, collapsed layers."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch

from dlhelpers.exercises.core import call, checker, compare, refuse, warned
from dlhelpers.models.mlp import count_parameters, mlp


def _net(sizes: list[int], seed: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(after, before)) for before, after in itertools.pairwise(sizes)]
    return weights, [rng.normal(size=after) for after in sizes[1:]]


def _pair(answer: Any, name: str, *arguments: Any) -> tuple[np.ndarray, np.ndarray]:
    got = call(answer, name, *arguments)
    if not isinstance(got, (tuple, list)) or len(got) != 2:
        refuse(f"{name} should return two things, got {type(got).__name__}")
    return got[0], got[1]


@checker("count", "every weight and every bias, once")
def check_count(answer: Any) -> None:
    """``count(sizes, bias)`` -> number of parameters of a fully connected net.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for sizes in ([784, 1024, 10], [3, 3, 2, 1], [5, 9, 2], [7, 4]):
        for bias in (True, False):
            right = count_parameters(mlp(sizes, bias=bias))
            pairs = list(itertools.pairwise(sizes))
            name = f"count({sizes}, bias={bias})"
            compare(call(answer, "count", sizes, bias), right, name, {
                "the biases are missing": sum(a * b for a, b in pairs) if bias else np.nan,
                "bias=False is ignored": np.nan if bias else sum((a + 1) * b for a, b in pairs),
                "the biases belong to the layer they lead to: L_n of them, not L_{n-1}":
                    sum(a * (b + 1) for a, b in pairs) if bias else np.nan,
                "the input layer has no biases of its own": right + sizes[0] if bias else np.nan,
                "a layer has as many biases as units, not one": sum(a * b + 1 for a, b in pairs) if bias else np.nan,
            }, rtol=0, atol=0.5)


@checker("forward", "a whole batch at once, as torch does it")
def check_forward(answer: Any) -> None:
    """``forward(X, weights, biases)`` -> outputs of a ReLU net; the oracle is ``mlp``.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for sizes, seed in (([4, 6, 3], 0), ([5, 5, 5, 5], 1), ([3, 2], 2)):
        weights, biases = _net(sizes, seed)
        X = np.random.default_rng(seed + 10).normal(size=(7, sizes[0]))
        net: Any = mlp(sizes, "relu").double()
        with torch.no_grad():
            for layer, W, b in zip(net[::2], weights, biases, strict=True):
                layer.weight.copy_(torch.tensor(W))
                layer.bias.copy_(torch.tensor(b))
        right = net(torch.tensor(X)).detach().numpy()
        wrong = {"the last layer has no activation: its outputs may be negative": np.maximum(0, right),
                 "the activation is missing: without it all layers are one": _chain(X, weights, biases, bend=False),
                 "the biases are missing": _chain(X, weights, [0 * b for b in biases])}
        if len(set(sizes)) == 1:
            wrong["the matrices are the wrong way round: a row meets the transposed matrix, x Wᵀ"] = \
                _chain(X, [W.T for W in weights], biases)
        if len(sizes) == 2:  # with a single layer two of these are no mistakes
            wrong.pop("the activation is missing: without it all layers are one")
        compare(call(answer, "forward", X, weights, biases), right, "forward", wrong)


def _chain(X: np.ndarray, weights: list[np.ndarray], biases: list[np.ndarray], bend: bool = True) -> np.ndarray:
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        X = X @ W.T + b
        X = np.maximum(0, X) if bend else X
    return X @ weights[-1].T + biases[-1]


@checker("elu_slope", "right on both sides, and calm at 1000")
def check_elu(answer: Any) -> None:
    """``elu_slope(z, alpha)`` -> derivative of the ELU; the oracle is autograd.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(7)
    for alpha in (1.0, 0.3, 2.5):
        z = np.concatenate([rng.normal(size=12), [1000.0, -1000.0]])
        leaf = torch.tensor(z, requires_grad=True)
        right = torch.autograd.grad(torch.nn.functional.elu(leaf, alpha).sum(), leaf)[0].numpy()
        got = call(answer, "elu_slope", z, alpha)
        below = np.minimum(z, 0)
        compare(got, right, "elu_slope", {
            "this is the function, not its slope": np.where(z >= 0, z, alpha * np.expm1(below)),
            "the factor α is missing on the negative side": np.where(z >= 0, 1.0, np.exp(below)),
            "the derivative of the constant −1 is 0, so it drops out of the slope":
                np.where(z >= 0, 1.0, alpha * np.expm1(below)),
            "this is ReLU's slope: below zero the ELU still rises": np.where(z >= 0, 1.0, 0.0),
            "the sides are exchanged": np.where(z < 0, 1.0, alpha * np.exp(below)),
        })
        if warned("overflow"):
            refuse("elu_slope is right, but e^1000 overflows in the branch that is thrown away: "
                   "give exp only numbers that are not positive, np.minimum(z, 0)")


@checker("fold", "the wire passes through every point, straight in between")
def check_fold(answer: Any) -> None:
    """``fold(t, y)`` -> (w, c) of the hinges through the points; the oracle is ``np.interp``.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(5)
    for m in (1, 4, 9):
        t = np.cumsum(rng.uniform(0.2, 1.5, size=m + 1)) - 2
        y = rng.normal(size=m + 1) + 1
        w, c = _pair(answer, "fold", t, y)
        w = np.asarray(w, float)
        if w.shape != (m,):
            refuse(f"fold should return {m} weights for {m + 1} points, got shape {w.shape}: "
                   "one hinge at each point but the last")
        slopes = np.diff(y) / np.diff(t)
        even = np.diff(np.diff(y) / (t[1] - t[0]), prepend=0.0)
        if m > 1 and np.allclose(w, slopes):
            refuse("fold: these are the slopes themselves; a hinge adds the change of slope")
        if m > 1 and np.allclose(w, np.diff(np.diff(y), prepend=0.0)):
            refuse("fold: differences of y are not slopes yet: divide by the distance in t")
        if m > 1 and np.allclose(w, even):
            refuse("fold: the points are not evenly spaced; each slope has its own distance")
        x = np.linspace(t[0], t[-1], 50)
        got = float(c) + np.maximum(0, x[:, None] - t[:-1]) @ w
        compare(got, np.interp(x, t, y), "the folded wire", {
            "the offset c is missing or wrong: at t_0 all hinges are zero, so c = y_0":
                np.interp(x, t, y) - y[0] + float(c) if abs(float(c) - y[0]) > 1e-9 else np.full(50, np.nan),
            "the signs of the weights are turned round": 2 * y[0] - np.interp(x, t, y),
        })


@checker("collapse", "one layer does the work of the chain")
def check_collapse(answer: Any) -> None:
    """``collapse(weights, biases)`` -> (M, c) of the single equivalent layer.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for sizes, seed in (([3, 5, 2], 0), ([4, 4, 4, 4], 1), ([6, 2, 7, 3], 2)):
        weights, biases = _net(sizes, seed)
        M, c = _pair(answer, "collapse", weights, biases)
        origin, basis = np.zeros((1, sizes[0])), np.eye(sizes[0])
        right_c = _chain(origin, weights, biases, bend=False)[0]
        right_M = (_chain(basis, weights, biases, bend=False) - right_c).T
        mistakes: dict[str, Any] = {"it is transposed: M takes a column, M x": right_M.T}
        if len(set(sizes)) == 1:
            mistakes = {"the matrices stand in the wrong order: the first layer acts first, so it stands on the right":
                        np.linalg.multi_dot(weights)} | mistakes
        compare(M, right_M, "collapse: M", mistakes)
        compare(c, right_c, "collapse: c", {
            "the biases of earlier layers pass through the later matrices":
                sum(biases) if len(set(map(len, biases))) == 1 else np.nan,
            "only the last bias is there; the earlier ones come through the matrices after them": biases[-1],
        })
