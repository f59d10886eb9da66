r"""The optimisers of deep learning as step rules, in the conventions of ``torch.optim``.

Each is a ``Rule`` for ``iterate``; with the same numbers it takes the same steps as the
class of torch named in its docstring.  ``g`` is the gradient, squares and roots go entry
by entry, and a state starts at zero.  Where ``eps`` stands matters and is written out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from dlhelpers import checks
from dlhelpers.descent.iterates import Eta, Rule
from dlhelpers.objectives import Objective

Gradient = Callable[[np.ndarray], np.ndarray]


def schedule(eta: Eta, name: str = "eta") -> Callable[[int], float]:
    """A step size as a function of t: a positive number, or a function whose values are not negative.

    A function may reach 0, as 0.99 ** t does in floating point after 74 000 steps.
    """
    if callable(eta):
        return lambda t: checks.nonnegative(eta(t), f"{name}({t})")
    constant = checks.positive(eta, name)
    return lambda t: constant


def _fraction(value: Any, name: str) -> float:
    """A share of the past that is kept: 0 keeps nothing, 1 would keep everything for ever."""
    return checks.between(value, name, 0, 1, closed="left")


class Momentum(Rule):
    r"""A ball that keeps its speed: :math:`v \leftarrow \beta v + g`, :math:`\theta \leftarrow \theta - \eta v`.

    ``torch.optim.SGD(lr=eta, momentum=beta)``.  With ``averaged`` it is lecture N's
    :math:`v \leftarrow \beta v + (1-\beta) g`, the same walk with eta(1 - beta) for eta.

    :param beta: in [0, 1); 0 is gradient descent.
    """

    def __init__(self, eta: Eta, beta: float = 0.9, *, averaged: bool = False) -> None:
        self.eta, self.beta = schedule(eta), _fraction(beta, "beta")
        self.averaged = checks.instance(averaged, "averaged", bool)
        self.gain = 1 - self.beta if averaged else 1.0

    def begin(self, start: np.ndarray) -> None:
        self.v = np.zeros_like(start)

    def step(self, t: int, theta: np.ndarray, gradient: Gradient) -> np.ndarray:
        self.v = self.beta * self.v + self.gain * gradient(theta)
        return theta - self.eta(t) * self.v


class Nesterov(Rule):
    r"""Momentum that looks ahead: :math:`v \leftarrow \beta v + g`, :math:`\theta \leftarrow \theta - \eta(g + \beta v)`.

    ``torch.optim.SGD(lr=eta, momentum=beta, nesterov=True)``.  The iterates are the points
    *ahead*, where Nesterov's method asks for the gradient: with his ball p, moved by
    :math:`w \leftarrow \beta w - \eta\nabla L(p + \beta w)`, they are :math:`\theta = p + \beta w`.
    """

    def __init__(self, eta: Eta, beta: float = 0.9) -> None:
        self.eta, self.beta = schedule(eta), checks.between(beta, "beta", 0, 1, closed="neither")

    def begin(self, start: np.ndarray) -> None:
        self.v = np.zeros_like(start)

    def step(self, t: int, theta: np.ndarray, gradient: Gradient) -> np.ndarray:
        g = gradient(theta)
        self.v = self.beta * self.v + g
        return theta - self.eta(t) * (g + self.beta * self.v)


class Adagrad(Rule):
    r""":math:`s \leftarrow s + g^2`, :math:`\theta \leftarrow \theta - \eta\, g/(\sqrt s + \epsilon)`.

    ``torch.optim.Adagrad(lr=eta, eps=eps)``.  Source: Duchi, Hazan and Singer (2011).
    """

    def __init__(self, eta: Eta = 0.01, eps: float = 1e-10) -> None:
        self.eta, self.eps = schedule(eta), checks.nonnegative(eps, "eps")

    def begin(self, start: np.ndarray) -> None:
        self.s = np.zeros_like(start)

    def step(self, t: int, theta: np.ndarray, gradient: Gradient) -> np.ndarray:
        g = gradient(theta)
        self.s = self.s + g * g
        return theta - self.eta(t) * _over(g, np.sqrt(self.s) + self.eps)


class Adadelta(Rule):
    r"""Steps as long as the recent steps: :math:`s \leftarrow \rho s + (1-\rho)g^2`,
    :math:`\delta = \sqrt{u + \epsilon}\; g/\sqrt{s + \epsilon}`, :math:`u \leftarrow \rho u + (1-\rho)\delta^2`,
    :math:`\theta \leftarrow \theta - \eta\delta`.

    ``torch.optim.Adadelta(lr=eta, rho=rho, eps=eps)``: eps under both roots, and positive, or
    nothing ever moves.  Source: Zeiler (2012), who has no eta (eta = 1).
    """

    def __init__(self, eta: Eta = 1.0, rho: float = 0.9, eps: float = 1e-6) -> None:
        self.eta, self.rho, self.eps = schedule(eta), _fraction(rho, "rho"), checks.positive(eps, "eps")

    def begin(self, start: np.ndarray) -> None:
        self.s, self.u = np.zeros_like(start), np.zeros_like(start)

    def step(self, t: int, theta: np.ndarray, gradient: Gradient) -> np.ndarray:
        g = gradient(theta)
        self.s = self.rho * self.s + (1 - self.rho) * g * g
        delta = np.sqrt(self.u + self.eps) / np.sqrt(self.s + self.eps) * g
        self.u = self.rho * self.u + (1 - self.rho) * delta * delta
        return theta - self.eta(t) * delta


class RMSprop(Rule):
    r""":math:`s \leftarrow \gamma s + (1-\gamma) g^2`, :math:`\theta \leftarrow \theta - \eta\, g/(\sqrt s + \epsilon)`.

    ``torch.optim.RMSprop(lr=eta, alpha=gamma, eps=eps)``, neither centred nor with momentum; there
    is no bias correction.  Source: Tieleman and Hinton, lecture 6.5 of their course (2012).
    """

    def __init__(self, eta: Eta = 0.01, gamma: float = 0.99, eps: float = 1e-8) -> None:
        self.eta, self.gamma, self.eps = schedule(eta), _fraction(gamma, "gamma"), checks.nonnegative(eps, "eps")

    def begin(self, start: np.ndarray) -> None:
        self.s = np.zeros_like(start)

    def step(self, t: int, theta: np.ndarray, gradient: Gradient) -> np.ndarray:
        g = gradient(theta)
        self.s = self.gamma * self.s + (1 - self.gamma) * g * g
        return theta - self.eta(t) * _over(g, np.sqrt(self.s) + self.eps)


class Adam(Rule):
    r"""Momentum over the root of the second moment, both corrected for their start at zero.

    :math:`v \leftarrow \beta v + (1-\beta)g`, :math:`s \leftarrow \gamma s + (1-\gamma)g^2`,
    :math:`\hat v = v/(1-\beta^{t+1})`, :math:`\hat s = s/(1-\gamma^{t+1})` for t = 0, 1, …,
    :math:`\theta \leftarrow \theta - \eta\,\hat v/(\sqrt{\hat s} + \epsilon)`.

    ``torch.optim.Adam(lr=eta, betas=(beta, gamma), eps=eps)``; with ``amsgrad`` the largest s so
    far takes the place of s (torch's ``amsgrad=True``).  Sources: Kingma and Ba (2014), lecture N,
    algorithm 4.2; Reddi, Kale and Kumar (2018) for amsgrad.

    :param correct: whether the moments are corrected; False leaves v and s as they are.
    """

    def __init__(self, eta: Eta = 0.001, beta: float = 0.9, gamma: float = 0.999, eps: float = 1e-8, *,
                 correct: bool = True, amsgrad: bool = False) -> None:
        self.eta = schedule(eta)
        self.beta, self.gamma = _fraction(beta, "beta"), _fraction(gamma, "gamma")
        self.eps = checks.nonnegative(eps, "eps")
        self.correct = checks.instance(correct, "correct", bool)
        self.amsgrad = checks.instance(amsgrad, "amsgrad", bool)

    def begin(self, start: np.ndarray) -> None:
        self.v, self.s, self.largest = np.zeros_like(start), np.zeros_like(start), np.zeros_like(start)

    def step(self, t: int, theta: np.ndarray, gradient: Gradient) -> np.ndarray:
        g = gradient(theta)
        self.v = self.beta * self.v + (1 - self.beta) * g
        self.s = self.gamma * self.s + (1 - self.gamma) * g * g
        self.largest = np.maximum(self.largest, self.s)
        v, s = self.v, self.largest if self.amsgrad else self.s
        if self.correct:
            v, s = v / (1 - self.beta ** (t + 1)), s / (1 - self.gamma ** (t + 1))
        return theta - self.eta(t) * _over(v, np.sqrt(s) + self.eps)


class Armijo(Rule):
    r"""Gradient descent that looks before it steps: the largest :math:`\eta = \eta_0 \rho^k` with
    :math:`L(\theta - \eta g) \le L(\theta) - c\,\eta\,\|g\|^2`.

    :param objective: the function itself, since values are needed.  Single runs only.
    :param eta: :math:`\eta_0`, the first try.  :param c: in (0, 1).  :param shrink: :math:`\rho` in (0, 1).
    :ivar taken: the step sizes of the run.
    :ivar tries: how many values were asked for in each step.

    Source: Armijo (1966).
    """

    def __init__(self, objective: Objective, eta: float = 1.0, c: float = 1e-4, shrink: float = 0.5) -> None:
        self.objective = checks.instance(objective, "objective", Objective)
        self.eta = checks.positive(eta, "eta")
        self.c = checks.between(c, "c", 0, 1, closed="neither")
        self.shrink = checks.between(shrink, "shrink", 0, 1, closed="neither")

    def begin(self, start: np.ndarray) -> None:
        if start.ndim != 1:
            raise ValueError(f"start must have one dimension for Armijo, got shape {start.shape}: one run at a time")
        self.taken: list[float] = []
        self.tries: list[int] = []

    def step(self, t: int, theta: np.ndarray, gradient: Gradient) -> np.ndarray:
        g, eta = gradient(theta), self.eta
        here, slope = float(self.objective._value(theta)), float(g @ g)
        for tries in range(1, 201):
            # "not <=" also turns down NaN and infinity.
            if self.objective._value(theta - eta * g) <= here - self.c * eta * slope:
                break
            eta *= self.shrink
        else:
            eta = 0.0                            # nothing lower can be resolved: theta is a minimum in floating point
        self.taken.append(eta)
        self.tries.append(tries)
        return theta - eta * g


class Noisy(Rule):
    """Another rule whose gradients carry Gaussian noise, as a minibatch's would.

    :param sigma: standard deviation of each entry.  :param seed: of the noise.
    """

    def __init__(self, rule: Rule, sigma: float, seed: int = 0) -> None:
        self.rule, self.sigma = checks.instance(rule, "rule", Rule), checks.nonnegative(sigma, "sigma")
        self.seed = checks.integer(seed, "seed", at_least=0)

    def begin(self, start: np.ndarray) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.rule.begin(start)

    def step(self, t: int, theta: np.ndarray, gradient: Gradient) -> np.ndarray:
        return self.rule.step(t, theta, lambda at: gradient(at) + self.sigma * self.rng.standard_normal(at.shape))


def heavy_ball(beta: float, mu: float) -> tuple[float, float]:
    r"""Polyak's best step size and momentum for curvatures between mu and beta.

    :math:`\eta = 4/(\sqrt\beta + \sqrt\mu)^2`, momentum :math:`\bigl(\frac{\sqrt\kappa - 1}{\sqrt\kappa + 1}\bigr)^2`
    with :math:`\kappa = \beta/\mu`; on a quadratic each step then shrinks the error by
    :math:`\frac{\sqrt\kappa - 1}{\sqrt\kappa + 1}`, up to a factor that grows with t.  Source: Polyak (1964).
    """
    beta, mu = checks.positive(beta, "beta"), checks.positive(mu, "mu")
    if mu > beta:
        raise ValueError(f"mu must not exceed beta = {beta:.6g}, got {mu:.6g}")
    root, least = math.sqrt(beta), math.sqrt(mu)
    return 4 / (root + least) ** 2, ((root - least) / (root + least)) ** 2


def _over(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """A quotient that is 0 where the numerator is: with eps = 0 an entry that has seen no gradient stays."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=numerator != 0)
