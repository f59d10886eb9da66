"""LiveFigure and Explorer: pictures that follow a slider.

A full matplotlib redraw of two panels takes about 0.2 s, too slow to drag a
slider.  A LiveFigure draws everything that stays once, keeps it as a bitmap, and
on each update draws only the artists that move on top of it ("blitting"), then
sends one PNG to an ``ipywidgets.Image``.
"""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import ipywidgets
import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from traitlets import TraitError, Unicode

from dlhelpers.plotting import style
from dlhelpers.widgets import pointer


class Picture(ipywidgets.Image):
    """An image that may have a tooltip: the browser's side asks for a description first, which images lack."""

    description = Unicode("").tag(sync=True)


class LiveFigure:
    """A figure whose moving artists are redrawn alone; on the screen it is as wide as the cell allows.

    :param figsize: inches; at 100 dots an inch, (10, 4.2) is 1000 x 420 pixels.
    :param mouse: ``mouse(kind, ax, x, y)`` is called when the picture is clicked, dragged, touched or scrolled
        over, see :class:`dlhelpers.widgets.pointer.Pointer`.
    :param subplots: passed to ``Figure.subplots`` (``nrows``, ``ncols``, ``width_ratios``, …).
    """

    def __init__(self, figsize: tuple[float, float] = (10.0, 4.2), *,
                 mouse: pointer.Callback | None = None, **subplots: Any) -> None:
        with style.context():
            self.figure = Figure(figsize=figsize, dpi=100, layout="constrained")
            self.canvas = FigureCanvasAgg(self.figure)
            self.axes = self.figure.subplots(**subplots)
        self.image = Picture(format="png", layout=ipywidgets.Layout(max_width="100%"))
        self.widget: ipywidgets.Widget = self.image
        self._moving: list[Artist] = []
        self._background: Any = None
        if mouse is not None:
            width, height = (int(v) for v in self.canvas.get_width_height())
            over = pointer.Pointer(self.image, self.figure, (width, height), mouse)
            self.glass, self.widget = over.glass, over.widget

    def moving(self, *artists: Artist) -> Any:
        """Mark artists as moving.

        :param artists: what ``update`` will change.
        :returns: the artist, or the tuple of them, for assignment.
        """
        for artist in artists:
            artist.set_animated(True)
            self._moving.append(artist)
        self._background = None
        return artists[0] if len(artists) == 1 else artists

    def redraw(self) -> None:
        """Draw everything again: after limits, titles or fixed artists have changed."""
        with style.context():
            self.figure.set_layout_engine("constrained")
            self.canvas.draw()
            # Freeze the layout, so that the background stays valid.
            self.figure.set_layout_engine("none")
        self._background = self.canvas.copy_from_bbox(self.figure.bbox)
        self.refresh()

    def refresh(self) -> None:
        """Draw the moving artists over the kept background and send the picture."""
        if self._background is None:
            self.redraw()
            return
        self.canvas.restore_region(self._background)
        for artist in sorted(self._moving, key=lambda a: a.get_zorder()):
            owner = artist.axes if artist.axes is not None else self.figure
            owner.draw_artist(artist)
        self.image.value = self._png()

    def _png(self) -> bytes:
        # Written by hand: each row minus the one above it, zlib level 1.  Pillow tries five
        # filters on every row, which takes more than twice as long for the same size.
        pixels = np.asarray(self.canvas.buffer_rgba())[..., :3]
        height, width, _ = pixels.shape
        rows = np.empty((height, 1 + 3 * width), np.uint8)
        rows[:, 0] = 2
        flat = pixels.reshape(height, -1)
        rows[0, 1:] = flat[0]
        np.subtract(flat[1:], flat[:-1], out=rows[1:, 1:])
        header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        return b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
            for name, data in ((b"IHDR", header), (b"IDAT", zlib.compress(rows.data, 1)), (b"IEND", b"")))


