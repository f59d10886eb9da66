"""What nbval collects, and what it says about a notebook that a user changed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import stored_notebooks
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from test_browser_folding import git, nbval

from dlhelpers import files, notebooks


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A committed lecture in a checkout, with its outputs."""
    notebook = new_notebook(cells=[new_markdown_cell("# 98"), new_code_cell("print(41)"), new_code_cell("print(42)")])
    path = tmp_path / "notebooks" / "98_a.ipynb"
    path.parent.mkdir()
    notebooks.write(notebook, path)
    notebooks.write(notebooks.normalise(notebooks.execute(path)[0]), path)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "x")
    return path.parent


def test_only_what_git_tracks_is_collected(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("98_a-Copy1.ipynb", "97_draft.ipynb", "exercises/98_a.ipynb", "exercises/solutions/98_a.ipynb"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    git(folder, "add", "exercises", "98_a-Copy1.ipynb")
    monkeypatch.setattr(notebooks, "FOLDER", folder)
    found = [str(p.relative_to(folder)) for p in sorted(folder.rglob("*.ipynb")) if stored_notebooks.wanted(p)]
    assert found == ["98_a.ipynb", "exercises/solutions/98_a.ipynb"]
    monkeypatch.setattr(notebooks, "tracked", lambda _: None)       # no git: names must do
    assert stored_notebooks.wanted(folder / "97_draft.ipynb")
    assert not stored_notebooks.wanted(folder / "98_a-Copy1.ipynb")
    assert stored_notebooks.wanted(folder.parent / "elsewhere.ipynb")


def test_cleared_outputs_are_judged_as_committed_and_an_edit_says_how_to_go_back(folder: Path) -> None:
    path = folder / "98_a.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.language_info["version"] = "3.13"
    notebook.cells[1].outputs = []
    nbformat.write(notebook, path)
    assert nbval(path).returncode == 0
    notebook.cells[1].source = "print(40)"
    nbformat.write(notebook, path)
    done = nbval(path)
    assert done.returncode == 1 and "git checkout -- notebooks/98_a.ipynb" in done.stdout


def test_the_projects_own_configuration_uses_the_hooks() -> None:
    lecture = notebooks.lectures()[0]
    copy = lecture.with_name(lecture.stem + "-Copy1.ipynb")
    copy.write_bytes(lecture.read_bytes())
    try:
        done = subprocess.run([sys.executable, "-m", "pytest", "--collect-only", "-n", "0", "-q",
                               "-p", "no:cacheprovider", "notebooks"], cwd=files.ROOT, capture_output=True, text=True)
    finally:
        copy.unlink()
    assert lecture.name in done.stdout and "Copy1" not in done.stdout, done.stdout + done.stderr
