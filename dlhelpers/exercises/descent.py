"""Checkers for the exercises of lecture 03: steps, smoothness, bounds, minibatches, acceleration."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlhelpers.exercises.core import call, checker, compare


@checker("gd_step", "one step downhill, and the old point is untouched")
def check_gd_step(gd_step: Any) -> None:
    """``gd_step(m, gradient, eta)``: the point after one step of gradient descent.

    :param gd_step: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(31)
    for size in (1, 2, 5):
        m, g, eta = rng.standard_normal(size), rng.standard_normal(size), float(rng.uniform(0.05, 0.4))
        compare(call(gd_step, "gd_step", m, g, eta), m - eta * g, "gd_step", {
            "this walks uphill: the gradient points to where the loss rises, so subtract it": m + eta * g,
            "the step size is missing: multiply the gradient by eta": m - g,
            "this is only the displacement: add it to the point m": -eta * g,
            "this divides by eta: a small eta should give a small step": m - g / eta,
        })


@checker("smoothness", "the largest curvature of the least-squares bowl")
def check_smoothness(smoothness: Any) -> None:
    """``smoothness(X)``: beta of 1/(2n) Σ (x_p·θ − y_p)².

    :param smoothness: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(32)
    for shape in ((30, 3), (12, 2), (5, 4)):
        X = rng.standard_normal(shape) + 0.5
        n, singular = shape[0], np.linalg.svd(X, compute_uv=False)
        beta = singular[0] ** 2 / n
        compare(call(smoothness, "smoothness", X), beta, "smoothness", {
            "the factor 1/n of the mean is missing": beta * n,
            "this is twice too large: the ½ of the loss cancels the 2 of the square": 2 * beta,
            "this is half of it: the 2 from differentiating the square cancels the ½": beta / 2,
            "this is the sum of all curvatures; β is the largest one alone": (singular**2).sum() / n,
            "this is the smallest curvature, which is μ; β is the largest": singular[-1] ** 2 / n,
            "a singular value of X must be squared to become an eigenvalue of XᵀX": singular[0] / n,
            "this is the Frobenius norm of the Hessian; β is the spectral norm": np.sqrt((singular**4).sum()) / n,
        })


@checker("steps_bound", "the promise, for every step size below 2/β")
def check_steps_bound(steps_bound: Any) -> None:
    """``steps_bound(beta, gap, eps, eta)``: the most steps that an ε-stationary point can take.

    :param steps_bound: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for beta, gap, eps, r in ((2.0, 3.0, 0.1, 0.4), (5.0, 1.0, 0.01, 1.7), (0.5, 2.0, 0.2, 0.3), (3.0, 4.0, 0.05, 1.0)):
        eta = r / beta
        # Independent of the package: one step of the lemma gains this much for each unit of ‖∇L‖².
        gain = eta - beta * eta**2 / 2
        right = gap / (gain * eps**2)
        got = call(steps_bound, "steps_bound", beta, gap, eps, eta)
        compare(got, right, "steps_bound", {
            "ε must be squared: the lemma speaks of ‖∇L‖²": gap / (gain * eps),
            "this is the slide's bound, which holds for η = 1/β only: use the eta that is given":
                2 * beta * gap / eps**2,
            "the second-order term βη²/2 is missing: without it every η would be safe": gap / (eta * eps**2),
            "one step gains η(1 − βη/2)‖∇L‖²: the η in front is missing": gap * eta / (gain * eps**2),
            "the ½ in 1 − βη/2 is missing": np.inf if r == 1 else gap / ((eta - beta * eta**2) * eps**2),
            "upside down: more gain for each step means fewer steps": gap * gain / eps**2,
        }, rtol=1e-9)


