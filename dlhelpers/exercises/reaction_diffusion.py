"""Checkers for the exercises of lecture 26: the Laplacian, the largest step, Turing's conditions, Gray-Scott."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlhelpers.exercises.core import call, checker, compare, refuse
from dlhelpers.patterns import gray_scott, reaction_diffusion, turing


@checker("laplacian", "second differences with wrap-around, for any grid and spacing")
def check_laplacian(laplacian: Any) -> None:
    """``laplacian(field, h)``: five points, periodic edges, (height, width).

    :param laplacian: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    random = np.random.default_rng(3)
    for shape, h in (((5, 7), 1.0), ((6, 4), 0.5)):
        field = random.normal(size=shape)
        right = reaction_diffusion.laplacian(field, h)
        got = call(laplacian, "laplacian", field, h)
        closed = reaction_diffusion.laplacian(field, h, "no-flux")
        padded = np.pad(field, 1)
        zero = (padded[2:, 1:-1] + padded[:-2, 1:-1] + padded[1:-1, 2:] + padded[1:-1, :-2] - 4 * field) / h**2
        compare(got, right, "laplacian", {
            "the sign is turned round: neighbours count plus, the cell itself minus four": -right,
            "the centre needs the factor 4, one for each neighbour: with 2 a constant field would not give zero":
                right + 2 * field / h**2,
            "divide by h², not by h: it is a second difference": right * h,
            "the division by h² is missing": right * h**2,
            "the edges are closed: on a periodic grid the neighbour of the last cell is the first": closed,
            "cells beyond the edge count as zero here: on a periodic grid the other edge is there": zero,
        })


@checker("largest_step", "diffusion's limit in one, two and three dimensions")
def check_largest_step(largest_step: Any) -> None:
    """``largest_step(D, h, ndim)``: the longest stable Euler step.

    :param largest_step: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for D, h, ndim in ((0.7, 0.6, 3), (0.2, 1.0, 1), (3.0, 0.1, 2)):
        right = h * h / (2 * ndim * D)
        compare(call(largest_step, "largest_step", D, h, ndim), right, "largest_step", {
            "the spacing enters squared: halve h and the step shrinks to a quarter": right / h,
            "twice too long: the checkerboard's factor may fall to −1, not to −3": 2 * right,
            "twice too short: the checkerboard's factor may fall to −1, not only to 0": right / 2,
            "this holds in two dimensions only: each dimension adds 4/h² to the largest curvature":
                h * h / (4 * D) if ndim != 2 else np.nan,
            "this holds in one dimension only: each dimension adds 4/h² to the largest curvature": h * h / (2 * D),
            "the diffusivity belongs in the denominator: faster diffusion needs shorter steps":
                h * h * D / (2 * ndim),
        })


@checker("makes_patterns", "all four of Turing's conditions, on two hundred random systems")
def check_makes_patterns(makes_patterns: Any) -> None:
    """``makes_patterns(J, Du, Dv)``: True where diffusion, and only diffusion, destabilises.

    :param makes_patterns: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    random = np.random.default_rng(5)
    pairs = [(random.normal(size=(2, 2)) * [[1, 1], [2, 2]], 1.0, float(random.uniform(0.5, 40))) for _ in range(200)]
    # Random matrices seldom make patterns: these lie on both sides of the border.
    J = turing.schnakenberg().jacobian
    pairs += [(J, 1.0, 8.4), (J, 1.0, 8.8), (J, 2.0, 8.8), (J, 2.0, 18.0), (J, 1.0, 1.0)]
    hints = {
        "trace": "without diffusion the state must be stable, and the trace f_u + g_v is not tested (or its sign is)",
        "determinant": "without diffusion the state must be stable, and det J > 0 is not tested",
        "mixed": "the minimum must lie at a positive k²: test D_v f_u + D_u g_v > 0",
        "discriminant": "the minimum must be negative: test (D_v f_u + D_u g_v)² > 4 D_u D_v det J",
    }
    rights = [all(turing.conditions(J, Du, Dv).values()) for J, Du, Dv in pairs]
    gots = [bool(call(makes_patterns, "makes_patterns", J, Du, Dv)) for J, Du, Dv in pairs]
    if len(set(gots)) == 1:
        refuse(f"makes_patterns says {'yes' if gots[0] else 'no'} to every system: among these some make patterns, and "
               "some do not")
    for (J, Du, Dv), right, got in zip(pairs, rights, gots, strict=True):
        failed = [name for name, holds in turing.conditions(J, Du, Dv).items() if not holds]
        shown = {"J": J, "Du": Du, "Dv": Dv}
        if got and len(failed) == 1:
            refuse(f"makes_patterns says yes where one condition fails: {hints[failed[0]]}", inputs=shown)
        if right and not got:
            swapped = all(turing.conditions(J, Dv, Du).values())
            refuse("makes_patterns says no where a pattern grows: " + (
                "one inequality is too strict" if swapped else
                "is D_v paired with f_u, and D_u with g_v? Each species' slope meets the other's diffusivity"),
                   inputs=shown)
    for (J, Du, Dv), right, got in zip(pairs, rights, gots, strict=True):
        if right != got:
            refuse("makes_patterns says yes where several conditions fail: all four must hold at once",
                   inputs={"J": J, "Du": Du, "Dv": Dv})


