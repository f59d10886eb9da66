"""Checkers for the exercises of lecture 06: precision, softmax, smoothed labels, separability, features, training."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlhelpers import data
from dlhelpers.exercises.core import call, checker, compare, refuse
from dlhelpers.models import linear


@checker("precision_recall", "both shares, at every threshold, also where nobody is called positive")
def check_precision(answer: Any) -> None:
    """``precision_recall(scores, y, threshold)`` -> (precision, recall).

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(11)
    y = (rng.random(60) < 0.3).astype(int)
    scores = rng.normal(size=60) + 1.2 * y
    for threshold in (0.8, -0.4):
        got = call(answer, "precision_recall", scores, y, threshold)
        if np.shape(got) != (2,):
            refuse(f"precision_recall should return two numbers, precision and recall, got shape {np.shape(got)}")
        called, fixed = scores > threshold, scores > 0
        hits, mine, theirs = (called & (y == 1)).sum(), called.sum(), y.sum()
        right = np.array([hits / mine, hits / theirs])
        compare(got, right, "precision_recall", {
            "the two are exchanged: precision is a share of those called positive, recall of those that are":
                right[::-1],
            "accuracy is another thing: precision asks only about those that are called positive":
                [(called == (y == 1)).mean(), right[1]],
            "the share of negatives called positive is the false alarm rate; recall asks about the positives":
                [right[0], (mine - hits) / (60 - theirs)],
            "the threshold is not used: 0 is only one of many": [y[fixed].mean(), fixed[y == 1].mean()],
            "positive is who scores above the threshold, not below": [y[~called].mean(), (~called)[y == 1].mean()],
        })
    precision, recall = call(answer, "precision_recall", scores, y, 100.0)
    if not np.isnan(float(precision)):
        refuse("precision_recall: nobody is called positive, and 0 of 0 is no share: return np.nan as the precision")
    compare(recall, 0.0, "precision_recall: recall, where nobody is called positive,")


@checker("softmax", "probabilities, also of very large scores")
def check_softmax(answer: Any) -> None:
    """``softmax(z)`` -> (n, K), each row a distribution.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    z = np.random.default_rng(13).normal(size=(4, 3))
    right = linear.softmax(z)
    e = np.exp(z)
    compare(call(answer, "softmax", z), right, "softmax", {
        "each row must add up to 1: this normalises over the whole array": e / e.sum(),
        "each row must add up to 1: this normalises the columns (axis=1, keepdims=True)": e / e.sum(0),
        "exponentials are missing: scores may be negative": z / z.sum(1, keepdims=True),
        "divide by the sum of the exponentials": e,
    })
    with np.errstate(all="ignore"):
        got = np.asarray(call(answer, "softmax", np.array([[1000.0, 1001.0], [-1000.0, -999.0]])), float)
    if not np.isfinite(got).all():
        refuse("softmax overflows for scores of a thousand: subtract the largest score of each row first")
    compare(got, linear.softmax(np.array([[0.0, 1.0], [0.0, 1.0]])), "softmax")


@checker("smoothed_gradient", "prediction minus smoothed truth, times input; the same as finite differences")
def check_smoothed(answer: Any) -> None:
    """``smoothed_gradient(Theta, A, y, eps)`` -> (p, K), gradient of the mean cross-entropy to smoothed labels.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(12)
    Theta, A, y, eps = rng.normal(size=(3, 4)), linear.design(rng.normal(size=(20, 2))), rng.integers(0, 4, 20), 0.2
    truth = np.eye(4)[y]
    soft = (1 - eps) * truth + eps / 4

    def loss(flat: np.ndarray) -> float:
        return float(-(soft * np.log(linear.softmax(A @ flat.reshape(3, 4)))).sum(1).mean())

    step = 1e-5 * np.eye(12)
    right = np.array([(loss(Theta.ravel() + h) - loss(Theta.ravel() - h)) / 2e-5 for h in step]).reshape(3, 4)
    p = linear.softmax(A @ Theta)

    def wrong(targets: np.ndarray) -> np.ndarray:
        return A.T @ (p - targets) / 20

    compare(call(answer, "smoothed_gradient", Theta, A, y, eps), right, "smoothed_gradient", {
        "this is the gradient for hard labels: eps is not used": wrong(truth),
        "every class gets eps/K, the true one too; here eps is shared among the others":
            wrong((1 - eps) * truth + eps / 3 * (1 - truth)),
        "the targets of an image must add up to 1: these lack eps": wrong((1 - eps) * truth),
        "every class gets eps/K, not the whole eps": wrong((1 - eps) * truth + eps),
        "the sign is turned round: the gradient points uphill": -right,
        "the mean is asked for: divide the sum by n": 20 * right,
        "the classes share one probability: softmax, not a sigmoid for each":
            A.T @ (linear.sigmoid(A @ Theta) - soft) / 20,
    }, rtol=1e-4, atol=1e-6)


