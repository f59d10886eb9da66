"""The kernel editor computes what torch does; the canvas reads ten digits, drawn with the mouse or a finger."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from drawn_digits import STROKES, smooth

from dlhelpers.widgets import digit_canvas
from dlhelpers.widgets.digit_canvas import DigitCanvas
from dlhelpers.widgets.kernel_editor import HEIGHT, KERNELS, OWN, REACH, WIDTH, KernelEditor, pictures


@pytest.fixture
def editor():
    return KernelEditor()


def pixel(explorer, panel, x, y):
    """Where a point of a panel lies in the picture, from its upper left corner."""
    px, py = explorer.live.axes[panel].transData.transform((x, y))
    return px, explorer.live.canvas.get_width_height()[1] - py


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("turned", [False, True])
def test_the_map_is_torchs(editor, kernel, turned):
    editor.set(picture="flower", kernel=kernel, shift=-7, sum=turned)
    x = torch.tensor(pictures()["flower"])[:, REACH + 7:REACH + 7 + WIDTH + 2]
    w = torch.tensor(KERNELS[kernel], dtype=torch.float64)
    y = F.conv2d(x[None, None], (w.flip(0, 1) if turned else w)[None, None])[0, 0]
    assert y.shape == (HEIGHT, WIDTH)
    state = editor.state()
    assert (state["least"], state["greatest"]) == pytest.approx((float(y.min()), float(y.max())), abs=1e-12)
    assert state["output"] == pytest.approx(float(y[int(state["row"]), int(state["column"])]), abs=1e-12)


def test_names_and_weights_follow_each_other(editor):
    editor.controls["kernel"].value = "Laplace"
    assert [editor.controls[f"w{i}{j}"].value for i in (1, 2, 3) for j in (1, 2, 3)] == [0, 1, 0, 1, -4, 1, 0, 1, 0]
    editor.controls["w22"].value = -3.0
    assert editor.controls["kernel"].value == OWN
    editor.controls["w22"].value = -4.0
    assert editor.controls["kernel"].value == "Laplace"
    editor.set(kernel="copy", w33=1.0)
    assert editor.controls["w22"].value == 1.0 and editor.controls["kernel"].value == OWN


def test_the_map_moves_with_the_picture(editor):
    editor._mouse("move", editor.live.axes[0], 50.0, 40.0)
    before = editor.state()["output"]
    editor._mouse("move", editor.live.axes[3], 59.0, 40.0)
    editor.set(shift=9)
    assert editor.state()["output"] == before


@pytest.mark.parametrize("touch", [False, True])
def test_a_weight_is_dragged(editor, touch):
    glass, before = editor.live.glass, editor.live.image.value
    events = (glass._touch_start_callbacks, glass._touch_move_callbacks, glass._touch_end_callbacks) if touch else (
        glass._mouse_down_callbacks, glass._mouse_move_callbacks, glass._mouse_up_callbacks)

    def send(callbacks, place):
        callbacks([place]) if touch else callbacks(*place)

    send(events[0], pixel(editor, 2, 1, 2))
    send(events[1], pixel(editor, 2, 1, 1))
    assert editor.controls["w32"].value == 2.0 and editor.live.image.value != before
    send(events[2], pixel(editor, 2, 1, 1))
    send(events[1], pixel(editor, 2, 1, 0))
    assert editor.controls["w32"].value == 2.0
    editor.set(sum=True)                                    # turned: the panel's lower left is the kernel's upper right
    send(events[0], pixel(editor, 2, 0, 2))
    send(events[1], pixel(editor, 2, 0, 1.5))
    assert editor.controls["w13"].value == 2.0


def draw(canvas, strokes, touch=False):
    """Through the events of the glass, in pixels of the picture, as the browser sends them."""
    glass = canvas.live.glass
    for stroke in strokes:
        points = [pixel(canvas, 0, x, y) for x, y in smooth(stroke)]
        if touch:
            glass._touch_start_callbacks([points[0]])
            for point in points[1:]:
                glass._touch_move_callbacks([point])
            glass._touch_end_callbacks([])
        else:
            glass._mouse_down_callbacks(*points[0])
            for point in points[1:]:
                glass._mouse_move_callbacks(*point)
            glass._mouse_up_callbacks(*points[-1])


@pytest.mark.parametrize("touch", [False, True])
def test_ten_drawn_digits_at_least_eight_read_right(touch):
    canvas, said = DigitCanvas(), []
    for strokes in STROKES:
        canvas.buttons["clear"].click()
        assert canvas.state()["answer"] == -1
        draw(canvas, strokes, touch)
        said.append(int(canvas.state()["answer"]))
        assert canvas.state()["strokes"] == len(strokes)
    assert sum(answer == k for k, answer in enumerate(said)) >= 8, said


def test_the_prepared_picture_is_what_the_net_sees():
    canvas = DigitCanvas()
    canvas.buttons["clear"].click()
    draw(canvas, STROKES[5])
    seen = digit_canvas.drawing.prepare([np.array(stroke) for stroke in canvas._strokes])
    assert canvas.state()["ink"] == pytest.approx(float(seen.mean()))
    net = digit_canvas.readers()[canvas.controls["reader"].value]
    p = torch.softmax(net(torch.from_numpy(seen).flatten()[None])[0], 0)
    assert canvas.state()["probability"] == pytest.approx(float(p.max()), abs=1e-5)


def test_undo_takes_back_a_stroke_and_the_pen_lifts_outside():
    canvas = DigitCanvas()
    canvas.buttons["clear"].click()
    draw(canvas, STROKES[4])
    canvas.buttons["undo"].click()
    assert canvas.state()["strokes"] == 1
    glass = canvas.live.glass
    glass._mouse_down_callbacks(*pixel(canvas, 0, 0.5, 0.5))
    glass._mouse_out_callbacks(-5, -5)
    before = canvas.state()
    glass._mouse_move_callbacks(*pixel(canvas, 0, 0.6, 0.6))
    assert canvas.state() == before


def test_readers_know_the_shipped_digits():
    from dlhelpers import data, training

    digits = data.digits("bundled")
    for name, net in digit_canvas.readers().items():
        assert training.accuracy(net, digits.X_test, digits.y_test) > 0.95, name
