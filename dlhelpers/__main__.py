"""``python -m dlhelpers``: doctor, fetch, run, runs, student, slides."""

from __future__ import annotations

import argparse
import importlib
import sys

COMMANDS = {
    "doctor": "say what this machine has, and how to mend what is missing",
    "fetch": "download real MNIST (the only command that uses the network)",
    "run": "execute notebooks in fresh kernels and store or compare their outputs",
    "audit": "give every claim of a lecture a verdict: tight, loose, suspect, untested",
    "runs": "list the recorded runs with their provenance",
    "student": "write the student version of the exercises",
    "slides": "write a lecture as slides that work without a network",
}


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and call the command's module."""
    parser = argparse.ArgumentParser(prog="python -m dlhelpers", description=__doc__)
    parsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    modules = {}
    for name, text in COMMANDS.items():
        modules[name] = importlib.import_module(f"dlhelpers.commands.{name}")
        modules[name].add_arguments(parsers.add_parser(name, help=text, description=modules[name].__doc__))
    options = parser.parse_args(arguments)
    try:
        return int(modules[options.command].main(options))
    except (FileNotFoundError, ValueError, ConnectionError) as error:
        print(f"dlhelpers {options.command}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
