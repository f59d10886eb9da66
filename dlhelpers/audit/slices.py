"""What a claim depends on: the statements that must run again after a change."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from dlhelpers.audit import effects
from dlhelpers.audit.cells import Statement


@dataclass
class Graph:
    """Who reads what from whom, from the syntax and from what was seen while running."""

    statements: list[Statement]
    facts: list[dict[str, Any]]
    generators: frozenset[str]
    reads: list[frozenset[str]] = field(default_factory=list)
    changes: list[frozenset[str]] = field(default_factory=list)  # names bound or changed in place

    def __post_init__(self) -> None:
        self._known: dict[tuple[int, int, bool], list[int]] = {}
        late: dict[str, frozenset[str]] = {}
        for statement, fact in zip(self.statements, self.facts, strict=True):
            reads = _closure(statement.reads, late)
            drawn = frozenset(fact["changed"]) & set(effects.GLOBAL_GENERATORS)
            self.reads.append(reads | drawn)
            self.changes.append(_changed(statement, fact))
            bodies = frozenset().union(*(late[n] for n in statement.reads if n in late))
            for name in statement.assigns | statement.may_assign:
                # an object made by a function of the notebook may call it again later
                inner = _closure(statement.late[name], late) if name in statement.late else bodies
                late[name] = inner - {name}

    def before(self, index: int, start: int = 0, *, draws: bool = True) -> list[int]:
        """The statements that statement ``index`` depends on, itself last.

        :param index: whose dependencies.
        :param start: statements before this one are not looked at.
        :param draws: if False, who only moves a random generator is left out.
        :returns: indices in order.
        """
        key = index, start, draws
        if key not in self._known:
            self._known[key] = self._before(index, start, draws)
        return self._known[key]

    def _before(self, index: int, start: int, draws: bool) -> list[int]:
        needed, found = set(self.reads[index]), [index]
        random = self.generators | set(effects.GLOBAL_GENERATORS)
        for earlier in range(index - 1, start - 1, -1):
            changed = self.changes[earlier]
            hit = changed & needed
            if not draws:
                hit -= random - self.statements[earlier].assigns
            if hit:
                found.append(earlier)
                needed -= self.statements[earlier].assigns
                needed |= self.reads[earlier] - (frozenset() if draws else set(effects.GLOBAL_GENERATORS))
        return found[::-1]

    def depths(self, index: int, indices: list[int]) -> dict[int, int]:
        """How many steps of "needs" lie between statement ``index`` and each of the others.

        :param index: a statement, for instance one that holds a claim.
        :param indices: what it depends on, from :meth:`before`.
        :returns: statement -> steps, 0 for itself.
        """
        depth = {index: 0}
        for later in reversed(indices):
            needed = set(self.reads[later])
            for earlier in reversed([i for i in indices if i < later]):
                if self.changes[earlier] & needed:
                    depth[earlier] = min(depth.get(earlier, 10**6), depth.get(later, 10**6) + 1)
                    needed -= self.statements[earlier].assigns
        return depth

    def cost(self, indices: Iterable[int]) -> float:
        """Seconds that statements took in the first run.

        :param indices: their numbers.
        :returns: the sum.
        """
        return sum(self.facts[i]["seconds"] for i in indices)

    def callers(self, name: str, indices: list[int]) -> list[int]:
        """Those of the statements that call a notebook function, directly or through another.

        :param name: of the function.
        :param indices: the statements to look at.
        :returns: their numbers.
        """
        return [i for i in indices if name in self.reads[i]]


def _closure(names: frozenset[str], late: dict[str, frozenset[str]]) -> frozenset[str]:
    """Names together with what the functions among them read when they are called."""
    found, queue = set(names), list(names)
    while queue:
        for name in late.get(queue.pop(), ()):
            if name not in found:
                found.add(name)
                queue.append(name)
    return frozenset(found)


def _changed(statement: Statement, fact: dict[str, Any]) -> frozenset[str]:
    """Names that a statement binds or changes in place."""
    stores = any(isinstance(n, (ast.Subscript, ast.Attribute)) and isinstance(n.ctx, ast.Store)
                 for n in ast.walk(statement.node))
    return statement.assigns | frozenset(fact["changed"]) | (
        statement.may_assign if stores else statement.may_assign - statement.reads)
