"""Plotting: arrays in, Axes out; what is drawn has the numbers, the labels and the shapes it should."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers.plotting import curves, descriptions, graphs, images, style, surfaces


@pytest.fixture
def ax() -> Axes:
    return Figure(figsize=(6, 4), dpi=100).subplots()


def band_of(ax: Axes, k: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper ends of a shaded band, from the polygon."""
    points = ax.collections[k].get_paths()[0].vertices
    xs = np.unique(points[:, 0])
    ends = [points[points[:, 0] == x, 1] for x in xs]
    return np.array([e.min() for e in ends]), np.array([e.max() for e in ends])


def texts(ax: Axes) -> list[str]:
    return [t.get_text() for t in ax.texts]


# curves

def test_a_line_with_its_name_at_its_end(ax: Axes) -> None:
    assert curves.line(ax, [1, 4, 9], [0, 1, 3], label="squares", end_label=True) is ax
    assert ax.lines[0].get_xydata().tolist() == [[0, 1], [1, 4], [3, 9]]
    assert ax.texts[0].xy == (3, 9) and texts(ax) == ["squares"]
    assert ax.texts[0].get_color() == ax.lines[0].get_color() and ax.get_legend_handles_labels()[1] == []
    curves.line(ax, [1, 2], label="plain")
    assert ax.get_legend_handles_labels()[1] == ["plain"] and ax.lines[1].get_xdata().tolist() == [0, 1]


def test_a_bound_is_dashed_ink_over_the_measurement(ax: Axes) -> None:
    curves.bound(ax, [3, 2, 1], [4, 3, 2], label="gap", limit_label="theorem")
    limit, measured = ax.lines
    assert limit.get_ydata().tolist() == [4, 3, 2] and measured.get_ydata().tolist() == [3, 2, 1]
    assert limit.get_linestyle() == "--" and [t.get_text() for t in ax.get_legend().get_texts()] == ["theorem", "gap"]


RUNS = np.array([[1.0, 10.0], [2.0, 30.0], [6.0, 20.0], [3.0, 40.0]])


@pytest.mark.parametrize("band, middle, low, high", [
    ("range", [2.5, 25.0], [1, 10], [6, 40]),
    ("quartiles", [2.5, 25.0], [1.75, 17.5], [3.75, 32.5]),
    ("sd", [3.0, 25.0], [3 - np.sqrt(14 / 3), 25 - np.sqrt(500 / 3)], [3 + np.sqrt(14 / 3), 25 + np.sqrt(500 / 3)]),
    ("se", [3.0, 25.0], [3 - np.sqrt(14 / 12), 25 - np.sqrt(500 / 12)], [3 + np.sqrt(14 / 12), 25 + np.sqrt(500 / 12)]),
])
def test_spreads_show_the_middle_and_the_band(ax: Axes, band: str, middle: list[float], low: list[float],
                                              high: list[float]) -> None:
    curves.spread(ax, RUNS, [1, 2], band=band, label="runs")
    assert ax.lines[0].get_ydata() == pytest.approx(middle) and ax.lines[0].get_xdata().tolist() == [1, 2]
    assert band_of(ax)[0] == pytest.approx(low) and band_of(ax)[1] == pytest.approx(high)
    assert ax.get_legend_handles_labels()[1] == ["runs"]


def test_groups_of_runs_differ_in_more_than_colour(ax: Axes) -> None:
    curves.spreads(ax, {"one": RUNS, "two": RUNS + 100, "three": [1, 2]}, [1, 2], yscale="log", title="Three")
    looks = [(line.get_color(), line.get_marker(), line.get_linestyle()) for line in ax.lines]
    for part in zip(*looks, strict=True):
        assert len(set(part)) == 3
    assert ax.get_yscale() == "log" and texts(ax) == ["one", "two", "three"] and ax.get_title(loc="left") == ""
    assert ax.get_title() == "Three" and [t.xy[0] for t in ax.texts] == [2, 2, 2]


