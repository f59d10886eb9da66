"""Checkers for the exercises of lecture 26: ripples on a network, longest steps, Turing's conditions, stripes."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlhelpers.exercises.core import call, checker, compare, refuse
from dlhelpers.patterns import turing


def _rate(J: np.ndarray, Du: float, Dv: float, mu: Any) -> np.ndarray:
    """Growth rates where the exchange multiplies a pattern by minus mu."""
    return turing.growth_rate(J, Du, Dv, np.sqrt(np.maximum(mu, 0)))


@checker("network_growth", "the fastest pattern on any network, however its cells are joined")
def check_network_growth(network_growth: Any) -> None:
    """``network_growth(A, J, Du, Dv)``: the growth rate of the fastest pattern on a network of cells.

    :param network_growth: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    random = np.random.default_rng(3)
    J = np.array([[5.0, -6.0], [6.0, -7.0]])
    star = np.zeros((6, 6))
    star[0, 1:] = star[1:, 0] = 1
    chance = np.triu((random.random((9, 9)) < 0.4).astype(float), 1)
    for A, matrix, Du, Dv in ((chance + chance.T, J, 0.3, 2.7), (star, turing.schnakenberg().jacobian, 0.1, 2.0),
                              (np.ones((2, 2)) - np.eye(2), J, 0.5, 4.5)):
        degrees, n = A.sum(1), len(A)
        mu = np.linalg.eigvalsh(np.diag(degrees) - A)
        of_A = np.linalg.eigvalsh(A)
        right = _rate(matrix, Du, Dv, mu).max()
        got = call(network_growth, "network_growth", A, matrix, Du, Dv)

        def whole(exchange: np.ndarray, J: np.ndarray = matrix, Du: float = Du, Dv: float = Dv, n: int = n) -> float:
            return float(np.linalg.eigvals(np.kron(J, np.eye(n)) + np.kron(np.diag([Du, Dv]), exchange)).real.max())

        compare(got, right, "network_growth", {
            "the exchange is A alone: each cell also gives away, once for each neighbour (subtract the degrees)":
                whole(A),
            "each cell gives away once for every neighbour that it has, not twice: a cell of degree 3 loses 3 times":
                whole(A - 2 * np.diag(degrees)) if n > 2 else np.nan,
            "the sign of the exchange is turned round: what flows, flows from more to less":
                whole(np.diag(degrees) - A),
            "the eigenvalues of A itself were put in for μ: they belong to the degrees minus A": max(
                _signed(matrix, Du, Dv, of_A)),
            "this is the even mixture's own rate, as if exchange helped no pattern: try every pattern of the network, "
            "with u exchanged at the rate Du and v at Dv": _rate(matrix, Du, Dv, 0.0),
            "only the pattern with the largest μ was tried: the fastest one can lie in between":
                _rate(matrix, Du, Dv, mu[-1]),
            "the degrees were all taken as 2, as on a ring: here each cell has its own number of neighbours":
                whole(A - 2 * np.eye(n)),
        })


def _signed(J: np.ndarray, Du: float, Dv: float, mu: np.ndarray) -> list[float]:
    return [float(np.linalg.eigvals(J - m * np.diag([Du, Dv])).real.max()) for m in mu]


#: Laplacians of a grid with h = 1.
FIVE_POINT = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], float)
NINE_POINT = np.array([[1, 4, 1], [4, -20, 4], [1, 4, 1]]) / 6
DIAGONAL = np.array([[1, 0, 1], [0, -4, 0], [1, 0, 1]]) / 2
#: Its worst wave is neither the checkerboard nor a stripe along an axis: -9 at the angles 2π/3, 2π/3.
HEXAGONAL = np.array([[1, 1, 0], [1, -6, 1], [0, 1, 1]], float)


def symbol(stencil: np.ndarray, cells: int = 96) -> np.ndarray:
    """By what a symmetric 3 x 3 stencil multiplies each wave of a grid.

    :param stencil: (3, 3), the same when it is turned by half a turn.
    :param cells: waves along each axis.
    :returns: real factors, (cells, cells), for wavenumbers from 0 to just below 2π along each axis.
    """
    angle = 2 * np.pi * np.arange(cells) / cells
    wave = np.exp(1j * np.outer(angle, [-1, 0, 1]))  # (wavenumber, place)
    return np.einsum("ai,ij,bj->ab", wave, stencil, wave).real  # (wavenumber, wavenumber)


