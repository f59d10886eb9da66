"""Drawn digits are prepared like the shipped ones: to the pixel where the source is known, in measure elsewhere."""

import numpy as np
import pytest
import torch
from drawn_digits import STROKES, smooth
from sklearn.datasets import load_digits

from dlhelpers import data
from dlhelpers.data import drawing


def prepared():
    return np.stack([drawing.prepare([smooth(stroke) for stroke in strokes]) for strokes in STROKES])


def test_counts_become_the_shipped_digits_to_the_last_bit():
    ours = drawing.enlarge(load_digits().images).reshape(-1, 784)
    digits = data.digits("bundled")
    shipped = (torch.cat([digits.X_train, digits.X_test]) * 64).numpy().astype(np.uint8)
    assert sorted(map(bytes, ours)) == sorted(map(bytes, shipped))


def test_ink_and_box_are_those_of_the_shipped_digits():
    counts = load_digits().images / 16
    pictures = prepared()
    assert counts.mean() == pytest.approx(drawing.INK, abs=5e-4)
    digits = data.digits("bundled")
    assert pictures.mean() == pytest.approx(float(digits.X_train.mean()), rel=0.05)
    # The whole height, and the columns from 6 to 26 of 32: the middle 5/8.
    assert (pictures.max((0, 2)) > 0.2).all()
    columns = pictures.mean((0, 1))
    assert columns[:3].max() < 0.03 and columns[-3:].max() < 0.03
    theirs = digits.X_train.numpy().reshape(-1, 28, 28).mean((0, 1))
    assert np.corrcoef(columns, theirs)[0, 1] > 0.95


def test_size_and_place_do_not_matter():
    strokes = [smooth(stroke) for stroke in STROKES[4]]
    small = drawing.prepare([0.2 * stroke + [0.7, 0.1] for stroke in strokes])
    assert np.abs(small - drawing.prepare(strokes)).max() == 0
    assert np.abs(drawing.shrink([0.2 * stroke + [0.7, 0.1] for stroke in strokes])
                  - drawing.shrink(strokes)).max() == 1


def test_more_ink_is_more_ink_and_values_are_64ths():
    strokes = [smooth(stroke) for stroke in STROKES[2]]
    for ink in (0.15, 0.305, 0.45):
        picture = drawing.prepare(strokes, ink=ink)
        assert picture.mean() == pytest.approx(ink, abs=0.03)
        assert picture.dtype == np.float32 and picture.shape == (28, 28)
        assert (picture * 64 == np.round(picture * 64)).all()


def test_a_pen_covers_what_is_near():
    line = drawing.drawn([np.array([[2.0, 4.0], [7.0, 4.0]])], 10, 2.0)
    rows, columns = np.nonzero(line)
    distance = np.hypot(np.maximum(0, np.maximum(2 - (columns + 0.5), columns + 0.5 - 7)), rows + 0.5 - 4)
    assert (distance <= 1).all() and line.sum() == 2 * 7
    dot = drawing.drawn([np.array([[5.0, 5.0]])], 10, 4.1)
    assert dot.sum() == 12 and dot[3:7, 3:7].sum() == 12


def test_blocks_are_counted():
    bitmap = np.zeros((32, 32), bool)
    bitmap[0, 0] = bitmap[4:8, 4:8] = bitmap[31, 28:] = True
    counts = drawing.count(bitmap)
    assert counts.shape == (8, 8) and (counts[0, 0], counts[1, 1], counts[7, 7], counts.sum()) == (1, 16, 4, 21)


def test_nothing_is_nothing_and_a_dot_is_something():
    assert drawing.prepare([]).max() == drawing.shrink([]).max() == 0
    assert drawing.prepare([np.array([[0.5, 0.5]])]).mean() == pytest.approx(drawing.INK, abs=0.03)


def test_ten_examples():
    examples = drawing.examples()
    assert len(examples) == 10
    for strokes in examples:
        assert all(stroke.shape[1] == 2 and 0 < stroke.min() and stroke.max() < 1 for stroke in strokes)


@pytest.mark.parametrize("call, error, said", [
    (lambda: drawing.prepare([np.zeros((3, 3))]), ValueError, r"strokes\[0\] must have shape \(any, 2\)"),
    (lambda: drawing.prepare([np.array([[0, np.nan]])]), ValueError, r"strokes\[0\] must be finite"),
    (lambda: drawing.prepare([], ink=1.0), ValueError, "ink must lie in"),
    (lambda: drawing.shrink([], pen=0.0), ValueError, "pen must be a positive number"),
    (lambda: drawing.shrink([["a", "b"]]), TypeError, r"strokes\[0\]"),
    (lambda: drawing.count(np.zeros((32, 32))), ValueError, "bitmap must hold 32 x 32 booleans"),
    (lambda: drawing.count(np.zeros((8, 8), bool)), ValueError, "bitmap must hold"),
    (lambda: drawing.enlarge(np.zeros((7, 8))), ValueError, r"counts must have shape \(..., 8, 8\), got \(7, 8\)"),
    (lambda: drawing.enlarge(np.full((8, 8), 17)), ValueError, "counts must lie from 0 to 16"),
    (lambda: drawing.resampling_matrix(0, 28), ValueError, "old must be at least 1"),
])
def test_bad_input_is_named(call, error, said):
    with pytest.raises(error, match=said):
        call()
