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
from dlhelpers.landscapes import arguments, losses
from dlhelpers.landscapes.arguments import Data, Direction, Loss
from dlhelpers.landscapes.surface import CHUNK, chunk_for
from dlhelpers.training.evaluation import modes_kept

#: The full matrix is refused beyond so many parameters.
LARGEST_FULL = 5000


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Both ends of the Hessian's spectrum.

    ``top`` (k,) are the largest eigenvalues, largest first, ``bottom`` (k,) the smallest,
    smallest first; ``top_errors`` and ``bottom_errors`` bound the distance of each to an
    eigenvalue; ``steps`` is the number of Hessian-vector products spent; ``sharpest`` and
    ``lowest`` are directions of length 1 along the first of each.
    """

    top: np.ndarray
    bottom: np.ndarray
    top_errors: np.ndarray
    bottom_errors: np.ndarray
    steps: int
    sharpest: list[torch.Tensor]
    lowest: list[torch.Tensor]


class _Product:
    """v -> Hv for the mean loss at the model's parameters, chunk by chunk."""

    def __init__(self, model: nn.Module, loss: Loss, data: Data, chunk: int) -> None:
        parameters = arguments.model_parameters(model)
        X, y = arguments.data_pair(data, model)
        arguments.scalar_loss(loss)
        chunk = checks.integer(chunk, "chunk", at_least=1)
        with modes_kept(model):
            model.eval()
            chunk = chunk_for(model, loss, X, y, chunk)[0]
        self.model, self.loss = model, loss
        self.X, self.y, self.shares = X.split(chunk), y.split(chunk), losses.shares(loss, y, chunk)
        self.leaves = {key: p.clone().requires_grad_() for key, p in parameters.items()}
        self.shapes = [p.shape for p in self.leaves.values()]
        self.size = sum(p.numel() for p in self.leaves.values())
        first = next(iter(self.leaves.values()))
        self.dtype, self.device = first.dtype, first.device

    def __call__(self, v: torch.Tensor) -> torch.Tensor:
        leaves, v = list(self.leaves.values()), v.to(self.dtype).to(self.device)
        result = torch.zeros(self.size, dtype=self.dtype, device=self.device)
        with modes_kept(self.model), torch.enable_grad():
            self.model.eval()
            for x, t, share in zip(self.X, self.y, self.shares):
                if share == 0:      # nothing but ignored labels
                    continue
                buffers = {key: buffer.clone() for key, buffer in self.model.named_buffers()}
                value = arguments.as_scalar(self.loss(functional_call(self.model, self.leaves | buffers, (x,)), t))
                slope = torch.autograd.grad(value, leaves, create_graph=True, materialize_grads=True)
                along = torch.stack([(g * part).sum() for g, part in zip(slope, self.split(v))]).sum()
                if along.requires_grad:       # a loss linear in the parameters has no curvature
                    parts = torch.autograd.grad(along, leaves, materialize_grads=True)
                    result += torch.cat([p.reshape(-1) for p in parts]) * share  # each (...) -> (size,)
        return result

    def split(self, v: torch.Tensor) -> list[torch.Tensor]:
        """(P,) -> one tensor for each parameter."""
        parts = v.split([shape.numel() for shape in self.shapes])
        return [part.reshape(shape) for part, shape in zip(parts, self.shapes)]  # (size,) -> (...)


def hessian_vector(model: nn.Module, loss: Loss, data: Data, vector: torch.Tensor, *,
                   chunk: int = CHUNK) -> torch.Tensor:
    r"""The product :math:`Hv` of the mean loss's Hessian (evaluation mode) with a vector.

    :param model: any torch module with P parameters; it comes out as it went in.
    :param loss: ``loss(y_hat, y)``, one number that averages over the batch, twice differentiable.
    :param data: ``(X, y)`` on the model's device; all of it is used.
    :param vector: (P,) v, in the order of ``model.parameters()``.
    :param chunk: samples in one pass.
    :returns: (P,) on the model's device.
    :raises TypeError: if an argument is of the wrong kind.
    :raises ValueError: naming the argument; also when the loss is not finite at the model.

    Source: B. Pearlmutter, *Fast exact multiplication by the Hessian*, Neural Computation 6, 1994.
    """
    product = _Product(model, loss, data, chunk)
    checks.tensor(vector, "vector", shape=(product.size,))
    return product(vector.detach())


