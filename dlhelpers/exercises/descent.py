"""Checkers for the exercises of lecture 03: counting steps, β measured and found, the worst hill, noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

from dlhelpers.exercises.core import WrongAnswer, call, checker, compare, refuse, to_numpy

#: More trials of a step than this: the answer's loop does not end.
ENDLESS = 2000


#: A test of a step: the fall of L, ∇L before and after the step, β, and the β that was given.
Test = Callable[[float, np.ndarray, np.ndarray, float, float], bool]


def _promised(fall: float, g: np.ndarray, new: np.ndarray, b: float, given: float) -> bool:
    """Whether the loss falls by what the descent lemma promises at η = 1/β."""
    return bool(fall >= g @ g / (2 * b) - 1e-12)


#: What students ask of a step in place of the lemma's promise, each with the sentence that it draws.
OTHER_TESTS: dict[str, Test] = {
    "it asks for less than the lemma promises, a quarter of ‖∇L‖²/β in place of half of it":
        lambda fall, g, new, b, given: bool(fall >= g @ g / (4 * b) - 1e-12),
    "it stops at the first β that lowers the loss at all; the lemma promises ‖∇L‖²/(2β), ask for that":
        lambda fall, g, new, b, given: fall > 0,
    "the promise is made with the gradient before the step, ∇L(m); this tests with the one after it":
        lambda fall, g, new, b, given: bool(fall >= new @ new / (2 * b) - 1e-12),
    "this tests how much the slope changes along the step and never looks at the loss; ask whether the loss falls by "
    "what the lemma promises":
        lambda fall, g, new, b, given: bool(np.linalg.norm(new - g) <= np.linalg.norm(g) + 1e-12),
    "the norm in the promise is squared": lambda fall, g, new, b, given: bool(fall >= np.sqrt(g @ g) / (2 * b)),
    "the β that you were given is never doubled, though the promise is broken": lambda fall, g, new, b, given: True,
    "β is doubled only once: test again after each doubling":
        lambda fall, g, new, b, given: b > given or _promised(fall, g, new, b, given),
}


@checker("first_stationary", "the T of the proof: the first step that is good enough")
def check_first_stationary(first_stationary: Any) -> None:
    """``first_stationary(norms, eps)``: the first t with norms[t] <= eps, or -1.

    :param first_stationary: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    # In the first list every usual slip gives another number.
    cases = [([5.0, 4.0, 0.9, 6.0, 3.0, 2.0, 0.8, 0.2, 0.7], 1.0),
             ([3.0, 0.5, 2.0, 0.8, 0.7, 0.1], 1.0), ([0.2, 0.1], 0.5), ([4.0, 1.0, 0.25, 0.5], 0.25),
             ([5.0, 0.9, 4.0, 0.3], 1.0),
             ([0.9, 0.5, 0.45, 0.2], 0.3), ([6.0, 5.0, 2.5, 1.5], 4.0), ([2.0, 3.0], 1.0)]
    for listed, eps in cases:
        right = next((t for t, norm in enumerate(listed) if norm <= eps), -1)
        below = [t for t, norm in enumerate(listed) if norm <= eps]
        mistakes: dict[str, Any] = {}
        if not below:
            mistakes["no gradient in the list is short enough: return -1 (the argmax of all False is 0)"] = 0
            mistakes["no gradient in the list is short enough: return -1, not the length of the list"] = len(listed)
        else:
            mistakes["off by one: the list starts with t = 0, the starting point"] = right + 1
            mistakes["that is the last such step; the proof needs the first"] = below[-1]
            mistakes["that is how many gradients are short enough, not when the first one comes"] = len(below)
            mistakes["that counts the gradients that are too long; they need not all come first"] = (
                len(listed) - len(below))
            mistakes["whether there is a short gradient is not yet when: return its place in the list"] = 1
            mistakes["that is the norm at this step, not the number of the step"] = listed[below[0]]
            mistakes["that is the step with the shortest gradient; the first that is short enough will do"] = int(
                np.argmin(listed))
            mistakes["the norms may rise above ε again later; the first time below is what counts"] = next(
                t for t in below if all(norm <= eps for norm in listed[t:])) if listed[-1] <= eps else np.nan
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


