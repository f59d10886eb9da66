"""For the tests of exercises: the reference answers, and what a student sees of a wrong one."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

from dlhelpers.exercises.core import WrongAnswer

FOLDER = Path(__file__).resolve().parent.parent / "notebooks" / "exercises" / "solutions"
#: Source lines of solutions; filled by ``reference``, so that no message may quote them.
SOLUTIONS: set[str] = set()


def reference(notebook: str) -> dict[str, Any]:
    """All names that the set-up and answer cells of an exercise notebook define."""
    import matplotlib

    matplotlib.use("Agg")
    names: dict[str, Any] = {}
    for cell in nbformat.read(FOLDER / f"{notebook}.ipynb", as_version=4).cells:
        if cell.cell_type == "code" and "check" not in cell.metadata.get("tags", []):
            exec(compile(cell.source, f"{notebook}:{cell.id}", "exec"), names)
            if "### BEGIN SOLUTION" in cell.source:
                SOLUTIONS.update(returned(cell.source))
    return names


def returned(source: str) -> set[str]:
    """The expressions that a cell's functions return, without blanks; names and numbers alone are no secret."""
    found = {ast.unparse(node.value) for node in ast.walk(ast.parse(source))
             if isinstance(node, ast.Return) and node.value is not None}
    return {"".join(text.split()) for text in found if len(text) > 12}


def blank(*_: Any, **__: Any) -> Any:
    """What the student version holds before it is filled in."""
    raise NotImplementedError


@functools.cache
def shell() -> Any:
    """A real IPython, without a history file."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    return InteractiveShell(config=Config({"HistoryManager": {"enabled": False},
                                           "InteractiveShell": {"colors": "nocolor"}}))


def shown(check: Any, answer: Any) -> str:
    """Everything that IPython prints when the check cell is run with this answer."""
    from IPython.utils.capture import capture_output

    ip = shell()
    ip.user_ns.update(check=check, answer=answer)
    with capture_output() as captured:
        ip.run_cell("check(answer)", store_history=False)
    return captured.stdout + captured.stderr


def assert_one_line(text: str) -> None:
    """One line, marked as wrong, with neither a traceback nor a returned expression of any solution."""
    lines = text.strip("\n").split("\n")
    assert len(lines) == 1, text
    assert lines[0].startswith("✗ ") and len(lines[0]) < 700, text
    assert "Traceback" not in text and "compare(" not in text and "expected" not in text, text
    bare = "".join(text.split())
    assert not [solution for solution in SOLUTIONS if solution in bare], text


def assert_exercise(check: Any, right: Any, wrong: dict[str, Any]) -> None:
    """The reference passes, the blank is named, each wrong answer gets its own hint, in one line.

    :param wrong: a piece of the hint -> an answer that must draw it; at least two.
    """
    check(right)
    assert_one_line(shown(check, blank))
    with pytest.raises(WrongAnswer, match="not implemented yet"):
        check(blank)
    assert len(wrong) >= 2, "prove at least two plausible wrong answers"
    seen = set()
    for hint, answer in wrong.items():
        with pytest.raises(WrongAnswer) as caught:
            check(answer)
        assert re.search(hint, caught.value.hint), f"{caught.value.hint!r} does not say {hint!r}"
        assert_one_line(shown(check, answer))
        seen.add(caught.value.hint)
    assert len(seen) == len(wrong), "different mistakes must draw different hints"
