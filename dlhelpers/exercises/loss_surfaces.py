"""Checkers of lecture 10: shuffled units, sharpness on purpose, products on a curve, random walks, a bend."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from dlhelpers.exercises.core import call, checker, compare, refuse, to_numpy
from dlhelpers.models.mlp import mlp

Net = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@checker("shuffle_order", "whether two nets differ in the order of their units alone, and in which")
def check_shuffle_order(answer: Any) -> None:
    """``shuffle_order(first, second)``: the order of the units, or an empty array.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(4)
    first: Net = (rng.normal(size=(5, 3)), rng.normal(size=5), rng.normal(size=(2, 5)), rng.normal(size=2))
    W, c, V, d = first
    for order in (np.array([2, 0, 3, 4, 1]), np.array([1, 2, 3, 4, 0])):
        got = _order(answer, first, (W[order], c[order], V[:, order], d))
        if got.size == 0:
            refuse("shuffle_order finds no order, but the second net is the first with its units shuffled")
        if got.shape == order.shape and np.array_equal(got, np.argsort(order)) and not np.array_equal(got, order):
            refuse("shuffle_order gives the inverse order: entry i names the unit of the first net that stands in "
                   "place i of the second")
        compare(got, order, "shuffle_order")
    other, factors = np.array([2, 0, 3, 4, 1]), np.array([2.0, 0.5, 1.0, 4.0, 0.25])
    twin = W.copy()
    twin[1] = twin[0]                       # two units look at the same thing, and say something different
    same, swapped = (twin, c[[0, 0, 2, 3, 4]], V, d), np.array([1, 0, 2, 3, 4])
    moved = (same[0][swapped], same[1][swapped], V[:, swapped], d)
    compare(_order(answer, same, moved), swapped, "shuffle_order", {
        "two units with the same weights coming in are told apart by what goes out": np.array([0, 0, 2, 3, 4]),
        "units with the same weights coming in have changed places: look at what goes out": np.arange(5)})
    wrong = {"says shuffled where the weights that come in are, but those that go out are not":
                 (W[other], c[other], V, d),
             "says shuffled where the hidden biases belong to other units": (W[other], c, V[:, other], d),
             "says shuffled where the output biases differ": (W[other], c[other], V[:, other], d + 1),
             "says shuffled where the units have been rescaled, too: the function is the same, the weights are not":
                 (W[other] * factors[:, None], c[other] * factors, V[:, other] / factors, d)}
    for hint, second in wrong.items():
        if _order(answer, first, second).size:
            refuse(f"shuffle_order {hint}")


def _order(answer: Any, first: Net, second: Net) -> np.ndarray:
    return to_numpy(call(answer, "shuffle_order", first, second))