@checker("smallest_beta", "no smaller β fits these slopes")
def check_smallest_beta(smallest_beta: Any) -> None:
    """``smallest_beta(points, gradients)``: the least β that the first form allows, over all pairs.

    :param smallest_beta: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(32)
    for n, d in ((4, 2), (6, 3), (5, 1)):
        points = rng.standard_normal((n, d)) + 0.5
        gradients = np.sin(2 * points) + 0.3 * points + 1.0
        far = np.array([[np.sqrt(sum((p - q) ** 2)) for q in points] for p in points])
        change = np.array([[np.sqrt(sum((p - q) ** 2)) for q in gradients] for p in gradients])
        i, j = np.triu_indices(n, 1)
        ratios = change[i, j] / far[i, j]
        got = call(smallest_beta, "smallest_beta", points, gradients)
        if np.isnan(np.asarray(to_numpy(got), dtype=float)).any():
            refuse("smallest_beta: a point paired with itself gives 0/0: take pairs of different points")
        compare(got, ratios.max(), "smallest_beta", {
            "that is the smallest ratio; β must do for every pair, so it is the largest": ratios.min(),
            "that is the mean over the pairs; β must do for every single one": ratios.mean(),
            "only neighbours in the list are compared; the definition asks for all pairs":
                max(change[t, t + 1] / far[t, t + 1] for t in range(n - 1)),
            "the largest change over the largest distance may come from two pairs: divide first, then take the largest":
                change.max() / far.max(),
            "the squared norms are divided: take the roots": (ratios**2).max(),
            "upside down: the change of the slope over the distance": (1 / ratios).max(),
            "this divides gradients by points; the definition compares differences":
                max(np.sqrt(sum(g**2)) / np.sqrt(sum(p**2)) for g, p in zip(gradients, points, strict=True)),
        })


@checker("careful_step", "a β found while walking, and the lemma's promise kept")
def check_careful_step(careful_step: Any) -> None:
    """``careful_step(value, gradient, m, beta)`` -> the next point, and the β that was enough for it.

    :param careful_step: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    # In the first case every test takes the given β; in the next two it is enough, but a test on the slope's change, or
    # with the gradient after the step, asks for more; in the fourth and fifth weaker tests stop one after the other.
    for curvatures, m, beta in (([2.0, 1.0], [1.0, 3.0], 5.0),
                                ([8.0, 1.0], [0.3 / 8, 0.9], 2.1), ([8.0, 1.0], [0.3 / 8, 0.9], 1.8),
                                ([8.0, 1.0], [0.075, 0.01], 1.2), ([8.0, 1.0], [0.075, 0.01], 1.6),
                                ([3.0, 0.5, 0.1], [0.5, -2.0, 1.0], 0.2), ([5.0, 5.0], [1.0, 0.1], 1.3),
                                ([4.0, 1.0], [2.0, 0.5], 2.2)):
        D, start = np.array(curvatures), np.array(m)
        inputs = {"curvatures of the bowl": D, "m": start, "beta": beta}
        value, gradient, tried = _bowl(D, start)
        try:
            got = call(careful_step, "careful_step", value, gradient, start, beta)
        except WrongAnswer:
            if len(tried) < ENDLESS:
                raise
            _refuse_trials(tried, beta, inputs)
        if not isinstance(got, (tuple, list)) or len(got) != 2:
            refuse("careful_step should return two things: the new point and the β that was enough")
        if np.size(to_numpy(got[0])) == 1 and np.size(to_numpy(got[1])) > 1:
            refuse("careful_step returns the pair in the other order: first the new point, then β")
        got = np.append(np.ravel(to_numpy(got[0])), float(got[1]))
        if not 1e-4 < got[-1] < 1e4:
            _refuse_trials(tried, beta, inputs)
        right, enough = _found(D, start, beta, _promised)
        mistakes: dict[str, Any] = {}
        for hint, test in OTHER_TESTS.items():
            found = _found(D, start, beta, test)
            mistakes[hint] = np.append(*found) if found[1] != enough else np.nan
        mistakes["the β was doubled once too often: test before you double"] = np.append(
            start - D * start / (2 * enough), 2 * enough)
        mistakes["return the β that was enough, not the one that you were given"] = (
            np.append(right, beta) if enough != beta else np.nan)
        mistakes["the step from m is −∇L/β; this walks on from the last trial"] = np.append(
            start - D * start * (2 / beta - 1 / enough), enough) if enough != beta else np.nan  # the sum of all 1/β
        mistakes["the step goes uphill: it is −∇L/β"] = np.append(start + D * start / enough, enough)
        compare(got, np.append(right, enough), "careful_step (the point, then β)", mistakes, inputs=inputs)


