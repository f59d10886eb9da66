"""``python -m dlhelpers audit 03``: a verdict on every claim of a lecture.

*tight*: wrong values break it, and its limit lies within 5× of what was measured.
*loose*: more room than that.  *suspect*: signs that it cannot fail.  *untested*:
no change of the code broke it twice; that may be the audit's fault.  A claim that
gives its reason, ``claim(..., loose="…")``, is excused.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

from dlhelpers import notebooks


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command.

    :param parser: gets them.
    """
    parser.add_argument("names", nargs="*", help="lecture numbers such as 03, or files")
    parser.add_argument("--all", action="store_true", help="every lecture")
    parser.add_argument("--seconds", type=float, default=240, help="time for each lecture (default 240)")
    parser.add_argument("--resume", action="store_true", help="go on with an audit that was stopped")
    parser.add_argument("--seed", type=int, default=0, help="for the order of the changes (default 0)")
    parser.add_argument("--check", action="store_true", help="print the verdicts, store nothing")
    parser.add_argument("--table", action="store_true", help="show the stored counts of all lectures")


def main(options: argparse.Namespace) -> int:
    """Audit the lectures.

    :param options: of the command line.
    :returns: the number of lectures with weak claims that have no written reason.
    :raises ValueError: if the time is not positive.
    """
    if options.seconds <= 0:
        raise ValueError(f"--seconds must be positive, got {options.seconds:g}")
    paths = notebooks.lectures() if options.all else [p for name in options.names for p in notebooks.find(name)]
    if not paths and not options.table:
        print("nothing to audit: name a lecture, for instance 03, or give --all or --table")
        return 2
    if paths and not hasattr(os, "fork"):
        print("the audit forks processes, which this system cannot: run it on Linux or macOS")
        return 2
    weak = sum(_audit(path, options) for path in paths)
    if options.table:
        from dlhelpers.audit import tables

        print(tables.shown(tables.load()))
    return weak


def _audit(path: Path, options: argparse.Namespace) -> bool:
    """True if claims of the lecture are weak."""
    from dlhelpers.audit import driver, tables, verdicts

    started = time.monotonic()
    print(path.name)
    audit = driver.Audit(path, options.seconds, options.seed)
    try:
        plan = audit.run(options.resume)
    except RuntimeError as error:
        print(f"✗ {error}")
        return True
    found = verdicts.judge(plan, audit.static)
    if path.parent == notebooks.FOLDER and not options.check:
        tables.save(path, found, audit.code, options.seed, audit.jobs, time.monotonic() - started)
    audit.finish()
    return _say(found)


def _say(found: list) -> bool:
    """Print what an author can mend, then the counts."""
    from dlhelpers.audit import tables

    for verdict in ("suspect", "loose", "untested"):
        for one in found:
            if one.verdict == verdict:
                excuse = f"  (reason: {one.reason})" if one.excused else ""
                print(f"  {verdict:8} c{one.cell:<3} {one.statement[:76]}: {one.why}{excuse}")
    for one in found:
        if not one.steady:
            print(f"  unstable c{one.cell:<3} {one.statement[:76]}: its shown number sits on a rounding boundary")
    counts = tables.counts(found)
    weak = counts["loose"] + counts["suspect"] - counts["excused"]
    print(f"{'✗' if weak else '✓'} " + ", ".join(f"{n} {k}" for k, n in counts.items()))
    return bool(weak)
