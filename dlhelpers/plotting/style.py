"""One look for every figure: palette, colour maps, fonts that read from the last row.

The palette is Okabe and Ito's (distinct for colour-blind eyes, also in print),
with the yellow left out since it vanishes on white.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes

from dlhelpers import checks
from dlhelpers.plotting import descriptions, folding

BLUE, VERMILION, GREEN = "#0072B2", "#D55E00", "#009E73"
PURPLE, ORANGE, SKY = "#CC79A7", "#E69F00", "#56B4E9"
INK, MUTED, GRID, PAPER = "#1F2430", "#6B7280", "#E3E6EB", "#FFFFFF"

#: The order in which curves take their colours.
CYCLE = [BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, INK]

#: Shapes and dashes in the same order: colour is never the only difference.
MARKERS = ["o", "s", "^", "D", "v", "P", "X"]
DASHES: list[Any] = ["-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1)), (0, (1, 1))]

#: Colour maps: perceptually uniform for magnitudes, symmetric for signs, ink for images.
SEQUENTIAL, DIVERGING, IMAGE = "viridis", "RdBu_r", "gray_r"
#: For pictures of patterns, from black to light; also perceptually uniform.
PATTERN = "magma"

RC: Any = {
    "figure.figsize": (9.0, 4.0),
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "axes.prop_cycle": cycler(color=CYCLE),
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 14,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 13,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.9,
    "font.size": 13,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 12,
    "ytick.labelsize": 12,
    "legend.fontsize": 12,
    "legend.frameon": False,
    "lines.linewidth": 2.2,
    "lines.markersize": 7,
    "image.cmap": SEQUENTIAL,
    "savefig.dpi": 100,
    "mathtext.fontset": "dejavusans",
}


def use() -> None:
    """Set the style, for the rest of the session.

    In a notebook also for inline pictures, which then carry alternative texts, and answers stay
    folded (:mod:`dlhelpers.plotting.descriptions`, :mod:`dlhelpers.plotting.folding`).
    """
    mpl.rcParams.update(RC)
    try:
        from IPython import get_ipython
    except ImportError:
        return
    shell = get_ipython()
    if shell is not None and hasattr(shell, "kernel"):
        # The backend stores its rcParams only when pyplot is first shown; ours come later.
        import matplotlib.pyplot  # noqa: F401  (activates the inline backend)
        from matplotlib_inline.backend_inline import set_matplotlib_formats
        from matplotlib_inline.config import InlineBackend

        InlineBackend.instance(parent=shell).rc = {}
        set_matplotlib_formats("png", bbox_inches="tight", metadata={"Software": None})
        descriptions.install(shell)
        folding.install(shell)


def alt(figure: Any, text: str) -> Any:
    """Say what a figure shows to those who do not see it; see :func:`descriptions.alt`.

    :param figure: the figure.
    :param text: a sentence.
    :returns: the figure.
    :raises TypeError: if ``text`` is not a string or ``figure`` not a figure.
    :raises ValueError: if ``text`` is empty.
    """
    return descriptions.alt(figure, text)


def look(number: int, *, line: bool = True) -> dict[str, Any]:
    """Colour, marker and dashes of the n-th group: a figure stays readable without its colours.

    :param number: 0, 1, 2, …; after seven the colours come again.
    :param line: with dashes; False for markers alone.
    :returns: keyword arguments of ``ax.plot``.
    :raises ValueError: if ``number`` is negative.
    """
    k = checks.integer(number, "number", at_least=0) % len(CYCLE)
    return {"color": CYCLE[k], "marker": MARKERS[k], "linestyle": DASHES[k] if line else "none"}


@contextlib.contextmanager
def context() -> Iterator[None]:
    """The style for the length of a ``with`` block: figures made elsewhere keep theirs."""
    with mpl.rc_context(RC):
        yield


def label_panels(axes: Any) -> None:
    """Write a, b, c … beside the titles of several panels.

    :param axes: the panels, in order.
    """
    for letter, ax in zip("abcdefghij", np.ravel(axes), strict=False):
        ax.text(-0.02, 1.035, letter, transform=ax.transAxes, ha="right", va="bottom",
                fontsize=14, fontweight="bold", color=MUTED)


def note(ax: Axes, text: str, at: Any, offset: tuple[float, float] = (8, 0), *, color: str = INK,
         arrow: bool = False, bold: bool = True, **kwargs: Any) -> Axes:
    """A few words beside a point, on the side that ``offset`` says, set flush towards the point.

    :param ax: where to draw.
    :param text: the words.
    :param at: the point (x, y), in data units.
    :param offset: from the point to the words, in points: (8, 0) is right of it, (0, -12) below.
    :param color: of the words and the arrow.
    :param arrow: draw one, from the words to the point.
    :param bold: heavy type.
    :param kwargs: for ``ax.annotate``.
    :returns: the Axes.
    :raises ValueError: if ``at`` or ``offset`` is not two finite numbers.
    """
    x, y = checks.array(at, "at", shape=(2,))
    dx, dy = checks.array(offset, "offset", shape=(2,))
    # The larger part of the offset says on which side the words stand.
    ha = "center" if abs(dx) * 2 < abs(dy) else "left" if dx >= 0 else "right"
    va = "center" if abs(dy) <= abs(dx) * 2 else "bottom" if dy > 0 else "top"
    if arrow:
        kwargs.setdefault("arrowprops", {"arrowstyle": "-|>", "color": color, "linewidth": 1.4})
    ax.annotate(text, (x, y), **{"xytext": (dx, dy), "textcoords": "offset points", "ha": ha, "va": va, "color": color,
                                 "fontweight": "bold" if bold else "normal", "annotation_clip": False, **kwargs})
    return ax