@checker("worst_slope", "the hill on which T/(2T + 1) of the 1/T bound is left, almost half")
def check_worst_slope(worst_slope: Any) -> None:
    """``worst_slope(beta, distance, T)``: the slope s of the hill with the largest gap after T steps.

    :param worst_slope: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for beta, distance, T in ((3.0, 2.5, 5), (0.5, 1.0, 12), (4.0, 2.0, 1)):
        # Independent of any formula: the largest gap is found on a fine grid of slopes, then by a parabola.
        slopes = np.linspace(0, beta * distance / (T + 1), 20_001)[1:]
        gaps = slopes * (distance - T * slopes / beta) - slopes**2 / (2 * beta)
        fit = np.polyfit(slopes, gaps, 2)
        right = -fit[1] / (2 * fit[0])
        compare(call(worst_slope, "worst_slope", beta, distance, T), right, "worst_slope", {
            "on this hill the T steps just reach the bottom: no gap is left": beta * distance / T,
            "the rounded bottom lowers the hill by s²/(2β): put that into the gap": beta * distance / (2 * T),
            "the rounded bottom lowers the hill by s²/(2β), not by s²/β": beta * distance / (2 * T + 2),
            "on this hill the T steps just reach the rounded part, where little is left": beta * distance / (T + 1),
            "a step walks s/β: the β is missing": distance / (2 * T + 1),
            "that is the gap that is left, not the slope": beta * distance**2 / (4 * T + 2),
            "a step walks s/β, not s·β": distance / (beta * (2 * T + 1)),
            "setting the derivative to 0 gives 2T + 1 below, not 2T − 1: check the sign of s²/(2β)":
                beta * distance / (2 * T - 1) if T > 1 else np.nan,
        }, rtol=1e-4)


@checker("fair_gradient", "unequal chances, and still right on average")
def check_fair_gradient(fair_gradient: Any) -> None:
    """``fair_gradient(gradients, q, drawn)``: unbiased although sample p is drawn with probability q_p.

    :param fair_gradient: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(35)
    for n, d, B in ((4, 2, 3), (6, 3, 2), (5, 1, 4)):
        gradients = rng.standard_normal((n, d)) + 0.5
        q = rng.uniform(0.5, 3.0, n)
        q = q / q.sum()
        drawn = rng.integers(n, size=B)
        drawn[-1] = drawn[0]  # repetitions count
        parts = np.array([gradients[p] / (n * q[p]) for p in drawn])
        weights = 1 / q[drawn]
        once = np.unique(drawn)
        compare(call(fair_gradient, "fair_gradient", gradients, q, drawn), parts.mean(0), "fair_gradient", {
            "the plain mean favours what is drawn often: it is biased": gradients[drawn].mean(0),
            "what is drawn often must count less: divide by its probability, do not multiply":
                np.array([gradients[p] * n * q[p] for p in drawn]).mean(0),
            "what is drawn often must count less: divide by q, do not weight with it":
                np.array([gradients[p] * q[p] for p in drawn]).mean(0),
            "the mean of ∇ℓ_p/q_p estimates the sum of all n gradients: divide by n": parts.mean(0) * n,
            "this is the sum over the batch: divide by its size B": parts.sum(0),
            "B, the size of the batch, stands in place of n, the number of all samples, in the weight 1/(n·q_p)":
                parts.mean(0) * n / B,
            "weights relative to the largest q keep the proportions, not the size: what must the mean of w_p be?":
                np.array([gradients[p] * q.max() / q[p] for p in drawn]).mean(0),
            "dividing by the sum of the weights in the batch makes the weights random: biased for small batches":
                (weights[:, None] * gradients[drawn]).sum(0) / weights.sum(),
            "a sample that was drawn twice counts twice": np.array([gradients[p] / (n * q[p]) for p in once]).mean(0),
        })


