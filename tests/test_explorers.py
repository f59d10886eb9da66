"""Every slider of every explorer is moved, every button pressed: something must change."""

import functools
import math
import time

import ipywidgets
import pytest

from dlhelpers.widgets import registry


def settings(control):
    """Low, middle and high for a slider; every option of a choice."""
    if isinstance(control, ipywidgets.FloatLogSlider):
        return [control.base**control.min, control.value, control.base**control.max]
    if hasattr(control, "options"):
        options = [o[1] if isinstance(o, tuple) else o for o in control.options]
        return [*options, control.value]
    if isinstance(control.value, bool):
        return [not control.value, control.value]
    return [control.min, control.value, control.max]


@functools.cache
def built(name):
    """An explorer that no test changes."""
    return registry.load(name)()


def assert_finite(state):
    assert state and all(math.isfinite(value) for value in state.values()), state


@pytest.mark.parametrize("name", sorted(registry.EXPLORERS))
def test_every_control_and_button(name):
    explorer = registry.load(name)()
    shown = explorer.show()
    assert isinstance(shown, ipywidgets.Widget)
    assert_finite(explorer.state())
    for key, control in explorer.controls.items():
        before = explorer.live.image.value
        pictures = []
        for value in settings(control):
            control.value = value
            assert_finite(explorer.state())
            pictures.append(explorer.live.image.value)
        assert any(picture != before for picture in pictures), f"{key} changes nothing"
    for key, button in explorer.buttons.items():
        # Values away from the defaults, so that a reset has something to reset.
        for control in explorer.controls.values():
            control.value = settings(control)[0]
        before = explorer.live.image.value
        button.click()
        assert_finite(explorer.state())
        assert explorer.live.image.value != before, f"button {key} changes nothing"


MOUSE = ("gray-scott", "loss-surface", "loss-under-mouse", "perceptron", "kernel-editor", "digit-canvas")


@pytest.mark.parametrize("name", sorted(registry.EXPLORERS))
def test_who_hears_the_mouse(name):
    assert hasattr(built(name).live, "glass") == (name in MOUSE)


def test_a_notch_of_the_wheel_right_after_a_drag_counts():
    explorer = registry.load("loss-surface")()
    glass, (low, _high) = explorer.live.glass, explorer.live.axes[0].bbox.get_points()
    height = explorer.live.canvas.get_width_height()[1]
    glass._mouse_down_callbacks(low[0] + 90, height - low[1] - 90)
    glass._mouse_move_callbacks(low[0] + 60, height - low[1] - 60)
    glass._mouse_up_callbacks(low[0] + 60, height - low[1] - 60)
    before = explorer.state()["radius"]
    glass._mouse_wheel_callbacks(0.0, -120.0)
    assert explorer.state()["radius"] < before


@pytest.mark.parametrize("name", MOUSE)
def test_mouse_wheel_and_drag(name):
    explorer = registry.load(name)()
    width, height = explorer.live.canvas.get_width_height()
    glass, ax = explorer.live.glass, explorer.live.axes[-1 if name == "gray-scott" else 0]
    low, high = ax.bbox.get_points()
    place = [(low + share * (high - low)) for share in (0.3, 0.45, 0.6)]
    seen = [explorer.live.image.value]
    moves = glass._mouse_down_callbacks, glass._mouse_move_callbacks, glass._mouse_move_callbacks
    for callbacks, (px, py) in zip(moves, place, strict=True):
        time.sleep(0.02)  # events that come faster are left out
        callbacks(px, height - py)
        assert_finite(explorer.state())
        seen.append(explorer.live.image.value)
    assert len(set(seen)) >= 3, "dragging changes nothing"
    glass._mouse_up_callbacks(*place[-1])
    for turn in (120.0, -120.0):
        time.sleep(0.02)
        before = explorer.live.image.value
        glass._mouse_wheel_callbacks(0.0, turn)
        assert_finite(explorer.state())
        assert explorer.live.image.value != before, "the wheel changes nothing"
    glass._mouse_move_callbacks(-10, 10 * height)
    glass._touch_start_callbacks([])


@pytest.mark.parametrize("name", sorted(registry.EXPLORERS))
def test_two_explorers_share_nothing_that_changes(name):
    one, two = registry.load(name)(), built(name)
    assert one.live.image.value == two.live.image.value and one.values() == two.values()
    before, state = two.live.image.value, two.state()
    for control in one.controls.values():
        control.value = settings(control)[0]
    for button in one.buttons.values():
        button.click()
    two.live.refresh()
    assert two.live.image.value == before and two.state() == state


@pytest.mark.parametrize("name", sorted(registry.EXPLORERS))
def test_pictures_and_controls_have_words(name):
    explorer = built(name)
    assert len(explorer.alt) > 30 and explorer.live.image.tooltip.startswith(explorer.alt)
    for control in explorer.controls.values():
        assert getattr(control, "description", "") or control.tooltip, "who cannot see it must hear what it is"


@pytest.mark.parametrize("name", sorted(registry.EXPLORERS))
def test_sliders_stand_on_marks(name):
    """The browser moves a handle to the nearest mark, and the picture would no longer be the one that was stored."""
    for key, control in built(name).controls.items():
        if isinstance(control, (ipywidgets.FloatSlider, ipywidgets.FloatLogSlider)):
            value = math.log10(control.value) if isinstance(control, ipywidgets.FloatLogSlider) else control.value
            marks = (value - control.min) / control.step
            assert marks == pytest.approx(round(marks), abs=1e-6), key


@pytest.mark.parametrize("name", ["optimizer-race", "loss-surface"])
def test_players_start_as_pictured(name):
    explorer = registry.load(name)()
    explorer.set(step=33)
    found = []

    def walk(widget):
        found.append(widget)
        for child in getattr(widget, "children", ()):
            walk(child)

    walk(explorer.show())
    player, = (widget for widget in found if isinstance(widget, ipywidgets.Play))
    assert player.value == 33


def test_racers_differ_by_shape_and_letters():
    from dlhelpers.widgets import optimizer_race

    shapes, letters = zip(*optimizer_race.LETTERS.values(), strict=True)
    assert len(set(shapes)) == len(set(letters)) == len(optimizer_race.COLOURS) == 8


@pytest.mark.parametrize("name", sorted(registry.EXPLORERS))
def test_a_snapshot_is_the_figure(name):
    explorer = built(name)
    assert explorer.snapshot() is explorer.live.figure


def test_an_unknown_explorer_is_named():
    with pytest.raises(ValueError, match="name must be one of"):
        registry.load("no-such")
