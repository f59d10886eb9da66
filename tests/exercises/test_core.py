"""What checkers share: one line, inputs named, the right value kept back, general mistakes recognised."""

from __future__ import annotations

import importlib.util

import nbformat
import numpy as np
import pytest
import torch
from browser_tools import require
from exercise_tools import assert_one_line, shown

from dlhelpers.exercises import core, diagnosis


@core.checker("scale", "it scales")
def check_scale(answer):
    """``scale(x, a)``: a times x."""
    x = np.array([1.5, -2.25, 4.0])
    core.compare(core.call(answer, "scale", x, 3.0), 3.0 * x, "scale", {"a is missing": x})


def said(answer, check=check_scale) -> str:
    with pytest.raises(core.WrongAnswer) as caught:
        check(answer)
    assert_one_line(shown(check, answer))
    return str(caught.value)


def test_the_line_names_the_mistake_the_inputs_and_what_came_back(capsys):
    check_scale(lambda x, a: a * x)
    assert capsys.readouterr().out == "✓ scale: it scales\n"
    assert said(lambda x, a: 1 * x) == ("scale: a is missing. Tried on x = [1.5 -2.25 4.], a = 3; your answer gave "
                                        "[1.5 -2.25 4.]")


def test_the_expected_value_is_never_shown():
    line = said(lambda x, a: np.array([0.5, 7.0, 0.2]))
    assert "off by about" in line and not any(v in line for v in ("4.5", "6.75", "12"))


@pytest.mark.parametrize("answer, words", [
    (lambda x, a: 1 / 0 * x, r"scale raised ZeroDivisionError: division by zero \(line 1 of your function\)"),
    (lambda x, a: x @ np.ones((2, 2)), "two arrays do not fit"),
    (lambda x, a: None, "returned None"), (lambda x, a: "four", "should return numbers"),
    (lambda x, a: [1, [2, 3]], "should return numbers"), (lambda x: x, "raised TypeError"), (3, "should be a function"),
    (None, "not implemented yet"), (..., "not implemented yet"), (lambda x, a: x.__imul__(a), "in place"),
])
def test_answers_that_are_no_numbers_get_one_line_too(answer, words):
    with pytest.raises(core.WrongAnswer, match=words):
        check_scale(answer)
    assert_one_line(shown(check_scale, answer))


def test_what_the_checker_cannot_read_is_one_line():
    @core.checker("pair", "two")
    def check(answer):
        first, _ = core.call(answer, "pair")
        core.compare(first, 1, "pair")

    assert "another form" in said(lambda: 5, check)


def test_a_bare_assertion_in_a_checker_becomes_one_line():
    @core.checker("even", "yes")
    def check(answer):
        if core.call(answer, "even", 3) != 4:
            raise AssertionError("it is odd")

    assert said(lambda n: n, check) == "it is odd. Tried on n = 3; your answer gave 3"


def test_warnings_of_an_answer_do_not_stand_beside_the_line():
    assert "NaN" in said(lambda x, a: np.sqrt(x) * a)
    assert not core.warned("invalid"), "outside of a checker nothing is remembered"


def test_nothing_of_one_check_is_left_for_the_next():
    with pytest.raises(core.WrongAnswer):
        check_scale(lambda x, a: x)
    with pytest.raises(core.WrongAnswer) as caught:
        core.refuse("no")
    assert str(caught.value) == "no"


X = np.array([[0.5, -1.2, 3.0], [2.0, 0.7, -0.4]])
SQUARE = np.array([[0.5, -1.2], [3.0, 0.7]])


