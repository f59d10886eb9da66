r"""Small sets drawn from a seed: points in the plane with a class, and the lecture's line.

Every function takes ``n`` points in all, the standard deviation ``noise``, and a
``seed`` (a whole number, or a ``torch.Generator`` of the caller's, which moves on);
the global random state is neither used nor changed.  It returns ``X`` (n, 2),
float32, and ``y`` (n,), int64 class labels 0, 1, ..., in random order; the classes
are of equal size, give or take one.  Bad arguments raise ValueError or TypeError
naming the argument.
"""

from __future__ import annotations

import math

import torch

from dlhelpers import checks

Points = tuple[torch.Tensor, torch.Tensor]


def moons(n: int = 400, noise: float = 0.1, seed: int | torch.Generator = 0) -> Points:
    r"""Two half circles of radius 1 that hook into each other.

    .. math:: (\cos t, \sin t) \quad\text{and}\quad (1 - \cos t, \tfrac12 - \sin t), \qquad 0 \le t \le \pi

    :param n: points in all.
    :param noise: standard deviation of what is added to each coordinate.
    :param seed: a whole number, or a ``torch.Generator`` on the CPU, which moves on.
    :returns: X (n, 2), float32, and y (n,), int64.
    :raises ValueError: naming the argument that is out of range.
    """
    rng, y, noise = _start(n, noise, seed, K=2)
    t = math.pi * torch.rand(n, generator=rng)
    lower = y == 1
    X = torch.stack([torch.where(lower, 1 - t.cos(), t.cos()), torch.where(lower, 0.5 - t.sin(), t.sin())], dim=1)
    return _jitter(X, noise, rng), y


def rings(n: int = 400, noise: float = 0.05, seed: int | torch.Generator = 0, *,
          radii: tuple[float, ...] = (0.5, 1.0)) -> Points:
    """Concentric circles about the origin, one class for each.

    :param n: points in all.
    :param noise: standard deviation of what is added to each coordinate.
    :param seed: a whole number, or a ``torch.Generator`` on the CPU, which moves on.
    :param radii: two or more positive numbers.
    :returns: X (n, 2), float32, and y (n,), int64.
    :raises ValueError: naming the argument that is out of range.
    """
    radius = checks.array(radii, "radii", ndim=1)
    if len(radius) < 2 or (radius <= 0).any():
        raise ValueError(f"radii must hold two or more positive numbers, got {radii!r}")
    rng, y, noise = _start(n, noise, seed, K=len(radius))
    r = torch.as_tensor(radius, dtype=torch.float32)[y]
    return _jitter(_polar(r, 2 * math.pi * torch.rand(n, generator=rng)), noise, rng), y


def mixture(n: int = 400, noise: float = 0.1, seed: int | torch.Generator = 0, *, K: int = 8,
            arrangement: str = "ring", scale: float = 2.0) -> Points:
    """K round Gaussians about :func:`centres`; y says which.

    :param n: points in all.
    :param noise: standard deviation of each Gaussian along each axis.
    :param seed: a whole number, or a ``torch.Generator`` on the CPU, which moves on.
    :param K: number of Gaussians.
    :param arrangement: "ring" or "grid", see :func:`centres`.
    :param scale: see :func:`centres`.
    :returns: X (n, 2), float32, and y (n,), int64.
    :raises ValueError: naming the argument that is out of range.
    """
    c = centres(K, arrangement=arrangement, scale=scale)
    rng, y, noise = _start(n, noise, seed, K=K)
    return _jitter(c[y], noise, rng), y


