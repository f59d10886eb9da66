"""Real MNIST on disk: find it, verify it, read it.

Four files in the IDX format (LeCun, Cortes, Burges), gzip-compressed or not.
What is verified is the uncompressed content, since the gzip container differs
from one mirror to the next.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dlhelpers import checks, files


class Part(NamedTuple):
    """Uncompressed size in bytes and hash of one of the four files, and the shape it holds."""

    size: int
    md5: str
    shape: tuple[int, ...]


PARTS = {
    "train-images-idx3-ubyte": Part(47_040_016, "6bbc9ace898e44ae57da46a324031adb", (60_000, 28, 28)),
    "train-labels-idx1-ubyte": Part(60_008, "a25bea736e30d166cdddb491f175f624", (60_000,)),
    "t10k-images-idx3-ubyte": Part(7_840_016, "2646ac647ad5339dbf082846283269ea", (10_000, 28, 28)),
    "t10k-labels-idx1-ubyte": Part(10_008, "27ae3e4e09519cfbb04c329615203637", (10_000,)),
}

COMMAND = "python -m dlhelpers fetch mnist"


def load(folder: str | os.PathLike[str] | None = None) -> dict[str, np.ndarray]:
    """The four arrays.

    :param folder: where the files lie; None searches ``$DLHELPERS_DATA/mnist`` and then ``data/mnist``.
    :returns: by the name of their file, uint8: images (n, 28, 28), labels (n,).
    :raises FileNotFoundError: if a file is missing.
    :raises ValueError: naming a file that is damaged.
    """
    folder = find() if folder is None else Path(checks.instance(folder, "folder", (str, os.PathLike)))
    missing = [name for name in PARTS if locate(folder, name) is None]
    if missing:
        raise FileNotFoundError(f"MNIST in {folder} is incomplete: {', '.join(missing)} missing; "
                                f"get it with: {command(folder)}")
    result = {}
    for name, part in PARTS.items():
        content = read(folder, name)
        # The hash is right, so header and length are: two words, then one word a dimension.
        result[name] = np.frombuffer(content, np.uint8, offset=4 + 4 * len(part.shape)).reshape(
            part.shape)  # (n, 28, 28) or (n,)
    return result


def find() -> Path:
    """Look for the folder with the four files.

    :returns: one that holds only some of them if there is no better.
    :raises FileNotFoundError: if there is none.
    """
    places = [place / "mnist" for place in files.data_places()]
    held = [sum(locate(place, name) is not None for name in PARTS) for place in places]
    if not any(held):
        raise FileNotFoundError(f"MNIST is not in {' or '.join(map(str, places))}; get it (11 MB) with: {COMMAND}   "
                                "(without it the shipped digits serve: data.digits('bundled'))")
    return places[held.index(max(held))]


def locate(folder: Path, name: str) -> Path | None:
    """One of the files, uncompressed or else compressed.

    :param folder: where to look.
    :param name: a key of ``PARTS``.
    :returns: its path, or None.
    """
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    return None


def read(folder: Path, name: str) -> bytes:
    """The uncompressed, verified content of one file.

    :param folder: where it lies.
    :param name: a key of ``PARTS``.
    :returns: the content.
    :raises FileNotFoundError: if it is missing.
    :raises ValueError: naming it if it is damaged.
    """
    path = locate(folder, name)
    if path is None:
        raise FileNotFoundError(f"{folder / name} is missing; get it with: {command(folder)}")
    try:
        return unpack(path.read_bytes(), name)
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}; replace it with: {command(folder)}") from error


def unpack(content: bytes, name: str) -> bytes:
    """Uncompress, if need be, and verify.

    :param content: of the file, compressed or not.
    :param name: a key of ``PARTS``.
    :returns: the uncompressed content.
    :raises ValueError: saying what is wrong with it.
    """
    part = PARTS[name]
    if content[:2] == b"\x1f\x8b":
        try:
            # One byte more than is needed: the end is reached, so its checksum is
            # compared, and a file that swells without end is not followed.
            with gzip.open(io.BytesIO(content)) as stream:
                content = stream.read(part.size + 1)
        except EOFError as error:
            raise ValueError("the compressed file is cut short") from error
        except (OSError, zlib.error) as error:
            raise ValueError(f"it cannot be decompressed ({error})") from error
    if len(content) != part.size:
        got = f"{len(content)} bytes" if len(content) < part.size else "more bytes"
        raise ValueError(f"{got} where {part.size} are needed")
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != part.md5:
        raise ValueError(f"its MD5 is {found} where {part.md5} is needed")
    return content


def command(folder: Path) -> str:
    """The command that fetches MNIST.

    :param folder: where to.
    :returns: a line for the shell.
    """
    return COMMAND if folder == files.ROOT / "data" / "mnist" else f"{COMMAND} --to {folder}"
