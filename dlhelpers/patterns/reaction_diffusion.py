r"""Reaction-diffusion by the plainest method there is: the reference for the fast ones.

.. math:: u \leftarrow u + \Delta t\,(f(u, v) + D_u \nabla_h^2 u), \qquad
          v \leftarrow v + \Delta t\,(g(u, v) + D_v \nabla_h^2 v)

Explicit Euler in time, the 3-point (1-D) or 5-point (2-D) Laplacian in space, any
reaction, periodic or no-flux edges.  All is numpy on the CPU by nature, in the precision of
the fields given; ``solver`` is fast and knows other devices.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from dlhelpers import checks
from dlhelpers.patterns.turing import Reaction

BOUNDARIES = ("periodic", "no-flux")
#: The largest magnitude that counts as a field; beyond it, the run has blown up.
HUGE = 1e6


def laplacian(field: Any, h: float = 1.0, boundary: str = "periodic") -> np.ndarray:
    r"""Second differences over all axes: :math:`(\sum \text{neighbours} - 2 n\,u)/h^2` in n dimensions.

    :param field: (n,) or (height, width), at least 3 cells along each axis.
    :param h: grid spacing, positive.
    :param boundary: "periodic" (opposite edges touch) or "no-flux" (each edge cell sees
        its own mirror image, so nothing flows out).
    :returns: of the shape and dtype of ``field``.
    :raises ValueError: if the field is too small or not finite, or h is not positive.
    """
    field, h = _field(field, "field"), checks.positive(h, "h")
    return second_differences(field, h, checks.one_of(boundary, "boundary", BOUNDARIES), range(field.ndim))


def second_differences(field: np.ndarray, h: float, boundary: str, axes: Iterable[int]) -> np.ndarray:
    """:func:`laplacian` over some axes of a checked array.

    :param field: any array.
    :param h: grid spacing.
    :param boundary: "periodic" or "no-flux".
    :param axes: the axes of space; the others are a batch.
    :returns: of the shape and dtype of ``field``.
    """
    axes = tuple(axes)
    total = -2 * len(axes) * field
    for axis in axes:
        for shift in (1, -1):
            moved = np.roll(field, shift, axis)
            if boundary == "no-flux":
                edge = [slice(None)] * field.ndim
                edge[axis] = slice(0, 1) if shift == 1 else slice(-1, None)
                moved[tuple(edge)] = field[tuple(edge)]
            total += moved
    return total / field.dtype.type(h * h)


def largest_step(D: float, h: float = 1.0, ndim: int = 2) -> float:
    r"""The longest stable time step of explicit diffusion, :math:`h^2/(2 n D)`; in 2-D :math:`h^2/(4D)`.

    Beyond it the checkerboard, whose Laplacian is :math:`-4n/h^2` times itself, grows.  This is
    diffusion's own limit: a reaction that decays makes it a little shorter.

    :param D: diffusivity, zero or positive.
    :param h: grid spacing, positive.
    :param ndim: dimensions of space, 1 to 3.
    :returns: the limit, infinite for D = 0.
    :raises ValueError: if a number is out of its range.
    """
    D, h = checks.nonnegative(D, "D"), checks.positive(h, "h")
    ndim = checks.integer(ndim, "ndim", at_least=1, at_most=3)
    return h * h / (2 * ndim * D) if D > 0 else float("inf")


def check_step(dt: float, D: float, h: float, ndim: int) -> float:
    """``dt`` if explicit diffusion is stable with it.

    :param dt: time step, positive.
    :param D: the largest diffusivity.
    :param h: grid spacing.
    :param ndim: dimensions of space.
    :returns: the time step.
    :raises ValueError: beyond the limit, with the limit.
    """
    dt, limit = checks.positive(dt, "dt"), largest_step(D, h, ndim)
    if dt > limit * (1 + 1e-12):
        raise ValueError(f"dt must be at most h²/({2 * ndim}D) = {limit:.6g} for D = {D:g} and h = {h:g} in "
                         f"{ndim}-D, got {dt:g}: the checkerboard would grow until the field is meaningless")
    return dt


def check_alive(*fields: Any, steps: int) -> None:
    """Stop a run that has blown up.

    :param fields: arrays or tensors.
    :param steps: how many steps have been taken.
    :raises FloatingPointError: if a field holds NaN, infinity or values beyond ``HUGE``.
    """
    for field in fields:
        largest = float(abs(field).max())
        if not largest < HUGE:  # false for NaN too
            raise FloatingPointError(f"the field blew up: its largest magnitude is {largest:.3g} after {steps} steps; "
                                     "take a smaller dt, or rates that let the reaction settle")


def evolve(reaction: Reaction, u: Any, v: Any, Du: float, Dv: float, *, dt: float, steps: int, h: float = 1.0,
           boundary: str = "periodic", every: int | None = None, allow_unstable: bool = False) -> Any:
    """Run any reaction in one or two dimensions, with numpy.

    :param reaction: (u, v) -> (f, g), elementwise.
    :param u: first field, (n,) or (height, width); it is not changed.
    :param v: second field, of that shape; it is not changed.
    :param Du: diffusivity of u, zero or positive.
    :param Dv: diffusivity of v, zero or positive.
    :param dt: time step, at most :func:`largest_step`.
    :param steps: how many, zero or more.
    :param h: grid spacing.
    :param boundary: "periodic" or "no-flux".
    :param every: also return the fields before the first and after every so many steps.
    :param allow_unstable: do not refuse a ``dt`` beyond the limit (to see what happens).
    :returns: (u, v) after ``steps``; with ``every``, two stacks (frames, \\*shape).
    :raises ValueError: for fields with NaN, grids below 3, negative D, dt beyond the limit.
    :raises FloatingPointError: if the field blows up.
    """
    checks.function(reaction, "reaction")
    u, v = _field(u, "u"), _field(v, "v")
    checks.check_shape(v, "v", shape=u.shape)
    Du, Dv = checks.nonnegative(Du, "Du"), checks.nonnegative(Dv, "Dv")
    h, steps = checks.positive(h, "h"), checks.integer(steps, "steps", at_least=0)
    boundary = checks.one_of(boundary, "boundary", BOUNDARIES)
    dt = checks.positive(dt, "dt") if allow_unstable else check_step(dt, max(Du, Dv), h, u.ndim)
    every_step = checks.integer(every, "every", at_least=1) if every is not None else 200
    frames = [(u, v)]

    def laplace(x: np.ndarray) -> np.ndarray:
        return second_differences(x, h, boundary, range(x.ndim))

    with np.errstate(over="ignore", invalid="ignore"):  # check_alive speaks instead
        for step in range(1, steps + 1):
            f, g = reaction(u, v)
            u, v = u + dt * (f + Du * laplace(u)), v + dt * (g + Dv * laplace(v))
            if step % every_step == 0 or step == steps:
                check_alive(u, v, steps=step)
            if every is not None and step % every_step == 0:
                frames.append((u, v))
    if every is None:
        return u, v
    return np.stack([frame[0] for frame in frames]), np.stack([frame[1] for frame in frames])


def power_spectrum(field: Any, h: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Power per wavenumber, gathered over rings (2-D) or both directions (1-D).

    :param field: (n,) or (n, n).
    :param h: grid spacing.
    :returns: wavenumbers k > 0 at multiples of 2π/(n h), and the total power in each ring.
    :raises ValueError: if the field is not square, too small or not finite.
    """
    field, h = _field(field, "field"), checks.positive(h, "h")
    n = field.shape[0]
    if len(set(field.shape)) > 1:
        raise ValueError(f"field must be square, got shape {field.shape}")
    power = np.abs(np.fft.fftn(field - field.mean())) ** 2 / field.size
    whole = np.fft.fftfreq(n) * n
    radius = np.sqrt(sum(np.meshgrid(*[whole**2] * field.ndim, indexing="ij")))
    ring = np.rint(radius).astype(int).ravel()
    total = np.bincount(ring, power.ravel())[1:n // 2]
    return 2 * np.pi * np.arange(1, n // 2) / (n * h), total


def peak_wavenumber(field: Any, h: float = 1.0) -> float:
    """The wavenumber of the spectrum's peak.

    It is the power-weighted mean over the ring of the maximum and two on each side of it.

    :param field: (n,) or (n, n).
    :param h: grid spacing.
    :returns: radians per unit length.
    :raises ValueError: if the field is not square, too small or not finite.
    """
    k, power = power_spectrum(field, h)
    top = int(np.argmax(power))
    near = slice(max(top - 2, 0), top + 3)
    return float((k[near] * power[near]).sum() / power[near].sum())


def _field(value: Any, name: str) -> np.ndarray:
    value = checks.array(value, name)
    if value.ndim not in (1, 2):
        raise ValueError(f"{name} must have 1 or 2 dimensions, got shape {value.shape}")
    if min(value.shape) < 3:
        raise ValueError(f"{name} must have at least 3 cells along each axis, got shape {value.shape}")
    return value
