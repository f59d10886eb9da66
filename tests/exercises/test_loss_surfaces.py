"""Lecture 10: every checker accepts the reference and names the usual mistakes."""

import numpy as np
import pytest
import torch
from exercise_tools import assert_exercise, reference

from dlhelpers.exercises import loss_surfaces


@pytest.fixture(scope="module")
def right():
    return reference("10_loss_surfaces")


def rows(x):
    return np.linalg.norm(x, axis=1, keepdims=True)


def gradient(model, loss, graph=False):
    found = torch.autograd.grad(loss(model), list(model.parameters()), create_graph=graph)
    return torch.cat([g.reshape(-1) for g in found])


def test_filter_normalise(right):
    assert_exercise(loss_surfaces.check_filter_normalise, right["filter_normalise"], {
        "one for the whole matrix": lambda d, W: d / np.linalg.norm(d) * np.linalg.norm(W),
        "rows have length 1": lambda d, W: d / rows(d),
        "divide by the norm of its row": lambda d, W: d * rows(W),
        "a filter is a row": lambda d, W: d / np.linalg.norm(d, axis=0) * np.linalg.norm(W, axis=0)})


def test_interpolate(right):
    assert_exercise(loss_surfaces.check_interpolate, right["interpolate"], {
        "backwards": lambda p, q, loss, a: [loss(t * p + (1 - t) * q) for t in a],
        "interpolates the two losses": lambda p, q, loss, a: [(1 - t) * loss(p) + t * loss(q) for t in a],
        "theta_1 itself": lambda p, q, loss, a: [loss(p + t * q) for t in a],
        "shape": lambda p, q, loss, a: loss(p)})


def test_first_layer(right):
    def slow(X, W, A, B, a, b):
        return np.array([[X @ (W + u * A + v * B).T for u in a] for v in b])

    assert_exercise(loss_surfaces.check_first_layer, right["first_layer_on_plane"], {
        "12 matrix products": slow,
        "changed places": lambda X, W, A, B, a, b: slow(X, W, B, A, a, b),
        "term of W": lambda X, W, A, B, a, b: slow(X, 0 * W, A, B, a, b),
        "shape": lambda X, W, A, B, a, b: slow(X, W, A, B, b, a)})


def test_hessian_vector(right):
    def diagonal(model, loss, v):
        g = gradient(model, loss, graph=True)
        rows = [torch.cat([h.reshape(-1) for h in torch.autograd.grad(x, list(model.parameters()), retain_graph=True,
                                                                      materialize_grads=True)]) for x in g]
        return torch.stack(rows).diagonal() * v

    assert_exercise(loss_surfaces.check_hessian_vector, right["hessian_vector"], {
        "this is the gradient: ": lambda model, loss, v: gradient(model, loss),
        "entry by entry": lambda model, loss, v: gradient(model, loss) * v,
        "twice too large": lambda model, loss, v: 2 * right["hessian_vector"](model, loss, v),
        "diagonal": diagonal})