@checker("longest_step", "the limit of every stencil, whichever wave it fears most")
def check_longest_step(longest_step: Any) -> None:
    """``longest_step(stencil, D, h)``: the longest stable Euler step of diffusion with that Laplacian.

    :param longest_step: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for stencil, D, h in ((NINE_POINT, 0.7, 0.6), (0.3 * FIVE_POINT + 0.7 * DIAGONAL, 0.6, 1.4), (DIAGONAL, 0.3, 0.8),
                          (FIVE_POINT, 3.0, 0.2), (np.array([[0, 0, 0], [1, -2, 1], [0, 0, 0]], float), 0.4, 1.5),
                          (HEXAGONAL, 0.9, 0.7), (HEXAGONAL[::-1], 0.5, 1.1)):
        factors = symbol(stencil)
        right = 2 * h * h / (D * -factors.min())
        board, stripe, other = (max(-factors[at], 0.0) for at in ((48, 48), (48, 0), (0, 48)))
        few = max(board, stripe, other)
        # A search over a grid of waves may miss the worst one by a little: up to 0.3 % is accepted.
        compare(call(longest_step, "longest_step", stencil, D, h), right, "longest_step", {
            "only the checkerboard and the stripes along the axes were tried: here the worst wave is none of these, "
            "search over the angles of both axes":
                2 * h * h / (D * few) if few < -factors.min() * 0.99 else np.nan,
            "this is the five-point stencil's h²/(4D): another stencil has another most negative factor":
                h * h / (4 * D),
            "only the checkerboard was tried: for some stencils another wave is multiplied by a more negative factor":
                2 * h * h / (D * board) if board > 1e-9 else np.nan,
            "only stripes along one axis were tried: for some stencils the checkerboard or another wave is worse":
                2 * h * h / (D * stripe) if stripe > 1e-9 else np.nan,
            "the spacing enters squared: halve h and the step shrinks to a quarter": right / h,
            "the spacing is missing: the stencil is divided by h²": right / (h * h),
            "twice too long: the worst wave's factor may fall to −1, not to −3": 2 * right,
            "twice too short: the worst wave's factor may fall to −1, not only to 0": right / 2,
            "the diffusivity belongs in the denominator: faster diffusion needs shorter steps": right * D * D,
            "the diffusivity is missing: it multiplies the stencil": right * D,
            "the centre alone was taken for the most negative factor: the neighbours of a wave count too":
                2 * h * h / (D * -stencil[1, 1]),
        }, rtol=3e-3)


def _systems() -> list[tuple[np.ndarray, float, float]]:
    """Jacobians with diffusivities, on both sides of every border, with either species as the activator."""
    random = np.random.default_rng(5)
    systems = [(random.normal(size=(2, 2)) * [[1, 1], [2, 2]], 1.0, float(random.uniform(0.5, 40))) for _ in range(200)]
    # Random matrices seldom make patterns: these lie close to the border.
    J = turing.schnakenberg().jacobian
    near = [(J, 1.0, 8.4), (J, 1.0, 8.8), (J, 2.0, 8.8), (J, 2.0, 18.0), (J, 1.0, 1.0)]
    for _ in range(20):
        fu, gv, product = random.uniform(0.2, 1.0), -random.uniform(1.1, 2.0), random.uniform(2.2, 4.0)
        fv = random.choice([-1, 1]) * random.uniform(0.5, 2.0)
        drawn = np.array([[fu, fv], [-product / fv, gv]])
        border = ((np.sqrt(np.linalg.det(drawn)) + np.sqrt(product)) / fu) ** 2
        slow = float(random.uniform(0.3, 3.0))
        near += [(drawn, slow, float(factor * border * slow)) for factor in (0.9, 1.1)]
    both = near + [(J[::-1, ::-1], Dv, Du) for J, Du, Dv in near]  # and with the names of the species exchanged
    return systems + both


@checker("makes_patterns", "all four of Turing's conditions, whichever species activates itself")
def check_makes_patterns(makes_patterns: Any) -> None:
    """``makes_patterns(J, Du, Dv)``: True where diffusion, and only diffusion, destabilises.

    :param makes_patterns: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    pairs = _systems()
    hints = {
        "trace": "without diffusion the state must be stable, and the trace f_u + g_v is not tested (or its sign is)",
        "determinant": "without diffusion the state must be stable, and det J > 0 is not tested",
        "mixed": "the minimum must lie at a positive k²: test D_v f_u + D_u g_v > 0",
        "discriminant": "the minimum must be negative: test (D_v f_u + D_u g_v)² > 4 D_u D_v det J",
    }
    rights = np.array([all(turing.conditions(J, Du, Dv).values()) for J, Du, Dv in pairs])
    gots = np.array([bool(call(makes_patterns, "makes_patterns", J, Du, Dv)) for J, Du, Dv in pairs])
    if len(set(gots)) == 1:
        refuse(f"makes_patterns says {'yes' if gots[0] else 'no'} to every system: among these some make patterns, and "
               "some do not", inputs={})
    paired = np.array([all(turing.conditions(J, Dv, Du).values()) for J, Du, Dv in pairs])
    u_only = rights & np.array([J[0, 0] > 0 for J, _, _ in pairs])  # with it D_v > D_u
    for mistaken, hint in ((paired, "no where a pattern grows: is D_v paired with f_u, and D_u with g_v? Each species' "
                                    "slope meets the other's diffusivity"),
                           (u_only, "no where v is the activator: either species may activate itself (and then the "
                                    "other must diffuse faster), so neither f_u > 0 nor D_v > D_u is a condition")):
        if (gots == mistaken).all():
            call(makes_patterns, "makes_patterns", *pairs[int(np.flatnonzero(rights & ~gots)[0])])
            refuse(f"makes_patterns says {hint}")
    for (J, Du, Dv), right, got in zip(pairs, rights, gots, strict=True):
        failed = [name for name, holds in turing.conditions(J, Du, Dv).items() if not holds]
        if got and len(failed) == 1:
            call(makes_patterns, "makes_patterns", J, Du, Dv)  # the message shows the last call
            refuse(f"makes_patterns says yes where one condition fails: {hints[failed[0]]}")
        if right and not got:
            call(makes_patterns, "makes_patterns", J, Du, Dv)
            refuse("makes_patterns says no where a pattern grows: one inequality is too strict")
    for (J, Du, Dv), right, got in zip(pairs, rights, gots, strict=True):
        if right != got:
            call(makes_patterns, "makes_patterns", J, Du, Dv)
            refuse("makes_patterns says yes where several conditions fail: all four must hold at once")


