"""Checkers for the exercises of lecture 08: derivatives by hand, dual numbers, a wrong slope, an engine's order."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from dlhelpers.exercises.core import call, checker, compare, refuse

#: An operation of an engine, as exercise 4 hands it over: the function, its slope, where both are defined.
Operation = tuple[Callable[[float], float], Callable[[float], float], tuple[float, float]]


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
        both = np.array([x, 1.0])
        compare(call(answer, "neuron_gradient", w, b, x, y), right, "neuron_gradient", {
            "the sign is turned round: a step against this gradient would climb. Try a large z with label 1: should z "
            "still grow?": -right,
            "σ'(z) is one factor too many: it cancels against the derivative of the logarithm": right * s * (1 - s),
            "this is the derivative towards ŷ; the link from ŷ to z is still missing": right / (s * (1 - s)),
            "ŷ is the logistic function of z, not z itself": (w * x + b - y) * both,
            "the bias is missing in z": (1 / (1 + math.exp(-w * x)) - y) * both,
            "this is the half of the loss with y; the one with 1 − y has a derivative too": -y * (1 - s) * both,
            "this is the half of the loss with 1 − y; the one with y has a derivative too": (1 - y) * s * both,
            "∂z/∂w is x: here it was taken for w": np.array([right[1] * w, right[1]]),
            "the derivative towards w carries the input x": np.array([right[1], right[1]]),
            "the two derivatives are swapped: w first, then b": right[::-1],
        })


@checker("residual_backward", "all three gradients of a residual block agree with autograd")
def check_residual_backward(answer: Any) -> None:
    """``residual_backward(W1, W2, x, t)`` -> gradients of ½‖x + W2 relu(W1 x) − t‖² towards W1, W2, x.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for values in map(residual_case, range(3)):
        leaves = [v.clone().requires_grad_() for v in values[:3]]
        V1, V2, v = leaves
        (0.5 * (v + V2 @ torch.relu(V1 @ v) - values[3]).square().sum()).backward()
        got = call(answer, "residual_backward", *[value.numpy() for value in values])
        if not isinstance(got, (tuple, list)) or len(got) != 3:
            refuse("residual_backward should return three gradients: for W1, W2, x in this order")
        W1, W2, x, t = (value.numpy() for value in values)
        shapes = [np.shape(part) for part in got]
        if shapes != [W1.shape, W2.shape, x.shape] and sorted(shapes) == sorted([W1.shape, W2.shape, x.shape]):
            refuse("residual_backward returns the gradients in another order than W1, W2, x")
        z = W1 @ x
        y_bar = x + W2 @ np.maximum(z, 0) - t
        h_bar = W2.T @ y_bar
        through = W1.T @ (h_bar * (z > 0))
        gates = {
            "nothing closes the gate: where z ≤ 0 the relu is flat": np.ones_like(z),
            "the slope of the relu is 1 or 0, not its input z": z,
            "the slope of the relu is 1 or 0, not its output": np.maximum(z, 0),
            "the gate is the wrong way round": (z < 0) * 1.0,
            "the gate looks at the message instead of at z": (h_bar > 0) * 1.0,
            "a message that is negative is a message too: only z decides what passes": (z > 0) * (h_bar > 0),
            "the message has lost its sign": (z > 0) * np.sign(h_bar),
            "this is the logistic unit's slope, h(1 − h), not the relu's": np.maximum(z, 0) * (1 - np.maximum(z, 0)),
        }
        compare(got[0], _slope(leaves[0]), "the gradient for W1", {
            **{hint: np.outer(h_bar * gate, x) for hint, gate in gates.items()},
            "the error is y − t, and y contains the skip": np.outer(W2.T @ (y_bar - x) * (z > 0), x),
            "the sign is turned round": -_slope(leaves[0]),
            "the error has lost its sign": np.outer(W2.T @ np.abs(y_bar) * (z > 0), x),
            "the error has got a minus everywhere": np.outer(W2.T @ -np.abs(y_bar) * (z > 0), x)})
        compare(got[1], _slope(leaves[1]), "the gradient for W2", {
            "W2 reads what comes out of the relu, not what goes in": np.outer(y_bar, z),
            "W2 reads the hidden values, not x": np.outer(y_bar, x) if len(x) == len(z) else np.nan,
            "the error is y − t, and y contains the skip": np.outer(y_bar - x, np.maximum(z, 0))})
        compare(got[2], _slope(leaves[2]), "the gradient for x", {
            "x is used twice, by the skip and by W1: the skip's message is missing": through,
            "x is used twice, by the skip and by W1: the message through W1 is missing": y_bar,
            "the two messages to x are added, not subtracted": y_bar - through,
            "the message through W1 has to pass the gate of the relu too": y_bar + W1.T @ h_bar})


def residual_case(seed: int) -> list[torch.Tensor]:
    """One test of :func:`check_residual_backward`.

    :param seed: which one.
    :returns: W1 (6, 4), W2 (4, 6), x (4,), t (4,).
    """
    gen = torch.Generator().manual_seed((13, 14, 18)[seed])  # z and all messages have both signs
    return [torch.randn(*shape, generator=gen, dtype=torch.float64) for shape in ((6, 4), (4, 6), (4,), (4,))]


