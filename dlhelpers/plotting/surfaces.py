"""Surfaces over a plane: contours, relief in three dimensions, paths on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LightSource, LinearSegmentedColormap, TwoSlopeNorm

from dlhelpers import checks
from dlhelpers.plotting import style


def grid(a: tuple[float, float], b: tuple[float, float], points: int = 101) -> tuple[np.ndarray, np.ndarray]:
    """Coordinate matrices over a rectangle.

    :param a: lower and upper end of the first coordinate.
    :param b: of the second.
    :param points: a side, at least 2.
    :returns: (A, B), each (points, points); rows follow b.
    :raises ValueError: if there are fewer than two points.
    """
    points = checks.integer(points, "points", at_least=2)
    return tuple(np.meshgrid(np.linspace(*a, points), np.linspace(*b, points)))  # type: ignore[return-value]


def evaluate(f: Callable[[Any], Any], a: tuple[float, float], b: tuple[float, float], points: int = 101, *,
             like: Any = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A function of the plane on a grid, ready for :func:`contour`: ``contour(ax, *evaluate(f, a, b))``.

    :param f: takes points (P, 2), returns values (P,) or (P, 1).
    :param a: lower and upper end of the first coordinate.
    :param b: of the second.
    :param points: a side, at least 2.
    :param like: a tensor: ``f`` gets its points as a tensor of that type, on that device; None: as an array.
    :returns: (A, B, values), each (points, points).
    :raises ValueError: if ``f`` returns another number of values.
    """
    A, B = grid(a, b, points)
    flat = np.stack([A, B], -1).reshape(-1, 2)                              # (points², 2)
    values = checks.array(checks.function(f, "f")(_as(flat, like)), "f(points)", finite=False)
    if values.size != len(flat):
        raise ValueError(f"f must return one value for each of the {len(flat)} points, got shape {values.shape}")
    return A, B, values.reshape(A.shape)                                    # (b, a)


def regions(ax: Axes, predict: Callable[[Any], Any], X: Any, y: Any, *, threshold: float = 0.0, soft: bool = False,
            points: int = 201, margin: float = 0.12, names: Sequence[str] = (), colors: Sequence[str] | None = None,
            size: float = 24) -> Axes:
    """Where a classifier says what, with the points that it should tell apart.

    The classes differ in colour and in marker; the border is drawn in ink.

    :param ax: where to draw.
    :param predict: takes points (P, 2), of the kind of ``X``: a tensor on its device, or an array. Returns class
        numbers (P,), or one score a point, (P,) or (P, 1): class 1 above ``threshold``, or scores (P, K): the
        largest wins.
    :param X: points, (n, 2).
    :param y: their labels, (n,): 0..K-1, or -1 and 1.
    :param threshold: of a single score: 0 for a score or logit, 0.5 for a probability.
    :param soft: shade by the score instead of flat colours; a single score only.
    :param points: of the grid, a side.
    :param margin: around the data, as a share of their width.
    :param names: of the classes, for a legend; empty for none.
    :param colors: of the classes; default :data:`style.CYCLE`.
    :param size: of the points' markers.
    :returns: the Axes.
    :raises ValueError: if shapes do not fit or there are more classes than colours.
    """
    at = checks.array(X, "X", shape=(None, 2))
    labels = checks.array(y, "y", shape=(len(at),))
    classes = np.unique(labels)
    numbers = np.searchsorted(classes, labels) if len(classes) == 2 else labels.astype(int)
    low, high = at.min(0), at.max(0)
    room = margin * np.maximum(high - low, 1e-9)
    A, B = grid((low[0] - room[0], high[0] + room[0]), (low[1] - room[1], high[1] + room[1]), points)
    raw = checks.function(predict, "predict")(_as(np.stack([A, B], -1).reshape(-1, 2), X))    # (points², 2)
    score, winner = _decide(raw, A.size, threshold)
    K = int(max(numbers.max(), winner.max())) + 1
    colors = style.CYCLE if colors is None else list(colors)
    if len(colors) < K:
        raise ValueError(f"colors must hold one for each of the {K} classes, got {len(colors)}")
    winner = winner.reshape(A.shape)                                        # (b, a)
    if soft and score is not None:
        # Each side fades over its own range, without the far corners, so that neither pales beside the other.
        below, above = (float(np.percentile(s[s > 0], 90)) if (s > 0).any() else 1.0
                        for s in (threshold - score, score - threshold))
        norm = TwoSlopeNorm(threshold, threshold - below, threshold + above)
        fade = LinearSegmentedColormap.from_list("", [colors[0], style.PAPER, colors[1]])
        ax.pcolormesh(A, B, score.reshape(A.shape), cmap=fade, alpha=0.6, shading="gouraud",     # (b, a)
                      norm=norm)
    else:
        ax.contourf(A, B, winner, levels=np.arange(K + 1) - 0.5, colors=colors[:K], alpha=0.22)
    for k in range(1, K):
        if winner.min() < k <= winner.max():
            ax.contour(A, B, score.reshape(A.shape) if score is not None else winner,            # (b, a)
                       levels=[threshold if score is not None else k - 0.5], colors=style.INK, linewidths=1.4)
    for k in range(K):
        ax.scatter(at[numbers == k, 0], at[numbers == k, 1], s=size, color=colors[k], marker=style.MARKERS[k % 7],
                   edgecolor="white", linewidth=0.6, label=names[k] if k < len(names) else None, zorder=3)
    if names:
        ax.legend()
    ax.grid(False)
    ax.set(xlim=(A.min(), A.max()), ylim=(B.min(), B.max()))
    return ax


