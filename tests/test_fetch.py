"""Fetching MNIST from mirrors on this machine: good ones, dead ones, and ones that lie.

The files are small stand-ins with their own hashes, so that no real data is needed;
where real MNIST is on disk, it is fetched once as well.
"""

import contextlib
import gzip
import hashlib
import http.server
import os
import re
import signal
import socket
import subprocess
import sys
import threading

import numpy as np
import pytest

from dlhelpers import __main__ as command_line
from dlhelpers import data, files
from dlhelpers.data import downloads, mnist


def stand_in(header: bytes, shape: tuple[int, ...], seed: int) -> bytes:
    return header + np.random.default_rng(seed).integers(0, 10, shape, dtype=np.uint8).tobytes()


PLAIN = {"train-images-idx3-ubyte": stand_in(bytes(16), (60, 28, 28), 0),
         "train-labels-idx1-ubyte": stand_in(bytes(8), (60,), 1),
         "t10k-images-idx3-ubyte": stand_in(bytes(16), (10, 28, 28), 2),
         "t10k-labels-idx1-ubyte": stand_in(bytes(8), (10,), 3)}
PARTS = {name: mnist.Part(len(plain), hashlib.md5(plain).hexdigest(),
                          (60 if "train" in name else 10,) + ((28, 28) if "images" in name else ()))
         for name, plain in PLAIN.items()}
GOOD = {f"{name}.gz": gzip.compress(plain, mtime=0) for name, plain in PLAIN.items()}
LAST = "t10k-labels-idx1-ubyte"


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """Small files, no proxy, and a project folder of the test's own."""
    monkeypatch.setattr(mnist, "PARTS", PARTS)
    monkeypatch.setattr(files, "ROOT", tmp_path / "project")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


