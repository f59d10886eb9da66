"""What is wrong with an answer that no listed mistake explains, in words, without giving the right one away.

Each test is generic: it knows the answer and the right values, but nothing of the exercise.
A relative deviation is the most that is said about the right value.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import numpy as np

#: Constant factors worth a name, apart from the lengths of inputs.
FACTORS = {2.0: "twice too large: is there a factor 2 too many, or a ½ missing?",
           0.5: "half of what it should be: is there a factor 2 missing, or a ½ too many?",
           4.0: "four times too large", 0.25: "a quarter of what it should be",
           float(np.pi): "π times too large", float(1 / np.pi): "too small by a factor π"}
#: More characters than this are cut when inputs are shown.
LONGEST = 240


def of_numbers(got: np.ndarray, right: np.ndarray, lengths: dict[int, str] | None = None, *,
               rtol: float = 1e-5, atol: float = 1e-7) -> str:
    """Which general mistake turns the right values into these.

    :param got: what the answer gave, any shape.
    :param right: what is right; it differs from ``got``.
    :param lengths: length of an input -> its name, to recognise a sum for a mean.
    :param rtol: relative tolerance of a match.
    :param atol: absolute tolerance of a match.
    :returns: the rest of a sentence that begins with the exercise's name; it never holds a value of ``right``.
    """
    def same(a: np.ndarray, b: np.ndarray) -> bool:
        return a.shape == b.shape and np.allclose(a, b, rtol=rtol, atol=atol)

    values, right = got.astype(float), right.astype(float)
    if values.shape != right.shape:
        return _of_shape(values, right, same)
    if not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).sum())
        where = "" if values.ndim == 0 else f" in {bad} of {values.size} entries"
        return (f"is {'NaN' if np.isnan(values).any() else 'infinite'}{where}: look for a division by 0, a logarithm "
                "or root of a number below 0, arccos of one beyond 1, or an exponential that overflows")
    if np.issubdtype(got.dtype, np.integer) and not same(right, np.round(right)) \
            and (same(values, np.trunc(right)) or same(values, np.round(right)) or same(values, np.floor(right))):
        return "is right, but cut to whole numbers: an array or a division is of an integer type"
    return _of_values(values, right, lengths or {}, same)


def _of_shape(got: np.ndarray, right: np.ndarray, same: Callable[[np.ndarray, np.ndarray], bool]) -> str:
    wanted = f"has shape {got.shape}, but it should have shape {right.shape}"
    if got.ndim == 2 and same(got.T, right):
        return f"is transposed: it {wanted}"
    if got.size == right.size and same(got.reshape(right.shape), right):
        return f"{wanted}; the numbers are right"
    if right.ndim == 0 and got.size:
        if same(got.mean(), right):
            return f"{wanted}: take the mean of these"
        if same(got.sum(), right):
            return f"{wanted}: take the sum of these"
    if got.ndim == 0 and right.size:
        if same(got, right.mean()) or same(got, right.sum()):
            return f"{wanted}: the entries were {'averaged' if same(got, right.mean()) else 'added up'}"
    return wanted


def _of_values(got: np.ndarray, right: np.ndarray, lengths: dict[int, str],
               same: Callable[[np.ndarray, np.ndarray], bool]) -> str:
    """Same shape, all finite."""
    if same(got, np.zeros_like(got)):
        return "is 0 everywhere, which is not right" if got.ndim else "is 0, which is not right"
    if same(got, -right):
        return "has the opposite sign"
    if got.ndim == 2 and got.shape[0] == got.shape[1] and same(got, right.T):
        return "is transposed: rows and columns are exchanged"
    known = FACTORS | {float(n): f"too large by the factor {n}, the length of {key}: a sum where a mean was asked for?"
                       for n, key in lengths.items() if n > 2} | {
                      1 / n: f"too small by the factor {n}, the length of {key}: a mean where a sum was asked for, or "
                      "divided twice?" for n, key in lengths.items() if n > 2}
    for factor, said in known.items():
        if same(got, factor * right):
            return f"is {said}"
        if same(got, -factor * right):
            return f"has the opposite sign, and is {said}"
    with np.errstate(all="ignore"):
        for turned, said in ((right**2, "the square of what it should be"),
                             (np.sqrt(right), "the square root of what it should be"),
                             (1 / right, "upside down: one divided by what it should be"),
                             (np.exp(right), "the exponential of what it should be"),
                             (np.log(right), "the logarithm of what it should be")):
            if np.isfinite(turned).all() and same(got, turned):
                return f"is {said}"
    if got.size > 1:
        found = _of_entries(got, right, same)
        if found:
            return found
    return _how_far(got, right)


def _of_entries(got: np.ndarray, right: np.ndarray, same: Callable[[np.ndarray, np.ndarray], bool]) -> str:
    """What only arrays can get wrong; empty if nothing is recognised."""
    if same(np.abs(got), np.abs(right)):
        wrong = int((~np.isclose(got, right, rtol=1e-5, atol=1e-7)).sum())
        return f"has the wrong sign in {wrong} of {got.size} entries"
    if same(got, right[::-1]):
        return "runs backwards: the order is reversed"
    if same(np.sort(got, None), np.sort(right, None)):
        return "holds the right numbers in the wrong order"
    gap = got - right
    if same(gap, np.full_like(gap, gap.mean())):
        way, constant = ("large", "too much") if gap.mean() > 0 else ("small", "missing")
        return f"is too {way} by the same amount everywhere: is a constant {constant}?"
    where = right != 0
    ratio = got[where] / right[where]
    if ratio.size and same(got, right * ratio[0]):
        return f"points the right way, but is too {'long' if abs(ratio[0]) > 1 else 'short'} by one factor everywhere"
    fits = np.isclose(got, right, rtol=1e-5, atol=1e-7)
    if fits.any():
        first = tuple(int(i) for i in np.argwhere(~fits)[0])
        at = first[0] if len(first) == 1 else list(first)
        return (f"is right in {int(fits.sum())} of {fits.size} entries; the first that is not stands at {at}, "
                "counted from 0")
    return ""


def _how_far(got: np.ndarray, right: np.ndarray) -> str:
    """Direction and rough size of the deviation."""
    size = float(np.linalg.norm(right))
    if size == 0:
        return "is not 0, but it should be"
    share = float(np.linalg.norm(got - right)) / size
    if got.ndim or got.size > 1:
        return f"is off by {_amount(share, ' of')} its length; no usual mistake gives these numbers"
    if got * right < 0:
        return "has the wrong sign, and another size"
    way = "large" if abs(got) > abs(right) else "small"
    if way == "small" and share > 0.9:
        return "is much too small; no usual mistake gives this number"
    return f"is {_amount(share)} too {way}; no usual mistake gives this number"


def _amount(share: float, of: str = "") -> str:
    """One significant digit: a hint, not an answer."""
    return "more than ten times" if share >= 10 else f"about {float(f'{100 * share:.1g}'):g} %{of}"


def of_exception(error: Exception, answer: Any) -> str:
    """What an answer that raised did, and in which of its lines.

    :param error: what was raised.
    :param answer: the student's function; only its own lines are quoted.
    :returns: the rest of a sentence that begins with the exercise's name.
    """
    said = f"raised {type(error).__name__}: {' '.join(str(error).split())[:160]}"
    code = getattr(answer, "__code__", None)
    lines = [f for f in traceback.extract_tb(error.__traceback__) if code and f.filename == code.co_filename
             and f.name == code.co_name]
    if lines and lines[-1].lineno is not None and code is not None:
        said += f" (line {lines[-1].lineno - code.co_firstlineno + 1} of your function)"
    text = str(error)
    if isinstance(error, (ValueError, RuntimeError)) and any(
            word in text for word in ("matmul", "not aligned", "broadcast", "mismatch", "shapes cannot be multiplied")):
        said += (": two arrays do not fit; print their shapes. Is one transposed, or do the factors stand in the wrong "
                 "order?")
    if isinstance(error, RecursionError):
        said = "raised RecursionError: it calls itself too often for an input of this size; use a loop"
    return said


def short(value: Any) -> str:
    """A value for one line: numbers in full if there are few, otherwise the first and the shape.

    :param value: anything that goes into or comes out of an answer.
    :returns: text without line breaks, at most about a hundred characters.
    """
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    if isinstance(value, (bool, np.bool_, str)):
        return repr(value if isinstance(value, str) else bool(value))[:100]
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        return f"{float(value):.5g}"
    if isinstance(value, np.ndarray):
        return _short_array(value)
    if isinstance(value, (list, tuple)):
        return _short_sequence(value)
    if isinstance(value, dict):
        shown = ", ".join(f"{short(k)}: {short(v)}" for k, v in list(value.items())[:6])
        return "{" + shown + (f", … {len(value)} keys" if len(value) > 6 else "") + "}"
    if callable(value):
        return "a model" if hasattr(value, "parameters") else "a function"
    return " ".join(repr(value).split())[:100]


def _short_array(value: np.ndarray) -> str:
    if value.dtype == object or value.dtype.kind not in "biufc":
        return f"an array of {value.dtype} with shape {value.shape}"
    if value.size <= 8:
        with np.printoptions(precision=4, suppress=False, floatmode="maxprec", linewidth=1000):
            return " ".join(str(value).split()).replace("[ ", "[").replace(" ]", "]")
    few = ", ".join(f"{v:.3g}" for v in value.reshape(-1)[:3].tolist())
    return f"array {value.shape} [{few}, …]"


def _short_sequence(value: Any) -> str:
    ends = "[]" if isinstance(value, list) else "()"
    parts = ", ".join(short(v) for v in value[:6])
    return ends[0] + parts + (f", … {len(value)} in all" if len(value) > 6 else "") + ends[1]


def listed(inputs: dict[str, Any]) -> str:
    """Inputs for one line: ``m = [0.3 1.2], eta = 0.1``.

    :param inputs: name -> value.
    :returns: text without line breaks, cut after ``LONGEST`` characters.
    """
    text = ", ".join(f"{name} = {short(value)}" for name, value in inputs.items())
    return text if len(text) <= LONGEST else text[:LONGEST].rsplit(", ", 1)[0] + ", …"
