"""What all benchmarks share: interleaved timing, a table, and ``--json``.

    report = Report("training loop", parse())
    times = interleaved({"ours": run_ours, "peer": run_peer}, repeats=5)
    report.add("one-layer 784-10", times["ours"], "peer", times["peer"])
    report.print()

With ``--json`` each comparison is one line ``{"case", "ours_s", "peer", "peer_s", "ratio"}``
with ratio = peer_s / ours_s: above 1, ours is the faster one.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field


def parser(description: str) -> argparse.ArgumentParser:
    """A parser that knows ``--json`` and ``--repeats``."""
    options = argparse.ArgumentParser(description=description.strip().splitlines()[0])
    options.add_argument("--json", action="store_true", help="print one JSON object a line")
    options.add_argument("--repeats", type=int, default=5, help="take the best of so many")
    return options


def interleaved(contestants: dict[str, Callable[[], object]], repeats: int = 5,
                warm_up: int = 1) -> dict[str, float]:
    """Best time in seconds of each contestant.

    They take turns, so that a busy moment of the machine hits all of them alike; a
    contestant that returns a float reports its own time (without its set-up, say).
    """
    best = dict.fromkeys(contestants, float("inf"))
    for turn in range(warm_up + repeats):
        for name, run in contestants.items():
            started = time.perf_counter()
            result = run()
            seconds = result if isinstance(result, float) else time.perf_counter() - started
            if turn >= warm_up:
                best[name] = min(best[name], seconds)
    return best


@dataclass
class Report:
    """Comparisons of one benchmark script."""

    title: str
    as_json: bool = False
    rows: list[dict[str, object]] = field(default_factory=list)

    def add(self, case: str, ours_s: float, peer: str, peer_s: float, *, note: str = "", bar: float | None = None) -> None:
        """One comparison on the same work; ``note`` and ``bar`` (least ratio) only show in the table."""
        ratio = peer_s / ours_s
        self.rows.append({"case": case, "ours_s": ours_s, "peer": peer, "peer_s": peer_s, "ratio": ratio,
                          "_note": note, "_bar": bar})

    def print(self) -> None:
        """The table, or one JSON object a line."""
        if self.as_json:
            for row in self.rows:
                print(json.dumps({key: value for key, value in row.items() if not key.startswith("_")}))
            return
        print(f"{self.title}  ({platform.machine()}, {os.cpu_count()} cores, best times)")
        width = max([len(str(row["case"])) for row in self.rows] + [4])
        print(f"{'case':{width}}  {'ours':>10}  {'peer':>24}  {'ratio':>7}  {'needed':>7}")
        for row in self.rows:
            needed = "" if row["_bar"] is None else f"{row['_bar']:.2f}"
            peer = f"{row['peer']} {_seconds(row['peer_s'])}"
            print(f"{row['case']:{width}}  {_seconds(row['ours_s']):>10}  {peer:>24}  {row['ratio']:7.2f}  "
                  f"{needed:>7}  {row['_note']}".rstrip())


def _seconds(value: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g} s"
