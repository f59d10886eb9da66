"""The exercises of lecture 26 answer back."""

import numpy as np
import pytest
from exercise_tools import assert_exercise, reference

from dlhelpers.exercises import reaction_diffusion as ex
from dlhelpers.patterns import reaction_diffusion, turing


@pytest.fixture(scope="module")
def answers():
    return reference("26_reaction_diffusion")


def test_network_growth(answers):
    def fastest(exchange, J, Du, Dv):
        n = len(exchange)
        return np.linalg.eigvals(np.kron(J, np.eye(n)) + np.kron(np.diag([Du, Dv]), exchange)).real.max()

    def laplacian(A):
        return A - np.diag(A.sum(1))

    right = answers["network_growth"]
    assert_exercise(ex.check_network_growth, right, {
        "also gives away": lambda A, J, Du, Dv: fastest(A, J, Du, Dv),
        "from more to less": lambda A, J, Du, Dv: fastest(-laplacian(A), J, Du, Dv),
        "degrees minus A": lambda A, J, Du, Dv: max(
            np.linalg.eigvals(J - m * np.diag([Du, Dv])).real.max() for m in np.linalg.eigvalsh(A)),
        "as on a ring": lambda A, J, Du, Dv: fastest(A - 2 * np.eye(len(A)), J, Du, Dv),
        "are the diffusivities exchanged": lambda A, J, Du, Dv: right(A, J, Dv, Du),
        "the smoothest pattern": lambda A, J, Du, Dv: np.linalg.eigvals(
            J - np.linalg.eigvalsh(-laplacian(A))[1] * np.diag([Du, Dv])).real.max(),
        "cell's degree": lambda A, J, Du, Dv: max(np.linalg.eigvals(J - m * np.diag([Du, Dv])).real.max()
                                                 for m in 1 - np.linalg.eigvals(A / A.sum(1)[:, None]).real),
        "factors of kron": lambda A, J, Du, Dv: np.linalg.eigvals(
            np.kron(np.eye(len(A)), J) + np.kron(np.diag([Du, Dv]), laplacian(A))).real.max(),
        "μ was squared": lambda A, J, Du, Dv: max(np.linalg.eigvals(J - m**2 * np.diag([Du, Dv])).real.max()
                                                 for m in np.linalg.eigvalsh(laplacian(A))),
        "the largest |λ|": lambda A, J, Du, Dv: max(np.abs(np.linalg.eigvals(J + m * np.diag([Du, Dv]))).max()
                                                   for m in np.linalg.eigvalsh(laplacian(A))),
        "endless line": lambda A, J, Du, Dv: max(np.linalg.eigvals(J - m * np.diag([Du, Dv])).real.max()
                                                for m in np.linspace(0, 20, 4001)),
        "the largest μ": lambda A, J, Du, Dv: np.linalg.eigvals(
            J - np.linalg.eigvalsh(-laplacian(A))[-1] * np.diag([Du, Dv])).real.max(),
        "not twice": lambda A, J, Du, Dv: fastest(A - 2 * np.diag(A.sum(1)), J, Du, Dv),
    })
    with pytest.raises(AssertionError, match="was no other pattern tried"):  # the same number
        ex.check_network_growth(lambda A, J, Du, Dv: np.linalg.eigvals(J).real.max())
    # Turing's two cells: the difference grows at the rate 2.
    assert right(np.ones((2, 2)) - np.eye(2), np.array([[5.0, -6], [6, -7]]), 0.5, 4.5) == pytest.approx(2)


def test_longest_step(answers):
    right = answers["longest_step"]

    def board(stencil):
        return -(stencil * [[1, -1, 1], [-1, 1, -1], [1, -1, 1]]).sum()

    assert_exercise(ex.check_longest_step, right, {
        "five-point stencil's": lambda s, D, h: h**2 / (4 * D),
        "only the checkerboard": lambda s, D, h: 2 * h**2 / (D * max(board(s), 1e-12)),
        "one axis": lambda s, D, h: 2 * h**2 / (D * -(s * [[-1], [1], [-1]]).sum()) if (
            s * [[-1], [1], [-1]]).sum() < 0 else np.inf,
        "none of these": lambda s, D, h: 2 * h**2 / (D * max(
            board(s), -(s * [[-1], [1], [-1]]).sum(), -(s * [[-1, 1, -1]]).sum())),
        "spacing enters squared": lambda s, D, h: right(s, D, h) / h,
        "spacing is missing": lambda s, D, h: right(s, D, 1.0),
        "not to −3": lambda s, D, h: 2 * right(s, D, h),
        "not only to 0": lambda s, D, h: right(s, D, h) / 2,
        "denominator": lambda s, D, h: right(s, D, h) * D**2,
        "diffusivity is missing": lambda s, D, h: right(s, 1.0, h),
        "too coarse": lambda s, D, h: 2 * h**2 / (D * -ex.symbol(s, 16).min()),
        "3 × 3 matrix itself": lambda s, D, h: 2 * h**2 / (D * -np.linalg.eigvals(s).real.min()),
        "centre alone": lambda s, D, h: 2 * h**2 / (D * -s[1, 1]),
    })


