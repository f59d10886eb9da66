"""What git keeps of a notebook, and what a user's JupyterLab made of it.

Opening, running and saving a notebook changes its metadata, its stored outputs
and its pictures.  None of this is a change of the lecture: tests and ``run --check``
judge the committed notebook as long as the cells' sources are the committed ones.
"""

from __future__ import annotations

import functools
import subprocess
from pathlib import Path
from typing import Any

import nbformat

from dlhelpers.notebooks.normalising import normalise


def git(folder: Path, *arguments: str) -> bytes | None:
    """What a git command prints.

    :param folder: where it runs.
    :param arguments: for instance ``"ls-files"``.
    :returns: its output, or None without git, outside a checkout, or if it fails.
    """
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


@functools.cache
def tracked(folder: Path) -> frozenset[Path] | None:
    """The notebooks that git tracks in a folder and below it.

    :param folder: for instance ``notebooks/``.
    :returns: absolute paths; None where git cannot say, for instance in an unpacked archive.
    """
    listed = git(folder, "ls-files", "-z", "--", "*.ipynb")
    if not listed:
        return None
    return frozenset(folder.resolve() / name for name in listed.decode("utf-8").split("\0") if name)


def committed(path: Path) -> Any:
    """The notebook as it was committed last.

    :param path: a notebook in a checkout.
    :returns: the notebook, or None where git does not know it.
    """
    content = git(path.parent, "show", f"HEAD:./{path.name}")
    return None if content is None else nbformat.reads(content.decode("utf-8"), as_version=4)


def judged(path: Path) -> Any:
    """The version of a notebook that tests compare with: never what a JupyterLab happened to save.

    A file that is in normal form was written by ``python -m dlhelpers run`` (or committed) and
    counts as it is.  Otherwise JupyterLab saved it: if it still has the committed cells, the committed
    notebook counts; if its cells were edited, or there is no git, the file counts, normalised.

    :param path: the notebook's file.
    :returns: the notebook.
    """
    notebook = nbformat.read(path, as_version=4)
    last = committed(path)
    if last is not None and nbformat.writes(last) == nbformat.writes(notebook):
        return notebook
    before = nbformat.writes(notebook)
    normalised = normalise(nbformat.reads(before, as_version=4))
    if nbformat.writes(normalised) == before:
        return notebook
    if last is not None and _cells(last) == _cells(notebook):
        return last
    return normalised


def way_back(path: Path) -> str:
    """How to get the committed notebook back, for the message of a failed test.

    :param path: the notebook's file.
    :returns: a sentence; empty if the file is the committed one or git cannot say.
    """
    if not git(path.parent, "status", "--porcelain", "--", path.name):
        return ""
    shown = path.relative_to(path.parents[2] if path.parent.name != "notebooks" else path.parents[1])
    inside = git(path.parent, "ls-files", "--full-name", "--", path.name)
    name = inside.decode("utf-8").strip() if inside else str(shown)
    return (f"{path.name} differs from the committed notebook; `git checkout -- {name}` brings that back "
            "(and drops your changes: duplicate the notebook first to keep them)")


def _cells(notebook: Any) -> list[tuple[str, str]]:
    """What makes a notebook the same lecture: its cells' sources, as ``normalise`` writes them."""
    return [(cell.cell_type, "\n".join(line.rstrip() for line in cell.source.strip("\n").split("\n")))
            for cell in notebook.cells if cell.source.strip()]
