"""The optimisers: step by step against torch.optim, the compiled loop against the rules, bad input named."""

import math
import sys

import numpy as np
import pytest
import torch

from dlhelpers import descent as D
from dlhelpers import objectives as O
from dlhelpers.descent import compiled

BOWL = O.Quadratic.from_eigenvalues([0.5, 3.0])

#: Ours, torch's class and its arguments.
PAIRS = {
    "momentum": (D.Momentum(1e-3, 0.9), torch.optim.SGD, {"lr": 1e-3, "momentum": 0.9}),
    "averaged": (D.Momentum(1e-2, 0.9, averaged=True), torch.optim.SGD, {"lr": 1e-3, "momentum": 0.9}),
    "Nesterov": (D.Nesterov(5e-4, 0.8), torch.optim.SGD, {"lr": 5e-4, "momentum": 0.8, "nesterov": True}),
    "Adagrad": (D.Adagrad(0.1), torch.optim.Adagrad, {"lr": 0.1}),
    "Adadelta": (D.Adadelta(2.0, 0.8, 1e-4), torch.optim.Adadelta, {"lr": 2.0, "rho": 0.8, "eps": 1e-4}),
    "RMSprop": (D.RMSprop(0.01, 0.95), torch.optim.RMSprop, {"lr": 0.01, "alpha": 0.95}),
    "Adam": (D.Adam(0.05, 0.8, 0.99, 1e-3), torch.optim.Adam, {"lr": 0.05, "betas": (0.8, 0.99), "eps": 1e-3}),
    "AMSGrad": (D.Adam(0.05, amsgrad=True), torch.optim.Adam, {"lr": 0.05, "amsgrad": True}),
}


