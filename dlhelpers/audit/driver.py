"""Run an audit: start the worker, hand out jobs to two children at a time, keep what came back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import connection
from pathlib import Path
from typing import Any

from dlhelpers import files, notebooks
from dlhelpers.audit import cells, mutants, plan, static, verdicts
from dlhelpers.audit.slices import Graph

#: Children at a time.
CHILDREN = 2
#: The part of the time that is kept for the claims' own expressions, after everything else.
OWN = 0.04
#: On a busy machine an audit may take so many times its seconds.
PATIENCE = 4
#: Seconds of computing for starting a child.
FORK = 0.03


class Audit:
    """One lecture: its statements, the facts of one run, and the plan that jobs fill in.

    :param path: the notebook.
    :param seconds: time for everything, as two idle cores would take; a busy machine may take ``PATIENCE`` times that.
    :param seed: for the order of the changes.
    """

    def __init__(self, path: Path, seconds: float = 240, seed: int = 0) -> None:
        self.path, self.seconds, self.seed = path, seconds, seed
        self.statements = cells.read(path)
        self.code = cells.fingerprint(self.statements)
        self.started, self._before = time.monotonic(), time.process_time()
        self.jobs = 0
        self._computed = 0.0  # seconds of computing by children
        self._first = 0.0  # seconds of computing by the worker
        self._controls: dict[Any, tuple[list[Any], float]] = {}
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._folder = Path()

    @property
    def partial(self) -> Path:
        """Where outcomes are kept until the audit is finished, one line a job."""
        return files.ROOT / "data" / "audit" / "partial" / f"{self.path.stem}.jsonl"

    def run(self, resume: bool = False, say: Any = print) -> plan.Plan:
        """Everything; returns the plan with all outcomes noted.

        :param resume: go on from the lines of an audit that was stopped.
        :param say: prints a line for each phase.
        :returns: the plan.
        :raises RuntimeError: if the notebook does not run.
        """
        with self._worker() as report:
            if "error" in report:
                raise RuntimeError(f"{self.path.name} does not run: {report['error']}")
            self._first = report["computed"]
            graph = Graph(self.statements, report["facts"], frozenset(report["generators"]))
            self.plan = plan.Plan(graph, report, self.seed)
            self.static = static.Static(graph, report)
            verdicts.prepare(self.plan, self.static)
            say(f"  ran once in {self._elapsed():.0f} s: {len(self.plan.claims)} claims,"
                f" {len(report['snapshots'])} snapshots")
            if resume:
                say(f"  {self._resume()} outcomes taken over from the audit that was stopped")
            else:
                self.partial.unlink(missing_ok=True)
            for limit, tries in ((plan.CHEAP, plan.TRIES), (plan.DEAR, plan.TRIES), (plan.DEAR, 3 * plan.TRIES)):
                self.plan.tries = tries
                self._together(lambda limit=limit: self._next(limit))
                settled = sum(t.settled for t in self.plan.claims.values())
                say(f"  {self.jobs} changes tried, up to {limit:g} s and {tries} a claim: {settled} of"
                    f" {len(self.plan.claims)} claims broken as they should, {self._elapsed():.0f} s")
            queue = iter([job for job in self.plan.own() if job.name not in self.plan.done])
            end = min(self.seconds, self._elapsed() + OWN * self.seconds)
            self._together(lambda: self._from(queue, end))
        return self.plan

    def finish(self) -> None:
        """The table is stored: forget the partial outcomes."""
        self.partial.unlink(missing_ok=True)

    def _elapsed(self) -> float:
        """Seconds that two idle cores would have taken: what others do on the machine does not count."""
        waited = (time.monotonic() - self.started) / PATIENCE
        return max(waited, self._first + time.process_time() - self._before + self._computed / CHILDREN)

    @contextmanager
    def _worker(self) -> Iterator[dict[str, Any]]:
        """The worker process; the facts of its run."""
        env = dict(notebooks.kernel_environment(1), PYTHONHASHSEED="0", MPLBACKEND="Agg", DLHELPERS_DEVICE="cpu",
                   CUDA_VISIBLE_DEVICES="", OPENBLAS_NUM_THREADS="1", NUMBA_THREADING_LAYER="workqueue")
        env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(files.ROOT), env.get("PYTHONPATH")]))
        with tempfile.TemporaryDirectory(prefix="audit-") as folder:
            self._folder = Path(folder)
            with connection.Listener(str(self._folder / "driver")) as listener:
                process = subprocess.Popen([sys.executable, "-m", "dlhelpers.audit.worker", str(self.path.resolve()),
                                            folder], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=env)
                try:
                    yield self._facts(listener, process)
                finally:
                    assert process.stdin is not None
                    process.stdin.close()  # every snapshot sees this and ends
                    with suppress(subprocess.TimeoutExpired):
                        process.wait(10)
                    process.kill()

    @staticmethod
    def _facts(listener: connection.Listener, process: subprocess.Popen[bytes]) -> dict[str, Any]:
        waiting = listener._listener._socket  # type: ignore[attr-defined]
        waiting.settimeout(1)
        while True:
            try:
                with listener.accept() as line:
                    return line.recv()
            except TimeoutError:
                if process.poll() is not None:
                    return {"error": f"the worker ended with {process.returncode}"}

    def _together(self, next_job: Any) -> None:
        threads = [threading.Thread(target=self._work, args=(next_job,), daemon=True) for _ in range(CHILDREN)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _work(self, next_job: Any) -> None:
        while True:
            with self._lock:
                job = next_job()
            if job is None:
                return
            holding, seconds = self._control(job)
            limit = max(plan.CHEAP, 3 * seconds + 0.5)
            none: dict[str, Any] = {"outcomes": {}, "error": "no control"}
            reply = self._ask(job, limit) if holding else none
            with self._lock:
                self._book(job, holding, {k: v[0] for k, v in reply["outcomes"].items()}, reply)

    def _next(self, limit: float) -> plan.Job | None:
        return self.plan.next(limit) if self._elapsed() < self.seconds * (1 - OWN) else None

    def _from(self, queue: Iterator[plan.Job], end: float) -> plan.Job | None:
        return next(queue, None) if self._elapsed() < end else None

    def _control(self, job: plan.Job) -> tuple[list[Any], float]:
        """The claims that hold when the same statements run without the change, and the seconds."""
        key = (job.snapshot, job.statements)
        if key not in self._controls:
            reply = self._ask(job, 2 * plan.DEAR, control=True)
            holding = [k for k, v in reply["outcomes"].items() if v[0] == "holds"]
            self._controls[key] = holding, reply.get("seconds", 0.0)
        return self._controls[key]

    def _ask(self, job: plan.Job, limit: float, control: bool = False) -> dict[str, Any]:
        """Send a job to its snapshot; an error as reply if it takes longer than ``limit`` seconds."""
        change = job.change
        statements = job.statements if job.definition is None or control else (job.definition, *job.statements)
        message = {"kind": "control" if control else change.kind, "statements": statements, "limit": limit,
                   "statement": change.statement, "function": change.function,
                   "mutation": mutants.Mutation(change.node, change.how, change.line), "how": change.how}
        if change.run is not None:
            message |= {"run_name": change.run[0], "array": change.run[1]}
        pid = None
        try:
            with connection.Client(str(self._folder / f"at-{job.snapshot}")) as line:
                pid = line.recv()
                line.send(message)
                if line.poll(8 * limit + 5):  # the child counts its own computing; this is for one that sleeps
                    reply = line.recv()
                    self._computed += reply["computed"] + FORK
                    return reply
        except (EOFError, ConnectionError, OSError):
            self._computed += limit
            return {"outcomes": {}, "error": "ended early"}
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return {"outcomes": {}, "error": "too slow"}

    def _book(self, job: plan.Job, holding: list[Any], outcomes: dict[Any, str], reply: dict[str, Any]) -> None:
        self.jobs += 1
        if str(reply["error"]).startswith("TypeError: cannot scale"):
            self.plan.rigid.add((job.change.place, job.change.node))
        self.plan.note(job, holding, outcomes)
        self.partial.parent.mkdir(parents=True, exist_ok=True)
        line = {"code": self.code, "job": job.name, "change": vars(job.change), "targets": job.targets,
                "holding": holding, "outcomes": [[*k, v] for k, v in outcomes.items()],
                "error": reply["error"], "seconds": reply.get("seconds")}
        with open(self.partial, "a", encoding="utf-8") as out:
            out.write(json.dumps(line, ensure_ascii=False) + "\n")

    def _resume(self) -> int:
        """Note the outcomes of an audit that was stopped; half a line at the end is dropped."""
        kept = []
        for text in self.partial.read_text(encoding="utf-8").splitlines() if self.partial.exists() else []:
            with suppress(json.JSONDecodeError):
                line = json.loads(text)
                if line["code"] != self.code:
                    continue
                stored = line["change"]
                for name in ("function", "run"):
                    stored[name] = tuple(stored[name]) if stored[name] else None
                job = plan.Job(plan.Change(**stored), 0, (), tuple(line["targets"]), 0.0)
                self.plan.done.add(line["job"])
                for tested in self.plan.claims.values():
                    if tested.key[0] in job.targets and stored["kind"] != "claim":
                        tested.attempts += 1
                        tested.at[job.change.place] = tested.at.get(job.change.place, 0) + 1
                self.plan.note(job, [tuple(k) for k in line["holding"]], {(a, b): v for a, b, v in line["outcomes"]})
                kept.append(text)
        files.write_text(self.partial, "".join(text + "\n" for text in kept))
        return len(kept)
