"""Normalising, finding and reading back notebooks."""

import subprocess

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
    assert plot.outputs[0].metadata == {"image/png": {"alt": "Figure: Section"}}
    assert "collapsed" not in plot.metadata
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


def tagged(*tags, source="1 + 1", **metadata):
    return new_code_cell(source, metadata={"tags": list(tags), **metadata})


def test_tags_fold_and_unfold():
    notebook = new_notebook(cells=[new_code_cell("x = 1"), tagged("plot"), tagged("answer"), tagged("answer", "plot"),
                                   tagged(jupyter={"source_hidden": True, "outputs_hidden": True})])
    cells = notebooks.normalise(notebook).cells
    assert [c.metadata.get("jupyter") for c in cells] == [
        None, {"source_hidden": True}, {"outputs_hidden": True}, {"outputs_hidden": True, "source_hidden": True}, None]
    cells[1].metadata.tags.remove("plot")
    assert "jupyter" not in notebooks.normalise(notebook).cells[1].metadata
    assert cells[2].metadata.slideshow.slide_type == "fragment"


def test_answers_and_sections_get_their_slides_whatever_stood_there():
    old = {"slideshow": {"slide_type": "-"}}
    cells = notebooks.normalise(new_notebook(cells=[
        new_code_cell("x"), tagged("answer", **old), new_markdown_cell("## New", metadata=old),
        new_markdown_cell("kept", metadata={"slideshow": {"slide_type": "notes"}})])).cells
    assert [c.metadata.slideshow.slide_type for c in cells[1:]] == ["fragment", "slide", "notes"]


def lecture():
    picture = new_output("display_data", data={"image/png": PIXEL})
    return new_notebook(cells=[
        new_markdown_cell("# 98 · Title\n\n**Time** core 12 minutes, everything 20 minutes; 7 seconds to run."),
        new_code_cell("import torch"),
        new_markdown_cell("## One\n\n" + "word " * 128), new_code_cell("x = 1"), tagged("plot", outputs=[picture]),
        new_code_cell("explorer", metadata={"tags": ["nbval-ignore-output"]}),
        new_markdown_cell("## ✦ Two", metadata={"section": {"part": "core", "minutes": 9}}), new_code_cell("y = 2"),
        new_markdown_cell("### Detail", metadata={"section": {"part": "core"}})])


def test_minutes_follow_the_plain_estimate():
    notebook = lecture()
    notebook.cells[4].outputs = [new_output("display_data", data={"image/png": PIXEL})]
    minutes = notebooks.minutes(notebook)
    assert list(minutes) == ["98 · Title", "One", "✦ Two"]
    assert minutes["One"] == pytest.approx(130 / 130 + 1.5 + 1.0)       # words, one cell, one figure
    assert minutes["✦ Two"] == pytest.approx(3 / 130 + 1.5 + 2 / 130)
    core, everything = notebooks.estimate(notebook)
    assert everything - core == pytest.approx(minutes["✦ Two"])
    assert notebooks.stated_times(notebook) == (12, 20, 7)
    notebook.cells[0].source = "# 98 · Title\n\n75 minutes to teach."
    assert notebooks.stated_times(notebook) is None


def test_section_metadata_are_completed_and_kept():
    cells = notebooks.normalise(lecture()).cells
    assert cells[2].metadata.section == {"part": "core", "minutes": 2}
    assert cells[6].metadata.section == {"part": "further", "minutes": 9}, "✦ says the part, the author the minutes"
    assert "section" not in cells[8].metadata and "section" not in cells[0].metadata


def test_exercises_have_no_core():
    cells = notebooks.normalise(new_notebook(cells=[new_markdown_cell("## Exercise 1"), tagged("check")])).cells
    assert "section" not in cells[0].metadata


def test_the_map_reads_the_title_cells(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "FOLDER", tmp_path)
    notebooks.write(notebooks.normalise(lecture()), tmp_path / "98_title.ipynb")
    notebooks.write(new_notebook(cells=[new_markdown_cell("# 97")]), tmp_path / "97_old.ipynb")
    assert notebooks.times() == {"98": (12, 20, 7)} and notebooks.times()["98"].core == 12


def test_duplicates_are_no_lectures(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "FOLDER", tmp_path)
    for name in ("03_name.ipynb", "03_name-Copy1.ipynb", "Untitled.ipynb", "04_Mine.ipynb"):
        (tmp_path / name).touch()
    assert [p.name for p in notebooks.lectures()] == ["03_name.ipynb"]
    assert [p.name for p in notebooks.find("3")] == ["03_name.ipynb"] and notebooks.find("03") == notebooks.find("3")


