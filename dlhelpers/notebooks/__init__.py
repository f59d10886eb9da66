"""Notebooks as files: find them, run them, store them normalised, time them, say which version counts.

``running`` executes in a fresh kernel, ``normalising`` makes the stored form
reproducible, ``sections`` reads which part of a lecture is the core and how long
it takes, ``checkout`` tells a committed notebook from what a user's JupyterLab saved.
"""

from __future__ import annotations

import base64
import re
from pathlib import Path

import nbformat

from dlhelpers import files
from dlhelpers.notebooks.checkout import committed, judged, tracked, way_back
from dlhelpers.notebooks.images import IMAGE_BUDGET, PICTURES_BUDGET
from dlhelpers.notebooks.normalising import KERNELSPEC, WIDGET_VIEW, normalise, write
from dlhelpers.notebooks.running import execute, kernel_environment
from dlhelpers.notebooks.sections import Section, Times, estimate, minutes, sections, stated_times

__all__ = ["FOLDER", "IMAGE_BUDGET", "KERNELSPEC", "NAME", "PICTURES_BUDGET", "Section", "Times", "WIDGET_VIEW",
           "committed", "estimate", "execute", "exercises", "find", "judged", "kernel_environment", "lectures",
           "minutes", "normalise", "pictures", "sections", "stated_times", "times", "tracked", "way_back", "write"]

FOLDER = files.ROOT / "notebooks"
#: Copies that JupyterLab makes (03_name-Copy1.ipynb) and names of one's own are not lectures.
NAME = re.compile(r"\d\d_[a-z0-9_]+\.ipynb")


def lectures() -> list[Path]:
    """All lecture notebooks in order; duplicates that JupyterLab made are left out.

    :returns: paths ``NN_name.ipynb`` with lower-case letters, digits and underscores only.
    """
    return _named(FOLDER)


def exercises() -> list[Path]:
    """All exercise notebooks (the instructor's version, with solutions) in order.

    :returns: paths, named like the lectures.
    """
    return _named(FOLDER / "exercises" / "solutions")


def _named(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.ipynb") if NAME.fullmatch(path.name))


def find(name: str) -> list[Path]:
    """Notebooks by number ("03" or "3"), by file, or "exercises/03"; all that match.

    :param name: what the user typed.
    :returns: paths of the notebooks, at least one.
    :raises FileNotFoundError: if there is none; the message lists what there is.
    """
    if name.endswith(".ipynb") and Path(name).exists():
        return [Path(name).resolve()]
    folder, _, number = name.rpartition("/")
    pool = exercises() if folder.endswith(("exercises", "solutions")) else lectures()
    number = number.zfill(2) if number.isdecimal() else number
    found = [p for p in pool if p.name.startswith(f"{number}_") or p.stem == number]
    if not found:
        known = ", ".join(p.name[:2] for p in pool)
        raise FileNotFoundError(f"no notebook {name!r}; there are {known or 'none'} in {FOLDER}")
    return found


def times() -> dict[str, Times]:
    """What the lectures' title cells say about their length.

    :returns: lecture number ("03") -> (core minutes, all minutes, seconds to run); lectures without
        the line are left out.
    """
    stated = {path.name[:2]: stated_times(nbformat.read(path, as_version=4)) for path in lectures()}
    return {number: found for number, found in stated.items() if found is not None}


def pictures(path: Path, *, tag: str | None = "picture") -> list[bytes]:
    """The PNG pictures stored in a notebook, in order.

    :param path: the notebook.
    :param tag: only those of cells with this tag; None for all of them.
    :returns: the files' bytes.
    """
    found = []
    for cell in nbformat.read(path, as_version=4).cells:
        if tag is not None and tag not in cell.metadata.get("tags", []):
            continue
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                found.append(base64.b64decode(output.data["image/png"]))
    return found
