"""Checkers for the exercises of lecture 08: derivatives by hand, forward mode, an engine."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from dlhelpers.exercises.core import call, checker, compare, refuse


def _slope(leaf: torch.Tensor) -> np.ndarray:
    """The gradient that autograd has left in a tensor."""
    assert leaf.grad is not None
    return leaf.grad.numpy()


@checker("neuron_gradient", "both derivatives of a logistic unit are right, for labels 0 and 1")
def check_neuron_gradient(answer: Any) -> None:
    """``neuron_gradient(w, b, x, y)`` -> (dL/dw, dL/db) of the cross-entropy of one logistic unit.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for w, b, x, y in ((0.7, -0.2, 1.5, 1.0), (-1.1, 0.4, -0.6, 0.0), (2.0, 0.1, 0.3, 1.0)):
        leaves = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (w, b)]
        z = leaves[0] * x + leaves[1]
        torch.nn.functional.binary_cross_entropy_with_logits(z, torch.tensor(y, dtype=torch.float64)).backward()
        right = np.array([_slope(leaf).item() for leaf in leaves])
        s = 1 / (1 + math.exp(-(w * x + b)))
        compare(call(answer, "neuron_gradient", w, b, x, y), right, "neuron_gradient", {
            "the sign is turned round: this gradient would climb. It is (σ(z) − y), not (y − σ(z))": -right,
            "σ'(z) is one factor too many: it cancels against the derivative of the logarithm": right * s * (1 - s),
            "the derivative towards w carries the input x": np.array([right[1], right[1]]),
            "the two derivatives are swapped: w first, then b": right[::-1],
        })


@checker("relu_backward", "all four gradients of a two-layer relu network agree with autograd")
def check_relu_backward(answer: Any) -> None:
    """``relu_backward(W1, b1, W2, b2, x, t)`` -> gradients of ½‖W2 relu(W1 x + b1) + b2 − t‖².

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    gen = torch.Generator().manual_seed(5)
    shapes = ((6, 3), (6,), (2, 6), (2,), (3,), (2,))
    values = [torch.randn(*shape, generator=gen, dtype=torch.float64) for shape in shapes]
    leaves = [v.clone().requires_grad_() for v in values[:4]]
    W1, b1, W2, b2 = leaves
    (0.5 * (W2 @ torch.relu(W1 @ values[4] + b1) + b2 - values[5]).square().sum()).backward()
    got = call(answer, "relu_backward", *[v.numpy() for v in values])
    if not isinstance(got, (tuple, list)) or len(got) != 4:
        refuse("relu_backward should return four gradients: for W1, b1, W2, b2 in this order")
    a1, c1, a2, c2, x, t = (v.numpy() for v in values)
    z = a1 @ x + c1
    y_bar = a2 @ np.maximum(z, 0) + c2 - t
    h_bar = a2.T @ y_bar
    no_gate = "the relu gate is missing: where z ≤ 0 nothing flows back, so multiply by (z > 0)"
    logistic_gate = "this is the logistic unit's gate, h(1 − h); the relu's is 1 where z > 0 and 0 elsewhere"
    squashed = "this is the logistic function's slope, σ(z)(1 − σ(z)); the relu's is 1 where z > 0 and 0 elsewhere"
    h, s = np.maximum(z, 0), 1 / (1 + np.exp(-z))
    wrong = {
        "the gradient for W1": {no_gate: np.outer(h_bar, x), logistic_gate: np.outer(h_bar * h * (1 - h), x),
                                squashed: np.outer(h_bar * s * (1 - s), x),
                                "the sign is turned round: start with y − t": -_slope(leaves[0])},
        "the gradient for b1": {no_gate: h_bar, logistic_gate: h_bar * h * (1 - h), squashed: h_bar * s * (1 - s),
                                "the sign is turned round": -_slope(leaves[1])},
        "the gradient for W2": {
            "use the hidden values after the relu, not before": np.outer(y_bar, z),
            "the sign is turned round": -_slope(leaves[2])},
        "the gradient for b2": {"a factor 2 too many: the loss has a ½": 2 * y_bar,
                                "the sign is turned round": -y_bar},
    }
    for (name, mistakes), part, leaf in zip(wrong.items(), got, leaves, strict=True):
        compare(part, _slope(leaf), name, mistakes)


@checker("dual_product", "values and tangents of products and sines are right: that is forward mode")
def check_dual(answer: Any) -> None:
    """``dual_product(a, b)`` multiplies two dual numbers (value, tangent).

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(6)
    for _ in range(4):
        a, b = (tuple(float(v) for v in rng.normal(size=2)) for _ in range(2))
        right = (a[0] * b[0], a[1] * b[0] + a[0] * b[1])
        compare(call(answer, "dual_product", a, b), right, "dual_product", {
            "the tangents were multiplied with each other; the product rule has two terms": (a[0] * b[0], a[1] * b[1]),
            "one of the two terms of the product rule is missing": (a[0] * b[0], a[1] * b[0]),
            "one of the two terms of the product rule is missing: the other one": (a[0] * b[0], a[0] * b[1]),
            "the tangents were added; each must be multiplied by the other value": (a[0] * b[0], a[1] + b[1]),
        })


