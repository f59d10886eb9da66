r"""Models that assign an energy to every state and fall towards low ones (lectures 05 and 20).

Arrays are float64 numpy.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dlhelpers import checks


class Hopfield:
    r"""A memory of ±1 patterns in symmetric weights, :math:`W = \frac1N\sum_p \xi_p\xi_p^\top`, zero diagonal.

    :param patterns: of ±1, (P, N).
    :raises ValueError: for other numbers, or another number of axes.

    Source: J. J. Hopfield, Neural networks and physical systems with emergent collective
    computational abilities, PNAS 79, 1982.
    """

    def __init__(self, patterns: Any) -> None:
        patterns = checks.array(patterns, "patterns", ndim=2).astype(np.float64)
        if not np.isin(patterns, (-1.0, 1.0)).all():
            raise ValueError("patterns must hold only -1 and +1")
        self.N = patterns.shape[1]
        self.W = patterns.T @ patterns / self.N
        np.fill_diagonal(self.W, 0.0)

    def energy(self, s: Any) -> float:
        r"""The energy :math:`E(s) = -\frac12 s^\top W s`.

        :param s: a state of ±1, (N,).
        :returns: a number.
        :raises ValueError: for another length or other numbers.
        """
        s = self._state(s)
        return float(-0.5 * s @ self.W @ s)

    def recall(self, s: Any, *, seed: int = 0, sweeps: int = 50) -> tuple[np.ndarray, np.ndarray]:
        """Update units one by one, in random order, until none changes.

        :param s: the first state, of ±1, (N,).
        :param seed: for the order of the units.
        :param sweeps: passes over all units at most.
        :returns: the final state (N,), and the energy after each change, first the initial one.
        :raises ValueError: for another length, other numbers, or a count below 1.
        """
        s = self._state(s).copy()
        rng = np.random.default_rng(checks.integer(seed, "seed", at_least=0))
        field, energies = self.W @ s, [self.energy(s)]
        for _ in range(checks.integer(sweeps, "sweeps", at_least=1)):
            changed = False
            for i in rng.permutation(self.N):
                new = 1.0 if field[i] >= 0 else -1.0
                if new != s[i]:
                    energies.append(energies[-1] - (new - s[i]) * field[i])
                    field += self.W[:, i] * (new - s[i])
                    s[i], changed = new, True
            if not changed:
                break
        return s, np.array(energies)

    def _state(self, s: Any) -> np.ndarray:
        s = checks.array(s, "s", shape=(self.N,)).astype(np.float64)
        if not np.isin(s, (-1.0, 1.0)).all():
            raise ValueError("s must hold only -1 and +1")
        return s
