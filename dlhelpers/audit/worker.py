"""The process that runs a notebook and keeps snapshots of itself, from which mutants start.

``python -m dlhelpers.audit.worker NOTEBOOK FOLDER`` runs every statement once.  On the way it forks
*snapshots*: processes that sleep with the state the notebook had there.  A job (which statements to
run again, with which change) goes to a snapshot, which forks a child that does it and answers.
Everything ends when the process that started it does.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import functools
import gc
import importlib
import os
import select
import signal
import sys
import time
import traceback
import types
from multiprocessing import connection
from pathlib import Path
from typing import Any

from dlhelpers import claims, files, runs
from dlhelpers.audit import cells, effects, measure, mutants, values

#: A new snapshot is taken when the notebook has run for so many seconds since the last one.
EVERY = 0.08
#: A child may take so much more memory than its snapshot, in bytes.
MEMORY = 3 * 2**30


def main(notebook: str, folder: str) -> None:
    """Run, report the facts to the driver, then serve as the last snapshot.

    :param notebook: path of the notebook.
    :param folder: where the sockets are; the driver listens at ``driver`` in it.
    """
    statements = cells.read(Path(notebook))
    _quiet(Path(notebook).parent)
    worker = Worker(statements, Path(folder))
    facts = worker.run()
    with connection.Client(str(Path(folder) / "driver")) as driver:
        driver.send(facts)
    worker.serve(len(statements))


def _quiet(folder: Path) -> None:
    """No output, no windows, no warnings; the working folder of a notebook."""
    import warnings

    warnings.simplefilter("ignore")
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    silent = open(os.devnull, "w", encoding="utf-8")
    sys.stdout = silent
    with contextlib.suppress(ImportError):
        import IPython.display

        IPython.display.display = lambda *a, **k: None


class Worker:
    """A notebook's namespace, and what was seen while it filled."""

    def __init__(self, statements: list[cells.Statement], folder: Path) -> None:
        self.statements, self.folder = statements, folder
        self.namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins}
        self.compared, self.calls = measure.Compared(), effects.Calls()
        self.claims = measure.Claims(self.compared)
        self.loads: list[dict[str, Any]] = []
        self.snapshots: list[int] = []
        self._load, self._shipped = runs.load, files.shipped
        claims.claim = self.claims
        runs.load, files.shipped = self._watched_load, self._watched_shipped
        for name, helper in ((measure.COMPARE, self.compared), (measure.RECALL, self.compared.recall),
                             (mutants.SCALE, values.scaled)):
            setattr(builtins, name, helper)

    def _watched_load(self, name: str) -> runs.Run:
        run = self._load(name)
        self.loads.append({"statement": self.claims.statement, "name": name,
                           "arrays": {k: values.data_mutations(a) for k, a in run.arrays.items()}})
        return run

    def _watched_shipped(self, *parts: str) -> Path:
        path = self._shipped(*parts)
        if path.suffix == ".csv":
            self.loads.append({"statement": self.claims.statement, "name": path.name, "source": True,
                               "arrays": values.table_mutations(path)})
        return path

    def _changed_shipped(self, job: dict[str, Any], *parts: str) -> Path:
        path = self._shipped(*parts)
        if path.name != job["run_name"]:
            return path
        return values.changed_table(path, job["array"], job["how"], self.folder / f"{os.getpid()}-{path.name}")

    def run(self) -> dict[str, Any]:
        """The whole notebook once; the facts that the driver needs."""
        seen, since, facts = effects.fingerprints(self.namespace), 1.0, []
        for statement, node in zip(self.statements, measure.instrumented(self.statements), strict=True):
            if since >= EVERY and self._snapshot(statement.index):
                return {}
            since = 0.0 if since >= EVERY else since
            self.claims.begin(statement.index)
            self.calls.start()
            started = time.process_time()  # a busy machine must not make a statement look dear
            try:
                exec(statement.code(node), self.namespace)
            except Exception as error:
                return {"error": f"cell {statement.cell}: {type(error).__name__}: {error}",
                        "trace": traceback.format_exc()}
            finally:
                called = self.calls.stop()
            seconds = time.process_time() - started
            now = effects.fingerprints(self.namespace)
            facts.append({"seconds": seconds, "called": sorted(called),
                          "changed": sorted(k for k in now if k in seen and now[k] != seen[k])})
            seen, since = now, since + seconds
        return {"facts": facts, "claims": self.claims.found, "loads": self.loads, "snapshots": self.snapshots,
                "generators": sorted(k for k, v in self.namespace.items() if effects.is_generator(v)),
                "computed": time.process_time()}

    def _snapshot(self, index: int) -> bool:
        """Fork a process that keeps this state; True only in the child, when its service is over."""
        self.snapshots.append(index)
        sys.stdout.flush()
        if os.fork():
            return False
        self.serve(index)
        os._exit(0)

    def serve(self, index: int) -> None:
        """Answer jobs from this state until the driver is gone.

        :param index: number of the statement before which this state stands.
        """
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children are not waited for
        with connection.Listener(str(self.folder / f"at-{index}")) as listener:
            waiting = listener._listener._socket  # type: ignore[attr-defined]
            while True:
                ready, _, _ = select.select([waiting, sys.stdin], [], [])
                if sys.stdin in ready:
                    os._exit(0)  # the driver holds the other end: it has ended
                with listener.accept() as job_line:
                    if os.fork() == 0:
                        self._answer(job_line)
                        os._exit(0)

    def _answer(self, line: Any) -> None:
        """One job, in a process of its own."""
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        line.send(os.getpid())
        job = line.recv()
        signal.setitimer(signal.ITIMER_PROF, job["limit"])  # seconds of computing, then it is killed
        with contextlib.suppress(ImportError, ValueError, OSError):
            import resource

            used = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
        self.claims.found, self.claims.compared = [], None
        started, error = time.process_time(), None
        try:
            self._perform(job)
        except BaseException as problem:
            error = f"{type(problem).__name__}: {problem}"[:200]
        outcomes = {f["key"]: (f["outcome"], f.get("error", "")) for f in self.claims.found}
        line.send({"outcomes": outcomes, "error": error, "seconds": time.process_time() - started,
                   "computed": time.process_time()})

    def _perform(self, job: dict[str, Any]) -> None:
        """Install the change, then run the statements of the job."""
        changed: dict[int, Any] = {}
        how = job["mutation"]
        if job["kind"] == "package":
            _replace_function(job["function"], how)
        elif job["kind"] == "data":
            runs.load = lambda name: _changed_run(self._load(name), job)
            files.shipped = functools.partial(self._changed_shipped, job)
        elif job["kind"] in ("cell", "claim"):
            statement = self.statements[job["statement"]]
            changed[statement.index] = statement.code(mutants.apply(statement.node, how))
        for index in job["statements"]:
            self.claims.begin(index)
            exec(changed.get(index) or self.statements[index].code(), self.namespace)


