"""Signs in the code that a claim cannot fail, without running anything again."""

from __future__ import annotations

import ast
import copy
from typing import Any

from dlhelpers.audit.cells import INPUTS, callee, claim_calls
from dlhelpers.audit.slices import Graph

#: Functions and methods that turn typed numbers into typed numbers.
_ELEMENTARY = set("""abs round int float bool sum max min sorted len range list tuple set dict zip enumerate pow divmod
    any all str sqrt exp log log2 log10 log1p expm1 sin cos tan tanh array asarray tensor prod mean floor ceil sign
    square power comb factorial isclose median item tolist double""".split())
_SHAPES = {"shape", "ndim", "size", "numel", "nbytes", "itemsize", "readlines", "element_size"}
_CONSTANTS = {"pi", "e", "inf", "nan"}
_EXPECTED = ("near", "equal", "below", "above")
_FREE = {"np", "numpy", "math", "itertools", "torch"}


class Static:
    """The claims of a notebook as written: what is suspicious about each.

    :param graph: the notebook's statements and what they read and change.
    :param report: the worker's report.
    """

    def __init__(self, graph: Graph, report: dict[str, Any]) -> None:
        self.graph, self.report = graph, report
        self.calls = self._match(report["claims"])
        self._versions: dict[int, dict[str, int]] = {}
        version: dict[str, int] = {}
        for index, changed in enumerate(graph.changes):
            self._versions[index] = dict(version)
            version.update({name: index for name in changed})

    def _match(self, claims: list[dict[str, Any]]) -> dict[Any, ast.Call]:
        """The written call behind each claim that was run (none if it is inside a function of another cell)."""
        found = {}
        for claim in claims:
            statement = self.graph.statements[claim["key"][0]]
            if claim["site"] == statement.filename:
                for call in claim_calls(statement.node):
                    if call.lineno <= claim["line"] <= (call.end_lineno or call.lineno) and len(call.args) > 1:
                        found[claim["key"]] = call
        return found

    def suspicions(self) -> dict[Any, str]:
        """What is suspicious: key of a claim -> a sentence."""
        found: dict[Any, str] = {}
        earlier: dict[Any, dict[str, Any]] = {}
        for claim in self.report["claims"]:
            key, call = claim["key"], self.calls.get(claim["key"])
            if call is None:
                continue
            why = self._typed_only(call, key[0]) or self._same_sides(call, key[0]) or self._stored(claim)
            why = why or self._repeats(claim, call, earlier)
            if why:
                found[key] = why
        return found

    def inside(self, key: Any) -> bool:
        """True if the value of a claim is computed in the claim itself.

        :param key: of the claim.
        :returns: whether its expression calls something.
        """
        call = self.calls.get(key)
        return call is not None and any(isinstance(n, (ast.Call, ast.BinOp)) for n in ast.walk(call.args[1]))

    # values made of what was typed

    def _typed_only(self, call: ast.Call, at: int) -> str:
        expected = [k.value for k in call.keywords if k.arg in _EXPECTED]
        if all(self._typed(part, at, frozenset()) for part in [call.args[1], *expected]):
            return "made of typed numbers, lengths and shapes only"
        return ""

    def _typed(self, node: ast.AST, at: int, known: frozenset[str], depth: int = 0) -> bool:
        def typed(*parts: ast.AST | None) -> bool:
            return all(p is None or self._typed(p, at, known, depth) for p in parts)

        if depth > 12:
            return False
        match node:
            case ast.Constant():
                return True
            case ast.Name():
                if node.id in known:
                    return True
                where, value = self.definition(node.id, at)
                return value is not None and self._typed(value, where, frozenset(), depth + 1)
            case ast.BinOp():
                return not isinstance(node.op, ast.MatMult) and typed(node.left, node.right)
            case ast.UnaryOp():
                return typed(node.operand)
            case ast.Compare():
                return typed(node.left, *node.comparators)
            case ast.BoolOp():
                return typed(*node.values)
            case ast.IfExp():
                return typed(node.test, node.body, node.orelse)
            case ast.List() | ast.Tuple() | ast.Set():
                return typed(*node.elts)
            case ast.Dict():
                return typed(*node.keys, *node.values)
            case ast.Subscript():
                simple = isinstance(node.slice, (ast.Constant, ast.Name, ast.UnaryOp))
                return typed(node.value) and simple and typed(node.slice)
            case ast.ListComp() | ast.GeneratorExp():
                inner = known
                for part in node.generators:
                    if not self._typed(part.iter, at, inner, depth):
                        return False
                    inner |= {n.id for n in ast.walk(part.target) if isinstance(n, ast.Name)}
                parameters = any(isinstance(n, ast.Attribute) and n.attr in _SHAPES for n in ast.walk(node.elt))
                return parameters or self._typed(node.elt, at, inner, depth)
            case ast.Attribute():
                constant = isinstance(node.value, ast.Name) and node.value.id in _FREE and node.attr in _CONSTANTS
                return constant or node.attr in _SHAPES
            case ast.Call():
                return self._typed_call(node, typed)
        return False

    def _typed_call(self, node: ast.Call, typed: Any) -> bool:
        name = callee(node)
        if name in _SHAPES:
            return True
        if name == "sum" and len(node.args) == 1 and isinstance(node.args[0], ast.GeneratorExp):
            count = node.args[0].elt
            if isinstance(count, ast.Call) and callee(count) in _SHAPES:
                return True  # the number of a model's parameters
        if name not in _ELEMENTARY:
            return False
        module = isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name) \
            and node.func.value.id in _FREE
        receiver = [node.func.value] if isinstance(node.func, ast.Attribute) and not module else []
        return typed(*receiver, *node.args, *(k.value for k in node.keywords))

    def definition(self, name: str, at: int) -> tuple[int, ast.expr | None]:
        """Where a name got the value that it has at a statement.

        :param name: a global name.
        :param at: index of the statement that reads it.
        :returns: index of the assignment and its right side; None if it is no plain assignment.
        """
        inside = [n for n in ast.walk(self.graph.statements[at].node) if isinstance(n, ast.Name) and n.id == name
                  and isinstance(n.ctx, ast.Store)]
        if inside:
            return at, _right_side(self.graph.statements[at].node, name)
        where = self._versions[at].get(name)
        if where is None:
            return at, None
        node = self.graph.statements[where].node
        return where, _right_side(node, name) if isinstance(node, ast.Assign) else None

    # both sides alike

    def _same_sides(self, call: ast.Call, at: int) -> str:
        for left, right in _sides(call):
            a, b = self._expanded(left, at), self._expanded(right, at)
            if isinstance(a, ast.Constant) or isinstance(b, ast.Constant):
                continue
            if ast.dump(a) == ast.dump(b):
                return "both sides are the same expression"
            left_atoms, right_atoms = _atoms(a), _atoms(b)
            if left_atoms == right_atoms and any("(" in atom for atom in left_atoms):
                return f"both sides are built by the same call, {next(t for t in left_atoms if '(' in t)[:60]}"
        return ""

    def _expanded(self, node: ast.expr, at: int) -> ast.expr:
        """An expression with the names that have a one-line definition written out."""
        static = self

        class Expand(ast.NodeTransformer):
            def visit_Name(self, name: ast.Name) -> ast.AST:
                where, value = static.definition(name.id, at)
                if value is None or not isinstance(name.ctx, ast.Load) or where == at:
                    return name
                names = {n.id for n in ast.walk(value) if isinstance(n, ast.Name)}
                same = all(static._versions[where].get(n) == static._versions[at].get(n) for n in names)
                made = any(isinstance(n, ast.Call) and callee(n) not in INPUTS for n in ast.walk(value))
                return copy.deepcopy(value) if same and (made or isinstance(value, ast.Name)) else name

        return Expand().visit(copy.deepcopy(node))

    # said before, or only stored

    def _repeats(self, claim: dict[str, Any], call: ast.Call, earlier: dict[Any, dict[str, Any]]) -> str:
        record = claim.get("record")
        reads = {n.id for n in ast.walk(call.args[1]) if isinstance(n, ast.Name)}
        versions = tuple(sorted((n, self._versions[claim["key"][0]].get(n)) for n in reads))
        looped = isinstance(self.graph.statements[claim["key"][0]].node, (ast.For, ast.While))
        key = ast.dump(call.args[1]), versions, claim["key"] if looped else None
        before = earlier.setdefault(key, claim)
        if before is claim or record is None or before.get("record") is None or not reads:
            return ""
        old = before["record"]
        same = (old.kind, old.limit, old.tolerance) == (record.kind, record.limit, record.tolerance)
        if same and record.kind != "equal":
            return f"says the same as “{before['statement'][:60]}”"
        old_call = self.calls[before["key"]]
        for side, weaker in (("below", 1), ("above", -1)):
            a, b = (_number(c, side) for c in (old_call, call))
            if a is not None and b is not None and len(_given(call)) == 1 and weaker * (b - a) >= 0:
                return f"follows from “{before['statement'][:60]}”"
        return ""

    def _stored(self, claim: dict[str, Any]) -> str:
        record, indices = claim.get("record"), self.graph.before(claim["key"][0])
        loads = {load["statement"] for load in self.report["loads"] if not load.get("source")} & set(indices)
        if not loads or record is None or record.recorded:
            return ""
        for index in indices:
            statement = self.graph.statements[index]
            if isinstance(statement.node, (ast.Import, ast.ImportFrom)):
                continue
            if self.graph.facts[index]["called"] or (index not in loads and "torch" in statement.reads):
                return ""
        return "only reads a stored result: mark it with recorded="