@checker("separable", "every verdict is right: wide gaps, narrow gaps, far from zero, and no gap at all")
def check_separable(answer: Any) -> None:
    """``separable(X, y)`` -> whether some line has all points of class 1 on one side and all others on the other.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(14)

    def pair(n: int, gap: float) -> tuple[np.ndarray, np.ndarray]:
        y = np.arange(n) % 2
        across = (2 * y - 1) * np.r_[gap, gap, rng.uniform(gap, 1, n - 2)]
        return np.stack([across, rng.uniform(-1, 1, n)], 1), y

    wide, y = pair(30, 0.4)
    stray = wide.copy()
    stray[0] = wide[y == 1].mean(0)
    narrow = pair(30, 0.05)
    far = np.vstack([wide, [[60.0, 0.0]] * 5])
    corners = np.array([[-1.0, -1.0], [1.0, 1.0], [-1.0, 1.0], [1.0, -1.0]])
    cases = [
        (wide, y, True, "a wide gap lies between these classes: some line makes no mistake"),
        (corners, np.array([0, 0, 1, 1]), False,
         "this is XOR, which no line separates: w = 0 fulfils s·z >= 0, so ask for s·z >= 1, "
         "or give up after many rounds"),
        (stray, y, False, "one point lies in the midst of the other class: that is not separable"),
        (wide + [3.0, 0.0], y, True, "these are separated by a line that misses the origin: add the bias"),
        (far, np.r_[y, np.ones(5, int)], True,
         "far points on the right side drag the line of least squares into mistakes; another line makes none"),
        (*narrow, True, "a narrow gap is a gap: a perceptron needs many more rounds here"),
    ]
    for X, labels, right, hint in cases:
        got = call(answer, "separable", X, labels)
        if np.shape(got) != () or got not in (True, False):
            refuse("separable should return True or False")
        if bool(got) != right:
            refuse(f"separable: {hint}")


def _in_a_row(seed: int, middle: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return middle + np.concatenate([rng.normal(c, 0.7, 150) for c in (-3, 0, 3)]), np.repeat([0, 1, 2], 150)


@checker("features", "least squares now finds all three classes, wherever the axis begins")
def check_features(answer: Any) -> None:
    """``features(x)`` -> (n, p), with which least squares, one against the rest, finds the middle class.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for middle in (0.0, 10.0):
        x, y = _in_a_row(15, middle)
        phi = np.asarray(call(answer, "features", x), float)
        if phi.ndim != 2 or len(phi) != len(x):
            refuse(f"features should give each of the {len(x)} points a row of numbers, got shape {phi.shape}")
        if not np.allclose(np.asarray(call(answer, "features", x[:5]), float), phi[:5]):
            refuse("features: those of one point may not depend on which other points are there")
        read = linear.one_versus_rest(phi, y).predict(phi)
        share = np.array([(read[y == k] == k).mean() for k in range(3)])
        if share.min() >= 0.85:
            continue
        if middle:
            refuse("features: they work around 0 only; the same classes around 10 must be found too")
        if np.linalg.matrix_rank(np.column_stack([x**0, x, phi]), tol=1e-6 * np.abs(phi).max() * len(x)) <= 2:
            refuse("features: the scores are still straight lines in x, and the middle stays masked")
        if share[1] >= 0.85:
            refuse("features: the middle is found, but left and right look the same now: keep x itself as well")
        refuse("features: the middle is still masked: by symmetry, no odd function of x can tell it from the mean")


@checker("train_softmax", "unseen digits are read, with probabilities that one may bet on")
def check_training(answer: Any) -> None:
    """``train_softmax(X, y, K)`` -> Theta (d + 1, K), biases first, of a softmax regression on digits 3, 5 and 8.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    digits = data.digits("bundled").numpy()
    train, test = np.isin(digits.y_train, (3, 5, 8)), np.isin(digits.y_test, (3, 5, 8))
    X, y = np.asarray(digits.X_train[train], float), np.searchsorted((3, 5, 8), digits.y_train[train])
    X_new, y_new = digits.X_test[test], np.searchsorted((3, 5, 8), digits.y_test[test])
    shown: dict[str, Any] = {"X of shape": X.shape, "K": 3}
    Theta = np.asarray(call(answer, "train_softmax", X, y, 3), float)
    if Theta.shape != (785, 3):
        refuse(f"train_softmax should return Theta of shape (785, 3): a row of biases, then a row for each pixel; "
               f"got {Theta.shape}", inputs=shown)
    if not np.isfinite(Theta).all():
        refuse("train_softmax: the parameters are not finite: a smaller learning rate, "
               "or a softmax that does not overflow", inputs=shown)
    scores = Theta[0] + X_new @ Theta[1:]
    hits = (scores.argmax(1) == y_new).mean()
    p = linear.softmax(scores)[np.arange(len(y_new)), y_new]
    loss = -np.log(np.maximum(p, 1e-300)).mean()
    if np.ptp(scores, axis=1).max() < 1e-12:
        refuse("train_softmax: all classes have the same score: nothing was learned", inputs=shown)
    if hits < 0.25:
        refuse("train_softmax reads fewer digits than a guess: does it climb the loss?", inputs=shown)
    if hits < 0.88:
        refuse(f"train_softmax reads {hits:.0%} of the unseen digits, too few: take more steps, or longer ones",
               inputs=shown)
    if loss > 0.5:
        refuse(f"train_softmax reads the digits, but its cross-entropy is {loss:.2f}, over 0.5: "
               + ("it is too sure of its mistakes: stop earlier, or penalise" if np.median(p) > 0.95 else
                  "it is hardly sure of anything: take more steps on the cross-entropy"), inputs=shown)
