r"""The first learning machines: perceptron, Adaline, Hopfield network (lecture 05).

Labels are ±1 throughout.  Arrays are float64 numpy: these machines are small, and
their theorems are exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dlhelpers import checks


@dataclass(frozen=True)
class Trained:
    """Weights (d,) and bias after training, with the history of it.

    ``history`` holds for the perceptron the weights and bias after each correction,
    (corrections + 1, d + 1), and for Adaline the loss after each epoch, (epochs + 1,).
    """

    w: np.ndarray
    b: float
    history: np.ndarray
    mistakes: int
    converged: bool

    def predict(self, X: Any) -> np.ndarray:
        """Labels ±1 for points (n, d); a point on the boundary counts as +1."""
        return np.where(checks.array(X, "X", shape=(None, len(self.w))) @ self.w + self.b >= 0, 1, -1)


def labelled(X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, d) and labels (n,) of ±1 as float64; ValueError names what does not fit."""
    X = checks.array(X, "X", ndim=2).astype(np.float64)
    y = checks.array(y, "y", shape=(len(X),)).astype(np.float64)
    if not np.isin(y, (-1.0, 1.0)).all():
        raise ValueError(f"y must hold only -1 and +1, got {sorted(set(y.tolist()))[:5]}")
    return X, y


def perceptron(X: Any, y: Any, *, epochs: int = 1000, bias: bool = True) -> Trained:
    r"""Rosenblatt's rule: on a mistake, :math:`w \leftarrow w + y_i x_i`, :math:`b \leftarrow b + y_i`.

    :param X: (n, d); :param y: (n,) of ±1.
    :param epochs: passes over the data at most; on inseparable data the rule never rests.
    :param bias: without it the boundary passes through the origin.
    :returns: :class:`Trained`; ``converged`` says whether a whole pass went without a mistake.
        If the data has margin γ and radius R (with the bias as an extra input of 1), there
        are at most :math:`(R/\gamma)^2` mistakes.

    Source: F. Rosenblatt 1958; the bound: A. Novikoff, On convergence proofs for perceptrons, 1962.
    """
    X, y = labelled(X, y)
    checks.integer(epochs, "epochs", at_least=1)
    inputs = np.hstack([X, np.full((len(X), 1), float(bias))])
    w = np.zeros(inputs.shape[1])
    history, converged = [w.copy()], False
    for _ in range(epochs):
        before = len(history)
        for x_i, y_i in zip(inputs, y):
            if y_i * (w @ x_i) <= 0:
                w = w + y_i * x_i
                history.append(w)
        if len(history) == before:
            converged = True
            break
    return Trained(w[:-1], float(w[-1]), np.array(history), len(history) - 1, converged)


def adaline(X: Any, y: Any, *, eta: float = 0.01, epochs: int = 50, online: bool = False) -> Trained:
    r"""Widrow and Hoff's rule: descend the mean squared error of the *linear* output.

    Batch: :math:`w \leftarrow w + \frac{2\eta}{n} X^\top (y - Xw - b)`.
    On-line: :math:`w \leftarrow w + 2\eta\,(y_i - w^\top x_i - b)\,x_i`, point after point in the given order.

    :param X: (n, d); :param y: (n,) of ±1; :param eta: learning rate.
    :raises FloatingPointError: if the weights diverge: the rate is too large.

    Source: B. Widrow and M. Hoff, Adaptive switching circuits, 1960.
    """
    X, y = labelled(X, y)
    checks.positive(eta, "eta")
    checks.integer(epochs, "epochs", at_least=1)
    inputs = np.hstack([X, np.ones((len(X), 1))])
    w = np.zeros(inputs.shape[1])
    losses = [float(np.mean((y - inputs @ w) ** 2))]
    for epoch in range(epochs):
        if online:
            for x_i, y_i in zip(inputs, y):
                w = w + 2 * eta * (y_i - w @ x_i) * x_i
        else:
            w = w + 2 * eta / len(y) * inputs.T @ (y - inputs @ w)
        losses.append(float(np.mean((y - inputs @ w) ** 2)))
        if not np.isfinite(losses[-1]) or losses[-1] > 1e12:
            raise FloatingPointError(f"Adaline diverged in epoch {epoch + 1}: eta = {eta:g} is too large")
    predicted = np.where(inputs @ w >= 0, 1, -1)
    return Trained(w[:-1], float(w[-1]), np.array(losses), int((predicted != y).sum()), True)


class Hopfield:
    r"""A memory of ±1 patterns in symmetric weights, :math:`W = \frac1N\sum_p \xi_p\xi_p^\top`, zero diagonal.

    :param patterns: (P, N) of ±1.

    Source: J. J. Hopfield, Neural networks and physical systems with emergent collective
    computational abilities, PNAS 79, 1982.
    """

    def __init__(self, patterns: Any) -> None:
        patterns = checks.array(patterns, "patterns", ndim=2).astype(np.float64)
        if not np.isin(patterns, (-1.0, 1.0)).all():
            raise ValueError("patterns must hold only -1 and +1")
        self.N = patterns.shape[1]
        self.W = patterns.T @ patterns / self.N
        np.fill_diagonal(self.W, 0.0)

    def energy(self, s: Any) -> float:
        r""":math:`E(s) = -\frac12 s^\top W s` of a state (N,)."""
        s = self._state(s)
        return float(-0.5 * s @ self.W @ s)

    def recall(self, s: Any, *, seed: int = 0, sweeps: int = 50) -> tuple[np.ndarray, np.ndarray]:
        """Update units one by one, in random order, until none changes (or ``sweeps`` passes).

        :returns: the final state (N,), and the energy after each change, first the initial one.
        """
        s = self._state(s).copy()
        rng = np.random.default_rng(checks.integer(seed, "seed", at_least=0))
        field, energies = self.W @ s, [self.energy(s)]
        for _ in range(checks.integer(sweeps, "sweeps", at_least=1)):
            changed = False
            for i in rng.permutation(self.N):
                new = 1.0 if field[i] >= 0 else -1.0
                if new != s[i]:
                    energies.append(energies[-1] - (new - s[i]) * field[i])
                    field += self.W[:, i] * (new - s[i])
                    s[i], changed = new, True
            if not changed:
                break
        return s, np.array(energies)

    def _state(self, s: Any) -> np.ndarray:
        s = checks.array(s, "s", shape=(self.N,)).astype(np.float64)
        if not np.isin(s, (-1.0, 1.0)).all():
            raise ValueError("s must hold only -1 and +1")
        return s