@checker("backward_order", "every node comes after all its children, on shared, deep and wide graphs")
def check_backward_order(answer: Any) -> None:
    """``backward_order(parents, output)`` -> nodes with the output first, each after all its children.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    graphs: list[tuple[dict[Any, list[Any]], Any]] = [
        ({"c": ["a", "b"], "b": ["a"], "a": []}, "c"),
        ({"e": ["d", "b"], "d": ["c"], "c": ["b"], "b": ["a"], "a": []}, "e"),
        *[_random_graph(seed, n, width) for seed, (n, width) in enumerate([(7, 2), (12, 3), (40, 12), (400, 200)])],
        ({i: [i - 1] if i else [] for i in range(5000)}, 4999),
    ]
    for parents, output in graphs:
        order = list(call(answer, "backward_order", parents, output))
        if len(order) != len(set(order)):
            refuse("backward_order lists a node twice: its gradient would be passed on twice. "
                   "Remember which nodes you have seen")
        if set(order) != set(parents):
            refuse(f"backward_order lists {len(order)} of {len(parents)} nodes")
        by_name = sorted(parents), sorted(parents, reverse=True), list(parents), list(parents)[::-1]
        if 3 < len(parents) < 5000 and order in by_name and parents.keys() == set(range(len(parents))):
            refuse("backward_order goes by the names of the nodes, or by the order in which they are listed; only the "
                   "edges say who comes after whom")
        if order[0] != output:
            refuse("backward_order must start at the output: this one runs forward; reverse it")
        position = {node: i for i, node in enumerate(order)}
        for child, its_parents in parents.items():
            if any(position[parent] < position[child] for parent in its_parents):
                refuse("backward_order visits a node before one of its children has sent its message: "
                       "the first node found is not always ready")


def _random_graph(seed: int, n: int, width: int) -> tuple[dict[int, list[int]], int]:
    """A graph of ``n`` nodes whose names and order of listing say nothing; all lead to the output.

    ``width``: how many of the nodes before it a node may be computed from, at most.
    """
    rng = np.random.default_rng(seed)
    names = [int(v) for v in rng.permutation(n)]
    parents: dict[int, list[int]] = {names[0]: []}
    for i in range(1, n):
        count = int(rng.integers(1, min(i, width, 4) + 1))
        parents[names[i]] = [names[int(j)] for j in rng.choice(range(max(0, i - width), i), count, replace=False)]
    used = {p for listed in parents.values() for p in listed}
    loose = [name for name in names[:-1] if name not in used]
    parents[names[-1]] = sorted(set(parents[names[-1]]) | set(loose))
    shuffled = [names[int(i)] for i in rng.permutation(n)]
    return {name: parents[name] for name in shuffled}, names[-1]
