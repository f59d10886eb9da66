"""Checkers for the exercises of lecture 07: a budget, parity, real pieces, well-placed hinges, a small net trained."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from dlhelpers import data
from dlhelpers.exercises.core import call, checker, compare, refuse, to_numpy

Array = np.ndarray
Curve = Callable[[Array], Array]


def _whole(got: Any, name: str, what: str) -> int:
    """The answer as an int; refuses whatever is no whole number."""
    if isinstance(got, (bool, np.bool_, str)) or np.shape(got) != ():
        refuse(f"{name} should return one whole number, got {type(got).__name__}")
    value = float(got)
    if not np.isfinite(value):
        refuse(f"{name} is not finite: look for a division by 0, or a root of a number below 0")
    if value != round(value):
        refuse(f"{name} should return a whole number: {what} come whole")
    return round(value)


@checker("widest", "as wide as the budget allows, and not one unit wider")
def check_widest(answer: Any) -> None:
    """``widest(d_in, K, hidden, budget)`` -> largest common width of the hidden layers within a budget of parameters.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    def size(m: int, inner: int | None = None, bias: bool = True, last: bool = True, first: bool = False) -> int:
        inner = hidden - 1 if inner is None else max(0, inner)
        weights = d_in * m + inner * m * m + m * K
        return weights + bias * (m + inner * m + last * K) + first * d_in

    def fitting(**wrong: Any) -> int:
        m = 0
        while size(m + 1, **wrong) <= budget:
            m += 1
        return m

    for d_in, K, hidden, budget in ((30, 1, 1, 300), (2, 1, 1, 101), (3, 2, 4, 700), (1, 50, 1, 517),
                                    (784, 10, 2, 500), (784, 10, 3, 1_000_000)):
        got, right = _whole(call(answer, "widest", d_in, K, hidden, budget), "widest", "units"), fitting()
        if got == right:
            continue
        if got == right - 1 and size(right) == budget:
            refuse("widest: one unit more uses the budget up to the last parameter, and that is allowed")
        mistakes: dict[str, dict[str, Any]] = {
            "the inputs have no biases of their own": {"first": True},
            "the biases are forgotten": {"bias": False},
            "the matrices from one hidden layer to the next are forgotten": {"inner": 0},
            "every two neighbouring hidden layers have a matrix between them, not just the first two": {"inner": 1},
            "hidden is the number of hidden layers, not of matrices": {"inner": hidden - 2},
            "between n hidden layers lie fewer than n matrices": {"inner": hidden},
            "the biases of the output layer are forgotten": {"last": False},
        }
        for hint, wrong in mistakes.items():
            if got == fitting(**wrong):
                refuse(f"widest: {hint}")
        if right == 0:
            refuse("widest: not a single unit fits here; what should be returned then?")
        if got < 0:
            refuse("widest: a width below 0 is none; of the two roots, take the other")
        if got > right:
            refuse(f"widest: {got} units in each hidden layer make {size(got)} parameters, more than the budget")
        refuse(f"widest: {size(got)} parameters only; a net one unit wider would still fit")


