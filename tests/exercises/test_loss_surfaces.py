"""Lecture 10: every checker accepts the reference and names the usual mistakes."""

import copy

import numpy as np
import pytest
import torch
from exercise_tools import assert_exercise, reference

from dlhelpers.exercises import loss_surfaces


@pytest.fixture(scope="module")
def right():
    return reference("10_loss_surfaces")


def test_shuffle_order(right):
    def by(*parts):
        """Match the units by some of their weights only."""
        def found(first, second):
            rows = [np.concatenate([net[k].reshape(len(net[0]), -1) if k < 2 else net[k].T for k in parts], axis=1)
                    for net in (first, second)]
            apart = np.abs(rows[1][:, None] - rows[0][None]).sum(-1)
            return apart.argmin(1) if np.allclose(apart.min(1), 0) else []
        return found

    def inverse(first, second):
        return np.argsort(right["shuffle_order"](first, second))

    def same_outputs(first, second):
        order = right["shuffle_order"](first, second)
        if len(order):
            return order
        X = np.random.default_rng(0).normal(size=(20, 3))
        outputs = [np.maximum(X @ W.T + c, 0) @ V.T + d for W, c, V, d in (first, second)]
        return np.arange(5) if np.allclose(*outputs) else []

    assert_exercise(loss_surfaces.check_shuffle_order, right["shuffle_order"], {
        "inverse order": inverse,
        "told apart by what goes out": by(0, 1),
        "output biases differ": by(0, 1, 2),
        "rescaled": same_outputs,
        "finds no order": lambda first, second: []})


def test_sharpen(right):
    def scaled(W, c, V, d, factor=64.0):
        def changed(model, sharpness):
            other = copy.deepcopy(model)
            with torch.no_grad():
                for p, power in zip(other.parameters(), (W, c, V, d), strict=True):
                    p.mul_(factor**power)
            return other
        return changed

    assert_exercise(loss_surfaces.check_sharpen, right["sharpen"], {
        "was not divided": scaled(1, 1, 0, 0),
        "hidden biases come in": scaled(1, 0, -1, 0),
        "output biases do not": scaled(1, 1, -1, -1),
        "as it was": lambda model, sharpness: model,
        r"only .* times as sharp": scaled(1, 1, -1, 0, factor=1.5),
        "which weights must undo": scaled(1, 1, 1, 0)})
    loss_surfaces.check_sharpen(scaled(1, 1, -1, 0))
    loss_surfaces.check_sharpen(scaled(-1, -1, 1, 0, factor=512.0))


def test_first_layer(right):
    def slow(X, W_1, W_b, W_2, t, shares=lambda u: ((1 - u)**2, 2 * u * (1 - u), u**2), product=lambda X, W: X @ W.T):
        return np.array([product(X, sum(s * W for s, W in zip(shares(u), (W_1, W_b, W_2), strict=True))) for u in t])

    def stacked(X, W_1, W_b, W_2, t):
        u = t[:, None, None]
        return X @ np.swapaxes((1 - u)**2 * W_1 + 2 * u * (1 - u) * W_b + u**2 * W_2, 1, 2)

    assert_exercise(loss_surfaces.check_first_layer, right["first_layer_on_curve"], {
        "4 matrix products": slow,
        "at once": stacked,
        "could not be counted": lambda *given: slow(*(np.asarray(a) for a in given)),
        "add up to 1": lambda *given: slow(*given, shares=lambda u: ((1 - u)**2, u * (1 - u), u**2)),
        "straight line": lambda *given: slow(*given, shares=lambda u: (1 - u, 0, u)),
        "backwards": lambda X, W_1, W_b, W_2, t: slow(X, W_2, W_b, W_1, t)})
    for hidden in (lambda X, W: X.dot(W.T), lambda X, W: np.asarray(X) @ W.T,
                   lambda X, W: np.einsum("nd,md->nm", X, W)):
        with pytest.raises(AssertionError, match="4 matrix products"):
            loss_surfaces.check_first_layer(lambda *given, hidden=hidden: slow(*given, product=hidden))
    with pytest.raises(AssertionError, match="at once"):
        loss_surfaces.check_first_layer(lambda *given: slow(
            *given, product=lambda X, W: (X[:, None, :] * W[None]).sum(-1)))


def test_is_random_walk(right):
    def share(path):
        variances = np.linalg.svd(path - path.mean(0), compute_uv=False)**2
        return variances[:2].sum() / variances.sum()

    assert_exercise(loss_surfaces.check_is_random_walk, right["is_random_walk"], {
        "share that the plane holds": lambda path: share(path) < 0.85,
        "says yes to every path": lambda path: True,
        "the wrong way round": lambda path: not right["is_random_walk"](path),
        "whatever their length": lambda path: np.abs(np.diff(path, axis=0)).mean() > 10})

    def distance(path):
        steps = np.diff(path, axis=0)
        return ((path[-1] - path[0])**2).sum() < 4 * (steps**2).sum()

    loss_surfaces.check_is_random_walk(distance)


def test_train_bend(right):
    def in_the_valley(theta_1, theta_2, loss):
        bend = ((theta_1 + theta_2) / 2).requires_grad_()
        for _ in range(200):
            (slope,) = torch.autograd.grad(loss(bend), bend)
            bend = (bend - 0.05 * slope).detach().requires_grad_()
        return bend.detach()

    assert_exercise(loss_surfaces.check_train_bend, right["train_bend"], {
        "where the training starts": lambda p, q, loss: (p + q) / 2,
        "does not pass through its bend": in_the_valley,
        "more steps": lambda p, q, loss: p + q,
        "one bend": lambda p, q, loss: torch.stack([p, q])})
