"""Imports point downward only, and what computes does not draw."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from dlhelpers import files

PACKAGE = files.ROOT / "dlhelpers"
#: Importable by all.
BOTTOM = {"checks", "files", "numerics", "progress"}
#: Import nothing else of ours.
FIRST = {"runtime", "claims", "metrics", "objectives", "autograd", "data", "models"}
#: Import those and each other, without cycles.
SECOND = {"descent", "training", "landscapes", "patterns", "adversarial", "physics", "reinforcement", "parallel"}
COMPUTING = FIRST | SECOND

#: What each part may import of ours, besides itself and the bottom.
ALLOWED = {
    **{name: set() for name in BOTTOM | FIRST},
    "models": {"runtime"},
    "claims": {"runs"},
    **{name: FIRST | SECOND for name in SECOND},
    "runs": set(),
    "notebooks": set(),
    "audit": {"notebooks", "claims", "runs"},
    "plotting": set(),
    "widgets": COMPUTING | {"plotting", "runs"},
    "exercises": COMPUTING,
    "commands": COMPUTING | {"notebooks", "runs", "audit"},
    "__main__": {"commands"},
    "__init__": set(),
}
DRAWING = {"matplotlib", "seaborn", "ipywidgets", "ipycanvas", "IPython", "networkx"}
SOURCES = sorted(PACKAGE.rglob("*.py"))


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[tuple[str, str]]:
    """(top-level package, our part or "") of every import, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write absolute imports"
            assert not any(alias.name == "*" for alias in node.names), f"{path}: no star imports"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            found.add((parts[0], parts[1] if parts[0] == "dlhelpers" and len(parts) > 1 else ""))
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_downward(path):
    part = part_of(path)
    assert part in ALLOWED, f"say in this test where {part} stands"
    ours = {name for top, name in imports(path) if top == "dlhelpers"} - {"", part, "__version__"}
    upward = ours - ALLOWED[part] - BOTTOM
    assert not upward, f"{path.name} must not import {sorted(upward)}"


def modules() -> dict[str, Path]:
    """Every module of ours by its full name; a package stands for its ``__init__``."""
    return {".".join(("dlhelpers", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
            for path in SOURCES}


def imported_modules(path: Path, known: dict[str, Path]) -> set[str]:
    """The modules of ours that a file names in its imports, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            # A name is a module or something that the module before it defines.
            found |= {name if (name := f"{node.module}.{alias.name}") in known else node.module for alias in node.names}
    return {name for name in found if name in known}


def cycle(graph: dict[str, set[str]]) -> list[str]:
    """Some way through a directed graph that ends where it began, or []."""
    done: set[str] = set()

    def search(node: str, way: list[str]) -> list[str]:
        if node in way:
            return [*way[way.index(node):], node]
        if node in done:
            return []
        for following in sorted(graph.get(node, ())):
            if found := search(following, [*way, node]):
                return found
        done.add(node)
        return []

    return next((found for node in sorted(graph) if (found := search(node, []))), [])


def test_a_cycle_is_found_where_there_is_one():
    assert cycle({"a": {"b"}, "b": {"c"}, "c": set(), "d": {"a", "c"}}) == []
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert cycle({"a": {"a"}}) == ["a", "a"]


def test_no_module_imports_itself_by_a_detour():
    """Inside one room as well: two files that need each other are one file, or three."""
    known = modules()
    graph = {name: imported_modules(path, known) for name, path in known.items()}
    assert graph["dlhelpers.descent"] >= {"dlhelpers.descent.rules", "dlhelpers.descent.iterates"}, "nothing was read"
    assert not (found := cycle(graph)), " imports ".join(found)


def test_no_room_imports_itself_by_a_detour():
    """Between the rooms too, though no single module of them need be in a cycle."""
    graph: dict[str, set[str]] = {}
    for path in SOURCES:
        ours = {name for top, name in imports(path) if top == "dlhelpers"} - {"", "__version__", part_of(path)}
        graph.setdefault(part_of(path), set()).update(ours)
    assert graph["descent"] >= {"objectives"}, "nothing was read"
    assert not (found := cycle(graph)), " imports ".join(found)


@pytest.mark.parametrize("path", [p for p in SOURCES if part_of(p) in COMPUTING | BOTTOM | {"runs"}],
                         ids=lambda p: str(p.relative_to(PACKAGE)))
def test_what_computes_does_not_draw(path):
    tops = {top for top, _ in imports(path)}
    assert not tops & DRAWING


@pytest.mark.parametrize("path", [p for p in SOURCES if part_of(p) == "plotting"], ids=lambda p: p.stem)
def test_plotting_knows_arrays_only(path):
    assert not {top for top, _ in imports(path)} & {"torch", "sklearn", "ipywidgets"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_can_be_read_from_top_to_bottom(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 330, "one idea a file: split it"
    assert ast.get_docstring(ast.parse(text)), "say what this file is"


@pytest.mark.parametrize("path", [p for p in SOURCES if part_of(p) != "exercises"],
                         ids=lambda p: str(p.relative_to(PACKAGE)))
def test_public_functions_are_documented_and_typed(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.FunctionDef) or node.name.startswith("_") or _is_nested(path, node):
            continue
        assert ast.get_docstring(node) or _overrides(path, node), f"{path.name}: {node.name} needs a docstring"
        assert node.returns is not None, f"{path.name}: {node.name} needs a return type"


def _is_nested(path: Path, node: ast.FunctionDef) -> bool:
    """Functions inside functions are private by nature."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(isinstance(outer, ast.FunctionDef) and outer.lineno < node.lineno <= outer.end_lineno
               for outer in ast.walk(tree))


def _overrides(path: Path, node: ast.FunctionDef) -> bool:
    """Methods whose meaning the base class documents (explorers, autograd functions, modules)."""
    inherited = {"update", "state", "press", "forward", "backward", "value", "gradient", "hessian", "step", "reset",
                 "begin", "parameters", "extra_repr"}
    return node.name in inherited


HEAVY = ("seaborn", "sklearn", "numba", "pooch", "networkx", "pandas", "gymnasium", "scipy.optimize")


def test_what_a_setup_cell_imports_stays_light():
    code = ("import sys\nfrom dlhelpers import claims, data, runtime, training, descent, objectives\n"
            "from dlhelpers.plotting import style, curves, images, surfaces\n"
            f"print([m for m in {HEAVY!r} if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
