"""The engine against torch, finite differences and closed forms."""

import math
import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dlhelpers.autograd import Value

UNARY = ["exp", "sin", "cos", "tanh", "sigmoid", "relu"]


def build(seed, leaves, lib):
    """The same random expression in either library."""
    rng = random.Random(seed)
    values = list(leaves)
    for _ in range(25):
        a, b = rng.choice(values), rng.choice(values)
        kind = rng.choice(["+", "*", "-", "unary", "/", "power"])
        if kind == "+":
            values.append(a + b)
        elif kind == "*":
            values.append(0.3 * a * b)
        elif kind == "-":
            values.append(a - 1.5 * b)
        elif kind == "/":
            values.append(a / (2 + b * b))
        elif kind == "power":
            values.append((1 + a * a) ** -1.5)
        else:
            name = rng.choice(UNARY)
            # tanh first: nested exponentials would overflow.
            squashed = a.tanh() if lib == "ours" else torch.tanh(a)
            values.append(getattr(squashed, name)())
    total = values[-1]
    for value in values[-6:-1]:
        total = total + value
    return total


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.floats(-2, 2), min_size=3, max_size=3))
def test_random_expressions_agree_with_torch(seed, numbers):
    ours = [Value(x) for x in numbers]
    theirs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in numbers]
    a, b = build(seed, ours, "ours"), build(seed, theirs, "torch")
    a.backward()
    b.backward()
    assert math.isclose(a.data, b.item(), rel_tol=1e-12, abs_tol=1e-12)
    for x, y in zip(ours, theirs, strict=True):
        right = 0.0 if y.grad is None else y.grad.item()
        assert math.isclose(x.grad, right, rel_tol=1e-10, abs_tol=1e-10)


@pytest.mark.parametrize("name", [*UNARY, "log"])
@pytest.mark.parametrize("x", [0.3, 1.7])
def test_derivatives_by_central_differences(name, x):
    value = Value(x)
    getattr(value, name)().backward()
    h = 1e-6
    numeric = (getattr(Value(x + h), name)().data - getattr(Value(x - h), name)().data) / (2 * h)
    assert value.grad == pytest.approx(numeric, rel=1e-8)


def test_a_value_used_twice_collects_both_paths():
    x = Value(3.0)
    (x * x + x).backward()
    assert x.grad == 7.0


def test_backward_twice_adds_up_as_in_torch():
    x, t = Value(1.0), torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    y, u = x * x, t * t
    u.retain_grad()
    (z, w) = y * y + x, u * u + t
    for _ in range(2):
        z.backward()
        w.backward(retain_graph=True)
    assert (x.grad, y.grad) == (t.grad.item(), u.grad.item()) == (10.0, 4.0)
    other, twin = 3 * y, 3 * u            # another output adds to the same leaf
    other.backward()
    twin.backward()
    assert x.grad == t.grad.item() == 16.0


def test_zero_grad_starts_again():
    x = Value(2.0)
    y = x**3
    y.backward()
    y.zero_grad()
    assert x.grad == y.grad == 0.0
    y.backward()
    assert x.grad == 12.0


def test_a_deep_chain_needs_no_recursion():
    x = Value(1.0)
    y = x
    for _ in range(100_000):
        y = y + 1e-5
    y.backward()
    assert x.grad == 1.0 and y.data == pytest.approx(2.0)
    del y


def test_relu_at_zero_is_zero_as_in_torch():
    x, t = Value(0.0), torch.tensor(0.0, requires_grad=True)
    x.relu().backward()
    torch.relu(t).backward()
    assert x.grad == t.grad.item() == 0.0


def test_reflected_operations():
    x = Value(4.0)
    (1 - x + 2 / x + 3 * x + (5 + x)).backward()
    assert x.grad == pytest.approx(-1 - 2 / 16 + 3 + 1)


@pytest.mark.parametrize("bad", ["1", None, float("nan"), float("inf"), True, [1.0]])
def test_leaves_must_be_finite_numbers(bad):
    with pytest.raises((TypeError, ValueError), match="data"):
        Value(bad)


@pytest.mark.parametrize("base, power", [(0.0, -1), (0.0, 0.5), (-1.0, 0.5)])
def test_powers_without_a_derivative(base, power):
    with pytest.raises(ValueError, match="power"):
        Value(base) ** power


def test_log_needs_a_positive_value():
    with pytest.raises(ValueError, match="data must be a positive number"):
        Value(-1.0).log()


def test_the_power_must_be_a_number():
    with pytest.raises(TypeError, match="power"):
        Value(2.0) ** Value(2.0)
