"""Every slider of every explorer is moved, every button pressed: something must change."""

import math

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


@pytest.mark.parametrize("name", sorted(registry.EXPLORERS))
def test_a_snapshot_is_the_figure(name):
    explorer = registry.load(name)()
    assert explorer.snapshot() is explorer.live.figure


def test_an_unknown_explorer_is_named():
    with pytest.raises(ValueError, match="name must be one of"):
        registry.load("no-such")
