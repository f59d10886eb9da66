"""``python -m dlhelpers student``: the exercises without their solutions.

What stands between ``### BEGIN SOLUTION`` and ``### END SOLUTION`` becomes
``raise NotImplementedError``, outputs are cleared, the check cells stay.

- Without OUT, the blank exercises that the project ships are made anew, beside the
  lectures, each with a link to its solutions behind a fold: for people who study alone.
- With OUT, a class gets its copies, without that link.  In a folder of ``notebooks``,
  such as ``notebooks/mine``, links to the lectures keep working.
- ``--instructor`` keeps the solutions: what nbgrader wants in its ``source`` folder.

A file in which somebody has worked is never touched; ``--force`` replaces it.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from dlhelpers import files

if TYPE_CHECKING:
    from nbformat import NotebookNode

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STUB = "raise NotImplementedError"
#: Where a written file notes what it held, so that a later look sees whether anybody worked in it.
MARK = "dlhelpers"
#: In Markdown: "!" if it is a picture, the text, the address.
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
FOLD = """<details><summary><b>Solutions</b>: one answer to each, for afterwards</summary>

[{name}](solutions/{name}) holds them, with what the checks say.

</details>"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command.

    :param parser: the command's own parser
    """
    parser.add_argument("out", metavar="OUT", type=Path, nargs="?",
                        help="folder to write to; without it, the project's own notebooks/exercises")
    parser.add_argument("names", nargs="*", metavar="LECTURE", help="numbers such as 03; without any, all exercises")
    parser.add_argument("--instructor", action="store_true", help="keep the solutions, for nbgrader's source folder")
    parser.add_argument("--force", action="store_true", help="replace files that exist: the work in them is lost")


def main(options: argparse.Namespace) -> int:
    """Write what is missing or unchanged.

    :param options: what :func:`add_arguments` describes
    :returns: 1 if a file with somebody's work in it was left alone, else 0
    :raises ValueError: if OUT is a file or holds the solutions, or an exercise's markers do not match
    :raises FileNotFoundError: if there are no exercises, or none of that number
    """
    from dlhelpers import notebooks

    paths = [path for name in options.names for path in notebooks.find(f"exercises/{name}")]
    paths = paths if options.names else notebooks.exercises()
    if not paths:
        raise FileNotFoundError(f"there are no exercise notebooks in {notebooks.FOLDER / 'exercises' / 'solutions'}")
    out = _folder(options, paths[0].parent)
    kept = 0
    for path in paths:
        target = out / path.name
        if target.exists() and not options.force and not is_untouched(target):
            print(f"– {target} may hold somebody's work: left alone (--force replaces it)")
            kept += 1
            continue
        # Only beside the solutions does a link to them lead somewhere.
        fold = out.resolve() == path.parent.parent.resolve()
        notebooks.write(version(path, out, keep=options.instructor, fold=fold), target)
        print(f"✓ {target}")
    return int(kept > 0)


def _folder(options: argparse.Namespace, solutions: Path) -> Path:
    """Where to write; refuses what would do harm."""
    if options.out is None:
        if options.instructor:
            raise ValueError("--instructor needs OUT, for instance course/source/03")
        return solutions.parent
    out: Path = options.out
    if re.fullmatch(r"\d{1,2}", str(out)) and not out.exists():
        raise ValueError(f"OUT must be a folder and comes first, for instance: student notebooks/mine {out}")
    existing = next((place for place in (out, *out.parents) if place.exists()), out)
    if existing.exists() and not existing.is_dir():
        raise ValueError(f"OUT must be a folder, but {existing} is a file")
    if out.resolve() == solutions.resolve():
        raise ValueError(f"OUT must not be {solutions}: the solutions would be lost")
    if options.instructor and out.resolve() == solutions.parent.resolve():
        raise ValueError(f"OUT must not be {solutions.parent}: the blank exercises stand there")
    return out


def version(path: Path, out: Path, *, keep: bool = False, fold: bool = False) -> NotebookNode:
    """An exercise notebook as it is to stand in another folder.

    :param path: the instructor's notebook
    :param out: the folder it is written for; pictures are copied there if the links need it
    :param keep: whether solutions and outputs stay
    :param fold: whether a last cell links to the solutions
    :returns: the notebook, not yet written
    :raises ValueError: if a solution is not closed or holds another one
    """
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    if not keep:
        try:
            clear(notebook)
        except ValueError as error:
            raise ValueError(f"{path.name}: {error}") from None
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = relink(cell.source, path.parent, out)
    if fold:
        notebook.cells.append(nbformat.v4.new_markdown_cell(FOLD.format(name=path.name), id="solutions"))
    notebook.metadata[MARK] = {"sha256": _content(notebook)}
    return notebook


def is_untouched(path: Path) -> bool:
    """Whether a file still holds what this command wrote: no cell changed, nothing run.

    :param path: a notebook
    :returns: False also for what is no notebook, or was written by something else
    """
    import nbformat

    try:
        notebook = nbformat.read(path, as_version=4)
    except (ValueError, nbformat.ValidationError):
        return False
    return notebook.metadata.get(MARK, {}).get("sha256") == _content(notebook)


def _content(notebook: Any) -> str:
    """Digest of all that a person could have added: sources, counts, outputs."""
    cells = [(c.cell_type, c.source, c.get("execution_count"), len(c.get("outputs", []))) for c in notebook.cells]
    return files.digest(repr(cells).encode())


def clear(notebook: Any) -> Any:
    """Replace the solutions of a notebook and clear its outputs.

    :param notebook: the instructor's, changed in place
    :returns: the same notebook
    :raises ValueError: if a solution is not closed or holds another one
    """
    for cell in notebook.cells:
        cell.source = clear_source(cell.source)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def clear_source(source: str) -> str:
    """A cell's source with a stub, indented like its marker, for each solution.

    :param source: what the instructor's cell holds
    :returns: what the student's cell holds
    :raises ValueError: if a solution is not closed or holds another one
    """
    lines, inside = [], False
    for line in source.split("\n"):
        if BEGIN in line:
            if inside:
                raise ValueError(f"a solution begins inside a solution: {source!r:.120}")
            inside = True
            lines.append(line[:len(line) - len(line.lstrip())] + STUB)
        elif END in line:
            if not inside:
                raise ValueError(f"a solution ends that never began: {source!r:.120}")
            inside = False
        elif not inside:
            lines.append(line)
    if inside:
        raise ValueError(f"a solution is never closed with {END!r}: {source!r:.120}")
    return "\n".join(lines)


def relink(source: str, old: Path, new: Path) -> str:
    """A text that moves from one folder to another, with links that still lead somewhere.

    Between two folders of the notebooks' folder a link is written anew.  Elsewhere
    pictures are copied along, and any other link becomes text that names the file.

    :param source: Markdown
    :param old: the folder that its links start from
    :param new: the folder that they are to start from
    :returns: the Markdown to store in ``new``
    """
    from dlhelpers import notebooks

    together = all(place.resolve().is_relative_to(notebooks.FOLDER.resolve()) for place in (old, new))

    def moved(match: re.Match[str]) -> str:
        picture, text, address = match.groups()
        name, anchor = (unquote(address).split("#") + [""])[:2]
        if re.match(r"\w+:|#", address):
            return match[0]
        goal = (old / name).resolve()
        if together:
            there = Path(os.path.relpath(goal, new.resolve())).as_posix()
            return f"{picture}[{text}]({quote(there)}{'#' + anchor if anchor else ''})"
        if picture and goal.is_file():
            (new / "images").mkdir(parents=True, exist_ok=True)
            shutil.copyfile(goal, new / "images" / goal.name)
            return f"![{text}](images/{quote(goal.name)})"
        return match[0] if picture else f"{text} (`{Path(name).name}`)"

    return LINK.sub(moved, source)