def test_names_that_would_overlap_are_moved_apart(ax: Axes) -> None:
    curves.spreads(ax, {f"group {k}": [0.0, 1.0 + 0.001 * (2 - k)] for k in range(3)} | {"far": [0.0, 9.0]})
    ax.figure.canvas.draw()
    boxes = sorted((t.get_window_extent().y0, t.get_window_extent().y1, t.get_text()) for t in ax.texts)
    assert [name for *_, name in boxes] == ["group 2", "group 1", "group 0", "far"], "in the order of the curves"
    assert all(upper[0] >= lower[1] for lower, upper in zip(boxes, boxes[1:], strict=False))
    assert ax.texts[3].xyann[1] == pytest.approx(0, abs=1e-9), "what has room stays"
    left = Figure().subplots()
    curves.spreads(left, {"a": [1, 2], "b": [3, 4]}, labels="left", legend=False)
    assert [t.xy for t in left.texts] == [(0, 1), (0, 3)] and {t.get_ha() for t in left.texts} == {"right"}
    logarithmic = Figure(figsize=(5, 3)).subplots()
    curves.spreads(logarithmic, {"a longer name": [1, 2, 3]}, [1, 10, 100], labels="left", xscale="log")
    logarithmic.figure.canvas.draw()
    box = logarithmic.texts[0].get_window_extent()
    assert box.x0 >= logarithmic.bbox.x0 and logarithmic.get_xlim()[0] < 0.5, "inside, beside the numbers of the axis"


def test_moving_apart_is_the_nearest_solution() -> None:
    from scipy.optimize import minimize

    rng = np.random.default_rng(0)
    for _ in range(5):
        heights = rng.uniform(0, 40, 6)
        placed = curves._apart(heights, 10.0)
        order = np.argsort(heights)
        best = minimize(lambda z, goal: ((z - goal) ** 2).sum(), np.arange(6) * 10.0, (heights[order],), method="SLSQP",
                        constraints=[{"type": "ineq", "fun": lambda z: np.diff(z) - 10.0}])
        assert placed[order] == pytest.approx(best.x, abs=1e-3)


def test_rows_of_groups_with_intervals(ax: Axes) -> None:
    curves.groups(ax, {"control": [1.0, 2.0, 3.0], "treated": [5.0, 7.0]}, factor=2, numbers="{:.1f} %", zero=0.0,
                  xlabel="error")
    bars = [c.lines[2][0].get_segments()[0] for c in ax.containers]
    assert bars[0][:, 0] == pytest.approx([2 - 2 / np.sqrt(3), 2 + 2 / np.sqrt(3)]) and bars[0][0, 1] == 0
    assert bars[1][:, 0] == pytest.approx([4, 8])           # the sd is √2, of the mean 1
    assert texts(ax) == ["2.0 %", "6.0 %"] and [t.get_text() for t in ax.get_yticklabels()] == ["control", "treated"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1] and ax.lines[0].get_xdata() == [0, 0] and ax.get_xlabel() == "error"


def test_reference_lines_carry_their_name(ax: Axes) -> None:
    curves.reference(ax, y=2.5, label="guessing")
    curves.reference(ax, x=1.0, label="start", end=False, color=style.BLUE)
    assert ax.lines[0].get_ydata() == [2.5, 2.5] and ax.lines[1].get_xdata() == [1.0, 1.0]
    assert texts(ax) == ["guessing", "start"] and ax.texts[1].get_color() == style.BLUE
    assert ax.texts[0].xy == (0.99, 2.5) and ax.texts[1].xy == (1.0, 0.02)


def test_a_slope_triangle_has_its_slope(ax: Axes) -> None:
    curves.slope_triangle(ax, 2.0, 8.0, -2.0, width=4.0)
    x, y = ax.lines[0].get_data()
    assert np.log(y[2] / y[0]) / np.log(x[2] / x[0]) == pytest.approx(-2) and texts(ax) == ["slope -2"]