def _as(points: np.ndarray, like: Any) -> Any:
    """Points as what ``like`` is: a tensor makes tensors of its type on its device."""
    return like.new_tensor(points) if hasattr(like, "new_tensor") else points


def _decide(raw: Any, count: int, threshold: float) -> tuple[np.ndarray | None, np.ndarray]:
    """(single scores or None, class numbers) of what a classifier returned for ``count`` points."""
    if hasattr(raw, "detach"):
        raw = raw.detach().cpu().numpy()
    raw = np.asarray(raw)
    if raw.shape not in ((count,), (count, 1)) and not (raw.ndim == 2 and len(raw) == count):
        raise ValueError(f"predict must return ({count},) or ({count}, K) values, got shape {raw.shape}")
    if raw.ndim == 2 and raw.shape[1] > 1:
        return None, raw.argmax(1)
    raw = raw.ravel()
    if raw.dtype.kind == "b":
        return None, raw.astype(int)
    if raw.dtype.kind in "iu":
        return None, np.maximum(raw, 0)         # -1 and 1 become 0 and 1
    score = checks.array(raw, "predict(points)")
    return score, (score > threshold).astype(int)


def contour(ax: Axes, a: Any, b: Any, values: Any, *, levels: int = 24, log: bool = False,
            labels: tuple[str, str] = ("", ""), colorbar: str | None = None, cmap: str = style.SEQUENTIAL,
            fill: bool = True) -> Axes:
    """Filled contours of ``values`` over the plane.

    :param ax: where to draw.
    :param a: first coordinate, (n_a,), or a matrix of the shape of ``values``.
    :param b: second coordinate, (n_b,), or a matrix of the shape of ``values``.
    :param values: (n_b, n_a); rows follow ``b``; what is not finite stays blank.
    :param levels: how many.
    :param log: space the levels by powers, for losses over many orders of magnitude.
    :param labels: of the two axes.
    :param colorbar: its label; None draws none.
    :param cmap: colour map.
    :param fill: False draws lines only.
    :returns: the Axes.
    :raises ValueError: if no value is finite, or ``values`` is not a matrix.
    """
    values = checks.array(values, "values", ndim=2, finite=False)
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        raise ValueError("values must hold at least one finite number: the surface diverged everywhere")
    low, high = float(finite.min()), float(finite.max())
    if log:
        floor = max(low, high * 1e-9, 1e-300)
        steps: Any = np.geomspace(floor, max(high, floor * 1.01), levels)
        shown = np.clip(values, floor, None)
    else:
        steps, shown = np.linspace(low, max(high, low + 1e-12), levels), values
    norm = _log_norm(steps) if log else None
    if fill:
        drawn = ax.contourf(a, b, shown, levels=steps, cmap=cmap, norm=norm, extend="max")
    ax.contour(a, b, shown, levels=steps[::2], colors="white" if fill else style.MUTED, linewidths=0.5, alpha=0.55)
    ax.grid(False)
    ax.set_xlabel(labels[0])
    ax.set_ylabel(labels[1])
    if colorbar is not None and fill:
        bar = ax.figure.colorbar(drawn, ax=ax, label=colorbar, shrink=0.95)
        if log:
            from matplotlib.ticker import LogFormatterSciNotation, LogLocator

            bar.locator, bar.formatter = LogLocator(numticks=7), LogFormatterSciNotation()
            bar.update_ticks()
    return ax


