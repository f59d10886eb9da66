"""pytest hooks: in continuous integration (CI is set) a test that is skipped fails the run, unless its reason is known.

``conftest.py`` imports the hooks by name.
"""

from __future__ import annotations

import os
import re
from typing import Any

import pytest

#: What a machine may lack even there: data that is never part of the project, and accelerators.
ALLOWED = re.compile(r"real MNIST is not on disk|no GPU|\bcuda\b|\bmps\b", re.I)


def unexpected(reasons: list[str]) -> list[str]:
    """Reasons for which nothing may be skipped.

    :param reasons: as pytest words them
    :returns: those that are not allowed, each once
    """
    return [reason for reason in dict.fromkeys(reasons) if not ALLOWED.search(reason)]


def in_ci() -> bool:
    """Whether this is continuous integration."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: Any, exitstatus: int) -> None:
    """Turn a green run with silent skips red."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    # Workers report to the one process that has the whole picture.
    if reporter is None or hasattr(session.config, "workerinput") or not in_ci():
        return
    skipped = [report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
               for report in reporter.stats.get("skipped", [])]
    if unexpected(skipped):
        reporter.write_line("")
        for reason in unexpected(skipped):
            reporter.write_line(f"skipped in continuous integration: {reason}", red=True)
        if exitstatus == 0:
            session.exitstatus = 1