@checker("parity_net", "every corner is right, with a hinge for each bit and no more")
def check_parity(answer: Any) -> None:
    """``parity_net(d)`` -> (W1, c1, w2, c2) of a net with one hidden layer that computes the parity of d bits.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for d in (5, 2, 1, 3, 9):
        W1, c1, w2, c2 = _net(call(answer, "parity_net", d), d)
        corners = (np.arange(2**d)[:, None] >> np.arange(d)[::-1] & 1).astype(float)
        # The second half: the same corners as −1 and 1.
        outputs = np.maximum(0, np.vstack([corners, 2 * corners - 1]) @ W1.T + c1) @ w2 + c2
        ones, (got, signed) = corners.sum(1), np.split(outputs, 2)
        right = ones % 2
        wrong = ~np.isclose(got, right, rtol=0, atol=1e-6)
        first = int(wrong.argmax())
        shown = {"d": d, "corner": corners[first].astype(int), "the net's output there": float(got[first])}
        if wrong.any() and np.allclose(signed, right):
            refuse("parity_net is right for bits −1 and 1; here they are 0 and 1", inputs=shown)
        compare(got, right, "parity_net", {
            "1 is asked for an odd number of ones, 0 for an even one; here it is the other way round": 1 - right,
            "the outputs should be 0 and 1, not −1 and 1": 2 * right - 1,
            "this counts the ones: the wire rises and never turns back": ones,
            "this says whether any bit is one: after the first bend the wire stays flat": np.minimum(ones, 1),
            "this is right up to two ones, and then falls on for good: each further count needs a bend of its own":
                ones - 2 * np.maximum(0, ones - 1),
            "the wire rises, lies flat, rises: to turn a slope of 1 into −1 it has to change by more than 1":
                np.ceil(ones / 2),
            "the wire is flat before the first hinge, and twice too steep after it: that hinge has less to change":
                2 * np.ceil(ones / 2),
            "every hinge sits one too far to the right: nothing happens before the second one":
                np.where(ones > 0, 1 - right, 0),
            "the bends are right, but the wire does not rise before the first of them": right - ones,
            "each hinge bends the wire further down: it has to come up again": ones - ones * (ones - 1),
        }, rtol=0, atol=1e-6, inputs=shown)
        if len(c1) >= max(2 ** (d - 1), 2 * d + 1):
            refuse(f"parity_net is right, but takes {len(c1)} hinges for {d} bits, one for each corner or for every "
                   "other one: for 30 bits that makes a billion, or half of it. What do all corners with the same "
                   "answer have in common?", inputs={"d": d})
        if len(c1) > d:
            refuse(f"parity_net is right, but takes {len(c1)} hinges for {d} bits: does one of them bend where no "
                   "corner is, or do two bend at the same place?", inputs={"d": d})


def _net(got: Any, d: int) -> tuple[Array, Array, Array, float]:
    """(W1, c1, w2, c2) as arrays; refuses other forms."""
    if not isinstance(got, (tuple, list)) or len(got) != 4:
        refuse(f"parity_net should return a tuple of four, W1, c1, w2 and c2, got {type(got).__name__}")
    W1, c1, w2, c2 = (to_numpy(part).astype(float) for part in got)
    if W1.ndim != 2 or W1.shape[1] != d:
        refuse(f"parity_net: W1 should have a row of {d} weights for each hidden unit, got shape {W1.shape}")
    for name, part in (("c1", c1), ("w2", w2)):
        if part.shape != (len(W1),):
            refuse(f"parity_net: {name} should hold {len(W1)} numbers, one a hidden unit, got shape {part.shape}")
    if c2.shape != ():
        refuse(f"parity_net: c2 should be one number, got shape {c2.shape}")
    if not all(np.isfinite(part).all() for part in (W1, c1, w2, c2)):
        refuse("parity_net: some weights are not finite")
    return W1, c1, w2, float(c2)


_Case = tuple[list[tuple[float, float, float]], int, dict[int | None, str]]
#: For :func:`check_pieces`: hinges (place, input weight, output weight), the bends that they make in (1, 3),
#: and what is said to a wrong count; under a number what is said to that one.
_HINGES: list[_Case] = [
    ([(1.25, 1, 2), (2.5, 2, -1), (1.5, -1, 3), (2.25, 0.5, 1), (2.75, -2, 0.5)], 5,
     {5: "these are the bends; how many pieces do they separate?",
      1: "none of the bends was found: a unit bends where w x + c = 0, so at which x?",
      4: "here lie five bends, also of units that face left (w1 < 0): these bend the wire as well",
      None: "these are five ordinary hinges, each at a place of its own inside"}),
    ([(1.5, 1, 1), (2, -2, 1), (2.5, 1, -3), (0.5, 1, 2), (3.5, -1, 1)], 3,
     {None: "two of the hinges bend the wire outside of the interval, where nobody looks"}),
    ([(1, 2, 1), (3, 4, 1), (2, 1, 1)], 1,
     {None: "a bend at the very end of the interval cuts nothing off inside"}),
    ([(1.5, 1, 1), (2, 1, 0), (2.5, 1, 1)], 2,
     {None: "a unit that the output does not listen to (w2 = 0) bends nothing"}),
    ([(1.5, 1, 1), (2, 0, 5), (0, 0, 3), (2.5, 1, 1)], 2,
     {None: "a unit that does not listen to x (w1 = 0) is a constant, whatever its c"}),
    ([(1.5, 1, 1), (2, 1, 1), (2, 4, 3)], 2,
     {None: "two of the units bend at the same place, and make one bend there"}),
    ([(1.7, 1, 1), (1.7, 0.3, 2), (1.7, 1.9, 1), (2.6, 1, 1), (2.6, 1.9, 1)], 2,
     {None: "the same place, computed as −c/w with other numbers, differs in its last digit: a tolerance helps"}),
    ([(1.5, 1, 1), (2, 1, 1), (2, -1, 1)], 2,
     {None: "two units that face each other make |x − t|, which is bent: what does a unit that faces left "
            "change about the slope, going from left to right?"}),
    ([(1.5, 1, 1), (2, 2, 1), (2, 1, -2)], 1,
     {None: "two of the units bend at the same place in opposite ways, and the wire stays straight there"}),
    ([(1.5, 1, 1), (2.2, 3, 1), (2.2, -1, -3)], 1,
     {None: "max(0, z) − max(0, −z) = z: two units that bend, and together do not"}),
    ([(2, 1, 1), (2 + 1e-6, 1, 1), (2.5, 1, 1)], 3,
     {None: "two of the bends lie only 1e-6 apart and are still two: a grid steps over them, "
            "and the usual tolerance of isclose takes them for one"}),
    ([(0.2, 1, 1), (3.7, 1, 1)], 0, {None: "nothing bends inside: how many pieces is a straight wire?"}),
]


@checker("true_pieces", "what bends, bends, and what only looks like it is not counted")
def check_pieces(answer: Any) -> None:
    """``true_pieces(w1, c1, w2, a, b)`` -> number of straight pieces of a net 1-m-1 of hinges on [a, b].

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    every = [hinge for hinges, _, _ in _HINGES for hinge in hinges]
    change: dict[float, float] = {}
    for t, w, v in every:
        change[round(t, 9)] = change.get(round(t, 9), 0.0) + v * abs(w)
    bends = sum(1 < t < 3 and abs(step) > 1e-9 for t, step in change.items())
    cases: list[_Case] = [*_HINGES, (every, bends, {None: "all these traps at once, and the count is not right yet"})]
    for hinges, bends, hints in cases:
        place, w1, w2 = np.array(hinges, float).T
        c1 = np.where(w1 == 0, place, -place * w1)        # a constant unit has no place: the number is its c
        got = _whole(call(answer, "true_pieces", w1, c1, w2, 1.0, 3.0), "true_pieces", "pieces")
        if got != bends + 1:
            refuse(f"true_pieces: {hints.get(got, hints[None])}")


