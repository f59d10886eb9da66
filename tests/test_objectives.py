"""Objectives: derivatives against finite differences, constants against spectra, minima against scikit-learn."""

import numpy as np
import pytest
import torch

from dlhelpers import objectives as O

rng = np.random.default_rng(7)
X = rng.standard_normal((30, 3))
Y = X @ [1.0, -2.0, 0.5] + rng.standard_normal(30)
LABELS = (Y + rng.standard_normal(30) > 0).astype(int)


def build():
    return {
        "quadratic": O.Quadratic([[3.0, 1.0], [1.0, 2.0]], [1.0, -1.0], 0.5),
        "eigenvalues": O.Quadratic.from_eigenvalues([0.0, 0.5, 4.0], seed=1),
        "mean": O.LeastSquares(X, Y),
        "half-mean": O.LeastSquares(X, Y, "half-mean"),
        "sum": O.LeastSquares(X, Y, "sum"),
        "wide": O.LeastSquares(X[:2], Y[:2]),
        "logistic": O.LogisticLoss(X, LABELS),
        "ridge": O.LogisticLoss(X, LABELS, l2=0.1),
        "nesterov": O.NesterovWorst(7, beta=3.0),
        "rosenbrock": O.Rosenbrock(),
        "wavy": O.Wavy([1.0, -2.0, 3.0]),
        "parabolas": O.Parabolas(rng.standard_normal((5, 2)), [1.0, 2.0, 3.0, 0.5, 1.0]),
        "tanh": O.TanhNet(X, Y, m=4),
    }


ALL = build()
SUMS = {name: f for name, f in ALL.items() if isinstance(f, O.FiniteSum)}


def somewhere(f, count=4, seed=0):
    return np.random.default_rng(seed).uniform(-1.2, 1.2, (count, f.dim))


@pytest.mark.parametrize("name", ALL)
def test_gradient_and_hessian_match_central_differences(name):
    f, h = ALL[name], 1e-5
    for theta in somewhere(f):
        steps = h * np.eye(f.dim)
        slope = (f.value(theta + steps) - f.value(theta - steps)) / (2 * h)
        bend = (f.gradient(theta + steps) - f.gradient(theta - steps)) / (2 * h)
        size = 1 + np.abs(f.hessian(theta)).max()
        np.testing.assert_allclose(f.gradient(theta), slope, atol=1e-7 * size)
        np.testing.assert_allclose(f.hessian(theta), bend, atol=1e-6 * size)


@pytest.mark.parametrize("name", ALL)
def test_everything_works_over_leading_axes(name):
    f = ALL[name]
    many = somewhere(f, 6).reshape(2, 3, f.dim)
    assert f.value(many).shape == (2, 3)
    assert f.gradient(many).shape == (2, 3, f.dim)
    assert f.hessian(many).shape == (2, 3, f.dim, f.dim)
    np.testing.assert_allclose(f.value(many)[1, 2], f.value(many[1, 2]), rtol=1e-12)
    np.testing.assert_allclose(f.gradient(many)[1, 2], f.gradient(many[1, 2]), rtol=1e-10, atol=1e-13)
    assert np.ndim(f(many[0, 0])) == 0


@pytest.mark.parametrize("name", [n for n in ALL if n != "tanh"])
def test_beta_and_mu_bound_the_hessian(name):
    f = ALL[name]
    spectra = np.linalg.eigvalsh(f.hessian(somewhere(f, 200, seed=3) / (1.2 if name == "rosenbrock" else 1)))
    assert np.abs(spectra).max() <= f.beta * (1 + 1e-12)
    if f.mu > 0:
        assert spectra.min() >= f.mu * (1 - 1e-9)
    if f.convex:
        assert spectra.min() >= -1e-9
    else:
        wide = np.linalg.eigvalsh(f.hessian(np.random.default_rng(0).uniform(-1.4, 1.4, (500, f.dim))))
        assert wide.min() < 0, "a function called non-convex must bend down somewhere"


@pytest.mark.parametrize("name", [n for n in ALL if n != "tanh"])
def test_minimiser_is_stationary_and_lowest(name):
    f = ALL[name]
    assert np.abs(f.gradient(f.minimiser)).max() < 1e-9 * (1 + f.beta)
    assert f.value(f.minimiser) == pytest.approx(f.minimum, abs=1e-11)
    assert (f.value(somewhere(f, 100)) >= f.minimum - 1e-12).all()
    assert (f.gap(f.minimiser + 0.01) >= 0).all()


