r"""The first learning machines: perceptron and Adaline (lecture 05).

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
    """Weights and bias after training, with the history of it.

    :param w: weights, (d,).
    :param b: bias.
    :param history: for the perceptron the weights and bias after each correction,
        (corrections + 1, d + 1); for Adaline the loss after each epoch, (epochs + 1,).
    :param mistakes: the perceptron's corrections; Adaline's wrong points at the end.
    :param converged: whether the perceptron made a whole pass without a mistake; True for Adaline.
    """

    w: np.ndarray
    b: float
    history: np.ndarray
    mistakes: int
    converged: bool

    def predict(self, X: Any) -> np.ndarray:
        """Labels ±1; a point on the boundary counts as +1.

        :param X: points, (n, d).
        :returns: (n,).
        :raises ValueError: if the points have another width.
        """
        return np.where(checks.array(X, "X", shape=(None, len(self.w))) @ self.w + self.b >= 0, 1, -1)


def perceptron(X: Any, y: Any, *, epochs: int = 1000, bias: bool = True) -> Trained:
    r"""Rosenblatt's rule: on a mistake, :math:`w \leftarrow w + y_i x_i`, :math:`b \leftarrow b + y_i`.

    :param X: points, (n, d).
    :param y: labels ±1, (n,).
    :param epochs: passes over the data at most; on inseparable data the rule never rests.
    :param bias: without it the boundary passes through the origin.
    :returns: :class:`Trained`; ``converged`` says whether a whole pass went without a mistake.
        If the data has margin γ and radius R (with the bias as an extra input of 1), there
        are at most :math:`(R/\gamma)^2` mistakes.
    :raises ValueError: if lengths do not fit, or a label is another.

    Source: F. Rosenblatt 1958; the bound: A. Novikoff, On convergence proofs for perceptrons, 1962.
    """
    X, y = (part.astype(np.float64) for part in checks.labelled(X, y, signs=True))
    checks.integer(epochs, "epochs", at_least=1)
    inputs = np.hstack([X, np.full((len(X), 1), float(bias))])
    w = np.zeros(inputs.shape[1])
    history, converged = [w.copy()], False
    for _ in range(epochs):
        before = len(history)
        for x_i, y_i in zip(inputs, y, strict=True):
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

    :param X: points, (n, d).
    :param y: labels ±1, (n,).
    :param eta: learning rate.
    :param epochs: passes over the data.
    :param online: point after point in the given order, instead of all at once.
    :returns: :class:`Trained`.
    :raises ValueError: if lengths do not fit, or a label is another.
    :raises FloatingPointError: if the weights diverge: the rate is too large.

    Source: B. Widrow and M. Hoff, Adaptive switching circuits, 1960.
    """
    X, y = (part.astype(np.float64) for part in checks.labelled(X, y, signs=True))
    checks.positive(eta, "eta")
    checks.integer(epochs, "epochs", at_least=1)
    inputs = np.hstack([X, np.ones((len(X), 1))])
    w = np.zeros(inputs.shape[1])
    losses = [float(np.mean((y - inputs @ w) ** 2))]
    for epoch in range(epochs):
        if online:
            for x_i, y_i in zip(inputs, y, strict=True):
                w = w + 2 * eta * (y_i - w @ x_i) * x_i
        else:
            w = w + 2 * eta / len(y) * inputs.T @ (y - inputs @ w)
        losses.append(float(np.mean((y - inputs @ w) ** 2)))
        if not np.isfinite(losses[-1]) or losses[-1] > 1e12:
            raise FloatingPointError(f"Adaline diverged in epoch {epoch + 1}: eta = {eta:g} is too large")
    predicted = np.where(inputs @ w >= 0, 1, -1)
    return Trained(w[:-1], float(w[-1]), np.array(losses), int((predicted != y).sum()), True)
