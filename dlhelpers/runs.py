"""Recorded experiments: arrays together with where they came from.

A run that is too long for a notebook is made once by ``python data/runs/NAME.py``
and stored in ``data/runs/NAME.npz``.  Its seed, its configuration, the versions,
the hardware, the date and the command that repeats it travel in the same file,
so that neither can be lost without the other.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlhelpers import files

#: Every recorded run carries at least these.
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
        """One line for a figure or a printout."""
        m = self.meta
        return (f"{m['command']}  ·  seed {m['seed']}  ·  torch {m['versions'].get('torch', '?')}"
                f"  ·  {m['hardware']}  ·  {m['date']}  ·  {m['seconds'] / 60:.1f} min")


def path(name: str) -> Path:
    """Where the run called ``name`` is stored."""
    return files.ROOT / "data" / "runs" / f"{name}.npz"


def partial(name: str) -> Path:
    """Where a run keeps its checkpoint until it is finished (git ignores it)."""
    return files.ROOT / "data" / "runs" / "partial" / f"{name}.pt"


def load(name: str) -> Run:
    """The recorded run called ``name``.  FileNotFoundError says how to make it."""
    source = path(name)
    if not source.exists():
        raise FileNotFoundError(f"no recorded run {name!r}; make it with: python data/runs/{name}.py")
    with np.load(source, allow_pickle=False) as stored:
        arrays = {key: stored[key] for key in stored.files if key != "meta"}
        meta = json.loads(str(stored["meta"]))
    return Run(name, arrays, meta)


def save(name: str, arrays: dict[str, Any], *, command: str, seed: int | list[int],
         seconds: float, **config: Any) -> Path:
    """Store a finished run, whole or not at all.

    ``seconds`` is the time the whole run took; ``config`` may hold anything that
    JSON can: the settings of the experiment, remarks, the number of threads.
    """
    arrays = {key: np.asarray(value) for key, value in arrays.items()}
    if "meta" in arrays:
        raise ValueError("arrays must not hold 'meta': the name is taken by the provenance")
    meta = {"command": command, "seed": seed, "seconds": round(float(seconds), 1),
            "date": datetime.date.today().isoformat(), "versions": versions(),
            "hardware": hardware(), **config}
    with files.atomic(path(name)) as temporary:
        with open(temporary, "wb") as out:
            np.savez_compressed(out, meta=np.array(json.dumps(meta)), **arrays)
    return path(name)


def versions() -> dict[str, str]:
    """Versions of Python and of the numerical packages that are installed."""
    from importlib import metadata

    found = {"python": platform.python_version()}
    for package in ("torch", "numpy", "numba", "scikit-learn"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def hardware() -> str:
    """The processor, or the GPU if torch sees one."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{platform.machine()} CPU, {os.cpu_count()} cores, {torch.get_num_threads()} threads used"
