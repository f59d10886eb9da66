"""``python -m dlhelpers run 03``: execute in a fresh kernel and store, normalised.

With ``--check`` nothing is stored: the fresh outputs are compared with the stored
ones, as the tests do, and the differences are shown.  ``--all --check --threads 1,2,4
--jobs 2 --as-user`` compares every notebook with each number of threads, in kernels
such as JupyterLab starts, two at a time.  Beside the seconds stands the plain
estimate of the minutes that the lecture takes to teach.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, NamedTuple

from dlhelpers import notebooks

#: A claim on a stored result says so; with the data at hand it is recomputed, and the mark goes.
RECORDED = re.compile(r"(✓ )recorded:\s+")


class Job(NamedTuple):
    """One notebook, run once; picklable, for other processes."""

    path: Path
    threads: int | None
    timeout: int
    check: bool
    as_user: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command.

    :param parser: gets them.
    """
    parser.add_argument("names", nargs="*", help="lecture numbers such as 03 or 3, or exercises/03, or files")
    parser.add_argument("--all", action="store_true", help="every lecture and every exercise notebook")
    parser.add_argument("--check", action="store_true", help="compare with the stored outputs, store nothing")
    parser.add_argument("--threads", type=_threads, default=[None], metavar="N[,N…]",
                        help="CPU threads of the kernel; several, such as 1,2,4, only with --check")
    parser.add_argument("--jobs", type=_positive, default=1, metavar="N", help="notebooks at a time (default 1)")
    parser.add_argument("--as-user", action="store_true",
                        help="start kernels as JupyterLab does: no quiet mode, no thread or wait settings")
    parser.add_argument("--timeout", type=_positive, default=240, help="seconds a cell may take (default 240)")


def main(options: argparse.Namespace) -> int:
    """Run the notebooks.

    :param options: the parsed command line.
    :returns: how many runs failed or differ; 2 if there is nothing to run.
    :raises FileNotFoundError: for a notebook that does not exist.
    :raises ValueError: if several numbers of threads, or a user's kernel, are to be stored.
    """
    paths = notebooks.lectures() + notebooks.exercises() if options.all else []
    for name in options.names:
        paths += notebooks.find(name)
    if not paths:
        print("nothing to run: name a lecture, for instance 03, or give --all")
        return 2
    if not options.check and len(options.threads) > 1:
        raise ValueError("--threads takes one number unless outputs are only compared: add --check")
    if not options.check and options.as_user:
        raise ValueError("--as-user only compares: add --check")
    jobs = [Job(path, threads, options.timeout, options.check, options.as_user)
            for path in paths for threads in options.threads]
    failed = 0
    for bad, text in _results(jobs, options.jobs):
        print(text, flush=True)
        failed += bad
    return failed


def _results(jobs: list[Job], at_a_time: int) -> Iterator[tuple[bool, str]]:
    """(failed, what to print) of each job, as they end."""
    if at_a_time == 1 or len(jobs) == 1:
        yield from map(_run, jobs)
        return
    with ProcessPoolExecutor(min(at_a_time, len(jobs))) as pool:
        for done in as_completed([pool.submit(_run, job) for job in jobs]):
            yield done.result()


def _run(job: Job) -> tuple[bool, str]:
    """Whether the notebook failed, or differs under ``--check``, and what to print."""
    from nbclient.exceptions import CellExecutionError

    path = job.path
    shown = f"exercises/{path.name}" if path.parent.name in ("exercises", "solutions") else path.name
    shown += f" ({job.threads} thread{'s' if job.threads != 1 else ''})" if job.threads else ""
    try:
        fresh, seconds = notebooks.execute(path, timeout=job.timeout, threads=job.threads, as_user=job.as_user)
    except CellExecutionError as error:
        return True, f"✗ {shown}\n{error}"
    if job.as_user:
        _without_bars(fresh)
    notebooks.normalise(fresh)
    if not job.check:
        notebooks.write(fresh, path)
        return False, f"✓ {shown}  {seconds:.1f} s, {path.stat().st_size / 1024:.0f} KB{_minutes(fresh, path)}"
    different = differences(notebooks.judged(path), fresh)
    back = [notebooks.way_back(path)] if different else []
    lines = [f"{'✗' if different else '✓'} {shown}  {seconds:.1f} s", *different, *filter(None, back)]
    return bool(different), "\n  ".join(lines)


def _minutes(notebook: Any, path: Path) -> str:
    """The plain estimate of the teaching time, and what the title cell says."""
    if path.parent.name in ("exercises", "solutions"):
        return ""
    core, everything = notebooks.estimate(notebook)
    stated = notebooks.stated_times(notebook)
    said = (f"title: {stated.core} and {stated.everything}" if stated else
            "the title cell lacks its line **Time** core NN minutes, everything NN minutes; NN seconds to run.")
    return f"\n  minutes, plain estimate: core {core:.0f}, everything {everything:.0f} ({said})"


def _without_bars(notebook: Any) -> None:
    """Drop what only a person sees: progress bars, which go to stderr."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"
                            or not re.search(r"\d+%\||\dit/s|it/s\]", o.text)]


def differences(stored: Any, fresh: Any) -> list[str]:
    """Where compared outputs differ.

    :param stored: the notebook that is judged.
    :param fresh: the same, executed anew and normalised.
    :returns: one line for each cell.
    """
    if len(stored.cells) != len(fresh.cells):
        return [f"{len(stored.cells)} cells stored, {len(fresh.cells)} after normalising"]
    found = []
    for number, (old, new) in enumerate(zip(stored.cells, fresh.cells, strict=True)):
        if old.cell_type != "code" or "nbval-ignore-output" in old.metadata.get("tags", []):
            continue
        if _compared(old) != _compared(new):
            found.append(f"cell {number}: stored {_compared(old)!r:.300} now {_compared(new)!r:.300}")
    return found


def _compared(cell: Any) -> list[Any]:
    """What nbval compares of a cell's outputs: texts, not pictures, without the mark of recorded results."""
    result: list[Any] = []
    for output in cell.outputs:
        if output.output_type == "stream":
            result.append((output.name, RECORDED.sub(r"\1", output.text)))
        else:
            data = output.get("data", {})
            result.append({k: v for k, v in data.items() if k not in ("image/png", "image/jpeg")})
    return result


def _threads(text: str) -> list[int | None]:
    return [_positive(part) for part in text.split(",")]


def _positive(text: str) -> int:
    if not text.strip().isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a positive integer is needed, got {text!r}")
    return int(text)
