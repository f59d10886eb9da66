"""The stored form of a notebook: a second run gives the same bytes.

Execution counts 1..n, cell ids made from the cell's source, no time stamps, no
versions, no stale widget views; every cell has a slide type, every section its part
and minutes, every picture an alternative text, the cells of exercises their nbgrader
data.  What a tag means for JupyterLab is written from the tag: the code of ``plot``
cells and the outputs of ``answer`` cells are folded.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import nbformat

from dlhelpers import files
from dlhelpers.notebooks import images, sections

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
#: What is kept of a cell's metadata; ``jupyter`` is written anew from the tags.
KEPT = ("alt", "jupyter", "nbgrader", "section", "slideshow", "tags")
#: What ``dlhelpers.plotting.folding`` adds to outputs in a live JupyterLab.
LIVE = re.compile(r'class="dl-(fold|alt)"')


def normalise(notebook: Any) -> Any:
    """Make a notebook reproducible to the byte.

    :param notebook: changed in place.
    :returns: the same notebook.
    """
    notebook.metadata = nbformat.from_dict({
        "kernelspec": KERNELSPEC, "language_info": {"name": "python", "pygments_lexer": "ipython3"}})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.cells = [cell for cell in notebook.cells if cell.source.strip()]
    count = 0
    seen: set[str] = set()
    for cell in notebook.cells:
        cell.source = "\n".join(line.rstrip() for line in cell.source.strip("\n").split("\n"))
        cell.id = _cell_id(cell, seen)
        if cell.cell_type == "code":
            count += 1
            cell.execution_count = count
            cell.outputs = [o for o in map(_normalise_output, cell.outputs) if o is not None]
            for output in cell.outputs:
                if output.output_type == "execute_result":
                    output.execution_count = count
    images.fit(notebook)
    images.describe(notebook)
    _slide_types(notebook)
    _nbgrader(notebook)
    _fold(notebook)
    for cell in notebook.cells:
        if not sections.is_heading(cell):
            cell.metadata.pop("section", None)
    if not any("nbgrader" in cell.metadata for cell in notebook.cells):      # exercises have no core
        sections.complete(notebook)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({k: cell.metadata[k] for k in KEPT if cell.metadata.get(k)})
    return notebook


def write(notebook: Any, path: Path) -> None:
    """Store a notebook, whole or not at all.

    :param notebook: a notebook in its normal form.
    :param path: the file to write.
    """
    files.write_text(path, nbformat.writes(notebook, version=4) + "\n")


def _cell_id(cell: Any, seen: set[str]) -> str:
    base = hashlib.sha1(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
    name, n = base, 1
    while name in seen:
        n += 1
        name = f"{base}-{n}"
    seen.add(name)
    return name


def _normalise_output(output: Any) -> Any:
    """An output without widget views and stale metadata; None if nothing is left."""
    if "data" not in output:
        return output
    if WIDGET_VIEW in output.data:
        return None  # a stored view has no model behind it and would show as an error
    if LIVE.search(output.data.get("text/html", "")):
        return None
    output.metadata = nbformat.from_dict({k: v for k, v in output.metadata.items() if k == "image/png"})
    if "image/png" in output.data:
        output.data["image/png"] = images.squeeze(output.data["image/png"])
    if "text/plain" in output.data:
        output.data["text/plain"] = re.sub(r" at 0x[0-9a-f]+", "", output.data["text/plain"])
    return output


def _slide_types(notebook: Any) -> None:
    """Give a slide type to the cells that have none of their own: a header starts a slide, set-up is skipped."""
    first_code = next((c for c in notebook.cells if c.cell_type == "code"), None)
    for cell in notebook.cells:
        if cell.metadata.get("slideshow", {}).get("slide_type", "-") != "-":
            continue
        if cell is first_code:
            kind = "skip"
        elif "answer" in cell.metadata.get("tags", []):
            kind = "fragment"
        elif cell.cell_type == "markdown" and re.match(r"#{1,2} ", cell.source):
            kind = "slide"
        elif cell.cell_type == "markdown" and cell.source.startswith("### "):
            kind = "subslide"
        else:
            kind = "-"
        cell.metadata["slideshow"] = {"slide_type": kind}


def _fold(notebook: Any) -> None:
    """What JupyterLab folds: the code of a cell that only draws, the outputs of an answer."""
    for cell in notebook.cells:
        cell.metadata.pop("jupyter", None)
        tags = cell.metadata.get("tags", [])
        if cell.cell_type != "code" or not {"plot", "answer"} & set(tags):
            continue
        cell.metadata["jupyter"] = {
            **({"outputs_hidden": True} if "answer" in tags else {}),
            **({"source_hidden": True} if "plot" in tags else {})}


def _nbgrader(notebook: Any) -> None:
    """nbgrader's metadata, from the source: solution markers, and check cells by their tag."""
    answers = checks = 0
    for cell in notebook.cells:
        solution = "### BEGIN SOLUTION" in cell.source
        graded = "check" in cell.metadata.get("tags", [])
        if not (solution or graded):
            continue
        points = cell.metadata.get("nbgrader", {}).get("points", 1)
        answers, checks = answers + solution, checks + graded
        data = {"grade": graded, "locked": graded, "schema_version": 3, "solution": solution, "task": False,
                "grade_id": f"check-{checks}" if graded else f"answer-{answers}"}
        if graded:
            data["points"] = points
        cell.metadata["nbgrader"] = data