@checker("stripes", "the number of stripes on seven loops, even where none fits")
def check_stripes(stripes: Any) -> None:
    """``stripes(A, B, Du, Dv, L)``: how many stripes the Brusselator grows on a closed loop of length L.

    :param stripes: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for A, B, Du, Dv, L in ((2.0, 3.5, 1.0, 8.0, 102.0), (3.0, 7.0, 0.5, 5.0, 37.0), (2.0, 3.5, 1.0, 8.0, 10.55),
                            (2.0, 3.5, 1.0, 8.0, 4.3), (2.0, 3.0, 1.0, 8.0, 43.2), (1.5, 2.0, 1.0, 2.0, 80.0),
                            (2.0, 5.5, 1.0, 8.0, 60.0)):
        J = np.array([[B - 1, A * A], [-B, -A * A]])
        whole = np.arange(1, 400)
        rates = turing.growth_rate(J, Du, Dv, 2 * np.pi * whole / L)
        right = int(whole[rates.argmax()]) if np.trace(J) < 0 and rates.max() > 0 else 0
        got = call(stripes, "stripes", A, B, Du, Dv, L)
        if isinstance(got, float) and not float(got).is_integer():
            refuse("stripes: the loop closes, so the number of stripes is a whole number")
        turned = turing.growth_rate(J, Dv, Du, 2 * np.pi * whole / L)
        compare(got, right, "stripes", {
            **_mistaken_stripes(J, Du, Dv, L, right, int(whole[rates.argmax()])),
            "the diffusivities are exchanged: u spreads with Du": int(whole[turned.argmax()]),
        })


def _mistaken_stripes(J: np.ndarray, Du: float, Dv: float, L: float, right: int, best: int) -> dict[str, float]:
    if not all(turing.conditions(J, Du, Dv).values()):
        stirred = np.trace(J) > 0
        return {"the mixture is unstable even when it is stirred (f_u + g_v > 0): that is no Turing pattern, answer 0":
                best if stirred else np.nan,
                "no ripple grows here at all: test that the best growth rate is positive, else answer 0":
                np.nan if stirred else best}
    waves = turing.fastest_wavenumber(J, Du, Dv) * L / (2 * np.pi)
    if right == 0:
        return {"no wave that fits has a positive growth rate: the loop is too short for a pattern, answer 0":
                max(1, round(waves))}
    return {
        "k* does not fit the loop exactly, and the wave that is nearest to it need not be the fastest of those that "
        "do: compare their growth rates": round(waves),
        "the wavelength is 2π/k, not 1/k: k counts radians, not stripes": round(2 * np.pi * waves),
        "half-waves were counted: on a closed loop whole waves must fit": round(2 * waves),
        "rounded down: the next whole wave can be the faster one, compare their growth rates": int(waves),
        "rounded up: the whole wave before can be the faster one, compare their growth rates": int(waves) + 1,
        "a ripple that fits does grow here: 0 is for loops where none does (and u spreads with Du, v with Dv)": 0,
    }
