"""Curves: training histories, bounds beside measurements, spreads over seeds, labelled reference lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from dlhelpers import checks
from dlhelpers.plotting import style

#: What a shaded band may show around the middle of several runs.
BANDS = ("range", "sd", "se", "quartiles")


def line(ax: Axes, y: Any, x: Any = None, *, label: str | None = None, color: str | None = None,
         end_label: bool = False, **kwargs: Any) -> Axes:
    """One curve, labelled in a legend or, with ``end_label``, at its last point.

    :param ax: where to draw.
    :param y: values, shape (n,).
    :param x: abscissae, shape (n,), default 0..n-1.
    :param label: name of the curve.
    :param color: default: the next of the cycle.
    :param end_label: write the name at the last point.
    :param kwargs: for ``ax.plot``.
    :returns: the Axes.
    :raises ValueError: if the shapes do not fit or values are not finite.
    """
    y = checks.array(y, "y", ndim=1)
    x = np.arange(len(y)) if x is None else checks.array(x, "x", shape=(len(y),))
    (drawn,) = ax.plot(x, y, color=color, label=None if end_label else label, **kwargs)
    if end_label and label:
        style.note(ax, label, (x[-1], y[-1]), (6, 0), color=drawn.get_color())  # type: ignore[arg-type]
    return ax


def bound(ax: Axes, measured: Any, limit: Any, x: Any = None, *, label: str = "measured",
          limit_label: str = "bound", color: str = style.BLUE) -> Axes:
    """A measured curve under (or over) the bound that theory puts on it.

    :param ax: where to draw.
    :param measured: values, shape (n,).
    :param limit: the bound, shape (n,).
    :param x: abscissae, shape (n,), default 0..n-1.
    :param label: of the measured curve.
    :param limit_label: of the bound.
    :param color: of the measured curve.
    :returns: the Axes.
    :raises ValueError: if the shapes do not fit or values are not finite.
    """
    line(ax, limit, x, label=limit_label, color=style.INK, linestyle="--", linewidth=1.6)
    line(ax, measured, x, label=label, color=color)
    ax.legend()
    return ax


def spread(ax: Axes, runs: Any, x: Any = None, *, label: str | None = None, color: str = style.BLUE,
           band: str = "range", end_label: bool = False, **kwargs: Any) -> Axes:
    """The middle of several runs, with a band around it.

    The middle is the median for "range" and "quartiles", the mean for "sd" and "se".

    :param ax: where to draw.
    :param runs: one run a row, shape (n_runs, n).
    :param x: abscissae, shape (n,), default 0..n-1.
    :param label: name of the curve.
    :param color: of curve and band.
    :param band: "range" from the lowest to the highest run, "quartiles", "sd" or "se": one
        standard deviation of the runs, or of their mean, to each side.
    :param end_label: write the name at the last point instead of in the legend.
    :param kwargs: for ``ax.plot``, for instance ``marker="s"``.
    :returns: the Axes.
    :raises ValueError: for an unknown band, shapes that do not fit, values that are not finite.
    """
    runs = checks.array(runs, "runs", ndim=2)
    x = np.arange(runs.shape[1]) if x is None else checks.array(x, "x", shape=(runs.shape[1],))
    middle, low, high = _band(runs, band)
    ax.fill_between(x, low, high, color=color, alpha=0.2, linewidth=0)
    ax.plot(x, middle, color=color, label=None if end_label else label, **kwargs)
    if end_label and label:
        style.note(ax, label, (x[-1], middle[-1]), (7, 0), color=color)
    return ax


def spreads(ax: Axes, groups: Mapping[str, Any], x: Any = None, *, colors: Sequence[str] | None = None,
            band: str = "range", labels: str = "right", every: int | None = None, legend: bool = False,
            **axes: Any) -> Axes:
    """Several groups of runs, each with its own colour, marker and dashes, its name at the end of its curve.

    Names that would overlap are moved apart; so limits and scales are given here, not afterwards.

    :param ax: where to draw.
    :param groups: name -> runs, (n_runs, n), or one run, (n,).
    :param x: abscissae, (n,), for all groups; default 0..n-1.
    :param colors: one for each group; default :data:`style.CYCLE`.
    :param band: see :func:`spread`.
    :param labels: "right" or "left": at which end the names stand.
    :param every: distance between markers in points of the curve; default: about eight markers.
    :param legend: a legend in place of the names at the ends.
    :param axes: for ``ax.set``: ``xlabel=…, ylabel=…, yscale="log", title=…``.
    :returns: the Axes.
    :raises ValueError: if there is no group, colours are missing, shapes do not fit.
    """
    if not groups:
        raise ValueError("groups must hold at least one group")
    checks.one_of(labels, "labels", ("right", "left"))
    colors = style.CYCLE if colors is None else list(colors)
    if len(colors) < len(groups):
        raise ValueError(f"colors must hold one for each of the {len(groups)} groups, got {len(colors)}")
    ends = []
    for k, (name, runs) in enumerate(groups.items()):
        runs = np.atleast_2d(checks.array(runs, f"groups[{name!r}]"))
        at = np.arange(runs.shape[1]) if x is None else x
        step = every or max(1, runs.shape[1] // 8)
        look = {**style.look(k), "color": colors[k], "markevery": step, "markersize": 6}
        spread(ax, runs, at, label=name, band=band, **look)
        end = -1 if labels == "right" else 0
        ends.append((name, float(np.asarray(at)[end]), float(_band(runs, band)[0][end]), colors[k]))
    ax.set(**axes)
    if legend:
        ax.legend()
    else:
        end_labels(ax, ends, side=labels)
    return ax


def end_labels(ax: Axes, ends: Sequence[tuple[str, float, float, str]], *, side: str = "right",
               size: float = 13) -> Axes:
    """Names beside the ends of curves, moved apart where they would overlap.

    On the left, where the axis has its numbers, the names stand inside: the limits make room for them.

    :param ax: its limits and scales must be final.
    :param ends: (name, x, y, colour) for each curve, in data units.
    :param side: "right" or "left" of the points.
    :param size: of the type, in points.
    :returns: the Axes.
    :raises ValueError: for another side.
    """
    checks.one_of(side, "side", ("right", "left"))
    ax.autoscale_view()
    points = 72 / ax.figure.dpi
    if side == "left":
        _make_room(ax, 0.66 * size * max(len(name) for name, *_ in ends) + 14, points)
    heights = np.array([ax.transData.transform((x, y))[1] * points for _, x, y, _ in ends])
    for (name, x, y, color), shift in zip(ends, _apart(heights, 1.25 * size) - heights, strict=True):
        style.note(ax, name, (x, y), (8 if side == "right" else -8, shift), color=color, fontsize=size,
                   ha="left" if side == "right" else "right", va="center")
    return ax


def groups(ax: Axes, values: Mapping[str, Any], *, band: str = "se", factor: float = 1.0,
           colors: Sequence[str] | None = None, numbers: str | None = None, zero: float | None = None,
           **axes: Any) -> Axes:
    """One row for each group: its runs as dots, their middle with an interval.

    :param ax: where to draw.
    :param values: name -> one number for each run (seed), shape (n_runs,); lengths may differ.
    :param band: see :func:`spread`.
    :param factor: the interval is so many bands long; 2 with "se" is about 95 %.
    :param colors: one for each group; default :data:`style.CYCLE`.
    :param numbers: format of the middle, written at the right, for instance ``"{:.1f} %"``; None for none.
    :param zero: where a dashed line marks "no difference"; None for none.
    :param axes: for ``ax.set``.
    :returns: the Axes; the first group is on top.
    :raises ValueError: if there is no group, colours are missing, values are not finite.
    """
    if not values:
        raise ValueError("values must hold at least one group")
    colors = [style.CYCLE[k % len(style.CYCLE)] for k in range(len(values))] if colors is None else list(colors)
    if len(colors) < len(values):
        raise ValueError(f"colors must hold one for each of the {len(values)} groups, got {len(colors)}")
    if zero is not None:
        ax.axvline(checks.number(zero, "zero"), color=style.MUTED, linewidth=1.2, linestyle="--", zorder=0)
    for row, (name, runs) in enumerate(values.items()):
        runs = checks.array(runs, f"values[{name!r}]", ndim=1)
        (middle,), (low,), (high,) = _band(runs[:, None], band)
        reach = [[factor * (middle - low)], [factor * (high - middle)]]
        marker = style.look(row)["marker"]
        ax.plot(runs, np.full(len(runs), row), marker, color=colors[row], alpha=0.45, markersize=5, zorder=2)
        ax.errorbar([middle], [row], xerr=reach, fmt=marker, color=colors[row], markersize=9, capsize=4, zorder=3,
                    markeredgecolor="white")
        if numbers:
            ax.annotate(numbers.format(middle), (1, row), xycoords=("axes fraction", "data"), xytext=(8, 0),
                        textcoords="offset points", va="center", color=colors[row], fontweight="bold")
    ax.set_yticks(range(len(values)), list(values))
    ax.set_ylim(len(values) - 0.5, -0.5)
    ax.grid(axis="y", visible=False)
    ax.set(**axes)
    return ax


def reference(ax: Axes, *, y: float | None = None, x: float | None = None, label: str = "",
              color: str = style.MUTED, linestyle: str = "--", end: bool = True, **kwargs: Any) -> Axes:
    """A line across the axes at a value that matters, with its name on it.

    :param ax: where to draw.
    :param y: height of a horizontal line.
    :param x: place of a vertical line; give one of the two.
    :param label: its name; written above a horizontal line, right of a vertical one.
    :param color: of line and name.
    :param linestyle: as in matplotlib.
    :param end: the name stands at the right end, or at the top; False: at the left end, or at the bottom.
    :param kwargs: for ``axhline`` or ``axvline``.
    :returns: the Axes.
    :raises TypeError: unless exactly one of ``x`` and ``y`` is given.
    """
    if (x is None) == (y is None):
        raise TypeError("give either y, for a horizontal line, or x, for a vertical one")
    look = {"color": color, "linestyle": linestyle, "linewidth": 1.4, "zorder": 1, **kwargs}
    words: dict[str, Any] = {"color": color, "fontsize": 12, "textcoords": "offset points"}
    if y is not None:
        ax.axhline(checks.number(y, "y"), **look)
        ax.annotate(label, (0.99 if end else 0.01, y), xycoords=("axes fraction", "data"), xytext=(0, 3),
                    ha="right" if end else "left", va="bottom", **words)
    else:
        ax.axvline(checks.number(x, "x"), **look)
        ax.annotate(label, (x, 0.98 if end else 0.02), xycoords=("data", "axes fraction"), xytext=(5, 0),
                    ha="left", va="top" if end else "bottom", **words)
    return ax


def slope_triangle(ax: Axes, x: float, y: float, slope: float, width: float = 3.0,
                   color: str = style.MUTED) -> Axes:
    """A small triangle that shows a slope on log-log axes, its corner at (x, y).

    :param ax: log-log axes.
    :param x: abscissa of the corner.
    :param y: ordinate of the corner.
    :param slope: exponent of the power law.
    :param width: the triangle ends at ``width * x``.
    :param color: of lines and number.
    :returns: the Axes.
    """
    x2, y2 = x * width, y * width**slope
    ax.plot([x, x2, x2, x], [y, y, y2, y], color=color, linewidth=1.4)
    style.note(ax, f"slope {slope:g}", (x2, np.sqrt(y * y2)), (6, 0), color=color, bold=False, fontsize=12)
    return ax


def _band(runs: np.ndarray, band: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Middle, lower and upper end over the rows of ``runs``."""
    checks.one_of(band, "band", BANDS)
    if band == "range":
        return np.median(runs, 0), runs.min(0), runs.max(0)
    if band == "quartiles":
        low, middle, high = np.percentile(runs, [25, 50, 75], axis=0)
        return middle, low, high
    if len(runs) < 2:
        raise ValueError(f"band {band!r} needs at least two runs, got {len(runs)}")
    width = runs.std(0, ddof=1) / (np.sqrt(len(runs)) if band == "se" else 1.0)
    return runs.mean(0), runs.mean(0) - width, runs.mean(0) + width


def _make_room(ax: Axes, needed: float, points: float) -> None:
    """Move the left limit so that ``needed`` points of the width are free."""
    share = min(0.6, needed / (ax.bbox.width * points))
    scale = ax.xaxis.get_transform()
    low, high = scale.transform(np.array(ax.get_xlim()))
    ax.set_xlim(left=float(scale.inverted().transform(np.array([high - (high - low) / (1 - share)]))[0]))


def _apart(heights: np.ndarray, gap: float) -> np.ndarray:
    """The nearest places (least squares) in the same order that are at least ``gap`` apart."""
    order = np.argsort(heights, kind="stable")
    # Without the gaps the places must only not decrease: neighbours that do are averaged together.
    blocks: list[list[float]] = []
    for k, h in enumerate(heights[order]):
        blocks.append([h - k * gap, 1.0])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, count = blocks.pop()
            blocks[-1] = [(blocks[-1][0] * blocks[-1][1] + mean * count) / (blocks[-1][1] + count),
                          blocks[-1][1] + count]
    flat = np.concatenate([np.full(int(count), mean) for mean, count in blocks])
    placed = np.empty_like(heights)
    placed[order] = flat + gap * np.arange(len(heights))
    return placed
