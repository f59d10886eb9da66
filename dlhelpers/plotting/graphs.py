"""Computational graphs: nodes with their values, edges with what flows along them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch
from matplotlib.text import Annotation

from dlhelpers.plotting import style

Place = tuple[float, float]


def computation(ax: Axes, places: Mapping[str, Place], edges: Sequence[tuple[str, str]], *,
                above: Mapping[str, str] | None = None, below: Mapping[str, str] | None = None,
                along: Mapping[tuple[str, str], str] | None = None, colors: Mapping[str, str] | None = None,
                size: float = 15) -> Axes:
    """A directed graph of small round boxes.

    :param ax: where to draw.
    :param places: node label -> (x, y) in data units, left to right.
    :param edges: pairs of labels, from the input to what is computed of it.
    :param above: label -> text over the node (values of the forward sweep).
    :param below: label -> text under the node (derivatives of the backward sweep).
    :param along: edge -> text on its middle (local slopes).
    :param colors: label -> fill colour; white by default.
    :param size: of the labels' type, in points.
    :returns: the Axes.
    :raises ValueError: if an edge joins a node that has no place, or ``along`` names no edge.
    """
    missing = {label for edge in edges for label in edge} - set(places)
    if missing:
        raise ValueError(f"edges must join nodes that have a place; unknown: {sorted(missing)}")
    strangers = set(along or {}) - set(edges)
    if strangers:
        raise ValueError(f"along must name edges of the graph; unknown: {sorted(strangers)}")
    for start, end in edges:
        # Wider labels have wider boxes: the arrow must end in front of them.
        ax.add_patch(FancyArrowPatch(places[start], places[end], arrowstyle="-|>", mutation_scale=15,
                                     shrinkA=_radius(start, size), shrinkB=_radius(end, size),
                                     color=style.MUTED, linewidth=1.5, zorder=1))
    for label, (x, y) in places.items():
        fill = (colors or {}).get(label, "white")
        ax.annotate(label, (x, y), ha="center", va="center", fontsize=size, zorder=3,
                    color="white" if fill not in ("white", style.PAPER) else style.INK,
                    bbox={"boxstyle": "round,pad=0.42", "facecolor": fill, "edgecolor": style.INK, "linewidth": 1.3})
    for texts, offset, color in ((above, 23, style.BLUE), (below, -23, style.VERMILION)):
        for label, text in (texts or {}).items():
            ax.annotate(text, places[label], xytext=(0, offset), textcoords="offset points", ha="center",
                        va="center", color=color, fontsize=12.5, fontweight="bold", zorder=4)
    for edge, text in (along or {}).items():
        on_edge(ax, places, edge, text)
    xs, ys = zip(*places.values(), strict=True)
    ax.set_xlim(min(xs) - 0.55, max(xs) + 0.55)
    ax.set_ylim(min(ys) - 0.65, max(ys) + 0.65)
    ax.axis("off")
    return ax


def on_edge(ax: Axes, places: Mapping[str, Place], edge: tuple[str, str], text: str) -> Annotation:
    """A text on the middle of an edge, such as the slope that belongs to it.

    :param ax: where the graph is drawn.
    :param places: node label -> (x, y), as for :func:`computation`.
    :param edge: the labels of its two ends.
    :param text: what to write.
    :returns: the text, so that it can be changed.
    """
    (x0, y0), (x1, y1) = (places[label] for label in edge)
    return ax.annotate(text, ((x0 + x1) / 2, (y0 + y1) / 2), ha="center", va="center", color=style.GREEN, fontsize=11.5,
                       fontweight="bold", zorder=4, bbox={"boxstyle": "round,pad=0.12", "facecolor": style.PAPER,
                                                          "edgecolor": "none"})


def _radius(label: str, size: float) -> float:
    """Half the width of a node's box in points, with a small gap; signs of mathtext take no room."""
    return size * (0.75 + 0.27 * len(re.sub(r"[$_{}\\]", "", label)))
