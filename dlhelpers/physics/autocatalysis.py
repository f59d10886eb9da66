r"""Cubic autocatalysis, fast: Schnakenberg's and Gray and Scott's models in one solver.

An activator p makes more of itself from a substrate q, ``2 p + q -> 3 p``:

.. math:: \dot p = r p^2 q + a_0 - a_1 p + D_p \nabla^2 p, \qquad
          \dot q = -r p^2 q + b_0 - b_1 q + D_q \nabla^2 q

Schnakenberg: :math:`a_0 = a, a_1 = 1, b_0 = b, b_1 = 0`.  Gray-Scott:
:math:`a_0 = 0, a_1 = F + k, b_0 = b_1 = F`, with the usual names v = p and u = q.
Many parameter sets run at once as a batch, in float32 or float64, with numpy
(the reference), numba (one core) or torch (CPU or GPU).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dlhelpers import checks
from dlhelpers.physics import kernels
from dlhelpers.physics.reaction_diffusion import BOUNDARIES, check_alive, check_step

BACKENDS = ("auto", "numba", "numpy", "torch")
#: Steps between two looks at whether the fields are still finite.
LOOK = 1000


@dataclass(frozen=True)
class Parameters:
    """Rates and diffusivities; each a number or one number for each member of the batch."""

    feed_p: Any = 0.0
    decay_p: Any = 0.0
    feed_q: Any = 0.0
    decay_q: Any = 0.0
    Dp: Any = 0.0
    Dq: Any = 0.0
    rate: Any = 1.0

    def table(self, batch: int) -> np.ndarray:
        """All of them as columns, (batch, 7), checked: finite and not negative."""
        columns = []
        for name in ("feed_p", "decay_p", "feed_q", "decay_q", "Dp", "Dq", "rate"):
            column = checks.array(np.atleast_1d(np.asarray(getattr(self, name))), name, ndim=1).astype(float)
            if len(column) not in (1, batch):
                raise ValueError(f"{name} must be one number or {batch}, one for each field, got {len(column)}")
            if (column < 0).any():
                raise ValueError(f"{name} must be zero or positive, got {column.min():g}")
            columns.append(np.broadcast_to(column, batch))
        return np.stack(columns, axis=1)


def schnakenberg(a: Any = 0.1, b: Any = 0.9, Du: Any = 1.0, Dv: Any = 10.0) -> Parameters:
    """Schnakenberg's model; its u is the activator p, its v the substrate q."""
    return Parameters(feed_p=a, decay_p=1.0, feed_q=b, Dp=Du, Dq=Dv)


