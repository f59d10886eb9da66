"""``python -m dlhelpers doctor``: what this machine has, and how to mend what is missing.

It answers on every machine: what it looks at is imported one by one, and a package
that is missing or broken is a line of the report.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from dlhelpers import files

#: What the lectures and commands import, by the name under which pip knows it.
NEEDED = {"torch": "torch", "numpy": "numpy", "scipy": "scipy", "sklearn": "scikit-learn", "numba": "numba",
          "pandas": "pandas", "matplotlib": "matplotlib", "seaborn": "seaborn", "PIL": "pillow",
          "jupyterlab": "jupyterlab", "ipykernel": "ipykernel", "ipywidgets": "ipywidgets", "ipycanvas": "ipycanvas",
          "nbformat": "nbformat", "nbclient": "nbclient", "nbconvert": "nbconvert", "networkx": "networkx",
          "gymnasium": "gymnasium", "pooch": "pooch", "tqdm": "tqdm"}
FOR_TESTS = ("pytest", "nbval", "xdist", "hypothesis", "playwright")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
INSTALL = "pip install -r requirements.txt"
DIGITS = ("bundled", "mnist")


class Finding(NamedTuple):
    """One line of the report."""

    good: bool
    line: str
    remedy: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No options.

    :param parser: the command's own parser
    """


def main(options: argparse.Namespace) -> int:
    """Print the report.

    :param options: none
    :returns: 1 if something is missing or set to what cannot work, else 0
    """
    findings = report()
    for good, line, remedy in findings:
        print(f"{'✓' if good else '✗'} {line}" + (f"\n    {remedy}" if remedy else ""))
    return int(any(not finding.good for finding in findings))


def report() -> list[Finding]:
    """Everything that was looked at.

    :returns: in order: Python, the project's folder, packages, device, threads, digits, data, tests
    """
    torch, why = _try("torch")
    found = [_python(), _folder(), _packages()]
    if why:
        found.append(Finding(False, f"torch cannot be imported: {why}", INSTALL))
    found += [*_device(torch), _threads(torch), *_data(), _tests()]
    return found


def _try(name: str) -> tuple[Any, str]:
    """A module, or None and why it cannot be imported (a broken library fails in many ways)."""
    try:
        return importlib.import_module(name), ""
    except (ImportError, OSError, AttributeError, RuntimeError) as error:
        return None, f"{type(error).__name__}: {error}".splitlines()[0][:200]


def _python() -> Finding:
    enough = sys.version_info >= (3, 11)
    return Finding(enough, f"Python {platform.python_version()}, {platform.system()} {platform.machine()}",
                   "" if enough else "Python 3.11 or newer is needed")


def _folder() -> Finding:
    if files.installed_alone():
        return Finding(False, f"only the package is installed, in {files.ROOT}: notebooks and data are not here",
                       f"work in the project's folder: {INSTALL}")
    missing = [name for name in ("notebooks", "data/digits.npz") if not (files.ROOT / name).exists()]
    revision = files.revision()
    at = f"{files.ROOT}{', at ' + revision if revision else ''}"
    return Finding(not missing, f"project: {at}{'; missing: ' + ', '.join(missing) if missing else ''}",
                   f"git checkout -- {' '.join(missing)}" if missing else "")


def _packages() -> Finding:
    missing = [pip for name, pip in NEEDED.items() if not _there(name)]
    return Finding(not missing, f"packages: {'missing ' + ', '.join(missing) if missing else 'all there'}",
                   INSTALL if missing else "")


def _there(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _device(torch: Any) -> Iterator[Finding]:
    wanted = os.environ.get("DLHELPERS_DEVICE")
    runtime, why = _try("dlhelpers.runtime")
    if torch is None or runtime is None:
        if torch is not None:
            yield Finding(False, f"dlhelpers.runtime cannot be imported: {why}", INSTALL)
        return
    available = runtime.available()
    yield Finding(True, f"torch {torch.__version__}, devices: {', '.join(available)}",
                  "" if available != ["cpu"] else "no GPU: every notebook still runs, most in less than a minute")
    if not wanted:
        return
    try:
        yield Finding(True, f"DLHELPERS_DEVICE={wanted}: the notebooks compute on {runtime.choose_device()}")
    except ValueError as error:
        yield Finding(False, f"DLHELPERS_DEVICE={wanted}: {error}",
                      f"unset DLHELPERS_DEVICE, or set it to one of: {', '.join(available)}")


def _threads(torch: Any) -> Finding:
    used = f"{torch.get_num_threads()} of {os.cpu_count()} cores" if torch else f"{os.cpu_count()} cores"
    # Read after our own modules were imported: they may set it for a notebook's kernel.
    passive = os.environ.get("OMP_WAIT_POLICY", "").upper() == "PASSIVE"
    return Finding(True, f"threads: {used}, waiting {'passively' if passive else 'actively'}",
                   "" if passive else "on a busy machine set OMP_WAIT_POLICY=PASSIVE before you start JupyterLab: "
                                      "threads that wait actively stall each other")


def _data() -> Iterator[Finding]:
    """Where the digits come from, and whether real MNIST is whole."""
    place = os.environ.get("DLHELPERS_DATA")
    if place and not Path(place).expanduser().is_dir():
        yield Finding(False, f"DLHELPERS_DATA={place}: there is no such folder",
                      "unset it, or name a folder that exists")
    wanted = os.environ.get("DLHELPERS_DIGITS")
    if wanted and wanted not in DIGITS:
        yield Finding(False, f"DLHELPERS_DIGITS={wanted}: must be one of {', '.join(DIGITS)}",
                      "unset it, or set it to one of these")
    mnist = _mnist()
    if wanted == "mnist" and not mnist.line.endswith("verified"):
        mnist = mnist._replace(good=False, line=f"DLHELPERS_DIGITS=mnist, but {mnist.line}")
    yield mnist


def _mnist() -> Finding:
    mnist, _ = _try("dlhelpers.data.mnist")
    folders = [place / "mnist" for place in files.data_places() if (place / "mnist").is_dir()]
    if mnist is None:
        where = f"in {folders[0]}, " if folders else ""
        return Finding(True, f"MNIST: {where}not looked at before the packages are there")
    try:
        folder = mnist.find()
    except FileNotFoundError:
        return Finding(True, "MNIST: not here", f"{mnist.COMMAND}   (11 MB; until then the shipped digits are used)")
    wrong = []
    for name in mnist.PARTS:
        try:
            mnist.read(folder, name)
        except (OSError, ValueError) as error:
            missing = isinstance(error, FileNotFoundError)
            wrong.append(f"{name} {'is missing' if missing else 'is damaged'}")
    if wrong:
        return Finding(False, f"MNIST in {folder}: {', '.join(wrong)}", mnist.command(folder))
    return Finding(True, f"MNIST: in {folder}, verified")


def _tests() -> Finding:
    missing = [name for name in FOR_TESTS if not _there(name)]
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    remedies = ([INSTALL] if missing else []) + ([] if browser else ["the browser tests are skipped without Chromium"])
    state = "missing " + ", ".join(missing) if missing else "ready"
    return Finding(True, f"tests: {state}, browser: {browser or 'none'}", "; ".join(remedies))
