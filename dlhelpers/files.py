"""Atomic writes, hashes, and where shipped and user data live.

A file is written under a temporary name in the same folder and renamed when it
is whole: a reader, or a process that is killed, sees the old file or the new
one, never half of one.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

#: The project's folder: the one that holds ``dlhelpers``, ``data`` and ``notebooks``.
ROOT = Path(__file__).resolve().parent.parent


def shipped(*parts: str) -> Path:
    """Path of a file that the project ships in ``data/``; it must exist."""
    path = ROOT.joinpath("data", *parts)
    if not path.exists():
        raise FileNotFoundError(
            f"{path} is missing; it is part of the project: restore it with `git checkout -- data`"
        )
    return path


def data_places() -> list[Path]:
    """Folders that are searched for data the user brought, first come first served.

    ``DLHELPERS_DATA`` only adds a place to look in front of the project's ``data``.
    """
    extra = os.environ.get("DLHELPERS_DATA")
    places = [Path(extra).expanduser().resolve()] if extra else []
    return places + [ROOT / "data"]


@contextlib.contextmanager
def atomic(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path; when the block ends well it replaces ``path``.

    If the block raises, the temporary file is removed and ``path`` stays as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        # mkstemp makes private files; a finished file gets the usual permissions.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write a whole file or none of it."""
    with atomic(path) as temporary:
        temporary.write_bytes(content)
    return Path(path)


def write_text(path: str | os.PathLike[str], content: str) -> Path:
    """Write a whole UTF-8 text file or none of it."""
    return write_bytes(path, content.encode("utf-8"))


def digest(content: bytes | str | os.PathLike[str], algorithm: str = "sha256") -> str:
    """Hex digest of some bytes, or of the file at a path."""
    if not isinstance(content, bytes):
        content = Path(content).read_bytes()
    return hashlib.new(algorithm, content).hexdigest()
