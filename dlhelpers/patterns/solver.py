r"""A fast solver for two species of which one copies itself at the other's cost.

.. math:: \dot u = D_u \nabla^2 u + r + a_u - b_u u, \qquad
          \dot v = D_v \nabla^2 v - r + a_v - b_v v, \qquad
          r = (r_u u - r_v v)\, u v

:math:`r_u` is the rate of 2u + v → 3u, as in Schnakenberg's model (:math:`r_u = 1, a_u = a,
b_u = 1, a_v = b`); :math:`r_v` that of u + 2v → 3v, as in Gray and Scott's
(:math:`r_v = 1, a_u = b_u = F, b_v = F + k`).  Rates that a model does not name are 0.  Many
parameter sets run at once as a batch, in float32 or float64, with numpy (the reference),
numba (one core) or torch (CPU or GPU).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from dlhelpers import checks
from dlhelpers.patterns import kernels
from dlhelpers.patterns.reaction_diffusion import BOUNDARIES, check_alive, check_step, second_differences

BACKENDS = ("auto", "numba", "numpy", "torch")
#: Steps between two looks at whether the fields are still finite.
LOOK = 1000


@dataclass(frozen=True)
class Parameters:
    """Rates and diffusivities; each a number or one number for each member of the batch.

    :param rate_u: of 2u + v → 3u: u copies itself, v is used up.
    :param rate_v: of u + 2v → 3v: v copies itself, u is used up.
    :param feed_u: what arrives of u, per unit of time.
    :param feed_v: what arrives of v.
    :param decay_u: share of u that leaves, per unit of time.
    :param decay_v: share of v that leaves.
    :param Du: diffusivity of u, in squared length per unit of time.
    :param Dv: diffusivity of v.
    """

    rate_u: Any = 0.0
    rate_v: Any = 0.0
    feed_u: Any = 0.0
    feed_v: Any = 0.0
    decay_u: Any = 0.0
    decay_v: Any = 0.0
    Du: Any = 0.0
    Dv: Any = 0.0

    def for_batch(self, batch: int) -> Parameters:
        """The same as float64 arrays, one number for each member of a batch.

        :param batch: how many members.
        :returns: parameters that are arrays, (batch,) each.
        :raises ValueError: if one is negative, not finite, or of another length.
        """
        columns = {}
        for name in (field.name for field in fields(self)):
            column = checks.array(np.atleast_1d(np.asarray(getattr(self, name))), name, ndim=1).astype(float)
            if len(column) not in (1, batch):
                raise ValueError(f"{name} must be one number or {batch}, one for each field, got {len(column)}")
            if (column < 0).any():
                raise ValueError(f"{name} must be zero or positive, got {column.min():g}")
            columns[name] = np.broadcast_to(column, batch)
        return replace(self, **columns)

    def reaction(self, u: Any, v: Any) -> tuple[Any, Any]:
        """What the reaction alone does to u and v, per unit of time.

        :param u: numbers or arrays that broadcast with the parameters.
        :param v: of the shape of u.
        :returns: the rates of change of u and v, each of the shape of u.
        """
        copied = (self.rate_u * u - self.rate_v * v) * v * u
        return copied + self.feed_u - self.decay_u * u, -copied + self.feed_v - self.decay_v * v

    def coefficients(self, dt: float, h: float) -> kernels.Coefficients:
        """What a step multiplies and adds.

        :param dt: time step.
        :param h: grid spacing.
        :returns: eight numbers, or arrays of the parameters' shape.
        """
        spread_u, spread_v = dt * self.Du / h**2, dt * self.Dv / h**2
        return kernels.Coefficients(
            keep_u=1 - dt * self.decay_u - 4 * spread_u, keep_v=1 - dt * self.decay_v - 4 * spread_v,
            feed_u=dt * self.feed_u, feed_v=dt * self.feed_v, spread_u=spread_u, spread_v=spread_v,
            rate_u=dt * self.rate_u, rate_v=dt * self.rate_v)


class Solver:
    """Fields that evolve.

    :param parameters: see :class:`Parameters`.
    :param u: first species, (height, width) or (batch, height, width), finite, at least 3
        cells along each axis; copied.
    :param v: second species, of the shape of u; copied.
    :param h: grid spacing.
    :param dt: time step, at most h²/(4 max D).
    :param boundary: "periodic" or "no-flux".
    :param dtype: "float32" or "float64".
    :param backend: "numba", "numpy", "torch", or "auto": torch on another device than the
        CPU; there numba if it can compile, else numpy with a warning that says why.
    :param device: "cpu", "cuda", "mps" or a torch device; numba and numpy know the CPU only.
    :raises ValueError: for anything that is not so, naming it, and for a device that is
        unknown, missing on this machine, or beyond the backend.
    :raises RuntimeError: if numba is asked for and cannot compile.
    """

    def __init__(self, parameters: Parameters, u: Any, v: Any, *, h: float = 1.0, dt: float = 1.0,
                 boundary: str = "periodic", dtype: str = "float32", backend: str = "auto",
                 device: Any = "cpu") -> None:
        self.dtype = np.dtype(checks.one_of(dtype, "dtype", ("float32", "float64")))
        self.boundary = checks.one_of(boundary, "boundary", BOUNDARIES)
        self.h, self.dt = checks.positive(h, "h"), checks.positive(dt, "dt")
        u, v = _stack(u, "u"), _stack(v, "v")
        checks.check_shape(v, "v", shape=u.shape)
        self.shape, self.steps = u.shape, 0
        self.backend, self.device = _choose(checks.one_of(backend, "backend", BACKENDS), device, self.dtype)
        self._fields: list[Any] = _staggered((u.shape[0], u.shape[1] + 2, u.shape[2] + 2), self.dtype)
        if self.backend == "torch":
            import torch

            self._fields = [torch.from_numpy(field).to(self.device) for field in self._fields]
        self.parameters = parameters
        self.put(u, v)

    @property
    def parameters(self) -> Parameters:
        """May be replaced between two runs."""
        return self._parameters

    @parameters.setter
    def parameters(self, parameters: Parameters) -> None:
        """Checked again: the time step must suit the new diffusivities."""
        table = checks.instance(parameters, "parameters", Parameters).for_batch(self.shape[0])
        check_step(self.dt, float(max(table.Du.max(), table.Dv.max())), self.h, 2)
        self._parameters, self._table = parameters, table
        self._coefficients = kernels.Coefficients(
            *(column.astype(self.dtype) for column in table.coefficients(self.dt, self.h)))

    @property
    def u(self) -> np.ndarray:
        """The first species, (batch, height, width), a copy."""
        return self._read(0)

    @property
    def v(self) -> np.ndarray:
        """The second species, (batch, height, width), a copy."""
        return self._read(1)

    def put(self, u: Any, v: Any) -> None:
        """Replace the fields.

        :param u: first species, (batch, height, width) as before, or without the batch of one.
        :param v: second species, of that shape.
        :raises ValueError: if a field is not finite or has another shape.
        """
        for i, (value, name) in enumerate(((u, "u"), (v, "v"))):
            value = checks.check_shape(_stack(value, name), name, shape=self.shape).astype(self.dtype)
            inner = self._fields[i][:, 1:-1, 1:-1]
            inner[...] = value if self.backend != "torch" else inner.new_tensor(value)

    def _read(self, which: int) -> np.ndarray:
        inner = self._fields[which][:, 1:-1, 1:-1]
        return inner.copy() if self.backend != "torch" else inner.cpu().numpy().copy()

    def run(self, steps: int) -> Solver:
        """Advance.

        :param steps: how many, zero or more.
        :returns: itself.
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

    def _numba(self, steps: int) -> None:
        kernel = kernels.compiled()[0]
        assert kernel is not None
        kernel(*self._fields, self._coefficients, steps, self.boundary == "periodic")
        if steps % 2:
            self._fields = self._fields[2:] + self._fields[:2]

    def _numpy(self, steps: int) -> None:
        """The reference: the equation as it is printed above."""
        columns = {field.name: getattr(self._table, field.name).astype(self.dtype)[:, None, None]
                   for field in fields(Parameters)}                      # (batch, 1, 1)
        model, dt = Parameters(**columns), self.dtype.type(self.dt)
        u, v = (field[:, 1:-1, 1:-1] for field in self._fields[:2])

        def laplace(x: np.ndarray) -> np.ndarray:
            return second_differences(x, self.h, self.boundary, (1, 2))

        for _ in range(steps):
            f, g = model.reaction(u, v)
            u, v = u + dt * (model.Du * laplace(u) + f), v + dt * (model.Dv * laplace(v) + g)
        self._fields[0][:, 1:-1, 1:-1], self._fields[1][:, 1:-1, 1:-1] = u, v

    def _torch(self, steps: int) -> None:
        """The kernel's step on tensors, CPU and GPU alike; both species travel as one, (2, batch, …)."""
        import torch

        x = torch.stack(self._fields[:2])
        c = kernels.Coefficients(*(torch.from_numpy(column).to(x.device)[:, None, None]
                                   for column in self._coefficients))   # (batch, 1, 1)
        keep, feed = torch.stack([c.keep_u, c.keep_v]), torch.stack([c.feed_u, c.feed_v])
        spread, sign = torch.stack([c.spread_u, c.spread_v]), x.new_tensor([1.0, -1.0])[:, None, None, None]
        low, high = (1, -2) if self.boundary == "no-flux" else (-2, 1)
        for _ in range(steps):
            x[..., 0, :], x[..., -1, :] = x[..., low, :], x[..., high, :]
            x[..., :, 0], x[..., :, -1] = x[..., :, low], x[..., :, high]
            inner = x[..., 1:-1, 1:-1]
            around = x[..., :-2, 1:-1] + x[..., 2:, 1:-1] + x[..., 1:-1, :-2] + x[..., 1:-1, 2:]
            copied = (c.rate_u * inner[0] - c.rate_v * inner[1]) * inner[1] * inner[0]
            x[..., 1:-1, 1:-1] = torch.addcmul(feed, keep, inner).addcmul_(spread, around).addcmul_(sign, copied)
        self._fields[0], self._fields[1] = x[0], x[1]


