"""Mouse explorers in a real browser at a laptop's width: nothing is cut, clicks land, wheel and drag work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from browser_tools import chromium, jupyterlab
from test_browser import DONE, PROMPTS, run_all_cells

from dlhelpers.widgets import registry

#: Explorer -> a panel, a place in it, and the two numbers of the state that a click there sets.
MOUSE = {"loss-under-mouse": (0, -2.5, 3.25), "gray-scott": (0, 0.0616, 0.042), "loss-surface": (0, 250.0, 200.0),
         "perceptron": (0, 2.0, 1.0)}
CELL = """import json, ipywidgets
from dlhelpers.widgets import registry

def mirrored(name):
    explorer, mirror = registry.load(name)(), ipywidgets.HTML()
    def say(_):
        held = {{key: c.value for key, c in explorer.controls.items() if isinstance(c.value, float)}}
        mirror.value = name + " state " + json.dumps({{**explorer.state(), **held}})
    explorer.live.image.observe(say, "value")
    say(None)
    return ipywidgets.VBox([explorer.show(), mirror])

mirrored({name!r})"""
STATE = """(name) => {
    const found = [...document.querySelectorAll('.widget-html-content')].map(e => e.textContent)
        .filter(t => t.startsWith(name + ' state '));
    return found.length ? found[0].slice(name.length + 7) : null;
}"""


def state(page: Any, name: str) -> dict[str, float]:
    return json.loads(page.evaluate(STATE, name))


def wait_for(page: Any, name: str, condition: str) -> None:
    """Until ``condition``, JavaScript over the state ``s``, holds."""
    try:
        page.wait_for_function(f"(name) => {{ const s = JSON.parse(({STATE})(name)); return {condition}; }}", arg=name,
                               timeout=60_000)
    except Exception as error:
        raise AssertionError(f"{name}: {condition} did not come true: {state(page, name)}") from error


def share(explorer: Any, panel: int, x: float, y: float) -> tuple[float, float]:
    """Where a point of a panel lies in the picture, as shares of its width and height from the upper left."""
    px, py = explorer.live.axes[panel].transData.transform((x, y))
    width, height = explorer.live.canvas.get_width_height()
    return float(px / width), float(1 - py / height)


def assert_fits(page: Any, picture: Any) -> dict[str, float]:
    """The canvas lies exactly over its image, and both within the output area."""
    picture.scroll_into_view_if_needed()
    canvas = picture.bounding_box()
    image = picture.locator("xpath=../img").bounding_box()
    area = picture.locator("xpath=ancestor::div[contains(@class, 'jp-OutputArea-output')][1]").bounding_box()
    assert canvas == pytest.approx(image, abs=1.0)
    assert canvas["x"] >= area["x"] - 1 and canvas["x"] + canvas["width"] <= area["x"] + area["width"] + 1
    return canvas


@pytest.mark.browser
@pytest.mark.parametrize("width", [1366, 900])
def test_mouse_explorers_fit_and_hear_the_mouse(tmp_path: Path, width: int) -> None:
    twins = {name: registry.load(name)() for name in MOUSE}
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "state").mkdir()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL.format(name=name)) for name in MOUSE])
    notebook.metadata.kernelspec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(notebook, tmp_path / "notebooks" / "play.ipynb")
    with chromium() as browser, jupyterlab(tmp_path / "notebooks", tmp_path / "state") as (address, token):
        page = browser.new_page(viewport={"width": width, "height": 768})
        page.goto(f"{address}/lab/tree/play.ipynb?token={token}")
        page.wait_for_function(f"() => ({PROMPTS})().length === {len(MOUSE)}", timeout=180_000)
        page.locator('#jp-main-statusbar :text("| Idle")').first.wait_for(timeout=180_000)
        run_all_cells(page)
        page.wait_for_function(DONE, timeout=240_000, polling=200)
        pictures = page.locator(".jp-OutputArea canvas")
        pictures.last.wait_for(state="visible", timeout=120_000)
        places = {}
        for k, (name, (panel, x, y)) in enumerate(MOUSE.items()):
            canvas = assert_fits(page, pictures.nth(k))
            assert canvas["width"] < twins[name].live.canvas.get_width_height()[0], "it was made smaller, not cut"
            across, down = share(twins[name], panel, x, y)
            places[name] = canvas["x"] + across * canvas["width"], canvas["y"] + down * canvas["height"]
            page.mouse.move(*places[name])
            page.mouse.down()
            if name == "loss-surface":
                before = state(page, name)
                page.mouse.move(places[name][0] - 60, places[name][1] + 40, steps=6)
                wait_for(page, name, f"s.azimuth > {before['azimuth'] + 10} && s.tilt > {before['tilt'] + 3}")
                page.mouse.up()
                page.mouse.wheel(0, -120)
                wait_for(page, name, f"s.radius < {before['radius'] - 0.05}")
            elif name == "perceptron":  # pressed anywhere, the line with its normal at 120 degrees jumps there
                wait_for(page, name, f"Math.abs(s.offset - {1 - 3**0.5 / 2}) < 0.06")
                page.mouse.move(places[name][0], places[name][1] + 40, steps=4)
                wait_for(page, name, "s.offset > 0.3")
                page.mouse.up()
            else:
                page.mouse.up()
                first, second = ("x", "y") if name == "loss-under-mouse" else ("k", "F")
                # A pixel of the scaled picture, and the distance of a slider's marks.
                ax, controls = twins[name].live.axes[panel], twins[name].controls
                near = [abs(b - a) / 300 + controls[key].step for key, (a, b) in
                        ((first, ax.get_xlim()), (second, ax.get_ylim()))]
                wait_for(page, name, f"Math.abs(s.{first} - {x}) < {near[0]} && Math.abs(s.{second} - {y}) < {near[1]}")
        for image in page.locator(".jp-OutputArea img.widget-image").all():
            assert "Now:" in image.get_attribute("title")
        assert page.locator('[data-mime-type="application/vnd.jupyter.stderr"]').count() == 0
        page.screenshot(path=tmp_path / "page.png")
