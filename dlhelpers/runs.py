"""Recorded experiments: arrays together with where they came from.

A run that is too long for a notebook is made once by ``python data/runs/NAME.py``
and stored in ``data/runs/NAME.npz``.  Its seed, its configuration, the versions
of the packages and of our code, the processor, the threads, the GPU, the date and
the command that repeats it travel in the same file, so that neither can be lost
without the other.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlhelpers import __version__, files

#: Every recorded run carries at least these; newer ones also ``code``, ``device``, ``threads`` and ``gpu``.
REQUIRED = ("command", "seed", "date", "versions", "hardware", "seconds")


@dataclass(frozen=True)
class Run:
    """A recorded run: ``run["loss"]`` is an array, ``run.meta`` its provenance."""

    name: str
    arrays: dict[str, np.ndarray]
    meta: dict[str, Any]

    def __getitem__(self, key: str) -> np.ndarray:
        if key not in self.arrays:
            raise KeyError(f"run {self.name!r} has no array {key!r}; it has {sorted(self.arrays)}")
        return self.arrays[key]

    def provenance(self) -> str:
        """One line for a figure or a printout.

        :returns: command, seed, version of torch, hardware, date and minutes; the commit where it is known
        """
        m = self.meta
        where = m["hardware"] if not str(m.get("device", "cpu")).startswith("cuda") else m.get("gpu") or "a GPU"
        parts = [m["command"], f"seed {m['seed']}", f"torch {m['versions'].get('torch', '?')}", where, m["date"],
                 f"{m['seconds'] / 60:.1f} min"]
        if m.get("code", {}).get("commit"):
            parts.append(f"code {m['code']['commit']}")
        return "  ·  ".join(parts)


def path(name: str) -> Path:
    """Where a run is stored.

    :param name: such as ``06_least_squares_mnist``
    :returns: the path, which need not exist
    :raises FileNotFoundError: if only the package is installed, without the project's folder
    """
    return files.project("data", "runs", f"{name}.npz")


def partial(name: str) -> Path:
    """Where a run keeps its checkpoint until it is finished (git ignores it).

    :param name: such as ``06_least_squares_mnist``
    :returns: the path, which need not exist
    :raises FileNotFoundError: if only the package is installed, without the project's folder
    """
    return files.project("data", "runs", "partial", f"{name}.pt")


def load(name: str) -> Run:
    """A recorded run.

    :param name: such as ``06_least_squares_mnist``
    :returns: its arrays and provenance
    :raises FileNotFoundError: if there is none; the message says how to make it
    """
    source = path(name)
    if not source.exists():
        raise FileNotFoundError(f"no recorded run {name!r}; make it with: python data/runs/{name}.py")
    with np.load(source, allow_pickle=False) as stored:
        arrays = {key: stored[key] for key in stored.files if key != "meta"}
        meta = json.loads(str(stored["meta"]))
    return Run(name, arrays, meta)


def save(name: str, arrays: dict[str, Any], *, command: str, seed: int | list[int],
         seconds: float, device: Any = "cpu", **config: Any) -> Path:
    """Store a finished run, whole or not at all.

    :param name: such as ``06_least_squares_mnist``
    :param arrays: name -> array, of any shapes
    :param command: what makes the run again, from the project's folder
    :param seed: the seed or seeds that it used
    :param seconds: the time that the whole run took, in seconds
    :param device: what it computed on, such as "cpu" or a ``torch.device``
    :param config: anything that JSON can hold: the settings of the experiment, remarks
    :returns: the path of the stored file
    :raises ValueError: if an array is called "meta", the name of the provenance
    :raises FileNotFoundError: if only the package is installed, without the project's folder
    """
    target = path(name)
    arrays = {key: np.asarray(value) for key, value in arrays.items()}
    if "meta" in arrays:
        raise ValueError("arrays must not hold 'meta': the name is taken by the provenance")
    meta = {"command": command, "seed": seed, "seconds": round(float(seconds), 1),
            "date": datetime.date.today().isoformat(), "versions": versions(), "code": code(),
            "hardware": hardware(), "device": str(device), "threads": threads(), "gpu": gpu(), **config}
    with files.atomic(target) as temporary, open(temporary, "wb") as out:
        np.savez_compressed(out, meta=np.array(json.dumps(meta)), **arrays)
    return target


def versions() -> dict[str, str]:
    """Versions of Python and of the numerical packages that are installed.

    :returns: name -> version
    """
    from importlib import metadata

    found = {"python": platform.python_version()}
    for package in ("torch", "numpy", "numba", "scikit-learn"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def code() -> dict[str, str]:
    """The version of our own code.

    :returns: ``version`` of the package, and ``commit`` of the project's folder, "" where git does not say
    """
    return {"version": __version__, "commit": files.revision()}


def threads() -> int:
    """How many CPU threads torch uses.

    :returns: at least 1
    """
    import torch

    return torch.get_num_threads()


def gpu() -> str:
    """The GPU that torch sees, whether or not a run used it.

    :returns: its name, or "" if there is none
    """
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return "Apple GPU (mps)" if torch.backends.mps.is_available() else ""


def hardware() -> str:
    """The processor.

    :returns: its model, how many cores it has and how many threads torch uses of them
    """
    return f"{processor()}, {os.cpu_count()} cores, {threads()} threads used"


def processor() -> str:
    """The model of the CPU, as the system calls it.

    :returns: such as "AMD EPYC 7B13", or the bare architecture where no better name is found
    """
    system = platform.system()
    if system == "Linux":
        # x86 says "model name"; several ARM systems name only the board.
        for line in _lines(Path("/proc/cpuinfo")):
            label, _, value = line.partition(":")
            if label.strip().lower() in ("model name", "hardware", "cpu model") and value.strip():
                return value.strip()
    if system == "Darwin":
        try:
            done = subprocess.run(["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True,
                                  encoding="utf-8", timeout=10, check=True)
            return done.stdout.strip() or platform.machine()
        except (OSError, subprocess.SubprocessError):
            return platform.machine()
    return platform.processor() or platform.machine()


def _lines(source: Path) -> list[str]:
    try:
        return source.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
