"""The exercises of lecture 11 answer back."""

import numpy as np
import pytest
import torch
from exercise_tools import assert_exercise, reference
from numpy.lib.stride_tricks import sliding_window_view
from torch import nn

from dlhelpers.exercises import convolution as ex
from dlhelpers.models.convolutional import Images, output_size, three_layer
from dlhelpers.models.mlp import mlp


@pytest.fixture(scope="module")
def answers():
    return reference("11_convolution")


def back(order=-1, pad=2, one=1, rest=1, spare=lambda number, of: True):
    def input_sides(layers, out):
        least = most = out
        for number, (k, s, p) in enumerate(layers[::order]):
            least = (least - one) * s + k - pad * p
            most = (most - one) * s + k - pad * p + (s - rest) * spare(number, len(layers))
        return least, most
    return input_sides


def test_input_sides(answers):
    right = answers["input_sides"]
    for layers, out in (([(3, 2, 1), (3, 2, 1), (3, 2, 1)], 4), ([(7, 2, 3), (3, 3, 0)], 5)):
        def through(n, layers=layers):
            for k, s, p in layers:
                n = output_size(n, k, stride=s, padding=p)
            return n
        least, most = right(layers, out)
        assert all(through(n) == out for n in range(least, most + 1))
        assert through(least - 1) < out < through(most + 1)
    assert_exercise(ex.check_input_sides, right, {
        "greatest side comes first": lambda *a: right(*a)[::-1],
        "begin at the last layer": back(order=1),
        "several sides give the same": lambda *a: (right(*a)[0],) * 2,
        "both ends of a side": back(pad=1),
        "makes the image larger": back(pad=-2),
        "padding is forgotten": back(pad=0),
        "n − 1 steps apart": back(one=0),
        "one place more": back(rest=0),
        "not only those of the last one": back(spare=lambda number, of: number == 0),
        "steps of the ones before it": back(spare=lambda number, of: number == of - 1),
        "two whole numbers": lambda *a: right(*a)[0],
    })


def test_passes(answers):
    right = answers["passes"]

    def decomposed(pair, least=1e-9, count=None):
        def passes(w):
            U, S, Vt = np.linalg.svd(w)
            keep = [i for i in range(len(S)) if S[i] > least * S[0]][:count]
            return [pair(U, S, Vt, i) for i in keep]
        return passes

    def one_a_weight(w):
        rows, columns = np.eye(w.shape[0]), np.eye(w.shape[1])
        return [(w[i, j] * rows[i], columns[j]) for i, j in np.ndindex(w.shape) if w.any()]

    assert_exercise(ex.check_passes, right, {
        "left out": decomposed(lambda U, S, Vt, i: (U[:, i], Vt[i])),
        "count twice": decomposed(lambda U, S, Vt, i: (S[i] * U[:, i], S[i] * Vt[i])),
        "transposed already": decomposed(lambda U, S, Vt, i: (S[i] * U[:, i], Vt[:, i])),
        "for its columns": decomposed(lambda U, S, Vt, i: (S[i] * U[i], Vt[i])),
        "one pair is not enough": decomposed(lambda U, S, Vt, i: (S[i] * U[:, i], Vt[i]), count=1),
        "some of them add nothing": lambda w: [(w[:, i], np.eye(w.shape[1])[i]) for i in range(w.shape[1])]
        if w.shape[0] == w.shape[1] else right(w),
        "save nothing": one_a_weight,
        "column comes first": lambda w: [(b, a) for a, b in right(w)] if w.shape[0] != w.shape[1] else right(w),
        "a row 3": lambda w: [(a[:2], b) for a, b in right(w)],
        "list of pairs": lambda w: w,
        "eigenvectors": lambda w: [(w[:, i] * (1 + 1j), row) for i, row in enumerate(np.eye(w.shape[1]))],
    })
    ex.check_passes(lambda w: [(2 * a, b / 2) for a, b in right(w)])


def test_find_kernel(answers):
    right = answers["find_kernel"]

    def equations(x, y, k):
        return sliding_window_view(x, (k, k)).reshape(-1, k * k), y.ravel()

    def exact(x, y, k):
        A, b = equations(x, y, k)
        return np.linalg.solve(A[:k * k], b[:k * k]).reshape(k, k)

    def correlated(mean, ridge=None):
        def find_kernel(x, y, k):
            A, b = equations(x, y, k)
            if ridge is not None:
                return np.linalg.solve(A.T @ A + ridge * np.eye(k * k), A.T @ b).reshape(k, k)
            return (A.T @ b).reshape(k, k) / (len(A) if mean else 1)
        return find_kernel

    def with_constant(x, y, k):
        A, b = equations(x, y, k)
        return np.linalg.lstsq(np.c_[A, np.ones(len(A))], b, rcond=None)[0][:-1].reshape(k, k)

    assert_exercise(ex.check_find_kernel, right, {
        "half a turn": lambda *a: right(*a)[::-1, ::-1],
        "is transposed": lambda *a: right(*a).T,
        "upside down": lambda *a: right(*a)[::-1],
        "mirrored": lambda *a: right(*a)[:, ::-1],
        "carry all of the noise": exact,
        "have to be divided out": correlated(False),
        "white noise": correlated(True),
        "a ridge pulls": correlated(False, ridge=1.0),
        "no constant": with_constant,
        "on a circle": lambda x, y, k: np.fft.ifft2(np.conj(np.fft.fft2(y, x.shape) / np.fft.fft2(x))).real[:k, :k],
        "column by column": lambda x, y, k: np.linalg.lstsq(equations(x, y, k)[0], y.T.ravel(),
                                                            rcond=None)[0].reshape(k, k),
        "numbers are right": lambda *a: right(*a).ravel(),
    })

    def in_torch(x, y, k):
        A, b = (torch.tensor(np.ascontiguousarray(part)) for part in equations(x, y, k))
        return torch.linalg.lstsq(A, b[:, None]).solution.reshape(k, k)

    ex.check_find_kernel(in_torch)