@checker("gray_scott_step", "one exact Euler step of Gray and Scott's model")
def check_gray_scott_step(gray_scott_step: Any) -> None:
    """``gray_scott_step(u, v, F, k, Du, Dv, dt)``: one step on a periodic grid with h = 1; returns (u, v).

    :param gray_scott_step: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    random = np.random.default_rng(7)
    u, v = random.uniform(0.2, 1, (6, 8)), random.uniform(0, 0.4, (6, 8))
    F, k, Du, Dv, dt = 0.04, 0.06, 0.2, 0.1, 0.5
    result = call(gray_scott_step, "gray_scott_step", u, v, F, k, Du, Dv, dt)
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        refuse("gray_scott_step should return the pair (u, v)")

    def stepped(f: np.ndarray, g: np.ndarray, du: float = Du, dv: float = Dv, *, late: bool = False) -> np.ndarray:
        new_u = u + dt * (f + du * reaction_diffusion.laplacian(u))
        if late:
            g = new_u * v * v - (F + k) * v
        return np.stack([new_u, v + dt * (g + dv * reaction_diffusion.laplacian(v))])

    f, g = gray_scott.kinetics(F, k).reaction(u, v)
    right = stepped(f, g)
    compare(np.stack(result), right, "gray_scott_step", {
        "v is updated with the new u: compute both changes from the old fields first": stepped(f, g, late=True),
        "the reaction is u v², with v squared: v copies itself, two v for each u":
            stepped(-u * u * v + F * (1 - u), u * u * v - (F + k) * v),
        "v is removed at the rate F + k, not at k alone": stepped(f, u * v * v - k * v),
        "u is fed by F (1 − u): the feed stops where u is full": stepped(-u * v * v + F, g),
        "the diffusivities D_u and D_v are missing: each Laplacian is multiplied by its own": stepped(f, g, 1.0, 1.0),
        "nothing diffuses: add D_u and D_v times the Laplacians": stepped(f, g, 0.0, 0.0),
        "v is removed at the rate F + k, not at F alone": stepped(f, u * v * v - F * v),
        "the diffusivities are exchanged: the food u spreads with Du": stepped(f, g, Dv, Du),
        "the time step multiplies diffusion as well as reaction":
            np.stack([u + dt * f + Du * reaction_diffusion.laplacian(u),
                      v + dt * g + Dv * reaction_diffusion.laplacian(v)]),
        "what u loses to the reaction, v gains: the signs of u v² are turned round":
            stepped(u * v * v + F * (1 - u), -u * v * v - (F + k) * v),
    })
