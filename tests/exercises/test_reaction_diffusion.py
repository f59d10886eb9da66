"""The exercises of lecture 26 answer back."""

import numpy as np
import pytest
from exercise_tools import assert_exercise, reference

from dlhelpers.exercises import reaction_diffusion as ex


@pytest.fixture(scope="module")
def answers():
    return reference("26_reaction_diffusion")


def test_laplacian(answers):
    right = answers["laplacian"]
    assert_exercise(ex.check_laplacian, right, {
        "sign is turned round": lambda u, h: -right(u, h),
        "factor 4": lambda u, h: right(u, h) + 2 * u / h**2,
        "by h², not by h": lambda u, h: right(u, h) * h,
        "is missing": lambda u, h: right(u, 1.0),
        "should have shape": lambda u, h: right(u, h)[1:-1, 1:-1],
        "count as zero": lambda u, h: right(np.pad(u, 1), h)[1:-1, 1:-1],
        "edges are closed": lambda u, h: right(np.pad(u, 1, mode="edge"), h)[1:-1, 1:-1],
    })


def test_largest_step(answers):
    assert_exercise(ex.check_largest_step, answers["largest_step"], {
        "enters squared": lambda D, h, ndim: h / (2 * ndim * D),
        "to −1, not to −3": lambda D, h, ndim: h**2 / (ndim * D),
        "not only to 0": lambda D, h, ndim: h**2 / (4 * ndim * D),
        "two dimensions only": lambda D, h, ndim: h**2 / (4 * D),
        "one dimension only": lambda D, h, ndim: h**2 / (2 * D),
        "denominator": lambda D, h, ndim: h**2 * D / (2 * ndim),
    })


def test_makes_patterns(answers):
    def parts(J, Du, Dv):
        det, mixed = np.linalg.det(J), Dv * J[0, 0] + Du * J[1, 1]
        return np.trace(J) < 0, det > 0, mixed > 0, mixed**2 > 4 * Du * Dv * det

    assert_exercise(ex.check_makes_patterns, answers["makes_patterns"], {
        "says no to every": lambda J, Du, Dv: False,
        "says yes to every": lambda J, Du, Dv: True,
        "the trace": lambda J, Du, Dv: all(parts(J, Du, Dv)[1:]),
        "positive k²": lambda J, Du, Dv: all(np.array(parts(J, Du, Dv))[[0, 1, 3]]),
        "must be negative": lambda J, Du, Dv: all(parts(J, Du, Dv)[:3]),
        "paired with f_u": lambda J, Du, Dv: all(parts(J, Dv, Du)),
    })


def test_gray_scott_step(answers):
    lap = answers["laplacian"]

    def step(u, v, F, k, Du, Dv, dt, *, order=2, removal=None, feed=None):
        r = u * v**2 if order == 2 else u**2 * v
        feed = F * (1 - u) if feed is None else feed
        removal = F + k if removal is None else removal
        return u + dt * (Du * lap(u, 1.0) - r + feed), v + dt * (Dv * lap(v, 1.0) + r - removal * v)

    def late(u, v, F, k, Du, Dv, dt):
        new = step(u, v, F, k, Du, Dv, dt)[0]
        return new, v + dt * (Dv * lap(v, 1.0) + new * v**2 - (F + k) * v)

    def in_place(u, v, F, k, Du, Dv, dt):
        new = step(u, v, F, k, Du, Dv, dt)
        u[...], v[...] = new
        return u, v

    assert_exercise(ex.check_gray_scott_step, answers["gray_scott_step"], {
        "with the new u": late,
        "v squared": lambda *a: step(*a, order=1),
        "not at k alone": lambda *a: step(*a, removal=a[3]),
        "feed stops": lambda *a: step(*a, feed=a[2]),
        "exchanged": lambda u, v, F, k, Du, Dv, dt: step(u, v, F, k, Dv, Du, dt),
        "are missing": lambda u, v, F, k, Du, Dv, dt: step(u, v, F, k, 1.0, 1.0, dt),
        "nothing diffuses": lambda u, v, F, k, Du, Dv, dt: step(u, v, F, k, 0.0, 0.0, dt),
        "not at F alone": lambda *a: step(*a, removal=a[2]),
        "in place": in_place,
        "pair": lambda *a: step(*a)[0],
    })
