"""The exercises of lecture 03: references pass, blanks are named, mistakes get their own hint."""

import numpy as np
import pytest
from exercise_tools import assert_exercise, reference

from dlhelpers.exercises import descent


@pytest.fixture(scope="module")
def answers():
    return reference("03_iteration_complexity")


def test_first_stationary(answers):
    assert_exercise(descent.check_first_stationary, answers["first_stationary"], {
        "off by one": lambda norms, eps: int(np.argmax(norms <= eps)) + 1,
        "that is the last": lambda norms, eps: int(np.flatnonzero(norms <= eps)[-1]) if (norms <= eps).any() else -1,
        "how many gradients": lambda norms, eps: int((norms <= eps).sum()),
        "use <=, not <": lambda norms, eps: int(np.argmax(norms < eps)) if (norms < eps).any() else -1,
        "not its square": lambda norms, eps: int(np.argmax(norms**2 <= eps)) if (norms**2 <= eps).any() else -1,
        "should return -1": lambda norms, eps: next((t for t, n in enumerate(norms) if n <= eps), None),
        "return -1 \\(": lambda norms, eps: int(np.argmax(norms <= eps)),
        "not the length": lambda norms, eps: next((t for t, n in enumerate(norms) if n <= eps), len(norms)),
        "that are too long": lambda norms, eps: int((norms > eps).sum()),
        "not yet when": lambda norms, eps: (norms <= eps).any(),
        "that is the norm": lambda norms, eps: next((n for n in norms if n <= eps), -1),
        "shortest gradient": lambda norms, eps: int(np.argmin(norms)),
        "rise above ε again": lambda norms, eps: int(np.flatnonzero(norms > eps)[-1]) + 1,
    })


def _pairs(points, gradients):
    i, j = np.triu_indices(len(points), 1)
    return np.linalg.norm(gradients[i] - gradients[j], axis=1), np.linalg.norm(points[i] - points[j], axis=1)


def _ratio(points, gradients):
    change, far = _pairs(points, gradients)
    return change / far


def _with_itself(points, gradients):
    far = np.linalg.norm(points[:, None] - points, axis=2)
    return (np.linalg.norm(gradients[:, None] - gradients, axis=2) / far).max()


def test_smallest_beta(answers):
    assert_exercise(descent.check_smallest_beta, answers["smallest_beta"], {
        "smallest ratio": lambda p, g: _ratio(p, g).min(),
        "mean over the pairs": lambda p, g: _ratio(p, g).mean(),
        "only neighbours": lambda p, g: (np.linalg.norm(np.diff(g, axis=0), axis=1)
                                         / np.linalg.norm(np.diff(p, axis=0), axis=1)).max(),
        "divide first": lambda p, g: _pairs(p, g)[0].max() / _pairs(p, g)[1].max(),
        "take the roots": lambda p, g: (_ratio(p, g) ** 2).max(),
        "upside down": lambda p, g: (1 / _ratio(p, g)).max(),
        "compares differences": lambda p, g: (np.linalg.norm(g, axis=1) / np.linalg.norm(p, axis=1)).max(),
        "gives 0/0": _with_itself,
    })


def _careful(kind):
    def step(value, gradient, m, beta):
        g, given, at, sign = gradient(m), beta, m, -1 if kind == "uphill" else 1
        while True:
            new = m - sign * (g * beta if kind == "times β" else g / beta)
            norm = {"after": gradient(new) @ gradient(new), "norm": np.linalg.norm(g)}.get(kind, g @ g)
            promise = norm / {"no half": beta, "quarter": 4 * beta}.get(kind, 2 * beta)
            kept = {"any": value(m) > value(new), "never": True,
                    "first form": np.linalg.norm(gradient(new) - g) <= beta * np.linalg.norm(new - m) + 1e-12,
                    "only once": beta > given or value(m) - value(new) >= promise - 1e-12,
                    }.get(kind, value(m) - value(new) >= promise - 1e-12)
            if kept or kind not in ("halved", "uphill", "times β") and beta > 1e9:
                break
            at, beta = at - g / beta, beta / 2 if kind == "halved" else 2 * beta
        beta = 2 * beta if kind == "once more" else beta
        new = at - g / beta if kind == "walks on" else m + g / beta if kind == "wrong way" else m - g / beta
        return {"one": new, "given": (new, given), "swapped": (beta, new)}.get(kind, (new, beta))
    return step