@pytest.mark.parametrize("name", [n for n, f in ALL.items() if f.pl > 0])
def test_polyak_lojasiewicz_constant(name):
    f = ALL[name]
    theta = 3 * somewhere(f, 500)
    assert ((f.gradient(theta) ** 2).sum(-1) >= 2 * f.pl * f.gap(theta) * (1 - 1e-9)).all()


@pytest.mark.parametrize("name", SUMS)
def test_components_average_to_the_gradient(name):
    f = SUMS[name]
    theta = somewhere(f, 5)
    each = f.component_gradients(theta)
    assert each.shape == (5, f.n, f.dim)
    np.testing.assert_allclose(each.mean(-2), f.gradient(theta), atol=1e-10)
    picked = f.component_gradients(theta, np.array([[0, 1]] * 5))
    np.testing.assert_allclose(picked, each[:, :2])


def test_least_squares_conventions_against_numpy():
    theta = np.array([0.3, 0.1, -0.2])
    squares = (X @ theta - Y) ** 2
    for convention, expected in (("mean", squares.mean()), ("half-mean", squares.mean() / 2), ("sum", squares.sum())):
        assert ALL[convention].value(theta) == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(ALL["mean"].minimiser, np.linalg.lstsq(X, Y, rcond=None)[0], rtol=1e-10)
    assert ALL["mean"].beta == pytest.approx(2 * ALL["half-mean"].beta)
    assert ALL["wide"].mu == 0 and ALL["wide"].pl > 0
    np.testing.assert_allclose(ALL["wide"].minimiser, np.linalg.pinv(X[:2]) @ Y[:2], atol=1e-12)


def test_logistic_minimiser_against_scikit_learn():
    from sklearn.linear_model import LogisticRegression

    # scikit-learn minimises C·sum + ‖w‖²/2, that is n·C·(mean + ‖w‖²/(2nC)).
    fitted = LogisticRegression(C=1 / (30 * 0.1), fit_intercept=False, tol=1e-10).fit(X, LABELS)
    np.testing.assert_allclose(ALL["ridge"].minimiser, fitted.coef_[0], atol=1e-5)


def test_logistic_loss_of_separable_classes_has_no_minimiser():
    separable = O.LogisticLoss([[1.0], [2.0], [-1.0]], [1, 1, 0])
    assert separable.minimiser is None and separable.minimum == 0
    assert np.isfinite(separable.value([1e6])) and np.isfinite(separable.value([-1e6]))


def test_nesterov_worst_in_closed_form():
    f = ALL["nesterov"]
    i = np.arange(1, 8)
    np.testing.assert_allclose(f.minimiser, 1 - i / 8, rtol=1e-10)
    assert f.minimum == pytest.approx(3 / 8 * (1 / 8 - 1))
    x = rng.standard_normal(7)
    chain = 0.5 * (x[0] ** 2 + (np.diff(x) ** 2).sum() + x[-1] ** 2) - x[0]
    assert f.value(x) == pytest.approx(3 / 4 * chain)


def test_tanh_net_is_torch_s_network():
    f = ALL["tanh"]
    theta = somewhere(f, 1)[0]
    layers = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)).double()
    torch.nn.utils.vector_to_parameters(torch.tensor(theta), layers.parameters())
    y_hat = layers(torch.tensor(X))[:, 0]
    assert f.value(theta) == pytest.approx(0.5 * ((y_hat - torch.tensor(Y)) ** 2).mean().item(), rel=1e-12)
    np.testing.assert_allclose(f.predict(theta, X), y_hat.detach(), rtol=1e-12)


def test_the_rosenbrock_constant_covers_its_ball_closely():
    f = O.Rosenbrock(centre=(0.5, -0.5), radius=0.7)
    angle, radius = np.random.default_rng(0).uniform(0, 1, (2, 20_000))
    ball = f.centre + (0.7 * np.sqrt(radius) * [np.cos(2 * np.pi * angle), np.sin(2 * np.pi * angle)]).T
    largest = np.abs(np.linalg.eigvalsh(f.hessian(ball))).max()
    assert largest <= f.beta < 1.5 * largest


