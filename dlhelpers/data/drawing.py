"""A drawn digit, prepared exactly as the shipped digits were.

Those were normalised by the programs of the National Institute of Standards and Technology: made
20 pixels wide and 32 high in the middle of a bitmap of 32 x 32, their lines thickened or thinned
until they hold the same amount of ink.  Counting the ink in blocks of 4 x 4 gave 8 x 8 numbers
from 0 to 16, and resampling 28 x 28 pixels (``data/make_digits.py``).  A net that was trained on
them has never seen a digit that is small, thin, or in a corner: what is drawn must go the same way.
Strokes are lines (n, 2) of points x, y in any unit; y grows downwards.

Source: M. D. Garris et al., NIST form-based handprint recognition system, NISTIR 5469, 1994;
the widths, heights and the ink were measured on the shipped digits.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dlhelpers import checks

#: Sides of the bitmap, of the table of counts, and of the picture.
BITMAP, COUNTS, SIDE = 32, 8, 28
#: Pixels are stored as whole numbers 0..LEVELS.  The source has 17 levels, so 65
#: lose nothing that was measured; 64ths are exact in float32, and the file is a
#: third smaller than with 255.
LEVELS = 64
#: Width and height that a digit is stretched to, in pixels of the bitmap; how much wider than high at most.
BOX, STRETCH = (20.0, 32.0), 1.25
#: Mean share of the bitmap that is ink in the 1 797 shipped digits.
INK = 0.305


def cubic_convolution(distance: np.ndarray, a: float = -0.5) -> np.ndarray:
    """Interpolation kernel of cubic convolution.

    :param distance: from the place that is asked for, in pixels, any shape.
    :param a: slope at distance 1.
    :returns: weights of the same shape.

    Source: R. Keys, Cubic convolution interpolation, 1981, equation 4, with a = -1/2.
    """
    t = np.abs(distance)
    near = (a + 2) * t**3 - (a + 3) * t**2 + 1
    far = a * (t**3 - 5 * t**2 + 8 * t - 4)
    return np.where(t < 1, near, np.where(t < 2, far, 0.0))


def resampling_matrix(old: int, new: int) -> np.ndarray:
    """M (new, old), so that M @ image @ M.T has ``new`` pixels a side.

    Pixels are areas: pixel i has its centre at i + 1/2.  Beyond the rim the
    outermost pixel is repeated.

    :param old: pixels a side before.
    :param new: pixels a side afterwards.
    :returns: the matrix, (new, old).
    :raises TypeError: if one is no integer.
    :raises ValueError: if one is below 1.
    """
    old, new = checks.integer(old, "old", at_least=1), checks.integer(new, "new", at_least=1)
    M = np.zeros((new, old))
    for i in range(new):
        centre = (i + 0.5) * old / new - 0.5
        for j in range(int(np.floor(centre)) - 1, int(np.floor(centre)) + 3):
            M[i, min(max(j, 0), old - 1)] += cubic_convolution(np.array(centre - j))
    return M


def enlarge(counts: np.ndarray) -> np.ndarray:
    """Counts of ink, as the source has them, as whole numbers on 28 x 28 pixels.

    :param counts: (..., 8, 8), from 0 to 16.
    :returns: (..., 28, 28), uint8 from 0 to 64.
    :raises TypeError: if they are no numbers.
    :raises ValueError: for another shape, or counts out of range.
    """
    counts = checks.array(counts, "counts")
    if counts.shape[-2:] != (COUNTS, COUNTS):
        raise ValueError(f"counts must have shape (..., {COUNTS}, {COUNTS}), got {counts.shape}")
    if counts.min() < 0 or counts.max() > 16:
        raise ValueError(f"counts must lie from 0 to 16, got {counts.min():g} to {counts.max():g}")
    M = resampling_matrix(COUNTS, SIDE)
    fine = np.clip(M @ (counts / 16) @ M.T, 0, 1)
    # Rounding to nine digits first: the last bit of a product depends on the machine.
    return np.floor(np.round(LEVELS * fine, 9) + 0.5).astype(np.uint8)


def count(bitmap: np.ndarray) -> np.ndarray:
    """Ink in blocks of 4 x 4 pixels.

    :param bitmap: (32, 32), booleans.
    :returns: (8, 8), from 0 to 16.
    :raises ValueError: for another shape, or numbers.
    """
    bitmap = np.asarray(bitmap)
    if bitmap.shape != (BITMAP, BITMAP) or bitmap.dtype != bool:
        raise ValueError(f"bitmap must hold {BITMAP} x {BITMAP} booleans, got shape {bitmap.shape}, {bitmap.dtype}")
    block = BITMAP // COUNTS
    return bitmap.reshape(COUNTS, block, COUNTS, block).sum((1, 3))  # (8, 4, 8, 4) -> (8, 8)


def prepare(strokes: Sequence[np.ndarray], *, ink: float = INK) -> np.ndarray:
    """What is drawn as 28 x 28 pixels, the way the shipped digits were made.

    :param strokes: lines (n, 2); nothing drawn gives an empty picture.
    :param ink: share of the bitmap that lines cover; the shipped digits' by default.
    :returns: (28, 28), float32 in [0, 1] in steps of 1/64.
    :raises TypeError: if a stroke does not hold numbers.
    :raises ValueError: if a stroke has another shape, or ``ink`` is not in (0, 1).
    """
    strokes = _checked(strokes)
    ink = checks.between(ink, "ink", 0, 1, closed="neither")
    if not strokes:
        return np.zeros((SIDE, SIDE), np.float32)
    # The pen that leaves the wanted ink, to a tenth of a pixel.
    thin, thick = 0.5, 20.0
    while thick - thin > 0.1:
        pen = (thin + thick) / 2
        found = drawn(_boxed(strokes, pen), BITMAP, pen)
        thin, thick = (pen, thick) if found.mean() < ink else (thin, pen)
    return enlarge(count(drawn(_boxed(strokes, thick), BITMAP, thick))).astype(np.float32) / LEVELS


def shrink(strokes: Sequence[np.ndarray], *, pen: float = 0.06) -> np.ndarray:
    """What is drawn on a unit square, made smaller and nothing else.

    :param strokes: lines (n, 2) on [0, 1] x [0, 1]; nothing drawn gives an empty picture.
    :param pen: width of the line, as a share of the square.
    :returns: (28, 28), float32 in [0, 1].
    :raises TypeError: if a stroke does not hold numbers.
    :raises ValueError: if a stroke has another shape, or the pen is not positive.
    """
    strokes, pen, fine = _checked(strokes), checks.positive(pen, "pen"), 4 * SIDE
    if not strokes:
        return np.zeros((SIDE, SIDE), np.float32)
    found = drawn([stroke * fine for stroke in strokes], fine, pen * fine)
    return found.reshape(SIDE, 4, SIDE, 4).mean((1, 3)).astype(np.float32)  # (28, 4, 28, 4) -> (28, 28)


def drawn(strokes: Sequence[np.ndarray], side: int, pen: float) -> np.ndarray:
    """Which pixels of a square have their middle under a round pen that follows the strokes.

    :param strokes: lines (n, 2) of points x, y in pixels of the square.
    :param side: pixels a side.
    :param pen: width in pixels.
    :returns: (side, side), booleans.
    """
    centre = (np.arange(side) + 0.5).astype(np.float32)
    near = np.full((side, side), np.inf, np.float32)
    for stroke in strokes:
        start = stroke[:-1] if len(stroke) > 1 else stroke
        along = np.diff(stroke, axis=0) if len(stroke) > 1 else np.zeros_like(stroke)
        (x, y), (a, b) = start.T.astype(np.float32), along.T.astype(np.float32)
        right, down = centre[None, :, None] - x, centre[:, None, None] - y  # (1, side, segments), (side, 1, segments)
        share = np.clip((right * a + down * b) / np.maximum(a * a + b * b, 1e-12), 0, 1)
        near = np.minimum(near, ((right - share * a) ** 2 + (down - share * b) ** 2).min(2))
    return near <= (pen / 2) ** 2


def examples() -> list[list[np.ndarray]]:
    """The ten digits, each as somebody might draw it on a unit square.

    :returns: for each digit its strokes (n, 2).
    """
    return [
        [_arc(0.5, 0.5, 0.21, 0.32, -90, 275)],
        [_line((0.38, 0.32), (0.53, 0.17), (0.52, 0.84))],
        [np.vstack([_arc(0.48, 0.34, 0.19, 0.17, -170, 50), _line((0.6, 0.47), (0.27, 0.82), (0.74, 0.81))])],
        [np.vstack([_arc(0.46, 0.33, 0.19, 0.16, -150, 88), _arc(0.46, 0.66, 0.22, 0.18, -88, 150)])],
        [_line((0.55, 0.16), (0.25, 0.6), (0.78, 0.58)), _line((0.6, 0.4), (0.59, 0.86))],
        [np.vstack([_line((0.36, 0.19), (0.32, 0.48)), _arc(0.48, 0.63, 0.22, 0.19, -135, 150)]),
         _line((0.36, 0.19), (0.7, 0.17))],
        [np.vstack([_arc(0.66, 0.55, 0.36, 0.38, -100, -190), _arc(0.49, 0.67, 0.19, 0.17, 170, 530)])],
        [_line((0.27, 0.2), (0.72, 0.19), (0.44, 0.85)), _line((0.36, 0.52), (0.68, 0.51))],
        [np.vstack([_arc(0.5, 0.33, 0.17, 0.16, 80, -270), _arc(0.5, 0.67, 0.21, 0.18, -90, 280)])],
        [np.vstack([_arc(0.5, 0.34, 0.19, 0.17, 10, -350), _line((0.69, 0.36), (0.66, 0.6), (0.55, 0.85))])],
    ]


def _arc(x: float, y: float, width: float, height: float, start: float, end: float) -> np.ndarray:
    """A piece of an ellipse, angles in degrees from the right, clockwise on the screen: (25, 2)."""
    t = np.radians(np.linspace(start, end, 25))
    return np.stack([x + width * np.cos(t), y + height * np.sin(t)], 1)


def _line(*corners: tuple[float, float]) -> np.ndarray:
    return np.array(corners)


def _boxed(strokes: Sequence[np.ndarray], pen: float) -> list[np.ndarray]:
    """Stretched so that the pen's outer edge touches the box, which stands in the middle of the bitmap."""
    points = np.vstack(strokes)
    low, extent = points.min(0), np.maximum(np.ptp(points, axis=0), 1e-9)
    width, height = np.maximum(np.array(BOX) - pen, 0.1) / extent
    # A one or a flat line has hardly any width (or height) to be stretched.
    scale = np.array([min(width, STRETCH * height), min(height, 2 * width)])
    return [_thinned(BITMAP / 2 + (stroke - low - extent / 2) * scale) for stroke in strokes]


def _thinned(stroke: np.ndarray, gap: float = 1.0) -> np.ndarray:
    """Without points that lie nearer than a pixel to the one before: a mouse reports hundreds."""
    kept = [stroke[0]]
    for point in stroke[1:-1]:
        if abs(point - kept[-1]).max() >= gap:
            kept.append(point)
    return np.array([*kept, stroke[-1]] if len(stroke) > 1 else kept)


def _checked(strokes: Sequence[np.ndarray]) -> list[np.ndarray]:
    return [checks.array(stroke, f"strokes[{k}]", shape=(None, 2)).astype(float) for k, stroke in enumerate(strokes)]
