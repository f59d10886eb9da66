"""Which change to try next: the claims least tried first, their nearest code first, one place after the other."""

from __future__ import annotations

import ast
import random
from dataclasses import dataclass, field
from typing import Any

from dlhelpers.audit import mutants, worker
from dlhelpers.audit.cells import INPUTS, callee
from dlhelpers.audit.slices import Graph

#: A claim gets at most so many changes, and three times as many if there is time left.
TRIES = 48
#: A job should take no longer than this many seconds; claims that need more get it when nothing cheaper is left.
CHEAP, DEAR = 1.5, 8.0
#: Claims of other cells come along while the whole job takes no longer than this.
COMPANY = 0.4


@dataclass(frozen=True)
class Change:
    """One change of the lecture, the package or a stored result."""

    kind: str  # "cell", "package", "data" or "claim" (the claim's own expression)
    place: str  # where a reader finds it; breaks must come from different places
    how: str
    statement: int  # the notebook statement from which things must run again
    node: int = -1
    line: int = 0
    function: tuple[str, str] | None = None
    run: tuple[str, str] | None = None  # stored run and array

    @property
    def gentle(self) -> bool:
        """True if only a size changes."""
        return self.how.startswith("×") and not self.how.startswith("×-")


@dataclass
class Tested:
    """A claim and what happened to it under changes."""

    key: tuple[int, int]
    found: dict[str, Any]  # what the stand-in for ``claim`` noted
    cell: int
    attempts: float = 0.0
    tried: int = 0
    broken: list[Change] = field(default_factory=list)
    own: list[int] = field(default_factory=lambda: [0, 0])  # own expression: broken, tried
    at: dict[str, int] = field(default_factory=dict)
    sources: set[str] = field(default_factory=set)
    wide: bool = False  # its tolerance is wide: it needs to be broken by a gentle change
    condemned: bool = False  # loose or suspect whatever breaks it: tried last, and less
    uncontrolled: int = 0

    @property
    def settled(self) -> bool:
        """Broken from two places; or twice at its only place."""
        places = {c.place for c in self.broken}
        enough = len(places) >= 2 or (len(self.sources) <= 1 and len({c.how for c in self.broken}) >= 2)
        return enough and (not self.wide or any(c.gentle for c in self.broken))


@dataclass(frozen=True)
class Job:
    """A change, the snapshot that it starts from, what runs again, and the claims that it is tried on."""

    change: Change
    snapshot: int
    statements: tuple[int, ...]
    targets: tuple[int, ...]  # statements that hold claims
    cost: float
    definition: int | None = None  # a changed notebook function, defined before the snapshot

    @property
    def name(self) -> str:
        """Identifies the job when an audit resumes."""
        c = self.change
        return f"{c.kind} {c.place} #{c.node} {c.how} on {','.join(map(str, self.targets))}"