def hessian(model: nn.Module, loss: Loss, data: Data, *, chunk: int = CHUNK) -> torch.Tensor:
    """The full Hessian, column by column: for small models only.

    :param model: as for :func:`hessian_vector`.
    :param loss: as for :func:`hessian_vector`.
    :param data: as for :func:`hessian_vector`.
    :param chunk: as for :func:`hessian_vector`.
    :returns: (P, P) on the model's device.
    :raises TypeError: as for :func:`hessian_vector`.
    :raises ValueError: as for :func:`hessian_vector`, and for more than 5 000 parameters.
    """
    product = _Product(model, loss, data, chunk)
    if product.size > LARGEST_FULL:
        raise ValueError(f"model must have at most {LARGEST_FULL} parameters for the full matrix, got {product.size}: "
                         "use top_eigenvalues")
    columns = [product(e) for e in torch.eye(product.size, dtype=product.dtype, device=product.device)]
    return torch.stack(columns, dim=1)


def top_eigenvalues(model: nn.Module, loss: Loss, data: Data, *, k: int = 1, steps: int = 100, tol: float = 1e-4,
                    seed: int = 0, start: Direction | None = None, chunk: int = CHUNK) -> Spectrum:
    r"""The k largest and k smallest eigenvalues of the Hessian by the Lanczos iteration.

    In exact arithmetic :math:`V^\top H V = T` is tridiagonal for an orthonormal basis V of
    :math:`\mathrm{span}(v, Hv, H^2v, \dots)`, and the ends of T's spectrum approach those of
    H's quickly.  V is kept orthogonal by projecting each new vector twice; it lies on the CPU,
    in float64, while the products are taken on the model's device in its own dtype.

    :param model: as for :func:`hessian_vector`.
    :param loss: as for :func:`hessian_vector`.
    :param data: as for :func:`hessian_vector`.
    :param k: how many at each end.
    :param steps: at most so many Hessian-vector products; memory is steps x P numbers.
    :param tol: stop when the error bounds fall below tol times the largest magnitude.
    :param seed: of the starting vector.
    :param start: the starting vector instead, one tensor for each parameter: the ``sharpest`` of a
        spectrum near by saves steps; not all zero.
    :param chunk: as for :func:`hessian_vector`.
    :returns: the eigenvalues, their error bounds, the directions of the first ones.
    :raises TypeError: as for :func:`hessian_vector`.
    :raises ValueError: as for :func:`hessian_vector`, and when a product is not finite.

    Source: Golub and Van Loan, *Matrix Computations*, chapter 10.
    """
    product = _Product(model, loss, data, chunk)
    k = checks.integer(k, "k", at_least=1, at_most=product.size)
    steps = min(checks.integer(steps, "steps", at_least=k), product.size)
    tol = checks.positive(tol, "tol")
    basis = torch.empty(steps, product.size, dtype=torch.float64)
    basis[0] = _first_vector(model, product.size, seed, start)
    diagonal: list[float] = []
    beside: list[float] = []
    for j in range(steps):
        w = product(basis[j]).cpu().double()
        if not bool(torch.isfinite(w).all()):
            raise ValueError("model must have a finite Hessian: a product with it gave NaN or infinity")
        diagonal.append(float(w @ basis[j]))
        for _ in range(2):
            w = w - basis[:j + 1].t() @ (basis[:j + 1] @ w)  # (P, j) (j,)
        beside.append(float(w.norm()))
        ritz, vectors = _tridiagonal(diagonal, beside[:-1])
        errors = np.abs(beside[-1] * vectors[-1])
        scale = max(np.abs(ritz).max(), 1e-300)
        exhausted = beside[-1] <= 1e-10 * scale
        if exhausted or (j + 1 >= 2 * k and max(*errors[:k], *errors[-k:]) <= tol * scale) or j + 1 == steps:
            break
        basis[j + 1] = w / beside[-1]
    k = min(k, len(ritz))
    ends = [torch.from_numpy(vectors[:, i].copy()) @ basis[:len(ritz)] for i in (-1, 0)]
    sharpest, lowest = (product.split(v.to(product.dtype).to(product.device)) for v in ends)
    return Spectrum(ritz[::-1][:k], ritz[:k], errors[::-1][:k], errors[:k], len(diagonal), sharpest, lowest)


def _first_vector(model: nn.Module, size: int, seed: int, start: Direction | None) -> torch.Tensor:
    """(P,) of length 1, float64, on the CPU."""
    if start is None:
        rng = torch.Generator().manual_seed(checks.integer(seed, "seed", at_least=0, at_most=2**63 - 1))
        v = torch.randn(size, generator=rng, dtype=torch.float64)
    else:
        given = arguments.direction(start, "start", arguments.model_parameters(model))
        v = torch.cat([part.cpu().double().reshape(-1) for part in given])  # each (...) -> (size,)
        if not v.any():
            raise ValueError("start must not be zero everywhere")
    return v / v.norm()


def _tridiagonal(diagonal: list[float], beside: list[float]) -> tuple[np.ndarray, np.ndarray]:
    return np.linalg.eigh(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))
