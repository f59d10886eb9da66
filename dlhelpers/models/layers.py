r"""Layers that keep a deep net trainable and honest: dropout, batch normalisation, initialisation (lecture 09).

Each agrees with its counterpart in ``torch.nn`` and is short enough to read.  Random
numbers come from torch's global generator, as in ``torch.nn``, so that
``training.fit(seed=...)`` governs them.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

from dlhelpers import checks

#: Names that :func:`initialise` understands, besides a number.
SCHEMES = ("zero", "xavier", "he")


class Dropout(nn.Module):
    r"""Silence each unit with probability p while training, and scale the others up.

    Training: :math:`y_j = r_j x_j / (1 - p)` with :math:`r_j` 1 or 0; evaluation:
    :math:`y = x`.  Both have the same mean.  There is nothing to learn in it.

    :param p: probability of being silenced, in [0, 1).

    Source: N. Srivastava et al., Dropout, JMLR 15, 2014 (there the *weights* are
    scaled down afterwards instead, which is the same function).
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = checks.between(p, "p", 0, 1, closed="left")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x of any shape -> the same shape."""
        if not self.training or self.p == 0:
            return x
        return x * torch.empty_like(x).bernoulli_(1 - self.p) / (1 - self.p)

    def extra_repr(self) -> str:
        return f"p={self.p}"


class BatchNorm1d(nn.Module):
    r"""Give every unit mean :math:`\beta_j` and standard deviation :math:`\gamma_j` over the batch.

    :math:`\tilde z_j = \gamma_j (z_j - \mu_j) / \sqrt{\sigma_j^2 + \epsilon} + \beta_j`.
    In training :math:`\mu, \sigma^2` are those of the batch, and running estimates
    follow them, :math:`r \leftarrow (1 - a)\,r + a\,\mu`; in evaluation the running
    estimates are used, so that a prediction does not depend on its neighbours.

    The running estimates have the names of ``nn.BatchNorm1d``: ``running_mean``,
    ``running_var``, ``num_batches_tracked``, ``momentum``, ``reset_running_stats()``; the
    learned ones have the paper's, ``gamma`` and ``beta``.

    :param units: columns of the input.
    :param eps: keeps the root away from zero.
    :param momentum: the share a of the new batch in the running estimates; None for 1 / number
        of batches, the plain average since the last reset.
    :raises ValueError: in training for a batch of one, which has no variance.

    Source: S. Ioffe and C. Szegedy, Batch normalization, ICML 2015, algorithms 1 and 2.
    """

    running_mean: torch.Tensor
    running_var: torch.Tensor
    num_batches_tracked: torch.Tensor
    track_running_stats = True  # as in torch, where it can be switched off

    def __init__(self, units: int, eps: float = 1e-5, momentum: float | None = 0.1) -> None:
        super().__init__()
        units = checks.integer(units, "units", at_least=1)
        self.eps = checks.positive(eps, "eps")
        self.momentum = None if momentum is None else checks.between(momentum, "momentum", 0, 1)
        self.gamma, self.beta = nn.Parameter(torch.ones(units)), nn.Parameter(torch.zeros(units))
        self.register_buffer("running_mean", torch.zeros(units))
        self.register_buffer("running_var", torch.ones(units))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def reset_running_stats(self) -> None:
        """Forget all batches: mean 0, variance 1."""
        self.running_mean.zero_()
        self.running_var.fill_(1)
        self.num_batches_tracked.zero_()

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """z (B, units) -> (B, units)."""
        checks.check_shape(checks.instance(z, "z", torch.Tensor), "z", shape=(None, len(self.gamma)))
        mean, var = self.running_mean, self.running_var
        if self.training:
            if len(z) < 2:
                raise ValueError("z must hold at least 2 samples in training: one alone has no variance")
            mean, var = z.mean(0), z.var(0, unbiased=False)
            with torch.no_grad():
                self.num_batches_tracked += 1
                share = 1 / int(self.num_batches_tracked) if self.momentum is None else self.momentum
                self.running_mean.lerp_(mean, share)
                # The estimate of the population's variance divides by B - 1, the normalisation by B.
                self.running_var.lerp_(var * len(z) / (len(z) - 1), share)
        return self.gamma * (z - mean) / torch.sqrt(var + self.eps) + self.beta


class RandomAffine(nn.Module):
    """While training, shift and turn every image by its own random amount (data augmentation).

    :param pixels: largest shift along each axis, in pixels.
    :param degrees: largest rotation, in degrees; positive ones are anticlockwise.
    """

    def __init__(self, pixels: float = 2.0, degrees: float = 10.0) -> None:
        super().__init__()
        self.pixels = checks.nonnegative(pixels, "pixels")
        self.degrees = checks.between(degrees, "degrees", 0, 180)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Flattened square images (n, side²) -> the same shape; outside is 0."""
        checks.check_shape(checks.instance(x, "x", torch.Tensor), "x", ndim=2)
        side = math.isqrt(x.shape[1])
        if side * side != x.shape[1]:
            raise ValueError(f"x must hold flattened square images, got {x.shape[1]} pixels")
        if not self.training:
            return x
        turn = math.radians(self.degrees) * (2 * torch.rand(len(x), device=x.device) - 1)
        # grid_sample measures in half images: one pixel is 2 / side.
        shift = 2 * self.pixels / side * (2 * torch.rand(len(x), 2, device=x.device) - 1)
        cos, sin = turn.cos(), turn.sin()
        rows = torch.stack([cos, -sin, shift[:, 0]], 1), torch.stack([sin, cos, shift[:, 1]], 1)  # each (n, 3)
        matrix = torch.stack(rows, 1)  # (n, 2, 3)
        grid = F.affine_grid(matrix.to(x.dtype), [len(x), 1, side, side], align_corners=False)
        images = x.view(-1, 1, side, side)  # (n, 1, side, side)
        return F.grid_sample(images, grid, align_corners=False).flatten(1)  # (n, side²)


