"""Checkers for the exercises of lecture 06: confusion matrix, logistic gradient, softmax, Newton, confidence."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlhelpers import metrics
from dlhelpers.exercises.core import call, checker, compare, refuse
from dlhelpers.models import linear


@checker("confusion_matrix", "rows predicted, columns true, and every example counted once")
def check_confusion(answer: Any) -> None:
    """``confusion_matrix(predicted, true, K)`` -> counts (K, K).

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(11)
    for K in (3, 5):
        # The last class is never predicted: its row must still be there.
        predicted, true = rng.integers(0, K - 1, 60), rng.integers(0, K, 60)
        right = metrics.confusion(predicted, true, K)
        got = np.asarray(call(answer, "confusion_matrix", predicted, true, K))
        if got.shape != (K, K):
            refuse(f"confusion_matrix should have shape ({K}, {K}), also for classes that are never "
                   f"predicted, got {got.shape}")
        columns = right / np.maximum(right.sum(0, keepdims=True), 1)
        compare(got, right, "confusion_matrix", {
            "rows and columns are exchanged: rows are what was predicted": right.T,
            "count the examples, do not divide by the size of the class": columns,
            "count the examples, do not divide by their number": right / 60,
            "each pair is counted once at most: with numpy, table[i, j] += 1 for arrays forgets repetitions; "
            "use np.add.at or a loop": (right > 0).astype(float),
        })


@checker("logistic_gradient", "error times input, averaged; the same as finite differences")
def check_gradient(answer: Any) -> None:
    """``logistic_gradient(w, b, X, y)`` -> (dC/dw, dC/db) of the mean binary cross-entropy.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(12)
    w, b, X, y = rng.normal(size=4), 0.3, rng.normal(size=(30, 4)), rng.integers(0, 2, 30)
    got = call(answer, "logistic_gradient", w, b, X, y)
    if not isinstance(got, (tuple, list)) or len(got) != 2:
        refuse("logistic_gradient should return two things: the part for w and the part for b")
    if np.shape(got[0]) != (4,):
        refuse(f"logistic_gradient: the part for w should have the shape of w, (4,), got {np.shape(got[0])}")
    A, theta = linear.design(X), np.r_[b, w]

    def loss(t: np.ndarray) -> float:
        return float(np.logaddexp(0, -(2 * y - 1) * (A @ t)).mean())

    step = 1e-5 * np.eye(5)
    right = np.array([(loss(theta + h) - loss(theta - h)) / 2e-5 for h in step])      # independent of the formula
    p = linear.sigmoid(A @ theta)
    compare(np.r_[np.asarray(got[0], float), float(got[1])], np.r_[right[1:], right[0]], "logistic_gradient", {
        hint: np.r_[wrong[1:], wrong[0]] for hint, wrong in {
            "the sign is turned round: the gradient points uphill, it is σ(z) − y": -right,
            "the mean is asked for: divide the sum by n": 30 * right,
            "the factor σ(1 − σ) belongs to the squared loss; here it cancels": A.T @ ((p - y) * p * (1 - p)) / 30,
            "twice that is the gradient of the squared loss; the cross-entropy's is σ(z) − y":
                A.T @ (2 * (p - y) * p * (1 - p)) / 30,
            "the prediction is σ(z), not z": A.T @ (A @ theta - y) / 30,
            "the bias is forgotten in the prediction: z = w·x + b": A.T @ (linear.sigmoid(X @ w) - y) / 30,
        }.items()}, rtol=1e-4, atol=1e-6)


@checker("softmax", "probabilities, also of very large scores")
def check_softmax(answer: Any) -> None:
    """``softmax(z)`` -> (n, K), each row a distribution.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    z = np.random.default_rng(13).normal(size=(4, 3))
    right = linear.softmax(z)
    e = np.exp(z)
    compare(call(answer, "softmax", z), right, "softmax", {
        "each row must add up to 1: this normalises over the whole array": e / e.sum(),
        "each row must add up to 1: this normalises the columns (axis=1, keepdims=True)": e / e.sum(0),
        "exponentials are missing: scores may be negative": z / z.sum(1, keepdims=True),
        "divide by the sum of the exponentials": e,
    })
    with np.errstate(all="ignore"):
        got = np.asarray(call(answer, "softmax", np.array([[1000.0, 1001.0], [-1000.0, -999.0]])), float)
    if not np.isfinite(got).all():
        refuse("softmax overflows for scores of a thousand: subtract the largest score of each row first")
    compare(got, linear.softmax(np.array([[0.0, 1.0], [0.0, 1.0]])), "softmax")


