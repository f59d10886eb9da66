"""One look for every figure: palette, colour maps, fonts that read from the last row.

The palette is Okabe and Ito's (distinct for colour-blind eyes, also in print),
with the yellow left out since it vanishes on white.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import matplotlib as mpl

BLUE, VERMILION, GREEN = "#0072B2", "#D55E00", "#009E73"
PURPLE, ORANGE, SKY = "#CC79A7", "#E69F00", "#56B4E9"
INK, MUTED, GRID, PAPER = "#1F2430", "#6B7280", "#E3E6EB", "#FFFFFF"

#: The order in which curves take their colours.
CYCLE = [BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, INK]

#: Colour maps: perceptually uniform for magnitudes, symmetric for signs, ink for images.
SEQUENTIAL, DIVERGING, IMAGE = "viridis", "RdBu_r", "gray_r"
#: For pictures of patterns, from black to light; also perceptually uniform.
PATTERN = "magma"

RC: dict[str, Any] = {
    "figure.figsize": (9.0, 4.0),
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "axes.prop_cycle": mpl.cycler(color=CYCLE),
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
    """Set the style, for the rest of the session; in a notebook also for inline pictures."""
    mpl.rcParams.update(RC)
    try:
        from IPython import get_ipython
    except ImportError:
        return
    shell = get_ipython()
    if shell is not None and hasattr(shell, "kernel"):
        # The backend stores its rcParams only when pyplot is first shown; ours come later.
        from matplotlib_inline.backend_inline import set_matplotlib_formats
        from matplotlib_inline.config import InlineBackend

        import matplotlib.pyplot  # noqa: F401  (activates the inline backend)

        InlineBackend.instance(parent=shell).rc = {}
        set_matplotlib_formats("png", bbox_inches="tight", metadata={"Software": None})


@contextlib.contextmanager
def context() -> Iterator[None]:
    """The style for the length of a ``with`` block: figures made elsewhere keep theirs."""
    with mpl.rc_context(RC):
        yield


def label_panels(axes: Any) -> None:
    """Write a, b, c … beside the titles of several panels."""
    for letter, ax in zip("abcdefghij", axes):
        ax.text(-0.02, 1.035, letter, transform=ax.transAxes, ha="right", va="bottom",
                fontsize=14, fontweight="bold", color=MUTED)
