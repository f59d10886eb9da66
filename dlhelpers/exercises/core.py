"""What all checkers share: call an answer safely, compare it, name the mistake.

A checker runs the student's function on fresh inputs against an independent
oracle.  If it is right it prints one line; otherwise it raises an AssertionError
whose sentence says which mistake this looks like, so that nbgrader scores it too.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

import numpy as np


def checker(name: str, praise: str) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
    """Decorate ``check(answer)``: blanks are named, success prints ``praise``.

    :param name: what the student was asked to write, for the messages.
    :param praise: what a right answer has shown, in a few words.
    """
    def decorate(check: Callable[[Any], None]) -> Callable[[Any], None]:
        @functools.wraps(check)
        def checked(answer: Any) -> None:
            if answer is None or answer is Ellipsis:
                raise AssertionError(f"{name} is not implemented yet: replace the placeholder in the cell above")
            try:
                check(answer)
            except NotImplementedError:
                raise AssertionError(f"{name} is not implemented yet: write it in the cell above") from None
            print(f"✓ {name}: {praise}")
        return checked
    return decorate


def call(answer: Any, name: str, *arguments: Any) -> Any:
    """The answer's result on copies of ``arguments``; inputs must come back unchanged."""
    if not callable(answer):
        raise AssertionError(f"{name} should be a function, but it is a {type(answer).__name__}")
    given = copy.deepcopy(arguments)
    try:
        result = answer(*given)
    except NotImplementedError:
        raise
    except Exception as error:
        raise AssertionError(f"{name} raised {type(error).__name__}: {error}") from error
    for before, after in zip(arguments, given):
        if _is_array(before) and not np.array_equal(_numpy(before), _numpy(after)):
            raise AssertionError(f"{name} changed its input in place: work on a copy, or make a new array "
                                 "(w = w - step, not w -= step)")
    if result is None:
        raise AssertionError(f"{name} returned None: is the return statement missing?")
    return result


def compare(got: Any, right: Any, name: str, mistakes: dict[str, Any] | None = None, *,
            rtol: float = 1e-5, atol: float = 1e-7) -> None:
    """Raise with the hint whose wrong value ``got`` equals; else with both values.

    :param mistakes: hint -> the value that this mistake produces.
    """
    try:
        got_array = _numpy(got).astype(float)
    except (TypeError, ValueError):
        raise AssertionError(f"{name} should return numbers, but it returned {got!r:.80}") from None
    right_array = _numpy(right).astype(float)
    if got_array.shape != right_array.shape:
        raise AssertionError(f"{name} has shape {got_array.shape}, but it should have shape {right_array.shape}")
    if np.allclose(got_array, right_array, rtol=rtol, atol=atol):
        return
    for hint, wrong in (mistakes or {}).items():
        wrong = _numpy(wrong).astype(float)
        if wrong.shape == got_array.shape and np.allclose(got_array, wrong, rtol=rtol, atol=atol):
            raise AssertionError(f"{name}: {hint}")
    raise AssertionError(f"{name} gives {_short(got_array)}, expected {_short(right_array)}")


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) or hasattr(value, "detach")


def _numpy(value: Any) -> np.ndarray:
    return value.detach().cpu().numpy() if hasattr(value, "detach") else np.asarray(value)


def _short(values: np.ndarray) -> str:
    return np.array2string(values, precision=5, threshold=6, edgeitems=2)
