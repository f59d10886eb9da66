"""Rules about the code of notebooks: width, length, drawing, claims, devices, axes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WIDTH, LINES, LONG, LONG_CELLS, PLOT_LINES, VALUE = 110, 15, 25, 2, 30, 100
#: A cell "only draws" if so many of its lines do.
DRAWING_SHARE = 0.7
DRAWERS = {"plt", "style", "curves", "images", "surfaces", "graphs", "relief", "sns", "fig", "figure", "ax", "axes"}
DRAWN_FROM = {"subplots", "figure", "subplot_mosaic", "add_subplot", "add_axes", "axes", "twinx", "twiny", "inset_axes",
              "gca", "subfigures", "colorbar", "add_gridspec"}
#: What a comprehension inside a claim may call: it reads results, it does not compute them.
READERS = {"abs", "all", "any", "bool", "dict", "enumerate", "filter", "float", "int", "isinstance", "len", "list",
           "map", "max", "min", "range", "reversed", "round", "set", "sorted", "str", "sum", "tuple", "zip"}
#: Modules whose functions only look at numbers.
NUMERIC = {"np", "torch", "math", "F"}
TRAINS = re.compile(r"\btraining\.(fit|play|step)\w*\(|\.backward\(\)|\boptim\.\w+\(")
RESHAPES = re.compile(r"\.(reshape|view|transpose|permute)\(|\beinsum\(|\.einsum\(")
LETTERS = re.compile(r"#.*\([^()]*\)")


def code_cells(notebook: Any) -> list[Any]:
    """The code cells of a notebook."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tags(cell: Any) -> set[str]:
    """The tags of a cell."""
    return set(cell.metadata.get("tags", []))


def shown(cell: Any) -> str:
    """How a cell is named in a message: its first line."""
    return repr((cell.source.strip().splitlines() or [""])[0][:50])


def parsed(cell: Any) -> ast.Module:
    """The cell's syntax tree; lines for IPython (magics, shell) are taken out."""
    lines = ["pass" if re.match(r"\s*[%!]", line) else line for line in cell.source.splitlines()]
    return ast.parse("\n".join(lines))


def width(notebook: Any, path: Path) -> Iterator[str]:
    """No line runs out of a projector's screen."""
    for number, cell in enumerate(notebook.cells):
        for line in cell.source.splitlines() if cell.cell_type == "code" else ():
            if len(line) > WIDTH:
                yield f"cell {number}: a line of {len(line)} characters, over {WIDTH}: {line.strip()[:50]!r}…"


def length(notebook: Any, path: Path) -> Iterator[str]:
    """Cells fit on a screen; in exercises, whose stubs carry docstrings, only very long ones count."""
    limit = LONG if path.parent.name in ("exercises", "solutions") else LINES
    long = []
    for number, cell in enumerate(notebook.cells):
        lines = len(cell.source.splitlines()) if cell.cell_type == "code" else 0
        most = PLOT_LINES if "plot" in tags(cell) else LONG
        if lines > most and limit == LINES:
            yield f"cell {number}: {lines} lines, over {most}: {shown(cell)}"
        elif lines > limit and "plot" not in tags(cell):
            long.append((number, lines))
    if len(long) > LONG_CELLS:
        listed = ", ".join(f"{number} ({lines})" for number, lines in long)
        yield f"{len(long)} code cells longer than {limit} lines, over {LONG_CELLS}: cells {listed}"


def drawing(notebook: Any, path: Path) -> Iterator[str]:
    """Cells that only draw say so; cells that say so claim nothing."""
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        if "plot" in tags(cell):
            if re.search(r"\bclaim\(", cell.source):
                yield f"cell {number}: tagged plot, but it holds a claim, which would be hidden: {shown(cell)}"
        elif only_draws(cell, later_names(notebook, number)):
            yield f"cell {number}: it only draws: tag it `plot`: {shown(cell)}"


def later_names(notebook: Any, number: int) -> set[str]:
    """Names that are read in later cells."""
    return {node.id for cell in notebook.cells[number + 1:] if cell.cell_type == "code"
            for node in ast.walk(parsed(cell)) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def only_draws(cell: Any, later: set[str]) -> bool:
    """Whether a cell ends in ``plt.show()``, is mostly drawing, and leaves nothing for later cells."""
    source = cell.source.rstrip()
    if not source.endswith("plt.show()") or re.search(r"\b(claim|print|display)\(|\bimport ", source):
        return False
    tree = parsed(cell)
    if any(isinstance(node, (ast.FunctionDef, ast.ClassDef)) for node in ast.walk(tree)):
        return False
    drawers = set(DRAWERS)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and _is_drawing(node.value, drawers):
            drawers |= _stored(node)
        elif isinstance(node, (ast.For, ast.comprehension)) and _names(node.iter) & drawers:
            drawers |= {n.id for n in ast.walk(node.target) if isinstance(n, ast.Name)} - later
    left = {name for node in ast.walk(tree) if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign))
            for name in _stored(node)}
    if left & (later - drawers):
        return False
    total = drawn = 0
    for statement in _simple(tree.body):
        lines = statement.end_lineno - statement.lineno + 1
        total += lines
        drawn += lines * _draws(statement, drawers)
    return total > 0 and drawn >= DRAWING_SHARE * total


