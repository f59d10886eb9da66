"""The one download: MNIST, from several mirrors, verified, whole or not at all."""

from __future__ import annotations

import gzip
import io
import os
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


class _Unreachable(Exception):
    """The mirror gave no answer: it need not be asked again."""


class _Unusable(Exception):
    """The mirror answered, but not with the file."""


def fetch_mnist(folder: str | os.PathLike[str] | None = None, mirrors: Sequence[str] = MIRRORS,
                timeout: float = 10.0) -> Path:
    """Bring the four MNIST files (11 MB) into ``folder`` and verify them.

    Files that are there and valid are kept; a damaged one is replaced.  Downloads
    stay in memory until all of them are verified, and are then written atomically:
    a failure, or a killed process, leaves every file as it was or whole.

    Args:
        folder: where to put them; None is ``data/mnist``, where ``data.digits("mnist")`` looks.
        mirrors: addresses (http or https) of folders that hold the four ``.gz`` files, asked in turn.
        timeout: seconds without a single byte after which a mirror is given up.

    Returns:
        The folder.

    Raises:
        ConnectionError: no mirror gave the file; names each with its reason. Nothing was changed.
        ValueError, TypeError: a bad argument, or a folder that cannot be written to.

    Source: LeCun, Cortes and Burges; the hashes are those of the uncompressed files.
    """
    folder = _writable(files.ROOT / "data" / "mnist" if folder is None else folder)
    mirrors = _addresses(mirrors)
    timeout = checks.positive(timeout, "timeout")
    _sweep(folder)
    needed = [name for name in mnist.PARTS if not _valid(folder, name)]
    fetched: dict[str, bytes] = {}
    for name in needed:
        fetched[name] = _from_any(mirrors, name, timeout)
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
        try:
            parts = urlsplit(mirror)
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:  # a port that is no number, a broken IPv6 address
            good = False
        if not good:
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
    """The verified file, compressed, from the first mirror that gives it.

    A mirror that cannot be reached is taken off ``mirrors``.
    """
    reasons = []
    last: Exception | None = None
    for mirror in list(mirrors):
        try:
            return _from_one(mirror, name, timeout)
        except _Unreachable as error:
            # The last one stays, so that the next file has somebody to ask.
            if len(mirrors) > 1:
                mirrors.remove(mirror)
            reasons.append(f"{mirror} ({error})")
            last = error
        except _Unusable as error:
            reasons.append(f"{mirror} ({error})")
            last = error
    raise ConnectionError(f"could not get {name}.gz from {' or '.join(reasons)}; nothing was changed, "
                          "and the shipped digits need no network") from last


def _from_one(mirror: str, name: str, timeout: float) -> bytes:
    content = _download(f"{mirror}{name}.gz", mnist.PARTS[name].size + SLACK, timeout)
    try:
        plain = mnist.unpack(content, name)
    except ValueError as error:
        raise _Unusable(f"sent a damaged file: {error}") from error
    # Some servers declare the compression, and the client undoes it on the way.
    return gzip.compress(plain, mtime=0) if content == plain else content


def _download(url: str, most: int, timeout: float) -> bytes:
    """The content of ``url``, into memory.

    The request runs in a thread of its own: a name server or a network that swallows
    packets can hold it much longer than the client's own timeouts, which count for
    each address of the host anew.
    """
    import pooch
    import requests

    sink = io.BytesIO()
    failure: list[Exception] = []
    finished = threading.Event()

    def request() -> None:
        try:
            # Small chunks: the bar moves, and a slow line is not taken for a dead one.
            # The client waits longer than we do; its own limit only ends the thread.
            get = pooch.HTTPDownloader(progressbar=not progress.quiet(), chunk_size=8192, timeout=2 * timeout)
            get(url, sink, None)
        except Exception as error:  # handed to the caller's thread, whatever it is
            failure.append(error)
        finally:
            finished.set()

    threading.Thread(target=request, daemon=True).start()
    size, since = 0, time.monotonic()
    while not finished.wait(0.05):
        if sink.tell() != size:
            size, since = sink.tell(), time.monotonic()
        if size > most or time.monotonic() - since > timeout:
            # Closed, it refuses the next byte, which ends the thread.
            sink.close()
            if size > most:
                raise _Unusable("sent far more than the file")
            raise _Unreachable(f"no answer within {timeout:g} s" if not size else f"silent for {timeout:g} s")
    if not failure:
        return sink.getvalue()
    error = failure[0]
    if isinstance(error, requests.HTTPError):
        raise _Unusable(f"answered {error.response.status_code}") from error
    if isinstance(error, requests.Timeout):
        raise _Unreachable(f"no answer within {timeout:g} s") from error
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        raise _Unusable("the connection broke off") from error
    if isinstance(error, (requests.exceptions.ProxyError, requests.exceptions.SSLError)):
        raise _Unreachable(f"no connection: {type(error).__name__}") from error
    if isinstance(error, requests.ConnectionError):
        # The same class stands for no connection at all and for one that broke off.
        raise _Unreachable("no connection" if not size else "the connection broke off") from error
    if isinstance(error, requests.RequestException):
        raise _Unusable(f"{type(error).__name__}: {error}") from error
    raise error
