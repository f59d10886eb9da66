"""The nets of lecture 10's explorer: batched losses against torch, rescaling, planes, and what the relief shows."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from dlhelpers.plotting import relief
from dlhelpers.widgets import loss_surface, sprites
from dlhelpers.widgets import surface_nets as nets


def loss_of(net: nets.Net, vector: torch.Tensor) -> float:
    """One net, the ordinary way."""
    moved = copy.deepcopy(net)
    nn.utils.vector_to_parameters(vector, moved.parameters())
    X, y = nets.moons()
    return nn.functional.cross_entropy(moved(X), y).item()


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("blocks", [1, 3])
def test_batched_losses_are_torchs(blocks: int, skip: bool) -> None:
    net = nets.Net(blocks, skip, seed=4)
    start = nn.utils.parameters_to_vector(net.parameters()).detach()
    vectors = start + 0.1 * torch.randn(nets.TOGETHER + 3, len(start), generator=torch.Generator().manual_seed(0))
    np.testing.assert_allclose(nets.losses(net, vectors), [loss_of(net, v) for v in vectors], rtol=1e-4)


def test_a_skip_adds_the_input_and_both_nets_start_alike() -> None:
    plain, skip = nets.Net(2, False, seed=1), nets.Net(2, True, seed=1)
    for p, q in zip(plain.parameters(), skip.parameters(), strict=True):
        torch.testing.assert_close(p, q)
    X = nets.moons()[0]
    assert not torch.allclose(plain(X), skip(X))
    with torch.no_grad():
        for layer in skip.layers[2:-1:2]:  # branches that give nothing leave the input as it is
            layer.weight.zero_()
    torch.testing.assert_close(skip(X), skip.layers[-1](torch.relu(skip.layers[0](X))))


@pytest.mark.parametrize("skip", [False, True])
def test_rescaled_units_change_the_weights_and_no_output(skip: bool) -> None:
    net = nets.Net(3, skip, seed=2)
    vector = nn.utils.parameters_to_vector(net.parameters()).detach()
    scale = nets.rescaling(net, 4.0)
    assert float((scale != 1).float().mean()) > 0.8
    moved = copy.deepcopy(net)
    nn.utils.vector_to_parameters(vector * scale, moved.parameters())
    X = nets.moons()[0]
    torch.testing.assert_close(moved(X), net(X), rtol=1e-4, atol=1e-5)


def test_training_ends_lower_than_it_began_and_remembers_every_epoch() -> None:
    run = nets.trained(1, True, 0)
    assert run.way.shape[0] == len(run.losses) == nets.EPOCHS + 1
    assert run.losses[-1] < 0.1 * run.losses[0]
    assert loss_of(run.net, run.way[0]) == pytest.approx(run.losses[0], rel=1e-4)


def test_the_principal_plane_shows_more_of_the_way_than_a_random_one() -> None:
    explorer = loss_surface.LossSurfaceExplorer()
    explorer.set(blocks=1, radius=1.0)
    share = explorer.state()["share"]
    explorer.set(plane=loss_surface.FILTER)
    assert share > 0.8 > 0.2 > explorer.state()["share"]


def test_rescaling_changes_the_raw_plane_and_leaves_the_loss_alone() -> None:
    explorer = loss_surface.LossSurfaceExplorer()
    explorer.set(blocks=1, plane=loss_surface.NONE)
    before, loss = explorer._cut("plain", 1, loss_surface.NONE, 1.0).values, explorer.state()["loss"]
    explorer.set(rescaled=4.0)
    after = explorer._cut("plain", 1, loss_surface.NONE, 4.0).values
    middle = len(before) // 2
    assert after[middle, middle] == pytest.approx(before[middle, middle], abs=1e-3)
    assert np.abs(after - before).mean() > 0.05 and explorer.state()["loss"] == loss


def test_the_plane_of_three_minima_goes_through_them() -> None:
    explorer = loss_surface.LossSurfaceExplorer()
    cut = explorer._cut("plain", 1, loss_surface.MINIMA, 1.0)
    at = (cut.marks / loss_surface.LARGEST + 1) / 2 * (loss_surface.POINTS - 1)
    for seed, (a, b) in enumerate(np.round(at).astype(int)):
        low = cut.values[b - 1:b + 2, a - 1:a + 2].min()
        assert low < np.log10(nets.trained(1, False, seed).losses[-1]) + 0.7
    assert cut.values.mean() > -1


def test_a_point_on_the_ground_is_below_the_surface() -> None:
    model = relief.Relief(np.add.outer(np.arange(9.0), np.arange(9.0)))
    model.render(200, 150)
    middle = [[0.5, 0.5]]
    (x, y, _), (ground_x, ground_y, _) = model.project(middle), model.project(middle, [0.0])
    assert x == pytest.approx(ground_x) and ground_y > y + 5
    with pytest.raises(ValueError, match="heights"):
        model.project(middle, [0.0, 1.0])


def test_words_and_pixels_land_where_they_should() -> None:
    from dlhelpers.widgets import live

    figure = live.LiveFigure((3, 2))
    ax = figure.axes
    ax.set(xlim=(0, 10), ylim=(0, 10))
    ax.set_axis_off()
    picture = np.full((40, 60, 3), 255, np.uint8)
    picture[:10, :15] = 0                                   # the upper left corner
    pixels, word = sprites.Pixels(ax), sprites.Words(ax, color="red", clip=True)
    figure.moving(pixels, word)
    pixels.set_data(picture)
    word.set_text("HHHH")
    word.set_position((8, 2))
    figure.redraw()
    shown = np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int)
    (x0, y0), (x1, y1) = ax.bbox.get_points()
    top = shown.shape[0] - y1
    assert shown[int(top + 3), int(x0 + 3)].max() == 0 and shown[int(top + 3), int(x1 - 3)].min() == 255
    rows, columns = np.nonzero((shown[..., 0] > 200) & (shown[..., 1] < 80))
    px, py = ax.transData.transform((8, 2))
    assert columns.mean() == pytest.approx(px, abs=2) and shown.shape[0] - rows.mean() == pytest.approx(py, abs=2)
    for place in ((np.nan, 1), (1e9, 1e9), (11, 11)):
        word.set_position(place)
        figure.refresh()
        shown = np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int)
        assert not ((shown[..., 0] > 200) & (shown[..., 1] < 80)).any()
