"""The exercises of lecture 08 answer back."""

import sys

import numpy as np
import pytest
from exercise_tools import assert_exercise, reference

from dlhelpers.exercises import backpropagation as ex


@pytest.fixture(scope="module")
def answers():
    return reference("08_backpropagation")


def sigma(z):
    return 1 / (1 + np.exp(-z))


def test_neuron_gradient(answers):
    def wrong(factor):
        return lambda w, b, x, y: factor(sigma(w * x + b), x, y)

    def without_bias(w, b, x, y):
        return answers["neuron_gradient"](w, 0.0, x, y)

    assert_exercise(ex.check_neuron_gradient, answers["neuron_gradient"], {
        "sign is turned round": wrong(lambda s, x, y: ((y - s) * x, y - s)),
        "one factor too many": wrong(lambda s, x, y: ((s - y) * s * (1 - s) * x, (s - y) * s * (1 - s))),
        "towards ŷ": wrong(lambda s, x, y: ((s - y) / (s * (1 - s)) * x, (s - y) / (s * (1 - s)))),
        "not z itself": lambda w, b, x, y: ((w * x + b - y) * x, w * x + b - y),
        "bias is missing": without_bias,
        "half of the loss with y": wrong(lambda s, x, y: (-y * (1 - s) * x, -y * (1 - s))),
        "half of the loss with 1 − y": wrong(lambda s, x, y: ((1 - y) * s * x, (1 - y) * s)),
        "taken for w": lambda w, b, x, y: ((sigma(w * x + b) - y) * w, sigma(w * x + b) - y),
        "carries the input x": wrong(lambda s, x, y: (s - y, s - y)),
        "are swapped": wrong(lambda s, x, y: (s - y, (s - y) * x)),
        "returned None": lambda w, b, x, y: None,
    })


def test_every_sign_occurs_in_the_residual_cases():
    for W1, W2, x, t in map(ex.residual_case, range(3)):
        z = W1 @ x
        y_bar = x + W2 @ z.relu() - t
        for part in (z, y_bar, (W2.T @ y_bar)[z > 0], (W2.T @ y_bar)[z <= 0]):
            assert (part > 0).any() and (part < 0).any()


def residual(gate=lambda z, h_bar: z > 0, error=lambda y, t: y - t, skip=1, message=1,
             reads=lambda z: np.maximum(z, 0)):
    """The reference with one thing changed."""
    def answer(W1, W2, x, t):
        z = W1 @ x
        y_bar = error(x + W2 @ np.maximum(z, 0), t)
        h_bar = W2.T @ y_bar
        z_bar = h_bar * gate(z, h_bar)
        return np.outer(z_bar, x), np.outer(y_bar, reads(z)), skip * y_bar + message * (W1.T @ z_bar)
    return answer


def test_residual_backward(answers):
    right = answers["residual_backward"]

    def ungated(W1, W2, x, t):
        a, b, y_bar = *right(W1, W2, x, t)[:2], x + W2 @ np.maximum(W1 @ x, 0) - t
        return a, b, y_bar + W1.T @ (W2.T @ y_bar)

    def without_skip(W1, W2, x, t):
        h = np.maximum(W1 @ x, 0)
        return residual(error=lambda y, t: y - x - t)(W1, W2, x, t)[0], np.outer(W2 @ h - t, h), x

    def in_place(W1, W2, x, t):
        result = right(W1, W2, x, t)
        W1 -= 1
        return result

    assert_exercise(ex.check_residual_backward, right, {
        "skip's message is missing": residual(skip=0),
        "message through W1 is missing": residual(message=0),
        "added, not subtracted": residual(message=-1),
        "pass the gate of the relu too": ungated,
        "contains the skip": without_skip,
        "nothing closes the gate": residual(gate=lambda z, h_bar: 1),
        "not its input z": residual(gate=lambda z, h_bar: z),
        "not its output": residual(gate=lambda z, h_bar: np.maximum(z, 0)),
        "wrong way round": residual(gate=lambda z, h_bar: z < 0),
        "looks at the message": residual(gate=lambda z, h_bar: h_bar > 0),
        "a message too": residual(gate=lambda z, h_bar: (z > 0) * (h_bar > 0)),
        "message has lost its sign": residual(gate=lambda z, h_bar: (z > 0) * np.sign(h_bar)),
        "error has lost its sign": residual(error=lambda y, t: abs(y - t)),
        "minus everywhere": residual(error=lambda y, t: -abs(y - t)),
        "sign is turned round": residual(error=lambda y, t: t - y),
        "out of the relu": residual(reads=lambda z: z),
        "another order": lambda *a: [right(*a)[i] for i in (2, 0, 1)],
        "three gradients": lambda *a: right(*a)[:2],
        "changed its input in place": in_place,
    })


