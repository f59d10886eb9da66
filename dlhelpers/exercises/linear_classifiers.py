"""Checkers for the exercises of lecture 06: precision, new shares, smoothed labels, a line, features, rare classes."""

from __future__ import annotations

from collections.abc import Callable
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
    scores = np.round(rng.normal(size=60) + 1.2 * y, 1)
    for threshold in (0.85, -0.45, 0.8):
        got = call(answer, "precision_recall", scores, y, threshold)
        if np.shape(got) != (2,):
            refuse(f"precision_recall should return two numbers, precision and recall, got shape {np.shape(got)}")
        right = np.array(_shares(scores > threshold, y))
        compare(got, right, "precision_recall", _mistaken_shares(scores, y, threshold, right))
    precision, recall = call(answer, "precision_recall", scores, y, 100.0)
    if not np.isnan(float(precision)):
        refuse("precision_recall: nobody is called positive, and 0 of 0 is no share: return np.nan as the precision")
    compare(recall, 0.0, "precision_recall: recall, where nobody is called positive,")


def _shares(called: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    hits = (called & (y == 1)).sum()
    return hits / called.sum(), hits / (y == 1).sum()


def _mistaken_shares(scores: np.ndarray, y: np.ndarray, threshold: float, right: np.ndarray) -> dict[str, Any]:
    called, n = scores > threshold, len(y)
    hits, mine, theirs = (called & (y == 1)).sum(), called.sum(), (y == 1).sum()
    silent = (~called & (y == 0)).sum()
    of_all = "is counted as a share of all, but the {} is a share of those {} only"
    return {
        "a score on the threshold does not lie above it": _shares(scores >= threshold, y),
        "the two are exchanged: precision is a share of those called positive, recall of those that are": right[::-1],
        "accuracy is another thing: precision asks only about those that are called positive":
            [(called == (y == 1)).mean(), right[1]],
        "the share of negatives called positive is the false alarm rate; recall asks about the positives":
            [right[0], (mine - hits) / (n - theirs)],
        "the share of negatives that are not called is the specificity; recall asks about the positives":
            [right[0], silent / (n - theirs)],
        "the share of the called that are negative is the rate of false discoveries, one minus the precision":
            [1 - right[0], right[1]],
        "this second share is of those that are missed: recall counts those that are found": [right[0], 1 - right[1]],
        "recall " + of_all.format("recall", "that are positive"): [right[0], hits / n],
        "precision " + of_all.format("precision", "called positive"): [hits / n, right[1]],
        "both are counted as shares of all, but one is a share of those called, one of those that are positive":
            [hits / n, hits / n],
        "these are numbers of images; divide them to make shares": [hits, hits],
        "the threshold is not used: 0 is only one of many": _shares(scores > 0, y),
        "positive is who scores above the threshold, not below": _shares(~called, y),
        "how many are called says nothing about how many of the positives are": [right[0], mine / theirs],
    }


@checker("reweigh", "the probabilities of the new world, also for scores of a thousand and for a class that is gone")
def check_reweigh(answer: Any) -> None:
    """``reweigh(z, old, new)`` -> (n, K): softmax probabilities, corrected for classes that are as frequent as ``new``.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(13)
    z, old, new = rng.normal(size=(5, 3)), np.array([0.6, 0.3, 0.1]), np.array([0.2, 0.3, 0.5])
    p, ratio = linear.softmax(z), new / old
    right = p * ratio / (p * ratio).sum(1, keepdims=True)
    turned, only, e = p / ratio, p * new, p * ratio

    def rows(values: np.ndarray) -> np.ndarray:
        return values / values.sum(1, keepdims=True)

    compare(call(answer, "reweigh", z, old, new), right, "reweigh", {
        "these are the probabilities of the old world: the shares are not used": p,
        "old and new are exchanged: a class that has become more frequent must gain": rows(turned),
        "the old shares are still in the scores: take them out as well as putting the new ones in": rows(only),
        "the old shares are taken out, the new ones are not put in": rows(p / old),
        "the probabilities of an image must add up to 1 again": e,
        "the probabilities of an image must add up to 1; these lack the old shares, too": only,
        "the probabilities of an image are a row: here the columns were made to add up to 1": e / e.sum(0),
        "the probabilities of an image are a row: here everything together adds up to 1": e / e.sum(),
        "shares multiply probabilities; to scores one adds their logarithm": linear.softmax(z * ratio),
        "shares multiply probabilities; added to scores they must be logarithms": linear.softmax(z + ratio),
        "shares multiply probabilities; added to scores the difference must be one of logarithms":
            linear.softmax(z + new - old),
        "the correction is turned round twice: log(new/old) is added to the scores once":
            linear.softmax(z + 2 * np.log(ratio)),
    })
    with np.errstate(all="ignore"):
        got = np.asarray(call(answer, "reweigh", np.array([[1000.0, 1001.0, 990.0], [-1000.0, -999.0, -1010.0]]),
                              old, new), float)
    if not np.isfinite(got).all():
        refuse("reweigh overflows for scores of a thousand: take the largest score of each row out first")
    compare(got, np.tile(rows(linear.softmax(np.array([[0.0, 1.0, -10.0]])) * ratio), (2, 1)), "reweigh")
    gone = call(answer, "reweigh", z, old, np.array([0.5, 0.5, 0.0]))
    if not np.isfinite(np.asarray(gone, float)).all():
        refuse("reweigh: a class that is gone has share 0, hence probability 0; here a logarithm of 0 came in the way")
    compare(gone, rows(p * np.array([0.5, 0.5, 0.0]) / old), "reweigh, where one class is gone,")


@checker("smoothed_gradient", "prediction minus smoothed truth, times input; the same as finite differences")
def check_smoothed(answer: Any) -> None:
    """``smoothed_gradient(Theta, A, y, eps)`` -> (p, K), gradient of the mean cross-entropy to smoothed labels.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(12)
    for K, n, eps in ((4, 20, 0.2), (3, 31, 0.35)):
        Theta, A, y = rng.normal(size=(3, K)), linear.design(rng.normal(size=(n, 2))), rng.integers(0, K, n)
        p = linear.softmax(A @ Theta)
        got = call(answer, "smoothed_gradient", Theta, A, y, eps)
        typed = {} if K == 4 else {
            f"right for K = 4, n = 20, ε = 0.2, not for others: is {what} typed in?": _toward(Theta, A, y, p, *numbers)
            for what, numbers in (("ε", (0.2, K, n)), ("K", (eps, 4, n)), ("n", (eps, K, 20)),
                                  ("everything", (0.2, 4, 20)))}
        compare(got, _differences(Theta, A, y, eps), "smoothed_gradient",
                _mistaken_gradients(Theta, A, y, p, eps) | typed, rtol=1e-4, atol=1e-6)


def _toward(Theta: np.ndarray, A: np.ndarray, y: np.ndarray, p: np.ndarray, eps: float, K: int, n: int) -> np.ndarray:
    return A.T @ (p - (1 - eps) * np.eye(Theta.shape[1])[y] - eps / K) / n


def _differences(Theta: np.ndarray, A: np.ndarray, y: np.ndarray, eps: float) -> np.ndarray:
    """The gradient by central differences: nothing shared with the formula asked for."""
    K = Theta.shape[1]
    soft = (1 - eps) * np.eye(K)[y] + eps / K

    def loss(flat: np.ndarray) -> float:
        return float(-(soft * np.log(linear.softmax(A @ flat.reshape(Theta.shape)))).sum(1).mean())

    step = 1e-5 * np.eye(Theta.size)
    return np.array([loss(Theta.ravel() + h) - loss(Theta.ravel() - h) for h in step]).reshape(Theta.shape) / 2e-5


def _mistaken_gradients(Theta: np.ndarray, A: np.ndarray, y: np.ndarray, p: np.ndarray, eps: float) -> dict[str, Any]:
    K, n = Theta.shape[1], len(y)
    truth = np.eye(K)[y]
    soft = (1 - eps) * truth + eps / K
    columns = np.exp(A @ Theta) / np.exp(A @ Theta).sum(0)

    def wrong(targets: np.ndarray) -> np.ndarray:
        return A.T @ (p - targets) / n

    return {
        "this is the gradient for hard labels: eps is not used": wrong(truth),
        "every class gets eps/K, the true one too; here eps is shared among the others":
            wrong((1 - eps) * truth + eps / (K - 1) * (1 - truth)),
        "there are K classes to share eps, not K - 1": wrong((1 - eps) * truth + eps / (K - 1)),
        "the targets of an image must add up to 1: these lack eps": wrong((1 - eps) * truth),
        "the targets of an image must add up to 1: the true class must give away eps first": wrong(truth + eps / K),
        "every class gets eps/K, not the whole eps": wrong((1 - eps) * truth + eps),
        "ε and 1 − ε are exchanged: with ε = 0 the labels must be hard": wrong(eps * truth + (1 - eps) / K),
        "the sign is turned round: the gradient points uphill": -wrong(soft),
        "the mean is asked for: divide the sum by n": n * wrong(soft),
        "the mean is over the images only: it is divided by K, too": wrong(soft) / K,
        "the classes share one probability: softmax, not a sigmoid for each":
            A.T @ (linear.sigmoid(A @ Theta) - soft) / n,
        "the softmax runs over the classes of an image, along axis 1; here it runs over the images":
            A.T @ (columns - soft) / n,
        "the scores themselves are compared with the targets: the softmax is missing": A.T @ (A @ Theta - soft) / n,
    }


@checker("separable", "every verdict is right: wide gaps, narrow gaps, turned, sheared, in space, and no gap at all")
def check_separable(answer: Any) -> None:
    """``separable(X, y)`` -> whether some line has all points of class 1 on one side and all others on the other.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for X, y, right, hint in _arrangements():
        got = call(answer, "separable", X, y)
        if np.shape(got) != () or got not in (True, False):
            refuse("separable should return True or False")
        if bool(got) != right:
            refuse(f"separable: {hint}")


def _arrangements() -> list[tuple[np.ndarray, np.ndarray, bool, str]]:
    """(points, labels, verdict, what a wrong verdict looks like)."""
    rng = np.random.default_rng(14)

    def pair(n: int, gap: float) -> tuple[np.ndarray, np.ndarray]:
        y = np.arange(n) % 2
        across = (2 * y - 1) * np.r_[gap, gap, rng.uniform(gap, 1, n - 2)]
        return np.stack([across, rng.uniform(-1, 1, n)], 1), y

    wide, y = pair(30, 0.4)
    stray = wide.copy()
    stray[0] = wide[y == 1].mean(0)
    far, far_y = np.vstack([wide, [[60.0, 0.0]] * 5]), np.r_[y, np.ones(5, int)]
    corners = np.array([[-1.0, -1.0], [1.0, 1.0], [-1.0, 1.0], [1.0, -1.0]])
    turn = np.array([[np.cos(0.6), np.sin(0.6)], [-np.sin(0.6), np.cos(0.6)]])
    thin_y = np.arange(40) % 2
    s = 2 * thin_y - 1
    thin = np.stack([s * np.r_[np.full(4, 0.03), rng.uniform(0.03, 1, 36)],
                     np.r_[1.8, -1.8, -1.0, 1.0, rng.uniform(-1, 1, 36) + 0.8 * s[4:]]], 1)
    crossed = thin.copy()
    crossed[2] = 0.06, -0.4                                    # a hair beyond the nearest of the other class
    space = rng.normal(size=(40, 3))
    normal = np.array([1.0, -2.0, 0.5])
    space_y = (space @ normal > 0.4).astype(int)
    touching = np.array([[0.0, 0.0], [1.0, 0.5], [0.0, 0.0], [-1.0, -0.5], [-1.0, 0.7]])
    return [
        (wide, y, True, "a wide gap lies between these classes: some line makes no mistake"),
        (corners, np.array([0, 0, 1, 1]), False,
         "this is XOR, which no line separates: θ = 0 fulfils s·z ≥ 0, and s·z ≤ 1, so ask for s·z ≥ 1 (for linprog "
         "−s·z ≤ −1, a minus on both sides), or give up after many rounds"),
        (stray, y, False, "one point lies in the midst of the other class: that is not separable"),
        (wide, 1 - y, True,
         "these are points that were separated, with their labels exchanged: the same line does it, all signs turned "
         "round (linprog's default bounds let no unknown be negative)"),
        (wide + [3.0, 0.0], y, True, "these are separated by a line that misses the origin: add the bias"),
        (far, far_y, True,
         "far points on the right side drag the line of least squares, and that between the means of the classes, into "
         "mistakes; another line makes none"),
        (wide @ turn, y, True, "a gap that runs aslant is a gap: no single coordinate shows it"),
        (thin @ turn + [4.0, -2.0], thin_y, True,
         "a narrow gap is a gap: a perceptron needs many more rounds here"),
        (crossed @ turn + [4.0, -2.0], thin_y, False,
         "one point a hair on the wrong side is enough: nearly separable is not separable"),
        (space, space_y, True, "in space a plane separates these points, as a line does in the plane"),
        (touching, np.array([1, 1, 0, 0, 0]), False,
         "here the same point belongs to both classes: a point on the line does not count as separated"),
    ]


def _in_a_row(seed: int, middle: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return middle + np.concatenate([rng.normal(c, 0.7, 150) for c in (-3, 0, 3)]), np.repeat([0, 1, 2], 150)


@checker("features", "least squares now finds all three classes, wherever the axis begins")
def check_features(answer: Any) -> None:
    """``features(x)`` -> (n, p), with which least squares, one against the rest, finds the middle class.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for middle in (0.0, 10.0, -17.3):
        x, y = _in_a_row(15, middle)
        phi = np.asarray(call(answer, "features", x), float)
        if phi.ndim != 2 or len(phi) != len(x):
            refuse(f"features should give each of the {len(x)} points a row of numbers, got shape {phi.shape}")
        if not np.isfinite(phi).all():
            refuse(f"features are not finite for classes around {middle:g}: an exponential, a logarithm, a root?")
        if not np.allclose(np.asarray(call(answer, "features", x[:5]), float), phi[:5]):
            refuse("features: those of one point may not depend on which other points are there")
        read = linear.one_versus_rest(phi, y).predict(phi)
        share = np.array([(read[y == k] == k).mean() for k in range(3)])
        if share.min() >= 0.85:
            continue
        refuse(f"features: {_why_masked(answer, x, phi, share, middle)}")


def _why_masked(answer: Any, x: np.ndarray, phi: np.ndarray, share: np.ndarray, middle: float) -> str:
    columns = np.column_stack([x**0, phi])
    scaled = columns / np.maximum(np.linalg.norm(columns, axis=0), 1e-300)
    size = np.linalg.svd(columns, compute_uv=False)[0]
    if np.abs(phi).max() > 1e5 and np.linalg.matrix_rank(columns, 1e-6 * size) < np.linalg.matrix_rank(scaled, 1e-12):
        return (f"columns as large as {np.abs(phi).max():.0e} are nearly multiples of each other around {middle:g}, "
                "and least squares cannot tell them apart: fewer powers")
    if middle:
        return f"the same classes around {middle:g} must be found too; where the middle will be is not known beforehand"
    straight = np.column_stack([x**0, x, phi])
    if np.linalg.matrix_rank(straight, tol=1e-6 * np.abs(phi).max() * len(x)) <= 2:
        return "the scores are still straight lines in x, and the middle stays masked"
    if share[1] >= 0.85:
        return "the middle is found, but left and right look the same now: keep x itself as well"
    grid = np.linspace(0.1, 4, 40)
    even = np.asarray(answer(grid), float) + np.asarray(answer(-grid), float)
    if np.ptp(even, axis=0).max() < 1e-9 * np.abs(phi).max():
        return "the middle is still masked: by symmetry, no odd function of x can tell it from the mean"
    return (f"only {share[1]:.0%} of the middle class are found: a curve that rises in the middle is there, but is it "
            "as wide as the class?")


@checker("train_balanced", "it minimises the balanced loss: classes alike, weights short, biases free")
def check_balanced(answer: Any) -> None:
    """``train_balanced(X, y, K, l2)`` -> Theta (d + 1, K), biases first: softmax regression, classes counted alike.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for digits, counts, l2, centred in (((3, 5, 8), (120, 60, 12), 0.01, False), ((4, 9), (20, 140), 0.1, True)):
        X, y = _unequal(digits, counts, centred)
        K, d = len(digits), X.shape[1]
        shown: dict[str, Any] = {"X of shape": X.shape, "images of each class": list(counts), "l2": l2}
        Theta = np.asarray(call(answer, "train_balanced", X, y, K, l2), float)
        if Theta.shape != (d + 1, K):
            refuse(f"train_balanced should return Theta of shape {d + 1, K}: a row of biases, then a row for each "
                   f"pixel; got {Theta.shape}", inputs=shown)
        if not np.isfinite(Theta).all():
            refuse("train_balanced: the parameters are not finite: a smaller learning rate, "
                   "or a softmax that does not overflow", inputs=shown)
        each = 1 / (K * np.array(counts, float))[y]                    # a class weighs 1/K, whatever its size
        best = _minimise(X, y, K, each, l2)
        if _excess(Theta, best, X, y, K, each, l2) < 0.01:
            continue
        refuse(f"train_balanced: {_why_unbalanced(Theta, best, X, y, K, each, l2)}", inputs=shown)


def _unequal(digits: tuple[int, ...], counts: tuple[int, ...], centred: bool) -> tuple[np.ndarray, np.ndarray]:
    """Shipped digits, 7 x 7 (means of 4 x 4 pixels), so many of each; ``centred`` takes the last one's mean away."""
    all_digits = data.digits("bundled").numpy()
    rows = np.concatenate([np.flatnonzero(all_digits.y_train == k)[:n] for k, n in zip(digits, counts, strict=True)])
    pixels = np.asarray(all_digits.X_train)[rows].astype(float)
    X = pixels.reshape(-1, 7, 4, 7, 4).mean((2, 4))  # (n, 28·28) -> (n, 7, 7)
    X, y = X.reshape(len(rows), 49), np.repeat(np.arange(len(digits)), counts)
    # Without its mean every line through the origin cuts the frequent class in two: the biases matter.
    return (X - X[y == y[-1]].mean(0) if centred else X), y


def _loss(Theta: np.ndarray, X: np.ndarray, y: np.ndarray, weights: np.ndarray, l2: float,
          bias: float = 0.0) -> tuple[float, np.ndarray]:
    """Σ weights · cross-entropy + l2/2 ‖W‖² (and ``bias``/2 times that of the biases), and its gradient."""
    A = linear.design(X)
    z = A @ Theta
    z = z - z.max(1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(1, keepdims=True))
    ridge = np.r_[bias, np.full(X.shape[1], l2)][:, None]
    residual = np.exp(log_p) - np.eye(Theta.shape[1])[y]
    value = -(weights * log_p[np.arange(len(y)), y]).sum() + 0.5 * (ridge * Theta**2).sum()
    return float(value), A.T @ (weights[:, None] * residual) + ridge * Theta


def _minimise(X: np.ndarray, y: np.ndarray, K: int, weights: np.ndarray, l2: float, bias: float = 0.0) -> np.ndarray:
    from scipy.optimize import minimize

    def both(flat: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = _loss(flat.reshape(-1, K), X, y, weights, l2, bias)  # ((d + 1)·K,) -> (d + 1, K)
        return value, gradient.ravel()

    found = minimize(both, np.zeros((X.shape[1] + 1) * K), jac=True, method="L-BFGS-B",
                     options={"maxiter": 400, "gtol": 1e-7, "ftol": 1e-13})
    return found.x.reshape(-1, K)  # ((d + 1)·K,) -> (d + 1, K)


def _excess(Theta: np.ndarray, best: np.ndarray, X: np.ndarray, y: np.ndarray, K: int, weights: np.ndarray,
            l2: float) -> float:
    """Loss above the minimum, as a part of what zero parameters have above it."""
    floor = _loss(best, X, y, weights, l2)[0]
    return (_loss(Theta, X, y, weights, l2)[0] - floor) / (np.log(K) - floor)


def _apart(p: np.ndarray, q: np.ndarray) -> float:
    """Mean distance of probabilities."""
    return float(np.abs(p - q).mean())


def _why_unbalanced(Theta: np.ndarray, best: np.ndarray, X: np.ndarray, y: np.ndarray, K: int, each: np.ndarray,
                    l2: float) -> str:
    n = len(y)
    plain = np.full(n, 1 / n)
    value, start = _loss(Theta, X, y, each, l2)[0], np.log(K)
    A = linear.design(X)
    p = linear.softmax(A @ Theta)

    suspects: list[tuple[str, Callable[[], np.ndarray]]] = [
        ("every image counts the same here, so the rare class hardly counts: weigh each by one over the number of its "
         "class", lambda: _minimise(X, y, K, plain, l2)),
        ("the frequent classes count more, the rare ones less: the weights are turned round",
         lambda: _minimise(X, y, K, 1 / each / (1 / each).sum(), l2)),
        ("half of the ridge: λ/2·‖W‖² has the gradient λW", lambda: _minimise(X, y, K, each, l2 / 2)),
        ("twice the ridge: λ/2·‖W‖² has the gradient λW", lambda: _minimise(X, y, K, each, 2 * l2)),
        ("the biases are held small as well; only the weights W are penalised",
         lambda: _minimise(X, y, K, each, l2, bias=l2)),
        ("the biases are missing, or stay at zero", lambda: _minimise(X, y, K, each, l2, bias=1e6)),
        ("the weights of a class add up to 1 here, and to K in all: their mean is asked for",
         lambda: _minimise(X, y, K, K * each, l2)),
        ("the ridge hardly counts: is it missing, or is the loss a sum, where means over the classes were asked for?",
         lambda: _minimise(X, y, K, n * each, l2)),
        ("these are the weights of least squares; train the softmax",
         lambda: np.vstack(linear.least_squares(X, np.eye(K)[y], l2=l2)[::-1])),
    ]
    turned = np.vstack([Theta[-1:], Theta[:-1]])
    if _excess(turned, best, X, y, K, each, l2) < 0.05:
        return "the biases stand in the last row; they belong in the first"
    if abs(value - start) < 1e-9:
        return "all classes have the same score: nothing was learned"
    if value > start and _loss(-Theta, X, y, each, l2)[0] < start:
        return "the loss is higher than at the start: it was climbed, a sign is turned round"
    away = {hint: _apart(p, linear.softmax(A @ make())) for hint, make in suspects}
    hint = min(away, key=lambda name: away[name])
    if away[hint] < 0.2 * _apart(p, linear.softmax(A @ best)):
        return hint
    pull = A.T @ (each[:, None] * (linear.sigmoid(A @ Theta) - np.eye(K)[y]))
    pull[1:] += l2 * Theta[1:]
    if np.abs(pull).max() < 0.01:
        return "the classes share one probability: these are separate classifiers, each with a sigmoid; train a softmax"
    pull = (A.T @ (each[:, None] * (p - np.eye(K)[y])))[1:]
    along = -(pull * Theta[1:]).sum() / (Theta[1:] ** 2).sum()
    if np.linalg.norm(pull + along * Theta[1:]) < 0.05 * np.linalg.norm(pull):
        return f"this is the minimum for a ridge term {along / l2:.2g} times as strong"
    if value > start:
        return (f"the balanced loss is {value:.2f}, higher than that of zero parameters, log K = {start:.2f}: are the "
                "steps too long, or is another loss minimised?")
    if np.linalg.norm(Theta[1:]) < 0.97 * np.linalg.norm(best[1:]):
        return f"the balanced loss is {value:.3f} and still falls: take more steps, or longer ones"
    return (f"the balanced loss is {value:.3f}, and at its minimum it is lower: the gradient is not zero there; "
            "compare yours with finite differences of the loss")