def test_max_pool_backward(answers):
    right = answers["max_pool_backward"]

    def windows(put):
        def max_pool_backward(g, x, k, s):
            found = np.zeros_like(x)
            for i, j in np.ndindex(g.shape):
                put(found[s * i:s * i + k, s * j:s * j + k], x[s * i:s * i + k, s * j:s * j + k], g[i, j])
            return found
        return max_pool_backward

    def at(place, value):
        def put(part, x, g):
            part.flat[0] = part.flat[0]
            spot = np.unravel_index(place(x), x.shape)
            part[spot] = value(part[spot], x[spot], g)
        return put

    def everywhere(share):
        def put(part, x, g):
            part += g * share(x)
        return put

    def exchanged(g, x, k, s):
        found = np.zeros_like(x)
        for i, j in np.ndindex(g.shape):
            a, b = divmod(int(x[s * i:s * i + k, s * j:s * j + k].argmax()), k)
            found[s * i + b, s * j + a] += g[i, j]
        return found

    assert_exercise(ex.check_max_pool_backward, right, {
        "do not overwrite": windows(at(np.argmax, lambda old, x, g: g)),
        "mean pooling": windows(everywhere(lambda x: 1 / x.size)),
        "every pixel of the window": windows(everywhere(lambda x: 1)),
        "smallest pixel": windows(at(np.argmin, lambda old, x, g: old + g)),
        "window's corner": windows(at(lambda x: 0, lambda old, x, g: old + g)),
        "whatever the winner's value": windows(at(np.argmax, lambda old, x, g: old + g * x)),
        "the stride says": lambda g, x, k, s: ex._overlapping_as_blocks(g, x, k),
        "no ReLU": windows(at(np.argmax, lambda old, x, g: old + g * (x > 0))),
        "upstream gradient is left out": windows(at(np.argmax, lambda old, x, g: old + 1)),
        "row and column of the winner": exchanged,
        "largest size": windows(at(lambda x: np.abs(x).argmax(), lambda old, x, g: old + g)),
        "should have shape": lambda g, x, k, s: g,
        "opposite sign": lambda *a: -right(*a),
    })

    def autograd(g, x, k, s):
        x = torch.tensor(x[None, None], requires_grad=True)
        nn.functional.max_pool2d(x, k, s).backward(torch.tensor(g[None, None]))
        return x.grad[0, 0]

    ex.check_max_pool_backward(autograd)


def test_train_moved(answers):
    right, done = answers["train_moved"], {}

    def once(X, y):
        if "net" not in done:
            done["net"] = right(X, y)
        return done["net"]

    def straight(X, y):                              # learns to read, and nothing of moving
        torch.manual_seed(0)
        net = mlp([784, 12, 10], "relu", seed=0)
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
        for _ in range(150):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(X), y).backward()
            optimizer.step()
        return net

    def constant(X, y):
        net = mlp([784, 10], seed=0)
        net[0].weight.data.zero_()
        return net

    def one_class(X, y):
        net = mlp([784, 10], seed=0)
        net[0].bias.data[7] = 100.0
        return net

    def infinite(X, y):
        net = mlp([784, 10], seed=0)
        net[0].bias.data.fill_(torch.inf)
        return net

    class Halved(nn.Module):                         # every third digit misread, wherever it stands
        def __init__(self, net):
            super().__init__()
            self.net = net

        def forward(self, x):
            scores = self.net(x).clone()
            scores[::5] = scores[::5].roll(1, 1)
            return scores

    assert_exercise(ex.check_train_moved, once, {
        "got function": lambda X, y: lambda images: images,
        "23946 numbers": lambda X, y: three_layer(seed=0),
        "same scores": constant,
        "called a 7": one_class,
        "not learned to read yet": lambda X, y: mlp([784, 10], seed=0),
        "forget the place": straight,
        r"asked are 88%.*reading is": lambda X, y: Halved(once(X, y)),
        "does not take images": lambda X, y: mlp([783, 10], seed=0),
        r"got \(297, 9\)": lambda X, y: mlp([784, 9], seed=0),
        "not finite": infinite,
    })
    assert isinstance(done["net"][0], Images)
