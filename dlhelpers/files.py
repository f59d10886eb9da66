"""Atomic writes, hashes, and where shipped and user data live.

A file is written under a temporary name in the same folder and renamed when it
is whole: a reader, or a process that is killed, sees the old file or the new
one, never half of one.

Data, notebooks and recorded runs belong to the project's folder.  Where only the
package was installed, whatever needs them says so in one sentence, and nothing is
written beside the installed package.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

#: The project's folder: the one that holds ``dlhelpers``, ``data`` and ``notebooks``.
ROOT = Path(__file__).resolve().parent.parent


def installed_alone() -> bool:
    """Whether the package was installed without the project's folder around it.

    :returns: True beside a ``.dist-info`` of ours, which an installer writes and a checkout never holds
    """
    return any(ROOT.glob("dlhelpers-*.dist-info"))


def project(*parts: str) -> Path:
    """A path in the project's folder, which need not exist.

    :param parts: folders and file, from the project's folder down
    :returns: the path
    :raises FileNotFoundError: if only the package is installed, without notebooks and data
    """
    if installed_alone():
        raise FileNotFoundError("dlhelpers is installed here without its notebooks and data: work in the project's "
                                "folder, and run `pip install -r requirements.txt` there")
    return ROOT.joinpath(*parts)


def shipped(*parts: str) -> Path:
    """Path of a file that the project ships in ``data/``.

    :param parts: folders and file, from ``data`` down
    :returns: the path of a file that exists
    :raises FileNotFoundError: if it is missing; the message says how to restore it
    """
    path = project("data", *parts)
    if not path.exists():
        raise FileNotFoundError(
            f"{path} is missing; it is part of the project: restore it with `git checkout -- data`"
        )
    return path


def data_places() -> list[Path]:
    """Folders that are searched for data the user brought, first come first served.

    ``DLHELPERS_DATA`` only adds a place to look in front of the project's ``data``.

    :returns: absolute paths, which need not exist
    """
    extra = os.environ.get("DLHELPERS_DATA")
    places = [Path(extra).expanduser().resolve()] if extra else []
    return places + ([] if installed_alone() else [ROOT / "data"])


def revision() -> str:
    """The commit that the project's folder is at.

    :returns: such as ``1f4f985``, with ``+changes`` if tracked files differ from it; "" where git does not say
    """
    def git(*arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, encoding="utf-8",
                              errors="replace", timeout=20, check=True)
        return done.stdout.strip()

    try:
        # A folder inside somebody else's repository is not at that repository's commit.
        if Path(git("rev-parse", "--show-toplevel")).resolve() != ROOT:
            return ""
        changes = "+changes" if git("status", "--porcelain", "--untracked-files=no") else ""
        return git("rev-parse", "--short", "HEAD") + changes
    except (OSError, subprocess.SubprocessError):
        return ""


@contextlib.contextmanager
def atomic(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Write a file whole or not at all.

    If the block raises, the temporary file is removed and ``path`` stays as it was.

    :param path: the file to write; its folder is made if it is not there
    :yields: a temporary path in the same folder, which replaces ``path`` when the block ends well
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # Windows flushes only handles that may write.
        with open(temporary, "r+b") as written:
            os.fsync(written.fileno())
        # mkstemp makes private files; a finished file gets the usual permissions.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write a whole file or none of it.

    :param path: the file
    :param content: all of its bytes
    :returns: the path
    """
    with atomic(path) as temporary:
        temporary.write_bytes(content)
    return Path(path)


def write_text(path: str | os.PathLike[str], content: str) -> Path:
    """Write a whole UTF-8 text file or none of it.

    :param path: the file
    :param content: all of its text; line ends are written as they are
    :returns: the path
    """
    return write_bytes(path, content.encode("utf-8"))


def digest(content: bytes | str | os.PathLike[str], algorithm: str = "sha256") -> str:
    """Hex digest of some bytes, or of a file.

    :param content: bytes, or the path of a file
    :param algorithm: a name that :mod:`hashlib` knows
    :returns: lower-case hexadecimal digits
    """
    if not isinstance(content, bytes):
        content = Path(content).read_bytes()
    return hashlib.new(algorithm, content).hexdigest()
