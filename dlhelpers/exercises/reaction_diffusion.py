"""Checkers for the exercises of lecture 26: ripples on a network, longest steps, growing bands, stripes."""

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

        rates = _signed(matrix, Du, Dv, mu)
        compare(got, right, "network_growth", {
            "the exchange is A alone: each cell also gives away, once for each neighbour (subtract the degrees)":
                whole(A),
            "each cell gives away once for every neighbour that it has, not twice: a cell of degree 3 loses 3 times":
                whole(A - 2 * np.diag(degrees)) if n > 2 else np.nan,
            "the sign of the exchange is turned round: what flows, flows from more to less":
                whole(np.diag(degrees) - A),
            "the eigenvalues of A itself were put in for μ: they belong to the degrees minus A": max(
                _signed(matrix, Du, Dv, of_A)),
            "this is the even mixture's own rate: are the diffusivities exchanged (u is exchanged at the rate Du, v at "
            "Dv), or was no other pattern tried? Every eigenvector of the exchange is one":
                _rate(matrix, Du, Dv, 0.0),
            "only the pattern with the largest μ was tried: the fastest one can lie in between": rates[-1],
            "only the smoothest pattern after the even one was tried: the fastest one can have a larger μ": rates[1],
            "the exchange was divided by each cell's degree: a cell with more walls gives away more": max(
                _signed(matrix, Du, Dv, 1 - np.linalg.eigvals(A / np.maximum(degrees, 1)[:, None]).real)),
            "the factors of kron do not fit together: kron(J, 1) goes with kron(D, exchange), u of all cells first":
                _mixed_order(A - np.diag(degrees), matrix, Du, Dv),
            "μ was squared: the exchange multiplies a pattern by −μ, not by −μ²":
                _rate(matrix, Du, Dv, mu**2).max(),
            "this is the largest |λ|: what grows is told by the real part": max(
                float(np.abs(np.linalg.eigvals(matrix - m * np.diag([Du, Dv]))).max()) for m in mu),
            "any μ was allowed, as on an endless line: a network has its own few, the eigenvalues of degrees minus A":
                _rate(matrix, Du, Dv, np.linspace(0, 20, 4001)).max(),
            "the degrees were all taken as 2, as on a ring: here each cell has its own number of neighbours":
                whole(A - 2 * np.eye(n)),
        }, rtol=1e-5)


