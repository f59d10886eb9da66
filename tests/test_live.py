"""LiveFigure and Explorer: blitting shows what a full redraw shows; controls, buttons, errors."""

import base64
import io

import ipywidgets
import numpy as np
import pytest
from PIL import Image

from dlhelpers.widgets import live, registry
from dlhelpers.widgets.linear_model import BETA, FAR, LinearModelExplorer, descend


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=int)


class Wave(live.Explorer):
    """A small explorer with a slider, a list and a button."""

    def __init__(self, **figure):
        self.updates = 0
        self.controls = {"k": live.slider("k", 2.0, 1.0, 5.0), "kind": live.choice("kind", ["sin", "cos"])}
        self.buttons = {"flip": live.button("flip")}
        self.sign = 1.0
        self.live = live.LiveFigure((4, 2), nrows=1, ncols=2, **figure)
        left, right = self.live.axes
        left.imshow(np.arange(12).reshape(3, 4))
        right.set(xlim=(0, 6), ylim=(-1.5, 1.5), xlabel="t")
        self.curve, = right.plot([], [], zorder=5)
        self.label = right.text(0.1, 1.2, "", zorder=6)
        self.live.moving(self.curve, self.label)
        self.connect()

    def update(self, *, k, kind):
        self.updates += 1
        t = np.linspace(0, 6, 50)
        self.curve.set_data(t, self.sign * getattr(np, kind)(k * t))
        self.label.set_text(f"k = {k:.2f}")

    def state(self):
        return {"k": self.controls["k"].value, "sign": self.sign}

    def press(self, name):
        self.sign = -self.sign
        self.update(**self.values())


def test_blitting_equals_a_full_redraw_pixel_for_pixel():
    explorer = Wave()
    for k in (1.3, 4.9, 2.2):
        explorer.set(k=k)
    blitted = explorer.live.image.value
    explorer.live.redraw()
    assert np.array_equal(pixels(blitted), pixels(explorer.live.image.value))


def test_blitting_equals_matplotlib_drawing_everything_itself():
    explorer = Wave()
    explorer.set(k=4.1, kind="cos")
    buffer = io.BytesIO()
    explorer.live.figure.savefig(buffer, format="png", dpi=100)
    assert np.array_equal(pixels(explorer.live.image.value), pixels(buffer.getvalue()))


def test_nothing_is_left_behind_after_going_there_and_back():
    explorer = Wave()
    before = explorer.live.image.value
    explorer.set(k=5.0, kind="cos")
    assert explorer.live.image.value != before
    explorer.set(k=2.0, kind="sin")
    assert explorer.live.image.value == before


def test_moving_the_slider_itself_updates_once():
    explorer = Wave()
    before, count = explorer.live.image.value, explorer.updates
    explorer.controls["k"].value = 3.0
    assert explorer.updates == count + 1
    assert explorer.live.image.value != before


def test_set_changes_several_controls_with_one_update_and_keeps_them_wired():
    explorer = Wave()
    count = explorer.updates
    explorer.set(k=4.0, kind="cos")
    assert explorer.updates == count + 1
    assert explorer.values() == {"k": 4.0, "kind": "cos"}
    explorer.controls["k"].value = 1.0  # still observed, and only once
    assert explorer.updates == count + 2


def test_set_refuses_an_unknown_control():
    with pytest.raises(ValueError, match=r"no control 'speed'.*'k', 'kind'"):
        Wave().set(speed=3)


@pytest.mark.parametrize("values", [{"kind": "tan"}, {"k": "three"}, {"k": 4.0, "kind": "no"}, {"k": None}])
def test_a_value_that_is_refused_changes_nothing_and_kills_no_control(values):
    explorer = Wave()
    before, count = explorer.live.image.value, explorer.updates
    with pytest.raises(ValueError, match=f"control '{list(values)[-1]}' does not take"):
        explorer.set(**values)
    assert explorer.values() == {"k": 2.0, "kind": "sin"} and explorer.updates == count
    assert explorer.live.image.value == before
    explorer.controls["k"].value = 3.0
    explorer.controls["kind"].value = "cos"
    assert explorer.updates == count + 2 and explorer.live.image.value != before


