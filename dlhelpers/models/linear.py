r"""Linear classifiers: least squares one against the rest, logistic and softmax regression (lecture 06).

All fit in float64 numpy, to the minimum: least squares in closed form, logistic
regression by Newton's method, softmax regression by a quasi-Newton method.  Labels
are 0, 1, ..., K-1.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlhelpers import checks
from dlhelpers.numerics import newton, sigmoid, softmax, solve


@dataclass(frozen=True)
class LinearClassifier:
    """Scores that are affine in the input, one for each class.

    :param W: weights, (d, K).
    :param b: intercepts, (K,).
    """

    W: np.ndarray
    b: np.ndarray

    def scores(self, X: Any) -> np.ndarray:
        """The scores ``X W + b``.

        :param X: points, (n, d).
        :returns: (n, K).
        :raises ValueError: if the points have another width.
        """
        return checks.array(X, "X", shape=(None, len(self.W))) @ self.W + self.b

    def predict(self, X: Any) -> np.ndarray:
        """The class of the largest score.

        :param X: points, (n, d).
        :returns: labels, (n,).
        :raises ValueError: if the points have another width.
        """
        return self.scores(X).argmax(1)

    def probabilities(self, X: Any) -> np.ndarray:
        """Softmax of the scores; meaningful for softmax regression only.

        :param X: points, (n, d).
        :returns: (n, K).
        :raises ValueError: if the points have another width.
        """
        return softmax(self.scores(X))


@dataclass(frozen=True)
class Logistic:
    r"""Logistic regression :math:`P(y = 1 \mid x) = \sigma(w^\top x + b)` after a fit.

    :param w: weights, (d,).
    :param b: intercept.
    :param covariance: of (b, w), (d + 1, d + 1): the inverse of the Hessian of the *summed*
        loss: for large n, and without regularisation, that of the maximum-likelihood estimate.
    :param loss: mean cross-entropy, the penalty included.
    :param steps: Newton steps taken.
    :param converged: whether the gradient is small there and a minimum exists.
    """

    w: np.ndarray
    b: float
    covariance: np.ndarray
    loss: float
    steps: int
    converged: bool

    def logit(self, X: Any) -> np.ndarray:
        """The logarithm of the odds, ``X w + b``.

        :param X: points, (n, d).
        :returns: (n,).
        :raises ValueError: if the points have another width.
        """
        return checks.array(X, "X", shape=(None, len(self.w))) @ self.w + self.b

    def probability(self, X: Any) -> np.ndarray:
        """P(y = 1 | x).

        :param X: points, (n, d).
        :returns: (n,).
        :raises ValueError: if the points have another width.
        """
        return sigmoid(self.logit(X))

    def predict(self, X: Any) -> np.ndarray:
        """1 where the probability is above one half, else 0.

        :param X: points, (n, d).
        :returns: labels, (n,).
        :raises ValueError: if the points have another width.
        """
        return (self.logit(X) > 0).astype(np.int64)

    def band(self, X: Any, z: float = 1.959964) -> tuple[np.ndarray, np.ndarray]:
        r"""Lower and upper end of a pointwise confidence band for the probability.

        :math:`\sigma(\phi^\top\hat\theta \pm z\sqrt{\phi^\top\Sigma\phi})` with
        :math:`\phi = (1, x)`: normal on the scale of the logit, then mapped, so that it
        stays within [0, 1].

        :param X: points, (n, d).
        :param z: half width in standard errors; 1.96 gives 95 %.
        :returns: both ends, each (n,).
        :raises ValueError: if the points have another width, or z is not positive.
        """
        z = checks.positive(z, "z")
        logit = self.logit(X)
        phi = design(X)
        error = z * np.sqrt(np.einsum("ni,ij,nj->n", phi, self.covariance, phi))  # (n, d + 1) -> (n,)
        return sigmoid(logit - error), sigmoid(logit + error)


def design(X: Any) -> np.ndarray:
    """The design matrix [1, X].

    :param X: points, (n, d).
    :returns: (n, d + 1), float64.
    :raises ValueError: if X has another number of axes.
    """
    X = checks.array(X, "X", ndim=2)
    return np.hstack([np.ones((len(X), 1)), X.astype(np.float64)])


def least_squares(X: Any, targets: Any, *, l2: float = 0.0, cutoff: float = 1e-12,
                  chunk: int = 10_000) -> tuple[np.ndarray, np.ndarray]:
    r"""The minimiser of :math:`\|A\Theta - T\|^2 + n\lambda\|W\|^2`, :math:`A = [1, X]`, of least norm.

    By an eigendecomposition of the d + 1 normal equations, summed in float64 over chunks,
    so that a float32 X of 60 000 images needs no float64 copy.

    :param X: points, (n, d).
    :param targets: T, (n, K) or (n,).
    :param l2: ridge λ; the intercept is not penalised.
    :param cutoff: eigenvalues below this fraction of the largest count as zero (constant pixels).
    :param chunk: rows summed at once.
    :returns: weights (d, K) and intercepts (K,).
    :raises ValueError: if lengths do not fit or a number is out of range.
    """
    X = checks.array(X, "X", ndim=2)
    T = checks.array(targets, "targets")
    if T.ndim > 2 or len(T) != len(X):
        raise ValueError(f"targets must have shape ({len(X)},) or ({len(X)}, K) like X, got {T.shape}")
    T = T.reshape(len(X), -1).astype(np.float64)  # (n,) or (n, K) -> (n, K)
    l2, cutoff = checks.nonnegative(l2, "l2"), checks.between(cutoff, "cutoff", 0, 1, closed="neither")
    checks.integer(chunk, "chunk", at_least=1)
    gram, moments = np.zeros((X.shape[1] + 1,) * 2), np.zeros((X.shape[1] + 1, T.shape[1]))
    for start in range(0, len(X), chunk):
        A = design(X[start:start + chunk])
        gram += A.T @ A
        moments += A.T @ T[start:start + chunk]
    gram[np.arange(1, len(gram)), np.arange(1, len(gram))] += len(X) * l2
    values, vectors = np.linalg.eigh(gram)
    keep = values > values[-1] * cutoff
    theta = vectors[:, keep] @ ((vectors[:, keep].T @ moments) / values[keep, None])
    return theta[1:], theta[0]


def one_versus_rest(X: Any, y: Any, *, l2: float = 0.0, K: int | None = None) -> LinearClassifier:
    """K least-squares fits, each with target +1 for one class and -1 for all others.

    :param X: points, (n, d).
    :param y: labels 0..K-1, (n,).
    :param l2: ridge λ, see :func:`least_squares`.
    :param K: number of classes; None for one more than the largest label.
    :returns: :class:`LinearClassifier`.
    :raises ValueError: if lengths do not fit or a label is out of range.

    Source: lecture N (one-versus-rest on MNIST, 86.03 %).
    """
    X, y, K = _classes(X, y, K)
    return LinearClassifier(*least_squares(X, 2.0 * np.eye(K)[y] - 1.0, l2=l2))


def logistic_regression(X: Any, y: Any, *, l2: float = 0.0, steps: int = 50, tol: float = 1e-10,
                        start: Any = None) -> Logistic:
    r"""Maximum likelihood by Newton's method: minimises the mean cross-entropy :math:`+ \frac\lambda2\|w\|^2`.

    Gradient :math:`\frac1n\sum(\sigma(z_i) - y_i)\,(1, x_i)`, Hessian
    :math:`\frac1n\sum\sigma_i(1 - \sigma_i)\,(1, x_i)(1, x_i)^\top`.  A step that would raise
    the loss is halved.

    :param X: points, (n, d).
    :param y: labels 0 and 1, (n,).
    :param l2: λ; the intercept is not penalised.
    :param steps: Newton steps at most.
    :param tol: largest entry of the gradient at which to stop.
    :param start: (b, w) to start from, (d + 1,); zeros by default.
    :returns: :class:`Logistic`; ``converged`` is False where the gradient is still above
        ``tol`` after ``steps``, and where the parameters separate the classes without l2: then
        no minimum exists, however small the gradient.
    :raises ValueError: if lengths do not fit, a label is none of the two, or a number is out of range.

    Source: T. Hastie, R. Tibshirani and J. Friedman, The Elements of Statistical Learning,
    2009, section 4.4.1.
    """
    X, y, _ = _classes(X, y, 2)
    l2, tol = checks.nonnegative(l2, "l2"), checks.positive(tol, "tol")
    checks.integer(steps, "steps", at_least=1)
    A, n = design(X), len(X)
    ridge = np.r_[0.0, np.full(X.shape[1], l2)]
    start = np.zeros(A.shape[1]) if start is None else checks.array(start, "start", shape=(A.shape[1],))
    signs = 2.0 * y - 1.0

    def value(theta: np.ndarray) -> float:
        return float(np.logaddexp(0, -signs * (A @ theta)).mean() + 0.5 * ridge @ theta**2)

    def gradient(theta: np.ndarray) -> np.ndarray:
        return A.T @ (sigmoid(A @ theta) - y) / n + ridge * theta

    def hessian(theta: np.ndarray) -> np.ndarray:
        p = sigmoid(A @ theta)
        return (A * (p * (1 - p))[:, None]).T @ A / n + np.diag(ridge)

    theta, taken, converged = newton(value, gradient, hessian, start, steps=steps, tol=tol)
    if l2 == 0 and (signs * (A @ theta) > 0).all():
        converged = False           # theta separates the classes: 2 theta is more probable still
    covariance = solve(n * hessian(theta), np.eye(len(theta)))
    return Logistic(theta[1:], float(theta[0]), covariance, value(theta), taken, converged)


def softmax_regression(X: Any, y: Any, *, l2: float = 0.0, K: int | None = None, steps: int = 500,
                       tol: float = 1e-6) -> LinearClassifier:
    r"""Minimise :math:`-\frac1n\sum_i\log S(Wx_i + b)_{y_i} + \frac\lambda2\|W\|^2` by L-BFGS.

    The gradient of one example is :math:`(S(z) - e_y)\,x^\top`.

    :param X: points, (n, d).
    :param y: labels 0..K-1, (n,).
    :param l2: λ; with 0 the minimum may not exist.
    :param K: number of classes; None for one more than the largest label.
    :param steps: iterations at most.
    :param tol: the largest entry of the gradient at which to stop.
    :returns: :class:`LinearClassifier`.
    :raises ValueError: if lengths do not fit, a label or a number is out of range.
    """
    from scipy.optimize import minimize

    X, y, K = _classes(X, y, K)
    l2, tol = checks.nonnegative(l2, "l2"), checks.positive(tol, "tol")
    checks.integer(steps, "steps", at_least=1)
    A, T = design(X), np.eye(K)[y]
    rows = np.arange(len(y))

    def value_and_gradient(flat: np.ndarray) -> tuple[float, np.ndarray]:
        theta = flat.reshape(A.shape[1], K)  # (d + 1, K)
        P = softmax(A @ theta)
        penalised = np.vstack([np.zeros(K), theta[1:]])
        loss = -np.log(np.maximum(P[rows, y], 1e-300)).mean() + 0.5 * l2 * (penalised**2).sum()
        return loss, (A.T @ (P - T) / len(y) + l2 * penalised).ravel()

    found = minimize(value_and_gradient, np.zeros(A.shape[1] * K), jac=True, method="L-BFGS-B",
                     options={"maxiter": steps, "gtol": tol, "ftol": 1e-15, "maxcor": 20})
    theta = found.x.reshape(A.shape[1], K)  # (d + 1, K)
    return LinearClassifier(theta[1:], theta[0])


def monomials(X: Any, degree: int) -> np.ndarray:
    """All products of the inputs up to a total degree, without the constant.

    For two inputs and degree 2: x1, x2, x1², x1 x2, x2².

    :param X: points, (n, d).
    :param degree: the largest total degree, at most 20.
    :returns: (n, C(d + degree, d) - 1).
    :raises TypeError: if degree is no integer.
    :raises ValueError: if X has another number of axes, or degree is out of range.
    """
    X = checks.array(X, "X", ndim=2).astype(np.float64)
    checks.integer(degree, "degree", at_least=1, at_most=20)
    columns = [np.prod(X[:, list(chosen)], axis=1)
               for size in range(1, degree + 1)
               for chosen in itertools.combinations_with_replacement(range(X.shape[1]), size)]
    return np.stack(columns, axis=1)


def _classes(X: Any, y: Any, K: int | None) -> tuple[np.ndarray, np.ndarray, int]:
    """Points, labels, and the number of classes, counted if it is not given."""
    if K is not None:
        checks.integer(K, "K", at_least=2)
    X, y = checks.labelled(X, y, K=K)
    return X, y, K or max(2, int(y.max()) + 1)
