"""Multilayer perceptrons, built from a list of widths."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import nn

from dlhelpers import checks


class Gaussian(nn.Module):
    r"""The bump :math:`e^{-z^2/\sigma^2}`, element by element.

    :param width: :math:`\sigma`, in units of z.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        self.width = checks.positive(width, "width")

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return torch.exp(-((z / self.width) ** 2))


class Maxout(nn.Module):
    r"""A layer whose units take the largest of several affine functions of the input.

    .. math:: h_j = \max_{p = 1 \dots P}\, (w_{jp}^\top x + b_{jp})

    It contains its own affine maps, so it replaces a linear layer together with its
    activation, and has P times their parameters.

    :param d_in: inputs; (..., d_in) goes to (..., d_out).
    :param d_out: units.
    :param pieces: P, at least 2.

    Source: I. Goodfellow et al., Maxout networks, ICML 2013.
    """

    def __init__(self, d_in: int, d_out: int, pieces: int = 2) -> None:
        super().__init__()
        checks.integer(d_in, "d_in", at_least=1)
        self.d_out = checks.integer(d_out, "d_out", at_least=1)
        self.pieces = checks.integer(pieces, "pieces", at_least=2)
        self.affine = nn.Linear(d_in, d_out * pieces)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.affine(x).unflatten(-1, (self.pieces, self.d_out)).amax(dim=-2)  # (..., P, d_out) -> (..., d_out)


#: Activations by name: a fresh module for each hidden layer.
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky relu": lambda: nn.LeakyReLU(0.01),
    "elu": nn.ELU,
    "softplus": nn.Softplus,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gaussian": Gaussian,
    "identity": nn.Identity,
}


def mlp(sizes: Sequence[int], activation: str | Callable[[], nn.Module] = "relu", *,
        bias: bool = True, seed: int | None = None) -> nn.Sequential:
    r"""A fully connected net, :math:`f = A_L \sigma(A_{L-1} \cdots \sigma(A_1 x))`.

    Each :math:`A_l x = W_l x + b_l`, with torch's default initialisation; no
    activation follows the last layer.

    :param sizes: widths from input to output, e.g. ``[784, 1024, 10]``.
    :param activation: a name from ``ACTIVATIONS``, or a function that builds a module.
    :param bias: whether the layers have one.
    :param seed: for the weights; None draws them from torch's global generator,
        as ``nn.Linear`` does.  With a seed the global generator is left untouched
        and the weights are those that ``torch.manual_seed(seed)`` would give.
    :returns: ``nn.Sequential`` of ``nn.Linear`` and activations, (n, sizes[0]) to
        (n, sizes[-1]).
    :raises ValueError: for fewer than two widths, a width below 1, an unknown name.
    :raises TypeError: for widths that are not integers.
    """
    if isinstance(sizes, (str, bytes)) or not isinstance(sizes, Sequence):
        raise TypeError(f"sizes must be a list of widths such as [784, 1024, 10], got {sizes!r}")
    if len(sizes) < 2:
        raise ValueError(f"sizes must hold at least an input and an output width, got {list(sizes)}")
    for width in sizes:
        checks.integer(width, "sizes: each width", at_least=1)
    if isinstance(activation, str):
        build = ACTIVATIONS[checks.one_of(activation, "activation", ACTIVATIONS)]
    elif callable(activation) and not isinstance(activation, nn.Module):
        build = activation
    else:
        raise TypeError(f"activation must be a name or a function that builds a module, got {activation!r}")
    if seed is None:
        return _build(sizes, build, bias)
    checks.integer(seed, "seed", at_least=0, at_most=2**63 - 1)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return _build(sizes, build, bias)


def _build(sizes: Sequence[int], activation: Callable[[], nn.Module], bias: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    for d_in, d_out in zip(sizes[:-1], sizes[1:], strict=True):
        if layers:
            layers.append(activation())
        layers.append(nn.Linear(d_in, d_out, bias=bias))
    return nn.Sequential(*layers)


def count_parameters(model: nn.Module, *, trainable: bool = False) -> int:
    r"""Number of parameters; for a perceptron :math:`\sum_l (m_{l-1} + 1) m_l`.

    :param model: any torch module; a parameter used twice counts once.
    :param trainable: count only those that receive a gradient.
    :returns: how many numbers they hold.
    :raises TypeError: if the model is no module.
    """
    checks.instance(model, "model", nn.Module)
    return sum(p.numel() for p in model.parameters() if p.requires_grad or not trainable)
