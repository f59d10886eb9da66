"""The exercises of lecture 03: references pass, blanks are named, mistakes get their own hint."""

import numpy as np
import pytest
from exercise_tools import assert_exercise, reference

from dlhelpers.exercises import descent


@pytest.fixture(scope="module")
def answers():
    return reference("03_iteration_complexity")


def _in_place(m, gradient, eta):
    m -= eta * gradient
    return m


def test_gd_step(answers):
    assert_exercise(descent.check_gd_step, answers["gd_step"], {
        "uphill": lambda m, g, eta: m + eta * g,
        "step size is missing": lambda m, g, eta: m - g,
        "only the displacement": lambda m, g, eta: -eta * g,
        "divides by eta": lambda m, g, eta: m - g / eta,
        "changed its input in place": _in_place,
        "has shape": lambda m, g, eta: (m - eta * g)[None],
    })


def test_first_stationary(answers):
    assert_exercise(descent.check_first_stationary, answers["first_stationary"], {
        "off by one": lambda norms, eps: int(np.argmax(norms <= eps)) + 1,
        "that is the last": lambda norms, eps: int(np.flatnonzero(norms <= eps)[-1]) if (norms <= eps).any() else -1,
        "how many gradients": lambda norms, eps: int((norms <= eps).sum()),
        "use <=, not <": lambda norms, eps: int(np.argmax(norms < eps)) if (norms < eps).any() else -1,
        "not its square": lambda norms, eps: int(np.argmax(norms**2 <= eps)) if (norms**2 <= eps).any() else -1,
        "should return -1": lambda norms, eps: next((t for t, n in enumerate(norms) if n <= eps), None),
        "return -1 \\(": lambda norms, eps: int(np.argmax(norms <= eps)),
    })


def test_smoothness(answers):
    def spectrum(X):
        return np.linalg.eigvalsh(X.T @ X / len(X))

    assert_exercise(descent.check_smoothness, answers["smoothness"], {
        "1/n of the mean": lambda X: spectrum(X)[-1] * len(X),
        "twice too large": lambda X: 2 * spectrum(X)[-1],
        "half of it": lambda X: spectrum(X)[-1] / 2,
        "sum of all curvatures": lambda X: np.trace(X.T @ X) / len(X),
        "smallest curvature": lambda X: spectrum(X)[0],
        "must be squared": lambda X: np.linalg.norm(X, 2) / len(X),
        "Frobenius": lambda X: np.linalg.norm(X.T @ X) / len(X),
    })


def test_steps_bound(answers):
    assert_exercise(descent.check_steps_bound, answers["steps_bound"], {
        "must be squared": lambda beta, gap, eps, eta: gap / (eta * (1 - beta * eta / 2) * eps),
        "slide's bound": lambda beta, gap, eps, eta: 2 * beta * gap / eps**2,
        "η in front is missing": lambda beta, gap, eps, eta: gap / ((1 - beta * eta / 2) * eps**2),
        "every η would be safe": lambda beta, gap, eps, eta: gap / (eta * eps**2),
        "½ in 1 − βη/2": lambda beta, gap, eps, eta: gap / (eta * (1 - beta * eta) * eps**2),
        "upside down": lambda beta, gap, eps, eta: gap * eta * (1 - beta * eta / 2) / eps**2,
    })


def test_minibatch_gradient(answers):
    def over(X, y, theta):
        return X.T @ (X @ theta - y)

    assert_exercise(descent.check_minibatch_gradient, answers["minibatch_gradient"], {
        "always the first B": lambda X, y, t, b: over(X[:len(b)], y[:len(b)], t) / len(b),
        "gradient of all samples": lambda X, y, t, b: over(X, y, t) / len(X),
        "not by n": lambda X, y, t, b: over(X[b], y[b], t) / len(X),
        "this is the sum": lambda X, y, t, b: over(X[b], y[b], t),
        "twice too long": lambda X, y, t, b: 2 * over(X[b], y[b], t) / len(b),
        "sign is wrong": lambda X, y, t, b: -over(X[b], y[b], t) / len(b),
    })


def _method(kind):
    def run(gradient, start, beta, T):
        m, z, s, points = start, start, 1.0, [start]
        for _ in range(T):
            m_new = z - gradient(m if kind == "gradient at m" else z) / beta
            s_new = (1 + np.sqrt(1 + 4 * s**2)) / 2
            z = m_new + (s - 1) / (s if kind == "old s" else s_new) * (m_new - m)
            z = m_new if kind == "plain" else z
            m, s = m_new, s_new
            points.append(z if kind == "ahead" else m)
        return np.array(points[:-1] if kind == "short" else points)
    return run


def test_accelerated(answers):
    assert_exercise(descent.check_accelerated, answers["accelerated"], {
        "plain gradient descent": _method("plain"),
        "gradient at the point ahead": _method("gradient at m"),
        "points ahead, z; return": _method("ahead"),
        "divides by the new s": _method("old s"),
        "has shape": _method("short"),
    })
