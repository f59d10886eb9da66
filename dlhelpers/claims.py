"""``claim()``: a statement of the lecture that the machine checks.

A claim that holds prints one line made of the *expected* value and its
tolerance, never of the noisy measurement: the line is then the same on every
machine and stored outputs can be compared to the letter.  A claim that fails
raises an AssertionError that shows what was measured.

>>> claim("slope after one step", 3.66667, near=11 / 3, tol=1e-4)
✓ slope after one step = 3.6667 (± 0.0001)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_held: dict[str, int] = {}


def claim(statement: str, value: Any, *, near: Any = None, tol: float | None = None,
          below: float | None = None, above: float | None = None, equal: Any = None,
          source: str | None = None) -> None:
    """Assert a statement and print it.

    :param statement: what is claimed, in words.
    :param value: a number, array, tensor or boolean.  Without an expectation it
        must be boolean, and every entry must be True.
    :param near: expected value, |value - near| <= tol for every entry.
    :param tol: absolute tolerance, from theory or from the spread over seeds.
    :param below: strict upper bound for every entry.
    :param above: strict lower bound for every entry.
    :param equal: exact expected value: an integer, a string, a list, an integer array.
    :param source: who says so, printed in brackets.
    :raises AssertionError: if it does not hold; NaN and empty arrays never do.
    :raises TypeError: if nothing is expected, or the parts do not fit together.
    """
    if not isinstance(statement, str) or not statement.strip():
        raise TypeError(f"statement must be a sentence, got {statement!r}")
    if (near is None) != (tol is None):
        raise TypeError("near and tol belong together: give both")
    if near is not None and (below is not None or above is not None or equal is not None):
        raise TypeError("near excludes below, above and equal: state one expectation")
    if equal is not None:
        if below is not None or above is not None:
            raise TypeError("equal excludes below and above: state one expectation")
        holds, said = _check_equal(value, equal)
    elif near is not None:
        holds, said = _check_near(value, near, tol)
    elif below is not None or above is not None:
        holds, said = _check_bounds(value, below, above)
    else:
        holds, said = _check_boolean(value)
    suffix = f"  [{source}]" if source else ""
    if not holds:
        raise AssertionError(f"✗ {statement}{said} does not hold: got {_shown(value)}{suffix}")
    _held[statement] = _held.get(statement, 0) + 1
    print(f"✓ {statement}{said}{suffix}")


def summary() -> None:
    """Print how many different statements have been checked in this session."""
    print(f"✓ {len(_held)} claims hold")


def _numbers(value: Any) -> np.ndarray:
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    result = np.asarray(value)
    if result.dtype.kind not in "fiub":
        raise TypeError(f"value must be numeric, got {_shown(value)}")
    return result


def _check_boolean(value: Any) -> tuple[bool, str]:
    result = _numbers(value)
    if result.dtype.kind != "b":
        raise TypeError("a claim needs an expectation: near=, below=, above=, equal=, or a boolean value")
    return result.size > 0 and bool(result.all()), ""


def _check_near(value: Any, near: Any, tol: float | None) -> tuple[bool, str]:
    if isinstance(tol, bool) or not (isinstance(tol, (int, float, np.number)) and math.isfinite(tol) and tol > 0):
        raise TypeError(f"tol must be a positive number, got {tol!r} (use equal= for exact values)")
    measured, expected = _numbers(value), _numbers(near)
    if not np.isfinite(expected).all():
        raise TypeError("near must be finite")
    if expected.shape not in ((), measured.shape):
        raise TypeError(f"near has shape {expected.shape}, value has {measured.shape}: no broadcasting here")
    holds = measured.size > 0 and bool((np.abs(measured.astype(float) - expected) <= tol).all())
    return holds, f" = {_rounded(expected, tol)} (± {tol:.2g})"


def _check_bounds(value: Any, below: float | None, above: float | None) -> tuple[bool, str]:
    measured = _numbers(value)
    holds = measured.size > 0 and bool(np.isfinite(measured).all())
    said = ""
    if above is not None:
        holds, said = holds and bool((measured > above).all()), said + f" > {above:.6g}"
    if below is not None:
        holds, said = holds and bool((measured < below).all()), said + f" < {below:.6g}"
    return holds, said


def _check_equal(value: Any, equal: Any) -> tuple[bool, str]:
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    if isinstance(equal, float) and not equal.is_integer():
        raise TypeError("equal is for exact values; a measured float needs near= and tol=")
    same = np.array_equal(np.asarray(value), np.asarray(equal)) and np.asarray(value).size > 0
    text = str(equal)
    return bool(same), f" = {text}" if len(text) <= 60 and "\n" not in text else " as expected"


def _rounded(expected: np.ndarray, tol: float) -> str:
    """The expected value with as many digits as the tolerance deserves."""
    digits = max(0, -math.floor(math.log10(tol)))
    if expected.ndim == 0:
        return f"{float(expected):.{digits}f}" if digits <= 8 else f"{float(expected):.9g}"
    if expected.size <= 6:
        return "[" + ", ".join(_rounded(np.asarray(e), tol) for e in expected.ravel()) + "]"
    return f"the expected array of shape {expected.shape}"


def _shown(value: Any) -> str:
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray) and value.size > 6:
        kind = value.astype(float) if value.dtype.kind in "fiub" else None
        if kind is None:
            return f"an array of shape {value.shape}"
        return (f"an array of shape {value.shape} from {np.nanmin(kind):.6g} to {np.nanmax(kind):.6g}"
                f" with {int(np.isnan(kind).sum())} NaN")
    return repr(value.tolist() if isinstance(value, np.ndarray) else value)
