"""Which sections of a lecture are its core, and how many minutes they take.

A section begins with a Markdown cell that starts with ``## ``; its metadata say
``section = {"part": "core" | "further", "minutes": 7}``, and the heading of a further
section starts with ✦.  The title cell holds the line
``**Time** core 60 minutes, everything 85 minutes; 25 seconds to run.``
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

#: The plain estimate: minutes a code cell that is shown, words of Markdown a minute, minutes a figure.
A_CELL, WORDS, A_FIGURE = 1.5, 130, 1.0
FURTHER = "✦"
TIME_LINE = re.compile(r"\*\*Time\*\* core (\d+) minutes, everything (\d+) minutes; (\d+) seconds to run\.")


class Times(NamedTuple):
    """What a title cell says: minutes of the core, minutes of everything, seconds to run."""

    core: int
    everything: int
    seconds: int


@dataclass(frozen=True)
class Section:
    """A part of a lecture, from a heading to the next one; ``first`` and ``end`` are cell numbers."""

    heading: str
    part: str
    stated: int | None
    estimate: float
    first: int
    end: int


def sections(notebook: Any) -> list[Section]:
    """The sections of a lecture, in order; the first is what stands above the first ``##`` heading.

    :param notebook: any notebook.
    :returns: one entry for each section; ``stated`` is None where the metadata name no minutes.
    """
    cells = notebook.cells
    starts = [0] + [i for i, cell in enumerate(cells) if i and is_heading(cell)]
    found = []
    for first, end in zip(starts, [*starts[1:], len(cells)], strict=True):
        data = cells[first].metadata.get("section", {}) if cells else {}
        heading = cells[first].source.split("\n")[0].lstrip("# ").strip() if cells else ""
        part = "further" if heading.startswith(FURTHER) else "core"
        found.append(Section(heading, part, data.get("minutes"), _minutes(notebook, first, end), first, end))
    return found


def is_heading(cell: Any) -> bool:
    """Whether a cell begins a section.

    :param cell: a cell of a notebook.
    :returns: True for a Markdown cell whose source starts with ``## ``.
    """
    return bool(cell.cell_type == "markdown" and cell.source.startswith("## "))


def minutes(notebook: Any) -> dict[str, float]:
    """The plain estimate of the minutes that each section takes to teach.

    1.5 minutes for each code cell that is shown, a minute for 130 words, a minute for each figure.

    :param notebook: a notebook with its stored outputs.
    :returns: heading -> minutes, in order.
    """
    found: dict[str, float] = {}
    for section in sections(notebook):
        found[section.heading] = found.get(section.heading, 0.0) + section.estimate
    return found


def estimate(notebook: Any) -> tuple[float, float]:
    """The plain estimate for a whole lecture.

    :param notebook: a notebook with its stored outputs.
    :returns: minutes of the core, minutes of everything.
    """
    parts = sections(notebook)
    return sum(s.estimate for s in parts if s.part == "core"), sum(s.estimate for s in parts)


def stated_times(notebook: Any) -> Times | None:
    """What the title cell says.

    :param notebook: any notebook.
    :returns: the three numbers, or None if the line is not there.
    """
    found = TIME_LINE.search(notebook.cells[0].source) if notebook.cells else None
    return Times(*map(int, found.groups())) if found else None


def complete(notebook: Any) -> None:
    """Fill in what the metadata of section headings can know: part from ✦, minutes from the estimate.

    :param notebook: changed in place; minutes that stand there are kept.
    """
    for section in sections(notebook):
        cell = notebook.cells[section.first] if notebook.cells else None
        if cell is not None and is_heading(cell):
            stated = section.stated if isinstance(section.stated, int) else max(1, round(section.estimate))
            cell.metadata["section"] = {"part": section.part, "minutes": stated}


def _minutes(notebook: Any, first: int, end: int) -> float:
    code = [i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    total = 0.0
    for number in range(first, end):
        cell = notebook.cells[number]
        if cell.cell_type == "markdown":
            total += len(cell.source.split()) / WORDS
            continue
        if cell.cell_type != "code":
            continue
        total += A_FIGURE * sum("image/png" in output.get("data", {}) for output in cell.outputs)
        if number != code[0] and not _steps_back(cell):
            total += A_CELL
    return total


def _steps_back(cell: Any) -> bool:
    """A cell whose code nobody reads aloud: it only draws, shows an explorer, or counts the claims."""
    tags = cell.metadata.get("tags", [])
    lines = cell.source.strip().splitlines()
    shows = "nbval-ignore-output" in tags and len(lines) <= 3
    return "plot" in tags or shows or bool(re.fullmatch(r"\w+(\.\w+)*(\(\))?", cell.source.strip()))
