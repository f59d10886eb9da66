"""Every check refuses what it should, and names the argument, what came, what is needed."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dlhelpers import checks

NOT_NUMBERS = ["3", None, [1.0], True, np.True_, 1j, np.ones(2), torch.ones(1, 1), {}]
NOT_FINITE = [float("nan"), float("inf"), -float("inf"), np.float32("nan"), torch.tensor(float("inf"))]


@pytest.mark.parametrize("value", NOT_NUMBERS, ids=repr)
@pytest.mark.parametrize("check", [checks.number, checks.positive, checks.nonnegative])
def test_what_is_no_number_is_a_type_error(check, value):
    with pytest.raises(TypeError, match="eta must be a number"):
        check(value, "eta")


@pytest.mark.parametrize("value", NOT_FINITE, ids=repr)
@pytest.mark.parametrize("check", [checks.number, checks.positive, checks.nonnegative])
def test_nan_and_infinity_are_value_errors(check, value):
    with pytest.raises(ValueError, match="eta must be a finite number"):
        check(value, "eta")


@given(st.floats(max_value=0, allow_nan=False, allow_infinity=False))
def test_positive_refuses_zero_and_below(value):
    with pytest.raises(ValueError, match="eta must be a positive number, got"):
        checks.positive(value, "eta")


@given(st.floats(max_value=0, exclude_max=True, allow_nan=False, allow_infinity=False))
def test_nonnegative_refuses_below_zero(value):
    with pytest.raises(ValueError, match="weight must be zero or a positive"):
        checks.nonnegative(value, "weight")


@given(st.floats(min_value=1e-300, allow_nan=False, allow_infinity=False))
def test_numbers_come_back_as_floats(value):
    assert checks.positive(value, "eta") == value
    assert checks.number(np.float64(value), "eta") == value
    assert isinstance(checks.number(torch.tensor(2.0), "eta"), float)


@pytest.mark.parametrize("value", [2.0, "2", None, True, np.float32(2)], ids=repr)
def test_a_count_must_be_an_integer(value):
    with pytest.raises(TypeError, match="T must be an integer"):
        checks.integer(value, "T", at_least=1)


@given(st.integers(max_value=0))
def test_a_count_has_a_lower_bound(value):
    with pytest.raises(ValueError, match="T must be at least 1"):
        checks.integer(value, "T", at_least=1)
    with pytest.raises(ValueError, match="T must be at most -1"):
        checks.integer(5, "T", at_most=-1)


@pytest.mark.parametrize("value, closed", [(0, "right"), (1, "left"), (0, "neither"), (1.01, "both"), (-1, "both")])
def test_between_respects_its_ends(value, closed):
    with pytest.raises(ValueError, match="momentum must lie in"):
        checks.between(value, "momentum", 0, 1, closed=closed)
    assert checks.between(0.5, "momentum", 0, 1, closed=closed) == 0.5


def test_one_of_lists_the_choices_and_does_not_confuse_types():
    with pytest.raises(ValueError, match="loss must be one of 'mse', 'ce', got 'l1'"):
        checks.one_of("l1", "loss", ["mse", "ce"])
    with pytest.raises(ValueError, match="depth must be one of"):
        checks.one_of(True, "depth", [1, 2])


@pytest.mark.parametrize("value, error, message", [
    ([], ValueError, "X must not be empty"),
    (np.zeros((3, 0)), ValueError, "X must not be empty"),
    ([[1, 2], [3]], ValueError, "X must be a rectangular array"),
    (["a", "b"], TypeError, "X must hold real numbers"),
    ([1j], TypeError, "X must hold real numbers"),
    ([True, False], TypeError, "X must hold real numbers"),
    ([1.0, float("nan")], ValueError, "X must be finite"),
    (torch.tensor([float("inf")]), ValueError, "X must be finite"),
])
def test_arrays(value, error, message):
    with pytest.raises(error, match=message):
        checks.array(value, "X")


@pytest.mark.parametrize("shape", [(3,), (2,), (3, 2, 1)])
def test_array_shapes_are_named(shape):
    with pytest.raises(ValueError, match=r"X must have shape \(any, 2\), got"):
        checks.array(np.ones(shape), "X", shape=(None, 2))
    with pytest.raises(ValueError, match="X must have 4 dimension"):
        checks.array(np.ones(shape), "X", ndim=4)


def test_tensors():
    good = torch.ones(2, 3)
    assert checks.tensor(good, "X", ndim=2, shape=(None, 3)) is good
    for bad, error, message in [(np.ones(3), TypeError, "X must be a torch tensor"),
                                (torch.ones(2, dtype=torch.int64), TypeError, "floating-point"),
                                (torch.ones(0, 3), ValueError, "must not be empty"),
                                (torch.tensor([float("nan")]), ValueError, "must be finite")]:
        with pytest.raises(error, match=message):
            checks.tensor(bad, "X")


def test_instances_and_functions():
    with pytest.raises(TypeError, match="model must be a Module, got str"):
        checks.instance("net", "model", torch.nn.Module)
    with pytest.raises(TypeError, match="loss must be a function, got 'mse'"):
        checks.function("mse", "loss")
