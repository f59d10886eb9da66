"""Checkers of lecture 10: filter normalisation, lines between models, shared products, Hessian products."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from dlhelpers.exercises.core import call, checker, compare, refuse
from dlhelpers.models.mlp import mlp


@checker("filter_normalise", "each row of the direction is as long as the row of weights it moves")
def check_filter_normalise(answer: Any) -> None:
    """``filter_normalise(d, W)`` against norms taken row by row.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(7)
    for shape in ((3, 5), (4, 4)):
        W, d = rng.normal(size=shape) * rng.uniform(0.1, 3, size=(shape[0], 1)), rng.normal(size=shape)
        lengths = [float(np.sqrt(sum(w * w for w in row))) for row in W]
        own = [float(np.sqrt(sum(x * x for x in row))) for row in d]
        right = np.array([[x / o * w for x in row] for row, o, w in zip(d, own, lengths, strict=True)])
        compare(call(answer, "filter_normalise", d, W), right, "filter_normalise", {
            "this is the layer's normalisation: take one norm for each row, not one for the whole matrix":
                d / np.linalg.norm(d) * np.linalg.norm(W),
            "the rows have length 1: multiply by the length of the row of W":
                d / np.linalg.norm(d, axis=1, keepdims=True),
            "the direction's own length is still in there: divide by the norm of its row first":
                d * np.linalg.norm(W, axis=1, keepdims=True),
            "the norms run along columns: a filter is a row (axis=1)":
                d / np.linalg.norm(d, axis=0) * np.linalg.norm(W, axis=0)})


@checker("interpolate", "the loss along the straight way between two models")
def check_interpolate(answer: Any) -> None:
    """``interpolate(theta_0, theta_1, loss, a)`` against the definition.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(3)
    first, second, a = rng.normal(size=4), rng.normal(size=4), np.array([-0.5, 0.0, 0.3, 1.0])

    def loss(theta: np.ndarray) -> float:
        return float(np.cos(theta[0]) + (theta[1:] ** 2).sum())

    right = [loss(np.array([(1 - t) * u + t * v for u, v in zip(first, second, strict=True)])) for t in a]
    compare(call(answer, "interpolate", first, second, loss, a), right, "interpolate", {
        "the way runs backwards: a = 0 must be theta_0 and a = 1 theta_1":
            [loss(t * first + (1 - t) * second) for t in a],
        "this interpolates the two losses; interpolate the parameters, then take the loss":
            [(1 - t) * loss(first) + t * loss(second) for t in a],
        "this adds theta_1 itself: the direction is theta_1 - theta_0": [loss(first + t * second) for t in a]})


@checker("first_layer_on_plane", "three products serve the whole grid")
def check_first_layer(answer: Any) -> None:
    """``first_layer_on_plane(X, W, A, B, a, b)`` against one product a point, and the products counted.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(11)
    X, W, A, B = rng.normal(size=(6, 4)), *(rng.normal(size=(3, 4)) for _ in range(3))
    a, b = np.array([-1.0, 0.2, 0.5, 2.0]), np.array([0.0, 1.5, -0.7])
    right = np.array([[[[sum(x[k] * (w[k] + u * p[k] + v * q[k]) for k in range(4))
                         for w, p, q in zip(W, A, B, strict=True)]
                        for x in X] for u in a] for v in b])
    compare(call(answer, "first_layer_on_plane", X, W, A, B, a, b), right, "first_layer_on_plane", {
        "a and b have changed places: result[i, j] belongs to b[i] and a[j], and a multiplies A":
            np.array([[X @ (W + v * A + u * B).T for u in a] for v in b]),
        "the term of W is missing: at a = b = 0 the output is X @ W.T":
            np.array([[X @ (u * A + v * B).T for u in a] for v in b])})
    counted = [np.asarray(t).view(_Counting) for t in (X, W, A, B)]
    _Counting.products = 0
    answer(*counted, a, b)
    if _Counting.products > 3:
        refuse(f"first_layer_on_plane is right, but it made {_Counting.products} matrix products for "
               f"{a.size * b.size} points: make X @ W.T, X @ A.T and X @ B.T once, outside of the loop")


class _Counting(np.ndarray):
    """An array that counts matrix products."""

    products = 0

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        _Counting.products += ufunc is np.matmul
        plain = [np.asarray(x) if isinstance(x, _Counting) else x for x in inputs]
        kwargs.pop("out", None)
        result = getattr(ufunc, method)(*plain, **kwargs)
        return result.view(_Counting) if isinstance(result, np.ndarray) else result

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        _Counting.products += function in (np.dot, np.einsum, np.inner, np.tensordot)
        return super().__array_function__(function, types, args, kwargs)


@checker("hessian_vector", "two backward passes are a product with the Hessian")
def check_hessian_vector(answer: Any) -> None:
    """``hessian_vector(model, loss, v)`` against second derivatives of a function of one vector.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = torch.Generator().manual_seed(5)
    X, y = (torch.randn(12, width, generator=rng, dtype=torch.float64) for width in (2, 1))
    model = mlp([2, 3, 1], "tanh", seed=2).double()
    shapes = [p.shape for p in model.parameters()]
    theta = nn.utils.parameters_to_vector(model.parameters()).detach()

    def flat_loss(vector: torch.Tensor) -> torch.Tensor:
        parts = vector.split([s.numel() for s in shapes])
        W, c, V, d = (part.reshape(s) for part, s in zip(parts, shapes, strict=True))  # (m, d_in), (m,), (1, m), (1,)
        return ((torch.tanh(X @ W.T + c) @ V.T + d - y) ** 2).mean()

    H = torch.autograd.functional.hessian(flat_loss, theta)
    slope = torch.autograd.functional.jacobian(flat_loss, theta)
    v = torch.randn(len(theta), generator=rng, dtype=torch.float64)

    def loss(net: nn.Module) -> torch.Tensor:
        return ((net(X) - y) ** 2).mean()

    compare(call(answer, "hessian_vector", model, loss, v), H @ v, "hessian_vector", {
        "this is the gradient: differentiate once more, the number v·gradient": slope,
        "this is the gradient times v, entry by entry; add up v·gradient first, then differentiate": slope * v,
        "twice too large: v·gradient, without the factor 2": 2 * (H @ v),
        "this is the Hessian's diagonal times v: differentiate the one number v·gradient": H.diagonal() * v})
