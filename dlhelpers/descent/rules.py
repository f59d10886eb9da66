r"""The optimisers of deep learning as step rules, in the conventions of ``torch.optim``.

Each is a ``Rule`` for ``iterate``; with the same numbers it takes the same steps as the
class of torch named in its docstring.  What a step does with the gradient g stands in
``formulas``; a memory starts at zero.  The coefficient of momentum is called ``momentum``
(γ in formulas), the share of the past that a mean of squares keeps ``rho`` (ρ); β is the
smoothness, here as everywhere.  All is float64 numpy on the CPU by nature.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlhelpers import checks
from dlhelpers.descent import formulas
from dlhelpers.descent.iterates import Eta, Gradient, Rule, schedule
from dlhelpers.objectives import Objective


def _share(value: Any, name: str) -> float:
    """A share of the past that is kept: 0 keeps nothing, 1 would keep everything for ever."""
    return checks.between(value, name, 0, 1, closed="left")


class Momentum(Rule):
    r"""A ball that keeps its speed: :math:`v \leftarrow \gamma v + g`, :math:`\theta \leftarrow \theta - \eta v`.

    ``torch.optim.SGD(lr=eta, momentum=momentum)``.  With ``averaged`` it is lecture N's
    :math:`v \leftarrow \gamma v + (1-\gamma) g`, the same walk with eta(1 - γ) for eta.

    :param eta: learning rate, a number or a function of the step.
    :param momentum: γ in [0, 1); 0 is gradient descent.
    :param averaged: whether the velocity is an average of gradients instead of a sum.
    :raises ValueError: if a number is out of its range.
    """

    def __init__(self, eta: Eta, momentum: float = 0.9, *, averaged: bool = False) -> None:
        self.eta, self.momentum = schedule(eta), _share(momentum, "momentum")
        self.averaged = checks.instance(averaged, "averaged", bool)
        self.gain = 1 - self.momentum if averaged else 1.0

    def begin(self, start: np.ndarray) -> None:
        self.v = np.zeros_like(start)

    def step(self, t: int, theta: np.ndarray, gradient: Gradient) -> np.ndarray:
        move, self.v = formulas.momentum_move(gradient(theta), self.v, self.momentum, self.gain)
        return theta - self.eta(t) * move


class Nesterov(Rule):
    r"""Momentum that looks ahead: :math:`v \leftarrow \gamma v + g`,
    :math:`\theta \leftarrow \theta - \eta(g + \gamma v)`.

    ``torch.optim.SGD(lr=eta, momentum=momentum, nesterov=True)``.  The iterates are the points
    *ahead*, where Nesterov's method asks for the gradient: with his ball p, moved by
    :math:`w \leftarrow \gamma w - \eta\nabla L(p + \gamma w)`, they are :math:`\theta = p + \gamma w`.

    :param eta: learning rate, a number or a function of the step.
    :param momentum: γ in (0, 1).
    :raises ValueError: if a number is out of its range.
    """

    def __init__(self, eta: Eta, momentum: float = 0.9) -> None:
        self.eta = schedule(eta)
        self.momentum = checks.between(momentum, "momentum", 0, 1, closed="neither")

    def begin(self, start: np.ndarray) -> None:
        self.v = np.zeros_like(start)

    def step(self, t: int, theta: np.ndarray, gradient: Gradient) -> np.ndarray:
        move, self.v = formulas.nesterov_move(gradient(theta), self.v, self.momentum)
        return theta - self.eta(t) * move


class Adagrad(Rule):
    r""":math:`s \leftarrow s + g^2`, :math:`\theta \leftarrow \theta - \eta\, g/(\sqrt s + \epsilon)`.

    ``torch.optim.Adagrad(lr=eta, eps=eps)``.  Source: Duchi, Hazan and Singer (2011).

    :param eta: learning rate, a number or a function of the step.
    :param eps: ε, zero or positive.
    :raises ValueError: if a number is out of its range.
    """

    def __init__(self, eta: Eta = 0.01, eps: float = 1e-10) -> None:
        self.eta, self.eps = schedule(eta), checks.nonnegative(eps, "eps")

    def begin(self, start: np.ndarray) -> None:
        self.s = np.zeros_like(start)

    def step(self, t: int, theta: np.ndarray, gradient: Gradient) -> np.ndarray:
        move, self.s = formulas.adagrad_move(gradient(theta), self.s, self.eps)
        return theta - self.eta(t) * move


class Adadelta(Rule):
    r"""Steps as long as the recent steps: :math:`s \leftarrow \rho s + (1-\rho)g^2`,
    :math:`\delta = \sqrt{u + \epsilon}\; g/\sqrt{s + \epsilon}`, :math:`u \leftarrow \rho u + (1-\rho)\delta^2`,
    :math:`\theta \leftarrow \theta - \eta\delta`.

    ``torch.optim.Adadelta(lr=eta, rho=rho, eps=eps)``.  Source: Zeiler (2012), who has no eta (eta = 1).

    :param eta: learning rate, a number or a function of the step.
    :param rho: ρ in [0, 1).
    :param eps: ε under both roots, positive, or nothing ever moves.
    :raises ValueError: if a number is out of its range.
    """

    def __init__(self, eta: Eta = 1.0, rho: float = 0.9, eps: float = 1e-6) -> None:
        self.eta, self.rho, self.eps = schedule(eta), _share(rho, "rho"), checks.positive(eps, "eps")

    def begin(self, start: np.ndarray) -> None:
        self.s, self.u = np.zeros_like(start), np.zeros_like(start)

    def step(self, t: int, theta: np.ndarray, gradient: Gradient) -> np.ndarray:
        move, self.s, self.u = formulas.adadelta_move(gradient(theta), self.s, self.u, self.rho, self.eps)
        return theta - self.eta(t) * move


class RMSprop(Rule):
    r""":math:`s \leftarrow \rho s + (1-\rho) g^2`, :math:`\theta \leftarrow \theta - \eta\, g/(\sqrt s + \epsilon)`.

    ``torch.optim.RMSprop(lr=eta, alpha=rho, eps=eps)``, neither centred nor with momentum; there
    is no bias correction.  Source: Tieleman and Hinton, lecture 6.5 of their course (2012).

    :param eta: learning rate, a number or a function of the step.
    :param rho: ρ in [0, 1).
    :param eps: ε, zero or positive.
    :raises ValueError: if a number is out of its range.
    """

    def __init__(self, eta: Eta = 0.01, rho: float = 0.99, eps: float = 1e-8) -> None:
        self.eta, self.rho, self.eps = schedule(eta), _share(rho, "rho"), checks.nonnegative(eps, "eps")

    def begin(self, start: np.ndarray) -> None:
        self.s = np.zeros_like(start)

    def step(self, t: int, theta: np.ndarray, gradient: Gradient) -> np.ndarray:
        move, self.s = formulas.rmsprop_move(gradient(theta), self.s, self.rho, self.eps)
        return theta - self.eta(t) * move


class Adam(Rule):
    r"""Momentum over the root of the second moment, both corrected for their start at zero.

    :math:`v \leftarrow \gamma v + (1-\gamma)g`, :math:`s \leftarrow \rho s + (1-\rho)g^2`,
    :math:`\hat v = v/(1-\gamma^{t+1})`, :math:`\hat s = s/(1-\rho^{t+1})` for t = 0, 1, …,
    :math:`\theta \leftarrow \theta - \eta\,\hat v/(\sqrt{\hat s} + \epsilon)`.

    ``torch.optim.Adam(lr=eta, betas=(momentum, rho), eps=eps)``; with ``amsgrad`` the largest s so
    far takes the place of s (torch's ``amsgrad=True``).  Sources: Kingma and Ba (2014), lecture N,
    algorithm 4.2; Reddi, Kale and Kumar (2018) for amsgrad.

    :param eta: learning rate, a number or a function of the step.
    :param momentum: γ in [0, 1), Kingma and Ba's β₁.
    :param rho: ρ in [0, 1), their β₂.
    :param eps: ε, zero or positive.
    :param correct: whether the moments are corrected; False leaves v and s as they are.
    :param amsgrad: whether s may only grow.
    :raises ValueError: if a number is out of its range.
    """

    def __init__(self, eta: Eta = 0.001, momentum: float = 0.9, rho: float = 0.999, eps: float = 1e-8, *,
                 correct: bool = True, amsgrad: bool = False) -> None:
        self.eta = schedule(eta)
        self.momentum, self.rho = _share(momentum, "momentum"), _share(rho, "rho")
        self.eps = checks.nonnegative(eps, "eps")
        self.correct = checks.instance(correct, "correct", bool)
        self.amsgrad = checks.instance(amsgrad, "amsgrad", bool)

    def begin(self, start: np.ndarray) -> None:
        self.v, self.s, self.largest = np.zeros_like(start), np.zeros_like(start), np.zeros_like(start)

    def step(self, t: int, theta: np.ndarray, gradient: Gradient) -> np.ndarray:
        move, self.v, self.s, self.largest = formulas.adam_move(
            gradient(theta), self.v, self.s, self.largest, t, self.momentum, self.rho, self.eps, self.correct,
            self.amsgrad)
        return theta - self.eta(t) * move


class Armijo(Rule):
    r"""Gradient descent that looks before it steps: the largest :math:`\eta = \eta_0 \rho^k` with
    :math:`L(\theta - \eta g) \le L(\theta) - c\,\eta\,\|g\|^2`.

    After a run, ``taken`` holds its step sizes and ``tries`` how many values each step asked for.

    :param objective: the function itself, since values are needed.  Single runs only.
    :param eta: :math:`\eta_0`, the first try, positive.
    :param c: the share of the promised decrease that is asked for, in (0, 1).
    :param shrink: :math:`\rho` in (0, 1).
    :raises ValueError: if a number is out of its range.

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
        tries = 1
        # "not <=" also turns down NaN and infinity.
        while not self.objective._value(theta - eta * g) <= here - self.c * eta * slope and tries < 201:
            eta, tries = eta * self.shrink, tries + 1
        if tries == 201:
            eta = 0.0                            # nothing lower can be resolved: theta is a minimum in floating point
        self.taken.append(eta)
        self.tries.append(tries)
        return theta - eta * g


class Noisy(Rule):
    """Another rule whose gradients carry Gaussian noise, as a minibatch's would.

    :param rule: the rule that takes the steps.
    :param sigma: standard deviation of each entry, zero or positive.
    :param seed: of the noise.
    :raises ValueError: if sigma or seed is negative.
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

    :math:`\eta = 4/(\sqrt\beta + \sqrt\mu)^2`, :math:`\gamma = \bigl(\frac{\sqrt\kappa - 1}{\sqrt\kappa + 1}\bigr)^2`
    with :math:`\kappa = \beta/\mu`; on a quadratic each step then shrinks the error by
    :math:`\frac{\sqrt\kappa - 1}{\sqrt\kappa + 1}`, up to a factor that grows with t.  Source: Polyak (1964).

    :param beta: smoothness β, the largest curvature.
    :param mu: the smallest curvature, positive, at most beta.
    :returns: the learning rate and the coefficient of momentum.
    :raises ValueError: if a number is not positive or mu exceeds beta.
    """
    beta, mu = checks.positive(beta, "beta"), checks.positive(mu, "mu")
    if mu > beta:
        raise ValueError(f"mu must not exceed beta = {beta:.6g}, got {mu:.6g}")
    root, least = math.sqrt(beta), math.sqrt(mu)
    return 4 / (root + least) ** 2, ((root - least) / (root + least)) ** 2
