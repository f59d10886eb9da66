"""``claim()``: a statement of the lecture that the machine checks.

A claim that holds prints one line made of the *expected* value and its
tolerance, never of the noisy measurement: the line is then the same on every
machine and stored outputs can be compared to the letter.  A claim that fails
raises an AssertionError that shows what was measured.

>>> claim("slope after one step", 3.66667, near=11 / 3, tol=1e-4)
✓ slope after one step = 3.6667 (± 0.0001)

Where the measurement is reproducible it may stand beside its limit, rounded to
so many significant digits:

>>> claim("condition number", 12.2, above=5, show=2)
✓ condition number: 12 > 5

A rounded number is the same on every machine only if the measurement keeps its
distance from the points where the rounding jumps.  Breaking a run for that would
punish the reader, so such a claim prints as usual, and :func:`unstable` (and
``python -m dlhelpers audit``) tells the author.

Every call is remembered, see :func:`records`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Printed before the statement of a claim on a stored result.  A claim may be recomputed on a
#: machine that has the data, so who compares outputs reads ``RECORDED_MARK`` as ``PLAIN_MARK``.
RECORDED_MARK = "✓ recorded: "
PLAIN_MARK = "✓ "
#: A shown number is unstable if it lies within this part of a rounding unit of a rounding boundary.
MARGIN = 0.1

_held: dict[str, int] = {}
_records: list[Record] = []


@dataclass(frozen=True)
class Record:
    """One call of :func:`claim` that held: what was said, what was measured, how much room was left.

    ``measured`` is the scalar, or the entry nearest to its limit (for ``near``: farthest from its
    expectation), None for booleans and exact values.  ``slack`` is how many times the measurement
    could grow before the claim fails: limit over measured for ``below``, measured over limit for
    ``above`` (the tighter side if there are two), tolerance over deviation for ``near``; None where
    no ratio exists (a limit of 0, opposite signs, booleans, exact values).
    """

    statement: str
    kind: str  # "near", "bounds", "equal" or "boolean"
    measured: float | None = None
    limit: float | None = None
    tolerance: float | None = None
    slack: float | None = None
    loose: str | None = None
    recorded: bool = False
    source: str | None = None
    shown: str | None = None
    steady: bool = True  # the shown digits keep their distance from the rounding boundaries


def claim(statement: str, value: Any, *, near: Any = None, tol: float | None = None,
          below: float | None = None, above: float | None = None, equal: Any = None,
          source: str | None = None, loose: str | None = None, recorded: Any = False,
          show: int | None = None) -> None:
    """Assert a statement and print it.

    :param statement: what is claimed, in words.
    :param value: a number, array, tensor or boolean, any shape.  Without an expectation it
        must be boolean, and every entry must be True.
    :param near: expected value, scalar or of value's shape; |value - near| <= tol for every entry.
    :param tol: absolute tolerance, from theory or from the spread over seeds.
    :param below: strict upper bound for every entry, a finite number.
    :param above: strict lower bound for every entry, a finite number.
    :param equal: exact expected value: an integer, a string, a list, an integer array.
    :param source: who says so, printed in brackets.
    :param loose: why the room between measurement and limit is natural, for the audit; not printed.
    :param recorded: True, or the :class:`dlhelpers.runs.Run` it came from, if the value is a stored
        result that was not recomputed here; the line then begins with ``RECORDED_MARK``.
    :param show: print the measured number too, rounded to so many significant digits (1 to 6);
        for scalars with near, below or above.
    :raises AssertionError: if it does not hold; NaN and empty arrays never do.
    :raises TypeError: if nothing is expected, or the parts do not fit together.
    """
    if not isinstance(statement, str) or not statement.strip():
        raise TypeError(f"statement must be a sentence, got {statement!r}")
    if loose is not None and (not isinstance(loose, str) or not loose.strip()):
        raise TypeError(f"loose must say why the room is natural, got {loose!r}")
    stored = _is_recorded(recorded)
    below, above = _bound("below", below), _bound("above", above)
    _one_expectation(near, tol, below, above, equal)
    if equal is not None:
        kind, (holds, said) = "equal", _check_equal(value, equal)
    elif near is not None:
        kind, (holds, said) = "near", _check_near(value, near, tol)
    elif below is not None or above is not None:
        kind, (holds, said) = "bounds", _check_bounds(value, below, above)
    else:
        kind, (holds, said) = "boolean", _check_boolean(value)
    shown, steady = (None, True) if show is None else _rounded_measurement(value, show, kind)
    suffix = f"  [{source}]" if source else ""
    if not holds:
        raise AssertionError(f"✗ {statement}{said} does not hold: got {_shown(value)}{suffix}")
    if shown is not None:
        said, kept = _beside(shown, kind, said, below, above)
        steady = steady and kept
    measured, limit, slack = _room(value, near, tol, below, above)
    _held[statement] = _held.get(statement, 0) + 1
    _records.append(Record(statement, kind, measured, limit, None if tol is None else float(tol), slack,
                           loose, stored, source, shown, steady))
    print(f"{RECORDED_MARK if stored else PLAIN_MARK}{statement}{said}{suffix}")


def summary() -> None:
    """Print how many different statements have been checked in this session."""
    print(f"✓ {len(_held)} claims hold")


def records() -> list[Record]:
    """Every call that held since the start or the last :func:`reset`.

    :returns: the records in order, repeated statements included.
    """
    return list(_records)


def unstable() -> list[Record]:
    """The claims whose shown number may be another one on another machine.

    :returns: records whose measurement lies within ``MARGIN`` of a rounding unit of a point where
        the rounding jumps, or whose rounded number no longer keeps its own limit.
    """
    return [record for record in _records if not record.steady]


def reset() -> None:
    """Forget every claim (for tests and for the audit)."""
    _held.clear()
    _records.clear()


def _one_expectation(near: Any, tol: Any, below: Any, above: Any, equal: Any) -> None:
    if (near is None) != (tol is None):
        raise TypeError("near and tol belong together: give both")
    if near is not None and (below is not None or above is not None or equal is not None):
        raise TypeError("near excludes below, above and equal: state one expectation")
    if equal is not None and (below is not None or above is not None):
        raise TypeError("equal excludes below and above: state one expectation")


def _is_recorded(recorded: Any) -> bool:
    from dlhelpers.runs import Run

    if isinstance(recorded, Run):
        return True
    if not isinstance(recorded, (bool, np.bool_)):
        raise TypeError(f"recorded must be True, False or a recorded run, got {_shown(recorded)}")
    return bool(recorded)


def _bound(name: str, bound: Any) -> float | None:
    if bound is None:
        return None
    array = np.asarray(bound.detach().cpu().numpy() if hasattr(bound, "detach") else bound)
    if array.shape != () or array.dtype.kind not in "fiu":
        what = f"an array of shape {array.shape}" if array.shape != () else repr(bound)
        raise TypeError(f"{name} must be one number, got {what}"
                        " (for a bound a entry: claim(statement, value < bound))")
    if not math.isfinite(array):
        raise TypeError(f"{name} must be finite, got {float(array)}: such a bound claims nothing")
    return float(array)


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
    if hasattr(equal, "detach"):
        equal = equal.detach().cpu().numpy()
    if isinstance(equal, float) and not equal.is_integer():
        raise TypeError("equal is for exact values; a measured float needs near= and tol=")
    same = np.array_equal(np.asarray(value), np.asarray(equal)) and np.asarray(value).size > 0
    text = str(equal)
    return bool(same), f" = {text}" if len(text) <= 60 and "\n" not in text else " as expected"


def _room(value: Any, near: Any, tol: float | None, below: float | None,
          above: float | None) -> tuple[float | None, float | None, float | None]:
    """The entry nearest to its limit, that limit, and the slack (see :class:`Record`)."""
    if near is None and below is None and above is None:
        return None, None, None
    measured = _numbers(value).astype(float)
    if near is not None and tol is not None:
        expected = np.broadcast_to(_numbers(near).astype(float), measured.shape)
        worst = int(np.abs(measured - expected).argmax())
        got, wanted = float(measured.flat[worst]), float(expected.flat[worst])
        return got, wanted, _ratio(tol, abs(got - wanted))
    sides: list[tuple[float, float, float | None]] = []
    if below is not None:
        sides.append((float(measured.max()), below, _bound_slack(float(measured.max()), below)))
    if above is not None:
        sides.append((float(measured.min()), above, _bound_slack(-float(measured.min()), -above)))
    return min(sides, key=lambda side: math.inf if side[2] is None else side[2])


def _bound_slack(measured: float, below: float) -> float | None:
    """Room of measured < below; negative numbers are lower bounds turned round."""
    if below > 0 and measured >= 0:
        return _ratio(below, measured)
    return _ratio(measured, below) if below < 0 else None


def _ratio(over: float, under: float) -> float:
    return over / under if under else math.inf


def _rounded_measurement(value: Any, show: int, kind: str) -> tuple[str, bool]:
    """The measurement with ``show`` significant digits, and whether they are stable."""
    if isinstance(show, bool) or not isinstance(show, (int, np.integer)) or not 1 <= show <= 6:
        raise TypeError(f"show must be a number of significant digits from 1 to 6, got {show!r}")
    if kind not in ("near", "bounds"):
        raise TypeError("show needs near=, below= or above=: there is no measured number to show")
    measured = _numbers(value)
    if measured.shape != ():
        raise TypeError(f"show is for one number, value has shape {measured.shape}")
    number = float(measured)
    if number == 0 or not math.isfinite(number):
        return f"{number:.6g}", True
    text = f"{float(f'{number:.{show - 1}e}'):.6g}"
    unit = 10.0 ** (math.floor(math.log10(abs(number))) + 1 - show)
    return text, abs(abs(number) / unit % 1 - 0.5) > MARGIN


def _beside(shown: str, kind: str, said: str, below: float | None, above: float | None) -> tuple[str, bool]:
    """What is printed with a shown number, and whether the rounded number still keeps the limits."""
    if kind == "near":
        return f": {shown} ≈{said.removeprefix(' =')}", True
    number = float(shown)
    kept = (below is None or number < below) and (above is None or number > above)
    if below is not None and above is not None:
        return f": {above:.6g} < {shown} < {below:.6g}", kept
    return f": {shown}{said}", kept


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
