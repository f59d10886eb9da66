"""The rules that every stored notebook keeps; each function returns what is wrong."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TAGS = {"picture", "nbval-ignore-output", "raises-exception", "nbval-raises-exception", "answer", "check"}
CELL_METADATA = {"tags", "slideshow", "nbgrader"}
SLIDE_TYPES = {"slide", "subslide", "fragment", "skip", "notes", "-"}
NOTEBOOK_KB, IMAGE_KB, IGNORED_CELLS, CELL_LINES = 600, 60, 6, 25


def problems(notebook: Any, path: Path) -> list[str]:
    """Everything that is wrong with a notebook, one line each."""
    is_exercise = path.parent.name == "solutions"
    rules = [_counts, _metadata, _outputs, _links, _slides, _length]
    if not is_exercise:
        rules += [_claims, _ending]
    found = [line for rule in rules for line in rule(notebook, path)]
    if path.exists() and path.stat().st_size > NOTEBOOK_KB * 1024:
        found.append(f"{path.stat().st_size // 1024} KB, over {NOTEBOOK_KB}")
    return found


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _counts(notebook: Any, path: Path) -> Iterator[str]:
    # nbval never compares a cell without a count: a stripped notebook would pass.
    counts = [cell.execution_count for cell in code_cells(notebook)]
    if counts != list(range(1, len(counts) + 1)):
        yield f"execution counts are {counts}, not 1..{len(counts)}: run `python -m dlhelpers run`"


def _metadata(notebook: Any, path: Path) -> Iterator[str]:
    if set(notebook.metadata) - {"kernelspec", "language_info"}:
        yield f"notebook metadata {set(notebook.metadata)}"
    if "version" in notebook.metadata.get("language_info", {}):
        yield "the Python version is stored"
    ignored = 0
    for cell in notebook.cells:
        tags = set(cell.metadata.get("tags", []))
        ignored += "nbval-ignore-output" in tags
        if tags - TAGS:
            yield f"unknown tags {tags - TAGS}"
        if set(cell.metadata) - CELL_METADATA:
            yield f"unknown cell metadata {set(cell.metadata) - CELL_METADATA}"
    if ignored > IGNORED_CELLS:
        yield f"{ignored} cells whose output is not compared, over {IGNORED_CELLS}"


def _outputs(notebook: Any, path: Path) -> Iterator[str]:
    for cell in code_cells(notebook):
        raises = {"raises-exception", "nbval-raises-exception"} & set(cell.metadata.get("tags", []))
        for output in cell.outputs:
            if output.output_type == "error" and not raises:
                yield f"a stored error: {output.ename}"
            if output.get("name") == "stderr":
                yield f"stderr: {output.text[:80]!r}"
            data = output.get("data", {})
            for kind in data:
                if kind not in ("text/plain", "image/png", "text/html", "text/markdown", "text/latex"):
                    yield f"output of type {kind}"
            size = len(data.get("image/png", "")) * 3 / 4 / 1024
            if size > IMAGE_KB:
                yield f"an image of {size:.0f} KB, over {IMAGE_KB}"


def _links(notebook: Any, path: Path) -> Iterator[str]:
    root = path.parents[2] if path.parent.name == "solutions" else path.parent
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        for target in re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", cell.source):
            target = (target[0] or target[1]).split("#")[0]
            if not target or target.startswith(("http://", "https://", "mailto:")):
                continue
            goal = (path.parent / target).resolve()
            if not goal.is_relative_to(root.resolve()):
                yield f"the link {target} leaves the notebooks' folder"
            elif not goal.exists():
                yield f"the link {target} leads nowhere"


def _slides(notebook: Any, path: Path) -> Iterator[str]:
    for cell in notebook.cells:
        kind = cell.metadata.get("slideshow", {}).get("slide_type")
        if kind not in SLIDE_TYPES:
            yield f"slide type {kind!r} in a cell that starts {cell.source[:40]!r}"


def _length(notebook: Any, path: Path) -> Iterator[str]:
    long = [cell for cell in code_cells(notebook) if len(cell.source.splitlines()) > CELL_LINES]
    if len(long) > 2:
        yield f"{len(long)} code cells longer than {CELL_LINES} lines"


def _claims(notebook: Any, path: Path) -> Iterator[str]:
    count = sum(cell.source.count("claim(") for cell in code_cells(notebook))
    least = 1 if path.name.startswith("00") else 15
    if count < least:
        yield f"{count} claims, fewer than {least}"


def _ending(notebook: Any, path: Path) -> Iterator[str]:
    if not code_cells(notebook)[-1].source.strip().endswith("summary()"):
        yield "the last code cell does not print the count of claims: summary()"
    if not path.name.startswith("00") and not any("picture" in c.metadata.get("tags", []) for c in notebook.cells):
        yield "no cell is tagged as the lecture's picture"


def definitions(notebook: Any) -> dict[str, str]:
    """Bodies of more than three lines of the functions and classes that a notebook defines."""
    found = {}
    for cell in code_cells(notebook):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                text = "\n".join(ast.unparse(part) for part in body)
                if len(text.splitlines()) > 3:
                    found[text] = node.name
    return found
