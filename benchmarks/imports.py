"""What a notebook's set-up cell costs to import, against ``import torch, matplotlib.pyplot, ipywidgets``.

The imports are read from the first code cell of every lecture; each set is timed
in fresh processes, in turns with the peer, the start of Python included on both sides.

    python benchmarks/imports.py [--json] [--repeats 5] [--only 02]
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import time
from pathlib import Path

from _report import Report, interleaved, parser

from dlhelpers import notebooks

PEER = "import torch, matplotlib.pyplot, ipywidgets"
#: Ours may take so many times the peer's time.
ALLOWED = 1.15


def setup_imports(path: Path) -> str:
    """The import statements of a notebook's first code cell."""
    import nbformat

    cells = nbformat.read(path, as_version=4).cells
    first = next(cell.source for cell in cells if cell.cell_type == "code")
    found = [node for node in ast.parse(first).body if isinstance(node, (ast.Import, ast.ImportFrom))]
    return "\n".join(ast.unparse(node) for node in found)


def fresh_process(code: str) -> float:
    """Seconds that a new interpreter takes to run the code and leave."""
    # Compiled modules are kept, as they are for any user: otherwise every run would compile them again.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, cwd=notebooks.FOLDER, env=environment)
    return time.perf_counter() - started


def main() -> int:
    """Time every different set of imports once; returns how many are over the bar."""
    options = parser(__doc__)
    options.add_argument("--only", help="one lecture, by its number")
    args = options.parse_args()
    paths = notebooks.find(args.only) if args.only else notebooks.lectures()
    groups: dict[str, list[str]] = {}
    for path in paths:
        groups.setdefault(setup_imports(path), []).append(path.name[:2])
    contestants = {code: lambda code=code: fresh_process(code) for code in (PEER, *groups)}
    report = Report("Imports of set-up cells, fresh processes", args.json)
    for code, numbers in groups.items():
        best = interleaved({name: contestants[name] for name in (PEER, code)}, args.repeats)
        report.add(f"imports {' '.join(numbers)}", best[code], "torch, pyplot, ipywidgets", best[PEER], bar=1 / ALLOWED)
    return report.finish()


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