def centres(K: int = 8, *, arrangement: str = "ring", scale: float = 2.0) -> torch.Tensor:
    """Centres of :func:`mixture`.

    :param K: how many.
    :param arrangement: "ring": on the circle of radius ``scale``, anticlockwise from
        (scale, 0); "grid": a square lattice that fills [-scale, scale]², row by row from the
        lower left, for which K must be a square number of at least 4.
    :param scale: radius of the ring, half the side of the grid.
    :returns: (K, 2), float32.
    :raises ValueError: naming the argument that is out of range.
    """
    checks.integer(K, "K", at_least=1)
    checks.one_of(arrangement, "arrangement", ("ring", "grid"))
    scale = checks.positive(scale, "scale")
    if arrangement == "ring":
        return _polar(torch.tensor(scale), 2 * math.pi * torch.arange(K) / K)
    side = math.isqrt(K)
    if side < 2 or side * side != K:
        raise ValueError(f"K must be a square number of at least 4 for a grid, got {K}")
    ticks = torch.linspace(-scale, scale, side)
    return torch.cartesian_prod(ticks, ticks).flip(1)


def blobs(n: int = 200, noise: float = 1.0, seed: int | torch.Generator = 0, *, distance: float = 3.0) -> Points:
    r"""Two round Gaussians, centred at :math:`(\mp d/2, 0)`.

    The best classifier is the sign of the first coordinate; its error is
    :math:`\Phi(-d / (2\,\text{noise}))`, with :math:`\Phi` the normal distribution function.

    :param n: points in all.
    :param noise: standard deviation of what is added to each coordinate.
    :param seed: a whole number, or a ``torch.Generator`` on the CPU, which moves on.
    :param distance: d, between the two centres.
    :returns: X (n, 2), float32, and y (n,), int64.
    :raises ValueError: naming the argument that is out of range.
    """
    distance = checks.positive(distance, "distance")
    rng, y, noise = _start(n, noise, seed, K=2)
    X = torch.stack([distance * (y - 0.5), torch.zeros(n)], dim=1)
    return _jitter(X, noise, rng), y


def separable(n: int = 100, noise: float = 1.0, seed: int | torch.Generator = 0, *, margin: float = 0.5,
              angle: float = 0.5) -> Points:
    r"""Two classes that a line through the origin separates, with a margin that is known.

    With :math:`w = (\cos\text{angle}, \sin\text{angle})` and :math:`s = 2y - 1`,
    :math:`s\,w^\top x \ge` ``margin`` for every point, and no line does better:
    one point of each class lies at :math:`\pm` ``margin`` :math:`w`, so the two
    convex hulls are exactly 2 ``margin`` apart.

    :param n: points in all.
    :param noise: spread of the points along and across :math:`w`.
    :param seed: a whole number, or a ``torch.Generator`` on the CPU, which moves on.
    :param margin: smallest distance of a point from the line.
    :param angle: of :math:`w`, in radians.
    :returns: X (n, 2), float32, and y (n,), int64.
    :raises ValueError: naming the argument that is out of range.
    """
    margin = checks.positive(margin, "margin")
    angle = checks.number(angle, "angle")
    rng, y, noise = _start(n, noise, seed, K=2)
    along, across = noise * torch.randn(2, n, generator=rng, dtype=torch.float64)
    along = along.abs()
    for k in (0, 1):
        members = (y == k).nonzero()[:, 0]
        # Anywhere in the order: a rule that learns point by point must not meet w first.
        closest = int(members[torch.randint(len(members), (1,), generator=rng)])
        along[closest] = across[closest] = 0
    s = 2 * y - 1
    w = torch.tensor([math.cos(angle), math.sin(angle)], dtype=torch.float64)
    X = (s * (margin + along))[:, None] * w + across[:, None] * torch.stack([-w[1], w[0]])
    return X.float(), y


def xor(n: int = 200, noise: float = 0.0, seed: int | torch.Generator = 0) -> Points:
    """Uniform on [-1, 1]²; class 1 where the two coordinates differ in sign.

    :param n: points in all.
    :param noise: standard deviation by which points move after the class is given, so that
        some cross the axes.
    :param seed: a whole number, or a ``torch.Generator`` on the CPU, which moves on.
    :returns: X (n, 2), float32, and y (n,), int64.
    :raises ValueError: naming the argument that is out of range.
    """
    rng, y, noise = _start(n, noise, seed, K=2)
    X = 2 * torch.rand(n, 2, generator=rng) - 1
    # Mirrored into the quadrant that its class needs: the classes stay of equal size.
    X[:, 1] = X[:, 1].abs() * torch.where(X[:, 0] >= 0, 1.0, -1.0) * (1 - 2 * y)
    return _jitter(X, noise, rng), y


