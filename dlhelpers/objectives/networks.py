"""The training loss of a small network, as a function of all its parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlhelpers import checks
from dlhelpers.objectives.base import Objective


class TanhNet(Objective):
    r"""Half the mean squared error of the net :math:`w_2^\top\tanh(W_1 x + c_1) + c_2` on some data.

    Its parameters are one flat vector (W₁ row by row, c₁, w₂, c₂); derivatives by
    torch's automatic differentiation in double precision.  Not convex, and no beta
    holds everywhere: ``beta`` is infinite; measure it along a run with
    ``descent.segment_smoothness``.  ``minimum`` is the lower bound 0.

    :param X: inputs, (n, d_in).
    :param y: targets, (n,).
    :param m: hidden units, at least 1.
    :param seed: of the random ``start``.
    :raises ValueError: if the shapes do not fit or m is below 1.
    """

    name, convex, beta = "tanh net", False, float("inf")

    def __init__(self, X: Any, y: Any, m: int = 8, seed: int = 0) -> None:
        import torch

        X = checks.array(X, "X", ndim=2)
        y = checks.array(y, "y", shape=(len(X),))
        self.m, self.d_in = checks.integer(m, "m", at_least=1), X.shape[1]
        self.X, self.y = torch.tensor(X, dtype=torch.float64), torch.tensor(y, dtype=torch.float64)
        self.dim = self.m * (self.d_in + 2) + 1
        rng = np.random.default_rng(checks.integer(seed, "seed", at_least=0))
        scales = np.concatenate([np.full(self.m * (self.d_in + 1), self.d_in**-0.5), np.full(self.m + 1, self.m**-0.5)])
        self.start = rng.standard_normal(self.dim) * scales

    def _loss(self, theta: Any) -> Any:
        m, d = self.m, self.d_in
        W1 = theta[..., :m * d].unflatten(-1, (m, d))                      # (..., m, d_in)
        c1, w2 = theta[..., m * d:m * (d + 1)], theta[..., m * (d + 1):-1]  # (..., m)
        h = (self.X @ W1.transpose(-1, -2) + c1[..., None, :]).tanh()      # (..., n, m)
        y_hat = (h * w2[..., None, :]).sum(-1) + theta[..., -1:]           # (..., n)
        return 0.5 * ((y_hat - self.y) ** 2).mean(-1)

    def predict(self, theta: Any, X: Any) -> np.ndarray:
        """The net's outputs.

        :param theta: parameters, (dim,).
        :param X: inputs, (n, d_in).
        :returns: the outputs, (n,).
        :raises ValueError: if a shape does not fit.
        """
        theta, X = self._checked(theta), checks.array(X, "X", shape=(None, self.d_in))
        m, d = self.m, self.d_in
        W1 = theta[:m * d].reshape(m, d)                                   # (m, d_in)
        h = np.tanh(X @ W1.T + theta[m * d:m * (d + 1)])                   # (n, m)
        return h @ theta[m * (d + 1):-1] + theta[-1]

    def _value(self, theta: np.ndarray) -> Any:
        import torch

        return self._loss(torch.from_numpy(np.ascontiguousarray(theta))).numpy()[()]

    def _gradient(self, theta: np.ndarray) -> np.ndarray:
        import torch

        point = torch.tensor(theta, requires_grad=True)
        (gradient,) = torch.autograd.grad(self._loss(point).sum(), point)
        return gradient.numpy()

    def _hessian(self, theta: np.ndarray) -> np.ndarray:
        import torch

        points = torch.tensor(theta).reshape(-1, self.dim)                 # (all, dim)
        blocks = [torch.func.vmap(torch.func.hessian(self._loss))(chunk) for chunk in points.split(256)]
        return torch.cat(blocks).reshape(*theta.shape, self.dim).numpy()   # (..., dim, dim)
