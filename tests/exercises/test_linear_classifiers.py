"""The exercises of lecture 06 answer back."""

import numpy as np
import pytest
from exercise_tools import assert_exercise, reference
from scipy.optimize import linprog

from dlhelpers.exercises import linear_classifiers as ex
from dlhelpers.exercises.core import WrongAnswer
from dlhelpers.models import linear


@pytest.fixture(scope="module")
def answers():
    return reference("06_linear_classifiers")


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def rows(values):
    return values / values.sum(1, keepdims=True)


def test_precision(answers):
    right = answers["precision_recall"]

    def with_recall(recall):
        return lambda s, y, t: (right(s, y, t)[0], recall(s > t, y))

    def with_precision(precision):
        return lambda s, y, t: (precision(s > t, y), right(s, y, t)[1])

    assert_exercise(ex.check_precision, right, {
        "exchanged": lambda *a: right(*a)[::-1],
        "accuracy": with_precision(lambda called, y: (called == (y == 1)).mean()),
        "false alarm rate": with_recall(lambda called, y: called[y == 0].mean()),
        "specificity": with_recall(lambda called, y: (~called)[y == 0].mean()),
        "false discoveries": with_precision(lambda called, y: (y == 0)[called].mean()),
        "are missed": with_recall(lambda called, y: (~called)[y == 1].mean()),
        "the recall is a share of those that are positive": with_recall(lambda called, y: (called & (y == 1)).mean()),
        "the precision is a share of those called": with_precision(lambda called, y: (called & (y == 1)).mean()),
        "both are counted as shares of all": lambda s, y, t: 2 * (((s > t) & (y == 1)).mean(),),
        "numbers of images": lambda s, y, t: 2 * (((s > t) & (y == 1)).sum(),),
        "threshold is not used": lambda s, y, t: right(s, y, 0.0),
        "not below": lambda s, y, t: right(-s, y, -t),
        "on the threshold": lambda s, y, t: right(s, y, t - 1e-9),
        "how many are called": with_recall(lambda called, y: called.sum() / y.sum()),
        "0 of 0": lambda *a: tuple(np.nan_to_num(right(*a))),
        "two numbers": lambda *a: right(*a)[0],
    })


def test_reweigh(answers):
    right = answers["reweigh"]

    def through_exponentials(z, old, new):
        e = np.exp(z) * new / old
        return e / e.sum(1, keepdims=True)

    def through_logarithms(z, old, new):
        return linear.softmax(z + np.log(new / old))

    def product(z, old, new):
        return linear.softmax(z) * new / old

    assert_exercise(ex.check_reweigh, right, {
        "not used": lambda z, old, new: linear.softmax(z),
        "exchanged": lambda z, old, new: right(z, new, old),
        "still in the scores": lambda z, old, new: rows(linear.softmax(z) * new),
        "not put in": lambda z, old, new: rows(linear.softmax(z) / old),
        "add up to 1 again": product,
        "lack the old shares": lambda z, old, new: linear.softmax(z) * new,
        "columns were": lambda *a: product(*a) / product(*a).sum(0),
        "everything together": lambda *a: product(*a) / product(*a).sum(),
        "one adds their logarithm": lambda z, old, new: linear.softmax(z * new / old),
        "they must be logarithms": lambda z, old, new: linear.softmax(z + new / old),
        "difference must be one": lambda z, old, new: linear.softmax(z + new - old),
        "overflows": through_exponentials,
        "came in the way": lambda z, old, new: right(z, old, new) * (np.nan if (new == 0).any() else 1),
        "shape": lambda *a: right(*a)[:, 0],
    })
    with np.errstate(divide="ignore"):
        ex.check_reweigh(through_logarithms)             # minus infinity is as good as a product with 0


