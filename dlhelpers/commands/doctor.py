"""``python -m dlhelpers doctor``: what this machine has, and how to mend what is missing."""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import sys
from pathlib import Path

from dlhelpers import files, runtime

NEEDED = ("torch", "numpy", "matplotlib", "seaborn", "jupyterlab", "ipywidgets", "ipycanvas", "sklearn",
          "numba", "pandas", "networkx", "gymnasium", "pooch", "tqdm")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No options."""


def main(options: argparse.Namespace) -> int:
    """Print the report; 1 if something needed is missing."""
    findings = report()
    for good, line, remedy in findings:
        print(f"{'✓' if good else '✗'} {line}" + (f"\n    {remedy}" if remedy else ""))
    return int(any(not good for good, _, _ in findings))


def report() -> list[tuple[bool, str, str]]:
    """(all is well, what was found, what to do about it) for each point."""
    found = runtime.describe()
    lines = [(sys.version_info >= (3, 11), f"Python {found['python']}", "" if sys.version_info >= (3, 11)
              else "Python 3.11 or newer is needed")]
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    lines.append((not missing, f"packages: {'missing ' + ', '.join(missing) if missing else 'all there'}",
                  "pip install -r requirements.txt" if missing else ""))
    lines.append((True, f"torch {found['torch']}, numpy {found['numpy']}, {found['system']}", ""))
    gpu = found["devices"] != "cpu"
    lines.append((True, f"devices: {found['devices']}", "" if gpu else
                  "no GPU: every notebook still runs, in a minute or less"))
    lines.append((True, f"threads: {found['threads']}", ""))
    mnist = [p for p in files.data_places() if (p / "mnist").is_dir()]
    lines.append((True, f"MNIST: {'in ' + str(Path(mnist[0]) / 'mnist') if mnist else 'not here'}",
                  "" if mnist else "python -m dlhelpers fetch mnist   (11 MB; until then the shipped digits are used)"))
    tests = [t for t in ("pytest", "nbval", "playwright") if importlib.util.find_spec(t) is None]
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    lines.append((True, f"tests: {'missing ' + ', '.join(tests) if tests else 'ready'}, browser: {chromium or 'none'}",
                  "" if chromium else "the browser tests are skipped without Chromium"))
    return lines