@pytest.mark.parametrize("call, message", [
    (lambda ax: curves.line(ax, [[1, 2]]), "y must have 1"),
    (lambda ax: curves.line(ax, [1, 2], [1]), "x must have shape"),
    (lambda ax: curves.spread(ax, [1, 2]), "runs must have 2"),
    (lambda ax: curves.spread(ax, RUNS, band="all"), "band"),
    (lambda ax: curves.spread(ax, RUNS[:1], band="se"), "at least two runs"),
    (lambda ax: curves.spreads(ax, {}), "groups"), (lambda ax: curves.spreads(ax, {"a": [1, 2]}, colors=[]), "colors"),
    (lambda ax: curves.spreads(ax, {"a": [1, 2]}, labels="top"), "labels"),
    (lambda ax: curves.groups(ax, {}), "values"), (lambda ax: curves.groups(ax, {"a": [np.nan, 1]}), r"values\['a'\]"),
    (lambda ax: curves.reference(ax), "either"), (lambda ax: curves.reference(ax, x=1, y=1), "either"),
    (lambda ax: style.note(ax, "a", (1, 2, 3)), "at must"), (lambda ax: style.look(-1), "number"),
])
def test_bad_arguments_are_named(ax: Axes, call: object, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        call(ax)  # type: ignore[operator]


# style

@pytest.mark.parametrize("offset, ha, va", [((8, 0), "left", "center"), ((-8, 2), "right", "center"),
                                            ((0, 9), "center", "bottom"),
                                            ((2, -20), "center", "top"), ((8, -12), "left", "center")])
def test_notes_stand_on_the_side_that_the_offset_says(ax: Axes, offset: tuple[float, float], ha: str, va: str) -> None:
    style.note(ax, "here", (1, 2), offset, color=style.GREEN, arrow=True)
    (note,) = ax.texts
    assert (note.get_ha(), note.get_va()) == (ha, va) and note.xy == (1, 2) and note.xyann == offset
    assert note.arrow_patch is not None and note.get_color() == style.GREEN


def test_every_group_has_its_own_look() -> None:
    looks = [style.look(k) for k in range(7)]
    for part in ("color", "marker", "linestyle"):
        assert len({str(look[part]) for look in looks}) == 7
    assert style.look(7) == style.look(0) and style.look(1, line=False)["linestyle"] == "none"


def test_the_style_can_be_lent() -> None:
    before = dict(matplotlib.rcParams)
    with style.context():
        assert matplotlib.rcParams["axes.titlelocation"] == "left"
    assert dict(matplotlib.rcParams) == before
    axes = Figure().subplots(1, 3)
    style.label_panels(axes)
    assert [texts(ax) for ax in axes] == [["a"], ["b"], ["c"]]


# images

def test_images_are_shown_square_and_signed(ax: Axes) -> None:
    images.show(ax, np.arange(9), title="nine")
    assert ax.images[0].get_array().tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]] and ax.get_title() == "nine"
    images.show(ax, [[-1.0, 3.0]], signed=True)
    assert ax.images[1].get_clim() == (-3.0, 3.0) and ax.images[1].get_cmap().name == style.DIVERGING
    assert list(ax.get_xticks()) == []
    with pytest.raises(ValueError, match="flattened square"):
        images.show(ax, np.arange(8))


def test_a_row_of_images_needs_as_many_axes() -> None:
    axes = Figure().subplots(1, 2)
    images.row(axes, np.zeros((2, 4)), ["a", "b"])
    assert [ax.get_title() for ax in axes] == ["a", "b"]
    with pytest.raises(ValueError):
        images.row(axes, np.zeros((3, 4)))


def test_a_mosaic_lays_its_tiles_row_by_row(ax: Axes) -> None:
    images.mosaic(ax, np.arange(1, 6)[:, None] * np.ones(4), columns=3, gap=1)
    sheet = ax.images[0].get_array()
    assert sheet.shape == (5, 8)
    assert [sheet[0, 0], sheet[0, 3], sheet[0, 6], sheet[3, 0], sheet[4, 4]] == [1, 2, 3, 4, 5]
    assert sheet[3, 6] == 1 == sheet[2, 2], "gaps and empty places have the lowest value"


def test_a_matrix_has_readable_numbers(ax: Axes) -> None:
    images.matrix(ax, [[0.0, 9.0]], rows=["r"], columns=["a", "b"], numbers="{:.1f}")
    assert texts(ax) == ["0.0", "9.0"] and [t.get_color() for t in ax.texts] == [style.INK, "white"]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["a", "b"]


# surfaces