def test_smoothed(answers):
    right = answers["smoothed_gradient"]

    def toward(targets):
        def gradient(Theta, A, y, eps):
            truth = np.eye(Theta.shape[1])[y]
            return A.T @ (linear.softmax(A @ Theta) - targets(truth, eps, Theta.shape[1])) / len(y)
        return gradient

    def with_prediction(predict):
        def gradient(Theta, A, y, eps):
            K = Theta.shape[1]
            return A.T @ (predict(A @ Theta) - (1 - eps) * np.eye(K)[y] - eps / K) / len(y)
        return gradient

    assert_exercise(ex.check_smoothed, right, {
        "eps is not used": lambda T, A, y, eps: right(T, A, y, 0.0),
        "shared among the others": toward(lambda e, eps, K: (1 - eps) * e + eps / (K - 1) * (1 - e)),
        "not K - 1": toward(lambda e, eps, K: (1 - eps) * e + eps / (K - 1)),
        "these lack eps": toward(lambda e, eps, K: (1 - eps) * e),
        "give away": toward(lambda e, eps, K: e + eps / K),
        "not the whole eps": toward(lambda e, eps, K: (1 - eps) * e + eps),
        "exchanged": toward(lambda e, eps, K: eps * e + (1 - eps) / K),
        "uphill": lambda *a: -right(*a),
        "divide the sum by n": lambda T, A, y, eps: len(y) * right(T, A, y, eps),
        "divided by K": lambda T, A, y, eps: right(T, A, y, eps) / T.shape[1],
        "not a sigmoid": with_prediction(sigmoid),
        "runs over the images": with_prediction(lambda z: np.exp(z) / np.exp(z).sum(0)),
        "softmax is missing": with_prediction(lambda z: z),
        "is ε typed in": lambda T, A, y, eps: right(T, A, y, 0.2),
        "is K typed in": toward(lambda e, eps, K: (1 - eps) * e + eps / 4),
        "is n typed in": lambda T, A, y, eps: right(T, A, y, eps) * len(y) / 20,
        "shape": lambda *a: right(*a).T,
    })


def perceptron(rounds, bias=True):
    def separable(X, y):
        A = np.column_stack([np.full(len(X), float(bias)), X])
        s, theta = 2 * y - 1, np.zeros(A.shape[1])
        for _ in range(rounds):
            mistakes = 0
            for row, sign in zip(A, s, strict=True):
                if sign * (row @ theta) <= 0:
                    theta, mistakes = theta + sign * row, mistakes + 1
            if not mistakes:
                return True
        return False
    return separable


def program(sign=-1.0, right_side=-1.0, bounds=(None, None)):
    """Linear programming, with its pitfalls."""
    def separable(X, y):
        A = (2 * y - 1)[:, None] * linear.design(X)
        return linprog(np.zeros(A.shape[1]), A_ub=sign * A, b_ub=np.full(len(X), right_side), bounds=bounds).success
    return separable


def least_squares(X, y):
    A = linear.design(X)
    return ((2 * y - 1) * (A @ np.linalg.pinv(A) @ (2 * y - 1)) > 0).all()


def between_means(X, y):
    ends = X[y == 1].mean(0), X[y == 0].mean(0)
    z = (X - (ends[0] + ends[1]) / 2) @ (ends[0] - ends[1])
    return ((2 * y - 1) * z > 0).all()


def one_axis(X, y):
    return any(X[y == k][:, axis].min() > X[y != k][:, axis].max() for k in (0, 1) for axis in range(X.shape[1]))


def test_separable(answers):
    right = answers["separable"]
    assert_exercise(ex.check_separable, right, {
        "some line makes no mistake": lambda X, y: False,
        "XOR": lambda X, y: True,
        "midst of the other class": lambda X, y: right(X, y) or len(X) > 4,     # XOR is seen, one stray is not
        "no unknown be negative": program(bounds=(0, None)),
        "add the bias": perceptron(500, bias=False),
        "drag the line of least squares": least_squares,
        "aslant": one_axis,
        "many more rounds": perceptron(300),
        "nearly separable": lambda X, y: right(X, y) or len(X) == 40,
        "in space": lambda X, y: X.shape[1] == 2 and right(X, y),
        "does not count as separated": lambda X, y: right(X, y) or len(X) == 5,
        "True or False": lambda X, y: "yes",
    })
    ex.check_separable(perceptron(3000))          # slower than a linear program, and as good
    ex.check_separable(program(sign=1.0))         # a line with all signs turned round is a line


@pytest.mark.parametrize("answer", [
    between_means, perceptron(5), perceptron(20), perceptron(100), program(right_side=0.0),
    program(sign=1.0, right_side=1.0),
    lambda X, y: X[y == 1][:, 0].min() > X[y == 0][:, 0].max()])
def test_separable_refuses(answer):
    with pytest.raises(WrongAnswer):
        ex.check_separable(answer)


