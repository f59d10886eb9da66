"""Artists that are quick to move: finished pixels, and words that are drawn once.

An image in axes is resampled at every draw, and text is laid out glyph by glyph; these two
hand finished pixels to the renderer.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from dlhelpers.plotting import style


class Pixels(Artist):
    """A picture that fills its axes, pixel by pixel.

    :param ax: the axes; the picture should have as many pixels as their box.
    :param zorder: as for every artist.
    """

    def __init__(self, ax: Axes, zorder: float = 1.0) -> None:
        super().__init__()
        self._picture = np.full((1, 1, 3), 255, np.uint8)
        self.set_zorder(zorder)
        self.set_in_layout(False)
        ax.add_artist(self)

    def set_data(self, picture: np.ndarray) -> None:
        """The picture to show.

        :param picture: (height, width, 3) uint8, first row on top.
        """
        self._picture = picture
        self.stale = True

    def draw(self, renderer: RendererBase) -> None:
        """Hand the pixels over; where the axes have another size, the nearest pixels.

        :param renderer: matplotlib's.
        """
        if not self.get_visible() or self.axes is None:
            return
        box = self.axes.bbox
        picture, size = self._picture, (int(box.height), int(box.width))
        if picture.shape[:2] != size:
            rows, columns = (np.arange(n) * have // n for n, have in zip(size, picture.shape[:2], strict=True))
            picture = picture[rows][:, columns]
        opaque = np.full((*picture.shape[:2], 4), 255, np.uint8)
        opaque[..., :3] = picture[::-1]
        context = renderer.new_gc()
        renderer.draw_image(context, int(box.x0), int(box.y0), opaque)
        context.restore()
        self.stale = False


class Words(Artist):
    """A short text at a point, drawn once for each wording.

    :param ax: axes whose data coordinates the place is in.
    :param size: in points.
    :param color: of the letters.
    :param weight: "normal" or "bold".
    :param ha: which side of the text stands at the place: "left", "center" or "right".
    :param va: likewise: "top", "center" or "bottom".
    :param halo: a white edge, for letters on pictures.
    :param clip: drawn only where the place lies within the axes; otherwise within the figure.
    :param zorder: as for every artist.
    """

    def __init__(self, ax: Axes, *, size: float = 12, color: str = style.INK, weight: str = "normal",
                 ha: str = "center", va: str = "center", zorder: float = 8.0, halo: bool = False,
                 clip: bool = False) -> None:
        super().__init__()
        self._look = size, color, weight, halo
        self._text, self._place, self._ha, self._va, self._clip = "", (0.0, 0.0), ha, va, clip
        self.set_zorder(zorder)
        self.set_in_layout(False)
        ax.add_artist(self)

    def set_text(self, text: str) -> None:
        """What to write.

        :param text: may hold line breaks.
        """
        self._text = text
        self.stale = True

    def get_text(self) -> str:
        """What is written.

        :returns: the text.
        """
        return self._text

    def set_position(self, place: Any, ha: str | None = None) -> None:
        """Where to write.

        :param place: x and y in data coordinates; nothing is drawn where one is not finite.
        :param ha: which side of the text stands there; None: as before.
        """
        self._place, self._ha = (float(place[0]), float(place[1])), ha or self._ha
        self.stale = True

    def draw(self, renderer: RendererBase) -> None:
        """Hand the finished letters over.

        :param renderer: matplotlib's.
        """
        if not (self._text and self.get_visible() and np.isfinite(self._place).all()) or self.axes is None:
            return
        letters = self._pixels()
        x, y = self.axes.transData.transform(self._place)
        if not (self.axes.bbox if self._clip else self.axes.figure.bbox).contains(x, y):
            return
        height, width = letters.shape[:2]
        right, up = self._offset()
        x, y = x + right, y + up
        x -= {"left": 0, "center": width / 2, "right": width}[self._ha]
        y -= {"bottom": 0, "center": height / 2, "top": height}[self._va]
        context = renderer.new_gc()
        renderer.draw_image(context, round(x), round(y), letters[::-1])
        context.restore()
        self.stale = False

    def _offset(self) -> tuple[float, float]:
        return 0.0, 0.0

    def _pixels(self) -> np.ndarray:
        return _letters(self._text, *self._look)


class Numbers(Words):
    """A line of figures that changes at every update: put together from characters, each drawn once.

    :param ax: axes whose data coordinates the place is in.
    :param shift: pixels to the right and up from the place.
    :param paper: stands on a strip of the background's colour, as a label on a line does.
    :param look: as for :class:`Words`.
    """

    def __init__(self, ax: Axes, *, shift: tuple[float, float] = (0.0, 0.0), paper: bool = False, **look: Any) -> None:
        super().__init__(ax, **look)
        self._shift, self._paper = shift, paper

    def _offset(self) -> tuple[float, float]:
        return self._shift

    def _pixels(self) -> np.ndarray:
        size, color, weight, _ = self._look
        line = np.concatenate([_character(c, size, color, weight) for c in self._text], 1)
        if not self._paper:
            return line
        framed = np.pad(line, ((2, 2), (3, 3), (0, 0)))
        share = framed[..., 3:] / 255.0
        flat = share * framed[..., :3] + (1 - share) * np.array(to_rgb(style.PAPER)) * 255
        return np.concatenate([flat.round(), np.full_like(share, 255)], -1).astype(np.uint8)


@functools.lru_cache(maxsize=1024)
def _character(character: str, size: float, color: str, weight: str) -> np.ndarray:
    """(height, advance, 4) uint8: one character in a cell as high as a digit, so that neighbours share a baseline."""
    with style.context():
        cell = round(1.45 * size * 100 / 72)
        figure = Figure(figsize=(0.04 * size, cell / 100), dpi=100)
        canvas = FigureCanvasAgg(figure)
        figure.patch.set_alpha(0.0)
        drawn = figure.text(0, 0.27, character, fontsize=size, color=color, fontweight=weight, va="baseline")
        canvas.draw()
        advance, _, _ = canvas.get_renderer().get_text_width_height_descent(
            character, drawn.get_fontproperties(), ismath=False)
    pixels = np.array(canvas.buffer_rgba())[:, :max(round(advance), 1)]
    pixels[..., :3][pixels[..., 3] == 0] = 255
    return np.ascontiguousarray(pixels)


@functools.lru_cache(maxsize=512)
def _letters(text: str, size: float, color: str, weight: str, halo: bool) -> np.ndarray:
    """(height, width, 4) uint8: the text on nothing, cut to its letters."""
    with style.context():
        lines = text.split("\n")
        wide = 0.011 * size * max(map(len, lines)) + 0.2
        figure = Figure(figsize=(wide, 0.022 * size * len(lines) + 0.2), dpi=100)
        canvas = FigureCanvasAgg(figure)
        figure.patch.set_alpha(0.0)
        edge = [patheffects.withStroke(linewidth=3, foreground="white")] if halo else None
        figure.text(0.04, 0.96, text, fontsize=size, color=color, fontweight=weight, va="top", path_effects=edge)
        canvas.draw()
    drawn = np.array(canvas.buffer_rgba())
    rows, columns = (np.flatnonzero(drawn[..., 3].any(axis)) for axis in (1, 0))
    return np.ascontiguousarray(drawn[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1]) if len(rows) else drawn[:1, :1]
