"""models.convolutional against torch, autograd, SciPy and plain sums; wrong shapes are named."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import signal
from torch import nn

from dlhelpers.models import convolutional as C
from dlhelpers.models.mlp import count_parameters

CASES = [(n, c, o, h, w, k, s, p) for (n, c, o, h, w), k, s, p in itertools.product(
    [(1, 1, 1, 7, 6), (3, 2, 4, 9, 8), (2, 3, 1, 5, 11)], [(1, 1), (3, 3), (2, 5)], [1, 2, 3], [0, 2])]


def draw(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def by_hand(x, w, stride, padding):
    """The sum as the docstring has it, entry by entry, in plain Python."""
    n, channels, height, width = x.shape
    out, _, k, m = w.shape
    rows, columns = (height + 2 * padding - k) // stride + 1, (width + 2 * padding - m) // stride + 1
    y = np.zeros((n, out, rows, columns))
    for a, o, i, j, c, u, v in itertools.product(*map(range, (n, out, rows, columns, channels, k, m))):
        r, s = stride * i + u - padding, stride * j + v - padding
        if 0 <= r < height and 0 <= s < width:
            y[a, o, i, j] += float(w[o, c, u, v] * x[a, c, r, s])
    return y


@pytest.mark.parametrize("n, c, o, h, w, k, s, p", CASES[::5])
def test_the_sum_entry_by_entry(n, c, o, h, w, k, s, p):
    x, kernels = draw(n, c, h, w), draw(o, c, *k, seed=1)
    np.testing.assert_allclose(C.correlate(x, kernels, stride=s, padding=p), by_hand(x, kernels, s, p), atol=1e-12)


@pytest.mark.parametrize("method", C.METHODS)
@pytest.mark.parametrize("n, c, o, h, w, k, s, p", CASES)
def test_every_way_is_torchs(method, n, c, o, h, w, k, s, p):
    x, kernels, b = draw(n, c, h, w), draw(o, c, *k, seed=1), draw(o, seed=2)
    right = F.conv2d(x, kernels, b, stride=s, padding=p)
    found = C.correlate(x, kernels, b, stride=s, padding=p, method=method)
    assert found.shape == right.shape
    assert (found - right).abs().max() < 1e-13 * right.abs().max() * kernels[0].numel()
    assert found.shape[2:] == tuple(C.output_size(size, side, stride=s, padding=p)
                                    for size, side in zip((h, w), k, strict=True))


def test_convolution_and_correlation_are_scipys():
    x, w = draw(8, 9), draw(3, 4, seed=1)
    for ours, theirs in ((C.convolve, signal.convolve2d), (C.correlate, signal.correlate2d)):
        np.testing.assert_allclose(ours(x[None, None], w[None, None])[0, 0], theirs(x, w, mode="valid"), atol=1e-13)


@pytest.mark.parametrize("n, c, o, h, w, k, s, p", CASES)
def test_gradients_are_autograds(n, c, o, h, w, k, s, p):
    x, kernels = draw(n, c, h, w).requires_grad_(), draw(o, c, *k, seed=1).requires_grad_()
    y = F.conv2d(x, kernels, stride=s, padding=p)
    g = draw(*y.shape, seed=3)
    y.backward(g)
    torch.testing.assert_close(C.input_gradient(g, kernels.detach(), (h, w), stride=s, padding=p), x.grad)
    torch.testing.assert_close(C.kernel_gradient(g, x.detach(), k, stride=s, padding=p), kernels.grad)


def test_patches_are_torchs_unfold():
    x = draw(2, 3, 9, 7)
    found = C.patches(x, (3, 2), stride=2, padding=1)
    torch.testing.assert_close(found, F.unfold(x, (3, 2), stride=2, padding=1))


def test_the_matrix_has_each_weight_where_its_window_lies():
    w = draw(2, 3, 2, 2)
    matrix = C.toeplitz(w, (4, 5))
    assert matrix.shape == (2 * 3 * 4, 3 * 4 * 5)
    assert int((matrix != 0).sum()) == 2 * 3 * 4 * w[0].numel()
    assert set(matrix.unique().tolist()) == {0.0, *w.flatten().tolist()}


def test_dilate():
    g = torch.arange(1.0, 7).reshape(1, 1, 2, 3)
    assert C.dilate(g, 2)[0, 0].tolist() == [[1, 0, 2, 0, 3], [0, 0, 0, 0, 0], [4, 0, 5, 0, 6]]
    assert C.dilate(g, 1) is not g and torch.equal(C.dilate(g, 1), g)


@pytest.mark.parametrize("n, k, s, p, out", [(4, 3, 1, 0, 2), (5, 4, 1, 2, 6), (5, 3, 2, 0, 2), (32, 5, 1, 0, 28),
                                             (28, 3, 2, 1, 14), (14, 3, 2, 1, 7), (7, 3, 2, 1, 4)])
def test_sizes_of_the_slides(n, k, s, p, out):
    assert C.output_size(n, k, stride=s, padding=p) == out


def test_the_small_net():
    net = C.three_layer(seed=3)
    assert count_parameters(net) == 23_946 == 320 + 2 * 9_248 + 5_130
    x = torch.rand(4, 784, generator=torch.Generator().manual_seed(0))
    flat, images = net(x), net(x.reshape(4, 1, 28, 28))
    assert torch.equal(flat, images) and flat.shape == (4, 10)
    assert [tuple(net[:k](x).shape[1:]) for k in (2, 4, 6)] == [(32, 14, 14), (32, 7, 7), (32, 4, 4)]
    last = net.to(memory_format=torch.channels_last)(x)
    torch.testing.assert_close(last, flat, rtol=0, atol=1e-6)


def test_a_seed_leaves_the_global_generator_alone_and_none_uses_it():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, second = C.three_layer(seed=7), C.three_layer(seed=7)
    assert torch.equal(torch.get_rng_state(), before)
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)
    drawn = C.three_layer()
    torch.manual_seed(5)
    assert torch.equal(drawn[1].weight, nn.Conv2d(1, 32, 3).weight)


X, W = torch.zeros(2, 3, 8, 9), torch.zeros(4, 3, 5, 5)


@pytest.mark.parametrize("call, error, said", [
    (lambda: C.correlate(torch.zeros(2, 8, 9, 3), W), ValueError,
     r"x must have shape \(n, 3, height, width\), got \(2, 8, 9, 3\): the channels stand last"),
    (lambda: C.correlate(X[0], W), ValueError,
     r"x must have shape \(n, 3, height, width\), got \(3, 8, 9\): a single image needs an axis for the batch"),
    (lambda: C.correlate(X[:, :2], W), ValueError, r"x must have shape \(n, 3, height, width\), got \(2, 2, 8, 9\)$"),
    (lambda: C.correlate(X[:, :, :4], W), ValueError,
     r"w must not be larger than the image: kernel 5 x 5, x of 4 x 9 .* shape \(n, 3, at least 5, at least 5\)"),
    (lambda: C.correlate(X, W, stride=0), ValueError, "stride must be at least 1, got 0"),
    (lambda: C.correlate(X, W, stride=1.5), TypeError, "stride must be an integer"),
    (lambda: C.correlate(X, W, padding=-1), ValueError, "padding must be at least 0"),
    (lambda: C.correlate(X, W[0]), ValueError, r"w must have shape \(out channels, in channels, height, width\)"),
    (lambda: C.correlate(X, W, torch.zeros(3)), ValueError, r"b must have shape \(4\)"),
    (lambda: C.correlate(X, W, method="magic"), ValueError, "method must be one of 'torch', 'loops'"),
    (lambda: C.correlate(X.int(), W), TypeError, "x must hold floating-point numbers"),
    (lambda: C.correlate(X.numpy(), W), TypeError, "x must be a torch tensor"),
    (lambda: C.correlate(X * torch.nan, W), ValueError, "x must be finite"),
    (lambda: C.convolve(X, W[0]), ValueError, "w must have shape"),
    (lambda: C.patches(X, (0, 3)), ValueError, "k: each side must be at least 1"),
    (lambda: C.patches(X, (9, 3)), ValueError, "w must not be larger"),
    (lambda: C.patches(X[0], (3, 3)), ValueError, r"x must have shape \(n, channels, height, width\)"),
    (lambda: C.toeplitz(W, (4, 4)), ValueError, "k must be at most 4"),
    (lambda: C.input_gradient(torch.zeros(2, 4, 4, 4), W, (8, 9)), ValueError, r"g must have shape \(any, 4, 4, 5\)"),
    (lambda: C.kernel_gradient(torch.zeros(1, 4, 4, 5), X, (5, 5)), ValueError, r"g must have shape \(2, any, 4, 5\)"),
    (lambda: C.dilate(torch.zeros(2, 4, 4), 2), ValueError, "g must have 4"),
    (lambda: C.dilate(torch.zeros(1, 1, 2, 2), 0), ValueError, "stride must be at least 1"),
    (lambda: C.output_size(4, 5), ValueError, "k must be at most 4"),
    (lambda: C.output_size(4.0, 3), TypeError, "n must be an integer"),
    (lambda: C.output_size(4, 3, stride=0), ValueError, "stride must be at least 1"),
    (lambda: C.three_layer()(torch.zeros(2, 28, 28, 1)), ValueError,
     r"x must have shape \(n, 1, 28, 28\) or \(n, 784\), got \(2, 28, 28, 1\): the channels stand last"),
    (lambda: C.three_layer()(torch.zeros(1, 28, 28)), ValueError, r"x\[None\]"),
    (lambda: C.three_layer()(torch.zeros(784)), ValueError, r"got \(784,\)"),
    (lambda: C.three_layer()(torch.zeros(3, 1, 32, 32)), ValueError, r"got \(3, 1, 32, 32\)"),
    (lambda: C.three_layer()([[0.0] * 784]), TypeError, "x must be a Tensor"),
    (lambda: C.three_layer(0), ValueError, "classes must be at least 1"),
    (lambda: C.three_layer(seed=-1), ValueError, "seed must be at least 0"),
    (lambda: C.Images(0), ValueError, "channels must be at least 1"),
])
def test_what_does_not_fit_is_named(call, error, said):
    with pytest.raises(error, match=said):
        call()