def test_dual_divide(answers):
    def quotient(tangent):
        return lambda a, b: (a[0] / b[0], tangent(*a, *b))

    assert_exercise(ex.check_dual_divide, answers["dual_divide"], {
        "divided by each other": quotient(lambda a, da, b, db: da / db),
        "only the numerator moves": quotient(lambda a, da, b, db: da / b),
        "only the denominator moves": quotient(lambda a, da, b, db: -a * db / b**2),
        "numerator grows": quotient(lambda a, da, b, db: (a * db - da * b) / b**2),
        "denominator grows": quotient(lambda a, da, b, db: (da * b + a * db) / b**2),
        "must be squared": quotient(lambda a, da, b, db: (da * b - a * db) / b),
        "denominator is missing": quotient(lambda a, da, b, db: da * b - a * db),
        "product's rule": lambda a, b: (a[0] * b[0], a[1] * b[0] + a[0] * b[1]),
        "both tangents": quotient(lambda a, da, b, db: (da * b - a * db + da * db) / b**2),
        "first order": quotient(lambda a, da, b, db: (a + da) / (b + db) - a / b),
        "swapped": lambda a, b: answers["dual_divide"](a, b)[::-1],
    })


def accuse(points=17, h=1e-5, tolerance=1e-6, low=None):
    """A search for wrong slopes that can be spoilt."""
    def answer(operations):
        found = []
        for name, (f, slope, (left, right)) in operations.items():
            at = [1.0] if points == 1 else np.linspace(left if low is None else low, right, points + 2)[1:-1]
            if any(abs((f(x + h) - f(x - h)) / (2 * h) - slope(x)) > tolerance for x in at):
                found.append(name)
        return found
    return answer


def test_wrong_slopes(answers):
    assert_exercise(ex.check_wrong_slopes, answers["wrong_slopes"], {
        "one point is not enough": accuse(points=1),
        "points of the whole interval": accuse(low=0.2),
        "one percent only": accuse(tolerance=0.1),
        "accuses every operation": accuse(h=0.1),
        "accuses .*log.*, whose slope is sound": accuse(h=1e-3),
        "sound; asked for": lambda operations: sorted(set(operations) - set(answers["wrong_slopes"](operations)))
        if answers["wrong_slopes"](operations) else [],
        "list of names": lambda operations: "sin",
        "wrong sign everywhere": lambda operations: [],
    })


def test_backward_order(answers):
    right = answers["backward_order"]

    def breadth_first(parents, output):
        order, queue = [], [output]
        while queue:
            node = queue.pop(0)
            if node not in order:
                order.append(node)
                queue.extend(parents[node])
        return order

    def emptying(parents, output):
        order = right(parents, output)
        for listed in parents.values():
            listed.clear()
        return order

    assert_exercise(ex.check_backward_order, right, {
        "before one of its children": breadth_first,
        "runs forward": lambda parents, output: right(parents, output)[::-1],
        "lists a node twice": lambda parents, output: right(parents, output) + [output],
        "raised RecursionError": recursive,
        "raises Python's recursion limit": recursive_with_a_raised_limit,
        "changes the graph": emptying,
        "goes by the names": lambda parents, output: sorted(parents, reverse=True),
    })


def recursive(parents, output):
    order = []

    def visit(node):
        if node not in order:
            for parent in parents[node]:
                visit(parent)
            order.append(node)

    visit(output)
    return order[::-1]


def recursive_with_a_raised_limit(parents, output):
    sys.setrecursionlimit(20_000)
    return recursive(parents, output)