def test_careful_step(answers):
    assert_exercise(descent.check_careful_step, answers["careful_step"], {
        "before the step, ∇L\\(m\\)": _careful("after"),
        "never looks at the loss": _careful("first form"),
        "lowers the loss at all": _careful("any"),
        "less than the lemma promises": _careful("quarter"),
        "with the ½": _careful("no half"),
        "promise is squared": _careful("norm"),
        "never doubled": _careful("never"),
        "doubled only once": _careful("only once"),
        "once too often": _careful("once more"),
        "not the one that you were given": _careful("given"),
        "walks on from the last trial": _careful("walks on"),
        "trial steps go uphill": _careful("uphill"),
        "the step goes uphill": _careful("wrong way"),
        "not multiplied with it": _careful("times β"),
        "β is made smaller": _careful("halved"),
        "in the other order": _careful("swapped"),
        "two things": _careful("one"),
    })


def _slope_by_search(beta, R, T):
    s = np.linspace(0, beta * R / T, 100_001)
    return s[np.argmax(s * R - s**2 * (2 * T + 1) / (2 * beta))]


def test_worst_slope(answers):
    assert_exercise(descent.check_worst_slope, answers["worst_slope"], {
        "just reach the bottom": lambda beta, R, T: beta * R / T,
        "lowers the hill": lambda beta, R, T: beta * R / (2 * T),
        "rounded part": lambda beta, R, T: beta * R / (T + 1),
        "the β is missing": lambda beta, R, T: R / (2 * T + 1),
        "not the slope": lambda beta, R, T: beta * R**2 / (4 * T + 2),
        "not s·β": lambda beta, R, T: R / (beta * (2 * T + 1)),
        "not 2T − 1": lambda beta, R, T: beta * R / (2 * T - 1),
        "not by s²/β": lambda beta, R, T: beta * R / (2 * T + 2),
        "half of what it should be": lambda beta, R, T: beta * R / (4 * T + 2),
    })
    descent.check_worst_slope(_slope_by_search)


def test_fair_gradient(answers):
    def weighted(weight):
        return lambda g, q, drawn: (weight(len(g), q[drawn])[:, None] * g[drawn]).mean(0)

    assert_exercise(descent.check_fair_gradient, answers["fair_gradient"], {
        "plain mean": weighted(lambda n, q: np.ones(len(q))),
        "do not multiply": weighted(lambda n, q: n * q),
        "do not weight with it": weighted(lambda n, q: q),
        "sum of all n gradients": weighted(lambda n, q: 1 / q),
        "sum over the batch": lambda g, q, drawn: (g[drawn] / (len(g) * q[drawn])[:, None]).sum(0),
        "weights random": lambda g, q, drawn: np.average(g[drawn], axis=0, weights=1 / q[drawn]),
        "drawn twice": lambda g, q, drawn: (g / (len(g) * q)[:, None])[np.unique(drawn)].mean(0),
        "in place of n": lambda g, q, drawn: (g[drawn] / (len(drawn) * q[drawn])[:, None]).mean(0),
        "keep the proportions": lambda g, q, drawn: (q.max() / q[drawn][:, None] * g[drawn]).mean(0),
    })


def _anneal(kind):
    def run(noisy_gradient, theta, a, error, variance, T):
        for _ in range(T + {"short": -1, "long": 1}.get(kind, 0)):
            eta = {"newton": 1 / a, "no a": error / (error + variance), "a once": a * error / (a * error + variance),
                   "a below": error / (a * error + variance)}.get(kind, a * error / (a**2 * error + variance))
            shrunk = error * (1 - a * eta) ** (1 if kind == "not squared" else 2)
            after = shrunk + {"no noise": 0, "no η²": variance}.get(kind, eta**2 * variance)
            if kind == "late":
                eta = a * after / (a * a * after + variance)
            if kind == "twice":
                noisy_gradient(theta)
            theta = theta + (1 if kind == "uphill" else -1) * eta * noisy_gradient(theta)
            error = {"frozen": error, "theta": theta**2}.get(kind, after)
        return error if kind == "error" else theta
    return run


def test_anneal(answers):
    assert_exercise(descent.check_anneal, answers["anneal"], {
        "always the first one": _anneal("frozen"),
        "noise-free step": _anneal("newton"),
        "a is missing": _anneal("no a"),
        "error before it": _anneal("late"),
        "noise's part is missing": _anneal("no noise"),
        "walks uphill": _anneal("uphill"),
        "error E, not θ": _anneal("error"),
        "first factor is squared": _anneal("not squared"),
        "multiplied by η²": _anneal("no η²"),
        "below is multiplied by a²": _anneal("a once"),
        "above is missing": _anneal("a below"),
        "known beforehand": _anneal("theta"),
        "twice a step": _anneal("twice"),
        "step too few": _anneal("short"),
        "step too many": _anneal("long"),
    })
