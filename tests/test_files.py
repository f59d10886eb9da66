"""Files are whole or not there; data is found where DESIGN says."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from dlhelpers import files


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path):
    target = files.write_text(tmp_path / "a.txt", "old")
    with pytest.raises(RuntimeError), files.atomic(target) as temporary:
        temporary.write_text("half", encoding="utf-8")
        raise RuntimeError
    assert target.read_text(encoding="utf-8") == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_written_file_has_ordinary_permissions(tmp_path):
    target = files.write_bytes(tmp_path / "deep" / "a.bin", b"x")
    plain = tmp_path / "plain"
    plain.write_bytes(b"x")
    assert target.stat().st_mode == plain.stat().st_mode


def test_the_written_file_is_flushed_as_windows_wants_it(tmp_path, monkeypatch):
    """Windows refuses to flush a handle that cannot write, with [Errno 9] Bad file descriptor."""
    flushed, flush = [], os.fsync

    def windows(descriptor):
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, "Bad file descriptor")
        flushed.append(descriptor)
        flush(descriptor)

    fcntl = pytest.importorskip("fcntl")
    monkeypatch.setattr(os, "fsync", windows)
    with open(__file__, "rb") as readable, pytest.raises(OSError, match="Bad file"):
        os.fsync(readable.fileno())
    assert files.write_text(tmp_path / "a.txt", "✓\n").read_bytes() == "✓\n".encode()
    assert len(flushed) == 1


def test_digest_is_the_known_one(tmp_path):
    # SHA-256 and MD5 of the empty string and of "abc" (FIPS 180-4, RFC 1321).
    assert files.digest(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert files.digest(b"abc", "md5") == "900150983cd24fb0d6963f7d28e17f72"
    path = files.write_bytes(tmp_path / "abc", b"abc")
    assert files.digest(path) == files.digest(b"abc")


def test_dlhelpers_data_only_adds_a_place(monkeypatch, tmp_path):
    monkeypatch.setenv("DLHELPERS_DATA", str(tmp_path))
    assert files.data_places() == [tmp_path, files.ROOT / "data"]
    monkeypatch.delenv("DLHELPERS_DATA")
    assert files.data_places() == [files.ROOT / "data"]


def test_a_missing_shipped_file_says_how_to_restore_it():
    with pytest.raises(FileNotFoundError, match="git checkout"):
        files.shipped("no-such-file.npz")


def test_a_package_without_its_folder_says_so_and_offers_no_place_to_write(monkeypatch, tmp_path):
    monkeypatch.setattr(files, "ROOT", tmp_path)
    assert not files.installed_alone()
    (tmp_path / "dlhelpers-0.1.0.dist-info").mkdir()
    assert files.installed_alone() and files.data_places() in ([], files.data_places()[:1])
    for attempt in (lambda: files.project("data"), lambda: files.shipped("digits.npz")):
        with pytest.raises(FileNotFoundError, match="without its notebooks and data.*requirements.txt"):
            attempt()


def test_the_revision_is_git_s(tmp_path, monkeypatch):
    git = shutil.which("git")
    if not git:
        pytest.skip("git is not here")
    monkeypatch.setattr(files, "ROOT", tmp_path / "project")
    files.ROOT.mkdir()
    assert files.revision() == ""  # no repository, or somebody else's around us

    def run(*arguments):
        return subprocess.run([git, "-c", "user.name=n", "-c", "user.email=e", *arguments], cwd=files.ROOT, text=True,
                              encoding="utf-8", capture_output=True, check=True).stdout.strip()

    run("init", "-q")
    (files.ROOT / "a").write_text("1", encoding="utf-8")
    run("add", "a")
    run("commit", "-qm", "one")
    commit = run("rev-parse", "--short", "HEAD")
    assert files.revision() == commit
    (files.ROOT / "a").write_text("2", encoding="utf-8")
    assert files.revision() == f"{commit}+changes"
    monkeypatch.setenv("PATH", "")
    assert files.revision() == ""


WRITER = """
import sys
from dlhelpers import files
target, n = sys.argv[1], 0
print("go", flush=True)
while True:
    n += 1
    files.write_bytes(target, bytes([n % 251]) * 2_000_000)
"""


def test_killing_a_writer_leaves_a_whole_file(tmp_path):
    target = tmp_path / "big.bin"
    files.write_bytes(target, b"\0" * 2_000_000)
    for pause in (0.05, 0.11, 0.17):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(target)], stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        content = target.read_bytes()
        assert len(content) == 2_000_000 and len(set(content)) == 1