@pytest.mark.parametrize("got, right, words", [
    (-X, X, "opposite sign"), (2 * X, X, "twice too large"), (X / 2, X, "half of what"),
    (-2 * X, X, "opposite sign, and is twice"),
    (12 * X, X, "factor 12, the length of data: a sum where a mean"),
    (X / 12, X, "factor 12, the length of data: a mean"),
    (X.T, X, "transposed"), (SQUARE.T, SQUARE, "transposed"), (X.reshape(-1), X, "numbers are right"),
    (X[:1], X, "should have shape"),
    (X, X.mean(), "take the mean"), (X, X.sum(), "take the sum"), (X.mean(), X, "averaged"), (X.sum(), X, "added up"),
    (X**2, X, "the square of"), (np.abs(X) ** 0.5, np.abs(X), "the square root of"), (1 / X, X, "upside down"),
    (np.exp(X), X, "exponential"), (np.log(np.abs(X)), np.abs(X), "logarithm"), (np.abs(X), X, "wrong sign in 2 of 6"),
    (X[::-1], X, "reversed"), (X[:, ::-1], X, "wrong order"), (X + 0.3, X, "too large by the same amount"),
    (X - 0.3, X, "too small by the same amount"), (1.7 * X, X, "too long by one factor"), (0 * X, X, "is 0 everywhere"),
    (np.trunc(X).astype(int), X, "whole numbers"), (X * np.nan, X, "NaN in 6 of 6"),
    (np.array(np.inf), np.array(1.0), "infinite"),
    (np.where(X == X[1, 2], 9.0, X), X, r"right in 5 of 6 entries; the first that is not stands at \[1, 2\]"),
    (np.array(1.03), np.array(1.0), "about 3 % too large"), (np.array(0.7), np.array(1.0), "about 30 % too small"),
    (np.array(-0.7), np.array(1.0), "wrong sign, and another size"), (np.array(0.7), np.array(0.0), "is not 0"),
    (np.array(1e6), np.array(1.0), "more than ten times"),
])
def test_general_mistakes(got, right, words):
    line = "it " + diagnosis.of_numbers(np.asarray(got), np.asarray(right), {12: "data"})
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(line)


@pytest.mark.parametrize("value, text", [
    (0.1234567, "0.12346"), (3, "3"), (True, "True"), ("a\nb", "'a\\nb'"), (np.arange(3.0), "[0. 1. 2.]"),
    (np.arange(30.0).reshape(5, 6), "array (5, 6) [0, 1, 2, …]"), (torch.ones(2), "[1. 1.]"), (len, "a function"),
    (torch.nn.Linear(2, 2), "a model"), ([1, 2], "[1, 2]"), ((1, 2.5), "(1, 2.5)"),
    (list(range(9)), "[0, 1, 2, 3, 4, 5, … 9 in all]"),
    ({"a": [1]}, "{'a': [1]}"), (np.array(["x"]), "an array of <U1 with shape (1,)"),
])
def test_values_are_shown_short_and_in_one_line(value, text):
    assert diagnosis.short(value) == text


def test_a_long_list_of_inputs_is_cut():
    text = diagnosis.listed({f"name {i}": np.arange(8.0) for i in range(40)})
    assert len(text) < 250 and text.endswith(", …") and "\n" not in text


def test_a_wrong_answer_is_one_line_in_a_kernel_and_scores_nothing():
    require(importlib.util.find_spec("nbgrader"), "nbgrader is not installed: pip install -e '.[instructor]'")
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError
    from nbgrader.utils import determine_grade
    from nbgrader.validator import Validator  # noqa: F401  (nbgrader is whole)

    source = ("from dlhelpers.exercises import descent\n\n"
              "def worst_slope(beta, distance, T):\n    return beta * distance / T")
    graded = {"grade": True, "points": 3, "grade_id": "check-1", "solution": False, "locked": True, "schema_version": 3}
    cells = [nbformat.v4.new_code_cell(source),
             nbformat.v4.new_code_cell("descent.check_worst_slope(worst_slope)", metadata={"nbgrader": graded})]
    notebook = nbformat.v4.new_notebook(cells=cells)
    with pytest.raises(CellExecutionError):
        NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    output, = notebook.cells[1].outputs
    assert output.output_type == "error" and output.ename == "WrongAnswer"
    assert len(output.traceback) == 1 and "\n" not in output.traceback[0]
    assert "no gap is left" in output.traceback[0] and "compare(" not in output.traceback[0]
    assert determine_grade(notebook.cells[1], None)[:2] == (0, 3)
