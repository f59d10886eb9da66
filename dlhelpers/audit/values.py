"""Changed values: numbers scaled, stored results mixed up."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import numpy as np

#: Of longer dimensions only the first, the middle and the last part are scaled alone.
PARTS = 8


def scaled(value: Any, factor: float) -> Any:
    """A value times a factor, as a mutation; what cannot be scaled is a TypeError.

    :param value: number, array, tensor, or a list, tuple or dict whose first scalable part is scaled.
    :param factor: what it is multiplied by.
    :returns: a value of the same kind.
    :raises TypeError: for anything else.
    """
    if isinstance(value, bool) or (hasattr(value, "dtype") and "bool" in str(value.dtype)):
        raise TypeError("cannot scale booleans")
    if isinstance(value, (int, float, np.number, np.ndarray)) or hasattr(value, "untyped_storage"):
        whole = isinstance(value, (int, np.integer)) and not math.isclose(value * factor, round(value * factor))
        return value * int(factor) if isinstance(value, (int, np.integer)) and not whole and factor in (2.0, -1.0) \
            else value * factor
    if isinstance(value, (list, tuple)):
        for i, part in enumerate(value):
            try:
                changed = scaled(part, factor)
            except TypeError:
                continue
            rest = [*value[:i], changed, *value[i + 1:]] if isinstance(value, tuple) else [
                scaled(v, factor) for v in value]
            return type(value)(rest) if type(value) in (list, tuple) else type(value)(*rest)
    if isinstance(value, dict) and value:
        return {k: scaled(v, factor) for k, v in value.items()}
    raise TypeError(f"cannot scale {type(value).__name__}")


def data_mutations(array: np.ndarray) -> list[str]:
    """The ways in which a stored array can be changed.

    :param array: any shape.
    :returns: names that :func:`changed_data` understands.
    """
    if array.dtype.kind not in "fiu" or array.size == 0:
        return []
    ways = [f"roll axis {axis}" for axis in range(array.ndim) if array.shape[axis] > 1]
    ways += [f"flip axis {axis}" for axis in range(array.ndim) if array.shape[axis] > 2]
    if array.dtype.kind == "f":
        ways += ["noise", "×0.5", "×1.05", "×2"]
    for dimension, size in enumerate(array.shape):
        parts = range(size) if size <= PARTS else (0, size // 2, size - 1)
        ways += [f"×{factor} in part {k} of dimension {dimension}" for k in parts if size > 1
                 for factor in ((0.5, 2) if array.dtype.kind == "f" else (2,))]
    return ways


def changed_data(array: np.ndarray, how: str) -> np.ndarray:
    """A stored array, changed: an axis permuted, noise added, or scaled as a whole or in one part.

    A comparison of techniques is blind to a common factor; one technique that is half as good is what it must see.

    :param array: any shape.
    :param how: one of :func:`data_mutations`.
    :returns: an array of the same shape.
    """
    if " in part " in how:
        factor, _, _, part, _, _, dimension = how[1:].split()
        changed = array.copy()
        changed[(slice(None),) * int(dimension) + (int(part),)] *= array.dtype.type(float(factor))
        return changed
    if how.startswith("×"):
        return array * array.dtype.type(float(how[1:]))
    if how == "noise":
        noise = np.random.default_rng(0).standard_normal(array.shape).astype(array.dtype)
        return array + noise * (np.nanstd(array) or 1)
    word, _, axis = how.partition(" axis ")
    return np.roll(array, 1, int(axis)) if word == "roll" else np.flip(array, int(axis)).copy()


def table_mutations(path: Path) -> dict[str, list[str]]:
    """The ways in which each column of a shipped table can be changed.

    :param path: a CSV file with a line of names.
    :returns: column -> names that :func:`changed_table` understands.
    """
    rows = _rows(path)
    order = ["roll axis 0", "flip axis 0"] if len(rows) > 1 else []
    return {column: order + (["×0.5", "×1.05", "×2"] if _numeric(rows, column) else [])
            for column in (rows[0] if rows else {})}


def changed_table(path: Path, column: str, how: str, to: Path) -> Path:
    """A copy of a shipped table with one column moved along the rows, turned round, or scaled.

    :param path: a CSV file with a line of names.
    :param column: which.
    :param how: one of :func:`table_mutations`.
    :param to: file of the copy.
    :returns: the same.
    """
    rows = _rows(path)
    cells = [row[column] for row in rows]
    if how.startswith("×"):
        cells = [cell and f"{float(cell) * float(how[1:]):.15g}" for cell in cells]
    else:
        cells = cells[-1:] + cells[:-1] if how.startswith("roll") else cells[::-1]
    with open(to, "w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows([{**row, column: cell} for row, cell in zip(rows, cells, strict=True)])
    return to


def _rows(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _numeric(rows: list[dict[str, str]], column: str) -> bool:
    try:
        return any([float(row[column]) for row in rows if row[column]])
    except ValueError:
        return False