class Mirror(http.server.BaseHTTPRequestHandler):
    """Serves ``server.content``; ``server.manner`` says how badly."""

    def do_GET(self):
        self.server.asked.append(self.path)
        name, manner = self.path.rsplit("/", 1)[-1], self.server.manner
        body = self.server.content.get(name)
        if body is None or manner == "refuse":
            return self.send_error(404)
        if manner == "mute":
            self.server.over.wait()
            return None
        self.send_response(200)
        if manner == "declared":
            self.send_header("Content-Encoding", "gzip")
        length = {"cut": len(body) + 100, "endless": 10**9}.get(manner, len(body))
        self.send_header("Content-Length", str(length))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            if manner == "stall":
                self.wfile.write(body[: len(body) // 2])
                self.wfile.flush()
                self.server.half.set()
                self.server.over.wait()
            while manner == "endless" and not self.server.over.is_set():
                self.wfile.write(bytes(100_000))
            self.wfile.write(body)
        return None

    def log_message(self, *args):
        """Nothing: the test's output is not a log."""


@pytest.fixture
def serve():
    """serve(content, manner) starts a mirror and returns it; ``.url`` is its address."""
    servers = []

    def start(content=GOOD, manner="good"):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
        server.daemon_threads = True
        server.content, server.manner, server.asked = content, manner, []
        server.half, server.over = threading.Event(), threading.Event()
        server.url = f"http://127.0.0.1:{server.server_port}/mnist/"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.over.set()
        server.shutdown()
        server.server_close()


def closed_port() -> str:
    """The address of a server that is not there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/mnist/"


def snapshot(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_good_mirror_fills_the_folder(serve, tmp_path):
    mirror, folder = serve(), tmp_path / "deep" / "mnist"
    assert downloads.fetch_mnist(folder, [mirror.url]) == folder
    assert snapshot(folder) == GOOD
    parts = mnist.load(folder)
    assert {name: array.shape for name, array in parts.items()} == {n: p.shape for n, p in PARTS.items()}
    assert parts[LAST].tobytes() == PLAIN[LAST][8:]


def test_the_default_folder_is_where_digits_looks(serve, monkeypatch):
    monkeypatch.delenv("DLHELPERS_DATA", raising=False)
    folder = downloads.fetch_mnist(mirrors=(serve().url.rstrip("/"),))
    assert folder == files.ROOT.resolve() / "data" / "mnist"
    digits = data.digits("mnist")
    assert digits.name == "MNIST" and digits.X_train.shape == (60, 784)


def test_valid_files_are_kept_and_not_asked_for(serve, tmp_path):
    mirror = serve()
    downloads.fetch_mnist(tmp_path, [mirror.url])
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    mirror.asked.clear()
    downloads.fetch_mnist(tmp_path, [mirror.url])
    assert mirror.asked == []
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
    # Uncompressed ones are as good.
    (tmp_path / f"{LAST}.gz").unlink()
    (tmp_path / LAST).write_bytes(PLAIN[LAST])
    downloads.fetch_mnist(tmp_path, [closed_port()])
    assert (tmp_path / LAST).exists() and not (tmp_path / f"{LAST}.gz").exists()


@pytest.mark.parametrize("compressed", [True, False])
def test_a_damaged_file_is_replaced(serve, tmp_path, compressed):
    mirror = serve()
    downloads.fetch_mnist(tmp_path, [mirror.url])
    mirror.asked.clear()
    (tmp_path / (f"{LAST}.gz" if compressed else LAST)).write_bytes(b"damaged")
    with pytest.raises(ValueError, match=f"{LAST}.* is damaged"):
        mnist.load(tmp_path)
    downloads.fetch_mnist(tmp_path, [mirror.url])
    assert mirror.asked == [f"/mnist/{LAST}.gz"]
    assert snapshot(tmp_path) == GOOD
    mnist.load(tmp_path)


@pytest.mark.parametrize("first", ["closed port", "refuse", "corrupt", "html", "cut", "stall", "mute", "endless"])
def test_a_bad_mirror_is_followed_by_a_good_one(serve, tmp_path, monkeypatch, first):
    monkeypatch.setattr(downloads, "SLACK", 300_000)
    corrupt = {name: gzip.compress(bytes(len(gzip.decompress(body)))) for name, body in GOOD.items()}
    bad = {"closed port": closed_port, "corrupt": lambda: serve(corrupt).url,
           "html": lambda: serve(dict.fromkeys(GOOD, b"<html>please log in</html>")).url}
    url = bad.get(first, lambda: serve(manner=first).url)()
    folder = downloads.fetch_mnist(tmp_path / "mnist", [url, serve().url], timeout=1.0)
    assert snapshot(folder) == GOOD


def test_a_mirror_that_cannot_be_reached_is_asked_once(serve, tmp_path):
    mute, good = serve(manner="mute"), serve()
    downloads.fetch_mnist(tmp_path, [mute.url, good.url], timeout=1.0)
    assert len(mute.asked) == 1 and len(good.asked) == 4


def test_each_file_may_come_from_another_mirror(serve, tmp_path):
    one = serve({name: body for name, body in GOOD.items() if "images" in name})
    two = serve({name: body for name, body in GOOD.items() if "labels" in name})
    downloads.fetch_mnist(tmp_path, [one.url, two.url])
    assert snapshot(tmp_path) == GOOD


def test_a_server_that_declares_the_compression_is_understood(serve, tmp_path):
    downloads.fetch_mnist(tmp_path, [serve(manner="declared").url])
    assert {name: gzip.decompress(body) for name, body in snapshot(tmp_path).items()} == {
        f"{name}.gz": plain for name, plain in PLAIN.items()}


@pytest.mark.parametrize("manner, timeout, reason", [
    ("closed port", 30, "no connection"), ("refuse", 30, "answered 404"), ("mute", 0.3, "no answer within 0.3 s"),
    ("stall", 0.5, "silent for 0.5 s|no answer within 0.5 s"), ("cut", 30, "the connection broke off"),
    ("damaged", 30, "sent a damaged file: its MD5 is")])
def test_failure_names_the_mirrors_and_leaves_nothing_behind(serve, tmp_path, manner, timeout, reason):
    lies = {name: gzip.compress(bytes(len(gzip.decompress(body)))) for name, body in GOOD.items()}
    url = closed_port() if manner == "closed port" else serve(lies if manner == "damaged" else GOOD, manner).url
    with pytest.raises(ConnectionError, match=rf"{re.escape(url)} \(({reason}).*nothing was changed") as caught:
        downloads.fetch_mnist(tmp_path / "new" / "mnist", [url, closed_port()], timeout=timeout)
    assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == []


def test_failure_leaves_old_files_as_they_were(serve, tmp_path):
    # All but the last file come well: none is stored.
    mirror = serve({name: body for name, body in GOOD.items() if LAST not in name})
    (tmp_path / f"{LAST}.gz").write_bytes(b"damaged")
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    before = snapshot(tmp_path)
    with pytest.raises(ConnectionError, match=LAST):
        downloads.fetch_mnist(tmp_path, [mirror.url])
    assert snapshot(tmp_path) == before


def test_a_network_that_swallows_packets_is_given_up(tmp_path, monkeypatch):
    import pooch

    over = threading.Event()
    # As a name server that never answers: the client's own timeouts do not count there.
    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", lambda *arguments, **options: over.wait(60))
    with pytest.raises(ConnectionError, match=r"no answer within 0.2 s.*no answer within 0.2 s"):
        downloads.fetch_mnist(tmp_path / "mnist", timeout=0.2)
    assert not over.is_set() and os.listdir(tmp_path) == []
    over.set()


CHILD = """
import sys
from dlhelpers.data import downloads, mnist
mnist.PARTS = eval(sys.argv[3], {"Part": mnist.Part})
downloads.fetch_mnist(sys.argv[1], [sys.argv[2]], timeout=60)
"""


@pytest.mark.parametrize("old", [None, b"damaged"])
def test_killing_a_download_leaves_the_old_files(serve, tmp_path, old):
    folder = tmp_path / "mnist"
    if old:
        folder.mkdir()
        (folder / f"{LAST}.gz").write_bytes(old)
    mirror = serve(manner="stall")
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(folder), mirror.url, repr(PARTS)])
    assert mirror.half.wait(60), "the child never asked"
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    assert os.listdir(tmp_path) == (["mnist"] if old else [])
    if old:
        assert snapshot(folder) == {f"{LAST}.gz": old}
    mirror.manner = "good"
    downloads.fetch_mnist(folder, [mirror.url])
    assert snapshot(folder) == GOOD


def test_leftovers_of_a_killed_write_are_cleaned_on_the_next_fetch(serve, tmp_path):
    stale, fresh, foreign = (tmp_path / name for name in (f".{LAST}.gz.a1.tmp", f".{LAST}.gz.b2.tmp", ".other.tmp"))
    for path in (stale, fresh, foreign):
        path.write_bytes(b"half")
    for path in (stale, foreign):
        os.utime(path, (0, 0))
    downloads.fetch_mnist(tmp_path, [serve().url])
    # What was written a moment ago may belong to a fetch that is still running.
    assert set(os.listdir(tmp_path)) == {*GOOD, fresh.name, foreign.name}


def test_a_bar_is_shown_unless_quiet(serve, tmp_path, monkeypatch, capfd):
    mirror = serve()
    downloads.fetch_mnist(tmp_path / "one", [mirror.url])
    assert capfd.readouterr().err == ""
    monkeypatch.setenv("DLHELPERS_QUIET", "0")
    downloads.fetch_mnist(tmp_path / "two", [mirror.url])
    assert "100%" in capfd.readouterr().err


def test_the_command_fetches_and_fails_in_one_line(serve, tmp_path, capsys):
    folder = tmp_path / "mnist"
    assert command_line.main(["fetch", "mnist", "--to", str(folder), "--mirror", serve().url]) == 0
    assert str(folder) in capsys.readouterr().out and snapshot(folder) == GOOD
    (folder / f"{LAST}.gz").write_bytes(b"damaged")
    assert command_line.main(["fetch", "mnist", "--to", str(folder), "--mirror", closed_port()]) == 1
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.startswith("dlhelpers fetch: could not get") and shown.err.count("\n") == 1
    assert command_line.main(["fetch", "mnist", "--to", str(folder), "--timeout", "-3"]) == 1
    assert "timeout must be a positive number" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["fetch"], ["fetch", "cifar"], ["fetch", "mnist", "--timeout", "soon"]])
def test_the_command_refuses_what_it_does_not_know(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        command_line.main(arguments)
    assert caught.value.code == 2 and "usage" in capsys.readouterr().err


def test_the_usual_mirrors_are_several_and_safe():
    assert len(downloads.MIRRORS) >= 2
    assert all(mirror.startswith("https://") and mirror.endswith("/") for mirror in downloads.MIRRORS)
    assert downloads._addresses(downloads.MIRRORS) == list(downloads.MIRRORS)


def test_real_mnist_comes_through_whole(serve, tmp_path, monkeypatch):
    monkeypatch.undo()
    for folder in (place / "mnist" for place in [*files.data_places(), files.ROOT.parent / "shared" / "data"]):
        if all((folder / f"{name}.gz").is_file() for name in mnist.PARTS):
            break
    else:
        pytest.skip("real MNIST is not on disk: python -m dlhelpers fetch mnist")
    mirror = serve({f"{name}.gz": (folder / f"{name}.gz").read_bytes() for name in mnist.PARTS})
    downloads.fetch_mnist(tmp_path, [mirror.url])
    assert mnist.load(tmp_path)["train-labels-idx1-ubyte"][:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
