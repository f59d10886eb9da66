"""Stored notebooks keep the rules; the rules and nbval themselves can fail."""

import subprocess
import sys
from collections import defaultdict

import nbformat
import pytest

import hygiene
from dlhelpers import files, notebooks

LECTURES = notebooks.lectures()
ALL = LECTURES + notebooks.exercises()


@pytest.mark.parametrize("path", ALL, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_rules(path):
    assert hygiene.problems(nbformat.read(path, as_version=4), path) == []


@pytest.mark.parametrize("path", ALL, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_a_second_normalising_changes_nothing(path):
    notebook = nbformat.read(path, as_version=4)
    before = nbformat.writes(notebook)
    assert nbformat.writes(notebooks.normalise(notebook)) == before


def test_no_helper_is_pasted_into_two_lectures():
    where = defaultdict(list)
    for path in LECTURES:
        for body, name in hygiene.definitions(nbformat.read(path, as_version=4)).items():
            where[body].append(f"{path.stem}:{name}")
    assert [places for places in where.values() if len(places) > 1] == []


def test_lectures_with_exercises_link_to_them():
    for path in notebooks.exercises():
        text = (notebooks.FOLDER / path.name).read_text(encoding="utf-8")
        assert f"exercises/{path.name}" in text


@pytest.fixture
def copy(tmp_path):
    """A short notebook with one claim, executed and stored like the lectures."""
    cells = [nbformat.v4.new_markdown_cell("# 98 · A test"),
             nbformat.v4.new_code_cell("from dlhelpers.claims import claim, summary"),
             nbformat.v4.new_code_cell("claim('two and two', 2 + 2, equal=4)\nprint(41.5)"),
             nbformat.v4.new_code_cell("summary()")]
    path = tmp_path / "98_test.ipynb"
    notebooks.write(nbformat.v4.new_notebook(cells=cells), path)
    fresh, _ = notebooks.execute(path)
    notebooks.write(notebooks.normalise(fresh), path)
    return path


def nbval(path):
    """nbval as the configuration of this project runs it."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-c", str(files.ROOT / "pyproject.toml"), "-n", "0", "-p", "no:cacheprovider",
         "--rootdir", str(path.parent), str(path)], cwd=path.parent, capture_output=True, text=True)


def test_nbval_passes_what_is_right_and_sees_one_changed_number(copy):
    assert nbval(copy).returncode == 0
    text = copy.read_text(encoding="utf-8")
    assert "41.5" in text
    notebook = nbformat.read(copy, as_version=4)
    notebook.cells[2].outputs[0].text = notebook.cells[2].outputs[0].text.replace("41.5", "41.6")
    nbformat.write(notebook, copy)
    done = nbval(copy)
    assert done.returncode == 1 and "41.6" in done.stdout


def test_nbval_passes_a_stripped_notebook_and_hygiene_does_not(copy):
    notebook = nbformat.read(copy, as_version=4)
    for cell in hygiene.code_cells(notebook):
        cell.execution_count, cell.outputs = None, []
    nbformat.write(notebook, copy)
    assert nbval(copy).returncode == 0  # this is why the rule about counts exists
    assert any("execution counts" in line for line in hygiene.problems(notebook, copy))


@pytest.mark.parametrize("spoil, message", [
    (lambda nb: nb.cells[1].metadata.tags.append("hide"), "unknown tags"),
    (lambda nb: nb.cells[1].metadata.update(collapsed=True), "unknown cell metadata"),
    (lambda nb: nb.metadata.update(widgets={}), "notebook metadata"),
    (lambda nb: nb.cells[1].outputs.append(nbformat.v4.new_output("stream", name="stderr", text="w")), "stderr"),
    (lambda nb: nb.cells[1].outputs.append(nbformat.v4.new_output("display_data", {"image/svg+xml": "x"})),
     "output of type image/svg"),
    (lambda nb: nb.cells[1].outputs.append(nbformat.v4.new_output("display_data", {"image/png": "A" * 90_000})),
     "an image of"),
    (lambda nb: nb.cells[1].outputs.append(nbformat.v4.new_output("error", ename="E", evalue="", traceback=[])),
     "a stored error"),
    (lambda nb: nb.cells[0].metadata.slideshow.update(slide_type="page"), "slide type"),
    (lambda nb: nb.cells[0].update(source="[x](77_nowhere.ipynb)"), "leads nowhere"),
    (lambda nb: nb.cells[0].update(source="[x](../README.md)"), "leaves"),
    (lambda nb: nb.cells[-1].update(source="pass"), "does not print the count"),
    (lambda nb: nb.cells[-1].update(execution_count=7), "execution counts"),
    (lambda nb: nb.cells.pop(), "claims, fewer than"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_each_rule_can_fail(copy, spoil, message):
    notebook = nbformat.read(copy, as_version=4)
    for cell in notebook.cells:
        cell.metadata.setdefault("tags", [])
    spoil(notebook)
    assert any(message in line for line in hygiene.problems(notebook, copy))
