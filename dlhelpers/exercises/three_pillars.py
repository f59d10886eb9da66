"""Checkers of lecture 01: a loss that refuses, a flat histogram, the direction of stripes, a paired test."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlhelpers.exercises.core import WrongAnswer, call, checker, compare, refuse


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
            "this divides by the number of rows, len(y); the mean is over all entries":
                right * miss.size / len(miss) if miss.ndim > 1 else np.nan,
        })
    pairs: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
        ((5,), (5, 1)), ((4, 3), (3,)), ((6,), (1,)), ((2, 3), (3, 2)), ((4, 3), (4, 1)), ((), (3,)),
        ((2, 1, 3), (2, 4, 3))]
    for left, other in pairs:
        y_hat, y = rng.normal(size=left), rng.normal(size=other)
        tried = f"Tried on y_hat of shape {left} and y of shape {other}"
        try:
            result = answer(y_hat.copy(), y.copy())
        except ValueError:
            continue
        except NotImplementedError:
            raise
        except Exception as error:
            raise WrongAnswer(f"for shapes {left} and {other} safe_mse raised {type(error).__name__}; "
                              "a ValueError is asked for", tried) from error
        if result is None:
            raise WrongAnswer(f"for shapes {left} and {other} safe_mse returns None in silence; raise a ValueError",
                              tried)
        raise WrongAnswer(f"safe_mse accepts the shapes {left} and {other}: they are stretched and every entry meets "
                          "entries that it does not belong to; compare the whole shapes, not only lengths or numbers "
                          "of axes, and raise a ValueError", tried)


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
    close = np.random.default_rng(2).integers(0, 9, (5, 4)) / 10.0
    close[1, 1], close[2, 3] = 0.3, 0.3001                                      # alike to the eye, not to the order
    pictures = [np.random.default_rng(seed).integers(0, 9, shape) / 10.0
                for seed, shape in enumerate(((4, 6), (7, 3)))]
    for picture in (*pictures, close):
        right = _shares(picture)
        below = 1 - _shares(-picture)
        order = np.argsort(np.argsort(picture.ravel(), kind="stable"), kind="stable")
        values, inverse, counts = np.unique(picture, return_inverse=True, return_counts=True)
        inverse = inverse.reshape(picture.shape)                                                 # (height, width)
        least = counts[0] / picture.size
        bins = np.histogram(picture, bins=256, range=(0, 1))[0].cumsum() / picture.size
        compare(call(answer, "equalise", picture), right, "equalise", {
            "it counts the pixels that are darker; a pixel counts itself and its equals too (at most as bright)": below,
            "bright and dark are exchanged: count the pixels that are at most as bright": _shares(-picture),
            "it counts pixels; divide by how many there are": right * picture.size,
            "equal pixels come out different: ranks break ties, shares must not":
                (order.reshape(picture.shape) + 1) / picture.size,                               # (height, width)
            "equal pixels come out different, and the darkest gets 0: ranks break ties, shares must not":
                order.reshape(picture.shape) / picture.size,                                     # (height, width)
            "this stretches the values from 0 to 1; their order should matter, not their distances":
                (picture - picture.min()) / (picture.max() - picture.min()),
            "this is the textbook's variant, which moves the darkest pixel to 0; here the plain share is asked for":
                (right - least) / (1 - least),
            "equal pixels share their average rank; each should count all its equals": (right + below) / 2
                + 0.5 / picture.size,
            "this is the share of the different brightnesses; count pixels, so that frequent ones weigh more":
                (inverse + 1) / len(values),
            "this is how often each brightness occurs; add up all that are at most as bright":
                (counts / picture.size)[inverse],
            "the shares are right, but the picture lost its shape": right.ravel(),
            "different brightnesses come out equal: bins or rounding merged them; use the values themselves":
                _merged(picture, bins),
        })


def _merged(picture: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """Shares read from a histogram of 256 bins; NaN where the bins make no difference."""
    shares = bins[np.minimum((picture * 256).astype(int), 255)]
    return shares if not np.allclose(shares, _shares(picture)) else np.full(picture.shape, np.nan)


def stripes(angle: float, seed: int = 0, side: int = 48) -> np.ndarray:
    """A grey picture: a round patch of stripes on a ground with a faint slope of its own, noise, one hot pixel.

    :param angle: direction across the stripes in degrees, from the x axis (to the right) towards the y axis (down).
    :param seed: for phase, width and noise, and for the direction of the ground's slope.
    :param side: pixels of a side.
    :returns: brightness from about 0 to about 1 (the hot pixel 1.9), shape (side, side), rows from top to bottom.
    """
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    phi, wave = np.radians(angle), rng.uniform(8, 11)
    phase = 2 * np.pi * (x * np.cos(phi) + y * np.sin(phi)) / wave + rng.uniform(0, 2 * np.pi)
    fade = np.clip(1.1 - np.hypot(x, y) / (0.36 * side), 0, 1)
    away = phi + np.radians(rng.choice([-50, 50]))
    ground = 0.006 * (x * np.cos(away) + y * np.sin(away))
    picture = 0.5 + 0.5 * fade * np.cos(phase) + ground + rng.normal(0, 0.002, (side, side))
    picture[4, 4] += 1.4                                                        # one hot pixel, steep and meaningless
    return picture


def _apart(one: float, other: float) -> float:
    """Degrees between two directions that are the same after half a turn."""
    return abs((one - other + 90) % 180 - 90)


@checker("stripe_angle", "slopes of both signs agree once their angles are doubled")
def check_stripe_angle(answer: Any) -> None:
    """``answer(picture)`` -> direction across the stripes in degrees, in [0, 180), within 3 degrees.

    :param answer: the student's function; the picture is (48, 48), see :func:`stripes`.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    angles = (2.0, 20.0, 65.0, 90.0, 110.0, 155.0, 178.0)
    pictures = [stripes(angle, seed) for seed, angle in enumerate(angles)]
    given = []
    for picture in pictures:
        result = call(answer, "stripe_angle", picture)
        if np.size(result) != 1:
            refuse("stripe_angle should return one number, an angle in degrees")
        given.append(float(result))
    shown = {"angles": list(angles), "your angles": [round(value, 1) for value in given]}

    def all_near(values: Any, period: float = 180.0, room: float = 3.0) -> bool:
        half = period / 2
        return all(abs((g - v + half) % period - half) < room for g, v in zip(given, values, strict=True))

    if all_near(angles):
        if any(not 0 <= g < 180 for g in given):
            refuse("the directions are right, but must lie in [0, 180): use the remainder % 180", inputs=shown)
        return
    if all(_apart(np.degrees(g), a) < 3 for g, a in zip(given, angles, strict=True)):
        refuse("these look like radians; degrees are asked for", inputs=shown)
    turned = {
        "your directions run along the stripes; the one across them is 90° away": [a + 90 for a in angles],
        "the two axes seem to be swapped: rows count y, columns count x": [90 - a for a in angles],
        "the sign of y is turned: in a picture y grows downwards": [-a for a in angles],
    }
    for hint, values in turned.items():
        if all_near(values):
            refuse(hint, inputs=shown)
    twice = [2 * a for a in angles]
    if all_near(twice, 360, room=6):
        refuse("these are twice the angles: halve what the average gives", inputs=shown)
    if all_near(twice, room=6):
        refuse("these are twice the angles, and the remainder % 180 came too early: halve before it", inputs=shown)
    half = [abs((a + 90) % 180 - 90) for a in angles]
    if all_near(half, 360):
        refuse("directions on one side of the x axis come out mirrored: an absolute value lost the sign", inputs=shown)
    for hint, method in _ANGLE_MISTAKES.items():
        if all_near([method(picture) for picture in pictures], 180):
            refuse(hint, inputs=shown)
    refuse("the directions are off. Try a picture at 90° and one at 2° by itself: which pixels speak, with which "
           "angle, and what happens to angles that differ by half a turn when they are averaged?", inputs=shown)


