"""The neural tangent kernel and its theorems: against sampling, hand calculation, autograd."""

import math

import numpy as np
import pytest
import torch

from dlhelpers.adversarial import ntk


def unit_rows(n=6, d=9, seed=1):
    X = np.random.default_rng(seed).standard_normal((n, d))
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def test_gram_limit_is_what_many_neurons_give():
    X = unit_rows()
    mean, error = ntk.monte_carlo(X, 200_000, seed=2)
    # 36 entries: five standard errors are exceeded once in 50 000 experiments.
    assert (np.abs(mean - ntk.gram_limit(X)) <= 5 * error + 1e-12).all()
    U = np.random.default_rng(4).standard_normal((400_000, 9))
    np.testing.assert_allclose(ntk.gram(U, X), ntk.gram_limit(X), atol=5e-3)


def test_gram_limit_by_hand():
    X = np.array([[1.0, 0.0], [0.0, 1.0], [math.sqrt(0.5), math.sqrt(0.5)]])
    expected = np.array([[0.5, 0, 0.375 * math.sqrt(0.5)], [0, 0.5, 0.375 * math.sqrt(0.5)],
                         [0.375 * math.sqrt(0.5), 0.375 * math.sqrt(0.5), 0.5]])
    np.testing.assert_allclose(ntk.gram_limit(X), expected, atol=1e-12)
    assert np.linalg.eigvalsh(ntk.gram_limit(np.array([[1.0, 0], [1.0, 0]])))[0] == pytest.approx(0, abs=1e-7)


def test_flow_is_autograd_descent():
    X, m, eta = unit_rows(4, 5), 20, 0.2
    y = np.array([1.0, -1, 1, 1])
    rng = np.random.default_rng(6)
    U = torch.tensor(rng.standard_normal((m, 5)), requires_grad=True)
    v = torch.tensor(rng.choice([-1.0, 1.0], m))
    draws = np.random.default_rng(9)
    w, a = draws.standard_normal(m), draws.standard_normal(m)
    start = U.detach().clone()
    for _ in range(10):
        z = torch.relu(torch.tensor(X) @ U.T) @ v / math.sqrt(m)
        score = (torch.relu(z[:, None] * torch.tensor(w)) @ torch.tensor(a)).sum() / math.sqrt(m)
        loss = 0.5 * (z - torch.tensor(y)).square().sum() - score
        step, = torch.autograd.grad(loss, U)
        with torch.no_grad():
            U -= eta * step
    found = ntk.flow(X, y, m, time=2.0, eta=eta, seed=6, critic=(w, a))
    assert found.t[-1] == pytest.approx(2.0)
    assert found.moved[-1] == pytest.approx(float((U - start).detach().norm()), rel=1e-10)
    assert found.z.shape == (11, 4)
    last = torch.relu(torch.tensor(X) @ U.detach().T) @ v / math.sqrt(m)
    np.testing.assert_allclose(found.z[-1], last.numpy(), atol=1e-12)
    slope = np.where(last.numpy() > 0, (a * w)[w > 0].sum(), (a * w)[w < 0].sum()) / math.sqrt(m)
    assert found.push[-1] == pytest.approx(np.linalg.norm(ntk.gram(U.detach().numpy(), X) @ slope), rel=1e-10)
    assert found.total_slope[-1] == pytest.approx(np.abs(slope).sum(), rel=1e-10)
    assert not ntk.flow(X, y, m, time=0.4, eta=eta, seed=6).push.any()


@pytest.mark.parametrize("split", [0.5, 0.8, 0.99])
@pytest.mark.parametrize("delta", [0.5, 0.05])
def test_two_slopes_need_no_union_over_the_points(split, delta):
    """n times the larger slope of a random critic passes L n √(2 log(2/δ)/m) with probability at most δ."""
    m, rng = 16, np.random.default_rng(8)
    w = np.r_[np.full(8, math.sqrt(split / 8)), np.full(8, -math.sqrt((1 - split) / 8))]      # ‖w‖ = L = 1
    a = rng.standard_normal((20_000, m))
    slopes = np.abs([(a * w)[:, side].sum(1) / math.sqrt(m) for side in (w > 0, w < 0)]).max(0)
    assert np.mean(slopes > math.sqrt(2 * math.log(2 / delta) / m)) < delta


@pytest.mark.parametrize("seed", range(5))
def test_theorems_along_a_flow(seed):
    X = unit_rows(6, 16, seed)
    y, m = np.random.default_rng(seed).choice([-1.0, 1.0], 6), 4096
    lambda0 = np.linalg.eigvalsh(ntk.gram_limit(X))[0]
    run = ntk.flow(X, y, m, time=15, eta=0.3, seed=seed)
    assert run.low.min() >= lambda0 / 2
    assert (run.residual <= run.residual[0] * np.exp(-lambda0 * run.t / 2) + 1e-12).all()
    assert run.farthest.max() <= ntk.theorem1(6, m, run.residual[0], lambda0)
    rng = np.random.default_rng(100 + seed)
    w = rng.standard_normal(m)
    run = ntk.flow(X, y, m, time=15, eta=0.3, seed=seed, critic=(0.5 * w / np.linalg.norm(w), rng.standard_normal(m)))
    mu = ntk.total_slope_bound(6, m, 0.5)
    limit = ntk.theorem2(run.t, 6, m, run.residual[0], lambda0, run.high.max() / (lambda0 / 2), mu)
    assert run.total_slope.max() <= mu and (run.farthest <= limit + 1e-12).all()


def test_theorem_2_without_a_critic_is_theorem_1():
    assert ntk.theorem2(1e6, 4, 100, 2.0, 0.3, 9.0, 0.0) == pytest.approx(ntk.theorem1(4, 100, 2.0, 0.3))


@pytest.mark.parametrize("call, message", [
    (lambda: ntk.gram_limit(np.ones((2, 2))), "norm 1"),
    (lambda: ntk.flow(unit_rows(), np.ones(5), 8, time=1), "y must have shape"),
    (lambda: ntk.flow(unit_rows(), np.ones(6), 8, time=1, eta=50.0), "eta must be below"),
    (lambda: ntk.flow(unit_rows(), np.ones(6), 8, time=-1), "time must be"),
    (lambda: ntk.theorem1(4, 10, 1.0, 0.0), "lambda0 must be"),
    (lambda: ntk.total_slope_bound(4, 10, 1.0, delta=1.0), "delta must"),
    (lambda: ntk.monte_carlo(unit_rows(), 1), "samples must be")])
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
