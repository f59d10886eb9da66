"""A real JupyterLab: plots without their code, answers folded before and after Run All, and saving spoils nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from browser_tools import chromium, environment, jupyterlab
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from test_browser import run_all_cells

from dlhelpers import files, notebooks

NAME = "97_folding.ipynb"
SETUP = "from dlhelpers.plotting import style\nimport matplotlib.pyplot as plt\n\nstyle.use()"
PLOT = "fig, ax = plt.subplots()\nax.plot([1, 2])\nax.set(title='A rising line', xlabel='time')\nplt.show()"
# Which outputs of the n-th code cell can be seen: their types.
SEEN = """(n) => [...document.querySelectorAll('.jp-CodeCell')[n].querySelectorAll('.jp-OutputArea-output')]
    .filter(o => o.offsetHeight > 0 && o.offsetWidth > 0 && o.checkVisibility()).map(o => o.dataset.mimeType)"""
CODE_SEEN = """(n) => [...document.querySelectorAll('.jp-CodeCell')[n].querySelectorAll('.cm-editor')]
    .some(e => e.offsetHeight > 0 && e.checkVisibility())"""
# All cells whose code is shown have a number, and the last one, which comes last, is among them.
DONE = """() => document.querySelectorAll('details.dl-fold').length === 2
    && [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt:not(.jp-Placeholder-prompt)')]
        .every(p => /^\\[\\d+\\]:$/.test(p.textContent.trim()))"""
TEXT, PICTURE, HTML = "application/vnd.jupyter.stdout", "image/png", "text/html"


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=n@example.org", *arguments], cwd=folder, check=True,
                   capture_output=True)


@pytest.fixture
def committed(tmp_path: Path) -> Path:
    """A notebook with a plot, an answer and an answer that fails, run, stored and committed."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    notebook = new_notebook(cells=[
        new_markdown_cell("# 97 · Folding"), new_code_cell(SETUP),
        new_code_cell(PLOT, metadata={"tags": ["plot"]}),
        new_markdown_cell("**Predict first.** What comes?"),
        new_code_cell("print('four')\n" + PLOT, metadata={"tags": ["answer"]}),
        new_code_cell("print('end')"),
        new_code_cell("print('so far')\nraise ValueError('a broken answer')",
                      metadata={"tags": ["answer", "raises-exception"]})])
    path = folder / NAME
    notebooks.write(notebook, path)
    fresh, _ = notebooks.execute(path)
    notebooks.write(notebooks.normalise(fresh), path)
    git(folder, "init", "-q")
    git(folder, "add", NAME)
    git(folder, "commit", "-qm", "a notebook")
    return path


@pytest.mark.browser
def test_folds_hold_and_saving_spoils_nothing(committed: Path, tmp_path: Path) -> None:
    stored = committed.read_text("utf-8")
    alt = nbformat.read(committed, as_version=4).cells[2].outputs[0].metadata["image/png"]["alt"]
    assert alt == "A rising line (time)" and "dl-" not in stored
    (tmp_path / "state").mkdir()
    with chromium() as browser, jupyterlab(committed.parent, tmp_path / "state") as (address, token):
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.goto(f"{address}/lab/tree/{NAME}?token={token}")
        page.wait_for_function("() => document.querySelectorAll('.jp-CodeCell').length === 5", timeout=180_000)
        page.locator('#jp-main-statusbar :text("| Idle")').first.wait_for(timeout=180_000)
        assert page.evaluate(SEEN, 1) == [PICTURE] and not page.evaluate(CODE_SEEN, 1)
        assert page.evaluate(SEEN, 2) == [] and page.evaluate(CODE_SEEN, 2)

        run_all_cells(page)
        page.wait_for_function(DONE, timeout=180_000, polling=200)
        page.wait_for_timeout(500)
        check_after_the_run(page)
        page.keyboard.press("Control+s")
        page.wait_for_timeout(2000)
    assert committed.read_text("utf-8") != stored, "JupyterLab has saved its version"
    assert "dl-fold" in committed.read_text("utf-8")
    assert nbformat.writes(notebooks.judged(committed)) + "\n" == stored
    done = nbval(committed)
    assert done.returncode == 0, done.stdout


def check_after_the_run(page: Any) -> None:
    """The plot's code is hidden still; the answer is one line to click, and then all of it."""
    assert page.evaluate(SEEN, 1)[-1] == PICTURE and not page.evaluate(CODE_SEEN, 1)
    hidden = page.locator(".jp-CodeCell").nth(1).locator(".dl-alt")
    assert hidden.text_content() == "A rising line (time)" and hidden.bounding_box()["height"] <= 1
    assert page.evaluate(SEEN, 2) == [HTML]
    assert page.evaluate(SEEN, 4) == [HTML, "application/vnd.jupyter.stderr"], "what went wrong is never hidden"
    page.locator("details.dl-fold summary").first.click()
    assert {TEXT, PICTURE} <= set(page.evaluate(SEEN, 2))
    assert page.evaluate(SEEN, 3) == [TEXT]


def nbval(path: Path) -> subprocess.CompletedProcess[str]:
    """nbval with the hooks that conftest.py imports."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-c", str(files.ROOT / "pyproject.toml"), "-n", "0", "-p", "no:cacheprovider",
         "-p", "stored_notebooks", "--rootdir", str(path.parent), str(path)], cwd=path.parent, capture_output=True,
        text=True, env=environment(PYTHONPATH=f"{files.ROOT / 'tests'}:{files.ROOT}"))