@checker("sharpen", "the same function, a hundred times as sharp")
def check_sharpen(answer: Any) -> None:
    """``sharpen(model, sharpness)``: a ReLU net with the same outputs, at least 100 times as sharp.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for seed in (3, 4):
        model = mlp([2, 6, 2], seed=seed).double()
        rng = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for p in model.parameters():
                if p.ndim == 1:
                    p.normal_(generator=rng)
        X, y = torch.randn(40, 2, generator=rng, dtype=torch.float64), torch.arange(40) % 2
        got = call(answer, "sharpen", model, _Sharpness(X, y))
        parts = [list(net.parameters()) for net in (got, model)]
        if [p.shape for p in parts[0]] != [p.shape for p in parts[1]]:
            refuse("sharpen should return a net of the same shape")
        with torch.no_grad():
            off = float((got(X) - model(X)).abs().max())
            (W, c, V, d), (W_0, c_0, V_0, d_0) = ([p.detach() for p in part] for part in parts)
        if not off < 1e-6:
            unchanged = [torch.equal(a, b) for a, b in zip(*parts, strict=True)]
            if not unchanged[0] and unchanged[2]:
                refuse("sharpen changes the outputs: what comes in was scaled, what goes out was not divided by it")
            if not unchanged[0] and unchanged[1]:
                refuse("sharpen changes the outputs: the hidden biases come in, too, and take the same factor")
            if not unchanged[3]:
                refuse("sharpen changes the outputs: the output biases do not pass through the hidden units")
            refuse(f"sharpen changes the outputs, by up to {off:.2g}: relu(s z) = s relu(z) for s > 0, so which "
                   "weights must undo the factor?")
        ratio = _Sharpness(X, y)(got) / _Sharpness(X, y)(model)
        if not ratio >= 100:
            refuse("sharpen returns the net as it was" if ratio == 1 else
                   f"sharpen keeps the outputs, but the net is only {ratio:.3g} times as sharp: search for a factor "
                   "that makes it 100, and try the other direction, too")


class _Sharpness:
    """The largest eigenvalue of the Hessian of the cross-entropy over some data."""

    def __init__(self, X: torch.Tensor, y: torch.Tensor) -> None:
        self.X, self.y = X, y

    def __call__(self, model: nn.Module) -> float:
        names = [name for name, _ in model.named_parameters()]
        shapes = [p.shape for p in model.parameters()]

        def loss(theta: torch.Tensor) -> torch.Tensor:
            parts = theta.split([s.numel() for s in shapes])
            state = {name: part.reshape(s) for name, part, s in zip(names, parts, shapes, strict=True)}
            return nn.functional.cross_entropy(torch.func.functional_call(model, state, (self.X,)), self.y)

        flat = nn.utils.parameters_to_vector(model.parameters()).detach()
        return float(torch.linalg.eigvalsh(torch.autograd.functional.hessian(loss, flat))[-1])


@checker("first_layer_on_curve", "three products serve the whole curve")
def check_first_layer(answer: Any) -> None:
    """``first_layer_on_curve(X, W_1, W_b, W_2, t)`` against one product a point, and the products counted.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(11)
    X, W_1, W_b, W_2 = rng.normal(size=(6, 5)), *(rng.normal(size=(3, 5)) for _ in range(3))
    t = np.array([0.0, 0.2, 0.5, 0.9])

    def along(first: float, bend: float, power: int = 2) -> np.ndarray:
        return np.array([X @ (first * (1 - u)**power * W_1 + bend * u * (1 - u) * W_b + u**power * W_2).T for u in t])

    compare(call(answer, "first_layer_on_curve", X, W_1, W_b, W_2, t), along(1, 2), "first_layer_on_curve", {
        "the bend's share is 2 t (1 - t): the three shares add up to 1": along(1, 1),
        "the ends' shares are squares: (1 - t)² and t²": along(1, 2, power=1),
        "the bend is missing: this is the straight line": along(1, 0, power=1),
        "the curve runs backwards: t = 0 belongs to W_1":
            np.array([X @ (u**2 * W_1 + 2 * u * (1 - u) * W_b + (1 - u)**2 * W_2).T for u in t])})
    _Counting.start(limit=len(t) * 6 * 3)
    answer(*(np.asarray(a).view(_Counting) for a in (X, W_1, W_b, W_2)), t)
    if _Counting.products == 0 and not _Counting.heavy:
        refuse("first_layer_on_curve is right, but its products could not be counted: use @ on the arrays as they come")
    if _Counting.heavy:
        refuse("first_layer_on_curve is right, but it multiplies X with the weights of every point of the curve, at "
               "once: mix the three products instead of the weights")
    if _Counting.products > 3:
        refuse(f"first_layer_on_curve is right, but it made {_Counting.products} matrix products for {len(t)} points: "
               "make X @ W.T for the three matrices once, outside of the loop, and mix the results")


class _Counting(np.ndarray):
    """An array that counts matrix products, and notices those that are many in one."""

    products, heavy, limit = 0, False, 0

    @classmethod
    def start(cls, limit: int) -> None:
        """Count from zero; a result of more than ``limit`` numbers, or a product of stacks, is heavy."""
        cls.products, cls.heavy, cls.limit = 0, False, limit

    @classmethod
    def count(cls, *operands: Any) -> None:
        cls.products += 1
        cls.heavy |= any(np.ndim(x) > 2 for x in operands)

    def dot(self, other: Any, out: Any = None) -> Any:
        return np.dot(self, other)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if ufunc is np.matmul:
            _Counting.count(*inputs)
        plain = [np.asarray(x) if isinstance(x, _Counting) else x for x in inputs]
        kwargs.pop("out", None)
        result = getattr(ufunc, method)(*plain, **kwargs)
        _Counting.heavy |= np.size(result) > _Counting.limit
        return result.view(_Counting) if isinstance(result, np.ndarray) else result

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function in (np.dot, np.einsum, np.inner, np.tensordot):
            _Counting.count(*(a for a in args if isinstance(a, np.ndarray)))
        return super().__array_function__(function, types, args, kwargs)


