r"""Is a cloud of points homogeneous?  Three numbers, and what chance makes of them.

Each statistic takes the weight vectors themselves, points (m, d), one neuron a row;
none changes when the cloud is shifted, rotated or rescaled.  A pattern is a value
that fresh standard normal initialisations of the same (m, d) do not reach.  All is float64
numpy on the CPU by nature.

Source: Hopkins and Skellam, "A New Method for Determining the Type of Distribution
of Plant Individuals", Annals of Botany 18 (1954); Clark and Evans, "Distance to
Nearest Neighbor", Ecology 35 (1954); Marchenko and Pastur, Mat. Sb. 72 (1967).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dlhelpers import checks


def squared_distances(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """All squared distances between rows, by one matrix product.

    :param A: (m, d).
    :param B: (k, d).
    :returns: (m, k), none negative.
    """
    squares = (A * A).sum(1)[:, None] + (B * B).sum(1)[None, :] - 2 * A @ B.T
    return np.maximum(squares, 0.0)


def nearest(points: np.ndarray) -> np.ndarray:
    """Distance from each point to its nearest other point.

    :param points: (m, d).
    :returns: (m,).
    """
    squares = squared_distances(points, points)
    np.fill_diagonal(squares, np.inf)
    return np.sqrt(squares.min(1))


def neighbour_spread(points: Any) -> float:
    """Coefficient of variation of the nearest-neighbour distances, std / mean.

    Small for an even cloud; large when some neurons crowd and others stand alone.

    :param points: (m, d), m >= 3.
    :returns: the statistic.
    :raises ValueError: for fewer than three points or when all coincide.
    """
    points = _cloud(points)
    distances = nearest(points)
    if distances.mean() == 0:
        raise ValueError("points must not all coincide: their neighbours are at distance 0")
    return float(distances.std() / distances.mean())


def hopkins(points: Any, seed: int = 0) -> float:
    r"""Hopkins statistic against a Gaussian of the same mean and covariance.

    .. math:: H = \frac{\sum_k u_k}{\sum_k u_k + \sum_k w_k}

    u: from m random points of that Gaussian to the nearest neuron; w: from each neuron
    to its nearest other.  About 1/2 for a Gaussian cloud in a few dimensions, round or
    stretched; towards 1 when the neurons crowd in places.  Uneven lengths raise it too, and so
    does a strong stretch in many dimensions: compare with :class:`Surrogates`.
    (The exponent d of the original, meant for the plane, would overflow in 784 dimensions.)

    :param points: (m, d), m >= 3.
    :param seed: draws the random points.
    :returns: the statistic, in [0, 1].
    :raises ValueError: for fewer than three points.
    """
    points = _cloud(points)
    m = len(points)
    centred = points - points.mean(0)
    # Mixing the centred points with standard normal weights gives exactly their covariance.
    mixing = np.random.default_rng(seed).standard_normal((m, m)) / np.sqrt(m)
    probes = mixing @ centred
    u = np.sqrt(squared_distances(probes, centred).min(1)).sum()
    w = nearest(centred).sum()
    return float(u / (u + w))


def eigenvalues(points: Any) -> np.ndarray:
    """Eigenvalues of the covariance of the points, divided by their mean over all d.

    :param points: (m, d), m >= 3.
    :returns: (min(m, d),), descending.
    :raises ValueError: for fewer than three points.
    """
    points = _cloud(points)
    m, d = points.shape
    centred = points - points.mean(0)
    gram = centred @ centred.T if m < d else centred.T @ centred
    values = np.linalg.eigvalsh(gram)[::-1]
    return values * d / values.sum()


def marchenko_pastur_edges(m: int, d: int) -> tuple[float, float]:
    r"""Where the eigenvalues of m standard normal points in d dimensions lie, :math:`(1 \mp \sqrt{d/m})^2`.

    :param m: points, at least 1.
    :param d: dimensions, at least 1.
    :returns: the lower and the upper edge.
    :raises ValueError: if a count is below 1.
    """
    ratio = np.sqrt(checks.integer(d, "d", at_least=1) / checks.integer(m, "m", at_least=1))
    return float((1 - ratio) ** 2), float((1 + ratio) ** 2)


def marchenko_pastur(x: Any, m: int, d: int) -> np.ndarray:
    r"""Their density among the min(m, d) non-zero eigenvalues.

    .. math:: \rho(x) = \frac{\sqrt{(x_+ - x)(x - x_-)}}{2\pi x \min(1, d/m)}

    :param x: where, of any shape.
    :param m: points.
    :param d: dimensions.
    :returns: the density, of the shape of x, 0 outside the edges.
    :raises ValueError: if a count is below 1.
    """
    low, high = marchenko_pastur_edges(m, d)
    x = np.asarray(x, dtype=float)
    inside = np.clip((high - x) * (x - low), 0, None)
    return np.sqrt(inside) / (2 * np.pi * np.maximum(x, 1e-12) * min(1.0, d / m))


def spectral_excess(points: Any) -> float:
    """Largest eigenvalue over the upper Marchenko-Pastur edge: about 1 for a fresh cloud.

    :param points: (m, d), m >= 3.
    :returns: the statistic.
    :raises ValueError: for fewer than three points.
    """
    points = _cloud(points)
    return float(eigenvalues(points)[0] / marchenko_pastur_edges(*points.shape)[1])


#: name -> statistic; large values speak against homogeneity.
STATISTICS: dict[str, Callable[[Any], float]] = {
    "neighbour spread": neighbour_spread, "Hopkins": hopkins, "spectral excess": spectral_excess}


def measure(points: Any) -> np.ndarray:
    """All statistics of one cloud.

    :param points: (m, d), m >= 3.
    :returns: (3,), in the order of ``STATISTICS``.
    :raises ValueError: for fewer than three points or when all coincide.
    """
    return np.array([statistic(points) for statistic in STATISTICS.values()])


def null(m: int, d: int, samples: int, seed: int = 0) -> np.ndarray:
    """The statistics of fresh standard normal clouds.

    :param m: points, at least 3.
    :param d: dimensions, at least 1.
    :param samples: clouds, at least 1.
    :param seed: of the clouds.
    :returns: (samples, 3), in the order of ``STATISTICS``.
    :raises ValueError: if a count is too small.
    """
    checks.integer(samples, "samples", at_least=1)
    checks.integer(m, "m", at_least=3)
    rng = np.random.default_rng(seed)
    return np.stack([measure(rng.standard_normal((m, checks.integer(d, "d", at_least=1)))) for _ in range(samples)])


class Surrogates:
    r"""Clouds like a given one in mean, covariance and norms, and otherwise Gaussian.

    Islands, and every other arrangement that mean, covariance and the list of distances from the
    mean do not force, are gone.  Each draw starts as a Gaussian cloud of exactly the covariance;
    its points, in the order of their norms, then take over the norms of the given points, and
    the two corrections are repeated in turns, ``rounds`` times.  With more dimensions than
    points they compete, and the covariance is kept to within some tenths: see :meth:`missed`.

    :param points: (m, d), m >= 3; float32 is kept, everything else becomes float64.
    :param rounds: how often both corrections are made, at least 1.
    :raises ValueError: for fewer than three points or when all coincide.

    Source: after the amplitude-adjusted surrogates of Theiler and others, Physica D 58 (1992),
    and Schreiber and Schmitz, Phys. Rev. Lett. 77 (1996), who keep a spectrum and a histogram.
    """

    def __init__(self, points: Any, rounds: int = 4) -> None:
        kept = np.float32 if np.asarray(points).dtype == np.float32 else np.float64
        points = _cloud(points)
        self.rounds = checks.integer(rounds, "rounds", at_least=1)
        self.mean = points.mean(0)
        centred = points - self.mean
        _, lengths, axes = np.linalg.svd(centred, full_matrices=False)
        used = lengths > 1e-6 * lengths[0]
        if not lengths[0] > 0:
            raise ValueError("points must not all coincide: they have no covariance")
        self._axes, self._sizes = axes[used].astype(kept), (lengths[used] / np.sqrt(len(points))).astype(kept)
        self._norms = np.sort(np.linalg.norm(centred, axis=1)).astype(kept)

    def draw(self, seed: int) -> np.ndarray:
        """One surrogate.

        :param seed: of the draw.
        :returns: (m, d).
        """
        return self._coordinates(seed) @ self._axes + self.mean.astype(self._axes.dtype)

    def missed(self, seed: int) -> float:
        """How far the covariance of a draw is from that of the points.

        :param seed: of the draw.
        :returns: Frobenius norm of the difference over that of the covariance.
        """
        points = self._coordinates(seed).astype(np.float64)
        points -= points.mean(0)
        wanted = np.diag(self._sizes.astype(np.float64) ** 2)
        return float(np.linalg.norm(points.T @ points / len(points) - wanted) / np.linalg.norm(wanted))

    def _coordinates(self, seed: int) -> np.ndarray:
        """A draw in the axes of the cloud, (m, r)."""
        m, r = len(self._norms), len(self._sizes)
        rng = np.random.default_rng(checks.integer(seed, "seed", at_least=0))
        z = rng.standard_normal((m, r), dtype=self._axes.dtype)
        z = np.linalg.qr(z - z.mean(0))[0]                                  # (m, r), orthonormal columns
        for _ in range(self.rounds):
            points = float(np.sqrt(m)) * z * self._sizes
            norms = np.linalg.norm(points, axis=1)
            points *= (self._norms[np.argsort(np.argsort(norms))] / norms)[:, None]
            z = (points - points.mean(0)) / (float(np.sqrt(m)) * self._sizes)
            z = 1.5 * z - 0.5 * z @ (z.T @ z)       # Newton's step towards orthonormal columns
        points = float(np.sqrt(m)) * z * self._sizes
        norms = np.linalg.norm(points, axis=1)
        return points * (self._norms[np.argsort(np.argsort(norms))] / norms)[:, None]


def p_value(observed: float, null_values: Any) -> float:
    """Monte Carlo p-value for "larger than chance": (1 + #{null >= observed}) / (1 + samples).

    Never 0: with 499 null samples the smallest possible value is 0.002.

    :param observed: the statistic of the cloud.
    :param null_values: the same statistic of null clouds, (samples,).
    :returns: the p-value.
    :raises ValueError: if something is not finite.
    """
    null_values = checks.array(null_values, "null_values", ndim=1)
    observed = checks.number(observed, "observed")
    return float((1 + (null_values >= observed).sum()) / (1 + len(null_values)))


def _cloud(points: Any) -> np.ndarray:
    points = checks.array(points, "points", ndim=2).astype(np.float64)
    if len(points) < 3:
        raise ValueError(f"points must be at least 3 neurons, got {len(points)}")
    return points
