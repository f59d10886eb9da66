"""Checker of lecture 06's exercise on rare classes: softmax regression in which every class counts the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dlhelpers import data
from dlhelpers.exercises.core import call, checker, refuse
from dlhelpers.models import linear


@checker("train_balanced", "it minimises the balanced loss: classes alike, weights short, biases free")
def check_balanced(answer: Any) -> None:
    """``train_balanced(X, y, K, l2)`` -> Theta (d + 1, K), biases first: softmax regression, classes counted alike.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for digits, counts, l2, centred in (((3, 5, 8), (120, 60, 12), 0.01, False), ((4, 9), (20, 140), 0.1, True)):
        X, y = _unequal(digits, counts, centred)
        K, d = len(digits), X.shape[1]
        shown: dict[str, Any] = {"X of shape": X.shape, "images of each class": list(counts), "l2": l2}
        Theta = np.asarray(call(answer, "train_balanced", X, y, K, l2), float)
        if Theta.shape != (d + 1, K):
            refuse(f"train_balanced should return Theta of shape {d + 1, K}: a row of biases, then a row for each "
                   f"pixel; got {Theta.shape}", inputs=shown)
        if not np.isfinite(Theta).all():
            refuse("train_balanced: the parameters are not finite: a smaller learning rate, "
                   "or a softmax that does not overflow", inputs=shown)
        each = 1 / (K * np.array(counts, float))[y]                    # a class weighs 1/K, whatever its size
        best = _minimise(X, y, K, each, l2)
        if _excess(Theta, best, X, y, K, each, l2) < 0.01:
            continue
        refuse(f"train_balanced: {_why_unbalanced(Theta, best, X, y, K, each, l2)}", inputs=shown)


def _unequal(digits: tuple[int, ...], counts: tuple[int, ...], centred: bool) -> tuple[np.ndarray, np.ndarray]:
    """Shipped digits, 7 x 7 (means of 4 x 4 pixels), so many of each; ``centred`` takes the last one's mean away."""
    all_digits = data.digits("bundled").numpy()
    rows = np.concatenate([np.flatnonzero(all_digits.y_train == k)[:n] for k, n in zip(digits, counts, strict=True)])
    pixels = np.asarray(all_digits.X_train)[rows].astype(float)
    X = pixels.reshape(-1, 7, 4, 7, 4).mean((2, 4))  # (n, 28·28) -> (n, 7, 7)
    X, y = X.reshape(len(rows), 49), np.repeat(np.arange(len(digits)), counts)
    # Without its mean every line through the origin cuts the frequent class in two: the biases matter.
    return (X - X[y == y[-1]].mean(0) if centred else X), y


def _loss(Theta: np.ndarray, X: np.ndarray, y: np.ndarray, weights: np.ndarray, l2: float,
          bias: float = 0.0) -> tuple[float, np.ndarray]:
    """Σ weights · cross-entropy + l2/2 ‖W‖² (and ``bias``/2 times that of the biases), and its gradient."""
    A = linear.design(X)
    z = A @ Theta
    z = z - z.max(1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(1, keepdims=True))
    ridge = np.r_[bias, np.full(X.shape[1], l2)][:, None]
    residual = np.exp(log_p) - np.eye(Theta.shape[1])[y]
    value = -(weights * log_p[np.arange(len(y)), y]).sum() + 0.5 * (ridge * Theta**2).sum()
    return float(value), A.T @ (weights[:, None] * residual) + ridge * Theta


