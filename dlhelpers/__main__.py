"""``python -m dlhelpers COMMAND``: look after the lectures.

A command's module is imported only when that command is asked for, so that help
comes at once, and ``doctor`` answers where torch or numpy is missing.
"""

from __future__ import annotations

import argparse
import codecs
import importlib
import sys

from dlhelpers import __version__, files

COMMANDS = {
    "doctor": "say what this machine has, and how to mend what is missing",
    "fetch": "download real MNIST (the only command that uses the network)",
    "run": "execute notebooks in fresh kernels and store or compare their outputs",
    "audit": "give every claim of a lecture a verdict: tight, loose, suspect, untested",
    "runs": "list the recorded runs with their provenance",
    "student": "write the student version of the exercises",
    "slides": "write a lecture as slides that work without a network",
}
#: What is of use without the project's folder.
ANYWHERE = ("doctor", "fetch")
#: For consoles that know only some letters, as a Windows pipe does.
PLAIN = {"✓": "[ok]", "✗": "[no]", "–": "-", "·": "-", "…": "...", "≥": ">=", "≤": "<=", "→": "->", "×": "x"}


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and call the command's module.

    :param arguments: what follows ``python -m dlhelpers``; None takes it from the command line
    :returns: the exit code: 0 if all is well, 1 if the command found or met a fault
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    _let_any_console_show_our_signs()
    parser = argparse.ArgumentParser(prog="python -m dlhelpers", description="Look after the lectures.")
    parser.add_argument("--version", action="version", version=f"dlhelpers {__version__}")
    parsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    asked = next((word for word in arguments if not word.startswith("-")), None)
    try:
        module = importlib.import_module(f"dlhelpers.commands.{asked}") if asked in COMMANDS else None
    except ImportError as error:
        print(f"dlhelpers {asked}: {error}; `python -m dlhelpers doctor` says what is missing", file=sys.stderr)
        return 1
    for name, text in COMMANDS.items():
        if module is not None and name == asked:
            module.add_arguments(parsers.add_parser(name, help=text, description=module.__doc__,
                                                    formatter_class=argparse.RawDescriptionHelpFormatter))
        else:
            parsers.add_parser(name, help=text)
    options = parser.parse_args(arguments)
    try:
        if options.command not in ANYWHERE:
            files.project()
        return int(importlib.import_module(f"dlhelpers.commands.{options.command}").main(options))
    except ImportError as error:
        print(f"dlhelpers {options.command}: {error}; `python -m dlhelpers doctor` says what is missing",
              file=sys.stderr)
    except (OSError, ValueError) as error:
        print(f"dlhelpers {options.command}: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print(f"dlhelpers {options.command}: stopped", file=sys.stderr)
        return 130
    return 1


def _let_any_console_show_our_signs() -> None:
    """A sign that the console's code page lacks becomes plain letters instead of an error."""
    codecs.register_error("dlhelpers", _plainly)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="dlhelpers")


def _plainly(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(PLAIN.get(sign, "?") for sign in error.object[error.start:error.end]), error.end


if __name__ == "__main__":
    sys.exit(main())