def torch_path(kind, arguments, objective, T):
    theta = torch.tensor(objective.start, requires_grad=True)
    optimiser = kind([theta], **arguments)
    path = [theta.detach().numpy().copy()]
    for _ in range(T):
        theta.grad = torch.from_numpy(np.atleast_1d(objective.gradient(theta.detach().numpy())))
        optimiser.step()
        path.append(theta.detach().numpy().copy())
    return np.array(path)


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("objective", [O.Rosenbrock(), BOWL], ids=["Rosenbrock", "bowl"])
def test_every_step_is_torchs(name, objective):
    rule, kind, arguments = PAIRS[name]
    expected = torch_path(kind, arguments, objective, 100)
    np.testing.assert_allclose(D.iterate(objective, None, rule, 100).points, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", PAIRS)
def test_runs_side_by_side_equal_single_runs_and_a_second_run_is_the_first(name):
    rule = PAIRS[name][0]
    starts = np.array([[1.0, -2.0], [0.0, 3.0], [0.1, 0.2]])
    together = D.iterate(BOWL, starts, rule, 30).points
    assert (together == D.iterate(BOWL, starts, rule, 30).points).all()
    for k in range(3):
        np.testing.assert_allclose(together[:, k], D.iterate(BOWL, starts[k], rule, 30).points, atol=1e-14)


def test_nesterov_is_the_look_ahead_point_of_his_ball():
    eta, momentum = 0.1, 0.7
    p, w = BOWL.start.copy(), np.zeros(2)
    run = D.iterate(BOWL, None, D.Nesterov(eta, momentum), 20)
    for t in range(20):
        np.testing.assert_allclose(run.points[t], p + momentum * w, atol=1e-13)
        w = momentum * w - eta * BOWL.gradient(p + momentum * w)
        p = p + w


def test_adam_without_correction_starts_longer():
    plain = D.iterate(BOWL, None, D.Adam(0.01, correct=False), 1)
    full = D.iterate(BOWL, None, D.Adam(0.01), 1)
    ratio = (plain.points[1] - plain.points[0]) / (full.points[1] - full.points[0])
    np.testing.assert_allclose(ratio, 0.1 / math.sqrt(0.001), rtol=1e-5)


@pytest.mark.parametrize("rule", [D.Adagrad(0.1, eps=0), D.RMSprop(0.1, eps=0), D.Adam(0.1, eps=0)])
def test_an_entry_that_sees_no_gradient_stays_even_without_eps(rule):
    run = D.iterate(O.Quadratic(np.diag([1.0, 0.0])), np.array([1.0, 5.0]), rule, 10)
    assert (run.points[:, 1] == 5.0).all() and run.points[-1, 0] < 1.0


def test_armijo_keeps_its_promise_and_takes_the_largest_step():
    objective = O.Rosenbrock()
    rule = D.Armijo(objective, eta=1.0, c=0.1, shrink=0.5)
    run = D.iterate(objective, None, rule, 60)
    slopes = run.gradient_norms[:-1] ** 2
    taken = np.array(rule.taken)
    assert (run.values[1:] <= run.values[:-1] - 0.1 * taken * slopes).all()
    longer = run.points[:-1] - 2 * taken[:, None] * objective.gradient(run.points[:-1])
    refused = objective.value(longer) > run.values[:-1] - 0.1 * 2 * taken * slopes
    assert refused[taken < 1.0].all() and (np.log2(taken) == 1 - np.array(rule.tries)).all()


def test_armijo_stays_where_nothing_is_lower():
    run = D.iterate(BOWL, np.zeros(2), D.Armijo(BOWL), 3)
    assert (run.points == 0).all()


def test_noise_is_seeded_and_has_its_size():
    rule = D.Noisy(D.Momentum(1.0, 0.0), 0.5, seed=3)
    flat = O.Quadratic(np.diag([1e-9, 1e-9]))
    first, second = (D.iterate(flat, np.zeros((500, 2)), rule, 4).points for _ in range(2))
    assert (first == second).all()
    assert np.diff(first, axis=0).std() == pytest.approx(0.5, rel=0.05)      # 4000 draws: 1.1 % standard error


def test_the_heavy_ball_contracts_as_polyak_says():
    beta, mu = 100.0, 1.0
    eta, momentum = D.heavy_ball(beta, mu)
    for curvature in (mu, 7.0, beta):
        step = np.array([[1 + momentum - eta * curvature, -momentum], [1.0, 0.0]])
        assert np.abs(np.linalg.eigvals(step)).max() == pytest.approx(9 / 11, abs=1e-6)


@pytest.mark.parametrize("name", O.TEST_FUNCTIONS)
def test_functions_know_their_slopes_and_their_minimum(name):
    plane = O.TestFunction(name)
    points = np.random.default_rng(5).uniform(-2, 2, (20, 2))
    for i in range(2):
        h = 1e-6 * np.eye(2)[i]
        slope = (plane.value(points + h) - plane.value(points - h)) / 2e-6
        np.testing.assert_allclose(slope, plane.gradient(points)[:, i], rtol=1e-6, atol=1e-5)
    assert plane.value(plane.minimiser) == pytest.approx(plane.minimum, abs=1e-12)
    assert (plane.value(points) >= plane.minimum).all()
    assert np.linalg.norm(plane.gradient(plane.minimiser)) < 1e-12
    if np.isfinite(plane.beta):
        largest = np.abs(np.linalg.eigvalsh(plane.hessian(points))).max()
        assert 0.9 * plane.beta < largest <= plane.beta * (1 + 1e-6)


def test_rosenbrock_is_the_objective_of_that_name():
    points = np.random.default_rng(6).uniform(-2, 2, (20, 2))
    np.testing.assert_allclose(O.TestFunction("Rosenbrock").value(points), O.Rosenbrock().value(points), rtol=1e-12)
    np.testing.assert_allclose(O.TestFunction("Rosenbrock").hessian(points), O.Rosenbrock().hessian(points), atol=1e-4)


COMPILED = [D.GradientStep(2e-3), *(pair[0] for pair in PAIRS.values()), D.Adam(0.01, correct=False)]


@pytest.mark.parametrize("plane", O.TEST_FUNCTIONS)
def test_the_compiled_loop_takes_the_same_steps(plane):
    for rule in COMPILED:
        slow, fast = D.iterate(O.TestFunction(plane), None, rule, 60), D.descend(plane, None, rule, 60)
        assert slow.diverged == fast.diverged
        scale = 1 + np.abs(slow.points).max(1, keepdims=True)
        np.testing.assert_allclose(fast.points / scale, slow.points / scale, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(fast.values, slow.values, rtol=1e-6, atol=1e-12)


def test_the_compiled_loop_adds_noise_and_follows_schedules():
    noise = np.random.default_rng(0).standard_normal((5, 2))
    run = D.descend("valley", (1.0, 1.0), D.Momentum(lambda t: 0.01 / (t + 1), 0.0), 5, noise=noise)
    theta = np.array([1.0, 1.0])
    for t in range(5):
        theta = theta - 0.01 / (t + 1) * (theta * [1.0, 100.0] + noise[t])
    np.testing.assert_allclose(run.last, theta, rtol=1e-12)


def test_without_numba_numpy_takes_the_steps(monkeypatch):
    expected = D.descend("Rosenbrock", None, D.Adam(0.1), 20).points
    monkeypatch.setitem(sys.modules, "numba", None)
    compiled.kernel.cache_clear()
    with pytest.warns(RuntimeWarning, match="numba cannot be imported"):
        run = D.descend("Rosenbrock", None, D.Adam(0.1), 20)
    np.testing.assert_allclose(run.points, expected, rtol=1e-9)
    with pytest.raises(ValueError, match="noise"):
        D.descend("Rosenbrock", None, D.Adam(0.1), 20, noise=np.zeros((20, 2)))
    compiled.kernel.cache_clear()


def test_divergence_is_reported():
    rule = D.GradientStep(0.03)
    for run in (D.descend("valley", None, rule, 500), D.iterate(O.TestFunction("valley"), None, rule, 500)):
        assert run.diverged is not None and run.steps == run.diverged - 1 and np.isfinite(run.values).all()


def test_a_decaying_rate_may_underflow():
    run = D.descend("Rosenbrock", None, D.Momentum(lambda t: 1e-3 * 0.99**t, 0.0), 100_000)
    assert run.steps == 100_000 and (run.points[80_000] == run.last).all()


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("make, name", [
    *((lambda kind=kind, eta=eta: kind(eta), "eta") for kind in (
        D.Momentum, D.Nesterov, D.Adagrad, D.Adadelta, D.RMSprop, D.Adam) for eta in (0, -0.1, NAN, "fast")),
    (lambda: D.Momentum(INF), "eta"),
    (lambda: D.Momentum(True), "eta"),
    (lambda: D.Momentum(0.1, 1.0), "momentum"),
    (lambda: D.Momentum(0.1, -0.1), "momentum"),
    (lambda: D.Momentum(0.1, NAN), "momentum"),
    (lambda: D.Momentum(0.1, averaged=1), "averaged"),
    (lambda: D.Nesterov(0.1, 0.0), "momentum"),
    (lambda: D.Nesterov(0.1, 1.5), "momentum"),
    (lambda: D.Adagrad(0.1, -1e-9), "eps"),
    (lambda: D.Adadelta(1.0, 1.0), "rho"),
    (lambda: D.Adadelta(1.0, eps=0.0), "eps"),
    (lambda: D.RMSprop(0.1, 1.0), "rho"),
    (lambda: D.RMSprop(0.1, eps=-1), "eps"),
    (lambda: D.Adam(0.1, 1.0), "momentum"),
    (lambda: D.Adam(0.1, rho=1.0), "rho"),
    (lambda: D.Adam(0.1, rho="0.999"), "rho"),
    (lambda: D.Adam(0.1, eps=INF), "eps"),
    (lambda: D.Adam(0.1, correct=None), "correct"),
    (lambda: D.Adam(0.1, amsgrad="yes"), "amsgrad"),
    (lambda: D.Armijo("Rosenbrock"), "objective"),
    (lambda: D.Armijo(BOWL, eta=0), "eta"),
    (lambda: D.Armijo(BOWL, c=0.0), "c must"),
    (lambda: D.Armijo(BOWL, c=1.0), "c must"),
    (lambda: D.Armijo(BOWL, shrink=1.0), "shrink"),
    (lambda: D.iterate(BOWL, np.ones((2, 2)), D.Armijo(BOWL), 1), "start"),
    (lambda: D.Noisy("Adam", 1.0), "rule"),
    (lambda: D.Noisy(D.Adam(), -1.0), "sigma"),
    (lambda: D.Noisy(D.Adam(), 1.0, seed=-1), "seed"),
    (lambda: D.heavy_ball(1.0, 2.0), "mu"),
    (lambda: D.heavy_ball(0.0, 1.0), "beta"),
    (lambda: O.TestFunction("hill"), "name"),
    (lambda: D.descend("hill", None, D.Adam(), 5), "function"),
    (lambda: D.descend("valley", None, "Adam", 5), "rule"),
    (lambda: D.descend("valley", None, D.Noisy(D.Adam(), 1.0), 5), "rule"),
    (lambda: D.descend("valley", (1.0, 2.0, 3.0), D.Adam(), 5), "start"),
    (lambda: D.descend("valley", (NAN, 2.0), D.Adam(), 5), "start"),
    (lambda: D.descend("valley", None, D.Adam(), 0), "T"),
    (lambda: D.descend("valley", None, D.Adam(), 5.0), "T"),
    (lambda: D.descend("valley", None, D.Adam(), 5, noise=np.zeros((4, 2))), "noise"),
    (lambda: D.descend("valley", None, D.Adam(), 5, limit=-1), "limit"),
    (lambda: D.descend("valley", None, D.Momentum(lambda t: 1.0 - t), 5), r"eta\(2\)"),
    (lambda: D.iterate(BOWL, None, D.Adam(lambda t: NAN), 5), r"eta\(0\)"),
])
def test_bad_input_is_refused_by_name(make, name):
    with pytest.raises((ValueError, TypeError), match=name):
        make()


def test_the_schedule_keeps_numbers_and_functions():
    assert D.schedule(0.5)(7) == 0.5 and D.schedule(lambda t: 0.0)(7) == 0.0