def test_contours_over_many_orders_of_magnitude(ax: Axes) -> None:
    a, b = surfaces.grid((-1, 1), (-2, 2), 41)
    surfaces.contour(ax, a, b, a**2 + b**2 + 1e-6, log=True, labels=("a", "b"), colorbar="loss")
    assert ax.get_xlabel() == "a" and ax.figure.axes[1].get_ylabel() == "loss"
    levels = ax.collections[0].levels
    assert np.diff(np.log(levels)) == pytest.approx(np.full(23, np.log(levels[1] / levels[0])))
    with pytest.raises(ValueError, match="finite"):
        surfaces.contour(ax, a, b, np.full_like(a, np.nan))


def test_paths_leave_out_what_diverged(ax: Axes) -> None:
    surfaces.path(ax, [[0, 0], [1, 2], [np.inf, 3]], label="way")
    assert ax.lines[0].get_xydata().tolist() == [[0, 0], [1, 2]]
    assert [line.get_xydata()[0].tolist() for line in ax.lines[1:]] == [[0, 0], [1, 2]]


def test_relief_wants_three_dimensions(ax: Axes) -> None:
    with pytest.raises(ValueError, match="projection"):
        surfaces.relief(ax, [0, 1], [0, 1], np.eye(2))
    solid = Figure().add_subplot(projection="3d")
    surfaces.relief(solid, [0, 1, 2], [0, 1], np.arange(6).reshape(2, 3), labels=("a", "b", "c"))
    assert solid.get_zlabel() == "c" and len(solid.collections) == 1


@pytest.mark.parametrize("like", [None, torch.zeros(1, dtype=torch.float32)])
def test_a_function_is_evaluated_on_the_grid(like: torch.Tensor | None) -> None:
    seen = []

    def f(points):
        seen.append(points)
        return points[:, :1] + 10 * points[:, 1:]

    a, b, values = surfaces.evaluate(f, (0, 1), (0, 2), 3, like=like)
    assert values == pytest.approx(a + 10 * b) and a[0].tolist() == [0, 0.5, 1] and b[:, 0].tolist() == [0, 1, 2]
    assert isinstance(seen[0], torch.Tensor) == (like is not None)
    with pytest.raises(ValueError, match="one value for each"):
        surfaces.evaluate(lambda points: points, (0, 1), (0, 1), 3)


CLOUD = np.array([[-1.0, 0.0], [-2.0, 1.0], [1.0, 0.0], [2.0, 1.0]])


def border(ax: Axes) -> np.ndarray:
    """The points of the border that was drawn."""
    drawn = ax.collections[1].get_paths()
    return np.concatenate([p.vertices for p in drawn])


@pytest.mark.parametrize("predict, threshold", [
    (lambda points: points[:, 0] - 0.3, 0.0), (lambda points: 1 / (1 + np.exp(-4 * (points[:, :1] - 0.3))), 0.5)])
@pytest.mark.parametrize("labels", [[0, 0, 1, 1], [-1, -1, 1, 1]])
@pytest.mark.parametrize("soft", [False, True])
def test_regions_draw_the_border_where_it_is(ax: Axes, predict: object, threshold: float, labels: list[int],
                                             soft: bool) -> None:
    surfaces.regions(ax, predict, CLOUD, labels, threshold=threshold, soft=soft,  # type: ignore[arg-type]
                     names=["left", "right"])
    assert border(ax)[:, 0] == pytest.approx(np.full(len(border(ax)), 0.3), abs=1e-3)
    first, second = ax.collections[-2:]
    assert first.get_offsets().tolist() == CLOUD[:2].tolist() and second.get_offsets().tolist() == CLOUD[2:].tolist()
    assert first.get_paths()[0].vertices.shape != second.get_paths()[0].vertices.shape, "markers differ"
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["left", "right"]


@pytest.mark.parametrize("predict", [
    lambda points: (points[:, 0] > 0.5).astype(int) + (points[:, 0] > 1.5),
    lambda points: -abs(points[:, :1] - np.array([0.0, 1.0, 2.0]))])
