"""What all benchmarks share: interleaved timing, a table, and ``--json``.

    report = Report("training loop", as_json=False)
    times = interleaved({"ours": run_ours, "peer": run_peer}, repeats=5)
    report.add("one-layer 784-10", times["ours"], "peer", times["peer"])     # printed at once
    report.finish()                                                          # says what missed its bar

What runs is shown on the terminal meanwhile.  With ``--json`` each comparison is one line
``{"case", "ours_s", "peer", "peer_s", "ratio"}`` with ratio = peer_s / ours_s: above 1, ours
is the faster one.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field


def parser(description: str) -> argparse.ArgumentParser:
    """A parser that knows ``--json`` and ``--repeats``.

    :param description: the script's docstring; its first line is shown.
    :returns: the parser, for options of one's own.
    """
    options = argparse.ArgumentParser(description=description.strip().splitlines()[0])
    options.add_argument("--json", action="store_true", help="print one JSON object a line")
    options.add_argument("--repeats", type=int, default=5, help="take the best of so many")
    return options


def interleaved(contestants: dict[str, Callable[[], object]], repeats: int = 5,
                warm_up: int = 1) -> dict[str, float]:
    """Best time in seconds of each contestant.

    They take turns, so that a busy moment of the machine hits all of them alike; a
    contestant that returns a float reports its own time (without its set-up, say).

    :param contestants: name -> what to run.
    :param repeats: turns that count.
    :param warm_up: turns before, that do not.
    :returns: name -> seconds.
    """
    best = dict.fromkeys(contestants, float("inf"))
    for turn in range(warm_up + repeats):
        for name, run in contestants.items():
            _show(f"{name}, {'warming up' if turn < warm_up else f'turn {turn - warm_up + 1} of {repeats}'}")
            started = time.perf_counter()
            result = run()
            seconds = result if isinstance(result, float) else time.perf_counter() - started
            if turn >= warm_up:
                best[name] = min(best[name], seconds)
    _show("")
    return best


def _show(text: str) -> None:
    """What is going on, on one line of the terminal that is written over; nothing where errors go to a file."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


@dataclass
class Report:
    """Comparisons of one benchmark script."""

    title: str
    as_json: bool = False
    rows: list[dict[str, object]] = field(default_factory=list)

    def add(self, case: str, ours_s: float, peer: str, peer_s: float, *, note: str = "",
            bar: float | None = None) -> None:
        """One comparison on the same work, printed at once.

        :param case: what was done.
        :param ours_s: our time, seconds.
        :param peer: whose time ours is compared with.
        :param peer_s: its time, seconds.
        :param note: a remark for the table.
        :param bar: the least ratio that is needed.
        """
        ratio = peer_s / ours_s
        self.rows.append({"case": case, "ours_s": ours_s, "peer": peer, "peer_s": peer_s, "ratio": ratio,
                          "_bar": bar})
        if self.as_json:
            shown = {key: value for key, value in self.rows[-1].items() if not key.startswith("_")}
            print(json.dumps(shown), flush=True)
            return
        if len(self.rows) == 1:
            print(f"{self.title}  ({platform.machine()}, {os.cpu_count()} cores, best times)")
            print(f"{'case':28}  {'ours':>10}  {'peer':>26}  {'ratio':>7}  {'needed':>7}")
        needed = "" if bar is None else f"{bar:.2f}"
        told = f"{peer} {_seconds(peer_s)}"
        print(f"{case:28}  {_seconds(ours_s):>10}  {told:>26}  {ratio:7.2f}  {needed:>7}  {note}".rstrip(), flush=True)

    def missed(self) -> list[str]:
        """The cases that stayed below their bar.

        :returns: one sentence each.
        """
        return [f"{row['case']}: {row['ratio']:.2f} times {row['peer']}, {row['_bar']:.2f} needed"
                for row in self.rows if row["_bar"] is not None and row["ratio"] < row["_bar"]]  # type: ignore[operator]

    def finish(self) -> int:
        """Say on the terminal which cases stayed below their bars.

        :returns: how many they are.
        """
        for sentence in self.missed():
            print(f"below its bar: {sentence}", file=sys.stderr)
        return len(self.missed())


def _seconds(value: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g} s"
