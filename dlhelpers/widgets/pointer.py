"""Mouse, wheel and touch on a picture: a transparent canvas over it that reports data coordinates.

The canvas scales with the picture, and ipycanvas reports positions in its own pixels,
whatever size it has on the screen; so a click means the same place at every width.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets
from matplotlib.figure import Figure

#: ``callback(kind, ax, x, y)``: kind "down", "move", "up" and "wheel".
Callback = Callable[[str, Any, float, float], None]


class Pointer:
    """Lays a canvas over an image and tells a callback what the mouse does there.

    :param image: the picture, as wide as the cell but no wider than it is.
    :param figure: what the picture shows; its axes find the data coordinates.
    :param size: width and height of the picture in pixels.
    :param callback: ``callback(kind, ax, x, y)``; x and y are data coordinates of ``ax``, except for kind
        "wheel": there they are how far it was turned (positive: down), and ``ax`` is where the mouse last was.
    """

    def __init__(self, image: ipywidgets.Image, figure: Figure, size: tuple[int, int], callback: Callback) -> None:
        from ipycanvas import Canvas

        width, self._height = size
        self._figure, self._callback = figure, callback
        self._over: Any = None
        stretched = {"grid_area": "1 / 1", "width": "100%", "height": "auto", "margin": "0"}
        image.layout = ipywidgets.Layout(**stretched)
        self.glass = Canvas(width=width, height=self._height, layout=ipywidgets.Layout(**stretched))
        self.widget = ipywidgets.GridBox([image, self.glass], layout=ipywidgets.Layout(
            grid_template_columns="minmax(0, 1fr)", width="100%", max_width=f"{width}px"))
        self.glass.on_mouse_down(lambda x, y: self.send("down", x, y))
        self.glass.on_mouse_move(lambda x, y: self.send("move", x, y))
        self.glass.on_mouse_up(lambda x, y: self.send("up", x, y))
        self.glass.on_mouse_out(lambda x, y: self.send("up", x, y))
        self.glass.on_mouse_wheel(self.turn)
        self.glass.on_touch_start(lambda points: self.send("down", *points[0]) if points else None)
        self.glass.on_touch_move(lambda points: self.send("move", *points[0]) if points else None)
        self.glass.on_touch_end(lambda points: self.send("up", *(points[0] if points else (-1, -1))))

    def send(self, kind: str, px: float, py: float) -> None:
        """Report one event.

        :param kind: "down", "move" or "up".
        :param px: pixels of the picture from its left edge.
        :param py: pixels from its upper edge.
        """
        for ax in self._figure.axes:
            if ax.bbox.contains(px, self._height - py):
                self._over = ax
                x, y = ax.transData.inverted().transform((px, self._height - py))
                self._callback(kind, ax, float(x), float(y))
                return
        if kind == "up":  # let go outside of all panels: nothing may be held on to
            self._callback(kind, None, float("nan"), float("nan"))

    def turn(self, dx: float, dy: float) -> None:
        """Report a turn of the wheel.

        :param dx: how far to the right.
        :param dy: how far down.
        """
        if self._over is not None:
            self._callback("wheel", self._over, float(dx), float(dy))