@checker("dual_divide", "values and tangents of quotients are right: one more rule for forward mode")
def check_dual_divide(answer: Any) -> None:
    """``dual_divide(a, b)`` divides two dual numbers (value, tangent).

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(6)
    for _ in range(4):
        (a, da), (b, db) = (tuple(float(v) for v in rng.normal(size=2)) for _ in range(2))
        value, right = a / b, (da * b - a * db) / b**2
        compare(call(answer, "dual_divide", (a, da), (b, db)), (value, right), "dual_divide", {
            "the tangents were divided by each other; a quotient has a rule with two terms": (value, da / db),
            "only the numerator moves here; the denominator has a tangent too": (value, da / b),
            "only the denominator moves here; the numerator has a tangent too": (value, -a * db / b**2),
            "the tangent has the wrong sign: when the numerator grows, the quotient of positive numbers grows":
                (value, -right),
            "when the denominator grows, the quotient of positive numbers shrinks: a sign is wrong":
                (value, (da * b + a * db) / b**2),
            "the tangent's denominator must be squared": (value, (da * b - a * db) / b),
            "the tangent's denominator is missing": (value, da * b - a * db),
            "this is the product's rule": (a * b, da * b + a * db),
            "ε² = 0: a term with both tangents has no place here": (value, right + da * db / b**2),
            "ε² = 0: a term with both tangents has no place here. Its sign does not matter":
                (value, right - da * db / b**2),
            "ε² = 0: dividing by b + ḃ takes all of ḃ along, not only its first order":
                (value, (a + da) / (b + db) - value),
            "the two parts are swapped: value first, then tangent": (right, value),
        })


@checker("wrong_slopes", "every broken slope is found and no sound one accused")
def check_wrong_slopes(answer: Any) -> None:
    """``wrong_slopes(operations)`` -> the names of those whose slope is not the derivative of their function.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for operations, broken in map(broken_engine, range(4)):
        got = call(answer, "wrong_slopes", operations, if_none="wrong_slopes returned None: return the list of names, "
                   "an empty one if all slopes are sound")
        try:
            names = set(got)
        except TypeError:
            refuse("wrong_slopes should return a list of names")
        if isinstance(got, (str, dict)) or not names <= set(operations):
            refuse("wrong_slopes should return a list of names, such as ['exp', 'sin']")
        if broken and names == set(operations) - set(broken):
            refuse("wrong_slopes lists the operations whose slopes are sound; asked for are the broken ones")
        accused, missed = names - set(broken), set(broken) - names
        if accused and names == set(operations):
            refuse("wrong_slopes accuses every operation, the sound ones too: a nudge errs by itself. Is h too large "
                   "or too small, or the tolerance too narrow?")
        if accused:
            refuse(f"wrong_slopes accuses {', '.join(sorted(accused))}, whose slope is sound. A nudge errs too: by how "
                   "much, for this h? And does it stay inside the interval?")
        if missed:
            name = min(missed)
            refuse(f"wrong_slopes does not find {name}: its slope {broken[name]}")


#: What each fault is like, for the hint; a slope that a fault makes of the right one.
FAULTS: dict[str, tuple[str, Callable[[float, float], float]]] = {
    "sign": ("has the wrong sign everywhere", lambda d, x: -d),
    "half": ("is half of what it should be", lambda d, x: 0.5 * d),
    "percent": ("is off by one percent only: is your tolerance that wide?", lambda d, x: 1.01 * d),
    "at one": ("is right at x = 1 and wrong elsewhere: one point is not enough", lambda d, x: d * x),
    "negative": ("is right for x > 0 and wrong for x < 0: have you tried points of the whole interval?",
                 lambda d, x: d if x > 0 else 0.5 * d),
}


def broken_engine(seed: int) -> tuple[dict[str, Operation], dict[str, str]]:
    """One test of :func:`check_wrong_slopes`.

    :param seed: which one; 0 has no fault.
    :returns: name -> (function, slope, (low, high)), and for each broken one what its fault is like.
    """
    everywhere, positive = (-2.0, 2.0), (0.2, 3.0)
    sound: dict[str, Operation] = {
        "sin": (math.sin, math.cos, everywhere),
        "exp": (math.exp, math.exp, everywhere),
        "tanh": (math.tanh, lambda x: 1 - math.tanh(x) ** 2, everywhere),
        "log": (math.log, lambda x: 1 / x, positive),
        "sqrt": (math.sqrt, lambda x: 0.5 / math.sqrt(x), positive),
        "cube": (lambda x: x**3, lambda x: 3 * x**2, everywhere),
    }
    plans: tuple[dict[str, str], ...] = (
        {}, {"sin": "sign", "sqrt": "half"}, {"cube": "at one", "exp": "percent"},
        {"tanh": "negative", "log": "at one"},
    )
    operations = dict(sound)
    for name, fault in plans[seed].items():
        f, slope, interval = sound[name]
        operations[name] = (f, _spoilt(slope, FAULTS[fault][1]), interval)
    return operations, {name: FAULTS[fault][0] for name, fault in plans[seed].items()}


def _spoilt(slope: Callable[[float], float], fault: Callable[[float, float], float]) -> Callable[[float], float]:
    return lambda x: fault(slope(x), x)

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
        limit = sys.getrecursionlimit()
        try:
            order = list(call(answer, "backward_order", parents, output))
            raised = sys.getrecursionlimit() > limit
        finally:
            sys.setrecursionlimit(limit)
        if raised:
            refuse("backward_order raises Python's recursion limit: on a deeper graph it would crash; use a loop")
        if len(parents) < 10:
            given = {node: list(listed) for node, listed in parents.items()}
            list(answer(given, output))
            if given != parents:
                refuse("backward_order changes the graph that it was given: count on a copy")
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
