"""The rules that every stored notebook keeps; each function returns what is wrong.

    python tests/hygiene.py 05 exercises/05     # all that is wrong with these notebooks, at once
    python tests/hygiene.py                     # with all of them
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hygiene_code
import hygiene_plan
import nbformat
from hygiene_code import code_cells

from dlhelpers import notebooks

TAGS = {"picture", "nbval-ignore-output", "raises-exception", "nbval-raises-exception", "answer", "check", "plot"}
CELL_METADATA = {"alt", "jupyter", "nbgrader", "section", "slideshow", "tags"}
SLIDE_TYPES = {"slide", "subslide", "fragment", "skip", "notes", "-"}
NOTEBOOK_KB, IMAGE_KB, IGNORED_CELLS = 600, 60, 6


def problems(notebook: Any, path: Path) -> list[str]:
    """Everything that is wrong with a notebook, one line each."""
    is_exercise = path.parent.name == "solutions"
    rules = [_counts, _metadata, _outputs, _links, _slides, _size, *hygiene_code.RULES]
    if not is_exercise:
        rules += [_claims, _ending, *hygiene_code.LECTURE_RULES, *hygiene_plan.RULES]
    return [line for rule in rules for line in rule(notebook, path)]


def _size(notebook: Any, path: Path) -> Iterator[str]:
    # Of what is judged, not of the file: JupyterLab stores larger pictures.
    size = len((nbformat.writes(notebook) + "\n").encode("utf-8"))
    if size > NOTEBOOK_KB * 1024:
        yield f"{size // 1024} KB, over {NOTEBOOK_KB}"


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


def main(names: list[str]) -> int:
    """Print what is wrong with the named notebooks, with all of them if none is named."""
    paths = [path for name in names for path in notebooks.find(name)]
    total = 0
    for path in paths or notebooks.lectures() + notebooks.exercises():
        found = problems(notebooks.judged(path), path)
        total += len(found)
        print(f"{'✗' if found else '✓'} {path.parent.name}/{path.name}", *found, sep="\n    ")
    return int(total > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
