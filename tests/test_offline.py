"""With the network cut: a lecture runs as ever, and the download fails quickly, clearly, and without a trace."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from browser_tools import environment, require

from dlhelpers import files, notebooks

# A new network namespace has nothing but a loopback that is down; kernels talk to us over the loopback.
# SIOCSIFFLAGS, IFF_UP: what `ip link set lo up` does, without needing iproute2.
INSIDE = """
import fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    fcntl.ioctl(s, 0x8914, struct.pack('16sh14x', b'lo', 1))
os.execv(sys.argv[1], sys.argv[1:])
"""


def offline(*arguments: str, timeout: float) -> subprocess.CompletedProcess[str]:
    """Run this Python with these arguments where there is no network."""
    command = ["unshare", "-rn", sys.executable, "-c", INSIDE, sys.executable, *arguments]
    return subprocess.run(command, cwd=files.ROOT, capture_output=True, text=True, encoding="utf-8",
                          timeout=timeout, env=environment(DLHELPERS_QUIET="1"))


@pytest.fixture(scope="module", autouse=True)
def network_can_be_cut() -> None:
    """Skip (in continuous integration: fail) where a process may not have a network of its own."""
    found = shutil.which("unshare")
    require(found and subprocess.run([found, "-rn", "true"], capture_output=True).returncode == 0,
            "`unshare -rn` is not permitted here")


def test_the_network_is_cut_and_the_loopback_is_up() -> None:
    script = ("import socket\n"
              "server = socket.create_server(('127.0.0.1', 0))\n"
              "socket.create_connection(server.getsockname()).close()\n"
              "try:\n    socket.create_connection(('192.0.2.1', 80), timeout=5)\n"
              "except OSError as error:\n    print(error.errno)")
    done = offline("-c", script, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "101"  # ENETUNREACH


@pytest.mark.parametrize("lecture", [
    pytest.param(path, id=path.stem, marks=[] if path.name.startswith("08") else [pytest.mark.slow])
    for path in notebooks.lectures()])
def test_a_lecture_runs_without_a_network(lecture: Path) -> None:
    before = lecture.read_bytes()
    done = offline("-m", "dlhelpers", "run", lecture.name[:2], "--check", timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"✓ {lecture.name}")
    assert lecture.read_bytes() == before


def test_fetch_fails_in_seconds_and_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "mnist"
    # A few seconds on an idle machine; the limit only catches a command that hangs.
    done = offline("-m", "dlhelpers", "fetch", "mnist", "--to", str(target), timeout=120)
    assert done.returncode == 1
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("dlhelpers fetch: "), done.stderr
    assert "mirror" in lines[0] or "network" in lines[0]
    assert "Traceback" not in done.stdout + done.stderr
    assert not target.exists() or list(target.iterdir()) == []
    assert [p for p in tmp_path.iterdir() if p != target] == []
