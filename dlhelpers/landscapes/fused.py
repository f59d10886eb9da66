r"""The loss at many points of a plane at once, for a stack of layers.

A layer is linear in its weights.  The first one sees the data, which do not change from
point to point, so on the plane :math:`W + aA + bB` its output is

.. math:: x(W + aA + bB)^\top = xW^\top + a\,xA^\top + b\,xB^\top :

three products serve the whole grid.  The later layers of many points are one batched
product.  Both work on pieces that stay in the processor's cache.  No approximation is
made: the sums are the same up to the order of their rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import nn
from torch.nn import functional as F

from dlhelpers.landscapes import losses
from dlhelpers.landscapes.arguments import Loss, as_scalar

#: Outputs of some points -> their losses, or their shares of it.
Known = Callable[[torch.Tensor], torch.Tensor]
#: Bytes of activations worked on at once: they should stay in the second-level cache.
CACHE = 2**21
#: Images that a convolution takes at once, for the same reason.
IMAGES = 64
#: Modules that act on each number alone.
ELEMENTWISE = (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.Softplus, nn.Tanh, nn.Sigmoid, nn.GELU, nn.SiLU, nn.Identity,
               nn.Hardtanh, nn.Softsign)
#: Modules without parameters that act on each sample alone (dropout is idle in evaluation mode).
SAMPLEWISE = (nn.Flatten, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.Dropout)


def layers_of(model: nn.Module) -> list[nn.Module] | None:
    """The layers of a plain stack in order.

    :param model: any module.
    :returns: the layers, those of nested ``nn.Sequential`` in line, or None if the model is anything else.
    """
    if type(model) is nn.Linear:
        return [model]
    if type(model) is not nn.Sequential:
        return None
    found: list[nn.Module] = []
    for child in model:
        inner = layers_of(child) if type(child) is nn.Sequential else [child]
        if inner is None:
            return None
        found += inner
    return found


def supported(model: nn.Module) -> bool:
    """Whether the fused path understands the model; everything else takes the general one.

    It understands an ``nn.Sequential`` of ``Linear``, ``Conv2d`` (zero padding), flattening,
    pooling, dropout and activations whose first layer with parameters comes first, each
    layer used once and without hooks.

    :param model: any module.
    :returns: True if it is such a stack.
    """
    layers = layers_of(model)
    if layers is None or len({id(layer) for layer in layers}) < len(layers):
        return False
    parameters = [id(p) for p in model.parameters()]
    if sum(len(list(layer.parameters())) for layer in layers) != len(parameters) or not parameters:
        return False  # a parameter that two layers share
    if any(m._forward_hooks or m._forward_pre_hooks for m in model.modules()):
        return False
    for layer in layers:
        if type(layer) is nn.Flatten:
            fits = layer.start_dim == 1 and layer.end_dim == -1
        elif type(layer) is nn.Conv2d:
            fits = layer.padding_mode == "zeros"
        else:
            fits = type(layer) is nn.Linear or type(layer) in ELEMENTWISE + SAMPLEWISE
        if not fits:
            return False
    first = next(layer for layer in layers if list(layer.parameters()))
    return all(type(layer) in (nn.Flatten, nn.Identity, nn.Dropout) for layer in layers[:layers.index(first)])


class Stack:
    """A supported model with its directions, ready to be evaluated on rows of a grid.

    :param model: a model that :func:`supported` knows.
    :param directions: any number of directions, each a list like ``model.parameters()``.
    """

    def __init__(self, model: nn.Module, directions: Sequence[Sequence[torch.Tensor]]) -> None:
        layers = layers_of(model)
        assert layers is not None
        order = {id(p): i for i, p in enumerate(model.parameters())}
        self.steps: list[tuple[nn.Module, list[list[torch.Tensor]] | None]] = []
        for layer in layers:
            own = [p for p in (getattr(layer, "weight", None), getattr(layer, "bias", None)) if p is not None]
            parts = [[p.detach(), *(d[order[id(p)]] for d in directions)] for p in own] if own else None
            self.steps.append((layer, parts))
        self.first = next(i for i, (_, parts) in enumerate(self.steps) if parts)
        self.dense = all(isinstance(layer, (nn.Linear, *ELEMENTWISE, nn.Dropout)) or i < self.first
                         for i, (layer, _) in enumerate(self.steps))

    def sample_chunk(self, chunk: int) -> int:
        """How many samples to take at once.

        :param chunk: at most so many.
        :returns: the number with which activations stay in the cache.
        """
        if not self.dense:
            return min(chunk, IMAGES)
        widest = max(len(parts[0][0]) for _, parts in self.steps if parts)
        return max(1, min(chunk, CACHE // (8 * widest) or 1))

    def inputs(self, X: torch.Tensor) -> torch.Tensor:
        """What the first layer with parameters sees.

        :param X: (n, ...) the data.
        :returns: X, flattened where the model does so.
        """
        for layer, _ in self.steps[:self.first]:
            X = layer(X) if isinstance(layer, nn.Flatten) else X
        return X

    def losses(self, X: torch.Tensor, y: torch.Tensor, points: torch.Tensor, loss: Loss, size: int) -> torch.Tensor:
        """The mean losses at many points.

        :param X: (n, ...) the data, on the model's device.
        :param y: (n, ...) the targets.
        :param points: (P, k) coordinates, on the CPU.
        :param loss: a loss whose pieces can be averaged, see ``losses.additive``, or ``size`` at least n.
        :param size: samples at once.
        :returns: (P,) float64, on the CPU.
        """
        X = self.inputs(X)
        dense = self.dense and X.ndim == 2
        K = len(next(parts for _, parts in reversed(self.steps) if parts)[0][0])
        C = losses.label_coefficients(loss, y, K, X.dtype) if dense else None
        squared = dense and losses.is_squared(loss, y, K)
        result = torch.zeros(len(points), dtype=torch.float64)
        at = points.to(X.dtype).to(X.device)
        for i, share in enumerate(losses.shares(loss, y, size)):
            rows = slice(i * size, (i + 1) * size)
            x, t = X[rows], y[rows]
            if share == 0:      # nothing but ignored labels
                continue
            if not dense:
                result += self._one_by_one(x, at, lambda h: as_scalar(loss(h, t)) * share)
            elif C is not None:
                result += self._dense(x, at, _cross_entropy(C[rows]))
            elif squared:
                result += self._dense(x, at, lambda h: (h - t.t()).square_().sum((1, 2)) / (len(y) * K))
            else:
                result += self._dense(x, at, lambda h: torch.stack([as_scalar(loss(out.t(), t)) for out in h]) * share)
        return result

    def _dense(self, X: torch.Tensor, points: torch.Tensor, known: Known) -> torch.Tensor:
        """Many points at once; activations are (points, units, samples)."""
        weights, biases = self._first_parts()
        Z = [(F.linear(X, w) if b is None else F.linear(X, w, b)).t().contiguous() for w, b in zip(weights, biases)]
        at_once = self._points_at_once(len(X), X.element_size())
        result, last = torch.empty(len(points), dtype=torch.float64), None
        buffer = torch.empty(min(at_once, len(points)), *Z[0].shape, dtype=X.dtype, device=X.device)
        for start, stop in _pieces(points, at_once):
            part = points[start:stop]
            if last is None or not torch.equal(part[0, 1:], last):
                last, row = part[0, 1:], Z[0]      # what the points of a row share
                for value, slope in zip(last.tolist(), Z[2:]):
                    row = torch.add(row, slope, alpha=value)
            h = buffer[:len(part)]
            if len(Z) > 1:
                torch.addcmul(row, part[:, :1, None], Z[1], out=h)
            else:
                h.copy_(row)
            for layer, parts in self.steps[self.first + 1:]:
                h = _activate(layer, h) if parts is None else _batched_linear(parts, part, h)
            result[start:stop] = known(h).cpu().double()
        return result

    def _one_by_one(self, X: torch.Tensor, points: torch.Tensor, known: Known) -> torch.Tensor:
        """Point by point, with the first layer's products shared."""
        layer = self.steps[self.first][0]
        if isinstance(layer, nn.Conv2d):
            X = X.contiguous(memory_format=torch.channels_last)
        weights, biases = self._first_parts()
        Z = [_apply(layer, X, w, b) for w, b in zip(weights, biases)]
        result, last, row = torch.empty(len(points), dtype=torch.float64), None, Z[0]
        h0 = torch.empty_like(Z[0])
        for i, where in enumerate(points):
            if last is None or not torch.equal(where[1:], last):
                last, row = where[1:], Z[0]
                for value, slope in zip(last.tolist(), Z[2:]):
                    row = torch.add(row, slope, alpha=value)
            h = torch.add(row, Z[1], alpha=float(where[0]), out=h0) if len(Z) > 1 else h0.copy_(row)
            for step, parts in self.steps[self.first + 1:]:
                if parts is None:
                    h = _activate(step, h)
                else:
                    moved = [p[0] + sum(a * d for a, d in zip(where.tolist(), p[1:])) for p in parts]
                    h = _apply(step, h, moved[0], moved[1] if len(moved) > 1 else None)
            result[i] = known(h).cpu().double()
        return result

    def _first_parts(self) -> tuple[list[torch.Tensor], list[torch.Tensor | None]]:
        parts = self.steps[self.first][1]
        assert parts is not None
        return parts[0], parts[1] if len(parts) > 1 else [None] * len(parts[0])

    def _points_at_once(self, samples: int, size: int) -> int:
        sizes = [parts[0][0].shape for _, parts in self.steps if parts]
        activations = size * samples * max(shape[0] for shape in sizes)
        weights = size * max((math.prod(shape) for shape in sizes[1:]), default=1)
        return max(1, CACHE // max(activations, weights))


def _pieces(points: torch.Tensor, at_once: int) -> list[tuple[int, int]]:
    """Runs of points that share all coordinates but the first, at most ``at_once`` long."""
    n = len(points)
    new_row = torch.ones(n + 1, dtype=torch.bool)
    new_row[1:n] = (points[1:, 1:] != points[:-1, 1:]).any(1).cpu()
    edges = torch.nonzero(new_row).reshape(-1).tolist()
    return [(i, min(i + at_once, stop)) for start, stop in zip(edges, edges[1:]) for i in range(start, stop, at_once)]


def _batched_linear(parts: list[list[torch.Tensor]], points: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
    """(G, m_in, n) -> (G, m_out, n), each point with its own weights."""
    moved = []
    for base, *slopes in parts:
        value = base.expand(len(points), *base.shape)
        for k, slope in enumerate(slopes):
            value = torch.addcmul(value, points[:, k].reshape(-1, *[1] * base.ndim), slope)
        moved.append(value)
    if len(moved) == 1:
        return torch.bmm(moved[0], h)
    return torch.baddbmm(moved[1][:, :, None], moved[0], h)


def _activate(layer: nn.Module, h: torch.Tensor) -> torch.Tensor:
    """In place where torch can: the activations are ours."""
    if isinstance(layer, nn.ReLU):
        return h.clamp_min_(0)
    if isinstance(layer, nn.Tanh):
        return h.tanh_()
    if isinstance(layer, nn.Sigmoid):
        return h.sigmoid_()
    return h if isinstance(layer, nn.Dropout) else layer(h)


def _apply(layer: nn.Module, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    if isinstance(layer, nn.Conv2d):
        return F.conv2d(x, weight, bias, layer.stride, layer.padding, layer.dilation, layer.groups)
    return F.linear(x, weight, bias)


def _cross_entropy(C: torch.Tensor) -> Known:
    """Outputs (G, K, n) -> sums (G,) over the samples, for coefficients C (n, K)."""
    C = C.t().contiguous()                                     # (K, n)
    total = C.sum(0)
    if len(C) == 2 and bool((C == 0).any(0).all()):            # hard labels: log(e^u + e^v) - u = softplus(v - u)
        sign = (C[0] != 0).to(C.dtype) * 2 - 1
        return lambda h: F.softplus(torch.sub(h[:, 1], h[:, 0]).mul_(sign)).mul_(total).sum(1)

    def general(h: torch.Tensor) -> torch.Tensor:
        below = h - h.amax(1, keepdim=True)
        return (total * torch.logsumexp(below, 1) - (C * below).sum(1)).sum(1)

    return general


def multiplications(sizes: Sequence[int], samples: int, points: int, *, shared: bool) -> int:
    """Multiplications of the matrix products for a surface of a perceptron.

    :param sizes: widths from input to output.
    :param samples: how many.
    :param points: how many.
    :param shared: with the first layer's three products shared by all ``points``; forming
        its output then costs one multiplication a unit, sample and point (two a row, not counted).
    :returns: the number of multiplications.
    """
    products = [a * b for a, b in zip(sizes, sizes[1:])]
    later = points * samples * sum(products[1:])
    if not shared:
        return points * samples * products[0] + later
    return 3 * samples * products[0] + points * samples * sizes[1] + later
