"""The one download: MNIST, from several mirrors, verified, whole or not at all."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import queue
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from dlhelpers import checks, files, progress
from dlhelpers.data import mnist

#: The copies that the deep-learning libraries use, since the original site is closed.
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
#: Bytes beyond the uncompressed size at which an answer is surely something else.
SLACK = 1_000_000
#: Seconds after which a temporary file in the folder cannot be somebody's write in progress.
STALE = 60.0


class _Failed(Exception):
    """A mirror did not give the file; ``dead`` if it need not be asked for the next one."""

    def __init__(self, reason: str, dead: bool = False) -> None:
        super().__init__(reason)
        self.dead = dead


def fetch_mnist(folder: str | os.PathLike[str] | None = None, mirrors: Sequence[str] = MIRRORS,
                timeout: float = 10.0) -> Path:
    """Bring the four MNIST files (11 MB) into a folder and verify them.

    Files that are there and valid are kept; a damaged one is replaced.  Downloads
    stay in memory until all of them are verified, and are then written atomically:
    a failure, or a killed process, leaves every file as it was or whole.

    :param folder: where to put them; None is ``data/mnist``, where ``data.digits("mnist")`` looks
    :param mirrors: addresses (http or https) of folders that hold the four ``.gz`` files, asked in turn
    :param timeout: seconds without a single byte after which a mirror is given up (at the latest after twice that)
    :returns: the folder
    :raises ConnectionError: if no mirror gave a file; names each with its reason; nothing was changed
    :raises ValueError: for a bad address or time, or a folder that cannot be written to
    :raises TypeError: for an argument of another type
    :raises FileNotFoundError: if only the package is installed, and no folder was named
    :source: LeCun, Cortes and Burges; the hashes are those of the uncompressed files
    """
    folder = _writable(files.project("data", "mnist") if folder is None else folder)
    addresses = _addresses(mirrors)
    timeout = checks.positive(timeout, "timeout")
    _sweep(folder)
    needed = [name for name in mnist.PARTS if not _valid(folder, name)]
    fetched = {name: _from_any(addresses, name, timeout) for name in needed}
    for name, content in fetched.items():
        files.write_bytes(folder / f"{name}.gz", content)
        # A damaged uncompressed copy would be read before the compressed one.
        (folder / name).unlink(missing_ok=True)
    return folder


def _writable(folder: str | os.PathLike[str]) -> Path:
    checks.instance(folder, "folder", (str, os.PathLike))
    if not os.fspath(folder):
        raise ValueError("folder must be a path, got ''")
    folder = Path(folder).expanduser().resolve()
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    if not existing.is_dir():
        raise ValueError(f"folder must be a folder, but {existing} is a file")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise ValueError(f"folder must be one that you can write to, but {existing} is not")
    return folder


def _addresses(mirrors: Sequence[str]) -> list[str]:
    if isinstance(mirrors, (str, bytes)) or not isinstance(mirrors, Sequence):
        raise TypeError(f"mirrors must be a list of addresses, got {mirrors!r}")
    if not mirrors:
        raise ValueError("mirrors must not be empty: name at least one address")
    for mirror in mirrors:
        checks.instance(mirror, "mirrors[i]", str)
        with contextlib.suppress(ValueError):  # a port that is no number, a broken IPv6 address
            parts = urlsplit(mirror)
            if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
                continue
        raise ValueError(f"mirrors must hold addresses such as https://host/folder/, got {mirror!r}")
    return [mirror.rstrip("/") + "/" for mirror in mirrors]


def _valid(folder: Path, name: str) -> bool:
    try:
        mnist.read(folder, name)
    except (FileNotFoundError, ValueError):
        return False
    return True


def _sweep(folder: Path) -> None:
    """Remove what a process that was killed while writing has left."""
    for name in mnist.PARTS:
        for leftover in folder.glob(f".{name}.gz.*.tmp"):
            if time.time() - leftover.stat().st_mtime > STALE:
                leftover.unlink(missing_ok=True)


def _from_any(mirrors: list[str], name: str, timeout: float) -> bytes:
    """The verified file, compressed, from the first mirror that gives it; dead ones leave the list."""
    reasons = []
    for mirror in list(mirrors):
        try:
            content = _download(f"{mirror}{name}.gz", mnist.PARTS[name].size + SLACK, timeout)
            plain = mnist.unpack(content, name)
            # Some servers declare the compression, and the client undoes it on the way.
            return gzip.compress(plain, mtime=0) if content == plain else content
        except _Failed as error:
            reasons.append(f"{mirror} ({error})")
            # The last one stays, so that the next file has somebody to ask.
            if error.dead and len(mirrors) > 1:
                mirrors.remove(mirror)
        except ValueError as error:
            reasons.append(f"{mirror} (sent a damaged file: {error})")
    raise ConnectionError(f"could not get {name}.gz from {' or '.join(reasons)}; nothing was changed, "
                          "and the shipped digits need no network")


class _Sink(io.BytesIO):
    """Memory that refuses an answer which is far longer than the file."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def write(self, content: object) -> int:
        written = super().write(content)  # type: ignore[arg-type]
        if self.tell() > self.most:
            raise _Failed("sent far more than the file")
        return written


def _download(url: str, most: int, timeout: float) -> bytes:
    """The content of an address, into memory.

    The request runs in a thread of its own: a name server that never answers can
    hold it much longer than the client's timeouts, which count for each address anew.
    """
    import pooch

    sink, ended = _Sink(most), queue.SimpleQueue[Exception | None]()

    def request() -> None:
        try:
            # Small chunks: the bar moves, and a slow line is not taken for a dead one.  The client waits
            # longer than we do; its own limit only ends the thread.
            get = pooch.HTTPDownloader(progressbar=not progress.quiet(), chunk_size=8192, timeout=3 * timeout)
            get(url, sink, None)
            ended.put(None)
        except Exception as error:  # handed to the caller's thread, whatever it is
            ended.put(error)

    threading.Thread(target=request, daemon=True).start()
    size = 0
    while True:
        try:
            error = ended.get(timeout=timeout)
        except queue.Empty:
            if sink.tell() == size:
                sink.close()  # it refuses the next byte, which ends the thread
                raise _Failed(f"no answer within {timeout:g} s" if not size else f"silent for {timeout:g} s",
                              dead=True) from None
            size = sink.tell()
            continue
        if error is None:
            return sink.getvalue()
        raise _failure(error, started=sink.tell() > 0, timeout=timeout) from error


def _failure(error: Exception, started: bool, timeout: float) -> Exception:
    """What the client's error says about the mirror, in a few words."""
    from requests import exceptions

    if isinstance(error, exceptions.HTTPError):
        return _Failed(f"answered {getattr(error.response, 'status_code', 'with an error')}")
    if isinstance(error, exceptions.Timeout):
        return _Failed(f"no answer within {timeout:g} s", dead=True)
    if isinstance(error, (exceptions.ConnectionError, exceptions.ChunkedEncodingError)):
        # One class for no connection at all, a proxy or certificate that fails, and one that broke off.
        return _Failed("the connection broke off" if started else "no connection", dead=not started)
    return _Failed(f"{type(error).__name__}: {error}") if isinstance(error, exceptions.RequestException) else error
