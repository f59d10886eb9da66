"""What a notebook's source says about its device: fetched and used, or float64 by declaration."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

#: Functions of ``dlhelpers.training`` that train.
TRAINERS = {"fit", "step", "update", "play"}
#: Calls that look at a device without computing on it.
LOOKS = {"print", "str", "repr", "display", "claim", "claims", "format"}


def problems(notebook: Any) -> list[str]:
    """What is wrong with a lecture's use of its device, one line each.

    :param notebook: a lecture.
    :returns: nothing where data or models go to the device that the set-up cell fetched, or
        where the set-up cell declares the lecture float64 (``runtime.start(seed=0)`` without an
        assignment and a comment with the word float64).
    """
    cells = _cells(notebook)
    starts = [(source, node) for source, tree in cells for node in ast.walk(tree) if _is_start(node)]
    if not starts:
        return ["no cell calls runtime.start(seed=…)"]
    names = {target.id for _, tree in cells for node in ast.walk(tree)
             if isinstance(node, ast.Assign) and _is_start(node.value)
             for target in node.targets if isinstance(target, ast.Name)}
    training = sorted({kind for _, tree in cells for node in ast.walk(tree) for kind in _trains(node)})
    if not names:
        if not declares_float64(notebook):
            return ["runtime.start() gives the device to nobody: write device = runtime.start(seed=0) and use it, or, "
                    "for a lecture that is float64 by nature, say so in a comment with the word float64 in that cell"]
        words = "\n".join(source for source, _ in cells if "runtime.start" not in source)
        if training and "float64" not in words and ".double()" not in words:
            return [f"the set-up cell declares float64, but the lecture trains ({', '.join(training)}) and "
                    "makes nothing double"]
        return []
    uses = [kind for _, tree in cells for kind in _uses(tree, names)]
    if not uses:
        return [f"{'/'.join(sorted(names))} is fetched from runtime.start() and never used: move data and models there"]
    if training and "moves" not in uses:
        return [f"it trains ({', '.join(training)}), but nothing is moved with .to(device) or made with device=device"]
    return []


def declares_float64(notebook: Any) -> bool:
    """Whether the set-up cell keeps the lecture on the CPU because it is float64 by nature."""
    for source, tree in _cells(notebook):
        alone = any(isinstance(node, ast.Expr) and _is_start(node.value) for node in ast.walk(tree))
        if alone and any("float64" in line.partition("#")[2] for line in source.split("\n")):
            return True
    return False


def _cells(notebook: Any) -> list[tuple[str, ast.Module]]:
    found = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            source = "\n".join(line for line in cell.source.split("\n") if not line.lstrip().startswith(("%", "!")))
            found.append((source, ast.parse(source)))
    return found


def _is_start(node: ast.AST) -> bool:
    return (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "start"
            and isinstance(node.func.value, ast.Name) and node.func.value.id == "runtime")


def _trains(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        owner, name = node.func.value, node.func.attr
        if name in TRAINERS and isinstance(owner, ast.Name) and owner.id == "training":
            yield f"training.{name}"
        elif name == "backward" and not isinstance(owner, ast.Call):
            yield ".backward()"
        elif name == "step" and isinstance(owner, ast.Name) and "opt" in owner.id:
            yield "optimizer.step()"


def _uses(tree: ast.AST, names: set[str]) -> Iterator[str]:
    """"moves" for ``.to(device)`` and ``device=device``, "passes" for another call that receives it."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        if any(isinstance(value, ast.Name) and value.id in names for value in given):
            if called in ("to", "to_empty") or any(k.arg == "device" for k in node.keywords):
                yield "moves"
            elif called not in LOOKS:
                yield "passes"
