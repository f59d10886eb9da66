"""Argument checks that raise readable errors.

Every message names the argument, says what came, and says what is needed:

>>> positive(-0.1, "eta")
Traceback (most recent call last):
ValueError: eta must be a positive number, got -0.1
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable
from typing import Any

import numpy as np


def _shown(value: Any) -> str:
    """A short repr for error messages: an array is shown by its shape."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"an array of shape {tuple(value.shape)} and dtype {value.dtype}"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def number(value: Any, name: str) -> float:
    """A finite real number, as float.  Booleans and strings are refused.

    :param value: what came.
    :param name: what the caller calls it, for the message.
    :returns: the number; an array or tensor without axes counts as one.
    :raises TypeError: if it is no real number.
    :raises ValueError: if it is NaN or infinite.
    """
    if isinstance(value, (bool, np.bool_)) or not _is_real_scalar(value):
        raise TypeError(f"{name} must be a number, got {_shown(value)}")
    value = float(value)
    if not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number, got {value}")
    return value


def _is_real_scalar(value: Any) -> bool:
    if isinstance(value, numbers.Real):
        return True
    # 0-d arrays and tensors count as numbers when they hold a real one.
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        return isinstance(value.item(), numbers.Real) and not isinstance(value.item(), bool)
    return False


def positive(value: Any, name: str) -> float:
    """A finite number > 0.

    :param value: what came.
    :param name: what the caller calls it, for the message.
    :returns: the number, as float.
    :raises TypeError: if it is no real number.
    :raises ValueError: if it is zero, negative, NaN or infinite.
    """
    result = number(value, name)
    if result <= 0:
        raise ValueError(f"{name} must be a positive number, got {_shown(value)}")
    return result


def nonnegative(value: Any, name: str) -> float:
    """A finite number >= 0.

    :param value: what came.
    :param name: what the caller calls it, for the message.
    :returns: the number, as float.
    :raises TypeError: if it is no real number.
    :raises ValueError: if it is negative, NaN or infinite.
    """
    result = number(value, name)
    if result < 0:
        raise ValueError(f"{name} must be zero or a positive number, got {_shown(value)}")
    return result


def between(value: Any, name: str, low: float, high: float, *, closed: str = "both") -> float:
    """A number in the interval from ``low`` to ``high``.

    :param value: what came.
    :param name: what the caller calls it, for the message.
    :param low: lower end.
    :param high: upper end.
    :param closed: which ends belong to it: "both", "left", "right" or "neither".
    :returns: the number, as float.
    :raises TypeError: if it is no real number.
    :raises ValueError: if it lies outside.
    """
    result = number(value, name)
    left = result >= low if closed in ("both", "left") else result > low
    right = result <= high if closed in ("both", "right") else result < high
    if not (left and right):
        brackets = {"both": "[]", "left": "[)", "right": "(]", "neither": "()"}[closed]
        raise ValueError(
            f"{name} must lie in {brackets[0]}{low}, {high}{brackets[1]}, got {_shown(value)}"
        )
    return result


