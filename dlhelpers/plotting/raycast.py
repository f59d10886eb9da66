"""The inner loop of :mod:`dlhelpers.plotting.relief`, compiled: one ray for each column of the picture.

numba is imported at the first picture.  If its cache folder cannot be written, the loops are
compiled anew in each process, a matter of seconds.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any


@functools.cache
def compiled() -> Callable[..., None]:
    """:func:`cast`, compiled.

    :returns: the same function, some hundred times faster.
    """
    import numba

    try:
        return numba.njit(cache=True)(cast)
    except RuntimeError:  # no folder for the cache
        return numba.njit(cast)


def cast(field: Any, shaded: Any, picture: Any, horizon: Any, scale: float, floor: float, azimuth: float,
         elevation: float, tall: float, base: float) -> None:
    """Fill ``picture`` from the front row to the back; what stands in front hides what is behind.

    Every piece of a column that a row shows is spread over its pixels by the share that it covers, so that
    edges are smooth.

    :param field: (n, n) float32, heights in 0..1; rows follow b.
    :param shaded: (n, n, 3) float32, colours in 0..255.
    :param picture: (height, width, 3) uint8, holds the background, first row on top; written.
    :param horizon: (R, width) float32, written: how high the rows up to each one reach, pixels from below, -1 for none.
    :param scale: pixels a side of the field.
    :param floor: screen height of the front corner's ground, pixels.
    :param azimuth: radians.
    :param elevation: radians.
    :param tall: height of the relief as a share of its side.
    :param base: how far the cut faces reach below its ground, likewise.
    """
    n, rows = len(field), len(horizon)
    height, width = picture.shape[0], picture.shape[1]
    cos, sin = math.cos(azimuth), math.sin(azimuth)
    lift, up = scale * math.sin(elevation), scale * math.cos(elevation)
    # The corner nearest to the viewer parts the two cut faces, each with a tone of its own.
    near_a, near_b = (0.5 if sin > 0 else -0.5), (-0.5 if cos > 0 else 0.5)
    corner = (near_a * cos + near_b * sin) * scale + width / 2
    b0, b1, b2 = float(picture[0, 0, 0]), float(picture[0, 0, 1]), float(picture[0, 0, 2])
    for c in range(width):
        x = (c + 0.5 - width / 2) / scale
        column0, row0 = (x * cos + 0.5) * (n - 1), (x * sin + 0.5) * (n - 1)
        top = -1.0                                    # the column is filled from below up to here
        p0 = p1 = p2 = 0.0                            # what the pixel at ``top`` holds already
        for r in range(rows):
            depth = -0.72 + 1.44 * r / (rows - 1)
            column, row = column0 - depth * sin * (n - 1), row0 + depth * cos * (n - 1)
            if column < 0 or column > n - 1 or row < 0 or row > n - 1:
                horizon[r, c] = top
                continue
            i, j = min(int(row), n - 2), min(int(column), n - 2)
            u, v = row - i, column - j
            h = (field[i, j] * (1 - v) + field[i, j + 1] * v) * (1 - u) + (
                field[i + 1, j] * (1 - v) + field[i + 1, j + 1] * v) * u
            ground = floor + lift * (depth + 0.72)
            s = ground + up * tall * h
            if s <= top:
                horizon[r, c] = top
                continue
            wall = top < 0
            if wall:
                top = foot = max(ground - up * base, 0.0)
                share = foot - math.floor(foot)
                p0, p1, p2 = b0 * share, b1 * share, b2 * share
                tone = 1.0 if c <= corner else 0.74
                c0 = c1 = c2 = 0.0
            else:
                foot = tone = 0.0
                w00, w01, w10, w11 = (1 - u) * (1 - v), (1 - u) * v, u * (1 - v), u * v
                c0 = (shaded[i, j, 0] * w00 + shaded[i, j + 1, 0] * w01
                      + shaded[i + 1, j, 0] * w10 + shaded[i + 1, j + 1, 0] * w11)
                c1 = (shaded[i, j, 1] * w00 + shaded[i, j + 1, 1] * w01
                      + shaded[i + 1, j, 1] * w10 + shaded[i + 1, j + 1, 1] * w11)
                c2 = (shaded[i, j, 2] * w00 + shaded[i, j + 1, 2] * w01
                      + shaded[i + 1, j, 2] * w10 + shaded[i + 1, j + 1, 2] * w11)
            while top < s:
                y = int(top)
                end = min(y + 1.0, s)
                if wall:  # the cut face: darker towards its foot
                    fade = tone * (0.62 + 0.38 * (end - foot) / max(s - foot, 1.0))
                    c0, c1, c2 = 128 * fade, 135 * fade, 153 * fade
                share = end - top
                p0, p1, p2 = p0 + c0 * share, p1 + c1 * share, p2 + c2 * share
                top = end
                if end == y + 1.0:
                    if y < height:
                        picture[height - 1 - y, c, 0] = int(min(p0, 255.0))
                        picture[height - 1 - y, c, 1] = int(min(p1, 255.0))
                        picture[height - 1 - y, c, 2] = int(min(p2, 255.0))
                    p0 = p1 = p2 = 0.0
            horizon[r, c] = top
        y = int(top)
        rest = 1 - (top - y)
        if top > 0 and rest < 1 and y < height:
            picture[height - 1 - y, c, 0] = int(min(p0 + b0 * rest, 255.0))
            picture[height - 1 - y, c, 1] = int(min(p1 + b1 * rest, 255.0))
            picture[height - 1 - y, c, 2] = int(min(p2 + b2 * rest, 255.0))
