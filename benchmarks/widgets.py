"""Explorers: from the move of a slider to the new picture, against ``interact`` with ``plt.show()``.

Everything is timed inside one real kernel with the inline backend, the way a
notebook runs it: the value of a slider is set, and the clock stops when the new
PNG has been handed to the front end.  Peers, with the same picture and the same
moves, in turns with ours:

* ``interact``: the callback draws the picture with pyplot and calls ``plt.show()``;
* ``full redraw``: the figure and its artists are kept between moves, which few
  notebooks do, but drawn whole; nothing but blitting is then left to win.

    python benchmarks/widgets.py [--json] [--only linear-model]
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from _report import Report, parser

#: The least factor over ``interact``; milliseconds that median and 95th percentile may take.
FACTOR, MEDIAN_MS, P95_MS = 5.0, 30.0, 60.0


def run_in_kernel(source: str, timeout: float = 600) -> str:
    """Run code in a fresh kernel; returns what it printed to stderr, where nothing else writes.

    RuntimeError shows the traceback if the code fails.
    """
    from jupyter_client.manager import start_new_kernel

    environment = dict(os.environ, DLHELPERS_QUIET="1")
    environment.pop("MPLBACKEND", None)  # the inline backend is the kernel's own choice
    manager, client = start_new_kernel(kernel_name="python3", env=environment, startup_timeout=180)
    printed: list[str] = []

    def listen(message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream" and message["content"]["name"] == "stderr":
            printed.append(message["content"]["text"])

    try:
        reply = client.execute_interactive(source, output_hook=listen, timeout=timeout, store_history=False)
        if reply["content"]["status"] != "ok":
            raise RuntimeError("\n".join(reply["content"]["traceback"]))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return "".join(printed)


def measure(name: str, moves: int = 80, peer_moves: int = 12) -> dict[str, list[float]]:
    """Seconds of every move: ours, ``interact`` and ``full redraw``; called inside the kernel."""
    import time

    import ipywidgets
    import matplotlib.pyplot as plt
    import numpy as np
    from IPython.display import display

    from dlhelpers.plotting import style
    from dlhelpers.widgets import registry

    style.use()
    build = registry.load(name)
    explorer = build()
    display(explorer.show())

    # The peers' controls are another copy of the explorer's own.
    drawn = {"interact": build().controls, "full redraw": build().controls}
    with pyplot_instead_of_blitting():
        kept = build()

    def draw_anew(**values: Any) -> None:
        with pyplot_instead_of_blitting():
            build().update(**values)
        plt.show()

    def draw_whole(**values: Any) -> None:
        kept.update(**values)
        display(kept.live.figure)

    plt.close(kept.live.figure)
    for callback, peer in ((draw_anew, "interact"), (draw_whole, "full redraw")):
        display(ipywidgets.interactive(callback, **drawn[peer]))

    rng = np.random.default_rng(0)
    seconds: dict[str, list[float]] = {"ours": [], "interact": [], "full redraw": []}
    movable = [key for key, control in explorer.controls.items()
               if hasattr(control, "min") or hasattr(control, "options")]
    # Sliders if there are any: a list of choices may rebuild the whole picture.
    movable = [key for key in movable if hasattr(explorer.controls[key], "min")] or movable
    for turn in range(moves + 2):
        key = movable[rng.integers(len(movable))]
        value = random_value(explorer.controls[key], rng)
        contestants = {"ours": explorer.controls}
        if turn % max(1, moves // peer_moves) == 0 or turn < 2:
            contestants |= drawn
        for who, controls in contestants.items():
            if controls[key].value == value:
                continue
            started = time.perf_counter()
            controls[key].value = value
            elapsed = time.perf_counter() - started
            if turn >= 2:  # the first moves warm everybody up
                seconds[who].append(elapsed)
    return seconds


def random_value(control: Any, rng: Any) -> Any:
    """A value of a slider or a list, far from rare ones: uniform over its range."""
    import ipywidgets

    if hasattr(control, "options"):
        return rng.choice(np_values(control))
    if isinstance(control, ipywidgets.FloatLogSlider):
        return float(control.base ** rng.uniform(control.min, control.max))
    if isinstance(control, ipywidgets.IntSlider):
        return int(rng.integers(control.min, control.max + 1))
    return float(rng.uniform(control.min, control.max))


def np_values(control: Any) -> list[Any]:
    """The values behind the labels of a list."""
    return [option[1] if isinstance(option, tuple) else option for option in control.options]


def pyplot_instead_of_blitting() -> Any:
    """Within this block an explorer builds plain pyplot figures, and controls that cost nothing."""
    import contextlib
    from types import SimpleNamespace
    from unittest import mock

    import matplotlib.pyplot as plt

    from dlhelpers.plotting import style
    from dlhelpers.widgets import live

    class PyplotFigure:
        def __init__(self, figsize: tuple[float, float] = (10.0, 4.2), *, mouse: Any = None, **subplots: Any) -> None:
            with style.context():
                self.figure, self.axes = plt.subplots(figsize=figsize, dpi=100, layout="constrained", **subplots)
            self.canvas = self.figure.canvas
            self.image = self.widget = self.glass = mock.MagicMock()

        def moving(self, *artists: Any) -> Any:
            return artists[0] if len(artists) == 1 else artists

        def redraw(self) -> None:
            pass

        refresh = redraw

    def control(kind: str) -> Any:
        def make(label: str, value: Any = None, *rest: Any, **options: Any) -> Any:
            if kind == "choice" and rest[:1] and rest[0] is not None:
                value = rest[0]
            elif kind == "choice":
                first = options.get("value", value[0] if value else None)
                value = first[1] if isinstance(first, tuple) else first
            return SimpleNamespace(value=value, min=0, max=1, layout=SimpleNamespace(), observe=lambda *a, **k: None,
                                   unobserve=lambda *a, **k: None, on_click=lambda *a, **k: None,
                                   options=[], description=label, disabled=False)
        return make

    stack = contextlib.ExitStack()
    stack.enter_context(mock.patch.object(live, "LiveFigure", PyplotFigure))
    for kind in ("slider", "choice", "button"):
        stack.enter_context(mock.patch.object(live, kind, control(kind)))
    return stack


def main() -> int:
    """Time the explorers; returns how many miss a bar."""
    from dlhelpers.widgets import registry

    options = parser(__doc__)
    options.add_argument("--only", help="one explorer, by its name in the registry")
    args = options.parse_args()
    report = Report("Explorers: move of a slider to new picture", args.json)
    here, missed = str(Path(__file__).resolve().parent), 0
    for name in [args.only] if args.only else sorted(registry.EXPLORERS):
        registry.load(name)  # a wrong name is said before a kernel is started
        source = (f"import sys, json; sys.path.insert(0, {here!r}); import widgets as benchmark\n"
                  f"times = benchmark.measure({name!r})\n"
                  "print('RESULT' + json.dumps(times) + 'END', file=sys.stderr)")
        answer = run_in_kernel(source)
        times = json.loads(answer.split("RESULT")[1].split("END")[0])
        missed += _add(report, name, times)
    report.finish()
    if missed:
        print(f"{missed} bars missed", file=sys.stderr)
    return missed


def _add(report: Report, name: str, times: dict[str, list[float]]) -> int:
    """Two lines of the table for one explorer; returns how many bars it misses."""
    from statistics import median

    def p95(values: list[float]) -> float:
        return sorted(values)[min(len(values) - 1, int(0.95 * len(values)))]

    ours, slow = median(times["ours"]), p95(times["ours"])
    case = f"explorer {name}"
    report.add(case, ours, "interact", median(times["interact"]), bar=FACTOR,
               note=f"median of {len(times['ours'])} moves, at most {MEDIAN_MS:.0f} ms")
    report.add(f"{case} p95", slow, "interact", p95(times["interact"]), note=f"at most {P95_MS:.0f} ms")
    report.add(case, ours, "full redraw", median(times["full redraw"]))
    return ((ours > MEDIAN_MS / 1e3) + (slow > P95_MS / 1e3) + (median(times["interact"]) < FACTOR * ours))


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
