"""The student version: solutions gone, the rest there, nobody's work overwritten, and it runs."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from dlhelpers import __main__ as program
from dlhelpers import notebooks
from dlhelpers.commands import student

ANSWER = '''def double(x):
    """Twice x."""
    ### BEGIN SOLUTION
    secret = 2
    if x:
        return secret * x
    return 0
    ### END SOLUTION


unit = 1'''


def test_solution_becomes_a_stub_and_the_rest_stays() -> None:
    assert student.clear_source(ANSWER) == '''def double(x):
    """Twice x."""
    raise NotImplementedError


unit = 1'''


def test_agrees_with_nbgrader() -> None:
    preprocessors = pytest.importorskip("nbgrader.preprocessors")
    two = ANSWER + "\n\n\n" + ANSWER.replace("double", "triple")
    cell = new_code_cell(two)
    clear = preprocessors.ClearSolutions(code_stub={"python": student.STUB})
    assert clear._replace_solution_region(cell, "python")
    assert cell.source == student.clear_source(two)


@pytest.mark.parametrize("bad, said", [
    (ANSWER.replace("    ### END SOLUTION\n", ""), "never closed"),
    (ANSWER.replace("    ### BEGIN SOLUTION\n", ""), "never began"),
    (ANSWER.replace("    secret = 2", "    ### BEGIN SOLUTION"), "begins inside"),
])
def test_unbalanced_markers_are_errors(bad: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        student.clear_source(bad)


def test_outputs_and_counts_are_cleared() -> None:
    cell = new_code_cell("1 + 1", execution_count=3,
                         outputs=[nbformat.v4.new_output("stream", name="stdout", text="2")])
    cleared = student.clear(new_notebook(cells=[cell]))
    assert cleared.cells[0].outputs == [] and cleared.cells[0].execution_count is None


def test_links_lead_somewhere_or_become_text(tmp_path: Path) -> None:
    old, new = tmp_path / "notebooks" / "exercises", tmp_path / "elsewhere"
    (tmp_path / "notebooks" / "images").mkdir(parents=True)
    old.mkdir()
    new.mkdir()
    (tmp_path / "notebooks" / "02_x.ipynb").touch()
    (tmp_path / "notebooks" / "images" / "a.svg").write_text("<svg/>")
    text = "[lecture](../02_x.ipynb) ![a](../images/a.svg) [web](https://example.org) [here](#part)"
    assert student.relink(text, old, new) == (
        "lecture (`02_x.ipynb`) ![a](images/a.svg) [web](https://example.org) [here](#part)")
    assert (new / "images" / "a.svg").read_text() == "<svg/>"
    beside = tmp_path / "notebooks" / "mine"
    beside.mkdir()
    assert student.relink(text, old, beside) == text


@pytest.fixture
def one_exercise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder with one exercise notebook."""
    cells = [
        new_markdown_cell("# Doubling"),
        new_code_cell("from dlhelpers.exercises import core\n\n\n@core.checker('double', 'twice')\ndef check(answer):\n"
                      "    core.compare(core.call(answer, 'double', 4), 8, 'double')"),
        new_code_cell(ANSWER), new_code_cell("check(double)", metadata={"tags": ["check"]}),
    ]
    folder = tmp_path / "notebooks"
    (folder / "exercises").mkdir(parents=True)
    notebooks.write(notebooks.normalise(new_notebook(cells=cells)), folder / "exercises" / "97_doubling.ipynb")
    monkeypatch.setattr(notebooks, "FOLDER", folder)
    return folder


def test_work_is_never_overwritten(one_exercise: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert program.main(["student", str(out)]) == 0
    target = out / "97_doubling.ipynb"
    target.write_text("the work of a week")
    assert program.main(["student", str(out)]) == 1
    assert "left alone" in capsys.readouterr().out and target.read_text() == "the work of a week"
    assert program.main(["student", str(out), "--force"]) == 0
    assert "raise NotImplementedError" in target.read_text()
    assert [p.name for p in out.iterdir()] == ["97_doubling.ipynb"]


def test_solutions_cannot_be_replaced_in_place(one_exercise: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = one_exercise / "exercises" / "97_doubling.ipynb"
    before = source.read_bytes()
    assert program.main(["student", str(one_exercise / "exercises"), "--force"]) == 1
    assert "solutions would be lost" in capsys.readouterr().err and source.read_bytes() == before


def run_to_the_first_error(notebook: Any, folder: Path) -> str:
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    with pytest.raises(CellExecutionError) as caught:
        client.execute(env=notebooks.kernel_environment(1))
    return str(caught.value)


def assert_runs_up_to_the_first_exercise(path: Path) -> None:
    """All cells before the first check run; the check says that nothing is there yet."""
    notebook = nbformat.read(path, as_version=4)
    assert "not implemented yet" in run_to_the_first_error(notebook, path.parent)
    code = [c for c in notebook.cells if c.cell_type == "code"]
    first = next(i for i, c in enumerate(code) if "check" in c.metadata.get("tags", []))
    assert first > 0 and [c.execution_count for c in code[:first + 1]] == list(range(1, first + 2))
    failed = [i for i, c in enumerate(code) if any(o.output_type == "error" for o in c.outputs)]
    assert failed == [first]


def test_student_version_runs_to_the_first_exercise(one_exercise: Path, tmp_path: Path) -> None:
    assert program.main(["student", str(tmp_path / "out")]) == 0
    assert_runs_up_to_the_first_exercise(tmp_path / "out" / "97_doubling.ipynb")


@pytest.mark.parametrize("stem", [p.stem for p in notebooks.exercises()])
def test_every_exercise_notebook_becomes_a_student_version(stem: str, tmp_path: Path) -> None:
    assert program.main(["student", str(tmp_path), stem]) == 0
    blank = nbformat.read(tmp_path / f"{stem}.ipynb", as_version=4)
    full = nbformat.read(notebooks.FOLDER / "exercises" / f"{stem}.ipynb", as_version=4)
    assert len(blank.cells) == len(full.cells)
    stubs = 0
    for new, old in zip(blank.cells, full.cells):
        if old.cell_type != "code":
            continue
        ast.parse(new.source)
        assert "SOLUTION" not in new.source and not new.outputs
        if "### BEGIN SOLUTION" in old.source:
            stubs += 1
            assert student.STUB in new.source
        else:
            assert new.source == old.source
    assert stubs >= 3


@pytest.mark.parametrize("stem", [p.stem for p in notebooks.exercises()][:2])
def test_real_student_version_runs_to_the_first_exercise(stem: str, tmp_path: Path) -> None:
    assert program.main(["student", str(tmp_path), stem]) == 0
    assert_runs_up_to_the_first_exercise(tmp_path / f"{stem}.ipynb")
