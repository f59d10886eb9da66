"""The Gray-Scott explorer in a real browser: start, pause, click the map, brush, reset."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from browser_tools import Complaints, chromium, jupyterlab
from test_browser import DONE, PROMPTS, run_all_cells

from dlhelpers.widgets.gray_scott import SIDE, GrayScottExplorer

# The state is mirrored into the page as text, so that the test can read numbers.
CELL = """import json, ipywidgets
from dlhelpers.widgets.gray_scott import GrayScottExplorer
explorer = GrayScottExplorer()
mirror = ipywidgets.HTML()
explorer.live.image.observe(lambda _: setattr(mirror, "value", "state " + json.dumps(explorer.state())), "value")
ipywidgets.VBox([explorer.show(), mirror])"""
STATE = """() => {
    const found = [...document.querySelectorAll('.widget-html-content')].map(e => e.textContent)
        .filter(t => t.startsWith('state '));
    return found.length ? found[0].slice(6) : null;
}"""
STEPS = f"(least) => {{ const t = ({STATE})(); return t !== null && JSON.parse(t).steps >= least; }}"


def state(page: Any) -> dict[str, float]:
    return json.loads(page.evaluate(STATE))


def pixel(explorer: GrayScottExplorer, axes: int, x: float, y: float) -> tuple[float, float]:
    """Where a point of a panel lies in the picture, from its upper left corner."""
    px, py = explorer.live.axes[axes].transData.transform((x, y))
    return float(px), float(explorer.live.canvas.get_width_height()[1] - py)


@pytest.mark.browser
def test_play_pause_map_brush_reset(tmp_path: Path) -> None:
    twin = GrayScottExplorer()  # the same layout, to know where to click
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "state").mkdir()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    notebook.metadata.kernelspec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(notebook, tmp_path / "notebooks" / "play.ipynb")
    with chromium() as browser, jupyterlab(tmp_path / "notebooks", tmp_path / "state") as (address, token):
        page = browser.new_page(viewport={"width": 1500, "height": 1000})
        complaints = Complaints().watch(page)
        page.goto(f"{address}/lab/tree/play.ipynb?token={token}")
        page.wait_for_function(f"() => ({PROMPTS})().length === 1", timeout=180_000)
        page.locator('#jp-main-statusbar :text("| Idle")').first.wait_for(timeout=180_000)
        run_all_cells(page)
        page.wait_for_function(DONE, timeout=240_000, polling=200)
        glass = page.locator(".jp-OutputArea canvas").first
        glass.wait_for(state="visible", timeout=120_000)
        glass.scroll_into_view_if_needed()
        play = page.locator(".jp-OutputArea .widget-play button").first
        stored = twin.state()["steps"]

        # Start: the field runs by itself.
        play.click()
        page.wait_for_function(STEPS, arg=stored + 10 * 40, timeout=180_000)
        # Pause: after what was under way it stands still.
        play.click()
        page.wait_for_timeout(1000)
        paused = state(page)
        page.wait_for_timeout(1000)
        assert state(page) == paused

        # Click the map: F and k are those of the place.
        box = glass.bounding_box()
        scale = box["width"] / twin.live.canvas.get_width_height()[0]
        px, py = pixel(twin, 0, 0.0616, 0.042)
        page.mouse.click(box["x"] + scale * px, box["y"] + scale * py)
        page.wait_for_function(f"() => Math.abs(JSON.parse(({STATE})()).k - 0.0616) < 2e-4", timeout=120_000)
        assert state(page)["F"] == pytest.approx(0.042, abs=4e-4)

        # Brush across the field: there is more v than before, and no step was taken.
        before = state(page)
        path = [pixel(twin, 1, x, SIDE * 0.15) for x in (40, 90, 140)]
        page.mouse.move(box["x"] + scale * path[0][0], box["y"] + scale * path[0][1])
        page.mouse.down()
        for px, py in path:
            page.mouse.move(box["x"] + scale * px, box["y"] + scale * py, steps=4)
        page.mouse.up()
        page.wait_for_function(f"() => JSON.parse(({STATE})()).mean_v > {before['mean_v'] + 1e-3}", timeout=120_000)
        assert state(page)["steps"] == before["steps"]

        # Reset: the bare field with one wound.
        page.locator('.jp-OutputArea button:has-text("reset")').click()
        page.wait_for_function(f"() => JSON.parse(({STATE})()).steps === 0", timeout=120_000)
        assert state(page)["mean_v"] < before["mean_v"]
        assert page.locator('[data-mime-type="application/vnd.jupyter.stderr"]').count() == 0
        assert not [error for error in complaints.errors if "Uncaught" in error or "TypeError" in error]
