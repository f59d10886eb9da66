"""Run a notebook in a fresh kernel: quietly, for outputs that are stored, or as a user's JupyterLab does."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import nbformat

#: What the tests set and a user's kernel does not have.
OURS = ("DLHELPERS_QUIET", "OMP_WAIT_POLICY", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS",
        "NUMBA_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def execute(path: Path, *, timeout: int = 240, threads: int | None = None,
            as_user: bool = False) -> tuple[Any, float]:
    """Run a notebook in a fresh kernel.

    :param path: the notebook; it is not changed.
    :param timeout: seconds that one cell may take.
    :param threads: see :func:`kernel_environment`.
    :param as_user: see :func:`kernel_environment`.
    :returns: the executed notebook and the seconds that its cells took together.
    :raises nbclient.exceptions.CellExecutionError: if a cell fails.
    """
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=timeout, startup_timeout=180, kernel_name="python3", record_timing=False,
                            coalesce_streams=True, store_widget_state=False,
                            extra_arguments=["--IPKernelApp.log_level=40"],  # errors only
                            resources={"metadata": {"path": str(path.parent)}})
    started = time.perf_counter()
    client.execute(env=kernel_environment(threads, as_user=as_user))
    return notebook, time.perf_counter() - started


def kernel_environment(threads: int | None = None, *, as_user: bool = False) -> dict[str, str]:
    """The environment of a kernel whose outputs are to be stored or compared.

    :param threads: CPU threads of torch, MKL and numba; None leaves what is set.
    :param as_user: as JupyterLab starts a kernel: not quiet, no wait policy, no limits on threads
        but those that ``threads`` gives.
    :returns: the variables.
    """
    env = dict(os.environ)
    # An inherited backend would swallow the plot outputs.
    env.pop("MPLBACKEND", None)
    if as_user:
        for name in OURS:
            env.pop(name, None)
    else:
        # Threads that wait must not spin: on a busy machine they would stall each other.
        env.update(DLHELPERS_QUIET="1", OMP_WAIT_POLICY="PASSIVE")
    if threads is not None:
        env.update(dict.fromkeys(THREADS, str(threads)))
    return env
