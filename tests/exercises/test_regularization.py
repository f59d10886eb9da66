"""The exercises of lecture 09 answer back."""

import numpy as np
import pytest
from exercise_tools import assert_exercise, reference

from dlhelpers.exercises import regularization as ex
from dlhelpers.exercises.core import WrongAnswer


@pytest.fixture(scope="module")
def answers():
    return reference("09_regularization")


def test_init(answers):
    right = answers["init_std"]
    assert_exercise(ex.check_init, right, {
        "this is the variance": lambda i, o, a: right(i, o, a) ** 2,
        "He's start": lambda i, o, a: (2 / i) ** 0.5,
        r"not \(1 \+ a\)²": lambda i, o, a: (2 / ((1 + a) ** 2 * i)) ** 0.5,
        "counts a², not a": lambda i, o, a: (2 / ((1 + a) * i)) ** 0.5,
        "half of the time": lambda i, o, a: (1 / ((1 + a * a) * i)) ** 0.5,
        "d_in, not d_out": lambda i, o, a: right(o, o, a),
        "as Xavier does": lambda i, o, a: right((i + o) / 2, o, a),
        "make up for what is lost": lambda i, o, a: ((1 + a * a) / 2 / i) ** 0.5,
        "not its variance": lambda i, o, a: (1 / ((0.5 * (1 + a * a) - (1 - a) ** 2 / (2 * np.pi)) * i)) ** 0.5,
        "uniform distribution ends": lambda i, o, a: 3**0.5 * right(i, o, a),
        "Xavier's start": lambda i, o, a: (2 / (i + o)) ** 0.5,
        "not over d_in alone": lambda i, o, a: 2 / ((1 + a * a) * i**0.5),
    })


def test_block(answers):
    right = answers["block_threshold"]

    def in_place(v, t):
        v *= max(1 - t / np.linalg.norm(v), 0)
        return v

    def divides_by_nothing(v, t):
        return np.maximum(np.linalg.norm(v) - t, 0) * v / np.linalg.norm(v)

    assert_exercise(ex.check_block, right, {
        "entry by entry": lambda v, t: np.sign(v) * np.maximum(np.abs(v) - t, 0),
        "only cuts the short ones": lambda v, t: v if np.linalg.norm(v) > t else 0 * v,
        "other side": lambda v, t: v - t * v / np.linalg.norm(v),
        "shrinks everything": lambda v, t: v / (1 + t),
        "shrinks all": lambda v, t: v / (1 + 2 * t),
        "not multiplied by 1 - t": lambda v, t: max(1 - t, 0) * v,
        "not by its square": lambda v, t: max(1 - t / (v @ v), 0) * v,
        "not away from it": lambda v, t: v + t * v / np.linalg.norm(v),
        "not by t/2": lambda v, t: max(1 - t / (2 * np.linalg.norm(v)), 0) * v,
        "not by 2t": lambda v, t: max(1 - 2 * t / np.linalg.norm(v), 0) * v,
        "not v itself": lambda v, t: max(np.linalg.norm(v) - t, 0) * v,
        "sum of absolute values": lambda v, t: max(1 - t / np.abs(v).sum(), 0) * v,
        "not shortened one by one": lambda v, t: v - t * np.sign(v) if np.linalg.norm(v) > t else 0 * v,
        "taken away, not the length": lambda v, t: t * v / np.linalg.norm(v),
        "no direction": divides_by_nothing,
        "in place": in_place,
    })


def test_dropout_limit(answers):
    def priced(price):
        return lambda X, y, p: np.linalg.solve(X.T @ X + price(X, p), X.T @ y)

    def sums(X):
        return np.diag((X**2).sum(0))

    assert_exercise(ex.check_dropout_limit, answers["dropout_limit"], {
        "least-squares": lambda X, y, p: np.linalg.lstsq(X, y, rcond=None)[0],
        r"not \(1 - p\)/p": priced(lambda X, p: (1 - p) / p * sums(X)),
        "without the division": priced(lambda X, p: p * (1 - p) * sums(X)),
        "not the identity": priced(lambda X, p: p / (1 - p) * np.eye(4)),
        "no mean": priced(lambda X, p: p / (1 - p) * np.diag((X**2).mean(0))),
        "no ½ is left": priced(lambda X, p: p / (1 - p) / 2 * sums(X)),
        "variance of a mask": priced(lambda X, p: p * sums(X)),
        "in the price once": priced(lambda X, p: p / (1 - p) ** 2 * sums(X)),
        "not its length": priced(lambda X, p: p / (1 - p) * np.sqrt(sums(X))),
        "only its diagonal": priced(lambda X, p: p / (1 - p) * X.T @ X),
        "factor 2 of the penalty": priced(lambda X, p: 2 * p / (1 - p) * sums(X)),
        "not their mean for all": priced(lambda X, p: p / (1 - p) * np.trace(X.T @ X) / 4 * np.eye(4)),
        "not their sum for all": priced(lambda X, p: p / (1 - p) * np.trace(X.T @ X) * np.eye(4)),
        "longer by": lambda X, y, p: answers["dropout_limit"](X, y, p) / (1 - p),
    })


