"""Descent: runs against closed forms and torch.optim, bounds against runs and enumeration."""

from itertools import combinations, product

import numpy as np
import pytest
import torch

from dlhelpers import descent as D
from dlhelpers import objectives as O

rng = np.random.default_rng(11)
X, Y = rng.standard_normal((12, 2)), rng.standard_normal(12)
BOWL = O.Quadratic.from_eigenvalues([0.1, 1.0, 4.0])
LOGISTIC = O.LogisticLoss(X, (Y > 0).astype(int), l2=0.02)


def test_gradient_descent_on_a_quadratic_in_closed_form():
    eta, start = 0.2, np.array([1.0, -2.0, 3.0])
    run = D.gradient_descent(BOWL, start, eta, 30)
    powers = (1 - eta * np.array([0.1, 1.0, 4.0])) ** np.arange(31)[:, None]
    np.testing.assert_allclose(run.points, start * powers, atol=1e-12)
    np.testing.assert_allclose(run.values, 0.5 * ((start * powers) ** 2 @ [0.1, 1.0, 4.0]), atol=1e-12)
    np.testing.assert_allclose(run.gradient_norms, np.linalg.norm(start * powers * [0.1, 1.0, 4.0], axis=1), atol=1e-12)
    assert run.steps == 30 and run.diverged is None
    np.testing.assert_array_equal(run.last, run.points[-1])