class Solver:
    """Fields that evolve.

    :param parameters: see :class:`Parameters`.
    :param p, q: activator and substrate, (height, width) or (batch, height, width), finite,
        at least 3 cells along each axis; copied.
    :param h: grid spacing.  :param dt: time step, at most h²/(4 max D).
    :param boundary: "periodic" or "no-flux".
    :param dtype: "float32" or "float64".
    :param backend: "numba", "numpy", "torch", or "auto": numba if it can compile here,
        else numpy with a warning that says why.
    :param device: for torch, such as "cpu" or "cuda".
    :raises ValueError: for anything that is not so, naming it.
    """

    def __init__(self, parameters: Parameters, p: Any, q: Any, *, h: float = 1.0, dt: float = 1.0,
                 boundary: str = "periodic", dtype: str = "float32", backend: str = "auto",
                 device: Any = "cpu") -> None:
        self.dtype = np.dtype(checks.one_of(dtype, "dtype", ("float32", "float64")))
        self.boundary = checks.one_of(boundary, "boundary", BOUNDARIES)
        self.h, self.dt = checks.positive(h, "h"), checks.positive(dt, "dt")
        p, q = _stack(p, "p"), _stack(q, "q")
        checks.check_shape(q, "q", shape=p.shape)
        self.shape, self.steps = p.shape, 0
        if checks.one_of(backend, "backend", BACKENDS) == "auto":
            backend = kernels.backend()
        elif backend == "numba" and kernels.compiled()[0] is None:
            raise RuntimeError(kernels.compiled()[1])
        self.backend, self.device = backend, device
        self._fields: list[Any] = _staggered((p.shape[0], p.shape[1] + 2, p.shape[2] + 2), self.dtype)
        if backend == "torch":
            import torch

            self._fields = [torch.from_numpy(field).to(device) for field in self._fields]
        self.parameters = parameters
        self.put(p, q)

    @property
    def parameters(self) -> Parameters:
        """May be replaced between two runs."""
        return self._parameters

    @parameters.setter
    def parameters(self, parameters: Parameters) -> None:
        """Checked again: the time step must suit the new diffusivities."""
        table = checks.instance(parameters, "parameters", Parameters).table(self.shape[0])
        check_step(self.dt, float(table[:, 4:6].max()), self.h, 2)
        self._parameters = parameters
        self._coefficients = coefficients(table, self.dt, self.h)

    @property
    def p(self) -> np.ndarray:
        """The activator, (batch, height, width), a copy."""
        return self._read(0)

    @property
    def q(self) -> np.ndarray:
        """The substrate, (batch, height, width), a copy."""
        return self._read(1)

    def put(self, p: Any, q: Any) -> None:
        """Replace the fields (they must be finite and of the same shape)."""
        for i, (value, name) in enumerate(((p, "p"), (q, "q"))):
            value = checks.check_shape(_stack(value, name), name, shape=self.shape).astype(self.dtype)
            inner = self._fields[i][:, 1:-1, 1:-1]
            inner[...] = value if self.backend != "torch" else inner.new_tensor(value)

    def _read(self, which: int) -> np.ndarray:
        inner = self._fields[which][:, 1:-1, 1:-1]
        return inner.copy() if self.backend != "torch" else inner.cpu().numpy().copy()

    def run(self, steps: int) -> Solver:
        """Advance by ``steps``; returns itself.

        :raises FloatingPointError: if a field blows up; it stops within a thousand steps of that.
        """
        left = checks.integer(steps, "steps", at_least=0)
        while left:
            now = min(left, LOOK)
            with np.errstate(over="ignore", invalid="ignore"):  # check_alive speaks instead
                {"numba": self._numba, "numpy": self._numpy, "torch": self._torch}[self.backend](now)
            self.steps += now
            left -= now
            check_alive(*(field[:, 1:-1, 1:-1] for field in self._fields[:2]), steps=self.steps)
        return self

    def _swap(self) -> None:
        self._fields = self._fields[2:] + self._fields[:2]

    def _numba(self, steps: int) -> None:
        kernel = kernels.compiled()[0]
        assert kernel is not None
        kernel(*self._fields, self._coefficients.astype(self.dtype), steps, self.boundary == "periodic")
        if steps % 2:
            self._swap()

    def _numpy(self, steps: int) -> None:
        """The reference: the formula as it is printed above, with ``np.roll``."""
        table = self._coefficients.astype(self.dtype).T[:, :, None, None]
        dp, dq, cp, cq, fp, fq, rate = table
        p, q = (field[:, 1:-1, 1:-1] for field in self._fields[:2])
        for _ in range(steps):
            reacted = rate * p * p * q
            p, q = (cp * p + reacted + fp + dp * self._neighbours(p),
                    cq * q - reacted + fq + dq * self._neighbours(q))
        self._fields[0][:, 1:-1, 1:-1], self._fields[1][:, 1:-1, 1:-1] = p, q

    def _neighbours(self, x: np.ndarray) -> np.ndarray:
        if self.boundary == "periodic":
            return np.roll(x, 1, 1) + np.roll(x, -1, 1) + np.roll(x, 1, 2) + np.roll(x, -1, 2)
        x = np.pad(x, ((0, 0), (1, 1), (1, 1)), mode="edge")
        return x[:, :-2, 1:-1] + x[:, 2:, 1:-1] + x[:, 1:-1, :-2] + x[:, 1:-1, 2:]

    def _torch(self, steps: int) -> None:
        """The same on tensors, CPU and GPU alike; both species travel as one, (2, batch, …)."""
        import torch

        p, q = self._fields[:2]
        x = torch.stack([p, q])
        table = torch.as_tensor(self._coefficients, dtype=x.dtype, device=x.device).T[:, :, None, None]
        exchange, factor, feed = table[0:2], table[2:4], table[4:6]
        sign = torch.stack([table[6], -table[6]])
        low, high = (1, -2) if self.boundary == "no-flux" else (-2, 1)
        for _ in range(steps):
            x[..., 0, :], x[..., -1, :] = x[..., low, :], x[..., high, :]
            x[..., :, 0], x[..., :, -1] = x[..., :, low], x[..., :, high]
            inner = x[..., 1:-1, 1:-1]
            around = x[..., :-2, 1:-1] + x[..., 2:, 1:-1] + x[..., 1:-1, :-2] + x[..., 1:-1, 2:]
            reacted = inner[0].square() * inner[1]
            x[..., 1:-1, 1:-1] = torch.addcmul(feed, factor, inner).addcmul_(exchange, around).addcmul_(sign, reacted)
        self._fields[0], self._fields[1] = x[0], x[1]


def coefficients(table: np.ndarray, dt: float, h: float) -> np.ndarray:
    """The seven numbers a step needs: exchange, own factor, feed (p and q each), rate; (batch, 7)."""
    feed_p, decay_p, feed_q, decay_q, Dp, Dq, rate = table.T
    dp, dq = dt * Dp / h**2, dt * Dq / h**2
    return np.stack([dp, dq, 1 - dt * decay_p - 4 * dp, 1 - dt * decay_q - 4 * dq,
                     dt * feed_p, dt * feed_q, dt * rate], axis=1)


def _staggered(shape: tuple[int, ...], dtype: np.dtype) -> list[np.ndarray]:
    """Four zero arrays whose starts differ in their place within a memory page.

    A load must wait for an earlier store whose address agrees in the low 12 bits; arrays
    that all start at the same place of a page would meet there at every cell (15 % slower).
    """
    page, stagger = 4096, 1088
    size = int(np.prod(shape)) * dtype.itemsize
    block = np.zeros(4 * (size + page + stagger) + page, np.uint8)
    first = -block.ctypes.data % page
    starts = [first + i * (-(-size // page) * page + stagger) for i in range(4)]
    return [block[start:start + size].view(dtype).reshape(shape) for start in starts]


def _stack(value: Any, name: str) -> np.ndarray:
    value = checks.array(value, name)
    if value.ndim not in (2, 3):
        raise ValueError(f"{name} must have shape (height, width) or (batch, height, width), got {value.shape}")
    if min(value.shape[-2:]) < 3:
        raise ValueError(f"{name} must have at least 3 cells along each axis, got shape {value.shape}")
    return value if value.ndim == 3 else value[None]
