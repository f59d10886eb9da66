"""For the tests of exercises: the reference answers, as the instructor's notebook holds them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest

FOLDER = Path(__file__).resolve().parent.parent / "notebooks" / "exercises" / "solutions"


def reference(notebook: str) -> dict[str, Any]:
    """All names that the set-up and answer cells of an exercise notebook define."""
    import matplotlib

    matplotlib.use("Agg")
    names: dict[str, Any] = {}
    for cell in nbformat.read(FOLDER / f"{notebook}.ipynb", as_version=4).cells:
        if cell.cell_type == "code" and "check" not in cell.metadata.get("tags", []):
            exec(compile(cell.source, f"{notebook}:{cell.id}", "exec"), names)
    return names


def blank(*_: Any, **__: Any) -> Any:
    """What the student version holds before it is filled in."""
    raise NotImplementedError


def assert_exercise(check: Any, right: Any, wrong: dict[str, Any]) -> None:
    """The reference passes, the blank is named, each wrong answer gets its own hint.

    :param wrong: a piece of the hint -> an answer that must draw it; at least two.
    """
    check(right)
    with pytest.raises(AssertionError, match="not implemented yet"):
        check(blank)
    assert len(wrong) >= 2, "prove at least two plausible wrong answers"
    seen = set()
    for hint, answer in wrong.items():
        with pytest.raises(AssertionError, match=hint) as caught:
            check(answer)
        seen.add(str(caught.value))
    assert len(seen) == len(wrong), "different mistakes must draw different hints"
