"""A claim that holds prints a stable line; one that does not raises and shows what it got."""

import numpy as np
import pytest
import torch

from dlhelpers import claims
from dlhelpers.claims import claim


@pytest.mark.parametrize("value, expectation, line", [
    (3.66667, {"near": 11 / 3, "tol": 1e-4}, "✓ s = 3.6667 (± 0.0001)"),
    (torch.tensor(3.66667), {"near": 11 / 3, "tol": 1e-4}, "✓ s = 3.6667 (± 0.0001)"),
    (np.array([1.0, 2.0]), {"near": [1.0, 2.0], "tol": 0.1}, "✓ s = [1.0, 2.0] (± 0.1)"),
    (0.05, {"below": 0.09}, "✓ s < 0.09"),
    (0.05, {"above": 0.01, "below": 0.09}, "✓ s > 0.01 < 0.09"),
    (7850, {"equal": 7850}, "✓ s = 7850"),
    ("relu", {"equal": "relu"}, "✓ s = relu"),
    (np.array([True, True]), {}, "✓ s"),
    (True, {"source": "Rout"}, "✓ s  [Rout]"),
])
def test_lines(capsys, value, expectation, line):
    claim("s", value, **expectation)
    assert capsys.readouterr().out == line + "\n"


@pytest.mark.parametrize("value", [3.6666, 3.66674])
def test_the_printed_line_does_not_depend_on_the_measurement(capsys, value):
    claim("slope", value, near=11 / 3, tol=1e-3)
    assert capsys.readouterr().out == "✓ slope = 3.667 (± 0.001)\n"


@pytest.mark.parametrize("value, expectation", [
    (3.7, {"near": 11 / 3, "tol": 1e-4}),
    (float("nan"), {"near": 0.0, "tol": 1e9}),
    (float("inf"), {"above": 1}),
    (float("nan"), {"below": 1e9}),
    (np.array([]), {"below": 1}),
    (np.array([]), {"near": 0.0, "tol": 1}),
    (np.array([], dtype=bool), {}),
    (np.array([True, False]), {}),
    (torch.tensor([0.1, 0.3]), {"below": 0.2}),
    (1, {"below": 1}),
    (1, {"above": 1}),
    ([1, 2], {"equal": [1, 3]}),
    ([1, 2], {"equal": [1]}),
    (False, {}),
])
def test_what_does_not_hold_raises(value, expectation):
    with pytest.raises(AssertionError, match="✗ s"):
        claim("s", value, **expectation)


@pytest.mark.parametrize("value, expectation", [
    (1.0, {}),
    (1, {}),
    ("yes", {}),
    (1.0, {"near": 1.0}),
    (1.0, {"tol": 1.0}),
    (1.0, {"near": 1.0, "tol": 0}),
    (1.0, {"near": 1.0, "tol": -1}),
    (1.0, {"near": float("nan"), "tol": 1}),
    (1.0, {"near": 1.0, "tol": float("inf")}),
    (1.0, {"near": 1.0, "tol": 1, "below": 2}),
    (1.0, {"equal": 1.0, "below": 2}),
    (0.1, {"equal": 0.1}),
    (np.ones(3), {"near": np.ones(2), "tol": 1}),
    ("a", {"below": 1}),
])
def test_claims_that_claim_nothing_are_type_errors(value, expectation):
    with pytest.raises(TypeError):
        claim("s", value, **expectation)


@pytest.mark.parametrize("statement", ["", "  ", None, 3])
def test_a_claim_needs_a_statement(statement):
    with pytest.raises(TypeError, match="statement must be a sentence"):
        claim(statement, True)


def test_the_summary_counts_statements_not_calls(capsys, monkeypatch):
    monkeypatch.setattr(claims, "_held", {})
    for statement in ("a", "b", "a"):
        claim(statement, True)
    capsys.readouterr()
    claims.summary()
    assert capsys.readouterr().out == "✓ 2 claims hold\n"
