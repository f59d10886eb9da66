"""``python -m dlhelpers fetch mnist``: download real MNIST, verify it, put it where the notebooks look.

Nothing else in the project uses the network.  Files that are there and valid are
kept; damaged ones are replaced; if no mirror answers, nothing is changed.
"""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command.

    :param parser: the command's own parser
    """
    parser.add_argument("what", choices=["mnist"], help="what to download: mnist (11 MB)")
    parser.add_argument("--to", metavar="DIR", help="folder for the four files (default: data/mnist)")
    parser.add_argument("--timeout", type=float, default=10.0, metavar="S",
                        help="seconds of silence after which a mirror is given up (default 10)")
    parser.add_argument("--mirror", action="append", metavar="URL",
                        help="ask this address instead of the usual ones (may be repeated)")


def main(options: argparse.Namespace) -> int:
    """Fetch and say where the files are; the errors are shown by ``__main__``.

    :param options: what :func:`add_arguments` describes
    :returns: 0
    :raises ConnectionError: if no mirror gave the files
    :raises ValueError: if an option cannot be used
    """
    from dlhelpers.data import downloads

    folder = downloads.fetch_mnist(options.to, options.mirror or downloads.MIRRORS, options.timeout)
    print(f"MNIST is in {folder}, and verified; use it with data.digits('mnist'), "
          "or everywhere with DLHELPERS_DIGITS=mnist")
    return 0
