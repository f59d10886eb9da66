"""Checkers for the exercises of lecture 11: sizes backwards, fewer products, a kernel found, a maximum, a net."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import nn

from dlhelpers import data
from dlhelpers.exercises.core import call, checker, compare, refuse, to_numpy

Array = np.ndarray
Layers = list[tuple[int, int, int]]


@checker("input_sides", "every stack of layers can be read backwards")
def check_input_sides(answer: Any) -> None:
    """``input_sides(layers, out)`` -> least and greatest side of an image that ends with ``out`` pixels a side.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    def back(layers: Layers, out: int, *, pad: int = 2, one: int = 1, rest: int = 1, only: str = "") -> list[int]:
        least = most = out
        for number, (k, s, p) in enumerate(reversed(layers)):
            spare = s - rest if not only or (only == "last" and number == 0) or (
                only == "first" and number == len(layers) - 1) else 0
            least = (least - one) * s + k - pad * p
            most = (most - one) * s + k - pad * p + spare
        return [least, most]

    cases: list[tuple[Layers, int]] = [([(5, 1, 0)], 28), ([(3, 2, 0)], 4), ([(3, 2, 1)], 4),
                                       ([(3, 2, 1), (3, 2, 1), (3, 2, 1)], 4), ([(5, 3, 2), (3, 1, 0)], 6),
                                       ([(7, 2, 3), (3, 3, 0), (2, 2, 0)], 5)]
    for layers, out in cases:
        got = call(answer, "input_sides", layers, out)
        if np.shape(got) != (2,):
            refuse("input_sides should return two whole numbers, the least side and the greatest one")
        right = back(layers, out)
        compare(got, right, "input_sides", {
            "the greatest side comes first: the least one was asked for first": right[::-1],
            "the layers are taken from the input on; the output is known, so begin at the last layer":
                back(layers[::-1], out),
            "several sides give the same output, since what does not fill a whole step is left over":
                [right[0], right[0]],
            "padding stands at both ends of a side": back(layers, out, pad=1),
            "padding makes the image larger, so a smaller one is enough": back(layers, out, pad=-2),
            "the padding is forgotten": back(layers, out, pad=0),
            "n places are n − 1 steps apart": back(layers, out, one=0),
            "with a whole step more there is room for one place more": back(layers, out, rest=0),
            "the left-over pixels of every layer count, not only those of the last one": back(layers, out, only="last"),
            "the left-over pixels of every layer count, and those of a later layer are steps of the ones before it":
                back(layers, out, only="first"),
        }, rtol=0, atol=1e-9)


def _kernels() -> dict[str, Array]:
    rng = np.random.default_rng(5)
    bell = np.exp(-(np.arange(-3, 4.0) ** 2) / 4)
    return {"Sobel": np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]), "a 7 by 7 Gaussian": np.outer(bell, bell),
            "five-point Laplace": np.array([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]]),
            "a 5 by 7 kernel": rng.normal(size=(5, 2)) @ rng.normal(size=(2, 7)), "random": rng.normal(size=(4, 4)),
            "nothing": np.zeros((3, 3))}