def test_an_update_that_fails_leaves_the_controls_alive():
    explorer = Wave()
    work = explorer.update
    explorer.update = lambda **_: 1 / 0
    with pytest.raises(ZeroDivisionError):
        explorer.set(k=3.0)
    explorer.update = work
    before = explorer.live.image.value
    explorer.controls["k"].value = 4.0
    assert explorer.live.image.value != before


def test_a_failed_set_changes_nothing():
    explorer = Wave()
    with pytest.raises(ValueError, match="speed"):
        explorer.set(k=4.0, speed=3)
    assert explorer.values()["k"] == 2.0


def test_a_button_changes_the_picture():
    explorer = Wave()
    before = explorer.live.image.value
    explorer.buttons["flip"].click()
    assert explorer.state()["sign"] == -1.0
    assert explorer.live.image.value != before
    explorer.buttons["flip"].click()
    assert explorer.live.image.value == before


def test_an_error_in_update_is_not_swallowed():
    explorer = Wave()
    explorer.update = lambda **_: 1 / 0
    with pytest.raises(ZeroDivisionError):
        explorer.set(k=3.0)


@pytest.mark.parametrize("method, arguments", [("update", {}), ("state", None), ("press", "x")])
def test_the_base_class_asks_for_its_methods(method, arguments):
    call = getattr(live.Explorer(), method)
    with pytest.raises(NotImplementedError):
        call() if not arguments else call(arguments)


def test_moving_returns_what_it_was_given():
    figure = live.LiveFigure((2, 2))
    one, = figure.axes.plot([0, 1], [0, 1])
    two, = figure.axes.plot([0, 1], [1, 0])
    assert figure.moving(one) is one
    assert figure.moving(one, two) == (one, two)
    assert one.get_animated()


def test_snapshot_is_the_figure_and_show_holds_controls_and_picture():
    explorer = Wave()
    assert explorer.snapshot() is explorer.live.figure
    box = explorer.show()
    inside = []

    def walk(widget):
        inside.append(widget)
        for child in getattr(widget, "children", ()):
            walk(child)

    walk(box)
    for widget in (*explorer.controls.values(), *explorer.buttons.values(), explorer.live.image):
        assert widget in inside


def test_mouse_reports_the_axes_and_data_coordinates():
    heard = []
    figure = live.LiveFigure((4, 2), mouse=lambda *event: heard.append(event), nrows=1, ncols=2)
    figure.axes[1].set(xlim=(0, 10), ylim=(-1, 1))
    figure.redraw()
    px, py = figure.axes[1].transData.transform((7.5, 0.5))
    figure.glass._mouse_down_callbacks(px, figure.canvas.get_width_height()[1] - py)
    kind, ax, x, y = heard[0]
    assert (kind, ax) == ("down", figure.axes[1])
    assert (x, y) == pytest.approx((7.5, 0.5), abs=1e-9)
    figure.glass._mouse_down_callbacks(0, 0)  # outside all axes
    assert len(heard) == 1
    figure.glass._mouse_wheel_callbacks(0.0, 120.0)
    assert heard[1] == ("wheel", figure.axes[1], 0.0, 120.0)
    figure.glass._mouse_out_callbacks(-5, -5)  # nothing is held on to outside
    assert heard[2][:2] == ("up", None)
    figure.glass._touch_start_callbacks([(px, figure.canvas.get_width_height()[1] - py)])
    figure.glass._touch_end_callbacks([])
    assert [event[0] for event in heard[3:]] == ["down", "up"]


def test_the_wheel_says_nothing_before_the_mouse_was_seen():
    heard = []
    figure = live.LiveFigure((4, 2), mouse=lambda *event: heard.append(event))
    figure.glass._mouse_wheel_callbacks(0.0, 120.0)
    assert not heard


def test_a_picture_describes_itself_with_its_numbers():
    explorer = Wave()
    explorer.alt = "A wave"
    explorer.set(k=4.0)
    assert explorer.live.image.tooltip == "A wave. Now: k 4, sign 1"
    assert explorer.live.image.get_state()["description"] == "", "the browser asks for it before it shows the tooltip"


