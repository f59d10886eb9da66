"""data.frames: sizes, shifts and covers against plain indexing and torch."""

import pytest
import torch
import torch.nn.functional as F

from dlhelpers.data import frames

X = torch.rand(5, 784, generator=torch.Generator().manual_seed(0))
IMAGES = X.reshape(5, 28, 28)


def test_whole_factors_are_means_of_blocks():
    small = frames.framed(X, 14, frame=20).reshape(5, 20, 20)
    torch.testing.assert_close(small[:, 3:17, 3:17], F.avg_pool2d(IMAGES[:, None], 2)[:, 0])
    rim = small.clone()
    rim[:, 3:17, 3:17] = 0
    assert rim.abs().max() == 0


@pytest.mark.parametrize("side", [1, 13, 20, 28])
def test_areas_keep_the_mean(side):
    small = frames.framed(X, side)
    torch.testing.assert_close(small.sum(1) / side**2, X.mean(1))
    torch.testing.assert_close(frames.area_matrix(28, side).sum(1), torch.ones(side))


def test_twenty_pixels_against_a_fine_grid():
    fine = IMAGES.repeat_interleave(5, 1).repeat_interleave(5, 2)                    # (n, 140, 140)
    torch.testing.assert_close(frames.framed(X, 20, frame=20).reshape(5, 20, 20), F.avg_pool2d(fine[:, None], 7)[:, 0])


@pytest.mark.parametrize("right, down", [(0, 0), (3, 0), (-3, 0), (0, 5), (2, -7), (28, 0), (0, -28)])
def test_shifts(right, down):
    moved = frames.shifted(X, right, down).reshape(5, 28, 28)
    for i in range(28):
        for j in range(28):
            r, c = i - down, j - right
            want = IMAGES[:, r, c] if 0 <= r < 28 and 0 <= c < 28 else torch.zeros(5)
            assert torch.equal(moved[:, i, j], want)


def test_covers():
    hidden = frames.covered(X, 3, 20, 6, value=0.25).reshape(5, 28, 28)
    assert (hidden[:, 3:9, 20:26] == 0.25).all()
    hidden[:, 3:9, 20:26] = IMAGES[:, 3:9, 20:26]
    assert torch.equal(hidden, IMAGES)
    assert int((frames.covered(X, -4, 26, 6) != X).sum()) == 5 * 2 * 2
    assert torch.equal(frames.covered(X, -9, 0, 6), X)


@pytest.mark.parametrize("call, error, said", [
    (lambda: frames.framed(X, 29), ValueError, "side must be at most 28"),
    (lambda: frames.framed(X, 20, frame=19), ValueError, "side must be at most 19"),
    (lambda: frames.framed(X[:, :783]), ValueError, "X must hold flattened square images"),
    (lambda: frames.framed(IMAGES), ValueError, r"X must have 2 dimension"),
    (lambda: frames.framed(X.int()), TypeError, "X must hold floating-point"),
    (lambda: frames.shifted(X, 1.5), TypeError, "right must be an integer"),
    (lambda: frames.shifted(X, 0, 29), ValueError, "down must be at most 28"),
    (lambda: frames.covered(X, 0, 0, 0), ValueError, "size must be at least 1"),
    (lambda: frames.covered(X, 0.5, 0), TypeError, "top must be an integer"),
    (lambda: frames.area_matrix(4, 5), ValueError, "new must be at most 4"),
])
def test_bad_input_is_named(call, error, said):
    with pytest.raises(error, match=said):
        call()