def _right_side(node: ast.AST, name: str) -> ast.expr | None:
    """The value of the only assignment to a name in a statement."""
    found: list[ast.expr | None] = []
    for part in ast.walk(node):
        if isinstance(part, ast.Assign):
            for target in part.targets:
                if isinstance(target, ast.Name) and target.id == name:
                    found.append(part.value)
                elif isinstance(target, ast.Tuple):
                    for i, element in enumerate(target.elts):
                        if isinstance(element, ast.Name) and element.id == name:
                            pair = isinstance(part.value, ast.Tuple) and len(part.value.elts) == len(target.elts)
                            found.append(part.value.elts[i] if pair else None)  # type: ignore[attr-defined]
        elif isinstance(part, (ast.AugAssign, ast.For, ast.comprehension)):
            if any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(part.target)):
                found.append(None)
    return found[0] if len(found) == 1 else None


def _sides(call: ast.Call) -> list[tuple[ast.expr, ast.expr]]:
    """What a claim sets beside each other."""
    value, sides = call.args[1], []
    for keyword in call.keywords:
        if keyword.arg in ("near", "equal"):
            sides.append((value, keyword.value))
    for node in ast.walk(value):
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            sides.append((node.left, node.comparators[0]))
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
            sides.append((node.left, node.right))
    return sides


def _atoms(node: ast.expr) -> set[str]:
    """The names and calls of which an expression is made, elementary arithmetic looked through."""
    if isinstance(node, ast.Call) and callee(node) not in _ELEMENTARY:
        return {ast.unparse(node)}
    if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)):
        return {ast.unparse(node)}
    parts = [*node.args, *(k.value for k in node.keywords)] if isinstance(node, ast.Call) else [
        n for n in ast.iter_child_nodes(node) if isinstance(n, ast.expr)]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not (
            isinstance(node.func.value, ast.Name) and node.func.value.id in _FREE):
        parts.append(node.func.value)
    return set().union(*(_atoms(p) for p in parts)) if parts else set()


def _given(call: ast.Call) -> list[str]:
    return [k.arg for k in call.keywords if k.arg in _EXPECTED]


def _number(call: ast.Call, side: str) -> float | None:
    """A bound that is written as a number."""
    for keyword in call.keywords:
        if keyword.arg == side:
            try:
                return float(ast.literal_eval(keyword.value))
            except (ValueError, TypeError, SyntaxError):
                return None
    return None