def initialise(model: nn.Module, scheme: str | float, *, seed: int = 0) -> nn.Module:
    r"""Draw the weights of all linear layers anew, in place; biases become 0.

    "zero": nothing at all; "xavier": variance :math:`2/(d_{in} + d_{out})`;
    "he": :math:`2/d_{in}`; a number :math:`\sigma_w`: :math:`\sigma_w^2/d_{in}`.
    All are normal distributions.

    :param model: any module that holds ``nn.Linear`` layers.
    :param scheme: one of those names, or :math:`\sigma_w`.
    :param seed: for the weights; the global generator is left alone.
    :returns: the model.
    :raises TypeError: if the scheme is neither a name nor a number.
    :raises ValueError: for an unknown scheme, or a model without linear layers.

    Source: X. Glorot and Y. Bengio, AISTATS 2010; K. He et al., ICCV 2015.
    """
    checks.instance(model, "model", nn.Module)
    if isinstance(scheme, str):
        checks.one_of(scheme, "scheme", SCHEMES)
    else:
        scheme = checks.nonnegative(scheme, "scheme")
    generator = torch.Generator().manual_seed(checks.integer(seed, "seed", at_least=0))
    linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise ValueError("model has no linear layers to initialise")
    with torch.no_grad():
        for layer in linear:
            d_out, d_in = layer.weight.shape
            variance = ({"zero": 0.0, "xavier": 2 / (d_in + d_out), "he": 2 / d_in}[scheme]
                        if isinstance(scheme, str) else scheme**2 / d_in)
            # Drawn on the CPU, so that every device gets the same weights.
            noise = torch.randn(d_out, d_in, generator=generator, dtype=torch.float64)
            layer.weight.copy_((math.sqrt(variance) * noise).to(layer.weight.dtype))
            if layer.bias is not None:
                layer.bias.zero_()
    return model
