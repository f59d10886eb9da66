"""For the tests that drive a browser: Chromium, JupyterLab on a free port, what a page complained about."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def require(condition: Any, reason: str) -> None:
    """Skip with a reason unless the condition holds; in continuous integration (CI set) fail instead."""
    if condition:
        return
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        pytest.fail(f"needed in continuous integration: {reason}")
    pytest.skip(reason)


def environment(**more: str) -> dict[str, str]:
    """The environment for commands of the project: this Python's programs are found first."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, **more}


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """A headless Chromium of this system, driven by playwright."""
    require(importlib.util.find_spec("playwright"), "playwright is not installed: pip install -r requirements.txt")
    from playwright.sync_api import sync_playwright

    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    require(found, "no Chromium: for instance `apt-get install chromium`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=CHROMIUM_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Complaints:
    """What went wrong in a page, and which addresses it asked for."""

    requested: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def watch(self, page: Any) -> Complaints:
        """Listen to a page from now on."""
        page.on("request", lambda request: self.requested.append(request.url))
        page.on("requestfailed", lambda request: self.failed.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda m: self.errors.append(m.text) if m.type in ("error", "warning") else None)
        return self


@contextlib.contextmanager
def jupyterlab(folder: Path, scratch: Path) -> Iterator[tuple[str, str]]:
    """A JupyterLab that serves ``folder`` on a free local port; yields its address and token.

    Settings, kernels' connection files and history go to ``scratch``: the user's own are untouched.
    """
    state = {name: str(scratch / name.lower()) for name in (
        "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR",
        "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR")}
    _write_settings(Path(state["JUPYTERLAB_SETTINGS_DIR"]))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    token = secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ServerApp.ip=127.0.0.1",
               f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}",
               "--LabApp.news_url=", "--ServerApp.terminals_enabled=False"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    log = scratch / "jupyterlab.log"
    with open(log, "wb") as output:
        server = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT,
                                  env=environment(JUPYTER_TOKEN=token, **state))
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/api/status?token={token}", server, log)
        yield address, token
    finally:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(urllib.request.Request(f"{address}/api/shutdown?token={token}", method="POST"),
                                   timeout=5).close()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _write_settings(folder: Path) -> None:
    """No news, and every cell rendered, also those out of sight."""
    settings = {
        "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
        "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    }
    for name, values in settings.items():
        path = folder / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), "utf-8")


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            tail = "\n".join(log.read_text("utf-8", "replace").splitlines()[-15:])
            assert server.poll() is None, f"JupyterLab ended at once:\n{tail}"
            assert time.monotonic() < deadline, f"JupyterLab does not answer after {seconds:.0f} s:\n{tail}"
            time.sleep(0.2)
