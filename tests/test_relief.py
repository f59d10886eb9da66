"""Reliefs: what stands in front hides what is behind, and points land where they are drawn."""

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from dlhelpers.plotting import relief


def hill(at=(0.0, 0.0), n=41):
    t = np.linspace(-1, 1, n)
    a, b = np.meshgrid(t, t)
    return np.exp(-8 * ((a - at[0])**2 + (b - at[1])**2))


def test_a_picture_has_its_size_and_shows_something():
    picture = relief.Relief(hill()).render(200, 150)
    assert picture.shape == (150, 200, 3) and picture.dtype == np.uint8
    covered = (picture != 255).any(2)
    assert 0.2 < covered.mean() < 0.9 and not covered[:, 0].any()


def test_a_point_lands_on_its_own_colour():
    values = np.zeros((41, 41))
    values[30:34, 8:12] = 1.0                   # a block at a = 0.24, b = 0.79
    model = relief.Relief(values, contours=0)
    for azimuth in (0.0, 40.0, -110.0):
        picture = model.render(300, 220, relief.View(azimuth=azimuth, elevation=70, height=0.05))
        x, y, seen = model.project([[9.5 / 40, 31.5 / 40]])
        top = picture[int(y[0]), int(x[0])].astype(int)
        assert seen[0] and top[0] > top[2] + 60, "viridis is yellow at the top"


def test_a_hill_hides_what_stands_behind_it():
    model = relief.Relief(hill(at=(0.0, -0.5)))
    model.render(300, 220, relief.View(azimuth=0, elevation=20, height=0.8))
    _, _, seen = model.project([[0.5, 0.45], [0.5, 0.02], [0.02, 0.45]])
    assert seen.tolist() == [False, True, True]


def test_turning_by_a_full_circle_changes_nothing():
    model = relief.Relief(hill(at=(0.4, 0.1)))
    pictures = [model.render(160, 120, relief.View(azimuth=a)).astype(int) for a in (20.0, 380.0, 200.0)]
    assert np.abs(pictures[0] - pictures[1]).mean() < 0.5 < np.abs(pictures[0] - pictures[2]).mean()


def test_show_draws_the_path():
    matplotlib.use("Agg")
    figure = Figure()
    ax = figure.subplots()
    relief.show(ax, hill(), width=160, height=120, path=[[0.1, 0.1], [0.5, 0.5]])
    assert len(ax.images) == 1 and len(ax.lines) == 4


@pytest.mark.parametrize("values, name", [(np.zeros((5, 5)), "values"), (np.zeros(5), "values"),
                                          (np.full((3, 3), np.nan), "values"),
                                          ([["a"]], "values")])
def test_what_has_no_relief_is_refused(values, name):
    with pytest.raises((ValueError, TypeError), match=name):
        relief.Relief(values)


def test_a_pit_is_darker_than_the_plain_around_it():
    """Shading by open sky: flat ground at the bottom of a pit gets less light than flat ground outside."""
    values = np.ones((81, 81))
    values[34:47, 34:47] = 0.0
    model = relief.Relief(values, contours=0, detail=81, cmap="gray")
    sky = model._openness()
    assert sky[40, 40] < 0.9 and sky[5, 5] == 1.0
    model._base = np.full((81, 81, 3), 0.5, np.float32)       # one colour, so that only the light differs
    light = model.colours(relief.View())[..., 0]
    assert light[40, 40] < 0.97 * light[5, 5]