@checker("passes", "each kernel with as few pairs of passes as there can be")
def check_passes(answer: Any) -> None:
    """``passes(w)`` -> as few pairs (column, row) as possible whose outer products add up to the kernel.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for name, w in _kernels().items():
        got, shown = call(answer, "passes", w), {"w": name}
        if not isinstance(got, (list, tuple)) or any(not isinstance(pair, (list, tuple)) or len(pair) != 2
                                                     for pair in got):
            refuse("passes should return a list of pairs (column, row)", inputs=shown)
        if any(np.iscomplexobj(to_numpy(part)) for pair in got for part in pair):
            refuse("passes: complex numbers come from eigenvectors, which square kernels alone have; the decomposition "
                   "meant is another", inputs=shown)
        pairs = [(to_numpy(a).astype(float).ravel(), to_numpy(b).astype(float).ravel()) for a, b in got]
        if any(len(a) == w.shape[1] and len(b) == w.shape[0] for a, b in pairs) and w.shape[0] != w.shape[1]:
            refuse("passes: the column comes first; these pairs hold the row first", inputs=shown)
        if any((len(a), len(b)) != w.shape for a, b in pairs):
            refuse(f"passes: a column of this kernel holds {w.shape[0]} numbers, a row {w.shape[1]}", inputs=shown)
        total = sum((np.outer(a, b) for a, b in pairs), np.zeros(w.shape))
        U, S, Vt = np.linalg.svd(w)
        r = int((S > 1e-9 * max(S[0], 1e-300)).sum())
        compare(total, w, "the sum of the outer products", {
            "the singular values are left out: each pair needs its size": U[:, :r] @ Vt[:r],
            "the singular values count twice: once for the column, once for the row": (U[:, :r] * S[:r] ** 2) @ Vt[:r],
            "the columns of U go with the rows of the other factor: numpy returns that one transposed already":
                (U[:, :r] * S[:r]) @ Vt.T[:r, :w.shape[1]] if w.shape[0] == w.shape[1] else np.full(w.shape, np.nan),
            "rows of U are taken for its columns": (U.T[:, :r] * S[:r]) @ Vt[:r],
            "one pair is not enough for every kernel: how many does its rank ask for?":
                S[0] * np.outer(U[:, 0], Vt[0]) if r > 1 else np.full(w.shape, np.nan),
        }, rtol=1e-7, atol=1e-9, inputs=shown)
        if len(pairs) > r:
            refuse(f"passes: right, but with {len(pairs)} pairs, and fewer are enough: some of them add nothing"
                   if len(pairs) <= min(w.shape) else f"passes: right, but {len(pairs)} pairs, one a weight or more, "
                   "save nothing", inputs=shown)


@checker("find_kernel", "the weights come back, also through noise")
def check_find_kernel(answer: Any) -> None:
    """``find_kernel(x, y, k)`` -> the k by k kernel that makes the map y of the image x, by least squares.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(11)
    for (rows, columns), k, noise in (((9, 8), 3, 0.0), ((12, 15), 4, 0.0), ((20, 16), 3, 0.3), ((14, 14), 5, 0.1)):
        x, w = rng.normal(size=(rows, columns)), rng.normal(size=(k, k))
        windows = sliding_window_view(x, (k, k))                               # (rows', columns', k, k)
        A = windows.reshape(-1, k * k)                                         # (places, weights)
        y = (windows * w).sum((2, 3)) + noise * rng.normal(size=windows.shape[:2])
        right = np.linalg.lstsq(A, y.ravel(), rcond=None)[0].reshape(k, k)     # (k², ) -> (k, k)
        got = call(answer, "find_kernel", x, y, k)
        constant = np.linalg.lstsq(np.c_[A, np.ones(len(A))], y.ravel(), rcond=None)[0][:-1].reshape(k, k)
        circle = np.fft.ifft2(np.conj(np.fft.fft2(y, x.shape) / np.fft.fft2(x))).real[:k, :k]
        around = np.linalg.lstsq(A, y.T.ravel(), rcond=None)[0].reshape(k, k)
        first = np.linalg.solve(A[:k * k], y.ravel()[:k * k]).reshape(k, k)    # (k², ) -> (k, k)
        ridge = np.linalg.solve(A.T @ A + np.eye(k * k), A.T @ y.ravel()).reshape(k, k)
        compare(got, right, "find_kernel", {
            "the kernel is turned by half a turn: y is a cross-correlation here": right[::-1, ::-1],
            "the kernel is transposed: its rows and the windows' rows do not match": right.T,
            "the map has no constant in it: weights alone are asked for": (
                constant if noise else np.full((k, k), np.nan)),
            "this divides by waves on a circle; the map has no wrapped rim, its places are n − k + 1": circle,
            "the map is read column by column and the windows row by row": around,
            "it is upside down": right[::-1],
            "it is mirrored from left to right": right[:, ::-1],
            "exact for the first k² places, which then carry all of the noise: use all places": (
                first if noise else np.full((k, k), np.nan)),
            "this is a correlation of y with x: right up to the windows' own correlations, which have to be divided "
            "out": (A.T @ y.ravel()).reshape(k, k),
            "the same, divided by the number of places: the windows' own correlations are not those of white noise":
                (A.T @ y.ravel()).reshape(k, k) / len(A),
            "a ridge pulls the weights towards 0; there are enough places to do without": ridge,
        }, rtol=1e-6, atol=1e-8, inputs={"x": f"{rows} by {columns} random numbers", "k": k, "noise": noise})


