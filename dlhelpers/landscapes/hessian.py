r"""Curvature: Hessian-vector products, the largest eigenvalues by Lanczos, the full matrix.

A network with P parameters has a Hessian of P² entries, too many to write down; but the
product :math:`Hv = \nabla_\theta (v^\top \nabla_\theta L)` costs two backward passes.
Lanczos needs nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.func import functional_call

from dlhelpers import checks
from dlhelpers.landscapes import arguments
from dlhelpers.landscapes.arguments import Data, Loss
from dlhelpers.landscapes.surface import CHUNK

#: The full matrix is refused beyond so many parameters.
LARGEST_FULL = 5000


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Both ends of the Hessian's spectrum.

    ``top`` (k,) are the largest eigenvalues, largest first, ``bottom`` (k,) the smallest,
    smallest first; ``top_errors`` and ``bottom_errors`` bound the distance of each to an
    eigenvalue; ``steps`` is the number of Hessian-vector products spent.
    """

    top: np.ndarray
    bottom: np.ndarray
    top_errors: np.ndarray
    bottom_errors: np.ndarray
    steps: int


class _Product:
    """v -> Hv for the mean loss at the model's parameters, chunk by chunk."""

    def __init__(self, model: nn.Module, loss: Loss, data: Data, chunk: int) -> None:
        parameters = arguments.model_parameters(model)
        X, y = arguments.data_pair(data, model)
        arguments.scalar_loss(loss)
        chunk = checks.integer(chunk, "chunk", at_least=1)
        self.model, self.loss = model, loss
        self.X, self.y, self.n = X.split(chunk), y.split(chunk), len(X)
        self.leaves = {key: p.clone().requires_grad_() for key, p in parameters.items()}
        self.shapes = [p.shape for p in self.leaves.values()]
        self.size = sum(p.numel() for p in self.leaves.values())
        first = next(iter(self.leaves.values()))
        self.dtype, self.device = first.dtype, first.device

    def __call__(self, v: torch.Tensor) -> torch.Tensor:
        leaves = list(self.leaves.values())
        result = torch.zeros(self.size, dtype=self.dtype, device=self.device)
        with arguments.evaluating(self.model), torch.enable_grad():
            for x, t in zip(self.X, self.y):
                buffers = {key: buffer.clone() for key, buffer in self.model.named_buffers()}
                value = arguments.as_scalar(self.loss(functional_call(self.model, self.leaves | buffers, (x,)), t))
                if not bool(torch.isfinite(value)):
                    raise ValueError(f"loss must be finite at the model itself, got {float(value)}")
                slope = torch.autograd.grad(value, leaves, create_graph=True, materialize_grads=True)
                along = sum((g * part).sum() for g, part in zip(slope, _split(v, self.shapes)))
                if along.requires_grad:       # a loss linear in the parameters has no curvature
                    parts = torch.autograd.grad(along, leaves, materialize_grads=True)
                    result += torch.cat([p.reshape(-1) for p in parts]) * (len(x) / self.n)
        return result


def hessian_vector(model: nn.Module, loss: Loss, data: Data, vector: torch.Tensor, *,
                   chunk: int = CHUNK) -> torch.Tensor:
    """The product Hv of the mean loss's Hessian (evaluation mode) with ``vector`` (P,)."""
    product = _Product(model, loss, data, chunk)
    checks.tensor(vector, "vector", shape=(product.size,))
    return product(vector.detach().to(product.device, product.dtype))


def hessian(model: nn.Module, loss: Loss, data: Data, *, chunk: int = CHUNK) -> torch.Tensor:
    """The full Hessian (P, P), column by column: for small models only.

    :raises ValueError: for more than 5 000 parameters.
    """
    product = _Product(model, loss, data, chunk)
    if product.size > LARGEST_FULL:
        raise ValueError(f"model must have at most {LARGEST_FULL} parameters for the full matrix, got {product.size}: "
                         "use top_eigenvalues")
    columns = [product(e) for e in torch.eye(product.size, dtype=product.dtype, device=product.device)]
    return torch.stack(columns, dim=1)


def top_eigenvalues(model: nn.Module, loss: Loss, data: Data, *, k: int = 1, steps: int = 100, tol: float = 1e-4,
                    seed: int = 0, chunk: int = CHUNK) -> Spectrum:
    r"""The k largest and k smallest eigenvalues of the Hessian by the Lanczos iteration.

    In exact arithmetic :math:`V^\top H V = T` is tridiagonal for an orthonormal basis V of
    :math:`\mathrm{span}(v, Hv, H^2v, \dots)`, and the ends of T's spectrum approach those of
    H's quickly.  V is kept orthogonal by projecting each new vector twice.

    :param k: how many at each end.
    :param steps: at most so many Hessian-vector products; memory is steps x P numbers.
    :param tol: stop when the error bounds fall below tol times the largest magnitude.
    :param seed: of the starting vector.

    Source: Golub and Van Loan, *Matrix Computations*, chapter 10.
    """
    product = _Product(model, loss, data, chunk)
    k = checks.integer(k, "k", at_least=1, at_most=product.size)
    steps = min(checks.integer(steps, "steps", at_least=k), product.size)
    tol = checks.positive(tol, "tol")
    rng = torch.Generator().manual_seed(checks.integer(seed, "seed", at_least=0, at_most=2**63 - 1))
    v = torch.randn(product.size, generator=rng, dtype=torch.float64).to(product.device)
    basis = torch.empty(steps, product.size, dtype=torch.float64, device=product.device)
    basis[0] = v / v.norm()
    diagonal, beside = [], []
    for j in range(steps):
        w = product(basis[j].to(product.dtype)).double()
        if not bool(torch.isfinite(w).all()):
            raise ValueError("model must have a finite Hessian: a product with it gave NaN or infinity")
        diagonal.append(float(w @ basis[j]))
        for _ in range(2):
            w = w - basis[:j + 1].t() @ (basis[:j + 1] @ w)
        beside.append(float(w.norm()))
        ritz, vectors = _tridiagonal(diagonal, beside[:-1])
        errors = np.abs(beside[-1] * vectors[-1])
        scale = max(np.abs(ritz).max(), 1e-300)
        exhausted = beside[-1] <= 1e-10 * scale
        if exhausted or (j + 1 >= 2 * k and max(*errors[:k], *errors[-k:]) <= tol * scale) or j + 1 == steps:
            break
        basis[j + 1] = w / beside[-1]
    k = min(k, len(ritz))
    return Spectrum(ritz[::-1][:k], ritz[:k], errors[::-1][:k], errors[:k], len(diagonal))


def _tridiagonal(diagonal: list[float], beside: list[float]) -> tuple[np.ndarray, np.ndarray]:
    return np.linalg.eigh(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))


def _split(v: torch.Tensor, shapes: list[torch.Size]) -> list[torch.Tensor]:
    return [part.reshape(shape) for part, shape in zip(v.split([shape.numel() for shape in shapes]), shapes)]
