"""One loop for every gradient method: ``iterate(objective, start, rule, T)``; a method is a ``Rule``.

All is float64 numpy on the CPU by nature: runs are held against bounds to the last digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlhelpers import checks
from dlhelpers.objectives import FiniteSum, Objective

#: A step size: one number, or a function of the step t = 0, 1, ….
Eta = float | Callable[[int], float]
#: What a rule is given to ask for slopes: points (..., dim) to gradients (..., dim).
Gradient = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Iterates:
    """The iterates of a run, all finite.

    ``points`` (T+1, dim), ``values`` (T+1,), ``gradient_norms`` (T+1,); with several
    runs (T+1, runs, dim), (T+1, runs), (T+1, runs).  ``diverged`` is the first step
    whose iterate left all bounds (the run ends before it), or None.
    """

    points: np.ndarray
    values: np.ndarray
    gradient_norms: np.ndarray
    diverged: int | None = None

    @property
    def steps(self) -> int:
        """How many steps were taken."""
        return len(self.points) - 1

    @property
    def last(self) -> np.ndarray:
        """The last iterate."""
        return self.points[-1]

    @property
    def best_norms(self) -> np.ndarray:
        """The smallest gradient norm up to each step."""
        return np.minimum.accumulate(self.gradient_norms, axis=0)

    def steps_to(self, eps: float) -> int | None:
        """The first step with a small gradient; for single runs.

        :param eps: the gradient norm that is asked for, positive.
        :returns: the first step whose norm is at most ``eps``, or None if there is none.
        :raises ValueError: if eps is not positive or there are several runs.
        """
        checks.positive(eps, "eps")
        if self.gradient_norms.ndim != 1:
            raise ValueError("steps_to is for a single run: gradient_norms has one column a run")
        hits = np.flatnonzero(self.gradient_norms <= eps)
        return int(hits[0]) if hits.size else None


# ---------------------------------------------------------------------- step rules


class Rule:
    """A method of descent: ``begin`` clears its memory, ``step`` returns the next iterate.

    To add a method, subclass this and pass an instance to ``iterate``.
    """

    def begin(self, start: np.ndarray) -> None:
        """Forget earlier runs.

        :param start: the first iterate, (dim,) or (runs, dim).
        """

    def step(self, t: int, theta: np.ndarray, gradient: Gradient) -> np.ndarray:
        """The iterate after ``theta``: a new array, ``theta`` stays.

        :param t: the step, from 0.
        :param theta: the present iterate, (dim,) or (runs, dim).
        :param gradient: the objective's gradient; it may be asked anywhere.
        :returns: the next iterate, of the shape of theta.
        """
        raise NotImplementedError


def schedule(eta: Eta, name: str = "eta") -> Callable[[int], float]:
    """A step size as a function of t.

    A function may reach 0, as 0.99 ** t does in floating point after 74 000 steps.

    :param eta: a positive number, or a function of t = 0, 1, … whose values are not negative.
    :param name: what error messages call it.
    :returns: the function of t.
    :raises ValueError: for a number that is not positive, and at step t for a negative value.
    """
    if callable(eta):
        return lambda t: checks.nonnegative(eta(t), f"{name}({t})")
    constant = checks.positive(eta, name)
    return lambda t: constant


class GradientStep(Rule):
    r""":math:`\theta_{t+1} = \theta_t - \eta_t \nabla L(\theta_t)`.

    :param eta: step size, a positive number or a function of the step.
    :raises ValueError: if a number is not positive.
    """

    def __init__(self, eta: Eta) -> None:
        self.eta = schedule(eta)

    def step(self, t: int, theta: np.ndarray, gradient: Gradient) -> np.ndarray:
        return theta - self.eta(t) * gradient(theta)


class AcceleratedStep(Rule):
    r"""Nesterov's method of 1983 for convex functions.

    :math:`\theta_{t+1} = z_t - \eta\nabla L(z_t)`,
    :math:`s_{t+1} = \frac{1 + \sqrt{1 + 4 s_t^2}}2`,
    :math:`z_{t+1} = \theta_{t+1} + \frac{s_t - 1}{s_{t+1}}(\theta_{t+1} - \theta_t)`.

    :param eta: step size, positive, at most 1/beta for the bound to hold.
    :raises ValueError: if eta is not positive.

    Source: Y. Nesterov, Soviet Mathematics Doklady 27 (1983) 372.
    """

    def __init__(self, eta: float) -> None:
        self.eta = checks.positive(eta, "eta")

    def begin(self, start: np.ndarray) -> None:
        self.ahead, self.s = start, 1.0

    def step(self, t: int, theta: np.ndarray, gradient: Gradient) -> np.ndarray:
        new = self.ahead - self.eta * gradient(self.ahead)
        s_new = (1 + math.sqrt(1 + 4 * self.s**2)) / 2
        self.ahead = new + (self.s - 1) / s_new * (new - theta)
        self.s = s_new
        return new


class StochasticStep(Rule):
    r""":math:`\theta_{t+1} = \theta_t - \frac{\eta_t}{B}\sum_{i\in\mathcal B_t}\nabla\ell_i(\theta_t)`.

    :param finite_sum: the losses.
    :param eta: step size, a positive number or a function of the step.
    :param batch: B, components a step.
    :param seed: of the batches; every run (row of the start) draws its own.
    :param replacement: whether a component may come twice in a batch.
    :raises ValueError: if a number is out of its range, or a batch without replacement exceeds n.
    """

    def __init__(self, finite_sum: FiniteSum, eta: Eta, batch: int = 1, *, seed: int = 0,
                 replacement: bool = True) -> None:
        self.losses = checks.instance(finite_sum, "finite_sum", FiniteSum)
        self.eta = schedule(eta)
        self.batch = checks.integer(batch, "batch", at_least=1, at_most=None if replacement else self.losses.n)
        self.replacement = checks.instance(replacement, "replacement", bool)
        self.seed = checks.integer(seed, "seed", at_least=0)

    def begin(self, start: np.ndarray) -> None:
        self.rng = np.random.default_rng(self.seed)

    def draw(self, runs: tuple[int, ...]) -> np.ndarray:
        """One batch for each run.

        :param runs: the leading axes of the iterate, () for one run.
        :returns: indices of components, (\\*runs, B).
        """
        n, B = self.losses.n, self.batch
        if self.replacement or B == 1:
            return self.rng.integers(n, size=(*runs, B))
        return np.argsort(self.rng.random((*runs, n)), axis=-1)[..., :B]

    def step(self, t: int, theta: np.ndarray, gradient: Gradient) -> np.ndarray:
        chosen = self.losses._components(theta, self.draw(theta.shape[:-1]))
        return theta - self.eta(t) * chosen.mean(-2)


# ------------------------------------------------------------------------ the loop


def iterate(objective: Objective, start: Any, rule: Rule, T: int, *, limit: float = 1e12) -> Iterates:
    """``T`` steps of ``rule`` on ``objective``.

    :param objective: the function.
    :param start: (dim,), or (runs, dim) for several runs side by side; None for the
        objective's own start.
    :param rule: the method.
    :param T: steps, at least 1.
    :param limit: an iterate with an entry beyond it counts as diverged.
    :returns: the iterates, T + 1 of them unless the run diverged.
    :raises ValueError: if the start has another shape or is not finite, or T < 1.
    """
    checks.instance(objective, "objective", Objective)
    checks.instance(rule, "rule", Rule)
    T, limit = checks.integer(T, "T", at_least=1), checks.positive(limit, "limit")
    theta = np.array(checks.array(objective.start if start is None else start, "start"), dtype=np.float64)
    if theta.ndim not in (1, 2) or theta.shape[-1] != objective.dim:
        raise ValueError(f"start must have shape ({objective.dim},) or (runs, {objective.dim}), got {theta.shape}")
    objective._checked(theta)
    points, diverged = np.empty((T + 1, *theta.shape)), None
    points[0] = theta
    rule.begin(theta)
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(T):
            theta = rule.step(t, theta, objective._gradient)
            # A comparison with NaN is False, so this catches it too.
            if not np.abs(theta).max() <= limit:
                points, diverged = points[:t + 1], t + 1
                break
            points[t + 1] = theta
    values = np.asarray(objective._value(points), dtype=np.float64)
    norms = np.linalg.norm(objective._gradient(points), axis=-1)
    return Iterates(points, values, norms, diverged)


def gradient_descent(objective: Objective, start: Any = None, eta: Eta | None = None, T: int = 100) -> Iterates:
    """``T`` steps of gradient descent.

    :param objective: the function.
    :param start: (dim,) or (runs, dim); None for the objective's own.
    :param eta: step size, a positive number or a function of the step; None for 1/beta.
    :param T: steps, at least 1.
    :returns: the iterates.
    :raises ValueError: if a number is out of its range, or eta is missing and there is no finite beta.
    """
    checks.instance(objective, "objective", Objective)
    return iterate(objective, start, GradientStep(1 / _beta(objective) if eta is None else eta), T)


def accelerated(objective: Objective, start: Any = None, eta: float | None = None, T: int = 100) -> Iterates:
    """``T`` steps of Nesterov's accelerated method.

    :param objective: the function.
    :param start: (dim,) or (runs, dim); None for the objective's own.
    :param eta: step size, positive; None for 1/beta.
    :param T: steps, at least 1.
    :returns: the iterates.
    :raises ValueError: if a number is out of its range, or eta is missing and there is no finite beta.
    """
    checks.instance(objective, "objective", Objective)
    return iterate(objective, start, AcceleratedStep(1 / _beta(objective) if eta is None else eta), T)


def sgd(finite_sum: FiniteSum, start: Any = None, eta: Eta | None = None, T: int = 100, *, batch: int = 1,
        seed: int = 0, replacement: bool = True) -> Iterates:
    """``T`` steps of minibatch descent; values and gradient norms are those of the full loss.

    :param finite_sum: the losses.
    :param start: (dim,) or (runs, dim); None for the objective's own.
    :param eta: step size, a positive number or a function of the step; None for 1/beta.
    :param T: steps, at least 1.
    :param batch: B, components a step.
    :param seed: of the batches.
    :param replacement: whether a component may come twice in a batch.
    :returns: the iterates.
    :raises ValueError: if a number is out of its range.
    """
    checks.instance(finite_sum, "finite_sum", FiniteSum)
    eta = 1 / _beta(finite_sum) if eta is None else eta
    rule = StochasticStep(finite_sum, eta, batch, seed=seed, replacement=replacement)
    return iterate(finite_sum, start, rule, T)


def _beta(objective: Objective) -> float:
    """The smoothness that a default step size needs."""
    if not math.isfinite(objective.beta):
        raise ValueError(f"eta must be given: {objective.name} has no finite beta")
    return objective.beta


def segment_smoothness(objective: Objective, points: Any, samples: int = 5) -> np.ndarray:
    """The largest spectral norm of the Hessian on each segment between iterates.

    :param objective: the function.
    :param points: the iterates, (T+1, dim).
    :param samples: points tried on each segment, its ends included.
    :returns: the norms, (T,).
    :raises ValueError: if there are fewer than two iterates or samples, or a shape does not fit.
    """
    checks.instance(objective, "objective", Objective)
    points = objective._checked(checks.array(points, "points", shape=(None, objective.dim)))
    if len(points) < 2:
        raise ValueError("points must hold at least two iterates")
    along = np.linspace(0, 1, checks.integer(samples, "samples", at_least=2))[:, None, None]
    inside = points[:-1] + along * np.diff(points, axis=0)                    # (samples, T, dim)
    return np.abs(np.linalg.eigvalsh(objective._hessian(inside))).max((0, -1))
