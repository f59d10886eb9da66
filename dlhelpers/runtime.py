"""Start a notebook: seeds, device, threads.

``device = runtime.start(seed=0)`` is the first line of every notebook.  The same
notebook runs on a laptop and on a GPU without an edit; ``DLHELPERS_DEVICE``
overrides the choice from outside.

**Import dlhelpers before torch** in the set-up cell.  Importing the package sets
``OMP_WAIT_POLICY=PASSIVE`` unless it is set already, which OpenMP reads once, when torch
loads: threads that wait then sleep, where otherwise they spin and take the cores from each
other (lecture 10 beside two busy processes: 24 s against 49 to 177 s).  :func:`describe`
says how they wait.
"""

from __future__ import annotations

import os
import platform
import random

import numpy as np
import torch

#: Devices that ``start`` understands.
DEVICES = ("cpu", "cuda", "mps")


def available() -> list[str]:
    """The devices that this machine has.

    :returns: names, the best first, "cpu" last.
    """
    found = ["cuda"] if torch.cuda.is_available() else []
    if torch.backends.mps.is_available():
        found.append("mps")
    return found + ["cpu"]


def choose_device(device: str | None = None) -> torch.device:
    """The device to compute on.

    :param device: "cpu", "cuda", "cuda:1", "mps", or None for the environment's
        ``DLHELPERS_DEVICE``, else the best one there is.
    :returns: the device.
    :raises TypeError: if device is no string.
    :raises ValueError: for an unknown device or one that this machine lacks.
    """
    source = "device" if device is not None else "DLHELPERS_DEVICE"
    wanted = device if device is not None else os.environ.get("DLHELPERS_DEVICE") or available()[0]
    if not isinstance(wanted, str):
        raise TypeError(f"device must be a string such as 'cpu', got {wanted!r}")
    kind = wanted.split(":")[0]
    if kind not in DEVICES:
        raise ValueError(f"{source} must be one of {', '.join(DEVICES)}, got {wanted!r}")
    if kind not in available():
        raise ValueError(f"{source} asks for {wanted!r}, but this machine has only: {', '.join(available())}")
    try:
        chosen = torch.device(wanted)
    except RuntimeError as error:
        raise ValueError(f"{source} must look like 'cuda' or 'cuda:0', got {wanted!r}") from error
    there = torch.cuda.device_count() if kind == "cuda" else 1
    if chosen.index is not None and chosen.index >= there:
        raise ValueError(f"{source} asks for {wanted!r}, but {kind} has {there} device(s), numbered from 0")
    # A tensor on "cpu:0" says that it is on "cpu".
    return torch.device("cpu") if kind == "cpu" else chosen


def seed_everything(seed: int) -> None:
    """Seed Python's, numpy's and torch's global generators (a notebook's job, never a library's).

    :param seed: from 0 to 2**32 - 1.
    :raises TypeError: if it is no integer.
    :raises ValueError: if it is out of range.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise TypeError(f"seed must be an integer, got {seed!r}")
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed must lie in [0, 2**32), got {seed}")
    random.seed(int(seed))
    np.random.seed(int(seed))
    torch.manual_seed(int(seed))


def start(seed: int = 0, device: str | None = None, threads: int | None = None) -> torch.device:
    """Seed everything and return the device to compute on.

    :param seed: for the global generators of Python, numpy and torch.
    :param device: see :func:`choose_device`.
    :param threads: CPU threads for torch; None leaves torch's own choice, which
        respects ``OMP_NUM_THREADS``.
    :returns: the device.
    :raises TypeError: naming the argument that is of another kind.
    :raises ValueError: naming the argument that is out of range or not there.
    """
    seed_everything(seed)
    if threads is not None:
        if isinstance(threads, bool) or not isinstance(threads, int):
            raise TypeError(f"threads must be an integer, got {threads!r}")
        if threads < 1:
            raise ValueError(f"threads must be at least 1, got {threads}")
        torch.set_num_threads(threads)
    return choose_device(device)


def describe() -> dict[str, str]:
    """What the notebook runs on, for people: versions, devices, threads and how they wait.

    :returns: texts by name.
    """
    waiting = os.environ.get("OMP_WAIT_POLICY", "not set: torch was imported before dlhelpers")
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "devices": ", ".join(available()),
        "threads": f"{torch.get_num_threads()} of {os.cpu_count()} cores",
        "waiting": waiting.lower(),
        "system": f"{platform.system()} {platform.machine()}",
    }
