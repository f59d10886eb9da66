"""What every test run needs: quiet kernels, capped threads, absolute data paths, and the right notebooks."""

from __future__ import annotations

import copy
import functools
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent

# Kernels start in notebooks/: a relative DLHELPERS_DATA must not depend on that.
if os.environ.get("DLHELPERS_DATA"):
    os.environ["DLHELPERS_DATA"] = str(Path(os.environ["DLHELPERS_DATA"]).expanduser().resolve())
os.environ["DLHELPERS_QUIET"] = "1"
# Threads that wait must not spin: on a busy machine they would stall each other.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# An inherited backend would swallow the outputs of plot cells.
os.environ.pop("MPLBACKEND", None)
# Several workers share the machine: one thread each unless the caller says otherwise.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Compare the project's own notebooks, not what a user has made of them.

    Blank exercises, copies and folders of one's own are never compared.  A lecture
    that JupyterLab has saved over is not compared either: what is committed counts.
    """
    if collection_path.suffix != ".ipynb" or ROOT / "notebooks" not in collection_path.parents:
        return None
    if collection_path not in _notebooks():
        return True
    return True if collection_path in touched() else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which notebooks were left out, and how to go back."""
    for path in sorted(touched()):
        name = path.relative_to(ROOT).as_posix()
        terminalreporter.write_line(f"not compared, since it was saved by hand: {name}   "
                                    f"(back: git checkout -- {name}; or store it: python -m dlhelpers run {name})")


@functools.cache
def _notebooks() -> frozenset[Path]:
    """Lectures and the instructor's exercises; a duplicate made in JupyterLab is neither."""
    from dlhelpers import notebooks

    return frozenset(path for path in notebooks.lectures() + notebooks.exercises() if "-Copy" not in path.stem)


@functools.cache
def touched() -> frozenset[Path]:
    """Notebooks that differ from the commit and are not in the form that ``run`` stores.

    In continuous integration there are none: every notebook is compared.
    """
    import nbformat

    from dlhelpers import notebooks

    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        return frozenset()
    found = set()
    for path in _changed() & _notebooks():
        try:
            stored = nbformat.read(path, as_version=4)
            if nbformat.writes(notebooks.normalise(copy.deepcopy(stored))) != nbformat.writes(stored):
                found.add(path)
        except (ValueError, AttributeError, nbformat.ValidationError):
            continue  # a broken notebook is compared, and fails
    return frozenset(found)


def _changed() -> set[Path]:
    """Files that differ from the commit, as git sees it; none where there is no git."""
    try:
        done = subprocess.run(["git", "-C", str(ROOT), "diff", "--name-only", "-z", "HEAD", "--", "notebooks"],
                              capture_output=True, text=True, encoding="utf-8", timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return set()
    return {ROOT / name for name in done.stdout.split("\0") if name}