def test_regions_of_several_classes(ax: Axes, predict: object) -> None:
    surfaces.regions(ax, predict, [[0, 0], [1, 1], [2, 0]], [0, 1, 2], points=301)  # type: ignore[arg-type]
    lines = sorted(np.median(np.concatenate([p.vertices for p in c.get_paths()])[:, 0]) for c in ax.collections[1:3])
    assert lines == pytest.approx([0.5, 1.5], abs=0.01)


def test_regions_of_a_torch_network_get_tensors_of_its_kind(ax: Axes) -> None:
    net = torch.nn.Linear(2, 1)
    torch.nn.init.constant_(net.weight, 1.0)
    torch.nn.init.zeros_(net.bias)
    surfaces.regions(ax, net, torch.tensor(CLOUD, dtype=torch.float32), torch.tensor([0, 0, 1, 1]))
    assert border(ax).sum(1) == pytest.approx(np.zeros(len(border(ax))), abs=1e-3)
    surfaces.regions(ax, lambda points: points[:, 0] > 0, CLOUD, [0, 0, 1, 1])


@pytest.mark.parametrize("change, message", [
    ({"X": np.zeros((4, 3))}, "X must have shape"), ({"y": [0, 1]}, "y must have shape"), ({"colors": ["k"]}, "colors"),
    ({"predict": lambda points: points[:5]}, "predict must return"), ({"predict": 3}, "predict must be a function")])
def test_regions_refuse_what_does_not_fit(ax: Axes, change: dict[str, object], message: str) -> None:
    arguments = {"predict": lambda points: points[:, 0], "X": CLOUD, "y": [0, 0, 1, 1], **change}
    with pytest.raises((ValueError, TypeError), match=message):
        surfaces.regions(ax, **arguments)  # type: ignore[arg-type]


# graphs

def test_a_graph_has_its_nodes_texts_and_arrows(ax: Axes) -> None:
    graphs.computation(ax, {"x": (0, 0), "f": (1, 0)}, [("x", "f")], above={"f": "4"}, below={"x": "2"},
                       colors={"f": style.BLUE})
    assert texts(ax) == ["x", "f", "4", "2"] and len(ax.patches) == 1
    assert ax.texts[1].get_color() == "white" and ax.texts[0].get_color() == style.INK
    assert ax.texts[2].xyann[1] > 0 > ax.texts[3].xyann[1]
    with pytest.raises(ValueError, match="unknown"):
        graphs.computation(ax, {"x": (0, 0)}, [("x", "y")])


def test_edges_of_a_graph_carry_texts_at_their_middle(ax: Axes) -> None:
    graphs.computation(ax, {"x": (0, 0), "f": (1, 2)}, [("x", "f")], along={("x", "f"): "×3"})
    assert texts(ax) == ["x", "f", "×3"] and ax.texts[2].xy == (0.5, 1.0)
    with pytest.raises(ValueError, match="along must name edges"):
        graphs.computation(ax, {"x": (0, 0), "f": (1, 2)}, [("x", "f")], along={("f", "x"): "×3"})


# alternative texts

def test_figures_say_what_they_show() -> None:
    figure, (left, right) = plt.subplots(1, 2)
    left.plot([1, 2], label="ReLU")
    left.set(title="The gradient", xlabel="layer", ylabel="norm")
    left.legend()
    right.set_title("Training", loc="left")
    assert descriptions.describe(figure) == "The gradient (norm against layer; shown: ReLU). Training"
    figure.suptitle("Depth.")
    assert descriptions.describe(figure).startswith("Depth. The gradient (")
    style.alt(figure, "Only the deep\nnet's gradient vanishes.")
    assert descriptions.describe(figure) == "Only the deep net's gradient vanishes."
    plt.close(figure)


def test_colour_bars_are_named_and_long_texts_cut() -> None:
    figure = Figure()
    ax = figure.subplots()
    figure.colorbar(ax.imshow([[1, 2]]), ax=ax, label="loss")
    assert descriptions.describe(figure) == "colours: loss" and descriptions.describe(Figure()) == ""
    ax.set_title("word " * 200)
    text = descriptions.describe(figure)
    assert len(text) <= descriptions.LONGEST and text.endswith("word…")
    with pytest.raises(ValueError, match="text"):
        style.alt(figure, " ")
    with pytest.raises(TypeError, match="figure"):
        style.alt(ax, "a")
