"""What all checkers share: call an answer safely, compare it, name the mistake in one line.

A checker runs the student's function on fresh inputs against an independent oracle.
If it is right it prints one line with a ✓.  Otherwise it raises :class:`WrongAnswer`, an
AssertionError that a notebook shows as one line: the mistake that this looks like, the
inputs, and what the answer gave for them.  Neither the expected value nor the checker's
source is shown.  nbgrader scores it as it scores any exception.

Authors need four functions: ``checker`` decorates, ``call`` runs the answer, ``compare``
judges numbers, ``refuse`` says what no comparison says.
"""

from __future__ import annotations

import copy
import functools
import inspect
import warnings
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np

from dlhelpers.exercises import diagnosis


class WrongAnswer(AssertionError):
    """A wrong or missing answer: one line in a notebook, without a traceback.

    :param hint: which mistake this looks like, a sentence that teaches.
    :param tried: the inputs that it was tried on, and what the answer gave; may be empty.
    """

    def __init__(self, hint: str, tried: str = "") -> None:
        self.hint, self.tried = _one_line(hint), _one_line(tried)
        stop = "" if self.hint.endswith(("?", "!")) else "."
        super().__init__(f"{self.hint.rstrip('.')}{stop} {self.tried}" if self.tried else self.hint)

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback."""
        return [f"✗ {self}"]


@dataclass
class _Trial:
    """The last call of an answer: its inputs by name, what came back, what numpy warned of."""

    inputs: dict[str, Any] = field(default_factory=dict)
    result: Any = None
    answered: bool = False
    warned: list[str] = field(default_factory=list)


_trial: ContextVar[_Trial | None] = ContextVar("trial", default=None)


def checker(name: str, praise: str) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
    """Decorate ``check(answer)``: blanks are named, success prints ``praise``, failure is one line.

    :param name: what the student was asked to write, for the messages.
    :param praise: what a right answer has shown, in a few words.
    :returns: a decorator; the decorated check returns None or raises :class:`WrongAnswer`.
    """
    def decorate(check: Callable[[Any], None]) -> Callable[[Any], None]:
        @functools.wraps(check)
        def checked(answer: Any) -> None:
            if answer is None or answer is Ellipsis:
                raise WrongAnswer(f"{name} is not implemented yet: replace the placeholder in the cell above")
            token = _trial.set(None)
            try:
                check(answer)
            except NotImplementedError:
                raise WrongAnswer(f"{name} is not implemented yet: write it in the cell above") from None
            except WrongAnswer:
                raise
            except AssertionError as error:
                raise WrongAnswer(str(error), _tried()) from error
            except (TypeError, ValueError, IndexError, AttributeError, KeyError) as error:
                # The checker could not read what came back: a string, a ragged list, a tuple too short.
                raise WrongAnswer(f"{name} returned something of another form than was asked for", _tried()) from error
            finally:
                _trial.reset(token)
            print(f"✓ {name}: {praise}")
        return checked
    return decorate


def call(answer: Any, name: str, *arguments: Any, if_none: str | None = None) -> Any:
    """The answer's result on copies of ``arguments``; it must return something and leave them unchanged.

    :param answer: the student's function.
    :param name: how the messages call it.
    :param arguments: what it is called with; messages show them under the names of its parameters.
    :param if_none: the hint for an answer that returns None; default: the return statement is missing.
    :returns: what the answer returned.
    :raises WrongAnswer: if it is no function, raises, returns None or changes an array that it was given.
    """
    trial = _Trial()
    _trial.set(trial)
    if not callable(answer):
        raise WrongAnswer(f"{name} should be a function, but it is a {type(answer).__name__}")
    given = copy.deepcopy(arguments)
    trial.inputs = dict(zip(_parameter_names(answer, len(arguments)), arguments, strict=True))
    try:
        # A warning would stand beside the one line that is meant to be read.
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = answer(*given)
    except NotImplementedError:
        raise
    except Exception as error:
        raise WrongAnswer(f"{name} {diagnosis.of_exception(error, answer)}", _tried()) from error
    trial.warned = [str(w.message) for w in caught]
    for before, after in zip(arguments, given, strict=True):
        if _is_array(before) and not np.array_equal(to_numpy(before), to_numpy(after)):
            raise WrongAnswer(f"{name} changed its input in place: work on a copy, or make a new array "
                              "(w = w - step, not w -= step)", _tried())
    if result is None:
        raise WrongAnswer(if_none or f"{name} returned None: is the return statement missing?", _tried())
    trial.result, trial.answered = result, True
    return result


def warned(word: str) -> bool:
    """Whether the last :func:`call` made numpy or the answer warn of ``word``.

    :param word: part of the warning's message, such as "overflow".
    :returns: True if a warning held it.
    """
    trial = _trial.get()
    return trial is not None and any(word in message for message in trial.warned)


def refuse(hint: str, *, inputs: dict[str, Any] | None = None) -> NoReturn:
    """Reject the answer, with the inputs of the last :func:`call` and what it gave.

    :param hint: which mistake this looks like; never the expected value.
    :param inputs: name -> value to show in place of the inputs of the last call.
    :raises WrongAnswer: always.
    """
    raise WrongAnswer(hint, _tried(inputs))


def compare(got: Any, right: Any, name: str, mistakes: dict[str, Any] | None = None, *, rtol: float = 1e-5,
            atol: float = 1e-7, inputs: dict[str, Any] | None = None) -> None:
    """Accept numbers that are right; refuse others with the hint of the mistake that gives them.

    If none of the listed mistakes gives them, :mod:`dlhelpers.exercises.diagnosis` looks for a general one:
    sign, factor, transposed, squared, sum for mean, order, whole numbers.  Failing that, the message says in
    which direction and by about how much the answer is off.

    :param got: what the answer gave, a number or an array.
    :param right: what is right, of the same shape.
    :param name: what is compared, for the message.
    :param mistakes: hint -> the value that this mistake produces, of whatever shape; the first match counts.
        A value that is not finite never matches: use NaN where a mistake makes no difference.
    :param rtol: relative tolerance, as for ``numpy.allclose``.
    :param atol: absolute tolerance, likewise.
    :param inputs: name -> value to show in place of the inputs of the last call.
    :raises WrongAnswer: if it is not right.
    """
    try:
        got_array = to_numpy(got)
        values = got_array.astype(float)
    except (TypeError, ValueError, AttributeError):
        refuse(f"{name} should return numbers", inputs=inputs)
    expected = to_numpy(right).astype(float)
    if values.shape == expected.shape and np.allclose(values, expected, rtol=rtol, atol=atol):
        return
    for hint, mistake in (mistakes or {}).items():
        wrong = to_numpy(mistake).astype(float)
        if (wrong.shape == values.shape and np.isfinite(wrong).all()
                and np.allclose(values, wrong, rtol=rtol, atol=atol)):
            refuse(f"{name}: {hint}", inputs=inputs)
    trial = _trial.get() or _Trial()
    lengths = {len(v): key for key, v in trial.inputs.items() if _is_array(v) and np.ndim(to_numpy(v))}
    refuse(f"{name} {diagnosis.of_numbers(got_array, expected, lengths, rtol=rtol, atol=atol)}", inputs=inputs)


def to_numpy(value: Any) -> np.ndarray:
    """A tensor, number, list or array as an array.

    :param value: what a student may return; a tensor may live on any device.
    :returns: a numpy array with the same shape.
    """
    return value.detach().cpu().numpy() if hasattr(value, "detach") else np.asarray(value)


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) or hasattr(value, "detach")


def _tried(inputs: dict[str, Any] | None = None) -> str:
    """One sentence: the inputs, and what the answer gave."""
    trial = _trial.get() or _Trial()
    shown = diagnosis.listed(trial.inputs if inputs is None else inputs)
    gave = f"your answer gave {diagnosis.short(trial.result)}" if trial.answered else ""
    return "; ".join(part for part in (f"Tried on {shown}" if shown else "", gave) if part)


def _parameter_names(answer: Callable[..., Any], count: int) -> list[str]:
    try:
        parameters = inspect.signature(answer).parameters.values()
        names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    except (TypeError, ValueError):
        names = []
    return names[:count] + [f"argument {i + 1}" for i in range(len(names[:count]), count)]


def _one_line(text: str) -> str:
    return " ".join(text.split())