def _log_norm(steps: np.ndarray) -> Any:
    from matplotlib.colors import LogNorm

    return LogNorm(steps[0], steps[-1])


def path(ax: Axes, points: Any, *, label: str | None = None, color: str = style.VERMILION,
         markers: bool = True, **kwargs: Any) -> Axes:
    """A path over the plane, from a ring at its start to a dot at its end.

    :param ax: where to draw.
    :param points: (steps, 2); steps that are not finite are left out.
    :param label: for a legend.
    :param color: of the path.
    :param markers: a dot at each step.
    :param kwargs: for ``ax.plot``.
    :returns: the Axes.
    :raises ValueError: if ``points`` has another shape.
    """
    points = checks.array(points, "points", shape=(None, 2), finite=False)
    points = points[np.isfinite(points).all(1)]
    ax.plot(*points.T, color=color, label=label, marker="o" if markers else None, markersize=3.5,
            **{"linewidth": 1.8, **kwargs})
    if len(points):
        ax.plot(*points[0], "o", markersize=9, markerfacecolor="white", markeredgecolor=color, markeredgewidth=2)
        ax.plot(*points[-1], "o", markersize=9, markerfacecolor=color, markeredgecolor="white", markeredgewidth=1.2)
    return ax


def relief(ax: Any, a: Any, b: Any, values: Any, *, cmap: str = style.SEQUENTIAL, azimuth: float = -55,
           elevation: float = 38, labels: tuple[str, str, str] = ("", "", ""), shade: bool = True,
           count: int = 120) -> Any:
    """A shaded surface in three dimensions.

    :param ax: must have ``projection="3d"``.
    :param a: first coordinate, (n_a,), or a matrix of the shape of ``values``.
    :param b: second coordinate, (n_b,), or a matrix of the shape of ``values``.
    :param values: heights, (n_b, n_a).
    :param cmap: colour map.
    :param azimuth: where it is seen from, in degrees.
    :param elevation: where it is seen from, in degrees.
    :param labels: of the three axes.
    :param shade: lit from the upper left; False for flat colours.
    :param count: facets a side at most; sharp creases want more than the default.
    :returns: the Axes.
    :raises ValueError: if ``ax`` is flat or ``values`` is not a finite matrix.
    """
    if not hasattr(ax, "plot_surface"):
        raise ValueError("ax must be three-dimensional: make it with projection='3d'")
    values = checks.array(values, "values", ndim=2)
    if np.ndim(a) == 1:
        a, b = np.meshgrid(a, b)
    import matplotlib

    if shade:
        colours = LightSource(azdeg=315, altdeg=50).shade(values, matplotlib.colormaps[cmap], vert_exag=0.6,
                                                          blend_mode="soft")
        ax.plot_surface(a, b, values, facecolors=colours, rcount=count, ccount=count, linewidth=0,
                        antialiased=False, shade=False)
    else:
        ax.plot_surface(a, b, values, cmap=cmap, rcount=count, ccount=count, linewidth=0, antialiased=False)
    ax.view_init(elev=elevation, azim=azimuth)
    ax.set_xlabel(labels[0])
    ax.set_ylabel(labels[1])
    ax.set_zlabel(labels[2])
    return ax