def test_gradient_descent_takes_the_steps_of_torch():
    run = D.gradient_descent(O.Rosenbrock(), None, 1e-3, 50)
    theta = torch.tensor([0.2, -0.2], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.SGD([theta], lr=1e-3)
    for t in range(50):
        np.testing.assert_allclose(run.points[t], theta.detach(), rtol=1e-10)
        optimiser.zero_grad()
        ((1 - theta[0]) ** 2 + 100 * (theta[1] - theta[0] ** 2) ** 2).backward()
        optimiser.step()


def test_the_default_step_is_one_over_beta_and_the_start_is_untouched():
    start = np.ones(3)
    run = D.gradient_descent(BOWL, start, T=3)
    np.testing.assert_allclose(run.points[1], start - BOWL.gradient(start) / 4)
    assert (start == 1).all()


def test_a_step_size_may_follow_a_schedule():
    run = D.gradient_descent(BOWL, np.ones(3), lambda t: 0.2 / (t + 1), 2)
    np.testing.assert_allclose(run.points[2, 2], (1 - 0.8) * (1 - 0.4))


def test_runs_side_by_side_equal_single_runs():
    starts = rng.standard_normal((4, 3))
    for method in (D.gradient_descent, D.accelerated):
        together = method(BOWL, starts, T=20)
        assert together.points.shape == (21, 4, 3) and together.values.shape == (21, 4)
        for k in range(4):
            np.testing.assert_allclose(together.points[:, k], method(BOWL, starts[k], T=20).points, atol=1e-14)


def test_steps_to_and_best_norms():
    run = D.Iterates(np.zeros((4, 1)), np.zeros(4), np.array([3.0, 1.0, 2.0, 0.5]))
    assert run.steps_to(1.0) == 1 and run.steps_to(0.9) == 3 and run.steps_to(0.1) is None
    np.testing.assert_array_equal(run.best_norms, [3, 1, 1, 0.5])


@pytest.mark.parametrize("method", [D.gradient_descent, D.accelerated])
def test_divergence_is_reported_and_nothing_infinite_is_kept(method):
    run = method(BOWL, np.ones(3), 3.0, 500)
    assert run.diverged is not None and run.steps == run.diverged - 1 < 499
    assert all(np.isfinite(a).all() for a in (run.points, run.values, run.gradient_norms))
    wild = D.gradient_descent(O.Rosenbrock(), [3.0, -3.0], 1.0, 100)
    assert wild.diverged is not None and np.isfinite(wild.values).all()


def test_own_rules_plug_into_the_loop():
    class Sign(D.Rule):
        def step(self, t, theta, gradient):
            return theta - 0.1 * np.sign(gradient(theta))

    run = D.iterate(BOWL, np.ones(3), Sign(), 5)
    np.testing.assert_allclose(run.last, 0.5 * np.ones(3))


# ------------------------------------------------------------------ bounds hold on runs


@pytest.mark.parametrize("r", [0.2, 1.0, 1.8])
@pytest.mark.parametrize("f", [BOWL, LOGISTIC, O.Wavy()], ids=["bowl", "logistic", "wavy"])
def test_stationary_and_linear_bounds_hold_at_every_step(f, r):
    start, T = np.array([3.0, -3.0]) if f is LOGISTIC else None, np.arange(1, 201)
    run = D.gradient_descent(f, start, r / f.beta, 200)
    gap = run.values - f.minimum
    after = D.descent_lemma(run.values[:-1], run.gradient_norms[:-1], f.beta, r / f.beta)
    assert (run.values[1:] <= after + 1e-13).all()
    assert (run.best_norms[:-1] <= D.stationary_norm(f.beta, gap[0], T, r / f.beta)).all()
    assert (gap[1:] <= D.strongly_convex_gap(f.beta, f.pl, gap[0], T, r / f.beta) + 1e-13).all()


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_distance_bound_holds_and_is_reached(share):
    eta = share * 2 / 4.1
    run = D.gradient_descent(BOWL, np.array([1.0, 1.0, 1.0]), eta, 50)
    left = np.linalg.norm(run.points[1:], axis=1)
    bound = D.strongly_convex_distance(4.0, 0.1, np.sqrt(3), np.arange(1, 51), eta)
    assert (left <= bound + 1e-12).all()
    if share == 1.0:  # at 2/(beta+mu) both extreme curvatures shrink by (kappa-1)/(kappa+1)
        alone = D.gradient_descent(BOWL, np.array([1.0, 0.0, 0.0]), eta, 50)
        exact = D.strongly_convex_distance(4.0, 0.1, 1.0, np.arange(1, 51), eta)
        np.testing.assert_allclose(np.linalg.norm(alone.points[1:], axis=1), exact, rtol=1e-9)


def test_convex_accelerated_and_lower_bounds_on_the_worst_function():
    f, T = O.NesterovWorst(60, beta=2.0), np.arange(1, 61)
    away = np.linalg.norm(f.minimiser)
    slow, fast = D.gradient_descent(f, T=60), D.accelerated(f, T=60)
    assert (slow.values[1:] - f.minimum <= D.convex_gap(2.0, away, T)).all()
    assert (fast.values[1:] - f.minimum <= D.accelerated_gap(2.0, away, T)).all()
    for run in (slow, fast):
        assert (run.values[1:] - f.minimum >= D.lower_gap(2.0, 60, T)).all()
    assert fast.values[-1] < slow.values[-1]


def test_the_bounds_by_hand():
    assert D.stationary_steps(2.0, 3.0, 0.1) == pytest.approx(1200)
    assert D.stationary_steps(2.0, 3.0, 0.1, 0.75) == pytest.approx(3 / (0.75 * 0.25 * 0.01))
    T = D.stationary_steps(2.0, 3.0, 0.1, 0.3)
    assert D.stationary_norm(2.0, 3.0, T, 0.3) == pytest.approx(0.1)
    assert float(D.descent_lemma(5.0, 2.0, 4.0)) == pytest.approx(5 - 4 / 8)
    assert float(D.convex_gap(2.0, 3.0, 9)) == pytest.approx(1.0)
    assert float(D.accelerated_gap(2.0, 3.0, 5)) == pytest.approx(1.0)
    assert float(D.strongly_convex_gap(4.0, 1.0, 1.0, 2)) == pytest.approx(0.75**2)
    assert float(D.lower_gap(8.0, 9, 1)) == pytest.approx(0.5 - 0.1)
    assert float(D.sgd_stationary(2.0, 3.0, 10, 5.0, 0.1)) == pytest.approx(6 + 1)
    assert float(D.sgd_convex_gap(2.0, 2.0, 10, 5.0, 0.1)) == pytest.approx(2 + 0.5)


def test_segment_smoothness_finds_curvature_between_the_iterates():
    at_ends = D.segment_smoothness(O.Wavy(), [[0.95], [-0.95]], samples=2)
    inside = D.segment_smoothness(O.Wavy(), [[0.95], [-0.95]], samples=3)
    assert at_ends[0] < 0.1 and inside[0] == pytest.approx(8)
    np.testing.assert_allclose(D.segment_smoothness(BOWL, np.eye(3)), [4, 4])


# ----------------------------------------------------------------------------- noise


@pytest.mark.parametrize("replacement", [True, False])
@pytest.mark.parametrize("B", [1, 2, 4])
def test_minibatch_variance_by_enumeration(B, replacement):
    values = rng.standard_normal((5, 2))
    if not replacement or B <= 2:
        batches = list(product(range(5), repeat=B) if replacement else combinations(range(5), B))
        means = np.array([values[list(batch)].mean(0) for batch in batches])
        var = ((values - values.mean(0)) ** 2).sum(1).mean()
        measured = ((means - values.mean(0)) ** 2).sum(1).mean()
        assert D.minibatch_variance(5, B, var, replacement) == pytest.approx(measured, rel=1e-12)
    assert D.minibatch_variance(5, 5, 1.0, False) == 0 and D.minibatch_variance(1, 1, 1.0, False) == 1


@pytest.mark.parametrize("replacement", [True, False])
def test_batches_have_the_size_the_members_and_the_seed(replacement):
    losses = O.LeastSquares(X, Y)
    rule = D.StochasticStep(losses, 0.1, 5, seed=3, replacement=replacement)
    rule.begin(np.zeros((400, 2)))
    drawn = rule.draw((400,))
    assert drawn.shape == (400, 5) and set(drawn.ravel()) == set(range(12))
    repeats = any(len(set(row)) < 5 for row in drawn)
    assert repeats == replacement
    rule.begin(np.zeros((400, 2)))
    np.testing.assert_array_equal(rule.draw((400,)), drawn)


def test_a_full_batch_without_replacement_is_gradient_descent():
    losses = O.LeastSquares(X, Y)
    noisy = D.sgd(losses, None, 0.1, 20, batch=12, replacement=False)
    np.testing.assert_allclose(noisy.points, D.gradient_descent(losses, None, 0.1, 20).points, atol=1e-12)


def test_sgd_noise_floor_of_parabolas():
    losses = O.Parabolas([[-1.0], [1.0]])
    run = D.sgd(losses, np.zeros((4000, 1)), 0.3, 60, seed=0)
    # 4000 independent values of e² with relative variance at most 2: standard error 2.3 %, tolerance four of them.
    assert (run.points[-1] ** 2).mean() == pytest.approx(0.3 / 1.7, rel=0.09)


def test_sgd_repeats_with_its_seed_and_leaves_the_global_generator_alone():
    losses, before = O.LeastSquares(X, Y), np.random.get_state()[1].copy()
    first, second, other = (D.sgd(losses, None, 0.05, 10, seed=s).last for s in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert (first != other).any() and (np.random.get_state()[1] == before).all()


# ------------------------------------------------------------------------- bad input

NAN, WAVY = float("nan"), O.Wavy([1.0, 2.0, 3.0])
NET = O.TanhNet(X, Y, m=2)
BAD = [
    (lambda: D.gradient_descent(BOWL, None, 0.0), "eta must be a positive"),
    (lambda: D.gradient_descent(BOWL, None, -0.1), "eta must be a positive"),
    (lambda: D.gradient_descent(BOWL, None, NAN), "eta must be a finite"),
    (lambda: D.gradient_descent(BOWL, None, "0.1"), "eta must be a number"),
    (lambda: D.gradient_descent(BOWL, None, lambda t: -1.0), r"eta\(0\) must be zero or a positive"),
    (lambda: D.gradient_descent(NET), "eta must be given"),
    (lambda: D.gradient_descent(BOWL, [1.0, NAN, 0.0]), "start must be finite"),
    (lambda: D.gradient_descent(BOWL, [1.0, 2.0]), "start must have shape"),
    (lambda: D.gradient_descent(BOWL, np.ones((2, 2, 3))), "start must have shape"),
    (lambda: D.gradient_descent(BOWL, []), "start must not be empty"),
    (lambda: D.gradient_descent(BOWL, "origin"), "start must hold real"),
    (lambda: D.gradient_descent(BOWL, None, 0.1, 0), "T must be at least 1"),
    (lambda: D.gradient_descent(BOWL, None, 0.1, 10.0), "T must be an integer"),
    (lambda: D.gradient_descent(BOWL, None, 0.1, True), "T must be an integer"),
    (lambda: D.gradient_descent(lambda x: x, None, 0.1), "objective must be a Objective"),
    (lambda: D.accelerated(BOWL, None, 0), "eta must be a positive"),
    (lambda: D.iterate(BOWL, None, D.GradientStep, 3), "rule must be a Rule"),
    (lambda: D.iterate(BOWL, None, D.GradientStep(0.1), 3, limit=0), "limit must be a positive"),
    (lambda: D.sgd(BOWL), "finite_sum must be a FiniteSum"),
    (lambda: D.sgd(WAVY, batch=0), "batch must be at least 1"),
    (lambda: D.sgd(WAVY, batch=4, replacement=False), "batch must be at most 3"),
    (lambda: D.sgd(WAVY, seed=-1), "seed must be at least 0"),
    (lambda: D.sgd(WAVY, replacement="yes"), "replacement must be a bool"),
    (lambda: D.segment_smoothness(BOWL, np.ones((1, 3))), "points must hold at least two"),
    (lambda: D.segment_smoothness(BOWL, np.ones((3, 2))), "points must have shape"),
    (lambda: D.segment_smoothness(BOWL, np.ones((3, 3)), 1), "samples must be at least 2"),
    (lambda: D.descent_lemma(1.0, -1.0, 1.0), "gradient_norm must not"),
    (lambda: D.descent_lemma(1.0, 1.0, 1.0, 2.0), "eta must be below 2/beta"),
    (lambda: D.stationary_steps(1.0, 1.0, 0.0), "eps must be positive"),
    (lambda: D.stationary_steps(1.0, -1.0, 0.1), "gap must be zero"),
    (lambda: D.stationary_steps(0.0, 1.0, 0.1), "beta must be a positive"),
    (lambda: D.stationary_steps(1.0, 1.0, 0.1, 3.0), "eta must be below 2/beta"),
    (lambda: D.stationary_norm(1.0, 1.0, 0), "T must be at least 1"),
    (lambda: D.convex_gap(1.0, -1.0, 3), "distance must be zero"),
    (lambda: D.convex_gap(NAN, 1.0, 3), "beta must be a finite"),
    (lambda: D.accelerated_gap(1.0, 1.0, [0, 1]), "T must be at least 1"),
    (lambda: D.lower_gap(1.0, 5, 6), "T must be at most dim"),
    (lambda: D.strongly_convex_gap(1.0, 2.0, 1.0, 3), "mu must not exceed beta"),
    (lambda: D.strongly_convex_gap(1.0, 0.0, 1.0, 3), "mu must be a positive"),
    (lambda: D.strongly_convex_distance(1.0, 0.5, 1.0, 3, 1.5), "eta must be at most"),
    (lambda: D.minibatch_variance(5, 6, 1.0, False), "B must be at most 5"),
    (lambda: D.minibatch_variance(5, 0, 1.0), "B must be at least 1"),
    (lambda: D.minibatch_variance(0, 1, 1.0), "n must be at least 1"),
    (lambda: D.minibatch_variance(5, 1, -1.0), "var must be zero"),
    (lambda: D.sgd_stationary(1.0, 1.0, 3, 1.0, 1.5), "eta must be at most 1/beta"),
    (lambda: D.sgd_convex_gap(1.0, 1.0, 3, 1.0, 0.0), "eta must be a positive"),
    (lambda: D.gradient_descent(BOWL, T=3).steps_to(0), "eps must be a positive"),
    (lambda: D.gradient_descent(BOWL, np.ones((2, 3)), T=3).steps_to(0.1), "steps_to is for a single run"),
]


@pytest.mark.parametrize("case", range(len(BAD)))
def test_bad_input_is_refused_by_name(case):
    call, message = BAD[case]
    with pytest.raises((ValueError, TypeError), match=message):
        call()