@checker("is_random_walk", "the plane's share does not tell, the steps do")
def check_is_random_walk(answer: Any) -> None:
    """``is_random_walk(path)`` on walks and trainings, with small and large shares of their planes.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(8)
    paths = {"a walk in many dimensions": rng.normal(size=(200, 400)).cumsum(0),
             "a walk in three dimensions": rng.normal(size=(300, 3)).cumsum(0),
             "a walk of long steps": 50 * rng.normal(size=(150, 60)).cumsum(0),
             "a straight training": _training(rng, legs=2), "a training with many turns": _training(rng, legs=9),
             "a training of tiny steps": 1e-3 * _training(rng, legs=4)}
    rights = [name.startswith("a walk") for name in paths]
    gots = [bool(call(answer, "is_random_walk", path)) for path in paths.values()]
    if gots == rights:
        return
    shares = np.array([_share(path) for path in paths.values()])
    if len(set(gots)) == 1:
        refuse(f"is_random_walk says {'yes' if gots[0] else 'no'} to every path: three of these six are walks",
               inputs={})
    if any(gots == list(shares < limit) for limit in np.linspace(0.5, 1, 51)):
        refuse("is_random_walk looks at the share that the plane holds: a walk in few dimensions has a large one, a "
               "training with many turns a small one; look at how one step follows another", inputs={})
    failed = [name for name, got, right in zip(paths, gots, rights, strict=True) if got != right]
    if gots == [not right for right in rights]:
        refuse("is_random_walk has yes and no the wrong way round", inputs={})
    refuse(f"is_random_walk is wrong for {', '.join(failed)}: a walk's steps know nothing of each other, whatever "
           "their length and number", inputs={})


def _training(rng: np.random.Generator, legs: int, steps: int = 180, P: int = 40) -> np.ndarray:
    """A way of straight legs, each in a direction of its own, with some noise in every step."""
    directions = np.linalg.qr(rng.normal(size=(P, legs)))[0].T.repeat(steps // legs, axis=0)  # (P, legs) -> (steps, P)
    return (directions + 0.05 * rng.normal(size=directions.shape)).cumsum(0)


def _share(path: np.ndarray) -> float:
    variances = np.linalg.svd(path - path.mean(0), compute_uv=False)**2
    return float(variances[:2].sum() / variances.sum())


@checker("train_bend", "a curve round the ridge")
def check_train_bend(answer: Any) -> None:
    """``train_bend(theta_1, theta_2, loss)``: the bend of a Bézier curve that stays low.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for seed, degrees in ((0, 65.0), (1, 55.0)):
        rng = torch.Generator().manual_seed(seed)
        turn = torch.linalg.qr(torch.randn(6, 6, generator=rng, dtype=torch.float64))[0]
        loss = _Ring(turn)
        at = np.radians(degrees)
        ends = [turn[:, 0] * np.cos(at) + sign * turn[:, 1] * np.sin(at) for sign in (-1, 1)]
        got = call(answer, "train_bend", *ends, loss)
        bend = torch.as_tensor(to_numpy(got)).double()
        if bend.shape != ends[0].shape:
            refuse(f"train_bend should return one bend, as long as theta_1: {tuple(ends[0].shape)}, got "
                   f"{tuple(bend.shape)}")
        t = torch.linspace(0, 1, 101, dtype=torch.float64)[:, None]
        curve = (1 - t)**2 * ends[0] + 2 * t * (1 - t) * bend + t**2 * ends[1]               # (101, 6)
        straight = ends[0] + t * (ends[1] - ends[0])
        top, ridge = (float(torch.stack([loss(p) for p in points]).max()) for points in (curve, straight))
        if top < 0.05 * ridge:
            continue
        if torch.allclose(bend, (ends[0] + ends[1]) / 2, atol=1e-3):
            refuse("train_bend returns the middle of the straight line: that is where the training starts")
        if float(loss(bend)) < 1e-2 * ridge:
            refuse("train_bend puts the bend itself where the loss is low, but the curve does not pass through its "
                   "bend: descend on the loss at points of the curve")
        refuse(f"train_bend: the highest loss on the curve is {top / ridge:.0%} of the straight line's, 5 % are asked "
               "for: more steps, or another step size?")


class _Ring:
    """A valley in the shape of a circle, in a plane of six dimensions."""

    def __init__(self, turn: torch.Tensor) -> None:
        self.turn = turn

    def __call__(self, theta: torch.Tensor) -> torch.Tensor:
        own = theta @ self.turn
        return 4 * ((own[:2]**2).sum().sqrt() - 1)**2 + (own[2:]**2).sum()
