r"""Convolution as networks use it (lecture 11): one sum, five ways to compute it, its gradients, a small net.

.. math:: y_{o,i,j} = b_o + \sum_{c,m,n} w_{o,c,m,n}\, x_{c,\,si+m-p,\,sj+n-p}

with stride s and padding p, and x taken as 0 outside the image.  Mathematicians call this
cross-correlation; :func:`convolve` turns the kernel round first.  Images are
(n, channels, height, width), kernels (out, in, k, k).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from dlhelpers import checks

Tensor = torch.Tensor


def output_size(n: int, k: int, *, stride: int = 1, padding: int = 0) -> int:
    r"""How many places a kernel of k pixels finds along n pixels, :math:`\lfloor (n + 2p - k)/s \rfloor + 1`.

    :param n: pixels along this side of the image.
    :param k: pixels of the kernel.
    :param stride: distance of neighbouring places, s.
    :param padding: zeros added at both ends, p.
    :returns: at least 1.
    :raises TypeError: if one is no integer.
    :raises ValueError: if one is too small, or the kernel larger than the padded image.
    """
    n, k = checks.integer(n, "n", at_least=1), checks.integer(k, "k", at_least=1)
    stride, padding = checks.integer(stride, "stride", at_least=1), checks.integer(padding, "padding", at_least=0)
    if k > n + 2 * padding:
        raise ValueError(f"k must be at most {n + 2 * padding}, the image's {n} pixels with padding {padding} "
                         f"at both ends, got {k}")
    return (n + 2 * padding - k) // stride + 1


def correlate(x: Tensor, w: Tensor, b: Tensor | None = None, *, stride: int = 1, padding: int = 0,
              method: str = "torch") -> Tensor:
    """What a convolution layer computes: cross-correlation, all channels added up.

    :param x: images (n, C, H, W).
    :param w: kernels (O, C, k, k').
    :param b: one number for each output channel, (O,); None for zeros.
    :param stride: pixels from one place to the next.
    :param padding: zeros around the image.
    :param method: one of :data:`METHODS`; all give the same numbers up to rounding, at very different costs.
    :returns: (n, O, H', W') with sides as :func:`output_size` says.
    :raises TypeError: if an argument is no tensor of floating-point numbers, or no integer.
    :raises ValueError: naming the argument, its shape and the one that is needed.
    """
    checks.one_of(method, "method", METHODS)
    stride, padding = checks.integer(stride, "stride", at_least=1), checks.integer(padding, "padding", at_least=0)
    _kernels(w)
    _images(x, w.shape[1], tuple(w.shape[2:]), padding)
    if b is not None:
        checks.tensor(b, "b", shape=(w.shape[0],))
    y = METHODS[method](x, w, stride, padding)
    return y if b is None else y + b[:, None, None]


def convolve(x: Tensor, w: Tensor, b: Tensor | None = None, *, stride: int = 1, padding: int = 0,
             method: str = "torch") -> Tensor:
    """Convolution in the mathematical sense: :func:`correlate` with every kernel turned by half a turn.

    :param x: images (n, C, H, W).
    :param w: kernels (O, C, k, k').
    :param b: (O,), or None.
    :param stride: pixels from one place to the next.
    :param padding: zeros around the image.
    :param method: one of :data:`METHODS`.
    :returns: (n, O, H', W').
    :raises TypeError: as :func:`correlate`.
    :raises ValueError: as :func:`correlate`.
    """
    _kernels(w)
    return correlate(x, w.flip(2, 3), b, stride=stride, padding=padding, method=method)


def patches(x: Tensor, k: tuple[int, int], *, stride: int = 1, padding: int = 0) -> Tensor:
    """Every window of the images as a column, so that a convolution becomes one matrix product ("im2col").

    :param x: images (n, C, H, W).
    :param k: height and width of the window.
    :param stride: pixels from one window to the next.
    :param padding: zeros around the image.
    :returns: (n, C k k', H' W'): rows ordered as a kernel's entries, columns as the output's pixels.
    :raises TypeError: if x is no tensor of floating-point numbers.
    :raises ValueError: naming the argument that does not fit.
    """
    stride, padding = checks.integer(stride, "stride", at_least=1), checks.integer(padding, "padding", at_least=0)
    height, width = (checks.integer(side, "k: each side", at_least=1) for side in k)
    _images(x, None, (height, width), padding)
    windows = F.pad(x, 4 * (padding,)).unfold(2, height, stride).unfold(3, width, stride)  # (n, C, H', W', k, k')
    return windows.permute(0, 1, 4, 5, 2, 3).flatten(1, 3).flatten(2)  # (n, C k k', H' W')


def toeplitz(w: Tensor, size: tuple[int, int], *, stride: int = 1, padding: int = 0) -> Tensor:
    """The matrix that correlates: a row for each output, with the kernel's entries where its window lies.

    It takes (O H' W')(C H W) numbers, n to the fourth for n x n pixels: for small images.

    :param w: kernels (O, C, k, k').
    :param size: height and width of the image.
    :param stride: pixels from one place to the next.
    :param padding: zeros around the image; they need no columns.
    :returns: (O H' W', C H W); it acts on flattened images.
    :raises TypeError: if w is no tensor of floating-point numbers.
    :raises ValueError: naming the argument that does not fit.
    """
    _kernels(w)
    out, channels, *k = w.shape
    rows, columns = (output_size(n, m, stride=stride, padding=padding) for n, m in zip(size, k, strict=True))
    H, W = size
    matrix = w.new_zeros(out, rows, columns, channels, H + 2 * padding, W + 2 * padding)
    i, j, m, n = torch.meshgrid(*(torch.arange(s, device=w.device) for s in (rows, columns, *k)), indexing="ij")
    # Indices apart from each other put their common shape first: (H', W', k, k', O, C).
    matrix[:, i, j, :, stride * i + m, stride * j + n] = w.permute(2, 3, 0, 1)  # (k, k', O, C)
    inside = matrix[..., padding:padding + H, padding:padding + W]
    return inside.reshape(out * rows * columns, channels * H * W)  # (O H' W', C H W)


def input_gradient(g: Tensor, w: Tensor, size: tuple[int, int], *, stride: int = 1, padding: int = 0) -> Tensor:
    r"""Gradient for the images: a full convolution of the upstream gradient, its pixels spread by the stride.

    .. math:: \frac{\partial L}{\partial x_{c,a,b}} = \sum_{o,i,j} g_{o,i,j}\, w_{o,c,\,a+p-si,\,b+p-sj}

    :param g: gradient of the loss for the outputs, (n, O, H', W').
    :param w: kernels (O, C, k, k').
    :param size: height and width of the images.
    :param stride: of the forward pass.
    :param padding: of the forward pass.
    :returns: (n, C, H, W).
    :raises TypeError: if g or w is no tensor of floating-point numbers.
    :raises ValueError: naming the argument that does not fit.
    """
    _kernels(w)
    k = tuple(w.shape[2:])
    sides = [output_size(n, m, stride=stride, padding=padding) for n, m in zip(size, k, strict=True)]
    checks.tensor(g, "g", shape=(None, w.shape[0], *sides))
    spread = dilate(g, stride)
    # Rows that no window reached, because the stride does not divide, get zeros: H + 2p = spread + k - 1 + rest.
    rest = [n + 2 * padding - m - s + 1 for n, m, s in zip(size, k, spread.shape[2:], strict=True)]
    wide = F.pad(spread, (k[1] - 1, k[1] - 1 + rest[1], k[0] - 1, k[0] - 1 + rest[0]))
    full = F.conv2d(wide, w.flip(2, 3).transpose(0, 1))  # (O, C, k, k') -> (C, O, k, k')
    return full[:, :, padding:padding + size[0], padding:padding + size[1]]


def kernel_gradient(g: Tensor, x: Tensor, k: tuple[int, int], *, stride: int = 1, padding: int = 0) -> Tensor:
    r"""Gradient for the kernels: the correlation of the input with the upstream gradient.

    .. math:: \frac{\partial L}{\partial w_{o,c,m,n}} = \sum_{i,j} g_{o,i,j}\, x_{c,\,si+m-p,\,sj+n-p}

    :param g: gradient of the loss for the outputs, (n, O, H', W').
    :param x: images (n, C, H, W).
    :param k: height and width of the kernels.
    :param stride: of the forward pass.
    :param padding: of the forward pass.
    :returns: (O, C, k, k'), added up over the n images.
    :raises TypeError: if g or x is no tensor of floating-point numbers.
    :raises ValueError: naming the argument that does not fit.
    """
    height, width = (checks.integer(side, "k: each side", at_least=1) for side in k)
    _images(x, None, (height, width), padding)
    sides = [output_size(n, m, stride=stride, padding=padding) for n, m in
             zip(x.shape[2:], (height, width), strict=True)]
    checks.tensor(g, "g", shape=(len(x), None, *sides))
    wide, spread = F.pad(x, 4 * (padding,)), dilate(g, stride)
    # The images are what is summed over: they take the place of the channels.
    found = F.conv2d(wide.transpose(0, 1), spread.transpose(0, 1))  # (C, n, ...), (O, n, ...) -> (C, O, ...)
    return found.transpose(0, 1)[:, :, :height, :width]  # (O, C, k, k')


def dilate(g: Tensor, stride: int) -> Tensor:
    """Pixels moved apart, zeros between them.

    :param g: (n, O, H', W').
    :param stride: distance of neighbours afterwards; 1 changes nothing.
    :returns: (n, O, s(H' - 1) + 1, s(W' - 1) + 1).
    :raises TypeError: if g is no tensor of floating-point numbers.
    :raises ValueError: if g has not four axes, or the stride is below 1.
    """
    stride = checks.integer(stride, "stride", at_least=1)
    n, channels, rows, columns = checks.tensor(g, "g", ndim=4).shape
    spread = g.new_zeros(n, channels, stride * (rows - 1) + 1, stride * (columns - 1) + 1)
    spread[:, :, ::stride, ::stride] = g
    return spread


class Images(nn.Module):
    """Flattened images get their axes back; images pass.  It refuses everything else, by name.

    :param channels: of the images.
    :param side: height and width in pixels.
    """

    def __init__(self, channels: int = 1, side: int = 28) -> None:
        super().__init__()
        side = checks.integer(side, "side", at_least=1)
        self.shape = checks.integer(channels, "channels", at_least=1), side, side

    def forward(self, x: Tensor) -> Tensor:
        """x (n, channels side²) or (n, channels, side, side) -> (n, channels, side, side)."""
        checks.instance(x, "x", torch.Tensor)
        channels, side, _ = self.shape
        if x.ndim == 4 and tuple(x.shape[1:]) == self.shape:
            return x
        if x.ndim == 2 and x.shape[1] == channels * side * side:
            return x.reshape(-1, *self.shape)  # (n, C side²) -> (n, C, side, side)
        raise ValueError(f"x must have shape (n, {channels}, {side}, {side}) or (n, {channels * side * side}), "
                         f"got {tuple(x.shape)}{_advice(tuple(x.shape), channels)}")

    def extra_repr(self) -> str:
        return f"channels={self.shape[0]}, side={self.shape[1]}"


def three_layer(classes: int = 10, *, seed: int | None = None) -> nn.Sequential:
    """The small convolutional net of demo code 4: three convolutions with stride 2, and a linear read-out.

    28 x 28 pixels become 14 x 14, 7 x 7 and 4 x 4, always with 32 channels; 23 946 parameters.

    :param classes: outputs.
    :param seed: for the weights, torch's default ones; None draws from the global generator.
    :returns: a net from (n, 784) or (n, 1, 28, 28) to (n, classes).
    :raises TypeError: if an argument is no integer.
    :raises ValueError: if one is out of range.

    Source: L. Rout, demo code 4 of the lectures at AAAI-21.
    """
    classes = checks.integer(classes, "classes", at_least=1)
    if seed is not None:
        checks.integer(seed, "seed", at_least=0, at_most=2**63 - 1)
    with torch.random.fork_rng(devices=[], enabled=seed is not None):
        if seed is not None:
            torch.default_generator.manual_seed(seed)
        blocks = [part for d_in in (1, 32, 32) for part in (nn.Conv2d(d_in, 32, 3, stride=2, padding=1), nn.ReLU())]
        return nn.Sequential(Images(1, 28), *blocks, nn.Flatten(), nn.Linear(32 * 4 * 4, classes))


def _loops(x: Tensor, w: Tensor, stride: int, padding: int) -> Tensor:
    """One place of the output after the other."""
    wide, (k, m) = F.pad(x, 4 * (padding,)), w.shape[2:]
    rows, columns = ((n - side) // stride + 1 for n, side in zip(wide.shape[2:], (k, m), strict=True))
    y = x.new_empty(len(x), len(w), rows, columns)
    for i in range(rows):
        for j in range(columns):
            window = wide[:, None, :, stride * i:stride * i + k, stride * j:stride * j + m]  # (n, 1, C, k, k')
            y[:, :, i, j] = (window * w).sum((2, 3, 4))
    return y


def _matrix(x: Tensor, w: Tensor, stride: int, padding: int) -> Tensor:
    size = x.shape[2], x.shape[3]
    rows, columns = (output_size(n, k, stride=stride, padding=padding) for n, k in zip(size, w.shape[2:], strict=True))
    y = x.flatten(1) @ toeplitz(w, size, stride=stride, padding=padding).T
    return y.reshape(len(x), len(w), rows, columns)  # (n, O H' W') -> (n, O, H', W')


def _im2col(x: Tensor, w: Tensor, stride: int, padding: int) -> Tensor:
    rows, columns = (output_size(n, k, stride=stride, padding=padding)
                     for n, k in zip(x.shape[2:], w.shape[2:], strict=True))
    k, m = w.shape[2:]
    y = w.flatten(1) @ patches(x, (k, m), stride=stride, padding=padding)  # (O, C k k') @ (n, C k k', H' W')
    return y.reshape(len(x), len(w), rows, columns)  # (n, O, H' W') -> (n, O, H', W')


def _fft(x: Tensor, w: Tensor, stride: int, padding: int) -> Tensor:
    """A product for each frequency.  The circle is as long as the padded image: no window wraps around it."""
    wide = F.pad(x, 4 * (padding,))
    size = wide.shape[2], wide.shape[3]
    X, V = torch.fft.rfft2(wide), torch.fft.rfft2(w, s=size).conj()
    Y = torch.einsum("ncab,ocab->noab", X, V)  # channels added up at each frequency: (n, O, frequencies)
    y = torch.fft.irfft2(Y, s=size)
    return y[:, :, :size[0] - w.shape[2] + 1:stride, :size[1] - w.shape[3] + 1:stride]


def _torch(x: Tensor, w: Tensor, stride: int, padding: int) -> Tensor:
    return F.conv2d(x, w, stride=stride, padding=padding)


#: Ways to compute a correlation, by name.
METHODS: dict[str, Callable[[Tensor, Tensor, int, int], Tensor]] = {
    "torch": _torch, "loops": _loops, "toeplitz": _matrix, "im2col": _im2col, "fft": _fft}


def _kernels(w: Tensor) -> None:
    checks.tensor(w, "w")
    if w.ndim != 4:
        raise ValueError(f"w must have shape (out channels, in channels, height, width), got {tuple(w.shape)}")


def _images(x: Tensor, channels: int | None, k: tuple[int, ...], padding: int) -> None:
    """Refuse what is no batch of images with so many channels, or smaller than the kernel."""
    checks.tensor(x, "x")
    shape, needed = tuple(x.shape), channels if channels is not None else "channels"
    if len(shape) != 4 or (channels is not None and shape[1] != channels):
        raise ValueError(f"x must have shape (n, {needed}, height, width), got {shape}{_advice(shape, channels)}")
    if any(m > n + 2 * padding for n, m in zip(shape[2:], k, strict=True)):
        raise ValueError(f"w must not be larger than the image: kernel {k[0]} x {k[1]}, x of {shape[2]} x {shape[3]} "
                         f"pixels with padding {padding}; x must have shape (n, {needed}, at least "
                         f"{max(1, k[0] - 2 * padding)}, at least {max(1, k[1] - 2 * padding)}), got {shape}")


def _advice(shape: tuple[int, ...], channels: int | None) -> str:
    """What the shape looks like, and how to mend it."""
    if len(shape) == 3 and channels in (None, shape[0]):
        return ": a single image needs an axis for the batch, x[None]"
    if len(shape) == 4 and channels is not None and shape[3] == channels:
        return ": the channels stand last, x.permute(0, 3, 1, 2) puts them second"
    return ""