def test_seeded_quadratics_repeat_and_leave_the_global_generator_alone():
    before = np.random.get_state()[1].copy()
    first, second = (O.Quadratic.from_eigenvalues([1.0, 2.0, 3.0], seed=5) for _ in range(2))
    np.testing.assert_array_equal(first.A, second.A)
    np.testing.assert_allclose(np.linalg.eigvalsh(first.A), [1, 2, 3])
    assert (np.random.get_state()[1] == before).all()


NAN = float("nan")
BAD = [
    (lambda: O.Quadratic([[1.0, 2.0], [0.0, 1.0]]), "A must be symmetric"),
    (lambda: O.Quadratic([[1.0, 0.0], [0.0, -1.0]]), "A must be positive semi-definite"),
    (lambda: O.Quadratic([[0.0, 0.0], [0.0, 0.0]]), "A must have a positive"),
    (lambda: O.Quadratic([[1.0, 0.0]]), "A must be square"),
    (lambda: O.Quadratic([1.0, 2.0]), "A must have 2"),
    (lambda: O.Quadratic([[NAN]]), "A must be finite"),
    (lambda: O.Quadratic([["a"]]), "A must hold real"),
    (lambda: O.Quadratic(np.eye(2), [1.0]), "b must have shape"),
    (lambda: O.Quadratic(np.diag([1.0, 0.0]), [0.0, 1.0]), "b must lie in the range"),
    (lambda: O.Quadratic(np.eye(2), c=NAN), "c must be a finite"),
    (lambda: O.Quadratic.from_eigenvalues([1.0, -1.0]), "eigenvalues must not"),
    (lambda: O.Quadratic.from_eigenvalues([]), "eigenvalues must not be empty"),
    (lambda: O.Quadratic.from_eigenvalues([1.0], seed=-1), "seed must be"),
    (lambda: O.LeastSquares(X, Y[:-1]), "y must have shape"),
    (lambda: O.LeastSquares(X, Y, "average"), "convention must be one of"),
    (lambda: O.LeastSquares(X[:, 0], Y), "X must have 2"),
    (lambda: O.LeastSquares(X * NAN, Y), "X must be finite"),
    (lambda: O.LogisticLoss(X, 2 * LABELS - 1), "y must hold the labels 0 and 1"),
    (lambda: O.LogisticLoss(X, LABELS[:5]), "y must have shape"),
    (lambda: O.LogisticLoss(X, LABELS, l2=-1), "l2 must be zero"),
    (lambda: O.NesterovWorst(1), "dim must be at least 2"),
    (lambda: O.NesterovWorst(5.0), "dim must be an integer"),
    (lambda: O.NesterovWorst(5, beta=0), "beta must be a positive"),
    (lambda: O.Rosenbrock(radius=-1), "radius must be a positive"),
    (lambda: O.Rosenbrock(b=0), "b must be a positive"),
    (lambda: O.Rosenbrock(centre=(0, 0, 0)), "centre must have shape"),
    (lambda: O.Wavy([[1.0]]), "slopes must have 1"),
    (lambda: O.Parabolas([1.0, 2.0]), "centres must have 2"),
    (lambda: O.Parabolas([[1.0], [2.0]], [1.0]), "curvatures must be one number"),
    (lambda: O.Parabolas([[1.0]], -1.0), "curvatures must be positive"),
    (lambda: O.TanhNet(X, Y, m=0), "m must be at least 1"),
    (lambda: O.TanhNet(X, Y[:3]), "y must have shape"),
    (lambda: O.Rosenbrock().value([1.0, 2.0, 3.0]), "theta must have 2"),
    (lambda: O.Rosenbrock().gradient([NAN, 0.0]), "theta must be finite"),
    (lambda: O.Rosenbrock().hessian("here"), "theta must hold real"),
    (lambda: O.Wavy().value(1.0), "theta must have 1"),
    (lambda: O.Wavy([1.0, 2.0]).component_gradients([1.0], [2]), "indices must lie in 0..1"),
    (lambda: O.Wavy([1.0, 2.0]).component_gradients([1.0], [0.5]), "indices must be integers"),
]


@pytest.mark.parametrize("case", range(len(BAD)))
def test_bad_input_is_refused_by_name(case):
    call, message = BAD[case]
    with pytest.raises((ValueError, TypeError), match=message):
        call()
