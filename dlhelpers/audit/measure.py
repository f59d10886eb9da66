"""What claims measure: a stand-in for ``claim``, and both sides of the comparisons in claimed booleans."""

from __future__ import annotations

import ast
import copy
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from dlhelpers import claims
from dlhelpers.audit.cells import Statement, claim_calls

#: The helpers that compared values pass through, among the builtins while the worker runs.
COMPARE, RECALL = "__audit_compare__", "__audit_recall__"


class Compared:
    """Both sides of the comparisons from which boolean claims are made."""

    def __init__(self) -> None:
        self.ratios: list[float] = []
        self.named: dict[str, list[float]] = {}

    def __call__(self, name: str, sign: str, left: Any, right: Any) -> Any:
        result = _COMPARISONS[sign](left, right)
        try:
            ratio = closest(left, right) if sign in ("<", "<=") else closest(right, left)
        except (TypeError, ValueError, RuntimeError):
            ratio = None
        if ratio is not None:
            (self.named.setdefault(name, []) if name else self.ratios).append(ratio)
        return result

    def recall(self, name: str, value: Any) -> Any:
        """A claim names a variable: what was compared when it was made counts.

        :param name: of the variable.
        :param value: what it holds.
        :returns: the value, unchanged.
        """
        self.ratios = self.named.get(name, [])
        return value

    def take(self) -> float | None:
        """The smallest ratio since the last claim."""
        ratios, self.ratios = self.ratios, []
        return min(ratios) if ratios else None


_COMPARISONS: dict[str, Any] = {
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b}


def closest(smaller: Any, larger: Any) -> float | None:
    """How many times the smaller side could grow at the entry that is nearest to its limit.

    :param smaller: numbers, any shape.
    :param larger: numbers that fit its shape.
    :returns: the smallest ratio larger / smaller; None if there is no entry where a ratio has a meaning.
    """
    if isinstance(smaller, (int, float)) and smaller == 0:
        return None  # "is positive": a limit of 0 has no size
    a, b = (np.asarray(x.detach().cpu().numpy() if hasattr(x, "detach") else x) for x in (smaller, larger))
    if a.dtype.kind not in "fiu" or b.dtype.kind not in "fiu":
        return None
    a, b = np.broadcast_arrays(a.astype(float), b.astype(float))
    a, b = np.where((a < 0) & (b < 0), -b, a), np.where((a < 0) & (b < 0), -a, b)
    use = (b > 1e-6) & (a >= 0)  # smaller limits are rounding
    if not use.any():
        return None
    with np.errstate(divide="ignore"):
        return float((b[use] / a[use]).min())


def instrumented(statements: list[Statement]) -> Iterator[ast.stmt]:
    """The statements, with the comparisons in claimed values passed through ``COMPARE``.

    :param statements: of a whole notebook.
    :returns: one changed copy each.
    """
    named = {call.args[1].id for s in statements for call in claim_calls(s.node)
             if len(call.args) > 1 and isinstance(call.args[1], ast.Name) and not call.keywords}
    for statement in statements:
        node = copy.deepcopy(statement.node)
        for call in claim_calls(node):
            if len(call.args) > 1:
                value = call.args[1]
                call.args[1] = _Wrap("").visit(value) if not isinstance(value, ast.Name) else ast.Call(
                    ast.Name(RECALL, ast.Load()), [ast.Constant(value.id), value], [])
        for part in ast.walk(node):
            if isinstance(part, ast.Assign) and isinstance(part.targets[0], ast.Name) and part.targets[0].id in named:
                part.value = _Wrap(part.targets[0].id).visit(part.value)
        yield ast.fix_missing_locations(node)


class _Wrap(ast.NodeTransformer):
    def __init__(self, name: str) -> None:
        self.name = name

    def visit(self, node: ast.AST) -> Any:
        """Hand comparisons on, and go through everything else."""
        return self._compare(node) if isinstance(node, ast.Compare) else self.generic_visit(node)

    def _compare(self, node: ast.Compare) -> ast.AST:
        signs = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
        self.generic_visit(node)
        if len(node.ops) != 1 or type(node.ops[0]) not in signs:
            return node
        wrapped = ast.Call(ast.Name(COMPARE, ast.Load()), [
            ast.Constant(self.name), ast.Constant(signs[type(node.ops[0])]), node.left, node.comparators[0]], [])
        return ast.copy_location(wrapped, node)


class Claims:
    """Stands in for ``claim``: keeps what each call said and never raises for a false statement."""

    def __init__(self, compared: Compared | None = None) -> None:
        self.original = claims.claim
        self.compared = compared
        self.statement = -1
        self.count = 0
        self.found: list[dict[str, Any]] = []

    def begin(self, statement: int) -> None:
        """A statement of the notebook begins: count its claims from 0.

        :param statement: its number.
        """
        self.statement, self.count = statement, 0

    def __call__(self, statement: str, value: Any, **expected: Any) -> None:
        """One claim; an AssertionError becomes an outcome, any other error goes on its way."""
        frame = sys._getframe(1)
        key, self.count = (self.statement, self.count), self.count + 1
        found = {"key": key, "statement": statement, "line": frame.f_lineno, "site": frame.f_code.co_filename}
        ratio = self.compared.take() if self.compared else None
        try:
            self.original(statement, value, **expected)
        except AssertionError as error:
            found |= {"outcome": "not finite" if _not_finite(value) else "broken", "error": str(error)[:300]}
        else:
            record = claims.records()[-1]
            found |= {"outcome": "holds", "record": record, "ratio": ratio, "scale": _scale(expected.get("near"))}
        self.found.append(found)


def _scale(near: Any) -> float | None:
    """The size of an expected value."""
    if near is None:
        return None
    array = np.asarray(near.detach().cpu().numpy() if hasattr(near, "detach") else near, dtype=float)
    return float(np.abs(array).max()) if array.size else None


def _not_finite(value: Any) -> bool:
    """True if a value fails for being NaN, infinite or empty rather than wrong."""
    try:
        array = np.asarray(value.detach().cpu().numpy() if hasattr(value, "detach") else value)
        return array.size == 0 or (array.dtype.kind == "f" and not bool(np.isfinite(array).all()))
    except (TypeError, ValueError):
        return False
