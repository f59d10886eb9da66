"""Run a lecture's code cells on the pretend device, in this process, and say where its work was done.

``python tests/pretend_device.py 07`` (or several numbers, or paths) prints a line for each cell
that fails, with the place, and at the end the share of the matrix work that ran on the device.
``--all`` prints the cells that run as well.  The status is the number of lectures of which a cell
failed, or that train and did less than half of their single-precision matrix work on the device.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from pretend import usage
from pretend.device import pretending
from pretend.tensor import NAME, PretendTensor, operations

#: Least share of its single-precision matrix work that a lecture that trains must do on the device.
SHARE = 0.5


class Work(TorchDispatchMode):
    """Counts multiply-adds by place: the device, the CPU in float32, the CPU in float64."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # nothing is compiled here, and torch's guard against it costs more than the counting

    def __init__(self) -> None:
        super().__init__()
        self.done: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func._overloadpacket in flop_registry:
            first = result[0] if isinstance(result, (tuple, list)) else result
            place = NAME if isinstance(first, PretendTensor) else "cpu float64" if first.dtype in (
                torch.float64, torch.complex128) else "cpu"
            self.done[place] += flop_registry[func._overloadpacket](*args, **(kwargs or {}), out_val=result) // 2
        return result

    @property
    def share(self) -> float:
        """The device's part of the work that could run there (float64 cannot); 1 where there was none."""
        total = self.done[NAME] + self.done["cpu"]
        return self.done[NAME] / total if total else 1.0


@dataclass
class Report:
    """What happened to one lecture."""

    name: str
    cells: int = 0
    failures: list[str] = field(default_factory=list)
    followers: list[int] = field(default_factory=list)
    work: Work = field(default_factory=Work)
    backwards: int = 0
    parameters: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    on_cpu: bool = False  # float64 by declaration

    @property
    def problems(self) -> list[str]:
        """Failed cells, and training beside the device."""
        found = list(self.failures)
        if self.followers:
            found.append(f"cells that miss what failed before them: {', '.join(f'c{i}' for i in self.followers)}")
        if self.backwards and not self.on_cpu and self.work.share < SHARE:
            found.append(f"it trains ({self.backwards} backward passes), but only {self.work.share:.0%} of its "
                         "single-precision matrix work ran on the device")
        return found

    def __str__(self) -> str:
        done = {place: f"{count / 1e6:.0f} M" for place, count in self.work.done.items()}
        ran = self.cells - len(self.failures) - len(self.followers)
        return "\n".join([f"{self.name}: {ran} of {self.cells} code cells ran on the pretend device, "
                          f"{self.seconds:.0f} s",
                          f"  multiply-adds in products and convolutions by place: {done or 'none'}; "
                          f"operations on the device: {operations.total()}; backward passes: {self.backwards}; "
                          f"parameters at the end: {dict(self.parameters) or 'none'}"]
                         + [f"  ✗ {problem}" for problem in self.problems])


@contextlib.contextmanager
def _notebook_place(folder: Path) -> Iterator[None]:
    """The working folder, figures that close unseen, no bars."""
    import matplotlib

    matplotlib.use("agg", force=True)
    from matplotlib import pyplot

    before, show = Path.cwd(), pyplot.show
    os.environ["DLHELPERS_QUIET"] = "1"
    try:
        os.chdir(folder)
        pyplot.show = lambda *args, **kwargs: pyplot.close("all")
        yield
    finally:
        os.chdir(before)
        pyplot.show = show


def _place(error: BaseException, cell: int, names: dict[str, int]) -> str:
    """Cell and line, and the deepest line of ours, of an error; ``names``: cell numbers by the names of their code."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [f for f in frames if f.filename in names]
    ours = [f for f in frames if f"{os.sep}dlhelpers{os.sep}" in f.filename]
    where = f"c{cell}"
    if inside:
        last = inside[-1]
        if names[last.filename] != cell:
            where += f", in c{names[last.filename]}"
        where += f" line {last.lineno}: {(last.line or '').strip()}"
    if ours:
        where += f"  [{ours[-1].filename.split(os.sep + 'dlhelpers' + os.sep)[-1]}:{ours[-1].lineno}]"
    return where


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def run(path: Path, *, verbose: bool = False) -> Report:
    """Run the code cells of a notebook, the later ones too when one fails.

    :param path: the notebook.
    :param verbose: print a line for each cell.
    :returns: what failed, and where the work was done.
    """
    from IPython.core.interactiveshell import InteractiveShell

    notebook = nbformat.read(path, as_version=4)
    report = Report(path.name, on_cpu=usage.declares_float64(notebook))
    operations.clear()
    started = time.perf_counter()
    with pretending(), _notebook_place(path.parent), report.work:
        shell: Any = InteractiveShell.instance()
        shell.reset()
        names: dict[str, int] = {}
        shell.showtraceback = shell.showsyntaxerror = lambda *args, **kwargs: None
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type != "code":
                continue
            report.cells += 1
            names[shell.compile.get_code_name(cell.source, shell.transform_cell(cell.source),
                                              shell.execution_count)] = index
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                result = shell.run_cell(cell.source, store_history=False)
            error = result.error_before_exec or result.error_in_exec
            said = "ok"
            if isinstance(error, NameError) and report.failures:
                said = f"✗ {error}"
                report.followers.append(index)
            elif error is not None:
                said = f"✗ {_place(error, index, names)}\n      {_said(error)}"
                report.failures.append(said[2:])
            if verbose:
                print(f"c{index}: {said}", flush=True)
        for value in set(filter(lambda v: isinstance(v, torch.nn.Module), shell.user_ns.values())):
            for parameter in value.parameters():
                report.parameters[parameter.device.type] += parameter.numel()
        report.backwards = operations.pop("backward", 0)
    report.seconds = time.perf_counter() - started
    return report


def main(arguments: list[str]) -> int:
    """The command line; see the module."""
    from dlhelpers import notebooks

    parser = argparse.ArgumentParser(description=__doc__, prog="pretend_device.py",
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lectures", nargs="+", help="their numbers, or paths of notebooks")
    parser.add_argument("--all", action="store_true", help="print the cells that run, too")
    given = parser.parse_args(arguments)
    failed = 0
    for path in [path for name in given.lectures for path in notebooks.find(name)]:
        report = run(path, verbose=given.all)
        print(report, flush=True)
        failed += bool(report.problems)
    return failed