def _simple(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a body, those inside loops and conditions included, without their heads."""
    for statement in body:
        inner = [getattr(statement, name, []) for name in ("body", "orelse")]
        if any(inner):
            for part in inner:
                yield from _simple(part)
        else:
            yield statement


def _draws(statement: ast.stmt, drawers: set[str]) -> bool:
    value = getattr(statement, "value", None)
    return value is not None and _is_drawing(value, drawers)


def _is_drawing(value: ast.expr, drawers: set[str]) -> bool:
    """A call whose root is something that draws: ``ax.plot(…)``, ``axes[0, 1].set(…)``, ``plt.subplots()``."""
    if isinstance(value, (ast.ListComp, ast.GeneratorExp)):
        value = value.elt
    root: ast.AST = value
    calls, attribute = False, ""
    while isinstance(root, (ast.Call, ast.Attribute, ast.Subscript)):
        calls |= isinstance(root, ast.Call)
        if isinstance(root, ast.Attribute):
            attribute = attribute or root.attr
        root = root.func if isinstance(root, ast.Call) else root.value
    name = root.id if isinstance(root, ast.Name) else ""
    return calls and (name in drawers or attribute in DRAWN_FROM)


def _names(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def _stored(node: ast.AST) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]  # type: ignore[attr-defined]
    return {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}


def claims(notebook: Any, path: Path) -> Iterator[str]:
    """The computation stands above the claim, not inside it."""
    imports = (node for cell in code_cells(notebook) for node in ast.walk(parsed(cell))
               if isinstance(node, (ast.Import, ast.ImportFrom)))
    modules = {(alias.asname or alias.name).split(".")[0] for node in imports for alias in node.names}
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code" or "claim(" not in cell.source:
            continue
        for node in ast.walk(parsed(cell)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "claim":
                yield from (f"cell {number}, line {node.lineno}: {what}" for what in _inside(node, modules - NUMERIC))


def _inside(call: ast.Call, modules: set[str]) -> Iterator[str]:
    value = call.args[1] if len(call.args) > 1 else next((k.value for k in call.keywords if k.arg == "value"), None)
    size = len(ast.unparse(value)) if value is not None else 0
    if size > VALUE:
        yield f"a claim's value is an expression of {size} characters, over {VALUE}: compute it above"
    arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
    for node in (n for argument in arguments for n in ast.walk(argument)):
        if isinstance(node, ast.Lambda):
            yield "a function inside a claim: define it above"
        elif isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            called = {ast.unparse(n.func) for n in ast.walk(node)
                      if isinstance(n, ast.Call) and not _reads(n.func, modules)}
            if called:
                yield f"a claim computes in a loop ({', '.join(sorted(called))}): compute it above"


def _reads(function: ast.expr, modules: set[str]) -> bool:
    """Builtins, methods of results (``.sum()``), and numpy's, torch's and math's functions."""
    if isinstance(function, ast.Name):
        return function.id in READERS
    root = function
    while isinstance(root, ast.Attribute):
        root = root.value
    return isinstance(function, ast.Attribute) and not (isinstance(root, ast.Name) and root.id in modules)


def devices(notebook: Any, path: Path) -> Iterator[str]:
    """A device that is fetched is used; a lecture in float64 says so."""
    cells = code_cells(notebook)
    if not cells:
        return
    fetched = any(re.search(r"^device\s*=\s*runtime\.start\(", cell.source, re.M) for cell in cells)
    uses = sum("device" in {n.id for n in ast.walk(parsed(cell))
                            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)} for cell in cells)
    trains = any(TRAINS.search(cell.source) for cell in cells)
    if fetched and not uses:
        yield "device is fetched and not used: put data, models and states on it"
    elif fetched and trains and uses < 3:
        yield f"the notebook trains, but only {uses} cells use device"
    elif not fetched and any("runtime.start(" in cell.source for cell in cells):
        first = notebook.cells.index(cells[0])
        said = "\n".join(cell.source for cell in notebook.cells[:first + 2])
        if "float64" not in said:
            yield "device is not kept: use it, or say beside the set-up cell that the lecture is float64 by nature"


def first_imports(notebook: Any, path: Path) -> Iterator[str]:
    """Ours comes before torch, whose threads take their settings when it loads."""
    cells = code_cells(notebook)
    names = []
    for node in ast.walk(parsed(cells[0])) if cells else ():
        if isinstance(node, ast.Import):
            names += [(node.lineno, alias.name.split(".")[0]) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append((node.lineno, (node.module or "").split(".")[0]))
    order = [name for _, name in sorted(names)]
    if "torch" in order and ("dlhelpers" not in order or order.index("torch") < order.index("dlhelpers")):
        yield "the set-up cell loads torch before anything of dlhelpers: begin with `from dlhelpers import …`"


def axes(notebook: Any, path: Path) -> Iterator[str]:
    """Who reshapes says to what: ``x.reshape(n, -1)   # (n, d)``."""
    for number, cell in enumerate(notebook.cells):
        lines = cell.source.splitlines() if cell.cell_type == "code" else []
        for above, line in zip(["", *lines], lines, strict=False):
            code = line.split("#")[0]
            flat = re.sub(r"\.(reshape|view)\(-1\)", "", code)
            noted = LETTERS.search(line) or (above.lstrip().startswith("#") and LETTERS.search(above))
            if RESHAPES.search(flat) and not noted:
                yield f"cell {number}: no axis letters, such as `# (n, d)`: {line.strip()[:70]!r}"


RULES = (width, length, drawing, axes)
LECTURE_RULES = (claims, devices, first_imports)
