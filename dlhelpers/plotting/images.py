"""Images: one, a row, a grid; matrices with their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from dlhelpers import checks
from dlhelpers.plotting import style


def _square(image: np.ndarray) -> np.ndarray:
    """A flattened square image gets its two dimensions back."""
    if image.ndim == 1:
        side = int(round(np.sqrt(image.size)))
        if side * side != image.size:
            raise ValueError(f"image must be two-dimensional or a flattened square, got {image.size} pixels")
        image = image.reshape(side, side)
    return image


def show(ax: Axes, image: Any, *, title: str = "", signed: bool = False, **kwargs: Any) -> Axes:
    """One image without ticks.

    :param ax: where to draw.
    :param image: (height, width), (height, width, 3), or a flattened square.
    :param title: above it.
    :param signed: a diverging colour map, centred on zero.
    :param kwargs: for ``ax.imshow``.
    :returns: the Axes.
    :raises ValueError: if a flat image is no square, or holds NaN.
    """
    image = _square(checks.array(image, "image"))
    if image.ndim == 2 and signed:
        limit = float(np.abs(image).max()) or 1.0
        kwargs = {"cmap": style.DIVERGING, "vmin": -limit, "vmax": limit, **kwargs}
    elif image.ndim == 2:
        kwargs = {"cmap": style.IMAGE, **kwargs}
    ax.imshow(image, interpolation="nearest", **kwargs)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.grid(False)
    for side in ax.spines.values():
        side.set_visible(False)
    if title:
        ax.set_title(title, fontsize=12, fontweight="normal", loc="center")
    return ax


def row(axes: Sequence[Axes], images: Any, titles: Sequence[str] = (), **kwargs: Any) -> Sequence[Axes]:
    """Several images side by side, one on each Axes.

    :param axes: as many as images.
    :param images: (n, height, width), (n, height, width, 3), or flattened squares (n, pixels).
    :param titles: one for each image; none by default.
    :param kwargs: for :func:`show`.
    :returns: the Axes.
    :raises ValueError: if the numbers differ, or an image is none.
    """
    titles = list(titles) or [""] * len(images)
    for ax, image, title in zip(axes, images, titles, strict=True):
        show(ax, image, title=title, **kwargs)
    return axes


def mosaic(ax: Axes, images: Any, columns: int = 10, *, gap: int = 2, **kwargs: Any) -> Axes:
    """Many images of one size, tiled into one picture.

    :param ax: where to draw.
    :param images: (n, height, width) or flattened squares (n, pixels).
    :param columns: tiles a row.
    :param gap: between tiles, in pixels.
    :param kwargs: for :func:`show`.
    :returns: the Axes.
    :raises ValueError: if the images are none, or ``columns`` is less than 1.
    """
    tiles = [_square(tile) for tile in checks.array(images, "images")]
    height, width = tiles[0].shape
    rows = -(-len(tiles) // checks.integer(columns, "columns", at_least=1))
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), float(np.min(tiles)))
    for k, tile in enumerate(tiles):
        r, c = divmod(k, columns)
        sheet[r * (height + gap):r * (height + gap) + height, c * (width + gap):c * (width + gap) + width] = tile
    return show(ax, sheet, **kwargs)


def matrix(ax: Axes, values: Any, *, rows: Sequence[str] = (), columns: Sequence[str] = (),
           numbers: str | None = "{:g}", cmap: str = "Blues", **kwargs: Any) -> Axes:
    """A matrix as coloured cells with the numbers written in (confusion matrices, kernels).

    :param ax: where to draw.
    :param values: (rows, columns).
    :param rows: names of the rows; default their numbers.
    :param columns: names of the columns; default their numbers.
    :param numbers: format of an entry; None writes none.
    :param cmap: colour map.
    :param kwargs: for ``ax.imshow``.
    :returns: the Axes.
    :raises ValueError: if ``values`` is not a finite matrix.
    """
    values = checks.array(values, "values", ndim=2)
    drawn = ax.imshow(values, cmap=cmap, aspect=kwargs.pop("aspect", "equal"), **kwargs)
    ax.set_xticks(range(values.shape[1]), list(columns) or [str(j) for j in range(values.shape[1])])
    ax.set_yticks(range(values.shape[0]), list(rows) or [str(i) for i in range(values.shape[0])])
    ax.grid(False)
    if numbers:
        for (i, j), value in np.ndenumerate(values):
            r, g, b, _ = drawn.cmap(drawn.norm(value))
            dark = 0.299 * r + 0.587 * g + 0.114 * b < 0.5
            ax.text(j, i, numbers.format(value), ha="center", va="center", fontsize=10,
                    color="white" if dark else style.INK)
    return ax