@checker("max_pool_backward", "each window pays its winner, and who wins often is paid often")
def check_max_pool_backward(answer: Any) -> None:
    """``max_pool_backward(g, x, k, s)`` -> gradient for the image x behind a max pooling with window k and stride s.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(4)
    for (rows, columns), k, s in (((4, 4), 2, 2), ((6, 9), 3, 3), ((7, 5), 3, 1), ((9, 8), 3, 2), ((6, 6), 2, 3)):
        # Whole numbers without ties, half or more of them negative: a maximum need not be above 0.
        least = -rows * columns // 2 if rows == 4 else -3 * rows * columns // 4
        x = (rng.permutation(rows * columns) + least).reshape(rows, columns).astype(float)
        shape = (rows - k) // s + 1, (columns - k) // s + 1
        g = rng.integers(1, 9, shape).astype(float)
        kinds = {kind: np.zeros_like(x) for kind in ("max", "last", "min", "mean", "sum", "corner", "value", "one",
                                                     "swap", "size", "positive")}
        for i, j in np.ndindex(shape):
            window = np.s_[s * i:s * i + k, s * j:s * j + k]
            for kind, at in (("max", x[window].argmax()), ("min", x[window].argmin()), ("corner", 0),
                             ("size", np.abs(x[window]).argmax())):
                a, b = divmod(int(at), k)
                kinds[kind][s * i + a, s * j + b] += g[i, j]
                if kind == "max":
                    kinds["last"][s * i + a, s * j + b] = g[i, j]
                    kinds["one"][s * i + a, s * j + b] += 1
                    kinds["swap"][s * i + b, s * j + a] += g[i, j]
                    kinds["positive"][s * i + a, s * j + b] += g[i, j] * (x[window].max() > 0)
                    kinds["value"][s * i + a, s * j + b] += g[i, j] * x[window].max()
            kinds["mean"][window] += g[i, j] / k**2
            kinds["sum"][window] += g[i, j]
        nothing = np.full(x.shape, np.nan)
        right = kinds["max"]
        compare(call(answer, "max_pool_backward", g, x, k, s), right, "max_pool_backward", {
            "one pixel can win several windows, and gets the gradient of each: add, do not overwrite":
                kinds["last"] if (kinds["last"] != right).any() else nothing,
            "a winner below 0 is paid too: this is max pooling, no ReLU": kinds["positive"],
            "the upstream gradient is left out: each winner passes on what arrives from above": kinds["one"],
            "row and column of the winner are exchanged inside its window": kinds["swap"],
            "this is the gradient of mean pooling: a maximum listens to one pixel only": kinds["mean"],
            "every pixel of the window gets the whole gradient: only the winner moves the maximum": kinds["sum"],
            "the smallest pixel of each window is paid, not the largest": kinds["min"],
            "the largest size is not the largest value: -3 is below 1": kinds["size"],
            "the gradient goes to the window's corner, not to where the maximum stands": kinds["corner"],
            "the slope of a maximum with respect to its winner is 1, whatever the winner's value": kinds["value"],
            "windows are k apart here; the stride says how far they are":
                _overlapping_as_blocks(g, x, k) if s != k else nothing,
        }, rtol=0, atol=1e-9)


def _overlapping_as_blocks(g: Array, x: Array, k: int) -> Array:
    """The gradient if windows stood side by side."""
    found = np.zeros_like(x)
    for i, j in np.ndindex(g.shape):
        part = x[k * i:k * i + k, k * j:k * j + k]
        if part.size:
            a, b = divmod(int(part.argmax()), part.shape[1])
            found[k * i + a, k * j + b] += g[i, j]
    return found


_BUDGET, _SHARE = 10_000, 0.88


@checker("train_moved", "ten thousand numbers at most, and a digit may stand where it likes")
def check_train_moved(answer: Any) -> None:
    """``train_moved(X, y)`` -> a trained net of at most 10 000 parameters that reads moved digits.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    digits = data.digits("bundled")
    X, X_new = data.frames.framed(digits.X_train), data.frames.framed(digits.X_test)
    shown = {"X": "1 500 digits in the middle of their frames"}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # for so small a net, threads do little but wait for each other
    try:
        net = call(answer, "train_moved", X, digits.y_train)
    finally:
        torch.set_num_threads(threads)
    if not isinstance(net, nn.Module):
        refuse(f"train_moved should return the trained net, a torch module, got {type(net).__name__}", inputs=shown)
    size = sum(p.numel() for p in net.parameters()) + sum(b.numel() for b in net.buffers())
    if size > _BUDGET:
        refuse(f"train_moved: this net holds {size} numbers, more than {_BUDGET}: which layer has most of them, and "
               "what could shrink the map before it?", inputs=shown)
    moves = [(0, 0), *((a, b) for a in (-4, -1, 2, 4) for b in (-4, 0, 4))]
    scores = [_scores(net, data.frames.shifted(X_new, a, b)) for a, b in moves]
    shares = [float((s.argmax(1) == digits.y_test.numpy()).mean()) for s in scores]
    home, away = shares[0], float(np.mean(shares[1:]))
    if away >= _SHARE:
        return
    counts = np.bincount(np.concatenate([s.argmax(1) for s in scores]), minlength=10)
    for seen, hint in (
        (all(np.ptp(s, axis=0).max() < 1e-6 for s in scores), "every image gets the same scores: nothing was "
                                                              "learned, or all units are dead"),
        (counts.max() > 0.9 * counts.sum(), f"nearly every image is called a {counts.argmax()}: the net guesses; "
                                            "smaller steps, or more of them?"),
        (home < 0.6, f"{home:.0%} of the digits in the middle are read right, so it has not learned to read yet: more "
                     "steps, or a rate that suits"),
        (home - away > 0.15, f"{home:.0%} of the digits in the middle are read right, but {away:.1%} of the moved "
                             f"ones (asked are {_SHARE:.0%}): what in the net, or in what it is shown, could make it "
                             "forget the place?"),
    ):
        if seen:
            refuse(f"train_moved: {hint}", inputs=shown)
    refuse(f"train_moved: {away:.1%} of the moved digits are read right (asked are {_SHARE:.0%}), and {home:.0%} of "
           "those in the middle: the place is no longer the trouble, reading is; "
           f"{size} of {_BUDGET} numbers are used", inputs=shown)


def _scores(net: nn.Module, X: torch.Tensor) -> Array:
    """Ten scores an image, wherever the net lives; refuses other forms."""
    net.eval()
    try:
        with torch.no_grad():
            scores = net(X.to(next(net.parameters(), X)))
    except (RuntimeError, ValueError):
        refuse("train_moved: the net that came back does not take images of shape (n, 784)")
    if not isinstance(scores, torch.Tensor) or scores.shape != (len(X), 10):
        shape = tuple(scores.shape) if isinstance(scores, torch.Tensor) else type(scores).__name__
        refuse(f"train_moved: the net should give ten scores for each image, (n, 10), got {shape} for n = {len(X)}")
    found = scores.cpu().double().numpy()
    if not np.isfinite(found).all():
        refuse("train_moved: the scores are not finite: a smaller learning rate?")
    return found
