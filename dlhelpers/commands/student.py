"""``python -m dlhelpers student OUT``: the exercises without their solutions.

OUT gets one notebook for each exercise notebook: what stands between
``### BEGIN SOLUTION`` and ``### END SOLUTION`` becomes ``raise NotImplementedError``,
outputs are cleared, the check cells stay.  Files that exist are never touched,
since they may hold a student's work; ``--force`` replaces them.  With OUT beside
the lectures, for instance ``notebooks/mine``, links to the lectures keep working.
"""

from __future__ import annotations

import argparse
import re
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from dlhelpers import notebooks

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STUB = "raise NotImplementedError"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("out", metavar="OUT", type=Path, help="folder to write to")
    parser.add_argument("names", nargs="*", metavar="LECTURE", help="numbers such as 03; without any, all exercises")
    parser.add_argument("--force", action="store_true", help="replace files that exist: their content is lost")


def main(options: argparse.Namespace) -> int:
    """Write what is missing; returns 1 if a file that exists was left alone."""
    import nbformat

    paths = [path for name in options.names for path in notebooks.find(f"exercises/{name}")]
    paths = paths if options.names else notebooks.exercises()
    if not paths:
        raise FileNotFoundError(f"there are no exercise notebooks in {notebooks.FOLDER / 'exercises'}")
    kept = 0
    for path in paths:
        target = options.out / path.name
        if target.exists() and target.resolve() == path.resolve():
            raise ValueError(f"OUT must not be {path.parent}: the solutions would be lost")
        if target.exists() and not options.force:
            print(f"– {target} exists and may hold answers: left alone (--force replaces it)")
            kept += 1
            continue
        try:
            blank = clear(nbformat.read(path, as_version=4))
        except ValueError as error:
            raise ValueError(f"{path.name}: {error}") from None
        for cell in blank.cells:
            if cell.cell_type == "markdown":
                cell.source = relink(cell.source, path.parent, options.out)
        notebooks.write(blank, target)
        print(f"✓ {target}")
    return int(kept > 0)


def clear(notebook: Any) -> Any:
    """Replace the solutions of a notebook and clear its outputs; changes it in place and returns it.

    :raises ValueError: if a solution is not closed or holds another one.
    """
    for cell in notebook.cells:
        cell.source = clear_source(cell.source)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def clear_source(source: str) -> str:
    """A cell's source with a stub, indented like its marker, for each solution.

    :raises ValueError: if a solution is not closed or holds another one.
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
    """A text that is moved from one folder to another, with links that still lead somewhere.

    Pictures are copied along; a link to a file that is not there from the new
    folder becomes text that names the file.
    """
    def moved(match: re.Match[str]) -> str:
        picture, text, address = match.groups()
        name = unquote(address).split("#")[0]
        if re.match(r"\w+:|#", address) or (new / name).exists():
            return match[0]
        source_file = old / name
        if picture and source_file.is_file():
            (new / "images").mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source_file, new / "images" / source_file.name)
            return f"![{text}](images/{source_file.name})"
        return match[0] if picture else f"{text} (`{Path(name).name}`)"

    return re.sub(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)", moved, source)
