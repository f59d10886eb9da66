"""The exercises of lecture 27: reference answers pass, plausible mistakes draw their own hints."""


import numpy as np
import pytest
import torch
from exercise_tools import assert_exercise, reference

from dlhelpers.exercises import adversarial_patterns as check


@pytest.fixture(scope="module")
def right():
    return reference("27_adversarial_patterns")


def test_gram_limit(right):
    def angle(X):
        return np.arccos(np.clip(X @ X.T, -1, 1))

    assert_exercise(check.check_gram_limit, right["gram_limit"], {
        "probability alone": lambda X: (np.pi - angle(X)) / (2 * np.pi),
        "twice too large": lambda X: X @ X.T * (np.pi - angle(X)) / np.pi,
        "np.clip": lambda X: X @ X.T * (np.pi - np.arccos(1.0000001 * X @ X.T)) / (2 * np.pi),
        "angle itself": lambda X: X @ X.T * angle(X) / (2 * np.pi)})


def test_leash(right):
    assert_exercise(check.check_leash, right["leash"], {
        "√n is missing": lambda n, m, r, lam: 2 / np.sqrt(m) * r / lam,
        "factor 2": lambda n, m, r, lam: np.sqrt(n / m) * r / lam,
        "n enters without": lambda n, m, r, lam: 2 * n / np.sqrt(m) * r / lam,
        "m enters without": lambda n, m, r, lam: 2 * np.sqrt(n) / m * r / lam,
        "whole layer": lambda n, m, r, lam: 2 * np.sqrt(n) * r / lam,
        "denominator": lambda n, m, r, lam: 2 * np.sqrt(n / m) * r * lam})


def test_hidden_force(right):
    force = right["hidden_force"]

    def in_place(U, V, X, signal):
        signal *= 2
        return force(U, V, X, signal)

    assert_exercise(check.check_hidden_force, force, {
        "sign": lambda U, V, X, s: -force(U, V, X, s),
        "d_out is missing": lambda U, V, X, s: force(U, V, X, s) * len(V) ** 0.5,
        "1/√\\(d_out m\\) of the network is missing": lambda U, V, X, s: force(U, V, X, s) * V.numel() ** 0.5,
        "squared": lambda U, V, X, s: force(U, V, X, s) / V.numel() ** 0.5,
        "are off": lambda U, V, X, s: (s @ V).T @ X / V.numel() ** 0.5,
        "derivative": lambda U, V, X, s: ((s @ V) * torch.relu(X @ U.T)).T @ X / V.numel() ** 0.5,
        "mean over": lambda U, V, X, s: force(U, V, X, s) / len(X),
        "in place": in_place,
        "shape": lambda U, V, X, s: force(U, V, X, s).T})


def test_neighbour_spread(right):
    def distances(P):
        D = np.sqrt(((P[:, None] - P[None]) ** 2).sum(2))
        np.fill_diagonal(D, np.inf)
        return D.min(1)

    def itself(P):
        with np.errstate(invalid="ignore"):
            zero = np.sqrt(((P[:, None] - P[None]) ** 2).sum(2)).min(1)
            return zero.std() / zero.mean()

    assert_exercise(check.check_neighbour_spread, right["neighbour_spread"], {
        "to itself": itself,
        "upside down": lambda P: distances(P).mean() / distances(P).std(),
        "squared distances": lambda P: (distances(P) ** 2).std() / (distances(P) ** 2).mean(),
        "divide by the mean": lambda P: distances(P).std(),
        "n − 1": lambda P: distances(P).std(ddof=1) / distances(P).mean()})


def test_p_value(right):
    assert_exercise(check.check_p_value, right["p_value"], {
        "impossible": lambda observed, null: np.mean(null >= observed),
        "ties": lambda observed, null: (1 + np.sum(null > observed)) / (1 + len(null)),
        "wrong tail": lambda observed, null: (1 + np.sum(null <= observed)) / (1 + len(null)),
        "denominator": lambda observed, null: (1 + np.sum(null >= observed)) / len(null)})
