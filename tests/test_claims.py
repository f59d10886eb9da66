"""A claim that holds prints a stable line; one that does not raises and shows what it got."""

import numpy as np
import pytest
import torch

from dlhelpers import claims
from dlhelpers.claims import claim
from dlhelpers.runs import Run


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


@pytest.fixture
def fresh(monkeypatch):
    """Claims of a test alone."""
    monkeypatch.setattr(claims, "_held", {})
    monkeypatch.setattr(claims, "_records", [])


@pytest.mark.parametrize("value, expectation, line", [
    (12.3, {"above": 5, "show": 2}, "✓ s: 12 > 5"),
    (0.0832, {"below": 0.09, "show": 2}, "✓ s: 0.083 < 0.09"),
    (0.0832, {"above": 0.05, "below": 0.09, "show": 1}, "✓ s: 0.05 < 0.08 < 0.09"),
    (3.666671, {"near": 11 / 3, "tol": 1e-4, "show": 6}, "✓ s: 3.66667 ≈ 3.6667 (± 0.0001)"),
    (torch.tensor(12345.0), {"above": 10, "show": 2}, "✓ s: 12000 > 10"),
    (0, {"below": 1, "show": 2}, "✓ s: 0 < 1"),
    (-0.0234, {"below": 1, "show": 2, "source": "Rout"}, "✓ s: -0.023 < 1  [Rout]"),
])
def test_the_measured_number_is_shown_beside_its_limit(capsys, fresh, value, expectation, line):
    claim("s", value, **expectation)
    assert capsys.readouterr().out == line + "\n"
    assert claims.unstable() == []


@pytest.mark.parametrize("value", [12.3, 12.34, 12.38, 11.7])
def test_what_is_shown_is_the_same_on_machines_that_differ_in_the_last_digits(capsys, fresh, value):
    claim("s", value * (1 + 1e-6), above=5, show=2)
    assert capsys.readouterr().out == "✓ s: 12 > 5\n"
    assert claims.unstable() == []


@pytest.mark.parametrize("value, expectation", [
    (12.45, {"above": 5, "show": 2}),   # rounds to 12 here and to 13 elsewhere, within a tenth of a unit
    (12.55, {"above": 5, "show": 2}),
    (0.08349, {"below": 0.09, "show": 2}),
    (4.97, {"below": 5, "show": 1}),    # shown as 5 < 5
])
def test_a_shown_number_near_a_rounding_boundary_prints_and_is_reported(capsys, fresh, value, expectation):
    claim("s", value, **expectation)
    assert capsys.readouterr().out.startswith("✓ s: ")
    assert [record.statement for record in claims.unstable()] == ["s"]


@pytest.mark.parametrize("value, expectation, text", [
    (1.0, {"below": float("inf")}, "below must be finite, got inf"),
    (1.0, {"above": float("-inf")}, "above must be finite, got -inf"),
    (1.0, {"below": float("nan")}, "below must be finite, got nan"),
    (1.0, {"below": np.ones(3)}, r"below must be one number, got an array of shape \(3,\)"),
    (1.0, {"above": torch.ones(2, 2)}, r"above must be one number, got an array of shape \(2, 2\)"),
    (1.0, {"above": "0"}, "above must be one number, got '0'"),
    (1.0, {"below": True}, "below must be one number, got True"),
    (1.0, {"below": 2, "loose": " "}, "loose must say why"),
    (1.0, {"below": 2, "recorded": "yes"}, "recorded must be True, False or a recorded run"),
    (1.0, {"below": 2, "show": 0}, "show must be a number of significant digits"),
    (1.0, {"below": 2, "show": True}, "show must be a number of significant digits"),
    (True, {"show": 2}, "show needs near=, below= or above="),
    (1, {"equal": 1, "show": 2}, "show needs near=, below= or above="),
    (np.ones(2), {"below": 2, "show": 2}, "show is for one number"),
])
def test_what_does_not_fit_is_named(value, expectation, text):
    with pytest.raises(TypeError, match=text):
        claim("s", value, **expectation)


@pytest.mark.parametrize("bound", [np.float32(2), np.array(2.0), torch.tensor(2.0), 2])
def test_bounds_may_be_numbers_of_any_kind(capsys, bound):
    claim("s", 1.5, below=bound)
    assert capsys.readouterr().out == "✓ s < 2\n"


@pytest.mark.parametrize("recorded", [True, np.bool_(True), Run("r", {}, {})])
def test_a_stored_result_carries_its_mark(capsys, fresh, recorded):
    claim("s", 0.5, below=1, recorded=recorded)
    out = capsys.readouterr().out
    assert out == "✓ recorded: s < 1\n"
    assert out.replace(claims.RECORDED_MARK, claims.PLAIN_MARK) == "✓ s < 1\n"
    assert claims.records()[0].recorded


def test_the_summary_is_the_same_whether_a_result_was_recomputed(capsys, fresh):
    claim("s", 0.5, below=1, recorded=True)
    claim("t", 0.5, below=1, recorded=False)
    capsys.readouterr()
    claims.summary()
    assert capsys.readouterr().out == "✓ 2 claims hold\n"


@pytest.mark.parametrize("value, expectation, wanted", [
    (2.0, {"below": 10}, ("bounds", 2.0, 10.0, None, 5.0)),
    ([1.0, 2.0], {"below": 10}, ("bounds", 2.0, 10.0, None, 5.0)),
    ([30.0, 12.0], {"above": 4}, ("bounds", 12.0, 4.0, None, 3.0)),
    (-12.0, {"below": -4}, ("bounds", -12.0, -4.0, None, 3.0)),
    (-1.0, {"above": -4}, ("bounds", -1.0, -4.0, None, 4.0)),
    (0.0, {"below": 1}, ("bounds", 0.0, 1.0, None, np.inf)),
    (3.0, {"above": 0}, ("bounds", 3.0, 0.0, None, None)),
    (0.4, {"above": -0.1}, ("bounds", 0.4, -0.1, None, None)),
    (0.4, {"above": 0.3, "below": 4.0}, ("bounds", 0.4, 0.3, None, 0.4 / 0.3)),
    ([1.0, 2.5], {"near": [1.0, 2.0], "tol": 1.0}, ("near", 2.5, 2.0, 1.0, 2.0)),
    (4, {"equal": 4}, ("equal", None, None, None, None)),
    (True, {}, ("boolean", None, None, None, None)),
])
def test_every_claim_is_remembered_with_its_room(capsys, fresh, value, expectation, wanted):
    claim("s", value, **expectation, loose="a reason", source="Rout")
    (record,) = claims.records()
    assert (record.kind, record.measured, record.limit, record.tolerance) == wanted[:4]
    assert record.slack == (wanted[4] if wanted[4] is None else pytest.approx(wanted[4]))
    assert (record.loose, record.source, record.recorded) == ("a reason", "Rout", False)
    assert "a reason" not in capsys.readouterr().out


def test_what_failed_is_not_remembered_and_reset_forgets(fresh):
    with pytest.raises(AssertionError):
        claim("s", 2, below=1)
    assert claims.records() == []
    claim("t", True)
    claims.reset()
    assert claims.records() == [] and claims._held == {}