class Explorer:
    """A picture with named controls.

    A subclass builds ``self.live`` (a LiveFigure), fills ``self.controls`` (name ->
    ipywidget with a ``value``) and, if it has any, ``self.buttons`` (name -> Button),
    calls ``self.connect()`` last, and implements

    * ``update(**values)``: pure computation and ``set_data``; no drawing.  It gets
      the value of every control by name.
    * ``state()``: the numbers that the picture shows, as a flat dict.
    * ``press(name)``: what a button does, if there are buttons.

    ``snapshot()`` returns the static figure, for readers without a kernel; the
    explorer as the last expression of a cell displays itself.  No two explorers
    share anything that one of them changes.
    """

    #: Shown above the controls.
    title: str = ""
    #: What the picture shows, in words; who cannot see it hears this and the numbers of ``state()``.
    alt: str = ""
    #: Whether the picture itself is an output too, so that a stored notebook shows it before it is run.
    stored: bool = False

    live: LiveFigure
    controls: dict[str, ipywidgets.Widget]
    buttons: dict[str, ipywidgets.Button]

    def connect(self) -> None:
        """Wire controls and buttons and draw the first picture."""
        self.buttons = getattr(self, "buttons", {})
        self.note = ipywidgets.HTML()
        self._quiet = False
        for control in self.controls.values():
            control.observe(self._on_change, names="value")
        for name, button in self.buttons.items():
            button.on_click(lambda _, name=name: self._on_press(name))
        self.update(**self.values())
        self.live.redraw()
        self._describe()

    def values(self) -> dict[str, Any]:
        """The present value of every control."""
        return {name: control.value for name, control in self.controls.items()}

    def set(self, **values: Any) -> None:
        """Set several controls, with one update at the end; if one value is refused, nothing changes.

        :param values: control name -> value.
        :raises ValueError: for an unknown control, or a value that a control does not take.
        """
        for name in values:
            if name not in self.controls:
                raise ValueError(f"{type(self).__name__} has no control {name!r}; it has {sorted(self.controls)}")
        before = self.values()
        self._quiet = True
        try:
            for name, value in values.items():
                try:
                    self.controls[name].value = value
                except (TraitError, TypeError, ValueError) as error:
                    raise ValueError(f"control {name!r} does not take {value!r}: {error}") from error
        except ValueError:
            for name in values:
                self.controls[name].value = before[name]
            raise
        finally:
            self._quiet = False
        self._on_change(None)

    def update(self, *_: Any, **values: Any) -> None:
        """Compute for these control values and move the artists; a subclass names its controls.

        :param values: the value of every control, by name.
        """
        raise NotImplementedError

    def state(self) -> dict[str, float]:
        """The numbers that the picture shows."""
        raise NotImplementedError

    def press(self, name: str) -> None:
        """What a button does.

        :param name: its name in ``buttons``.
        """
        raise NotImplementedError

    def _on_change(self, _: Any) -> None:
        if self._quiet:
            return
        self.update(**self.values())
        self.live.refresh()
        self._describe()

    def _on_press(self, name: str) -> None:
        self.press(name)
        self.live.refresh()
        self._describe()

    def _describe(self) -> None:
        """What the picture shows now, as its alternative text: ipywidgets has no ``alt``, a title serves."""
        numbers = ", ".join(f"{name} {value:.4g}" for name, value in self.state().items())
        self.live.image.tooltip = f"{self.alt or self.title}. Now: {numbers}"

    def snapshot(self) -> Figure:
        """The present picture as a static matplotlib figure."""
        return self.live.figure

    def show(self) -> ipywidgets.Widget:
        """Controls above, picture below."""
        title = [ipywidgets.HTML(f"<b style='font-size:1.15em'>{self.title}</b>")] if self.title else []
        rows = ipywidgets.HBox([*self.controls.values(), *self.buttons.values()],
                               layout=ipywidgets.Layout(flex_flow="row wrap"))
        return ipywidgets.VBox([*title, rows, self.live.widget, self.note])

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle = dict(self.show()._repr_mimebundle_(**kwargs))
        bundle["text/plain"] = f"{type(self).__name__}: {self.title}"
        if self.stored:
            bundle["image/png"] = base64.b64encode(self.live.image.value).decode("ascii")
        return bundle


