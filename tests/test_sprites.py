"""Figures put together from characters: where they stand, and how they look beside matplotlib's own."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from dlhelpers.plotting import style
from dlhelpers.widgets import sprites


def _ink(text, **look):
    """Columns and rows of the picture, counted from its lower left corner, that a line of figures colours."""
    figure = Figure(figsize=(4, 2), dpi=100)
    canvas = FigureCanvasAgg(figure)
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set_axis_off()
    numbers = sprites.Numbers(ax, size=14, color="red", **look)
    numbers.set_position((0.5, 0.5))
    numbers.set_text(text)
    canvas.draw()
    picture = np.array(canvas.buffer_rgba())[::-1]
    rows, columns = np.nonzero(picture[..., 1] < 128)
    return columns, rows, picture


def test_figures_stand_side_by_side_on_one_baseline_where_they_were_put():
    columns, rows, _ = _ink("88")
    assert abs(columns.mean() - 200) < 2 and abs(rows.mean() - 100) < 3
    (one, height, _), (two, same, _) = _ink("8"), _ink("8.8")
    assert np.ptp(two) > 2.2 * np.ptp(one) and abs(np.ptp(same) - np.ptp(height)) <= 1
    moved, up, _ = _ink("88", shift=(30.0, 20.0))
    assert (moved.mean() - columns.mean(), up.mean() - rows.mean()) == pytest.approx((30, 20), abs=0.5)
    exact = _drawn_by_matplotlib("−0.36")
    assert np.ptp(_ink("−0.36")[0]) == pytest.approx(np.ptp(exact), abs=3)


def _drawn_by_matplotlib(text):
    figure = Figure(figsize=(4, 2), dpi=100)
    canvas = FigureCanvasAgg(figure)
    with style.context():
        figure.text(0.3, 0.5, text, fontsize=14, color="red")
        canvas.draw()
    return np.nonzero(np.array(canvas.buffer_rgba())[..., 1] < 128)[1]


def test_figures_on_paper_hide_the_line_behind_them():
    _, _, picture = _ink("8", paper=True)
    corner = picture[100, 200 - 8]
    assert corner[:3].tolist() == [round(255 * c) for c in to_rgb(style.PAPER)] and corner[3] == 255