def test_features(answers):
    right = answers["features"]
    assert_exercise(ex.check_features, right, {
        "straight lines": lambda x: x[:, None],
        "odd function": lambda x: np.column_stack([x, x**3]),
        "left and right": lambda x: x[:, None] ** 2,
        "as wide as the class": lambda x: np.column_stack([x, np.exp(-20 * x**2)]),
        "around 10 must": lambda x: np.column_stack([x, np.abs(x)]),
        "around -17.3 must": lambda x: np.column_stack([x, np.abs(x), np.abs(x - 10)]),
        "fewer powers": lambda x: np.column_stack([x**k for k in range(1, 10)]),
        "not finite": lambda x: np.column_stack([x, np.sqrt(x + 5)]),
        "which other points": lambda x: right(x - x.mean()),
        "row of numbers": lambda x: x**2,
    })
    ex.check_features(lambda x: np.column_stack([x, x**2, x**3]))


@pytest.mark.parametrize("answer", [
    lambda x: np.column_stack([x, np.exp(-x**2)]),
    lambda x: np.eye(13)[np.clip(np.round(x), -6, 6).astype(int) + 6],
    lambda x: np.eye(31)[np.clip(np.round(x), -15, 15).astype(int) + 15]])
def test_features_refuses(answer):
    with pytest.raises(WrongAnswer):
        ex.check_features(answer)


def descent(*, weigh=lambda n, K: 1 / (K * n), ridge=1.0, bias=0.0, steps=1200, links=linear.softmax, eta=None):
    """Gradient descent on a variation of the balanced loss; each is tried twice, so remembered."""
    trained = {}

    def train(X, y, K, l2):
        if l2 in trained:
            return trained[l2]
        A, weight = linear.design(X), weigh(np.bincount(y), K)[y][:, None]
        penalty = ridge * l2 * np.r_[bias, np.ones(X.shape[1])][:, None]
        step = eta or 1 / (0.5 * np.linalg.eigvalsh(A.T @ (weight * A))[-1] + penalty.max())
        Theta = np.zeros((A.shape[1], K))
        for _ in range(steps):
            Theta = Theta - step * (A.T @ (weight * (links(A @ Theta) - np.eye(K)[y])) + penalty * Theta)
        trained[l2] = Theta
        return Theta
    return train


def no_bias(X, y, K, l2):
    weight, W = 1 / (K * np.bincount(y))[y][:, None], np.zeros((X.shape[1], K))
    for _ in range(1200):
        W = W - 0.05 * (X.T @ (weight * (linear.softmax(X @ W) - np.eye(K)[y])) + l2 * W)
    return np.vstack([np.zeros(K), W])


def test_balanced(answers):
    right = answers["train_balanced"]

    def biases_last(*a):
        Theta = right(*a)
        return np.vstack([Theta[1:], Theta[:1]])

    def squares(X, y, K, l2):
        W, b = linear.least_squares(X, np.eye(K)[y], l2=l2)
        return np.vstack([b, W])

    assert_exercise(ex.check_balanced, right, {
        "shape": lambda *a: right(*a).T,
        "not finite": lambda *a: right(*a) * np.nan,
        "same score": lambda X, y, K, l2: np.zeros((X.shape[1] + 1, K)),
        "climbed": lambda *a: -right(*a),
        "every image counts the same": descent(weigh=lambda n, K: np.full(K, 1 / n.sum())),
        "weights are turned round": descent(weigh=lambda n, K: n / (n**2).sum()),
        "half of the ridge": descent(ridge=0.5),
        "twice the ridge": descent(ridge=2.0),
        "biases are held small": descent(bias=1.0),
        "biases are missing": no_bias,
        "to K in all": descent(weigh=lambda n, K: 1 / n),
        "ridge hardly counts": descent(weigh=lambda n, K: n.sum() / (K * n), steps=4000),
        "least squares": squares,
        "last row": biases_last,
        "still falls": descent(steps=30),
        "too long": descent(eta=8.0, steps=50),
        "3 times as strong": descent(ridge=3.0),
        "with a sigmoid": descent(links=sigmoid),
    })


@pytest.mark.parametrize("answer", [descent(ridge=0.0), descent(steps=100)])
def test_balanced_refuses(answer):
    with pytest.raises(WrongAnswer):
        ex.check_balanced(answer)