@checker("newton_step", "quadratically on the way to the maximum of the likelihood")
def check_newton(answer: Any) -> None:
    """``newton_step(theta, A, y)`` -> theta after one Newton step.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(14)
    A = linear.design(rng.normal(size=(50, 2)))
    y, theta = (rng.random(50) < linear.sigmoid(A @ [0.5, 1.0, -1.0])).astype(int), rng.normal(size=3) * 0.3
    p = linear.sigmoid(A @ theta)
    gradient, hessian = A.T @ (p - y) / 50, (A.T * (p * (1 - p))) @ A / 50
    step = np.linalg.solve(hessian, gradient)
    compare(call(answer, "newton_step", theta, A, y), theta - step, "newton_step", {
        "the sign is turned round: this climbs": theta + step,
        "gradient and Hessian must both be means, or both sums: this step is n times too long": theta - 50 * step,
        "gradient and Hessian must both be means, or both sums: this step is n times too short": theta - step / 50,
        "this is a step of gradient descent: the Hessian is missing": theta - gradient,
        "the weights σ(1 − σ) are missing from the Hessian; AᵀA/n is that of least squares":
            theta - np.linalg.solve(A.T @ A / 50, gradient),
    })


@checker("confidence_interval", "an interval of the logit, mapped to probabilities")
def check_interval(answer: Any) -> None:
    """``confidence_interval(theta, A, phi)`` -> (low, high) of the probability at phi.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(15)
    X = rng.normal(size=(80, 2))
    A, phi = linear.design(X), np.array([1.0, 1.2, -0.7])
    y = (rng.random(80) < linear.sigmoid(A @ [0.2, 1.0, -1.0])).astype(int)
    fit = linear.logistic_regression(X, y)
    theta = np.r_[fit.b, fit.w]
    got = np.ravel(call(answer, "confidence_interval", theta, A, phi))
    if got.shape != (2,):
        refuse(f"confidence_interval should return two numbers, low and high, got shape {got.shape}")
    centre, variance = phi @ theta, phi @ fit.covariance @ phi
    ends = np.array([-1.96, 1.96])
    p = linear.sigmoid(centre)
    compare(got, linear.sigmoid(centre + ends * np.sqrt(variance)), "confidence_interval", {
        "this is an interval for the logit: map its ends with σ": centre + ends * np.sqrt(variance),
        "the square root of the variance is missing": linear.sigmoid(centre + ends * variance),
        "the covariance is the inverse Hessian of the summed loss, not of the mean":
            linear.sigmoid(centre + ends * np.sqrt(80 * variance)),
        "a symmetric interval of probabilities can leave [0, 1]: build it for the logit, then map it":
            p + ends * p * (1 - p) * np.sqrt(variance),
        "low comes first, then high": linear.sigmoid(centre - ends * np.sqrt(variance)),
        "1.645 standard errors to each side make 90 %; 95 % needs 1.96":
            linear.sigmoid(centre + ends * 1.645 / 1.96 * np.sqrt(variance)),
        "1.96 standard errors to each side make 95 %; one makes 68 %":
            linear.sigmoid(centre + ends / 1.96 * np.sqrt(variance)),
    }, rtol=1e-4)
