"""The Hopfield network against enumeration of all its states."""

import itertools

import numpy as np
import pytest

from dlhelpers.models.energy import Hopfield


def test_hopfield_finds_the_minimum_of_its_energy_by_enumeration():
    rng = np.random.default_rng(0)
    patterns = rng.choice([-1.0, 1.0], size=(1, 10))
    net = Hopfield(patterns)
    energies = {state: net.energy(state) for state in itertools.product([-1.0, 1.0], repeat=10)}
    lowest = min(energies.values())
    final, path = net.recall(patterns[0] * np.array([-1, -1] + [1] * 8))
    assert energies[tuple(final)] == lowest and np.array_equal(final, patterns[0])
    assert (np.diff(path) <= 0).all()
    assert path[-1] == pytest.approx(net.energy(final))


@pytest.mark.parametrize("call, name", [
    (lambda: Hopfield([[0, 1]]), "patterns"),
    (lambda: Hopfield([1, -1]), "patterns"),
    (lambda: Hopfield([[1, -1]]).energy([1, 1, 1]), "s"),
    (lambda: Hopfield([[1, -1]]).recall([1, 0.5]), "s"),
    (lambda: Hopfield([[1, -1]]).recall([1, 1], seed=-1), "seed"),
    (lambda: Hopfield([[1, -1]]).recall([1, 1], sweeps=0), "sweeps"),
])
def test_bad_input_is_named(call, name):
    with pytest.raises((ValueError, TypeError), match=rf"^{name} must"):
        call()
