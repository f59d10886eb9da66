"""Linear stability against brute force: eigenvalues, searches, finite differences."""

import numpy as np
import pytest

from dlhelpers.patterns import gray_scott, turing

#: Turing's own numbers, at rest in (1, 1).
TWO_CELLS = turing.Kinetics("Turing 1952", lambda u, v: (5 * u - 6 * v + 1, 6 * u - 7 * v + 1), (1.0, 1.0),
                            np.array([[5.0, -6.0], [6.0, -7.0]]))
ALL = [TWO_CELLS, turing.schnakenberg(0.1, 0.9), turing.schnakenberg(0.05, 1.4),
       turing.gierer_meinhardt(0.1, 1.0), gray_scott.kinetics(0.04, 0.06)]


@pytest.mark.parametrize("kinetics", ALL, ids=lambda k: k.name)
def test_steady_states_rest_and_the_jacobian_is_the_derivative(kinetics):
    u, v = kinetics.steady
    assert np.allclose(kinetics.reaction(u, v), 0, atol=1e-14)
    e = 1e-6
    columns = [(np.array(kinetics.reaction(u + a, v + b)) - kinetics.reaction(u - a, v - b)) / (2 * e)
               for a, b in ((e, 0), (0, e))]
    assert np.allclose(kinetics.jacobian, np.stack(columns, 1), atol=1e-8)
    assert np.allclose(kinetics.jacobian, turing.jacobian(kinetics.reaction, u, v), atol=1e-14)


def random_systems(n=300):
    random = np.random.default_rng(0)
    return [(random.normal(size=(2, 2)) * [[1, 1], [3, 3]], random.uniform(0.1, 2), random.uniform(0.1, 40))
            for _ in range(n)]


def test_growth_rate_is_the_largest_eigenvalue():
    k = np.linspace(0, 4, 15)
    for J, Du, Dv in random_systems(30):
        brute = [np.linalg.eigvals(J - q * q * np.diag([Du, Dv])).real.max() for q in k]
        assert np.allclose(turing.growth_rate(J, Du, Dv, k), brute, atol=1e-10)
        h = 0.3
        grid = 2 * np.sin(k * h / 2) / h
        assert np.allclose(turing.growth_rate(J, Du, Dv, k, h=h), turing.growth_rate(J, Du, Dv, grid), atol=1e-10)


def test_four_conditions_are_stable_alone_and_unstable_together():
    k = np.linspace(0, 12, 6001)
    seen = set()
    for J, Du, Dv in random_systems():
        rates = turing.growth_rate(J, Du, Dv, k)
        if abs(rates.max()) < 1e-4 or abs(rates[0]) < 1e-4:
            continue  # too near the border for a search
        patterned = rates[0] < 0 < rates.max()
        assert all(turing.conditions(J, Du, Dv).values()) == patterned, (J, Du, Dv)
        seen.add(bool(patterned))
        if patterned:
            assert turing.fastest_wavenumber(J, Du, Dv) == pytest.approx(k[rates.argmax()], abs=2e-3)
    assert seen == {True, False}


def test_no_pattern_with_equal_diffusivities():
    assert not any(all(turing.conditions(J, Du, Du).values()) for J, Du, _ in random_systems())


def test_turings_two_cells_sit_on_top_of_the_curve():
    J, exchange = TWO_CELLS.jacobian, np.diag([0.5, 4.5])
    # The difference of two joined cells loses twice the exchange.
    assert np.allclose(np.sort(np.linalg.eigvals(J - 2 * exchange)), [-14, 2])
    assert turing.fastest_wavenumber(J, 0.5, 4.5) == pytest.approx(np.sqrt(2))
    assert turing.growth_rate(J, 0.5, 4.5, np.sqrt(2)) == pytest.approx(2)


@pytest.mark.parametrize("call, match", [
    (lambda: turing.schnakenberg(-0.1, 1), "a must be"),
    (lambda: turing.schnakenberg(0.1, 0), "b must be"),
    (lambda: turing.gierer_meinhardt(0.1, -1), "b must be"),
    (lambda: turing.conditions(np.eye(3), 1, 1), "J must have shape"),
    (lambda: turing.conditions([[np.nan, 0], [0, 1]], 1, 1), "J must be finite"),
    (lambda: turing.growth_rate(np.eye(2), -1, 1, 0.5), "Du must be"),
    (lambda: turing.growth_rate(np.eye(2), 1, 1, np.inf), "k must be finite"),
    (lambda: turing.fastest_wavenumber(ALL[1].jacobian, 1, 1), "four conditions.*mixed"),
    (lambda: gray_scott.steady_states(-0.01, 0.05), "F must be"),
    (lambda: gray_scott.steady_states(0.01, -0.05), "k must be"),
    (lambda: gray_scott.saddle_node(-0.1), "F must be"),
])
def test_bad_arguments_are_named(call, match):
    with pytest.raises(ValueError, match=match):
        call()


@pytest.mark.parametrize("F, k, number", [
    (0.04, 0.055, 3), (0.0367, 0.0649, 1), (0.0625, 0.0624, 3), (0.0625, 0.0626, 1)])
def test_gray_scott_steady_states(F, k, number):
    states = gray_scott.steady_states(F, k)
    assert len(states) == number == (3 if k <= gray_scott.saddle_node(F) else 1)
    for u, v in states:
        assert np.allclose(gray_scott.kinetics(F, k).reaction(u, v), 0, atol=1e-14)
        assert np.allclose(gray_scott.jacobian(u, v, F, k), turing.jacobian(gray_scott.kinetics(F, k).reaction, u, v))
