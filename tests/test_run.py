"""``python -m dlhelpers run``: stores, compares, in parallel, and as a user's kernel is started."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from dlhelpers import __main__ as program
from dlhelpers import notebooks
from dlhelpers.commands import run

ENVIRONMENT = """import os
print(sorted(name for name in os.environ if name.startswith(("OMP_", "MKL_", "NUMBA_", "DLHELPERS_Q"))))
from dlhelpers import progress

for _ in progress.steps(3):
    pass"""


def make(folder: Path, name: str, *sources: str) -> Path:
    path = folder / name
    cells = [new_markdown_cell("# A lecture"), *map(new_code_cell, sources)]
    notebooks.write(notebooks.normalise(new_notebook(cells=cells)), path)
    return path


def test_run_stores_and_says_how_long_to_teach(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = make(tmp_path, "98_a.ipynb", "x = 1", "print(6 * 7)")
    assert program.main(["run", str(path)]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("✓ 98_a.ipynb") and "core 2, everything 2" in shown and "lacks its line **Time**" in shown
    assert nbformat.read(path, as_version=4).cells[2].outputs[0].text == "42\n"


def test_check_with_several_threads_and_jobs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = make(tmp_path, "97_good.ipynb", "print(6 * 7)")
    bad = make(tmp_path, "98_bad.ipynb", "import os\nprint(os.environ['OMP_NUM_THREADS'])")
    assert program.main(["run", str(good), str(bad), "--threads", "2"]) == 0
    before = bad.read_bytes()
    assert program.main(["run", "--check", str(good), str(bad), "--threads", "1,2", "--jobs", "2"]) == 1
    shown = capsys.readouterr().out
    for line in ("✓ 97_good.ipynb (1 thread)", "✓ 97_good.ipynb (2 threads)", "✗ 98_bad.ipynb (1 thread)",
                 "✓ 98_bad.ipynb (2 threads)"):
        assert line in shown
    assert "stored [('stdout', '2\\n')] now [('stdout', '1\\n')]" in shown and bad.read_bytes() == before


def test_a_users_kernel_shows_bars_and_compares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                capsys: pytest.CaptureFixture[str]) -> None:
    path = make(tmp_path, "98_user.ipynb", ENVIRONMENT)
    monkeypatch.setenv("DLHELPERS_QUIET", "1")
    fresh, _ = notebooks.execute(path, as_user=True)
    assert any(o.get("name") == "stderr" or run.notebooks.WIDGET_VIEW in o.get("data", {})
               for o in fresh.cells[1].outputs), "a person sees the bar"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].outputs = [new_output("stream", name="stdout", text="[]\n")]
    notebooks.write(notebooks.normalise(notebook), path)
    assert program.main(["run", "--check", "--as-user", str(path)]) == 0, capsys.readouterr().out
    assert program.main(["run", "--check", str(path)]) == 1


@pytest.mark.parametrize("arguments, message", [
    (["--threads", "1,2"], "add --check"), (["--as-user"], "add --check")])
def test_what_cannot_be_stored_is_refused(arguments: list[str], message: str, tmp_path: Path,
                                          capsys: pytest.CaptureFixture[str]) -> None:
    path = make(tmp_path, "98_a.ipynb", "x = 1")
    assert program.main(["run", str(path), *arguments]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("threads", ["0", "two", "1,,2", "-1"])
def test_threads_are_positive_integers(threads: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        program.main(["run", "03", f"--threads={threads}"])
    assert "positive integer" in capsys.readouterr().err


def cell(text: str) -> nbformat.NotebookNode:
    return new_notebook(cells=[new_code_cell("x", outputs=[new_output("stream", name="stdout", text=text)])])


@pytest.mark.parametrize("stored, fresh, same", [
    ("✓ recorded: error < 0.1\n", "✓ error < 0.1\n", True),
    ("✓ error < 0.1\n", "✓ recorded: error < 0.1\n", True),
    ("✓ recorded: error < 0.1\n", "✓ error < 0.2\n", False),
    ("recorded: x\n", "x\n", False),
])
def test_the_mark_of_recorded_results_is_not_compared(stored: str, fresh: str, same: bool) -> None:
    assert (run.differences(cell(stored), cell(fresh)) == []) is same