def test_pictures_are_described():
    figure = new_output("display_data", data={"image/png": PIXEL},
                        metadata={"image/png": {"alt": "A line", "width": 3}})
    bare = new_output("display_data", data={"image/png": PIXEL})
    notebook = notebooks.normalise(new_notebook(cells=[
        new_markdown_cell("## ✦ A *ring*"), new_code_cell("a", outputs=[figure]), new_code_cell("b", outputs=[bare]),
        new_code_cell("c", outputs=[bare.copy()], metadata={"alt": "By hand"})]))
    alts = [c.outputs[0].metadata for c in notebook.cells[1:]]
    assert alts == [{"image/png": {"alt": text}} for text in ("A line", "Figure: A ring", "By hand")]
    notebook.cells[0].source = "## A square"
    assert notebooks.normalise(notebook).cells[2].outputs[0].metadata["image/png"]["alt"] == "Figure: A square"


def test_what_a_live_jupyterlab_adds_is_not_stored():
    added = [new_output("display_data", data={"text/html": f'<{tag} class="dl-{kind}">'})
             for tag, kind in (("details", "fold"), ("span", "alt"))]
    kept = new_output("display_data", data={"text/html": "<table>"})
    notebook = notebooks.normalise(new_notebook(cells=[new_code_cell("x", outputs=[*added, kept])]))
    assert [o.data["text/html"] for o in notebook.cells[0].outputs] == ["<table>"]


def git(folder, *arguments):
    subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=n@example.org", *arguments], cwd=folder, check=True,
                   capture_output=True)


@pytest.fixture
def committed(tmp_path):
    path = tmp_path / "98_title.ipynb"
    notebooks.write(notebooks.normalise(small()), path)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", path.name)
    git(tmp_path, "commit", "-qm", "x")
    return path


def save_as_jupyterlab(path, change=lambda notebook: None):
    """What JupyterLab's autosave does: versions, scrolling, collapsed outputs, widgets' states."""
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.language_info["version"] = "3.13.1"
    notebook.metadata["widgets"] = {"state": {"a": 1}}
    notebook.cells[1].metadata.update(scrolled=True, collapsed=False)
    notebook.cells[1].execution_count = 17
    notebook.cells[3].outputs = []
    change(notebook)
    nbformat.write(notebook, path)


def test_a_notebook_that_jupyterlab_saved_is_judged_as_committed(committed):
    before = nbformat.read(committed, as_version=4)
    assert notebooks.judged(committed) == before and notebooks.way_back(committed) == ""
    save_as_jupyterlab(committed)
    assert notebooks.judged(committed) == before
    assert f"git checkout -- {committed.name}" in notebooks.way_back(committed)


def test_what_run_stored_counts_before_it_is_committed(committed):
    notebook = nbformat.read(committed, as_version=4)
    notebook.cells[5].outputs[0].data["text/plain"] = "3"
    notebooks.write(notebook, committed)
    assert notebooks.judged(committed).cells[5].outputs[0].data["text/plain"] == "3"


def test_edited_cells_are_judged_as_they_are(committed):
    save_as_jupyterlab(committed, lambda notebook: notebook.cells[5].update(source="1 + 2"))
    judged = notebooks.judged(committed)
    assert judged.cells[5].source == "1 + 2" and "version" not in judged.metadata.language_info
    assert notebooks.normalise(judged) == judged


def test_without_git_a_notebook_is_judged_normalised(committed, monkeypatch):
    save_as_jupyterlab(committed)
    monkeypatch.setenv("PATH", "")
    judged = notebooks.judged(committed)
    assert "version" not in judged.metadata.language_info and notebooks.way_back(committed) == ""


def test_git_says_which_notebooks_are_ours(committed, tmp_path):
    (tmp_path / "98_mine.ipynb").touch()
    assert notebooks.tracked(tmp_path) == {committed.resolve()}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert notebooks.tracked(elsewhere) is None


def test_a_users_kernel_has_none_of_our_settings(monkeypatch):
    for name in notebooks.running.OURS:
        monkeypatch.setenv(name, "1")
    env = notebooks.kernel_environment(as_user=True)
    assert not set(notebooks.running.OURS) & set(env)
    env = notebooks.kernel_environment(4, as_user=True)
    assert env["OMP_NUM_THREADS"] == "4" and "OMP_WAIT_POLICY" not in env and "DLHELPERS_QUIET" not in env
