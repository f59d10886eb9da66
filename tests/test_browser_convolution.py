"""Kernel editor and drawing canvas in a real browser: typed, dragged and drawn, with the mouse and with a finger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from browser_tools import Complaints, chromium, jupyterlab
from drawn_digits import STROKES, smooth
from test_browser import DONE, PROMPTS, run_all_cells
from test_browser_explorers import CELL, assert_fits, share, state, wait_for

from dlhelpers.widgets import registry

NAMES = ("kernel-editor", "digit-canvas")


class Pen:
    """Mouse or finger: down, along a path, up; places in pixels of the page."""

    def __init__(self, page: Any, touch: bool) -> None:
        self.page, self.touch = page, page.context.new_cdp_session(page) if touch else None

    def stroke(self, path: list[tuple[float, float]]) -> None:
        if self.touch is None:
            self.page.mouse.move(*path[0])
            self.page.mouse.down()
            for place in path[1:]:
                self.page.mouse.move(*place)
            self.page.mouse.up()
            return
        for kind, place in (("touchStart", path[0]), *(("touchMove", place) for place in path[1:])):
            self.touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": place[0], "y": place[1]}]})
        self.touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


@pytest.mark.browser
@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "touch"])
def test_kernels_are_edited_and_digits_drawn(tmp_path: Path, touch: bool) -> None:
    twins = {name: registry.load(name)() for name in NAMES}
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "state").mkdir()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL.format(name=name)) for name in NAMES])
    notebook.metadata.kernelspec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(notebook, tmp_path / "notebooks" / "play.ipynb")
    with chromium() as browser, jupyterlab(tmp_path / "notebooks", tmp_path / "state") as (address, token):
        context = browser.new_context(viewport={"width": 1366, "height": 900}, has_touch=touch)
        page = context.new_page()
        complaints = Complaints().watch(page)
        page.goto(f"{address}/lab/tree/play.ipynb?token={token}")
        page.wait_for_function(f"() => ({PROMPTS})().length === {len(NAMES)}", timeout=180_000)
        page.locator('#jp-main-statusbar :text("| Idle")').first.wait_for(timeout=180_000)
        run_all_cells(page)
        page.wait_for_function(DONE, timeout=240_000, polling=200)
        pictures = page.locator(".jp-OutputArea canvas")
        pictures.last.wait_for(state="visible", timeout=120_000)
        pen = Pen(page, touch)

        def places(k: int, panel: int, points: Any) -> list[tuple[float, float]]:
            canvas = assert_fits(page, pictures.nth(k))
            shares = [share(twins[NAMES[k]], panel, x, y) for x, y in points]
            return [(canvas["x"] + a * canvas["width"], canvas["y"] + b * canvas["height"]) for a, b in shares]

        # A touch of the picture moves the window there; a drag on the kernel changes a weight; so does typing.
        pen.stroke(places(0, 0, [(30.0, 50.0)]))
        wait_for(page, NAMES[0], "Math.abs(s.column - 30) <= 1 && Math.abs(s.row - 50) <= 1")
        assert state(page, NAMES[0])["w22"] == 0
        pen.stroke(places(0, 2, [(1.0, 1.9), (1.0, 1.6), (1.0, 1.2), (1.0, 0.9)]))
        wait_for(page, NAMES[0], "s.w32 > 1")
        field = page.locator('.jp-OutputArea input[type="number"]').nth(4)
        field.fill("3")
        field.press("Enter")
        weights = " + ".join(f"s.w{i}{j}" for i in (1, 2, 3) for j in (1, 2, 3))
        wait_for(page, NAMES[0], f"s.w22 === 3 && s['sum of weights'] === {weights}")

        # Three digits drawn on the pad are read.
        clear = page.locator('.jp-OutputArea button:has-text("clear")')
        for digit in (0, 4, 7):
            clear.click()
            wait_for(page, NAMES[1], "s.strokes === 0")
            for stroke in STROKES[digit]:
                pen.stroke(places(1, 0, smooth(stroke)))
            wait_for(page, NAMES[1], f"s.strokes === {len(STROKES[digit])} && s.answer === {digit}")
        assert page.locator('[data-mime-type="application/vnd.jupyter.stderr"]').count() == 0
        assert not [error for error in complaints.errors if "Uncaught" in error or "TypeError" in error]