def spirals(n: int = 400, noise: float = 0.03, seed: int | torch.Generator = 0, *, K: int = 2,
            turns: float = 1.5) -> Points:
    r"""K arms that wind ``turns`` times around the origin, out to radius 1.

    .. math:: r = t, \quad \varphi = 2\pi\,(\text{turns} \cdot t + k/K), \qquad 0.1 \le t \le 1

    :param n: points in all.
    :param noise: standard deviation of what is added to each coordinate.
    :param seed: a whole number, or a ``torch.Generator`` on the CPU, which moves on.
    :param K: number of arms, two or more.
    :param turns: how often an arm winds around the origin.
    :returns: X (n, 2), float32, and y (n,), int64.
    :raises ValueError: naming the argument that is out of range.
    """
    checks.integer(K, "K", at_least=2)
    turns = checks.positive(turns, "turns")
    rng, y, noise = _start(n, noise, seed, K=K)
    # The square root spreads the points evenly over the length of the arm, nearly.
    t = (0.01 + 0.99 * torch.rand(n, generator=rng)).sqrt()
    return _jitter(_polar(t, 2 * math.pi * (turns * t + y / K)), noise, rng), y


def line(n: int = 21, noise: float = 0.0, seed: int | torch.Generator = 0, *, slope: float = 5.0,
         intercept: float = 2.0, low: float = -10.0, high: float = 10.0) -> Points:
    """``y = slope · x + intercept + noise`` at n evenly spaced x from ``low`` to ``high``.

    The default is the first demo of lecture R: y = 5x + 2 at x = -10, -9, ..., 10.

    :param n: points, two or more.
    :param noise: standard deviation of what is added to y.
    :param seed: a whole number, or a ``torch.Generator`` on the CPU, which moves on.
    :param slope: of the line.
    :param intercept: y at x = 0.
    :param low: smallest x.
    :param high: largest x.
    :returns: X and y in order, both (n, 1) and float32, as a model with one input and one
        output wants them.
    :raises ValueError: naming the argument that is out of range.
    """
    checks.integer(n, "n", at_least=2)
    slope, intercept = checks.number(slope, "slope"), checks.number(intercept, "intercept")
    low, high = checks.number(low, "low"), checks.number(high, "high")
    if high <= low:
        raise ValueError(f"high must be greater than low, got low = {low:g} and high = {high:g}")
    noise = checks.nonnegative(noise, "noise")
    X = torch.linspace(low, high, n, dtype=torch.float64)[:, None]
    y = slope * X + intercept + noise * torch.randn(n, 1, generator=_generator(seed), dtype=torch.float64)
    return X.float(), y.float()


def _generator(seed: int | torch.Generator) -> torch.Generator:
    if isinstance(seed, torch.Generator):
        if seed.device.type != "cpu":
            raise ValueError(f"seed must be a generator on the CPU, got one on {seed.device}")
        return seed
    return torch.Generator().manual_seed(checks.integer(seed, "seed", at_least=0, at_most=2**63 - 1))


def _start(n: int, noise: float, seed: int | torch.Generator, K: int) -> tuple[torch.Generator, torch.Tensor, float]:
    """Check what all functions share; the generator, K balanced classes in random order, the noise."""
    checks.integer(n, "n", at_least=K)
    noise = checks.nonnegative(noise, "noise")
    rng = _generator(seed)
    return rng, torch.randperm(n, generator=rng) % K, noise


def _jitter(X: torch.Tensor, noise: float, rng: torch.Generator) -> torch.Tensor:
    return X + noise * torch.randn(X.shape, generator=rng)


def _polar(r: torch.Tensor, phi: torch.Tensor) -> torch.Tensor:
    return r[..., None] * torch.stack([phi.cos(), phi.sin()], dim=-1)
