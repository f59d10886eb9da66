"""``python -m dlhelpers runs``: the recorded runs with their provenance."""

from __future__ import annotations

import argparse

from dlhelpers import files


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No options.

    :param parser: the command's own parser
    """


def main(options: argparse.Namespace) -> int:
    """Print one line a run.

    :param options: none
    :returns: 0
    :raises FileNotFoundError: if only the package is installed, without the project's folder
    """
    from dlhelpers import runs

    for path in sorted(files.project("data", "runs").glob("*.npz")):
        run = runs.load(path.stem)
        print(f"{run.name}\n    {run.provenance()}")
    return 0
