"""Checkers of lecture 01: a loss that refuses, a flat histogram, the direction of stripes, a paired test."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlhelpers.exercises.core import call, checker, compare, refuse


@checker("safe_mse", "it measures what fits, and refuses what would be stretched")
def check_safe_mse(answer: Any) -> None:
    """``answer(y_hat, y)`` -> mean squared error of two arrays of one shape; ValueError for any other pair.

    :param answer: the student's function.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    rng = np.random.default_rng(0)
    for shape in ((7,), (5, 3)):
        y_hat, y = rng.normal(size=shape), rng.normal(size=shape)
        miss = y_hat - y
        right = sum(value**2 for value in miss.ravel().tolist()) / miss.size
        compare(call(answer, "safe_mse", y_hat, y), right, "safe_mse", {
            "this is the sum of the squares; divide by the number of entries": right * miss.size,
            "this is its square root; leave the root out": np.sqrt(right),
            "this averages absolute values; square the misses": np.abs(miss).mean(),
        })
    for left, other in (((5,), (5, 1)), ((4, 3), (3,)), ((6,), (1,)), ((2, 3), (3, 2))):
        y_hat, y = rng.normal(size=left), rng.normal(size=other)
        try:
            answer(y_hat.copy(), y.copy())
        except ValueError:
            continue
        except NotImplementedError:
            raise
        except Exception as error:
            refuse(f"for shapes {left} and {other} safe_mse raised {type(error).__name__}; a ValueError is asked for",
                   inputs={"y_hat": y_hat, "y": y})
        refuse(f"safe_mse accepts the shapes {left} and {other}: they are stretched and every entry meets entries that "
               "it does not belong to; compare the shapes themselves, not the lengths, and raise a ValueError",
               inputs={"y_hat": y_hat, "y": y})


def _shares(picture: np.ndarray) -> np.ndarray:
    """For each pixel the share of pixels that are at most as bright, counted one by one."""
    values = picture.ravel().tolist()
    shares = [sum(other <= value for other in values) / len(values) for value in values]
    return np.array(shares).reshape(picture.shape)                                     # (height, width)


