"""The student version: solutions gone, the rest there, nobody's work overwritten, and it runs."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from dlhelpers import __main__ as program
from dlhelpers import files, notebooks
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


def test_links_lead_somewhere_or_become_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "notebooks"
    monkeypatch.setattr(notebooks, "FOLDER", folder)
    old, new, blank = folder / "exercises" / "solutions", tmp_path / "elsewhere", folder / "exercises"
    for place in (folder / "images", old, new):
        place.mkdir(parents=True)
    (folder / "02_x.ipynb").touch()
    (folder / "images" / "a b.svg").write_text("<svg/>", encoding="utf-8")
    text = ("[lecture](../../02_x.ipynb#end) ![a](../../images/a%20b.svg) [web](https://example.org) [here](#part) "
            "[image](../../images/a%20b.svg)")
    assert student.relink(text, old, new) == (
        "lecture (`02_x.ipynb`) ![a](images/a%20b.svg) [web](https://example.org) [here](#part) image (`a b.svg`)")
    assert (new / "images" / "a b.svg").read_text(encoding="utf-8") == "<svg/>"
    assert student.relink(text, old, blank) == text.replace("../../", "../")
    assert student.relink(text, old, folder / "mine" / "deep") == text
    assert sorted(p.name for p in folder.iterdir()) == ["02_x.ipynb", "exercises", "images"]


@pytest.fixture
def one_exercise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder with one exercise notebook."""
    cells = [
        new_markdown_cell("# Doubling, from [its lecture](../../97_doubling.ipynb)"),
        new_code_cell("from dlhelpers.exercises import core\n\n\n@core.checker('double', 'twice')\ndef check(answer):\n"
                      "    core.compare(core.call(answer, 'double', 4), 8, 'double')"),
        new_code_cell(ANSWER), new_code_cell("check(double)", metadata={"tags": ["check"]}),
    ]
    folder = tmp_path / "notebooks"
    (folder / "exercises" / "solutions").mkdir(parents=True)
    notebooks.write(notebooks.normalise(new_notebook(cells=cells)),
                    folder / "exercises" / "solutions" / "97_doubling.ipynb")
    (folder / "97_doubling.ipynb").touch()
    monkeypatch.setattr(notebooks, "FOLDER", folder)
    return folder


