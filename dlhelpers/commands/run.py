"""``python -m dlhelpers run 03``: execute in a fresh kernel and store, normalised.

With ``--check`` nothing is stored: the fresh outputs are compared with the stored
ones, as the tests do, and the differences are shown.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from dlhelpers import notebooks


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("names", nargs="*", help="lecture numbers such as 03, or exercises/03, or files")
    parser.add_argument("--all", action="store_true", help="every lecture and every exercise notebook")
    parser.add_argument("--check", action="store_true", help="compare with the stored outputs, store nothing")
    parser.add_argument("--threads", type=int, help="CPU threads of the kernel (1 or 2, to compare)")
    parser.add_argument("--timeout", type=int, default=240, help="seconds a cell may take (default 240)")


def main(options: argparse.Namespace) -> int:
    """Run the notebooks; returns the number of those that failed or differ."""
    paths = notebooks.lectures() + notebooks.exercises() if options.all else []
    for name in options.names:
        paths += notebooks.find(name)
    if not paths:
        print("nothing to run: name a lecture, for instance 03, or give --all")
        return 2
    return sum(_run(path, options) for path in paths)


def _run(path: Path, options: argparse.Namespace) -> bool:
    """True if the notebook failed, or differs under ``--check``."""
    import nbformat
    from nbclient.exceptions import CellExecutionError

    shown = f"{path.parent.name}/{path.name}" if path.parent.name == "exercises" else path.name
    try:
        fresh, seconds = notebooks.execute(path, timeout=options.timeout, threads=options.threads)
    except CellExecutionError as error:
        print(f"✗ {shown}\n{error}")
        return True
    notebooks.normalise(fresh)
    if not options.check:
        notebooks.write(fresh, path)
        print(f"✓ {shown}  {seconds:.1f} s, {path.stat().st_size / 1024:.0f} KB")
        return False
    different = differences(nbformat.read(path, as_version=4), fresh)
    print(f"{'✗' if different else '✓'} {shown}  {seconds:.1f} s", *different, sep="\n  " if different else "")
    return bool(different)


def differences(stored: Any, fresh: Any) -> list[str]:
    """Where compared outputs differ: one line for each cell."""
    found = []
    if len(stored.cells) != len(fresh.cells):
        return [f"{len(stored.cells)} cells stored, {len(fresh.cells)} after normalising"]
    for number, (old, new) in enumerate(zip(stored.cells, fresh.cells)):
        if old.cell_type != "code" or "nbval-ignore-output" in old.metadata.get("tags", []):
            continue
        if _compared(old) != _compared(new):
            found.append(f"cell {number}: stored {_compared(old)!r:.300} now {_compared(new)!r:.300}")
    return found


def _compared(cell: Any) -> list[Any]:
    """What nbval compares of a cell's outputs: texts, not pictures."""
    result = []
    for output in cell.outputs:
        if output.output_type == "stream":
            result.append((output.name, output.text))
        else:
            data = output.get("data", {})
            result.append({k: v for k, v in data.items() if k not in ("image/png", "image/jpeg")})
    return result
