"""σ, softmax and Newton's method against torch and closed forms."""

import numpy as np
import torch

from dlhelpers import numerics


def test_sigmoid_and_softmax_do_not_overflow():
    z = np.array([-1e4, -2.0, 0.0, 2.0, 1e4])
    np.testing.assert_allclose(numerics.sigmoid(z), torch.sigmoid(torch.tensor(z)).numpy(), atol=1e-15)
    rows = np.array([[1e4, 1e4 + 1], [-1e4, 0.0]])
    np.testing.assert_allclose(numerics.softmax(rows), torch.softmax(torch.tensor(rows), 1).numpy(), atol=1e-12)


def test_newton_solves_a_quadratic_in_one_step():
    H, centre = np.array([[3.0, 1.0], [1.0, 2.0]]), np.array([0.5, -2.0])
    found = numerics.newton(lambda t: 0.5 * (t - centre) @ H @ (t - centre), lambda t: H @ (t - centre),
                            lambda t: H, np.zeros(2))
    np.testing.assert_allclose(found.theta, centre, atol=1e-12)
    assert found.steps == 1 and found.converged


def test_newton_halves_a_step_that_would_climb():
    # On sqrt(1 + t²) whole steps map t to -t³, away from 0 beyond |t| = 1.
    value, gradient = lambda t: float(np.sqrt(1 + t @ t)), lambda t: t / np.sqrt(1 + t @ t)
    found = numerics.newton(value, gradient, lambda t: np.diag((1 + t**2) ** -1.5), np.array([3.0]))
    assert found.converged and abs(found.theta[0]) < 1e-9
    short = numerics.newton(value, gradient, lambda t: np.diag((1 + t**2) ** -1.5), np.array([3.0]), steps=1)
    assert short.steps == 1 and not short.converged


def test_a_singular_system_gets_its_least_solution():
    matrix, right = np.diag([2.0, 0.0]), np.array([4.0, 0.0])
    np.testing.assert_allclose(numerics.solve(matrix, right), np.linalg.pinv(matrix) @ right, atol=1e-12)
