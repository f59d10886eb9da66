"""Rules about a lecture's plan: sections, the core, minutes, folded answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hygiene_code import tags

from dlhelpers import notebooks

CAP, SHARE, SLACK = 75, 0.8, 10


def headings(notebook: Any, path: Path) -> Iterator[str]:
    """A section begins a cell of its own."""
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            text = re.sub(r"```.*?```", "", cell.source, flags=re.S)
            for line in text.split("\n")[1:]:
                if line.startswith("## "):
                    yield f"cell {number}: the heading {line!r} stands inside a cell: begin a new one"


def plan(notebook: Any, path: Path) -> Iterator[str]:
    """The title's minutes fit the hour, the sections and the plain estimate."""
    for section in notebooks.sections(notebook)[1:]:
        data = notebook.cells[section.first].metadata.get("section", {})
        if data.get("part") != section.part or not isinstance(data.get("minutes"), int):
            yield f"section {section.heading!r} lacks its metadata: run `python -m dlhelpers run`"
    stated = notebooks.stated_times(notebook)
    if stated is None:
        yield ("the title cell lacks its line "
               "`**Time** core NN minutes, everything NN minutes; NN seconds to run.`")
        return
    if stated.core > CAP:
        yield f"the core takes {stated.core} minutes, over {CAP}: make sections further (✦)"
    if stated.everything < stated.core:
        yield f"everything takes {stated.everything} minutes, less than the core's {stated.core}"
    for name, said, plain in zip(("core", "everything"), stated[:2], notebooks.estimate(notebook), strict=True):
        if said < SHARE * plain:
            yield (f"{name}: the title says {said} minutes, the plain estimate is {plain:.0f}; "
                   f"at least {100 * SHARE:.0f} % of it")
    for name, said, parts in (("core", stated.core, ("core",)), ("everything", stated.everything, ("core", "further"))):
        total = sum(s.stated or 0 for s in notebooks.sections(notebook)[1:] if s.part in parts)
        if not total <= said <= total + SLACK:
            yield (f"{name}: the title says {said} minutes, its sections' metadata add up to {total}; "
                   f"the opening adds at most {SLACK}")


def answers(notebook: Any, path: Path) -> Iterator[str]:
    """What follows a *Predict first* question is folded."""
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "markdown":
            continue
        if "answer" in tags(cell) and "<details" not in cell.source:
            yield f"cell {number}: an answer in words stands in <details><summary>…</summary> … </details>"
        if re.search(r"predict first", cell.source, re.I) and "<details" not in cell.source and number:
            follower = next((c for c in notebook.cells[number + 1:]
                             if c.cell_type == "code" and c.outputs or "<details" in c.source), None)
            if follower is not None and follower.cell_type == "code" and "answer" not in tags(follower):
                yield f"cell {number}: *Predict first*, but the next outputs are not tagged `answer`"


RULES = (headings, plan, answers)