def _slopes(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slopes to the right and down, each (side, side)."""
    down, right = np.gradient(picture)
    return right, down


def _mean_slope(picture: np.ndarray) -> float:
    right, down = _slopes(picture)
    return float(np.degrees(np.arctan2(down.mean(), right.mean())))


def _mean_sizes(picture: np.ndarray) -> float:
    right, down = _slopes(picture)
    return float(np.degrees(np.arctan2(np.abs(down).mean(), np.abs(right).mean())))


def _steepest(picture: np.ndarray) -> float:
    right, down = _slopes(picture)
    at = np.hypot(right, down).argmax()
    return float(np.degrees(np.arctan2(down.flat[at], right.flat[at])))


def _unweighted(picture: np.ndarray) -> float:
    right, down = _slopes(picture)
    return float(np.degrees(np.angle(np.exp(2j * np.arctan2(down, right)).mean())) / 2)


def _median_angle(picture: np.ndarray) -> float:
    right, down = _slopes(picture)
    return float(np.degrees(np.median(np.arctan2(down, right) % np.pi)))


#: Whole methods that look right: hint -> degrees that they give for a picture.
_ANGLE_MISTAKES = {
    "this is the direction of the mean slope: the flanks of a stripe cancel each other, and what is left is the ground":
        _mean_slope,
    "this averages the sizes of the two slopes, which loses whether they go up or down together": _mean_sizes,
    "this trusts the one steepest pixel; let all pixels speak, the steep ones louder": _steepest,
    "every pixel speaks equally loudly, also those of the flat ground, whose direction means nothing": _unweighted,
    "the median of angles breaks where 0° meets 180°, and lets the flat ground speak": _median_angle,
}


@checker("paired_z", "only the pictures on which the two disagree speak")
def check_paired_z(answer: Any) -> None:
    r"""``answer(first_wrong, second_wrong)`` -> :math:`(b - c)/\sqrt{b + c}`, McNemar's statistic.

    :param answer: the student's function; both arguments are boolean arrays (n,) over the same pictures.
    :raises WrongAnswer: one line that says which mistake it looks like.
    """
    for seed in range(4):
        rng = np.random.default_rng(seed)
        hard = rng.random(400) < 0.25                                       # hard pictures are hard for both
        worse = rng.random(400) < np.where(hard, 0.8, 0.1)
        better = rng.random(400) < np.where(hard, 0.65, 0.04)
        first, second = (worse, better) if seed % 2 == 0 else (better, worse)
        right = _mcnemar(first, second)
        compare(call(answer, "paired_z", first, second), right, "paired_z", _paired_mistakes(first, second))
    agreed = np.repeat([False, True], 500)                                  # both right, both wrong
    longer = call(answer, "paired_z", np.concatenate([first, agreed]), np.concatenate([second, agreed]))
    compare(longer, right, "paired_z with a thousand pictures added on which both agree")
    compare(call(answer, "paired_z", agreed, agreed), 0.0, "paired_z of two that agree on every picture", {
        "no picture speaks for either: the difference is 0, without a division": np.inf})


def _mcnemar(first: np.ndarray, second: np.ndarray) -> float:
    """(b - c) / sqrt(b + c), counted one by one."""
    b = sum(x and not y for x, y in zip(first.tolist(), second.tolist(), strict=True))
    c = sum(y and not x for x, y in zip(first.tolist(), second.tolist(), strict=True))
    return float((b - c) / (b + c) ** 0.5)


def _paired_mistakes(first: np.ndarray, second: np.ndarray) -> dict[str, Any]:
    n, b, c = len(first), int((first & ~second).sum()), int((second & ~first).sum())
    right = (b - c) / (b + c) ** 0.5
    p1, p2 = first.mean(), second.mean()
    pooled, each = (p1 + p2) / 2, first.astype(float) - second
    return {
        "this is the unpaired test of the lecture: pictures on which both agree must not count":
            (p1 - p2) / np.sqrt(2 * pooled * (1 - pooled) / n),
        "this is an unpaired test, with the two variances added: pictures on which both agree must not count":
            (p1 - p2) / np.sqrt((p1 * (1 - p1) + p2 * (1 - p2)) / n),
        "it should be negative where the first makes fewer errors: an absolute value lost the sign":
            abs(right) if right < 0 else np.nan,
        "the sign is wrong: it is positive where the first makes more errors than the second": -right,
        "the root is missing: the difference of b + c coin tosses has variance b + c": (b - c) / (b + c),
        "divide by the standard deviation √(b + c), not by √n": (b - c) / n**0.5,
        "this is the square, a χ² with one degree of freedom; keep the sign": right**2,
        "this counts where both are wrong; only one of the two may be": (b - c) / (first.sum() + second.sum()) ** 0.5,
        "this takes the spread of the differences about their mean; under the assumption that both are equally good "
        "their mean is 0, so no mean is taken off": each.mean() / each.std() * n**0.5,
        "this takes the spread of the differences about their mean, with n − 1; under the assumption that both are "
        "equally good their mean is 0, so no mean is taken off": each.mean() / each.std(ddof=1) * n**0.5,
        "this has the continuity correction of some textbooks; leave the 1 out":
            np.sign(b - c) * (abs(b - c) - 1) / (b + c) ** 0.5,
    }
