"""What every test run needs: quiet kernels, capped threads, absolute data paths."""

import os
from pathlib import Path

# Kernels start in notebooks/: a relative DLHELPERS_DATA must not depend on that.
if os.environ.get("DLHELPERS_DATA"):
    os.environ["DLHELPERS_DATA"] = str(Path(os.environ["DLHELPERS_DATA"]).expanduser().resolve())
os.environ["DLHELPERS_QUIET"] = "1"
# Threads that wait must not spin: on a busy machine they would stall each other.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# An inherited backend would swallow the outputs of plot cells.
os.environ.pop("MPLBACKEND", None)
# Several workers share the machine: one thread each unless the caller says otherwise.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

# In continuous integration nothing is skipped silently.
from silent_skips import pytest_sessionfinish  # noqa: E402, F401

# nbval judges what is committed: a notebook that was run and saved, or duplicated, in JupyterLab is no failure.
from stored_notebooks import (  # noqa: E402, F401
    pytest_collect_file,
    pytest_configure,
    pytest_ignore_collect,
    pytest_runtest_makereport,
)
