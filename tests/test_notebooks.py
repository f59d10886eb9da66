"""Normalising, finding and reading back notebooks."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from dlhelpers import notebooks


def small() -> nbformat.NotebookNode:
    plot = new_output("display_data", data={"text/plain": "<X at 0x7f00>", "image/png": PIXEL},
                      metadata={"needs_background": "light"})
    view = new_output("display_data", data={notebooks.WIDGET_VIEW: {"model_id": "1"}, "text/plain": "Box()"})
    return new_notebook(cells=[
        new_markdown_cell("# Title  \ntext"),
        new_code_cell("import torch", execution_count=5),
        new_markdown_cell("## Section"),
        new_code_cell("plot()", outputs=[plot, view], metadata={"tags": ["picture"], "collapsed": True}),
        new_markdown_cell("### Detail"),
        new_code_cell("1 + 1", outputs=[new_output("execute_result", data={"text/plain": "2"}, execution_count=9)],
                      metadata={"tags": ["answer"]}),
        new_code_cell(""),
    ], metadata={"widgets": {"state": {}}})


PIXEL = ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


def test_normalising_leaves_nothing_that_changes():
    notebook = notebooks.normalise(small())
    code = [c for c in notebook.cells if c.cell_type == "code"]
    assert [c.execution_count for c in code] == [1, 2, 3]
    assert "widgets" not in notebook.metadata and notebook.cells[0].source == "# Title\ntext"
    assert [c.metadata.slideshow.slide_type for c in notebook.cells] == [
        "slide", "skip", "slide", "-", "subslide", "fragment"]
    plot = notebook.cells[3]
    assert len(plot.outputs) == 1 and plot.outputs[0].data["text/plain"] == "<X>"
    assert plot.outputs[0].metadata == {} and "collapsed" not in plot.metadata
    nbformat.validate(notebook)
    assert nbformat.writes(notebooks.normalise(nbformat.from_dict(notebook))) == nbformat.writes(notebook)


def test_ids_follow_the_source_and_are_unique():
    twice = new_notebook(cells=[new_code_cell("x"), new_code_cell("x"), new_code_cell("y")])
    ids = [c.id for c in notebooks.normalise(twice).cells]
    again = [c.id for c in notebooks.normalise(new_notebook(cells=[new_code_cell("y"), new_code_cell("x")])).cells]
    assert len(set(ids)) == 3 and again == [ids[2], ids[0]]


def test_exercises_get_their_nbgrader_cells():
    notebook = notebooks.normalise(new_notebook(cells=[
        new_code_cell("def f(x):\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION"),
        new_code_cell("check_f(f)", metadata={"tags": ["check"]})]))
    answer, check = (c.metadata.nbgrader for c in notebook.cells)
    assert (answer.solution, answer.grade, answer.grade_id) == (True, False, "answer-1")
    assert (check.solution, check.grade, check.locked, check.points) == (False, True, True, 1)


def test_pictures_are_read_back(tmp_path):
    path = tmp_path / "a.ipynb"
    notebooks.write(notebooks.normalise(small()), path)
    assert len(notebooks.pictures(path)) == len(notebooks.pictures(path, tag=None)) == 1
    assert notebooks.pictures(path)[0].startswith(b"\x89PNG") and notebooks.pictures(path, tag="answer") == []


@pytest.mark.parametrize("name", ["99", "nothing", "exercises/99", "03.ipynb"])
def test_unknown_notebooks(name):
    with pytest.raises(FileNotFoundError, match="no notebook"):
        notebooks.find(name)


def test_kernels_do_not_inherit_a_backend(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    env = notebooks.kernel_environment(threads=2)
    assert "MPLBACKEND" not in env and env["DLHELPERS_QUIET"] == "1" and env["OMP_NUM_THREADS"] == "2"
