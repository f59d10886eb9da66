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
    to its nearest other.  About 1/2 for a Gaussian cloud, round or stretched; towards 1
    when the neurons crowd in places, so a stretched cloud alone does not raise it.
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