def test_work_is_never_overwritten(one_exercise: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert program.main(["student", str(out)]) == 0
    target = out / "97_doubling.ipynb"
    target.write_text("the work of a week", encoding="utf-8")
    assert program.main(["student", str(out)]) == 1
    assert "left alone" in capsys.readouterr().out and target.read_text(encoding="utf-8") == "the work of a week"
    assert program.main(["student", str(out), "--force"]) == 0
    assert "raise NotImplementedError" in target.read_text(encoding="utf-8")
    assert [p.name for p in out.iterdir()] == ["97_doubling.ipynb"]


@pytest.mark.parametrize("work", [
    lambda cells: cells[2].update(source="def double(x):\n    return 2 * x"),
    lambda cells: cells[0].update(source="# Doubling\nmy notes"),
    lambda cells: cells[1].update(execution_count=1),
    lambda cells: cells[3].outputs.append(nbformat.v4.new_output("stream", name="stdout", text="2")),
    lambda cells: cells.append(new_code_cell("1 + 1")),
], ids=["answer", "notes", "ran", "output", "cell"])
def test_any_work_is_seen(one_exercise: Path, work: Any) -> None:
    assert program.main(["student"]) == 0
    target = one_exercise / "exercises" / "97_doubling.ipynb"
    assert student.is_untouched(target)
    assert program.main(["student"]) == 0  # nothing to lose: made anew
    notebook = nbformat.read(target, as_version=4)
    # What JupyterLab adds when it only opens and saves a notebook is no work.
    notebook.metadata.language_info["version"] = "3.13.0"
    notebooks.write(notebook, target)
    assert student.is_untouched(target)
    work(notebook.cells)
    notebooks.write(notebook, target)
    assert program.main(["student"]) == 1


def test_the_project_s_own_blanks_link_to_the_solutions(one_exercise: Path, tmp_path: Path) -> None:
    assert program.main(["student"]) == 0
    blank = one_exercise / "exercises" / "97_doubling.ipynb"
    last = nbformat.read(blank, as_version=4).cells[-1].source
    assert "<details>" in last and "(solutions/97_doubling.ipynb)" in last
    assert "(../97_doubling.ipynb)" in nbformat.read(blank, as_version=4).cells[0].source
    assert program.main(["student", str(tmp_path / "class")]) == 0
    assert "solutions/" not in (tmp_path / "class" / "97_doubling.ipynb").read_text(encoding="utf-8")


def test_the_instructor_s_copy_keeps_the_solutions_and_no_dead_link(one_exercise: Path, tmp_path: Path) -> None:
    assert program.main(["student", str(tmp_path / "source"), "97", "--instructor"]) == 0
    notebook = nbformat.read(tmp_path / "source" / "97_doubling.ipynb", as_version=4)
    assert notebook.cells[2].source == ANSWER and notebook.cells[3].metadata.nbgrader.points == 1
    assert notebook.cells[0].source == "# Doubling, from its lecture (`97_doubling.ipynb`)"


@pytest.mark.parametrize("arguments, said", [
    (["{solutions}", "--force"], "solutions would be lost"),
    (["{blanks}", "--instructor"], "blank exercises stand there"),
    (["--instructor"], "needs OUT"),
    (["{file}"], "is a file"),
    (["{file}/deeper"], "is a file"),
    (["97"], "comes first"),
])
def test_what_would_do_harm_is_refused_in_one_line(
        arguments: list[str], said: str, one_exercise: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    source = one_exercise / "exercises" / "solutions" / "97_doubling.ipynb"
    before = source.read_bytes()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    places = {"solutions": source.parent, "blanks": source.parent.parent, "file": tmp_path / "file"}
    assert program.main(["student", *(a.format(**places) for a in arguments)]) == 1
    shown = capsys.readouterr()
    assert said in shown.err and shown.err.count("\n") == 1 and shown.out == ""
    assert source.read_bytes() == before and sorted(p.name for p in tmp_path.iterdir()) == ["file", "notebooks"]


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


EXERCISES = [p.stem for p in notebooks.exercises()]


def committed(path: Path) -> Any:
    """The shipped blank: the file if nobody has worked in it, else what git holds."""
    if student.is_untouched(path):
        return nbformat.read(path, as_version=4)
    name = path.relative_to(files.ROOT).as_posix()
    done = subprocess.run(["git", "-C", str(files.ROOT), "show", f"HEAD:{name}"], capture_output=True, text=True,
                          encoding="utf-8")
    if done.returncode:
        pytest.fail(f"{name} is not what `python -m dlhelpers student` writes, and git does not hold it")
    return nbformat.reads(done.stdout, as_version=4)


@pytest.mark.parametrize("stem", EXERCISES)
def test_every_shipped_blank_is_what_the_command_makes(stem: str) -> None:
    path = notebooks.FOLDER / "exercises" / f"{stem}.ipynb"
    made = student.version(path.parent / "solutions" / path.name, path.parent, fold=True)
    assert nbformat.writes(committed(path)) == nbformat.writes(made), "run `python -m dlhelpers student`"


def test_no_blank_is_left_over() -> None:
    assert sorted(p.stem for p in (notebooks.FOLDER / "exercises").glob("[0-9][0-9]_*.ipynb")
                  if "-Copy" not in p.stem) == EXERCISES


@pytest.mark.parametrize("stem", EXERCISES)
def test_every_exercise_notebook_becomes_a_student_version(stem: str, tmp_path: Path) -> None:
    assert program.main(["student", str(tmp_path), stem]) == 0
    blank = nbformat.read(tmp_path / f"{stem}.ipynb", as_version=4)
    full = nbformat.read(notebooks.FOLDER / "exercises" / "solutions" / f"{stem}.ipynb", as_version=4)
    assert len(blank.cells) == len(full.cells)
    stubs = 0
    for new, old in zip(blank.cells, full.cells, strict=True):
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


@pytest.mark.parametrize("stem", EXERCISES)
def test_links_of_the_shipped_blanks_are_alive(stem: str) -> None:
    path = notebooks.FOLDER / "exercises" / f"{stem}.ipynb"
    for cell in committed(path).cells:
        for *_, address in student.LINK.findall(cell.source if cell.cell_type == "markdown" else ""):
            if not re.match(r"\w+:|#", address):
                goal = (path.parent / unquote(address.split("#")[0])).resolve()
                assert goal.exists() and goal.is_relative_to(notebooks.FOLDER), address


@pytest.mark.parametrize("stem", EXERCISES[:2])
def test_a_shipped_blank_opens_and_answers(stem: str, tmp_path: Path) -> None:
    """It runs to the first check, which says that nothing is there; with an answer typed in, the check is content."""
    path = notebooks.FOLDER / "exercises" / f"{stem}.ipynb"
    blank = committed(path)
    notebooks.write(blank, tmp_path / path.name)
    assert_runs_up_to_the_first_exercise(tmp_path / path.name)
    full = nbformat.read(path.parent / "solutions" / path.name, as_version=4)
    first = next(i for i, cell in enumerate(full.cells) if "### BEGIN SOLUTION" in cell.source)
    check = next(i for i, cell in enumerate(full.cells) if "check" in cell.metadata.get("tags", []))
    blank.cells[first].source = full.cells[first].source
    blank.cells = blank.cells[:check + 1]
    notebooks.write(blank, tmp_path / path.name)
    done, _ = notebooks.execute(tmp_path / path.name, threads=1)
    assert done.cells[check].outputs[0].text.startswith("✓")
