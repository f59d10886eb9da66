"""The exercises of lecture 08 answer back."""

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
    assert_exercise(ex.check_neuron_gradient, answers["neuron_gradient"], {
        "sign is turned round": wrong(lambda s, x, y: ((y - s) * x, y - s)),
        "one factor too many": wrong(lambda s, x, y: ((s - y) * s * (1 - s) * x, (s - y) * s * (1 - s))),
        "carries the input x": wrong(lambda s, x, y: (s - y, s - y)),
        "are swapped": wrong(lambda s, x, y: (s - y, (s - y) * x)),
        "returned None": lambda w, b, x, y: None,
    })


def test_relu_backward(answers):
    right = answers["relu_backward"]

    def no_gate(W1, b1, W2, b2, x, t):
        y_bar = W2 @ np.maximum(W1 @ x + b1, 0) + b2 - t
        h_bar = W2.T @ y_bar
        return np.outer(h_bar, x), h_bar, np.outer(y_bar, np.maximum(W1 @ x + b1, 0)), y_bar

    def gated(gate):
        def answer(W1, b1, W2, b2, x, t):
            h = np.maximum(W1 @ x + b1, 0)
            y_bar = W2 @ h + b2 - t
            z_bar = (W2.T @ y_bar) * gate(W1 @ x + b1, h)
            return np.outer(z_bar, x), z_bar, np.outer(y_bar, h), y_bar
        return answer

    def before_relu(W1, b1, W2, b2, x, t):
        a, b, _, d = right(W1, b1, W2, b2, x, t)
        return a, b, np.outer(d, W1 @ x + b1), d

    def in_place(W1, b1, W2, b2, x, t):
        result = right(W1, b1, W2, b2, x, t)
        b2 -= 1
        return result

    assert_exercise(ex.check_relu_backward, right, {
        "gate is missing": no_gate,
        "logistic unit's gate": gated(lambda z, h: h * (1 - h)),
        "logistic function's slope": gated(lambda z, h: sigma(z) * (1 - sigma(z))),
        "after the relu, not before": before_relu,
        "sign is turned round": lambda *a: [-g for g in right(*a)],
        "changed its input in place": in_place,
        "four gradients": lambda *a: right(*a)[:2],
        "shape": lambda *a: [np.asarray(g).T for g in right(*a)],
    })


def test_dual_product(answers):
    assert_exercise(ex.check_dual, answers["dual_product"], {
        "multiplied with each other": lambda a, b: (a[0] * b[0], a[1] * b[1]),
        "two terms|one of the two": lambda a, b: (a[0] * b[0], a[1] * b[0]),
        "were added": lambda a, b: (a[0] * b[0], a[1] + b[1]),
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

    assert_exercise(ex.check_backward_order, right, {
        "before one of its children": breadth_first,
        "runs forward": lambda parents, output: right(parents, output)[::-1],
        "lists a node twice": lambda parents, output: right(parents, output) + [output],
        "raised RecursionError": recursive,
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