def _choose(backend: str, device: Any, dtype: np.dtype) -> tuple[str, Any]:
    """The backend that "auto" means, and a device that exists and that the backend can use."""
    on_cpu = str(device) == "cpu"
    if not on_cpu:
        from dlhelpers import runtime

        device = runtime.choose_device(str(device))
        if backend in ("numba", "numpy"):
            raise ValueError(f"device must be 'cpu' for the backend {backend!r}, got {str(device)!r}: "
                             "take the backend 'torch'")
        if device.type == "mps" and dtype == np.float64:
            raise ValueError("dtype must be 'float32' on mps, got 'float64': Apple's GPUs do not know it")
        return "torch", device
    if backend == "auto":
        return kernels.backend(), device
    if backend == "numba" and kernels.compiled()[0] is None:
        raise RuntimeError(kernels.compiled()[1])
    return backend, device


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
    return [block[start:start + size].view(dtype).reshape(shape) for start in starts]  # (batch, height + 2, width + 2)


def _stack(value: Any, name: str) -> np.ndarray:
    value = checks.array(value, name)
    if value.ndim not in (2, 3):
        raise ValueError(f"{name} must have shape (height, width) or (batch, height, width), got {value.shape}")
    if min(value.shape[-2:]) < 3:
        raise ValueError(f"{name} must have at least 3 cells along each axis, got shape {value.shape}")
    return value if value.ndim == 3 else value[None]