def _changed_run(run: runs.Run, job: dict[str, Any]) -> runs.Run:
    if run.name != job["run_name"]:
        return run
    arrays = dict(run.arrays)
    arrays[job["array"]] = values.changed_data(arrays[job["array"]], job["how"])
    return runs.Run(run.name, arrays, run.meta)


def definition(function: tuple[str, str]) -> tuple[ast.Module, ast.FunctionDef | None]:
    """The syntax tree of a package file, and the definition of one of its functions.

    :param function: (file within the package, qualified name).
    :returns: the whole tree and the node in it; None if the name is not defined by ``def``.
    """
    tree = ast.parse((files.ROOT / "dlhelpers" / function[0]).read_text(encoding="utf-8"))
    body: list[ast.stmt] = tree.body
    node: Any = None
    for part in function[1].split("."):
        node = next((n for n in body if isinstance(n, (ast.FunctionDef, ast.ClassDef)) and n.name == part), None)
        if node is None:
            return tree, None
        body = node.body
    return tree, node if isinstance(node, ast.FunctionDef) else None


def _replace_function(function: tuple[str, str], mutation: mutants.Mutation) -> None:
    """Give every function object with this code the changed code."""
    tree, node = definition(function)
    assert node is not None
    code = _code_of(function)
    changed = mutants.apply(node, mutation)
    for parent in ast.walk(tree):
        body = getattr(parent, "body", None)
        if isinstance(body, list) and node in body:
            body[body.index(node)] = changed
    new = _find_code(compile(tree, code.co_filename, "exec"), function[1])
    for owner in gc.get_referrers(code):
        if isinstance(owner, types.FunctionType) and owner.__code__ is code:
            owner.__code__ = new


def _code_of(function: tuple[str, str]) -> Any:
    """The code of a package function, looked up by its qualified name below properties and wrappers."""
    module = importlib.import_module("dlhelpers." + function[0].removesuffix(".py").replace("/", "."))
    found: Any = module
    for part in function[1].split("."):
        found = vars(found)[part]
    for inner in ("fget", "func", "__func__", "__wrapped__", "__wrapped__"):
        found = getattr(found, inner, found)
    if getattr(found, "__code__", None) is None or found.__code__.co_qualname != function[1]:
        raise LookupError(f"no code of {function[1]}")
    return found.__code__


def _find_code(code: Any, name: str) -> Any:
    for constant in code.co_consts:
        if hasattr(constant, "co_qualname"):
            if constant.co_qualname == name:
                return constant
            found = _find_code(constant, name)
            if found is not None:
                return found
    return None


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
