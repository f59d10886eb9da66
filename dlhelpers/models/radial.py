"""Radial basis function networks: hidden units that answer near a centre only (lecture 07)."""

from __future__ import annotations

import torch
from torch import nn

from dlhelpers import checks


class RadialBasisNetwork(nn.Module):
    r"""One hidden layer of Gaussian bumps, one linear layer on top.

    .. math:: f(x) = c + \sum_{j=1}^{m} w_j\, e^{-\|x - t_j\|^2 / 2s^2}

    The centres stay where they are; for fixed centres the output weights are a linear
    least-squares problem, which :meth:`fit` solves at once.  The output layer starts at zero.

    :param centres: :math:`t_j`, (m, d).
    :param width: s, in units of x.
    :param outputs: K; a call takes (n, d) to (n, K).
    :raises ValueError: if centres have another number of axes, or a number is not positive.

    Source: D. Broomhead and D. Lowe, Multivariable functional interpolation and adaptive
    networks, Complex Systems 2, 1988.
    """

    centres: torch.Tensor

    def __init__(self, centres: torch.Tensor, *, width: float, outputs: int = 1) -> None:
        super().__init__()
        self.register_buffer("centres", checks.tensor(centres, "centres", ndim=2).clone())
        self.width = checks.positive(width, "width")
        self.output = nn.Linear(len(centres), checks.integer(outputs, "outputs", at_least=1), dtype=centres.dtype)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    @classmethod
    def from_data(cls, X: torch.Tensor, m: int, *, width: float, outputs: int = 1, seed: int = 0) -> RadialBasisNetwork:
        """A network whose centres are the k-means centres of points.

        :param X: points, (n, d).
        :param m: number of centres, at most n.
        :param width: s, in units of X.
        :param outputs: K.
        :param seed: for the start of k-means.
        :returns: the network, on the device of X.
        :raises ValueError: if X has another number of axes, or a number is out of range.
        """
        from sklearn.cluster import KMeans

        checks.tensor(X, "X", ndim=2)
        checks.integer(m, "m", at_least=1, at_most=len(X))
        checks.integer(seed, "seed", at_least=0, at_most=2**32 - 1)
        found = KMeans(m, n_init=1, random_state=seed).fit(X.detach().cpu().double().numpy()).cluster_centers_
        return cls(torch.as_tensor(found, dtype=X.dtype, device=X.device), width=width, outputs=outputs).to(X.device)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """The hidden layer's answers.

        :param x: points, (n, d).
        :returns: (n, m).
        """
        return torch.exp(-((x[:, None, :] - self.centres) ** 2).sum(-1) / (2 * self.width**2))  # (n, m, d) -> (n, m)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.output(self.features(x))

    def fit(self, X: torch.Tensor, y: torch.Tensor, *, ridge: float = 0.0) -> RadialBasisNetwork:
        r"""Set the output weights to minimise :math:`\sum_i \|f(x_i) - y_i\|^2 + \text{ridge}\,\|w\|^2`.

        The intercept is not penalised.

        :param X: points, (n, d).
        :param y: targets, (n,) or (n, K).
        :param ridge: weight of the penalty.
        :returns: the network itself.
        :raises ValueError: if shapes do not fit or ridge is negative.
        """
        checks.tensor(X, "X", shape=(None, self.centres.shape[1]))
        checks.tensor(y, "y")
        y = y[:, None] if y.ndim == 1 else y
        checks.check_shape(y, "y", shape=(len(X), self.output.out_features))
        checks.nonnegative(ridge, "ridge")
        with torch.no_grad():
            # Nearly equal columns are the rule here: float64, which not every device has,
            # and a solver that bears them, which only the CPU has.
            phi, target = self.features(X).cpu().double(), y.cpu().double()
            middle, mean = phi.mean(0), target.mean(0)
            A, B = phi - middle, target - mean
            if ridge:
                A = torch.cat([A, ridge**0.5 * torch.eye(A.shape[1], dtype=A.dtype)])  # (n + m, m)
                B = torch.cat([B, B.new_zeros(A.shape[1], B.shape[1])])  # (n + m, K)
            w = torch.linalg.lstsq(A, B, driver="gelsd").solution  # (m, K)
            self.output.weight.copy_(w.T.to(self.output.weight.dtype))  # (K, m)
            self.output.bias.copy_((mean - middle @ w).to(self.output.bias.dtype))
        return self