def slider(label: str, value: float, low: float, high: float, step: float | None = None, *,
           log: bool = False, integer: bool = False, readout: str | None = None,
           width: str = "330px") -> ipywidgets.Widget:
    """A slider with a readable label.

    :param label: stands before it, and is its tooltip.
    :param value: where it starts; moved to the nearest mark, as the browser would do.
    :param low: least value.
    :param high: greatest value.
    :param step: distance of neighbouring values; for ``log`` in powers of ten.
    :param log: move in powers of ten between ``low`` and ``high`` (values, not exponents).
    :param integer: take whole numbers.
    :param readout: how the value is written, such as ".2f".
    :param width: of label, slider and number together.
    :returns: an ipywidgets slider.
    """
    common: dict[str, Any] = {
        "description": label, "continuous_update": True, "tooltip": label,
        "style": {"description_width": "initial"}, "layout": ipywidgets.Layout(width=width),
    }
    # The browser moves a handle to the nearest mark: a value between two marks would change when it is shown.
    if integer:
        return ipywidgets.IntSlider(value=int(value), min=int(low), max=int(high), step=int(step or 1), **common)
    if log:
        least, step = float(np.log10(low)), step or 0.02
        power = float(np.log10(value))
        marked = _nearest_mark(power, least, step)
        return ipywidgets.FloatLogSlider(value=value if marked == power else 10.0**marked, base=10, min=least,
                                         max=float(np.log10(high)), step=step, readout_format=readout or ".3g",
                                         **common)
    step = step or (high - low) / 100
    return ipywidgets.FloatSlider(value=_nearest_mark(value, low, step), min=low, max=high, step=step,
                                  readout_format=readout or ".3g", **common)


def _nearest_mark(value: float, low: float, step: float) -> float:
    """The mark of a slider that is nearest; the value itself if it is one, up to rounding."""
    mark = low + round((value - low) / step) * step
    return value if abs(mark - value) < 1e-9 else mark


def choice(label: str, options: list[Any], value: Any = None, width: str = "250px") -> ipywidgets.Dropdown:
    """A drop-down list.

    :param label: stands before it.
    :param options: values, or pairs of text and value.
    :param value: where it starts; default: the first option.
    :param width: of label and list together.
    :returns: an ipywidgets list.
    """
    first = options[0][1] if isinstance(options[0], tuple) else options[0]
    return ipywidgets.Dropdown(options=options, value=first if value is None else value, description=label,
                               tooltip=label, style={"description_width": "initial"},
                               layout=ipywidgets.Layout(width=width))


def button(label: str, icon: str = "", tooltip: str = "") -> ipywidgets.Button:
    """A push button.

    :param label: its text.
    :param icon: a Font Awesome name such as "play".
    :param tooltip: one sentence on what it does.
    :returns: an ipywidgets button.
    """
    return ipywidgets.Button(description=label, icon=icon, tooltip=tooltip, layout=ipywidgets.Layout(width="130px"))


def player(control: ipywidgets.Widget, label: str, *, interval: int = 80, step: int = 1) -> ipywidgets.HBox:
    """A play button that moves a slider; it starts from where the slider stands.

    :param control: an integer slider.
    :param label: says what is played, beside the button.
    :param interval: milliseconds between two values.
    :param step: how far each tick moves the slider.
    :returns: label and button.
    """
    play = ipywidgets.Play(value=control.value, min=control.min, max=control.max, step=step, interval=interval,
                           show_repeat=False, tooltip=label)
    ipywidgets.jslink((play, "value"), (control, "value"))
    return ipywidgets.HBox([ipywidgets.Label(label), play])