class Plan:
    """All claims of a lecture, their candidate changes, and the order in which they are tried."""

    def __init__(self, graph: Graph, report: dict[str, Any], seed: int) -> None:
        self.graph, self.report = graph, report
        self.random = random.Random(seed)
        self.claims = {tuple(f["key"]): Tested(tuple(f["key"]), f, graph.statements[f["key"][0]].cell)
                       for f in report["claims"]}
        self.slices = {s: graph.before(s) for s in {k[0] for k in self.claims}}
        self.done: set[str] = set()
        self.tries = TRIES
        self.rigid: set[tuple[str, int]] = set()  # (place, node) of values that cannot be scaled
        self._groups: dict[Any, tuple[list[int], set[int]]] = {}
        self._dear: set[tuple[int, str, float]] = set()
        self._inputs: dict[int, bool] = {}
        self._cell_changes: dict[int, list[mutants.Mutation]] = {}
        self._function_changes: dict[tuple[str, str], list[mutants.Mutation]] = {}
        self.candidates: dict[int, dict[str, tuple[float, list[Change]]]] = {}
        for statement in self.slices:
            self.candidates[statement] = self._candidates(statement)
        for tested in self.claims.values():
            tested.sources = {p for p, (_, changes) in self.candidates[tested.key[0]].items()
                              if not all(self._is_input(c) for c in changes)}

    def _candidates(self, target: int) -> dict[str, tuple[float, list[Change]]]:
        """Place -> (distance from the claim, changes there), for one statement that holds claims."""
        found: dict[str, tuple[float, list[Change]]] = {}
        indices = self.graph.before(target, draws=False)  # who only draws random numbers before it does not matter
        depth = self.graph.depths(target, indices)
        for index in indices:
            statement = self.graph.statements[index]
            entries = self._entries(statement.node, indices)
            if statement.index not in self._cell_changes:
                self._cell_changes[statement.index] = mutants.mutations(statement.node)
            for m in self._cell_changes[statement.index]:
                key = entries.get(m.node, "") if entries is not None else ""
                if key is not None:
                    place = f"c{statement.cell}:{m.line}" + (f" [{key}]" if key else "")
                    change = Change("cell", place, m.how, index, m.node, m.line)
                    found.setdefault(place, (depth.get(index, 99), []))[1].append(change)
        for index in reversed(indices):
            for function in map(tuple, self.graph.facts[index]["called"]):
                for m in self._of_function(function):
                    place, distance = f"{function[0]}:{m.line}", depth.get(index, 99) + 1
                    change = Change("package", place, m.how, index, m.node, m.line, function)
                    if place not in found or found[place][0] > distance:
                        found[place] = (distance, [])
                    if found[place][0] == distance and (not found[place][1] or found[place][1][0].statement == index):
                        found[place][1].append(change)
        for load in self.report["loads"]:
            if load["statement"] in indices:
                self._data(load, depth.get(load["statement"], 99), found)
        for _, changes in found.values():
            self.random.shuffle(changes)
            changes.sort(key=lambda c: _rank(c) + self.random.random())
        return found

    def _entries(self, node: ast.stmt, indices: list[int]) -> dict[int, str | None] | None:
        """For a dictionary written out of which only certain entries are used: node -> its entry, None if unused."""
        if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
                and isinstance(node.targets[0], ast.Name)
                and all(isinstance(k, ast.Constant) for k in node.value.keys)):
            return None
        used: set[Any] = set()
        for index in indices:
            for part in ast.walk(self.graph.statements[index].node):
                whole = isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load) and part.id == node.targets[0].id
                if isinstance(part, ast.Subscript) and isinstance(part.value, ast.Name) \
                        and part.value.id == node.targets[0].id and isinstance(part.slice, ast.Constant):
                    used.add(part.slice.value)
                    used.add(id(part.value))
                elif whole and id(part) not in used:
                    return None
        entry = {id(n): str(k.value) if k.value in used else None  # type: ignore[union-attr]
                 for k, v in zip(node.value.keys, node.value.values, strict=True) for n in ast.walk(v)}
        return {i: entry.get(id(n)) for i, n in enumerate(ast.walk(node))}

    def _of_function(self, function: Any) -> list[mutants.Mutation]:
        if function not in self._function_changes:
            _, node = worker.definition(function)
            changes = mutants.mutations(node) if node is not None else []
            if node is not None:  # defaults were evaluated long ago
                fixed = {id(n) for d in [*node.args.defaults, *node.args.kw_defaults] if d for n in ast.walk(d)}
                order = list(ast.walk(node))
                changes = [m for m in changes if id(order[m.node]) not in fixed]
            self._function_changes[function] = changes
        return self._function_changes[function]

    @staticmethod
    def _data(load: dict[str, Any], distance: float, found: dict[str, tuple[float, list[Change]]]) -> None:
        for array, ways in load["arrays"].items():
            for how in ways:
                kind = "order" if "axis" in how else "values"
                change = Change("data", f"{load['name']}[{array}] {kind}", how, load["statement"],
                                run=(load["name"], array))
                found.setdefault(change.place, (distance, []))[1].append(change)

    def _is_input(self, change: Change) -> bool:
        if change.kind == "cell" and change.statement not in self._inputs:
            node = self.graph.statements[change.statement].node
            self._inputs[change.statement] = isinstance(node, ast.Assign) and all(
                callee(c) in INPUTS for c in ast.walk(node) if isinstance(c, ast.Call))
        return change.kind == "cell" and self._inputs[change.statement]

    def next(self, limit: float) -> Job | None:
        """The next job.

        :param limit: seconds that it may cost.
        :returns: None if there is none left.
        """
        waiting = [t for t in self.claims.values()
                   if not t.settled and t.attempts < (TRIES / 4 if t.condemned else self.tries)]
        for tested in sorted(waiting, key=lambda t: (t.condemned, t.attempts, t.key)):
            job = self._for(tested, limit)
            if job is not None:
                for other in self.claims.values():
                    if other.key[0] in job.targets:
                        other.attempts += 1.0 if other.cell == tested.cell else 0.5
                        other.at[job.change.place] = other.at.get(job.change.place, 0) + 1
                return job
        return None

    def _for(self, tested: Tested, limit: float) -> Job | None:
        broke = {c.place for c in tested.broken}
        places = self.candidates[tested.key[0]]

        def turn(place: str) -> tuple[float, float]:
            distance = places[place][0]
            return tested.at.get(place, 0) + 2 * (place in broke) + distance / 2, distance

        for place in sorted(places, key=turn):
            if len(tested.sources) > 1 and place in broke and tested.at.get(place, 0) > 3 and not tested.wide:
                continue
            if (tested.key[0], place, limit) in self._dear:
                continue
            changes = places[place][1]
            for change in sorted(changes, key=lambda c: not c.gentle) if tested.wide else changes:
                if change.how.startswith("×") and (place, change.node) in self.rigid:
                    continue
                job = self._job(change, tested, limit)
                if job is not None and job.name not in self.done:
                    self.done.add(job.name)
                    return job
                if job is None:
                    self._dear.add((tested.key[0], place, limit))
                    break
        return None

    def _job(self, change: Change, tested: Tested, limit: float) -> Job | None:
        target, graph = tested.key[0], self.graph
        start, definition = self._start(change, target), None
        snapshot = max((s for s in self.report["snapshots"] if s <= start), default=None)
        if snapshot is None:
            return None
        if change.statement < snapshot and change.kind == "cell":
            definition = change.statement
        same = [s for s in self.slices if graph.statements[s].cell == tested.cell
                and change.place in self.candidates[s]]
        for targets, draws in ((same, True), ([target], True), ([target], False)):
            run: set[int] = set().union(*(graph.before(t, snapshot, draws=draws) for t in targets))
            if graph.cost(run) <= limit:
                if draws:
                    targets, run = self._company(change, snapshot, list(targets), run)
                return Job(change, snapshot, tuple(sorted(run)), tuple(targets), graph.cost(run), definition)
        return None

    def _company(self, change: Change, snapshot: int, targets: list[int], run: set[int]) -> tuple[list[int], set[int]]:
        """Claims of other cells that the same change may break, as long as they cost little more."""
        key = change.place, snapshot, tuple(targets)
        if key not in self._groups:
            waiting = {t.key[0]: t.attempts for t in self.claims.values() if not t.settled}
            for other in sorted(waiting, key=lambda s: (waiting[s], s)):
                place = self.candidates[other].get(change.place)
                if other in targets or place is None or self._start(place[1][0], other) < snapshot:
                    continue
                larger = run | set(self.graph.before(other, snapshot))
                if self.graph.cost(larger) <= max(COMPANY, self.graph.cost(run)) and len(targets) < 24:
                    targets, run = [*targets, other], larger
            self._groups[key] = sorted(targets), run
        return self._groups[key]

    def _start(self, change: Change, target: int) -> int:
        """The first statement that must run again; a function of the notebook counts where it is called last."""
        node = self.graph.statements[change.statement].node
        if change.kind != "cell" or not isinstance(node, ast.FunctionDef):
            return change.statement
        return max(self.graph.callers(node.name, self.slices[target]), default=change.statement)

    def own(self) -> list[Job]:
        """Two changes of each claim's own expression: a column that clears nothing."""
        jobs = []
        for target in self.slices:
            node = self.graph.statements[target].node
            snapshot = max((s for s in self.report["snapshots"] if s <= target), default=None)
            calls = [n for n in ast.walk(node) if isinstance(n, ast.Call) and callee(n) == "claim"]
            run = self.graph.before(target, snapshot or 0)
            if snapshot is None or self.graph.cost(run) > CHEAP:
                continue
            for call in calls:
                found = [m for value in call.args[1:2] for m in mutants.mutations(node, within=value)]
                for m in self.random.sample(found, min(2, len(found))):
                    change = Change("claim", f"c{self.graph.statements[target].cell}:{m.line}", m.how, target, m.node,
                                    m.line)
                    jobs.append(Job(change, snapshot, tuple(run), (target,), self.graph.cost(run)))
        return jobs

    def note(self, job: Job, holding: list[Any], outcomes: dict[Any, str]) -> None:
        """Book the outcome of a job: only claims that held in its control count.

        :param job: what was run.
        :param holding: keys of the claims that held in the control.
        :param outcomes: what became of each claim, by key.
        """
        for key, tested in self.claims.items():
            if key[0] not in job.targets:
                continue
            if key not in holding:
                tested.uncontrolled += 1
                continue
            outcome = outcomes.get(key)
            if outcome is None:  # an error: here changes make no wrong values
                tested.at[job.change.place] = tested.at.get(job.change.place, 0) + 1
            if job.change.kind == "claim":
                tested.own[1] += 1
                tested.own[0] += outcome == "broken"
                continue
            tested.tried += outcome in ("holds", "broken")
            if outcome == "broken":
                tested.broken.append(job.change)


def _rank(change: Change) -> float:
    """Small for changes that break most: operators and methods."""
    how = change.how
    if how.startswith("×"):
        return 0.7 if how.startswith("×1.05") else 0.4
    if how.startswith("swap arguments"):
        return 0.8
    return 0.3 if "drop" in how else 0.0