def _minimise(X: np.ndarray, y: np.ndarray, K: int, weights: np.ndarray, l2: float, bias: float = 0.0) -> np.ndarray:
    from scipy.optimize import minimize

    def both(flat: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = _loss(flat.reshape(-1, K), X, y, weights, l2, bias)  # ((d + 1)·K,) -> (d + 1, K)
        return value, gradient.ravel()

    found = minimize(both, np.zeros((X.shape[1] + 1) * K), jac=True, method="L-BFGS-B",
                     options={"maxiter": 400, "gtol": 1e-7, "ftol": 1e-13})
    return found.x.reshape(-1, K)  # ((d + 1)·K,) -> (d + 1, K)


def _excess(Theta: np.ndarray, best: np.ndarray, X: np.ndarray, y: np.ndarray, K: int, weights: np.ndarray,
            l2: float) -> float:
    """Loss above the minimum, as a part of what zero parameters have above it."""
    floor = _loss(best, X, y, weights, l2)[0]
    return (_loss(Theta, X, y, weights, l2)[0] - floor) / (np.log(K) - floor)


def _apart(p: np.ndarray, q: np.ndarray) -> float:
    """Mean distance of probabilities."""
    return float(np.abs(p - q).mean())


def _why_unbalanced(Theta: np.ndarray, best: np.ndarray, X: np.ndarray, y: np.ndarray, K: int, each: np.ndarray,
                    l2: float) -> str:
    n = len(y)
    plain = np.full(n, 1 / n)
    value, start = _loss(Theta, X, y, each, l2)[0], np.log(K)
    A = linear.design(X)
    p = linear.softmax(A @ Theta)

    suspects: list[tuple[str, Callable[[], np.ndarray]]] = [
        ("every image counts the same here, so the rare class hardly counts: weigh each by one over the number of its "
         "class", lambda: _minimise(X, y, K, plain, l2)),
        ("the frequent classes count more, the rare ones less: the weights are turned round",
         lambda: _minimise(X, y, K, 1 / each / (1 / each).sum(), l2)),
        ("half of the ridge: λ/2·‖W‖² has the gradient λW", lambda: _minimise(X, y, K, each, l2 / 2)),
        ("twice the ridge: λ/2·‖W‖² has the gradient λW", lambda: _minimise(X, y, K, each, 2 * l2)),
        ("the biases are held small as well; only the weights W are penalised",
         lambda: _minimise(X, y, K, each, l2, bias=l2)),
        ("the biases are missing, or stay at zero", lambda: _minimise(X, y, K, each, l2, bias=1e6)),
        ("the weights of a class add up to 1 here, and to K in all: their mean is asked for",
         lambda: _minimise(X, y, K, K * each, l2)),
        ("the ridge hardly counts: is it missing, or is the loss a sum, where means over the classes were asked for?",
         lambda: _minimise(X, y, K, n * each, l2)),
        ("these are the weights of least squares; train the softmax",
         lambda: np.vstack(linear.least_squares(X, np.eye(K)[y], l2=l2)[::-1])),
    ]
    turned = np.vstack([Theta[-1:], Theta[:-1]])
    if _excess(turned, best, X, y, K, each, l2) < 0.05:
        return "the biases stand in the last row; they belong in the first"
    if abs(value - start) < 1e-9:
        return "all classes have the same score: nothing was learned"
    if value > start and _loss(-Theta, X, y, each, l2)[0] < start:
        return "the loss is higher than at the start: it was climbed, a sign is turned round"
    away = {hint: _apart(p, linear.softmax(A @ make())) for hint, make in suspects}
    hint = min(away, key=lambda name: away[name])
    if away[hint] < 0.2 * _apart(p, linear.softmax(A @ best)):
        return hint
    pull = A.T @ (each[:, None] * (linear.sigmoid(A @ Theta) - np.eye(K)[y]))
    pull[1:] += l2 * Theta[1:]
    if np.abs(pull).max() < 0.01:
        return "the classes share one probability: these are separate classifiers, each with a sigmoid; train a softmax"
    pull = (A.T @ (each[:, None] * (p - np.eye(K)[y])))[1:]
    along = -(pull * Theta[1:]).sum() / (Theta[1:] ** 2).sum()
    if np.linalg.norm(pull + along * Theta[1:]) < 0.05 * np.linalg.norm(pull):
        return f"this is the minimum for a ridge term {along / l2:.2g} times as strong"
    if value > start:
        return (f"the balanced loss is {value:.2f}, higher than that of zero parameters, log K = {start:.2f}: are the "
                "steps too long, or is another loss minimised?")
    if np.linalg.norm(Theta[1:]) < 0.97 * np.linalg.norm(best[1:]):
        return f"the balanced loss is {value:.3f} and still falls: take more steps, or longer ones"
    return (f"the balanced loss is {value:.3f}, and at its minimum it is lower: the gradient is not zero there; "
            "compare yours with finite differences of the loss")