@checker("equalise", "a share p of the pixels is at most p bright, for every brightness that occurs")
def check_equalise(answer: Any) -> None:
    """``answer(picture)`` -> a picture whose pixels are the shares of pixels that are at most as bright.

    :param answer: the student's function; the picture is (height, width) with repeated values.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for seed, shape in enumerate(((4, 6), (7, 3))):
        picture = np.random.default_rng(seed).integers(0, 9, shape) / 10.0
        right = _shares(picture)
        below = 1 - _shares(-picture)
        order = np.argsort(np.argsort(picture.ravel(), kind="stable"), kind="stable")
        compare(call(answer, "equalise", picture), right, "equalise", {
            "it counts the pixels that are darker; a pixel counts itself and its equals too (at most as bright)": below,
            "bright and dark are exchanged: count the pixels that are at most as bright": _shares(-picture),
            "it counts pixels; divide by how many there are": right * picture.size,
            "equal pixels come out different: ranks break ties, shares must not":
                (order.reshape(shape) + 1) / picture.size,                              # (height, width)
            "equal pixels come out different, and the darkest gets 0: ranks break ties, shares must not":
                order.reshape(shape) / picture.size,                                    # (height, width)
            "this stretches the values from 0 to 1; their order should matter, not their distances":
                (picture - picture.min()) / (picture.max() - picture.min()),
            "the shares are right, but the picture lost its shape": right.ravel(),
        })


def stripes(angle: float, seed: int = 0, side: int = 48) -> np.ndarray:
    """A grey picture of noisy stripes.

    :param angle: direction across the stripes in degrees, from the x axis (to the right) towards the y axis (down).
    :param seed: for phase, width and noise.
    :param side: pixels of a side.
    :returns: brightness from about 0 to about 1, shape (side, side), rows from top to bottom.
    """
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    phi, wave = np.radians(angle), rng.uniform(10, 14)
    phase = 2 * np.pi * (x * np.cos(phi) + y * np.sin(phi)) / wave + rng.uniform(0, 2 * np.pi)
    return 0.5 + 0.5 * np.cos(phase) + rng.normal(0, 0.02, (side, side))


def _apart(one: float, other: float) -> float:
    """Degrees between two directions that are the same after half a turn."""
    return abs((one - other + 90) % 180 - 90)


@checker("stripe_angle", "slopes of both signs agree once their angles are doubled")
def check_stripe_angle(answer: Any) -> None:
    """``answer(picture)`` -> direction across the stripes in degrees, in [0, 180), within 3 degrees.

    :param answer: the student's function; the picture is (48, 48), see :func:`stripes`.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    angles = (20.0, 65.0, 110.0, 155.0)
    given = []
    for seed, angle in enumerate(angles):
        result = call(answer, "stripe_angle", stripes(angle, seed))
        if np.size(result) != 1:
            refuse("stripe_angle should return one number, an angle in degrees")
        given.append(float(result))
    shown = {"angles": list(angles), "your angles": [round(value, 1) for value in given]}
    wrong = {
        "your directions run along the stripes; the one across them is 90° away": lambda a: a + 90,
        "the two axes seem to be swapped: rows count y, columns count x": lambda a: 90 - a,
        "the sign of y is turned: in a picture y grows downwards": lambda a: -a,
    }
    if all(_apart(g, a) < 3 for g, a in zip(given, angles, strict=True)):
        if any(not 0 <= g < 180 for g in given):
            refuse("the directions are right, but must lie in [0, 180): use the remainder % 180", inputs=shown)
        return
    if all(_apart(np.degrees(g), a) < 3 for g, a in zip(given, angles, strict=True)):
        refuse("these look like radians; degrees are asked for", inputs=shown)
    if all(abs((g - 2 * a + 180) % 360 - 180) < 3 for g, a in zip(given, angles, strict=True)):
        refuse("these are twice the angles: after averaging the doubled directions, halve the result", inputs=shown)
    for hint, change in wrong.items():
        if all(_apart(g, change(a)) < 3 for g, a in zip(given, angles, strict=True)):
            refuse(hint, inputs=shown)
    refuse("the directions are off. On the two flanks of a stripe the slopes point opposite ways, so that averaging "
           "slopes or angles cancels them: double each angle first, weigh by the squared slope, average, halve",
           inputs=shown)


@checker("paired_z", "only the pictures on which the two disagree speak")
def check_paired_z(answer: Any) -> None:
    r"""``answer(first_wrong, second_wrong)`` -> :math:`(b - c)/\sqrt{b + c}`, McNemar's statistic.

    :param answer: the student's function; both arguments are boolean arrays (n,) over the same pictures.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for seed in range(3):
        rng = np.random.default_rng(seed)
        hard = rng.random(400)
        first, second = rng.random(400) < 0.5 * hard, rng.random(400) < 0.35 * hard
        b, c = int((first & ~second).sum()), int((second & ~first).sum())
        pooled = (first.mean() + second.mean()) / 2
        unpaired = (first.mean() - second.mean()) / np.sqrt(2 * pooled * (1 - pooled) / 400)
        right = (b - c) / (b + c) ** 0.5
        compare(call(answer, "paired_z", first, second), right, "paired_z", {
            "this is the unpaired test of the lecture: pictures on which both agree must not count": unpaired,
            "the sign is wrong: it is positive where the first makes more errors than the second": -right,
            "the root is missing: the difference of b + c coin tosses has variance b + c": (b - c) / (b + c),
            "divide by the standard deviation √(b + c), not by √n": (b - c) / 20,
            "this is the square, a χ² with one degree of freedom; keep the sign": right**2,
            "this counts where both are wrong; only one of the two may be":
                (first.sum() - second.sum()) / (first.sum() + second.sum()) ** 0.5,
        })