def test_the_longest_step_is_the_border_between_dying_and_growing(answers):
    field, angle = np.random.default_rng(0).normal(size=(32, 32)), 2 * np.pi * np.fft.fftfreq(32)
    for stencil in (ex.FIVE_POINT, ex.NINE_POINT, ex.DIAGONAL):
        limit = answers["longest_step"](stencil, 0.7, 0.5)
        for part, grows in ((0.99, False), (1.01, True)):
            u = field
            for _ in range(3000):
                u = u + part * limit * 0.7 / 0.25 * sum(
                    stencil[1 + i, 1 + j] * np.roll(u, (-i, -j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1))
            assert (np.abs(u).max() > 1e6) == grows
    assert np.allclose(ex.symbol(ex.FIVE_POINT, 32), 2 * np.cos(angle)[:, None] + 2 * np.cos(angle) - 4)


def test_growing_band(answers):
    def band(J, Du, Dv, drop=(), lead=None, factor=4.0, pair=None):
        det, mixed = np.linalg.det(J), Dv * J[0, 0] + Du * J[1, 1]
        first, second = pair or (Du, Dv)
        mixed, lead = second * J[0, 0] + first * J[1, 1], Du * Dv if lead is None else lead
        inside = mixed**2 - factor * Du * Dv * det
        tests = {"trace": np.trace(J) < 0, "det": det > 0, "mixed": mixed > 0, "inside": inside > 0}
        if not all(holds for name, holds in tests.items() if name not in drop):
            return ()
        root = np.sqrt(abs(mixed**2 - 4 * lead * det))
        return tuple(np.sqrt(np.abs([(mixed - root) / (2 * lead), (mixed + root) / (2 * lead)])))

    def searched(J, Du, Dv, k):
        rates = turing.growth_rate(J, Du, Dv, k)
        grows = k[rates > 0]
        return (grows[0], grows[-1]) if np.linalg.eigvals(J).real.max() < 0 and len(grows) else ()

    right = answers["growing_band"]
    assert_exercise(ex.check_growing_band, right, {
        "in any system": lambda J, Du, Dv: (),
        "the trace": lambda J, Du, Dv: band(J, Du, Dv, ["trace"]),
        "det J > 0": lambda J, Du, Dv: band(J, Du, Dv, ["det"]),
        "are negative": lambda J, Du, Dv: band(J, Du, Dv, ["mixed"]),
        "not real": lambda J, Du, Dv: band(J, Du, Dv, ["inside"]),
        "paired with f_u": lambda J, Du, Dv: band(J, Du, Dv, pair=(Dv, Du)),
        "v is the activator": lambda J, Du, Dv: right(J, Du, Dv) if J[0, 0] > 0 and Dv > Du else (),
        "in wavenumbers k": lambda J, Du, Dv: tuple(np.square(right(J, Du, Dv))),
        "comes first": lambda J, Du, Dv: tuple(right(J, Du, Dv))[::-1],
        "leading factor": lambda J, Du, Dv: band(J, Du, Dv, lead=1.0),
        "the 2 is missing": lambda J, Du, Dv: tuple(np.sqrt(2) * np.array(right(J, Du, Dv))),
        "wavelengths": lambda J, Du, Dv: tuple(2 * np.pi / np.array(right(J, Du, Dv))),
        "returned None": lambda J, Du, Dv: right(J, Du, Dv) or None,
        "two numbers": lambda J, Du, Dv: len(right(J, Du, Dv)) > 0,
        "near but not exact": lambda J, Du, Dv: searched(J, Du, Dv, np.linspace(0, 1.2, 50)),
        "too coarse": lambda J, Du, Dv: searched(J, Du, Dv, np.linspace(0, 1.2, 40_001)),
    })
    for factor in (3.9, 4.1):  # neither inequality nor search a little off goes through
        with pytest.raises(AssertionError):
            ex.check_growing_band(lambda J, Du, Dv, f=factor: band(J, Du, Dv, factor=f))
    with pytest.raises(AssertionError):
        ex.check_growing_band(lambda J, Du, Dv: searched(J, Du, Dv, np.linspace(0, 10, 3000)))
    # At the edges the growth rate is zero.
    edges = np.array(right(turing.schnakenberg().jacobian, 1.0, 10.0))
    assert turing.growth_rate(turing.schnakenberg().jacobian, 1.0, 10.0, edges) == pytest.approx(0.0, abs=1e-9)


def brusselator(A, B):
    return np.array([[B - 1, A * A], [-B, -A * A]])


def test_stripes(answers):
    right = answers["stripes"]

    def waves(A, B, Du, Dv, L):
        J = brusselator(A, B)
        return turing.fastest_wavenumber(J, Du, Dv) * L / (2 * np.pi) if all(
            turing.conditions(J, Du, Dv).values()) else 0

    def best(A, B, Du, Dv, L, *, positive=False):
        n = np.arange(1, 400)
        rates = turing.growth_rate(brusselator(A, B), Du, Dv, 2 * np.pi * n / L)
        return int(n[rates.argmax()]) if rates.max() > 0 or not positive else 0

    def with_jacobian(slopes, power=2):
        def answer(A, B, Du, Dv, L):
            J, n = np.array(slopes(A, B), dtype=float), np.arange(1, 300)
            rates = turing.growth_rate(J, Du, Dv, (2 * np.pi * n / L)**(power / 2))
            return int(n[rates.argmax()]) if np.trace(J) < 0 < np.linalg.det(J) and rates.max() > 0 else 0
        return answer

    assert_exercise(ex.check_stripes, right, {
        "need not be the fastest": lambda *a: round(waves(*a)),
        "radians, not stripes": lambda *a: round(2 * np.pi * waves(*a)),
        "half-waves": lambda *a: round(2 * waves(*a)),
        "rounded down": lambda *a: int(waves(*a)),
        "rounded up": lambda *a: int(np.ceil(waves(*a))),
        "whole number": lambda *a: waves(*a),
        "too short": lambda A, B, Du, Dv, L: best(A, B, Du, Dv, L) if waves(A, B, Du, Dv, L) else 0,
        "no ripple grows here": lambda A, B, Du, Dv, L: 0 if L == 4.3 else best(A, B, Du, Dv, L),
        "when it is stirred": lambda *a: best(*a, positive=True),
        "diffusivities are exchanged": lambda A, B, Du, Dv, L: best(A, B, Dv, Du, L),
        "0 is for loops": lambda *a: 0,
        "k is not squared": with_jacobian(brusselator, power=1),
        "at the onset": lambda A, B, Du, Dv, L: right(A, B, Du, Dv, L) and round(
            np.sqrt((Dv * (B - 1) - Du * A**2) / (2 * Du * Dv)) * L / (2 * np.pi)),
    })
    for slopes in (lambda A, B: [[2 * A * B - B - 1, A**2], [B - 2 * A * B, -A**2]],  # at v = B
                   lambda A, B: [[B, A**2], [-B, -A**2]], lambda A, B: [[B - 1, A], [-B, -A]],
                   lambda A, B: [[B - 1, A**2], [B, -A**2]]):
        with pytest.raises(AssertionError, match="is the rest state u = A, v = B/A"):
            ex.check_stripes(with_jacobian(slopes))


def test_the_stripes_grow_when_the_loop_is_run(answers):
    A, B, Du, Dv, L, n = 2.0, 3.0, 1.0, 8.0, 43.2, 128
    random = np.random.default_rng(0)
    u, v = (m + 1e-4 * random.normal(size=n) for m in (A, B / A))
    h = L / n
    u, _ = reaction_diffusion.evolve(lambda u, v: (A - (B + 1) * u + u * u * v, B * u - u * u * v), u, v, Du, Dv, h=h,
                                     dt=0.8 * reaction_diffusion.largest_step(Dv, h, 1), steps=30_000)
    assert np.abs(np.fft.rfft(u - u.mean())).argmax() == answers["stripes"](A, B, Du, Dv, L)