_CURVES: dict[str, tuple[Curve, Curve]] = {
    "exp(−12 x)": (lambda x: np.exp(-12 * x), lambda x: 144 * np.exp(-12 * x)),
    "arctan(30 x − 18)": (lambda x: np.arctan(30 * x - 18),
                          lambda x: -1800 * (30 * x - 18) / (1 + (30 * x - 18) ** 2) ** 2),
    "sin(25 x²)": (lambda x: np.sin(25 * x**2), lambda x: 50 * np.cos(25 * x**2) - 2500 * x**2 * np.sin(25 * x**2)),
}


@checker("place", "no interval costs much more than another: hardly any hinge is wasted")
def check_place(answer: Any) -> None:
    """``place(f2, m)`` -> m + 1 knots on [0, 1] at which a wire follows the curve with second derivative f2.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    x = np.linspace(0, 1, 50_001)
    for m, (name, (f, f2)) in zip((40, 40, 80), _CURVES.items(), strict=True):
        shown = {"f(x)": name, "m": m}
        knots = to_numpy(call(answer, "place", f2, m)).astype(float)
        if knots.shape != (m + 1,):
            refuse(f"place should return {m + 1} knots for {m} pieces, both ends included, got shape {knots.shape}",
                   inputs=shown)
        for seen, hint in (
            (not np.isfinite(knots).all(), "some knots are not finite: f'' may be negative, and 0 in places"),
            ((np.diff(knots) <= 0).any(), "the knots should increase, each larger than the one before"),
            (max(abs(knots[0]), abs(knots[-1] - 1)) > 1e-9, "the first knot should be 0 and the last one 1, or the "
                                                            "ends of the curve are lost"),
        ):
            if seen:
                refuse(f"place: {hint}", inputs=shown)

        def error(at: Array, f: Curve = f) -> float:
            return float(np.abs(np.interp(x, at, f(at)) - f(x)).max())

        # The price of a wire whose intervals all cost the same, for m that is not too small.
        best = float(np.trapezoid(np.sqrt(np.abs(f2(x))), x)) ** 2 / (8 * m**2)
        if error(knots) <= 1.35 * best:
            continue
        density, even = np.abs(f2(x)), np.linspace(0, 1, m + 1)
        looks_like = {
            "the knots are evenly spaced: f'' is not used": even,
            "the knots are dense where |f''| is: too much of a good thing, and the calm parts pay for it":
                np.interp(even, _shares(density), x),
            "the knots are sparse where the curve bends and dense where it is straight: a density is 1/h, not h":
                np.interp(even, _shares(1 / np.sqrt(density + 1e-9)), x),
            "these are shares of the density at even places; asked are the places of even shares":
                np.interp(even, x, _shares(np.sqrt(density))),
            "the density is added up on a grid no finer than the knots, and its peaks fall between":
                np.interp(even, _shares(np.sqrt(np.abs(f2(even)))), even),
        }
        for hint, others in looks_like.items():
            if np.abs(knots - others).mean() < 0.2 / m:         # much less than their distances
                refuse(f"place: {hint}", inputs=shown)
        cost = np.array([np.abs(np.interp(s, [a, b], f(np.array([a, b]))) - f(s)).max()
                         for a, b in zip(knots[:-1], knots[1:], strict=True) for s in [np.linspace(a, b, 21)]])
        k = int(cost.argmax())
        refuse(f"place: the worst error is {error(knots) / best:.2g} times what is possible: the interval from "
               f"{knots[k]:.3g} to {knots[k + 1]:.3g} costs {cost[k] / np.median(cost):.2g} times as much as the "
               "middle one of all", inputs=shown)


def _shares(rho: Array) -> Array:
    """A density on an even grid, added up from 0 to 1."""
    total = np.cumsum(rho)
    return (total - total[0]) / (total[-1] - total[0])


_BUDGET, _SHARE = 100, 0.97


@checker("train_spirals", "a hundred numbers know the way along both spirals, on three draws")
def check_spirals(answer: Any) -> None:
    """``train_spirals(X, y)`` -> a trained net of at most 100 parameters that tells two spirals apart.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for seed in (71, 72, 73):
        X, y = data.toy.spirals(300, noise=0.02, seed=seed)
        X_new, y_new = data.toy.spirals(1000, noise=0.02, seed=seed + 100)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)          # for so small a net, threads do little but wait for each other
        try:
            net = call(answer, "train_spirals", X, y)
        finally:
            torch.set_num_threads(threads)
        if not isinstance(net, nn.Module):
            refuse(f"train_spirals should return the trained net, a torch module, got {type(net).__name__}")
        size = sum(p.numel() for p in net.parameters())
        if size > _BUDGET:
            refuse(f"train_spirals: this net has {size} parameters, more than {_BUDGET}")
        size += sum(b.numel() for b in net.buffers())
        if size > _BUDGET:
            refuse(f"train_spirals: with its buffers this net holds {size} numbers: it carries the points about, "
                   "instead of having learned them")
        z, z_new = (_scores(net, points) for points in (X, X_new))
        share, share_new = (float(((s > 0) == (t == 1).numpy()).mean()) for s, t in ((z, y), (z_new, y_new)))
        if share_new >= _SHARE:
            continue
        low, high = z_new.min(), z_new.max()
        plane = np.column_stack([X_new.numpy(), np.ones(len(X_new))])
        bent = np.abs(plane @ np.linalg.lstsq(plane, z_new, rcond=None)[0] - z_new).max() > 1e-3 * (high - low)
        for seen, hint in (
            (high - low < 1e-6, "every point gets the same score: nothing was learned, or all units are dead"),
            (low >= 0 and high <= 1, "all scores lie between 0 and 1, so every point counts as spiral 1: a score is "
                                     "what enters the sigmoid, not what leaves it"),
            (low >= 0 or high <= 0, "all scores have the same sign: end with a linear layer, without a bend behind it"),
            (share_new < 0.25, "the spirals are told apart, but each is taken for the other: above 0 means y = 1"),
            (not bent, "the score is a plane over the points: is there a bend between the layers?"),
        ):
            if seen:
                refuse(f"train_spirals: {hint}")
        if share < _SHARE:
            refuse(f"train_spirals gets {share_new:.0%} of new points right, and {share:.0%} of those it was shown, so "
                   "it has not learned them yet: more steps, longer ones, another bend, or another shape; "
                   f"{size} of {_BUDGET} parameters are used")
        refuse(f"train_spirals gets {share:.0%} of the points it was shown right, but only {share_new:.1%} of "
               "new ones: between the points the border is left to luck; train on, or from another start")


def _scores(net: nn.Module, X: torch.Tensor) -> Array:
    """One score a point, wherever the net lives; refuses other forms."""
    like = next(net.parameters(), X)
    net.eval()
    try:
        with torch.no_grad():
            z = net(X.to(like))
    except RuntimeError:
        refuse("train_spirals: the net that came back does not take points of shape (n, 2)")
    if not isinstance(z, torch.Tensor) or z.numel() != len(X) or z.shape[0] != len(X):
        shape = tuple(z.shape) if isinstance(z, torch.Tensor) else type(z).__name__
        refuse(f"train_spirals: the net should give one score for each point, (n, 1), got {shape} for n = {len(X)}")
    scores = z.reshape(-1).cpu().double().numpy()
    if not np.isfinite(scores).all():
        refuse("train_spirals: the scores are not finite: a smaller learning rate?")
    return scores
