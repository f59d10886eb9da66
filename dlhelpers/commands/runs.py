"""``python -m dlhelpers runs``: the recorded runs with their provenance."""

from __future__ import annotations

import argparse

from dlhelpers import files, runs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No options."""


def main(options: argparse.Namespace) -> int:
    """Print one line a run."""
    for path in sorted((files.ROOT / "data" / "runs").glob("*.npz")):
        run = runs.load(path.stem)
        print(f"{run.name}\n    {run.provenance()}")
    return 0
