"""Notebooks as files: find them, run them in a fresh kernel, store them normalised.

Normalised means that a second run gives the same bytes: execution counts 1..n,
cell ids made from the cell's source, no time stamps, no versions, no stale widget
views; every cell has a slide type, and the cells of exercises their nbgrader data.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import re
import time
from pathlib import Path
from typing import Any

import nbformat

from dlhelpers import files

FOLDER = files.ROOT / "notebooks"
#: A picture over this many bytes is stored with a palette of 256 colours, or of 64 if that is not enough.
IMAGE_BUDGET = 60_000
#: If a notebook's pictures hold more characters than this, those over a third of the budget get a palette as well.
PICTURES_BUDGET = 560_000
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def lectures() -> list[Path]:
    """All lecture notebooks in order."""
    return sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))


def exercises() -> list[Path]:
    """All exercise notebooks (the instructor's version) in order."""
    return sorted((FOLDER / "exercises").glob("[0-9][0-9]_*.ipynb"))


def find(name: str) -> list[Path]:
    """Notebooks by number ("03"), by file, or "exercises/03"; all that match.

    :raises FileNotFoundError: if there is none; the message lists what there is.
    """
    if name.endswith(".ipynb") and Path(name).exists():
        return [Path(name).resolve()]
    folder, _, number = name.rpartition("/")
    pool = exercises() if folder.endswith("exercises") else lectures()
    found = [p for p in pool if p.name.startswith(f"{number}_") or p.stem == number]
    if not found:
        known = ", ".join(p.name[:2] for p in pool)
        raise FileNotFoundError(f"no notebook {name!r}; there are {known or 'none'} in {FOLDER}")
    return found


def execute(path: Path, *, timeout: int = 240, threads: int | None = None) -> tuple[Any, float]:
    """Run a notebook in a fresh kernel; returns the executed notebook and the seconds."""
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=timeout, startup_timeout=180, kernel_name="python3", record_timing=False,
                            coalesce_streams=True, store_widget_state=False,
                            extra_arguments=["--IPKernelApp.log_level=40"],  # errors only
                            resources={"metadata": {"path": str(path.parent)}})
    started = time.perf_counter()
    client.execute(env=kernel_environment(threads))
    return notebook, time.perf_counter() - started


def kernel_environment(threads: int | None = None) -> dict[str, str]:
    """The environment of a kernel whose outputs are to be stored or compared."""
    # Threads that wait must not spin: on a busy machine they would stall each other.
    env = dict(os.environ, DLHELPERS_QUIET="1", OMP_WAIT_POLICY="PASSIVE")
    # An inherited backend would swallow the plot outputs.
    env.pop("MPLBACKEND", None)
    if threads is not None:
        env.update(OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads), NUMBA_NUM_THREADS=str(threads))
    return env


def normalise(notebook: Any) -> Any:
    """Make a notebook reproducible to the byte; changes it in place and returns it."""
    notebook.metadata = nbformat.from_dict({
        "kernelspec": KERNELSPEC, "language_info": {"name": "python", "pygments_lexer": "ipython3"}})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.cells = [cell for cell in notebook.cells if cell.source.strip()]
    count, seen = 0, set()
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
    _fit(notebook)
    _slide_types(notebook)
    _nbgrader(notebook)
    for cell in notebook.cells:
        kept = {k: cell.metadata[k] for k in ("nbgrader", "slideshow", "tags") if cell.metadata.get(k)}
        cell.metadata = nbformat.from_dict(kept)
    return notebook


def write(notebook: Any, path: Path) -> None:
    """Store a notebook, whole or not at all."""
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
    if output.data.pop(WIDGET_VIEW, None) is not None and "image/png" not in output.data:
        return None  # a stored view has no model behind it and would show as an error; its picture may stay
    output.metadata = nbformat.from_dict({})
    if "image/png" in output.data:
        output.data["image/png"] = _squeeze(output.data["image/png"])
    if "text/plain" in output.data:
        output.data["text/plain"] = re.sub(r" at 0x[0-9a-f]+", "", output.data["text/plain"])
    return output


def _squeeze(encoded: str, budget: int = IMAGE_BUDGET) -> str:
    """The same picture, smaller: best compression, and a palette if it is over ``budget``."""
    from PIL import Image

    raw = base64.b64decode(encoded)
    stored = Image.open(io.BytesIO(raw))
    if stored.mode == "P" and len(raw) <= IMAGE_BUDGET:
        return encoded  # squeezed before
    picture, best = stored.convert("RGB"), raw
    for colours, enough in ((None, budget), (256, IMAGE_BUDGET), (64, 0)):
        candidate = picture if colours is None else picture.quantize(colours, kmeans=2, dither=Image.Dither.NONE)
        buffer = io.BytesIO()
        candidate.save(buffer, format="png", optimize=True)
        if len(buffer.getvalue()) < len(best):
            best = buffer.getvalue()
        if len(best) <= enough:
            break
    return base64.b64encode(best).decode("ascii")


def _fit(notebook: Any) -> None:
    """Give the middling pictures of a notebook that holds many a palette too."""
    found = [o.data for cell in notebook.cells if cell.cell_type == "code" for o in cell.outputs
             if "image/png" in o.get("data", {})]
    if sum(len(data["image/png"]) for data in found) > PICTURES_BUDGET:
        for data in found:
            data["image/png"] = _squeeze(data["image/png"], IMAGE_BUDGET // 3)


def _slide_types(notebook: Any) -> None:
    """Give a slide type to the cells that have none: a header starts a slide, set-up is skipped."""
    first_code = next((c for c in notebook.cells if c.cell_type == "code"), None)
    for cell in notebook.cells:
        if cell.metadata.get("slideshow", {}).get("slide_type"):
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


def pictures(path: Path, *, tag: str | None = "picture") -> list[bytes]:
    """The PNG pictures stored in a notebook, in order.

    :param tag: only those of cells with this tag; None for all of them.
    """
    found = []
    for cell in nbformat.read(path, as_version=4).cells:
        if tag is not None and tag not in cell.metadata.get("tags", []):
            continue
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                found.append(base64.b64decode(output.data["image/png"]))
    return found