@checker("anneal", "each step as long as the noise allows")
def check_anneal(anneal: Any) -> None:
    """``anneal(noisy_gradient, theta, a, error, variance, T)``: θ after T steps, each the best one.

    :param anneal: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(36)
    for a, error, variance, T in ((2.0, 9.0, 4.0, 6), (0.5, 1.0, 3.0, 10), (3.0, 4.0, 0.5, 3)):
        noise = rng.standard_normal(T) * variance**0.5
        right = _annealed(a, error, variance, noise)
        noisy, asked = _noisy(a, noise)
        got = call(anneal, "anneal", noisy, 2.0, a, error, variance, T)
        if len(asked) == 2 * T:
            refuse("anneal calls noisy_gradient twice a step: each call draws new noise, so call it once and keep it")
        if abs(len(asked) - T) == 1:
            refuse(f"anneal takes one step too {'few' if len(asked) < T else 'many'}: range(T) takes T")
        compare(got, right[0], "anneal", {
            "the step is always the first one: the mean squared error E shrinks, update it": _annealed(
                a, error, variance, noise, "frozen")[0],
            "this is the noise-free step 1/a each time: it stops at a noise floor": _annealed(
                a, error, variance, noise, "newton")[0],
            "the curvature a is missing in the step: differentiate (1 − aη)²E + η²v": _annealed(
                a, error, variance, noise, "no a")[0],
            "the step belongs to the error before it: compute η, step, then update the error": _annealed(
                a, error, variance, noise, "late")[0],
            "the new error is (1 − aη)²E + η²v: the noise's part is missing": _annealed(
                a, error, variance, noise, "no noise")[0],
            "the new error is (1 − aη)²E + η²v: the first factor is squared": _annealed(
                a, error, variance, noise, "not squared")[0],
            "the new error is (1 − aη)²E + η²v: the noise is multiplied by η²": _annealed(
                a, error, variance, noise, "no η²")[0],
            "in η = aE/(…) the E below is multiplied by a²: differentiate (1 − aη)²": _annealed(
                a, error, variance, noise, "a once")[0],
            "in η the a above is missing and below it stands once: differentiate (1 − aη)²E + η²v": _annealed(
                a, error, variance, noise, "a below")[0],
            "E is the mean squared error over all runs, known beforehand; θ² is what one run has": _annealed(
                a, error, variance, noise, "theta")[0],
            "this walks uphill: subtract": _annealed(a, error, variance, noise, "uphill")[0],
            "that is the mean squared error E, not θ": right[1],
        }, rtol=1e-7)


def _bowl(D: np.ndarray, start: np.ndarray) -> tuple[Callable[[Any], float], Callable[[Any], np.ndarray], list[float]]:
    """Value and gradient of ½ Σ D m², and a list of the η (along -∇L(start)) at which the value is asked for."""
    tried, g = list[float](), D * start

    def value(m: Any) -> float:
        step = np.asarray(m) - start
        if step.any():
            tried.append(float(-(step @ g) / (g @ g)))
        if len(tried) >= ENDLESS:
            raise RuntimeError("too many trials")
        return float(0.5 * (D * np.asarray(m) ** 2).sum())

    return value, lambda m: D * np.asarray(m), tried


def _refuse_trials(tried: list[float], beta: float, inputs: dict[str, Any]) -> NoReturn:
    """No step kept the promise: say why, from the step sizes η that were tried."""
    known = [eta for eta in tried if np.isfinite(eta)]
    said = "β grew without end, so no step kept the promise: is it ‖∇L‖²/(2β), with the ½?"
    if known and known[0] < 0:
        said = "the trial steps go uphill, so no β is enough: the step is −∇L/β"
    elif known and np.isclose(known[0], beta) and not np.isclose(beta, 1 / beta):
        said = "the step is ∇L divided by β, not multiplied with it"
    elif known and max(known) > 1.5 * known[0]:
        said = "β is made smaller, so the steps grow: a β that is too small is doubled"
    refuse(f"careful_step: {said}", inputs=inputs)


def _found(D: np.ndarray, m: np.ndarray, beta: float, test: Test) -> tuple[np.ndarray, float]:
    """The first step -∇L/β, β doubled each time, that passes a test."""
    g, given = D * m, beta
    for _ in range(40):
        new = m - g / beta
        if test(float(0.5 * (D * (m**2 - new**2)).sum()), g, D * new, beta, given):
            break
        beta = 2 * beta
    return new, beta


def _noisy(a: float, noise: np.ndarray) -> tuple[Callable[[float], float], list[float]]:
    """The gradient aθ of a bowl, with the next number of a list as noise on each call; and where it was called."""
    left: Iterator[float] = iter(np.append(noise, np.zeros(1000)))
    asked: list[float] = []

    def gradient(theta: float) -> float:
        asked.append(theta)
        return a * theta + next(left)

    return gradient, asked


def _annealed(a: float, error: float, variance: float, noise: np.ndarray, mistake: str = "") -> tuple[float, float]:
    """θ from 2.0 after len(noise) best steps, and its expected squared error; or what a mistake gives."""
    theta, gradient = 2.0, _noisy(a, noise)[0]
    for _ in noise:
        eta = {"newton": 1 / a, "no a": error / (error + variance), "a once": a * error / (a * error + variance),
               "a below": error / (a * error + variance)}.get(mistake, a * error / (a * a * error + variance))
        shrunk = (1 - a * eta) * error if mistake == "not squared" else (1 - a * eta) ** 2 * error
        after = shrunk + {"no noise": 0.0, "no η²": variance}.get(mistake, eta**2 * variance)
        if mistake == "late":
            eta = a * after / (a * a * after + variance)
        theta = theta + eta * gradient(theta) if mistake == "uphill" else theta - eta * gradient(theta)
        error = {"frozen": error, "theta": theta**2}.get(mistake, after)
    return theta, error
