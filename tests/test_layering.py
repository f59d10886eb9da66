"""Imports point downward only, and what computes does not draw."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from dlhelpers import files

PACKAGE = files.ROOT / "dlhelpers"
BOTTOM = {"checks", "files", "numerics", "progress", "runs"}
FIRST = {"runtime", "claims", "metrics", "objectives", "autograd", "data", "models"}
SECOND = {"descent", "training", "landscapes", "physics", "reinforcement", "parallel"}
COMPUTING = FIRST | SECOND

#: What each part may import of ours, besides itself and the bottom.
ALLOWED = {
    **{name: set() for name in BOTTOM | FIRST},
    "models": {"runtime"},
    **{name: FIRST | SECOND for name in SECOND},
    "notebooks": set(),
    "audit": {"notebooks", "claims"},
    "plotting": set(),
    "widgets": COMPUTING | {"plotting"},
    "exercises": COMPUTING,
    "commands": COMPUTING | {"notebooks", "audit"},
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
    upward = ours - ALLOWED[part] - (BOTTOM if part not in BOTTOM else {"checks", "files", "numerics", "progress"})
    assert not upward, f"{path.name} must not import {sorted(upward)}"


@pytest.mark.parametrize("path", [p for p in SOURCES if part_of(p) in COMPUTING | BOTTOM],
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
    inherited = {"update", "state", "press", "forward", "backward", "value", "gradient", "hessian", "step", "reset", "begin", "parameters", "extra_repr"}
    return node.name in inherited


HEAVY = ("seaborn", "sklearn", "numba", "pooch", "networkx", "pandas", "gymnasium", "scipy.optimize")


def test_what_a_setup_cell_imports_stays_light():
    code = ("import sys\nfrom dlhelpers import claims, data, runtime, training, descent, objectives\n"
            "from dlhelpers.plotting import style, curves, images, surfaces\n"
            f"print([m for m in {HEAVY!r} if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