def _mixed_order(exchange: np.ndarray, J: np.ndarray, Du: float, Dv: float) -> float:
    together = np.kron(np.eye(len(exchange)), J) + np.kron(np.diag([Du, Dv]), exchange)
    return float(np.linalg.eigvals(together).real.max())


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
        got = call(longest_step, "longest_step", stencil, D, h)
        for cells in (6, 8, 10, 12, 16, 20, 24, 32):
            coarse = 2 * h * h / (D * -symbol(stencil, cells).min())
            if np.shape(got) == () and abs(coarse / right - 1) > 3e-3 and np.isclose(got, coarse, rtol=1e-6):
                refuse(f"longest_step: your grid of angles is too coarse, {cells} of them miss the worst wave")
        of_matrix = float(np.linalg.eigvals(stencil).real.min())
        # A search over a grid of waves may miss the worst one by a little: up to 0.3 % is accepted.
        compare(got, right, "longest_step", {
            "the eigenvalues of the 3 × 3 matrix itself were taken: the stencil is a recipe for one cell, what counts "
            "is by what it multiplies each wave of the grid":
                2 * h * h / (D * -of_matrix) if of_matrix < -1e-9 else np.nan,
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
    """Jacobians with diffusivities, on both sides of every border, slow and fast, with either species as activator."""
    random = np.random.default_rng(5)
    systems = [(random.normal(size=(2, 2)) * [[1, 1], [2, 2]], 1.0, float(random.uniform(0.5, 40))) for _ in range(200)]
    # Random matrices seldom make patterns: these lie close to the border.
    J = turing.schnakenberg().jacobian
    near = [(J, 1.0, 8.4), (J, 1.0, 8.8), (J, 2.0, 8.8), (J, 2.0, 18.0), (J, 1.0, 1.0), (30 * J, 1.0, 12.0),
            (30 * J, 1.0, 8.0)]
    for _ in range(20):
        fu, gv, product = random.uniform(0.2, 1.0), -random.uniform(1.1, 2.0), random.uniform(2.2, 4.0)
        fv = random.choice([-1, 1]) * random.uniform(0.5, 2.0)
        drawn = np.array([[fu, fv], [-product / fv, gv]])
        border = ((np.sqrt(np.linalg.det(drawn)) + np.sqrt(product)) / fu) ** 2
        slow = float(random.uniform(0.3, 3.0))
        near += [(drawn, slow, float(factor * border * slow)) for factor in (0.9, 0.99, 1.01, 1.1)]
    both = near + [(J[::-1, ::-1], Dv, Du) for J, Du, Dv in near]  # and with the names of the species exchanged
    return both + systems


def _band(J: np.ndarray, Du: float, Dv: float) -> np.ndarray:
    """The edges of the band of growing wavenumbers, or an empty array."""
    if not all(turing.conditions(J, Du, Dv).values()):
        return np.zeros(0)
    return np.sqrt(np.sort(np.roots([Du * Dv, -(Dv * J[0, 0] + Du * J[1, 1]), np.linalg.det(J)]).real))


@checker("growing_band", "the edges of the growing band, and () where there is none, for either species as activator")
def check_growing_band(growing_band: Any) -> None:
    """``growing_band(J, Du, Dv)``: the wavenumbers between which ripples grow on a state that is stable when stirred.

    :param growing_band: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    hints = {
        "trace": "without diffusion the state must be stable, and the trace f_u + g_v is not tested (or its sign is)",
        "determinant": "without diffusion the state must be stable, and det J > 0 is not tested",
        "mixed": "the determinant must fall below zero at a positive k²: here both of its roots are negative",
        "discriminant": "the determinant never falls below zero here: its roots are not real",
    }
    pairs = _systems()
    gots = [_edges(call(growing_band, "growing_band", J, Du, Dv, if_none="growing_band returned None: where no ripple "
                        "grows return an empty tuple, ()")) for J, Du, Dv in pairs]
    if not any(len(got) for got in gots):
        refuse("growing_band finds no band in any system: among these some make patterns, and some do not", inputs={})
    rights = [_band(*pair) for pair in pairs]
    if [len(got) > 0 for got in gots] == [len(_band(J, Dv, Du)) > 0 for J, Du, Dv in pairs]:
        at = next(index for index, (got, right) in enumerate(zip(gots, rights, strict=True)) if len(right) > len(got))
        call(growing_band, "growing_band", *pairs[at])
        refuse("growing_band finds no band where ripples grow: is D_v paired with f_u, and D_u with g_v? Each species' "
               "slope meets the other's diffusivity")
    missed = [index for index, (got, right) in enumerate(zip(gots, rights, strict=True)) if len(right) > len(got)]
    if missed and not any(pairs[index][0][0, 0] > 0 for index in missed) and all(
            len(got) for got, (J, _, _), right in zip(gots, pairs, rights, strict=True) if len(right) and J[0, 0] > 0):
        call(growing_band, "growing_band", *pairs[missed[0]])
        refuse("growing_band finds no band where v is the activator: either species may activate itself (and then the "
               "other must diffuse faster), so neither f_u > 0 nor D_v > D_u is a condition")
    for (J, Du, Dv), right in zip(pairs, rights, strict=True):
        got = _edges(call(growing_band, "growing_band", J, Du, Dv))
        failed = [name for name, holds in turing.conditions(J, Du, Dv).items() if not holds]
        if len(got) > len(right):
            refuse(f"growing_band finds a band where none is: {hints[failed[0]]}")
        if len(right) > len(got):
            refuse("growing_band finds no band where ripples grow: is one inequality too strict, or a search over "
                   "k too coarse or too short? Bands can be narrow, at any k")
        if not len(right):
            continue
        mistakes = _mistaken_edges(J, Du, Dv, right)
        if (np.allclose(got, right, rtol=0.25) and not np.allclose(got, right, rtol=1e-4)
                and not any(np.allclose(got, wrong, rtol=1e-4) for wrong in mistakes.values())):
            refuse("growing_band: these edges are near but not exact, as a search over k finds them: at an edge "
                   "det(J − k²D) = 0, which can be solved")
        compare(got, right, "growing_band", mistakes, rtol=1e-4)


def _edges(got: Any) -> np.ndarray:
    edges = np.ravel(np.asarray(got, dtype=float))
    if edges.size not in (0, 2):
        refuse("growing_band should return two numbers, the lower and the upper edge, or an empty tuple ()")
    if not np.isfinite(edges).all():
        refuse("growing_band returned a root that is no number: test the sign under the root, and that k² is positive, "
               "first")
    return edges


def _mistaken_edges(J: np.ndarray, Du: float, Dv: float, right: np.ndarray) -> dict[str, Any]:
    mixed, turned, det = Dv * J[0, 0] + Du * J[1, 1], Du * J[0, 0] + Dv * J[1, 1], float(np.linalg.det(J))

    def roots(a: float, b: float, c: float) -> np.ndarray:
        inside = b * b - 4 * a * c
        return np.sqrt(np.sort([(b - np.sqrt(inside)) / (2 * a), (b + np.sqrt(inside)) / (2 * a)])) if (
            inside > 0 and a * c > 0 and b > 0) else np.full(2, np.nan)

    return {
        "these are the k² of the edges: the band is asked for in wavenumbers k": right**2,
        "the lower edge comes first": right[::-1],
        "the quadratic's leading factor is D_u D_v": roots(1.0, mixed, det),
        "each species' slope meets the other's diffusivity: D_v f_u + D_u g_v": roots(Du * Dv, turned, det),
        "the roots of a q² − b q + c are (b ± √(b² − 4ac)) / (2a): the 2 is missing": np.sqrt(2) * right,
        "these are wavelengths: the wavenumbers are 2π over them": 2 * np.pi / right,
        "these are wavelengths: the wavenumbers are 2π over them, and the lower edge comes first":
            2 * np.pi / right[::-1],
    }


@checker("stripes", "the number of stripes on seven loops, even where none fits")
def check_stripes(stripes: Any) -> None:
    """``stripes(A, B, Du, Dv, L)``: how many stripes the Brusselator grows on a closed loop of length L.

    :param stripes: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    loops = ((2.0, 3.5, 1.0, 8.0, 102.0), (3.0, 7.0, 0.5, 5.0, 37.0), (2.0, 3.5, 1.0, 8.0, 10.55),
             (2.0, 3.5, 1.0, 8.0, 4.3), (2.0, 3.0, 1.0, 8.0, 43.2), (1.5, 2.0, 1.0, 2.0, 80.0),
             (2.0, 5.5, 1.0, 8.0, 60.0))
    gots = [call(stripes, "stripes", *loop) for loop in loops]
    for hint, mistaken in _mistaken_rates().items():
        wrong = [_fastest(mistaken(A, B, L), Du, Dv) for A, B, Du, Dv, L in loops]
        rights = [_fastest(_brusselator(A, B, L), Du, Dv) for A, B, Du, Dv, L in loops]
        if any(wrong) and all(np.shape(got) == () for got in gots) and gots == wrong:
            at = int(np.flatnonzero(np.array(wrong) != rights)[0])
            call(stripes, "stripes", *loops[at])
            refuse(f"stripes: {hint}")
    for A, B, Du, Dv, L in loops:
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


#: A Jacobian, and the q that wave after wave on the loop puts into J - q D.
_Waves = tuple[np.ndarray, np.ndarray]


def _brusselator(A: float, B: float, L: float, J: Any = None, power: float = 2.0) -> _Waves:
    right = [[B - 1, A * A], [-B, -A * A]]
    return np.array(right if J is None else J, dtype=float), (2 * np.pi * np.arange(1, 400) / L) ** power


def _fastest(waves: _Waves, Du: float, Dv: float) -> int:
    """The wave that grows fastest, 0 where the state is unstable already or none grows."""
    J, q = waves
    if np.trace(J) >= 0 or np.linalg.det(J) <= 0:
        return 0
    rates = _rate(J, Du, Dv, q)
    return int(rates.argmax()) + 1 if rates.max() > 0 else 0


def _mistaken_rates() -> dict[str, Any]:
    """Mistakes in what is put into the matrix, told by all loops together."""
    return {
        "a ripple of wavenumber k feels J − k²D: k is not squared": lambda A, B, L: _brusselator(A, B, L, power=1.0),
    }


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
        "if your Jacobian is right a ripple that fits grows here (0 is for loops where none does): is the rest state "
        "u = A, v = B/A, f_u = B − 1 and g_u = −B, and does u spread with Du?": 0,
        "this is the wave where det(J − k²D) is least, which grows first at the onset: the fastest wave is another one":
            round(float(np.sqrt((Dv * J[0, 0] + Du * J[1, 1]) / (2 * Du * Dv))) * L / (2 * np.pi)),
    }
