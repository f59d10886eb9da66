"""A notebook as a list of top-level statements, with the names that each reads and assigns."""

from __future__ import annotations

import ast
import builtins
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BUILTINS = frozenset(dir(builtins))
#: Calls that only make inputs: a change there that breaks nothing shows nothing about a claim.
INPUTS = {"linspace", "arange", "logspace", "geomspace", "meshgrid", "grid", "product", "range", "array", "tensor",
           "default_rng", "standard_normal", "normal", "uniform", "randn", "rand", "randint", "integers", "Generator",
           "manual_seed", "digits", "mnist", "zeros", "ones", "eye", "astype", "double", "float", "numpy", "list"}


@dataclass
class Statement:
    """One top-level statement of a code cell."""

    index: int
    cell: int  # position among all cells of the notebook, Markdown included
    node: ast.stmt
    reads: frozenset[str] = frozenset()  # global names whose value it needs
    assigns: frozenset[str] = frozenset()  # names that it binds for certain
    may_assign: frozenset[str] = frozenset()  # names that it may bind, or change in place
    late: dict[str, frozenset[str]] = field(default_factory=dict)  # function -> globals its body reads

    @property
    def filename(self) -> str:
        """The name under which the statement is compiled: it carries the cell's number."""
        return f"<cell {self.cell}>"

    def code(self, node: ast.stmt | None = None) -> Any:
        """The statement, compiled.

        :param node: a changed statement to compile in its place.
        :returns: a code object.
        """
        module = ast.Module([self.node if node is None else node], [])
        return compile(ast.fix_missing_locations(module), self.filename, "exec")


def read(path: Path) -> list[Statement]:
    """All statements of a notebook's code cells in order.

    :param path: the notebook.
    :returns: statements, numbered from 0.
    :raises ValueError: if a cell is not Python (a magic or a shell line).
    """
    import nbformat

    found: list[Statement] = []
    for number, cell in enumerate(nbformat.read(path, as_version=4).cells):
        if cell.cell_type != "code":
            continue
        try:
            body = ast.parse(cell.source).body
        except SyntaxError as error:
            raise ValueError(f"{path.name}, cell {number}: the audit reads plain Python only ({error})") from error
        for node in body:
            names = _Names()
            names.visit(node)
            found.append(Statement(len(found), number, node, frozenset(names.reads - BUILTINS),
                                   frozenset(names.assigned), frozenset(names.stored | names.touched),
                                   {k: frozenset(v - BUILTINS) for k, v in names.late.items()}))
    return found


def fingerprint(statements: list[Statement]) -> str:
    """A hash of the code, blind to comments and formatting.

    :param statements: from :func:`read`.
    :returns: 16 hexadecimal digits.
    """
    text = "\n".join(f"{s.cell}:{ast.dump(s.node)}" for s in statements)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def claim_calls(node: ast.AST) -> list[ast.Call]:
    """The calls of ``claim`` in a statement, in the order of their lines.

    :param node: any syntax tree.
    :returns: call nodes.
    """
    calls = [n for n in ast.walk(node) if isinstance(n, ast.Call) and callee(n) == "claim"]
    return sorted(calls, key=lambda n: (n.lineno, n.col_offset))


def callee(call: ast.Call) -> str:
    """The last part of the called name: ``fit`` for ``training.fit(...)``.

    :param call: a call.
    :returns: the name, "" if what is called has none.
    """
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def base(node: ast.AST) -> str | None:
    """The name at the root of ``x.a[0].b``: ``x``.

    :param node: an expression.
    :returns: the name, None if the root is not one.
    """
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


class _Names(ast.NodeVisitor):
    """Collect reads and stores of global names in the order of evaluation."""

    def __init__(self) -> None:
        self.reads: set[str] = set()
        self.assigned: set[str] = set()
        self.stored: set[str] = set()
        self.touched: set[str] = set()
        self.late: dict[str, set[str]] = {}
        self._depth = 0  # inside branches and loops an assignment is not certain

    def visit(self, node: ast.AST) -> None:
        """Hand a node to the method for its kind."""
        getattr(self, f"_visit_{type(node).__name__}", self.generic_visit)(node)

    def _visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            if node.id not in self.stored:
                self.reads.add(node.id)
        else:
            self._store(node.id)

    def _store(self, name: str) -> None:
        self.stored.add(name)
        if self._depth == 0:
            self.assigned.add(name)

    def _visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self._target(target)
        if isinstance(node.value, ast.Lambda) and isinstance(node.targets[0], ast.Name):
            self.late[node.targets[0].id] = _free(node.value)

    def _visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)
            self._target(node.target)

    def _target(self, target: ast.AST) -> None:
        if isinstance(target, (ast.Attribute, ast.Subscript)):
            name = base(target)
            if name is not None:
                self.touched.add(name)
        self.visit(target)

    def _visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.visit(node.value)
        name = base(node.target)
        if name is not None:
            self.reads.add(name)
            self.touched.add(name)
        self.visit(node.target)

    def _visit_For(self, node: ast.For) -> None:
        self.visit(node.iter)
        self._branch([node.target, *node.body, *node.orelse])

    def _visit_While(self, node: ast.While) -> None:
        self.visit(node.test)
        self._branch([*node.body, *node.orelse])

    def _visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        self._branch([*node.body, *node.orelse])

    def _visit_Try(self, node: ast.Try) -> None:
        self._branch([*node.body, *node.handlers, *node.orelse, *node.finalbody])

    def _branch(self, nodes: list[Any]) -> None:
        self._depth += 1
        for node in nodes:
            self.visit(node)
        self._depth -= 1

    def _visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._store((alias.asname or alias.name).split(".")[0])

    def _visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            self._store(alias.asname or alias.name)

    def _visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for part in [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)]:
            self.visit(part)
        self.late[node.name] = _free(node)
        self._store(node.name)

    def _visit_ClassDef(self, node: ast.ClassDef) -> None:
        for part in [*node.decorator_list, *node.bases]:
            self.visit(part)
        self.late[node.name] = _free(node)
        self._store(node.name)

    def _visit_Lambda(self, node: ast.Lambda) -> None:
        self.reads |= _free(node) - self.stored

    def _comprehension(self, node: Any) -> None:
        self.reads |= _free(node) - self.stored

    _visit_ListComp = _visit_SetComp = _visit_DictComp = _visit_GeneratorExp = _comprehension


def _free(node: ast.AST) -> set[str]:
    """Names that a function, class or comprehension takes from outside."""
    loaded: set[str] = set()
    local: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            (loaded if isinstance(part.ctx, ast.Load) else local).add(part.id)
        elif isinstance(part, ast.arg):
            local.add(part.arg)
        elif isinstance(part, (ast.FunctionDef, ast.ClassDef)) and part is not node:
            local.add(part.name)
        elif isinstance(part, (ast.Import, ast.ImportFrom)):
            local |= {(alias.asname or alias.name).split(".")[0] for alias in part.names}
    return loaded - local
