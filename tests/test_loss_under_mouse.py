"""The surfaces of the first explorer: gradients against autograd, paths against closed forms, the mouse."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dlhelpers.widgets import loss_under_mouse
from dlhelpers.widgets.loss_under_mouse import SURFACES, LossUnderMouse, descend, surface


@pytest.mark.parametrize("name", SURFACES)
def test_gradient_agrees_with_autograd(name: str) -> None:
    theta = torch.rand(2, 50, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 10 - 5
    x, y = (t.clone().requires_grad_() for t in theta)
    surface(name).loss(x, y).sum().backward()
    torch.testing.assert_close(surface(name).gradient(*theta), (x.grad, y.grad))


@pytest.mark.parametrize("name", SURFACES)
def test_no_point_lies_below_the_lowest(name: str) -> None:
    x, y = np.meshgrid(np.linspace(-5, 5, 401), np.linspace(-5, 5, 401))
    heights = surface(name).loss(x, y) - surface(name).lowest
    assert heights.min() >= 0
    assert heights.min() < 0.01
    # Floats, arrays and tensors take different cosines.
    assert surface(name).loss(0.3, -0.7) == pytest.approx(float(surface(name).loss(np.array(0.3), np.array(-0.7))))


def test_ravine_follows_its_closed_form() -> None:
    points = descend("ravine", (2.0, 1.0), 0.03, 50)
    t = np.arange(51)
    np.testing.assert_allclose(points, np.stack([2 * 0.97**t, 0.4**t], 1), atol=1e-12)


def test_a_diverging_path_stops_early_and_stays_finite() -> None:
    points = descend("ravine", (5.0, 5.0), 0.3, 200)
    assert len(points) < 201
    assert np.isfinite(points).all()


@pytest.mark.parametrize(("arguments", "named"), [
    (("hill", (0, 0), 0.1, 3), "name"), (("ravine", (0, 0, 0), 0.1, 3), "start"),
    (("ravine", (0, np.nan), 0.1, 3), "start"),
    (("ravine", (0, 0), 0.0, 3), "eta"), (("ravine", (0, 0), -1.0, 3), "eta"), (("ravine", (0, 0), 0.1, -1), "steps"),
])
def test_bad_arguments_are_named(arguments: tuple, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        descend(*arguments)


def test_the_mouse_moves_the_start_until_it_is_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    explorer = LossUnderMouse()
    ground, chart = explorer.live.axes
    clock = iter(range(1, 100))
    monkeypatch.setattr(loss_under_mouse.time, "monotonic", lambda: float(next(clock)))

    def point(kind: str, ax: object, x: float, y: float) -> tuple[float, float]:
        explorer._mouse(kind, ax, x, y)
        return explorer.controls["x"].value, explorer.controls["y"].value

    before = explorer.live.image.value
    assert point("move", ground, 1.0, 2.0) == (1.0, 2.0)
    assert explorer.live.image.value != before
    assert point("move", chart, 3.0, 3.0) == (1.0, 2.0)
    assert point("down", ground, -1.0, 0.5) == (-1.0, 0.5)
    assert point("move", ground, -1.5, 0.5) == (-1.5, 0.5)      # dragging
    point("up", ground, -1.5, 0.5)
    assert point("move", ground, 4.0, 4.0) == (-1.5, 0.5)       # pinned
    point("down", ground, 2.0, 2.0)
    point("up", ground, 2.0, 2.0)
    assert point("move", ground, 9.0, 3.0) == (5.0, 3.0)        # free again, and kept on the picture