def test_drawing_masks_is_not_enough():
    def drawn(X, y, p, times=400):
        rng = np.random.default_rng(0)
        copies = np.concatenate([X * (rng.random(X.shape) >= p) / (1 - p) for _ in range(times)])
        return np.linalg.lstsq(copies, np.tile(y, times), rcond=None)[0]

    with pytest.raises(WrongAnswer):
        ex.check_dropout_limit(drawn)


def test_fold(answers):
    def folded(scale, bias):
        return lambda W, c, g, b, mu, v, eps=1e-5: (scale(g, v, eps)[:, None] * W, bias(scale(g, v, eps), c, b, mu))

    def deviation(g, v, eps):
        return g / np.sqrt(v + eps)

    def whole(s, c, b, mu):
        return s * (c - mu) + b

    def columns(W, c, g, b, mu, v, eps=1e-5):
        s = deviation(g, v, eps)
        return (s * W if W.shape[0] == W.shape[1] else s[:, None] * W), whole(s, c, b, mu)

    def turned(W, c, g, b, mu, v, eps=1e-5):
        s = deviation(g, v, eps)
        return s[:, None] * (W.T if W.shape[0] == W.shape[1] else W), whole(s, c, b, mu)

    assert_exercise(ex.check_fold, answers["fold"], {
        "not its columns": columns,
        "gamma is missing": folded(lambda g, v, eps: 1 / np.sqrt(v + eps), whole),
        "root of the variance": folded(lambda g, v, eps: g / (v + eps), whole),
        "weights of the new layer: eps stands under": folded(lambda g, v, eps: g / (np.sqrt(v) + eps), whole),
        "eps is missing": folded(lambda g, v, eps: g / np.sqrt(v), whole),
        "old weights must be scaled": lambda W, c, g, b, mu, v, eps=1e-5: (W, whole(deviation(g, v, eps), c, b, mu)),
        "not always 1e-5": lambda W, c, g, b, mu, v, eps=1e-5: answers["fold"](W, c, g, b, mu, v),
        "passes through batch norm": folded(deviation, lambda s, c, b, mu: b - s * mu),
        "subtracted before": folded(deviation, lambda s, c, b, mu: b + s * c),
        "then both are scaled": folded(deviation, lambda s, c, b, mu: c - mu + b),
        "c is inside": folded(deviation, lambda s, c, b, mu: c + b - s * mu),
        "own shift beta is missing": folded(deviation, lambda s, c, b, mu: s * (c - mu)),
        "it is not scaled": folded(deviation, lambda s, c, b, mu: s * (c - mu + b)),
        "not added": folded(deviation, lambda s, c, b, mu: s * (c + mu) + b),
        "two things": lambda W, c, g, b, mu, v, eps=1e-5: W,
        "exchanged": lambda *inputs: answers["fold"](*inputs)[::-1],
        "W was transposed": turned,
        "mean is inside": folded(deviation, lambda s, c, b, mu: s * c - mu + b),
        "not c from the mean": folded(deviation, lambda s, c, b, mu: s * (mu - c) + b),
        "beta alone": folded(deviation, lambda s, c, b, mu: b),
    })


def test_reach(answers):
    right = answers["reach"]

    def with_least(least):
        return lambda d, questions: (least(len(d), int((d == 0).sum())), right(d, questions)[1])

    def with_seeds(seeds):
        return lambda d, questions: (right(d, questions)[0], seeds(d, questions))

    assert_exercise(ex.check_reach, right, {
        "has no sign": with_least(lambda n, zeros: 2.0 ** (1 - n)),
        "two choices, not one": with_least(lambda n, zeros: 2.0 ** (zeros - n)),
        "larger, not smaller": with_least(lambda n, zeros: 2.0 ** (1 - n - zeros)),
        "divide by their number": with_least(lambda n, zeros: 2.0 ** (1 + zeros)),
        "divided by the number of questions": with_seeds(lambda d, q: right(d, 1)[1]),
        r"not 1/2ⁿ": with_seeds(lambda d, q: right(d, q)[1] - 1),
        "a seed too late": with_seeds(lambda d, q: right(d, q)[1] + 1),
        "should return two things": lambda d, q: 0.5,
    })