def test_the_output_holds_the_picture_only_if_it_is_to_be_stored():
    explorer = Wave()
    assert set(explorer._repr_mimebundle_()) == {"text/plain", "application/vnd.jupyter.widget-view+json"}
    explorer.stored = True
    png = base64.b64decode(explorer._repr_mimebundle_()["image/png"])
    assert png == explorer.live.image.value


def test_a_player_starts_where_the_slider_stands():
    control = live.slider("step", 7, 1, 9, integer=True)
    label, play = live.player(control, "race:").children
    assert (label.value, play.value, play.min, play.max) == ("race:", 7, 1, 9)


def test_sliders_start_on_a_mark_so_that_the_browser_does_not_move_them():
    assert live.slider("a", 0.05, -5, 5).value == pytest.approx(0.0)
    assert live.slider("a", 0.05, -5, 5, 0.05).value == 0.05
    assert live.slider("η", 0.05, 1e-3, 1.0, log=True).value == pytest.approx(10**-1.3)
    assert live.slider("η", 0.01, 1e-3, 1.0, log=True).value == 0.01


def test_sliders():
    log = live.slider("η", 0.01, 1e-3, 1.0, log=True)
    assert isinstance(log, ipywidgets.FloatLogSlider)
    assert (log.min, log.max, log.value) == (-3.0, 0.0, 0.01)
    whole = live.slider("steps", 3, 0, 9, integer=True)
    assert isinstance(whole, ipywidgets.IntSlider)
    assert live.slider("a", 0.5, 0, 1).step == pytest.approx(0.01)
    assert live.choice("c", ["x", "y"]).value == "x"
    assert live.choice("c", ["x", "y"], "y").value == "y"


def test_registry_names_what_it_knows():
    assert registry.load("linear-model") is LinearModelExplorer
    with pytest.raises(ValueError, match="linear-model"):
        registry.load("line")


# The explorer of lecture 02, which the browser test drives as well.

def test_linear_model_path_is_gradient_descent_on_the_design_matrix():
    x = np.arange(-10.0, 11.0)
    A = np.column_stack([x, np.ones(21)])
    theta = np.array([3.0, -4.0])
    path = descend(3.0, -4.0, 0.02, 5)
    for point in path:
        np.testing.assert_allclose(point, theta, rtol=1e-10)
        theta = theta - 0.02 * 2 / 21 * A.T @ (A @ theta - (5 * x + 2))


def test_linear_model_says_diverges_exactly_beyond_the_limit():
    explorer = LinearModelExplorer()
    assert BETA == pytest.approx(220 / 3)
    for share, word in ((0.99, "converges"), (1.01, "diverges")):
        explorer.set(eta=share * 2 / BETA)
        assert word in explorer._verdict.get_text()
        assert explorer.state()["share_of_limit"] == pytest.approx(share)


def test_linear_model_verdict_agrees_with_the_path_on_the_knifes_edge():
    explorer = LinearModelExplorer()
    explorer.set(slope=5, eta=0.05, intercept=-3, steps=100)
    assert explorer.state()["loss"] < 1e-6
    assert "converges" in explorer._verdict.get_text() and "diverges" not in explorer._verdict.get_text()
    explorer.set(slope=5.1)
    assert "diverges" in explorer._verdict.get_text()


def test_linear_model_slider_has_marks_close_to_the_limit():
    explorer = LinearModelExplorer()
    eta = explorer.controls["eta"]
    marks = 10 ** np.arange(eta.min, eta.max + 1e-9, eta.step)
    below, above = marks[marks < 2 / BETA].max(), marks[marks > 2 / BETA].min()
    assert (round(below, 4), round(above, 4)) == (0.0272, 0.0275)


def test_linear_model_divergence_stays_finite_and_visible():
    explorer = LinearModelExplorer()
    before = explorer.live.image.value
    explorer.set(eta=0.05, steps=100)
    state = explorer.state()
    assert all(np.isfinite(v) for v in state.values())
    assert abs(state["slope"]) > FAR and state["steps"] < 100
    assert explorer.live.image.value != before
    assert "beyond" in explorer._verdict.get_text()


def test_linear_model_button_steps_and_starts_again():
    explorer = LinearModelExplorer()
    explorer.buttons["step"].click()
    assert explorer.state()["steps"] == 11
    explorer.set(steps=100)
    explorer.buttons["step"].click()
    assert explorer.state()["steps"] == 0