def integer(value: Any, name: str, *, at_least: int | None = None, at_most: int | None = None) -> int:
    """An integer, optionally bounded.  2.0 is refused: a count is not a measurement.

    :param value: what came.
    :param name: what the caller calls it, for the message.
    :param at_least: the smallest that is allowed; None for no limit.
    :param at_most: the largest that is allowed; None for no limit.
    :returns: the number, as int.
    :raises TypeError: if it is no integer.
    :raises ValueError: if it is out of bounds.
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be an integer, got {_shown(value)}")
    value = int(value)
    if at_least is not None and value < at_least:
        raise ValueError(f"{name} must be at least {at_least}, got {value}")
    if at_most is not None and value > at_most:
        raise ValueError(f"{name} must be at most {at_most}, got {value}")
    return value


def one_of(value: Any, name: str, choices: Iterable[Any]) -> Any:
    """One of a closed list of choices.

    :param value: what came.
    :param name: what the caller calls it, for the message.
    :param choices: what is allowed; 1 and True and 1.0 are told apart.
    :returns: the value.
    :raises ValueError: if it is none of them; the message lists them.
    """
    choices = list(choices)
    if not any(type(value) is type(choice) and value == choice for choice in choices):
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, got {_shown(value)}")
    return value


def instance(value: Any, name: str, types: type | tuple[type, ...]) -> Any:
    """An instance of one of ``types``.

    :param value: what came.
    :param name: what the caller calls it, for the message.
    :param types: a class, or a tuple of classes.
    :returns: the value.
    :raises TypeError: if it is something else.
    """
    if not isinstance(value, types):
        types = types if isinstance(types, tuple) else (types,)
        needed = " or ".join(t.__name__ for t in types)
        raise TypeError(f"{name} must be a {needed}, got {type(value).__name__}")
    return value


def function(value: Any, name: str) -> Any:
    """Something that can be called.

    :param value: what came.
    :param name: what the caller calls it, for the message.
    :returns: the value.
    :raises TypeError: if it cannot be called.
    """
    if not callable(value):
        raise TypeError(f"{name} must be a function, got {_shown(value)}")
    return value


def array(
    value: Any,
    name: str,
    *,
    ndim: int | None = None,
    shape: tuple[int | None, ...] | None = None,
    finite: bool = True,
) -> np.ndarray:
    """A non-empty real array, as float64 numpy (float32 stays float32).

    :param value: an array, nested lists, or a tensor on any device.
    :param name: what the caller calls it, for the message.
    :param ndim: how many axes it must have; None for any number.
    :param shape: the shape it must have; None stands for a free length, so that
        ``shape=(None, 2)`` is any list of points.
    :param finite: refuse NaN and infinity.
    :returns: the array, on the CPU.
    :raises TypeError: if it does not hold real numbers.
    :raises ValueError: if it is ragged, empty, of another shape, or not finite.
    """
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    try:
        result = np.asarray(value)
    except ValueError as error:  # ragged nested lists
        raise ValueError(f"{name} must be a rectangular array, got {_shown(value)}") from error
    if result.dtype.kind not in "fiu":
        raise TypeError(f"{name} must hold real numbers, got {_shown(value)}")
    if result.dtype != np.float32:
        result = result.astype(np.float64)
    check_shape(result, name, ndim=ndim, shape=shape)
    if finite and not np.isfinite(result).all():
        raise ValueError(f"{name} must be finite, but it holds NaN or infinity")
    return result


def check_shape(
    value: Any,
    name: str,
    *,
    ndim: int | None = None,
    shape: tuple[int | None, ...] | None = None,
) -> Any:
    """Refuse an empty array or tensor, or one of another shape.

    :param value: an array or tensor, or anything else with a ``shape``.
    :param name: what the caller calls it, for the message.
    :param ndim: how many axes it must have; None for any number.
    :param shape: the shape it must have, None standing for a free length.
    :returns: the value, unchanged.
    :raises ValueError: if it is empty or of another shape.
    """
    got = tuple(value.shape)
    if 0 in got:
        raise ValueError(f"{name} must not be empty, got shape {got}")
    if ndim is not None and len(got) != ndim:
        raise ValueError(f"{name} must have {ndim} dimension(s), got shape {got}")
    if shape is not None:
        fits = len(got) == len(shape) and all(n is None or n == g for n, g in zip(shape, got, strict=True))
        if not fits:
            needed = "(" + ", ".join("any" if n is None else str(n) for n in shape) + ")"
            raise ValueError(f"{name} must have shape {needed}, got {got}")
    return value


def tensor(value: Any, name: str, *, ndim: int | None = None,
           shape: tuple[int | None, ...] | None = None, floating: bool = True) -> Any:
    """A non-empty, finite torch tensor.

    :param value: what came.
    :param name: what the caller calls it, for the message.
    :param ndim: how many axes it must have; None for any number.
    :param shape: the shape it must have, None standing for a free length.
    :param floating: refuse integers and booleans.
    :returns: the tensor, unchanged.
    :raises TypeError: if it is no tensor, or of another kind of number.
    :raises ValueError: if it is empty, of another shape, or not finite.
    """
    import torch

    if not isinstance(value, torch.Tensor):
        raise TypeError(f"{name} must be a torch tensor, got {_shown(value)}")
    if floating and not value.is_floating_point():
        raise TypeError(f"{name} must hold floating-point numbers, got dtype {value.dtype}")
    check_shape(value, name, ndim=ndim, shape=shape)
    if value.is_floating_point() and not bool(torch.isfinite(value).all()):
        raise ValueError(f"{name} must be finite, but it holds NaN or infinity")
    return value


def labels(value: Any, name: str, *, K: int | None = None) -> np.ndarray:
    """Class labels, the whole numbers 0, 1, ..., K-1.

    :param value: one label a sample, (n,); floats are taken if they are whole.
    :param name: what the caller calls it, for the message.
    :param K: how many classes there are; None for any number.
    :returns: int64, (n,).
    :raises TypeError: if it does not hold numbers.
    :raises ValueError: if it has another number of axes, or a label is out of range.
    """
    found = array(value, name, ndim=1)
    if (found != np.round(found)).any() or found.min() < 0 or (K is not None and found.max() >= K):
        raise ValueError(f"{name} must hold whole-number labels 0..{'K-1' if K is None else K - 1}, "
                         f"got values from {found.min():g} to {found.max():g}")
    return found.astype(np.int64)


def labelled(X: Any, y: Any, *, K: int | None = None, signs: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Points and one label for each.

    :param X: points, (n, d).
    :param y: labels, (n,): 0, 1, ..., K-1, or -1 and +1.
    :param K: how many classes there are; None for any number.
    :param signs: labels are -1 and +1.
    :returns: the points (n, d), and the labels (n,) as int64.
    :raises TypeError: if one does not hold numbers.
    :raises ValueError: if their shapes do not fit or a label is none of those.
    """
    X = array(X, "X", ndim=2)
    if signs:
        found = array(y, "y", shape=(len(X),))
        if not np.isin(found, (-1.0, 1.0)).all():
            raise ValueError(f"y must hold only -1 and +1, got {sorted(set(found.tolist()))[:5]}")
        return X, found.astype(np.int64)
    found = labels(y, "y", K=K)
    if len(found) != len(X):
        raise ValueError(f"y must have one label for each of the {len(X)} rows of X, got {len(found)}")
    return X, found
