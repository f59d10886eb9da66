"""pytest hooks for nbval: what git keeps is judged, not what a user's JupyterLab made of it.

``conftest.py`` imports the hooks by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import nbformat
import pytest
from nbval.plugin import IPyNbFile

from dlhelpers import notebooks

SANITIZE = Path(__file__).with_name("nbval_sanitize.cfg")


class StoredNotebook(IPyNbFile):
    """A notebook for nbval, read as the committed one wherever only JupyterLab changed it."""

    def collect(self) -> Iterator[Any]:
        """Its code cells, as nbval's items."""
        stored = notebooks.judged(self.path)
        with mock.patch.object(nbformat, "read", return_value=stored):
            return list(super().collect())


def wanted(path: Path) -> bool:
    """Whether nbval runs a file: lectures and solved exercises that git tracks.

    Duplicates (``03_name-Copy1.ipynb``), a student's answers and notes of one's own are not the project's.
    """
    if notebooks.FOLDER.resolve() not in path.resolve().parents:
        return True
    if not notebooks.NAME.fullmatch(path.name):
        return False
    if path.parent.name not in (notebooks.FOLDER.name, "solutions"):
        return False
    known = notebooks.tracked(notebooks.FOLDER)
    return known is None or path.resolve() in known


def pytest_configure(config: Any) -> None:
    """An absolute path, so that pytest may start in any folder."""
    if getattr(config.option, "nbval", False) and config.option.nbval_sanitize_with is None:
        config.option.nbval_sanitize_with = str(SANITIZE)


def pytest_ignore_collect(collection_path: Path, config: Any) -> bool | None:
    """Leave out what is not ours, unless it was asked for by name."""
    if collection_path.suffix != ".ipynb" or wanted(collection_path):
        return None
    named = {(config.invocation_params.dir / argument.split("::")[0]).resolve() for argument in config.args}
    return None if collection_path.resolve() in named else True


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path, parent: Any) -> Iterator[Any]:
    """Put our reader in the place of nbval's."""
    found = yield
    return [StoredNotebook.from_parent(parent, path=file_path) if type(node) is IPyNbFile else node for node in found]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: Any, call: Any) -> Iterator[Any]:
    """Say below a failed cell how to get the committed notebook back."""
    report = yield
    if report.failed and isinstance(getattr(item, "parent", None), StoredNotebook):
        sentence = notebooks.way_back(item.parent.path)
        if sentence:
            report.sections.append(("this notebook was changed", sentence))
    return report
