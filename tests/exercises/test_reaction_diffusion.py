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
        "exchange helped no pattern": lambda A, J, Du, Dv: right(A, J, Dv, Du),
        "the largest μ": lambda A, J, Du, Dv: np.linalg.eigvals(
            J - np.linalg.eigvalsh(-laplacian(A))[-1] * np.diag([Du, Dv])).real.max(),
        "not twice": lambda A, J, Du, Dv: fastest(A - 2 * np.diag(A.sum(1)), J, Du, Dv),
    })
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


def test_makes_patterns(answers):
    def parts(J, Du, Dv):
        det, mixed = np.linalg.det(J), Dv * J[0, 0] + Du * J[1, 1]
        return np.trace(J) < 0, det > 0, mixed > 0, mixed**2 > 4 * Du * Dv * det

    assert_exercise(ex.check_makes_patterns, answers["makes_patterns"], {
        "says no to every": lambda J, Du, Dv: False,
        "says yes to every": lambda J, Du, Dv: True,
        "the trace": lambda J, Du, Dv: all(parts(J, Du, Dv)[1:]),
        "det J > 0": lambda J, Du, Dv: all(np.array(parts(J, Du, Dv))[[0, 2, 3]]),
        "positive k²": lambda J, Du, Dv: all(np.array(parts(J, Du, Dv))[[0, 1, 3]]),
        "must be negative": lambda J, Du, Dv: all(parts(J, Du, Dv)[:3]),
        "paired with f_u": lambda J, Du, Dv: all(parts(J, Dv, Du)),
        "v is the activator": lambda J, Du, Dv: all(parts(J, Du, Dv)) and J[0, 0] > 0 and Dv > Du,
    })


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
    })


def test_the_stripes_grow_when_the_loop_is_run(answers):
    A, B, Du, Dv, L, n = 2.0, 3.0, 1.0, 8.0, 43.2, 128
    random = np.random.default_rng(0)
    u, v = (m + 1e-4 * random.normal(size=n) for m in (A, B / A))
    h = L / n
    u, _ = reaction_diffusion.evolve(lambda u, v: (A - (B + 1) * u + u * u * v, B * u - u * u * v), u, v, Du, Dv, h=h,
                                     dt=0.8 * reaction_diffusion.largest_step(Dv, h, 1), steps=30_000)
    assert np.abs(np.fft.rfft(u - u.mean())).argmax() == answers["stripes"](A, B, Du, Dv, L)
