"""A real JupyterLab in a real browser: open lecture 02, run all cells, move a slider, see the picture change."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from browser_tools import chromium, jupyterlab, require

from dlhelpers import notebooks

LECTURE = "02_linear_model.ipynb"
SLIDER = '.widget-slider:has(.widget-label:text("η"))'
# A cell's number, once it has run; "*" while it waits; nothing before.
PROMPTS = """() => [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(p => p.textContent.trim())"""
DONE = """() => {
    const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(p => p.textContent.trim());
    const failed = document.querySelector('[data-mime-type="application/vnd.jupyter.error"]');
    return failed || (prompts.length > 0 && prompts.every(p => /^\\[\\d+\\]:$/.test(p)));
}"""
# The bytes of the picture in the output that holds the slider; the page keeps them under a blob address.
PICTURE = """async (slider) => {
    const image = slider.closest('.jp-OutputArea').querySelector('img.widget-image');
    const bytes = new Uint8Array(await (await fetch(image.src)).arrayBuffer());
    const digest = await crypto.subtle.digest('SHA-256', bytes);
    return [bytes.length, [...new Uint8Array(digest)].map(b => b.toString(16).padStart(2, '0')).join('')];
}"""


def blank_copy(path: Path, folder: Path) -> int:
    """A copy without outputs, so that whatever the browser shows has been computed now.

    Returns how many code cells it has.
    """
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.metadata.pop("jupyter", None)      # folded code shows no prompt to wait for
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, folder / path.name)
    return sum(cell.cell_type == "code" for cell in notebook.cells)


def run_all_cells(page: Any) -> None:
    """Open the Run menu and choose "Run All Cells"."""
    page.locator('.lm-MenuBar-itemLabel:text-is("Run")').click()
    page.locator('.lm-Menu-item[data-command="runmenu:run-all"]').click()


@pytest.mark.browser
def test_lecture_runs_and_its_slider_moves_the_picture(tmp_path: Path) -> None:
    stored = notebooks.FOLDER / LECTURE
    require(stored.exists(), f"{LECTURE} is not there")
    before = stored.read_bytes()
    cells = blank_copy(stored, tmp_path / "notebooks")
    if (notebooks.FOLDER / "images").is_dir():
        shutil.copytree(notebooks.FOLDER / "images", tmp_path / "notebooks" / "images")
    (tmp_path / "state").mkdir()
    with chromium() as browser, jupyterlab(tmp_path / "notebooks", tmp_path / "state") as (address, token):
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.goto(f"{address}/lab/tree/{LECTURE}?token={token}")
        # All cells are there, and the kernel is: before that, "Run All Cells" would run nothing.
        page.wait_for_function(f"() => ({PROMPTS})().length === {cells}", timeout=180_000)
        page.locator('#jp-main-statusbar :text("| Idle")').first.wait_for(timeout=180_000)
        assert not any(any(c.isdigit() for c in prompt) for prompt in page.evaluate(PROMPTS))

        run_all_cells(page)
        page.wait_for_function(DONE, timeout=180_000, polling=200)
        for kind in ("error", "stderr"):
            shown = page.locator(f'[data-mime-type="application/vnd.jupyter.{kind}"]')
            assert shown.count() == 0, f"{kind} in an output: {shown.first.inner_text()[:500]}"
        numbers = [int(prompt.strip("[]:")) for prompt in page.evaluate(PROMPTS)]
        assert numbers == list(range(1, cells + 1))

        slider = page.locator(SLIDER).first
        slider.scroll_into_view_if_needed()
        slider.wait_for(state="visible", timeout=120_000)
        element = slider.element_handle()
        size, first = page.evaluate(PICTURE, element)
        assert size > 1000
        readout = slider.locator(".widget-readout").inner_text()
        handle = slider.locator(".noUi-handle")
        handle.focus()
        for _ in range(3):
            handle.press("ArrowRight")
        picture = f"async (slider) => (await ({PICTURE})(slider))[1]"
        page.wait_for_function(f"async ([slider, first]) => (await ({picture})(slider)) !== first",
                               arg=[element, first], timeout=120_000, polling=100)
        assert slider.locator(".widget-readout").inner_text() != readout
        assert page.locator('[data-mime-type="application/vnd.jupyter.error"]').count() == 0
    assert stored.read_bytes() == before
