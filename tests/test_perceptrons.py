"""Perceptron and Adaline against scikit-learn and closed forms."""

import numpy as np
import pytest
from sklearn.linear_model import Perceptron

from dlhelpers import data
from dlhelpers.models import perceptrons
from dlhelpers.widgets.perceptron import PerceptronExplorer


def separable(seed, n=60, margin=0.4):
    X, y = data.toy.separable(n=n, seed=seed, margin=margin)
    return X.double().numpy(), 2.0 * y.numpy() - 1


@pytest.mark.parametrize("seed", range(5))
def test_the_perceptron_equals_scikit_learns(seed):
    X, y = separable(seed)
    ours = perceptrons.perceptron(X, y)
    # shuffle=False visits the points in the same order; tol=None trains to the last mistake.
    theirs = Perceptron(shuffle=False, tol=None, max_iter=200, eta0=1.0).fit(X, y)
    np.testing.assert_allclose(ours.w, theirs.coef_[0])
    assert ours.b == theirs.intercept_[0] and ours.converged
    assert (ours.predict(X) == y).all()


def test_the_perceptron_never_rests_on_xor():
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]])
    result = perceptrons.perceptron(X, [-1, 1, 1, -1], epochs=200)
    assert not result.converged and result.mistakes > 200


@pytest.mark.parametrize("online", [False, True])
def test_adaline_tends_to_least_squares(online):
    X, y = separable(1)
    inputs = np.hstack([X, np.ones((len(X), 1))])
    best = np.linalg.lstsq(inputs, y, rcond=None)[0]
    result = perceptrons.adaline(X, y, eta=0.0005 if online else 0.02, epochs=6000, online=online)
    np.testing.assert_allclose([*result.w, result.b], best, atol=0.02 if online else 1e-6)


def test_adaline_reports_divergence():
    X, y = separable(0)
    with pytest.raises(FloatingPointError, match="eta = 50 is too large"):
        perceptrons.adaline(X, y, eta=50.0)


def test_the_explorer_draws_the_line_that_it_judges_also_beyond_the_slider():
    explorer, farthest = PerceptronExplorer(), 0.0
    for kind in ("separable", "overlapping"):
        explorer.set(points=kind, angle=270.0, offset=0.4)
        for _ in range(12):
            explorer.press("correct")
            (x0, x1), (y0, y1) = explorer._line.get_data()
            normal = np.array([y0 - y1, x1 - x0])
            normal *= np.sign(normal @ explorer.weights[:2])
            X, y = explorer._sets[kind]
            wrong = y * ((X - [x0, y0]) @ normal) <= 0
            assert wrong.sum() == explorer.state()["mistakes"]
            farthest = max(farthest, abs(explorer.weights[2]) / np.hypot(*explorer.weights[:2]))
    assert farthest > explorer.controls["offset"].max  # the case was met


def test_the_line_follows_the_mouse():
    explorer = PerceptronExplorer()
    left, right = explorer.live.axes
    explorer.set(angle=90.0, offset=0.0)
    explorer._mouse("down", left, 2.0, 1.0)  # anywhere: the line jumps there, as steep as it was
    assert explorer.values()["angle"] == 90.0 and explorer.values()["offset"] == pytest.approx(-1.0)
    explorer._mouse("up", None, np.nan, np.nan)
    explorer._mouse("move", left, 0.0, 0.0)  # let go
    assert explorer.values()["offset"] == pytest.approx(-1.0)
    explorer._mouse("down", left, *explorer._tip)  # the arrow: it turns about its foot (0, 1)
    explorer._mouse("move", left, 2.0, 3.0)
    assert explorer.values()["angle"] == pytest.approx(45.0)
    assert explorer.weights @ [0, 1, 1] == pytest.approx(0.0) and explorer._foot == pytest.approx([0, 1])
    explorer._mouse("up", left, 2.0, 3.0)
    explorer._mouse("down", right, 300.0, 0.5)
    assert explorer.values()["angle"] == 300.0
    explorer._mouse("up", right, 300.0, 0.5)
    explorer._mouse("wheel", left, 0.0, -120.0)
    assert explorer.values()["angle"] == 302.0


X, y = np.ones((4, 2)), np.array([1, -1, 1, -1])


@pytest.mark.parametrize("call, name", [
    (lambda: perceptrons.perceptron(X, [0, 1, 0, 1]), "y"),
    (lambda: perceptrons.perceptron(X, y[:3]), "y"),
    (lambda: perceptrons.perceptron(X * np.nan, y), "X"),
    (lambda: perceptrons.perceptron(X[0], y), "X"),
    (lambda: perceptrons.perceptron(np.ones((0, 2)), []), "X"),
    (lambda: perceptrons.perceptron(X, y, epochs=0), "epochs"),
    (lambda: perceptrons.perceptron(X, y, epochs=1.5), "epochs"),
    (lambda: perceptrons.adaline(X, y, eta=0), "eta"),
    (lambda: perceptrons.adaline(X, y, eta=-1), "eta"),
    (lambda: perceptrons.adaline(X, y, eta=float("nan")), "eta"),
    (lambda: perceptrons.adaline(X, y, epochs=-3), "epochs"),
    (lambda: perceptrons.perceptron(X, y).predict(np.ones((2, 3))), "X"),
])
def test_bad_input_is_named(call, name):
    with pytest.raises((ValueError, TypeError), match=rf"^{name} must"):
        call()