@checker("first_stationary", "the T of the proof: the first step that is good enough")
def check_first_stationary(first_stationary: Any) -> None:
    """``first_stationary(norms, eps)``: the first t with norms[t] <= eps, or -1.

    :param first_stationary: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    cases = [([3.0, 0.5, 2.0, 0.8, 0.7, 0.1], 1.0), ([0.2, 0.1], 0.5), ([4.0, 1.0, 0.25, 0.5], 0.25),
             ([5.0, 0.9, 4.0, 0.3], 1.0),
             ([0.9, 0.5, 0.45, 0.2], 0.3), ([6.0, 5.0, 2.5, 1.5], 4.0), ([2.0, 3.0], 1.0)]
    for listed, eps in cases:
        right = next((t for t, norm in enumerate(listed) if norm <= eps), -1)
        below = [t for t, norm in enumerate(listed) if norm <= eps]
        mistakes: dict[str, Any] = {}
        if not below:
            mistakes["no gradient in the list is short enough: return -1 (the argmax of all False is 0)"] = 0
        else:
            mistakes["off by one: the list starts with t = 0, the starting point"] = right + 1
            mistakes["that is the last such step; the proof needs the first"] = below[-1]
            mistakes["that is how many gradients are short enough, not when the first one comes"] = len(below)
            strict = next((t for t, norm in enumerate(listed) if norm < eps), -1)
            squared = next((t for t, norm in enumerate(listed) if norm**2 <= eps), -1)
            if squared != right:
                mistakes = {"ε bounds the norm itself, not its square: compare norms[t] with eps": squared, **mistakes}
            if strict != right:
                mistakes = {"a gradient of length exactly ε counts: use <=, not <": strict, **mistakes}
        got = call(first_stationary, "first_stationary", np.array(listed), eps,
                   if_none="first_stationary returned None: where no gradient is short enough it should return -1"
                   if right == -1 else None)
        compare(got, right, "first_stationary", mistakes)


@checker("minibatch_gradient", "an unbiased glimpse of the full gradient")
def check_minibatch_gradient(minibatch_gradient: Any) -> None:
    """``minibatch_gradient(X, y, theta, batch)``: of 1/(2B) Σ_{p in batch} (x_p·θ − y_p)².

    :param minibatch_gradient: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(35)
    for n, B in ((8, 3), (6, 2), (10, 4)):
        X, y, theta = rng.standard_normal((n, 3)), rng.standard_normal(n), rng.standard_normal(3)
        # None of the first B rows, so that the slide's index shows.
        batch = n - 1 - rng.permutation(n - B)[:B]
        each = np.array([(sum(X[p, j] * theta[j] for j in range(3)) - y[p]) * X[p] for p in range(n)])
        right = each[batch].mean(0)
        compare(call(minibatch_gradient, "minibatch_gradient", X, y, theta, batch), right, "minibatch_gradient", {
            "these are always the first B samples, as the slide's index reads; take p in the batch": each[:B].mean(0),
            "this is the gradient of all samples: use only those in the batch": each.mean(0),
            "divide by the size B of the batch, not by n: otherwise the gradient is too short": each[batch].sum(0) / n,
            "this is the sum: divide by the size B of the batch": each[batch].sum(0),
            "this is twice too long: the ½ of the loss cancels the 2 of the square": 2 * right,
            "the sign is wrong: the residual is prediction minus target": -right,
        })


@checker("accelerated", "Nesterov's 1/T², from a point ahead")
def check_accelerated(accelerated: Any) -> None:
    """``accelerated(gradient, start, beta, T)``: the iterates m_0 … m_T, shape (T+1, d).

    :param accelerated: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(36)
    for curvatures in ((1.0, 0.05), (3.0, 0.4, 0.01)):
        D, beta, T = np.array(curvatures), max(curvatures), 12
        start = rng.standard_normal(len(D))

        def gradient(m: np.ndarray, D: np.ndarray = D) -> np.ndarray:
            return D * m

        right = _nesterov(D, start, beta, T)
        plain = start * (1 - D / beta) ** np.arange(T + 1)[:, None]
        got = call(accelerated, "accelerated", gradient, start, beta, T)
        compare(got, right, "accelerated", {
            "this is plain gradient descent: step from the point ahead, z, not from m": plain,
            "take the gradient at the point ahead, z, not at m": _nesterov(D, start, beta, T, at_m=True),
            "these are the points ahead, z; return the iterates m": _nesterov(D, start, beta, T, ahead=True),
            "the factor is (s_t − 1)/s_{t+1}: it divides by the new s": _nesterov(D, start, beta, T, old_s=True),
        }, rtol=1e-8)


def _nesterov(D: np.ndarray, start: np.ndarray, beta: float, T: int, *, at_m: bool = False,
              ahead: bool = False, old_s: bool = False) -> np.ndarray:
    """Nesterov's iterates on ½ Σ D θ², and, by the flags, those of its usual mistakes."""
    s = [1.0]
    for _ in range(T):
        s.append((1 + (1 + 4 * s[-1] ** 2) ** 0.5) / 2)
    ms, zs = [start], [start]
    for t in range(T):
        ms.append(zs[t] - D * (ms[t] if at_m else zs[t]) / beta)
        zs.append(ms[t + 1] + (s[t] - 1) / s[t if old_s else t + 1] * (ms[t + 1] - ms[t]))
    return np.array(zs if ahead else ms)
