"""One verdict a claim: tight, loose, suspect, untested, or excused by a written reason."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from dlhelpers.audit.plan import Plan, Tested
from dlhelpers.audit.static import Static

#: More room than this between measurement and limit is loose.
ROOM = 5.0
#: Limits of this size are rounding: no room is too much.
ROUNDING = 1e-6
#: A tolerance over this part of the expected value is wide.
WIDE = 0.2


@dataclass
class Verdict:
    """What the audit says about one claim, and why."""

    statement: str
    cell: int
    verdict: str  # tight, loose, suspect or untested
    why: str
    reason: str | None = None  # the author's loose="…": a loose or suspect claim is excused
    kind: str = ""
    measured: float | None = None
    limit: float | None = None
    slack: float | None = None
    recorded: bool = False
    tried: int = 0
    broken: list[dict[str, str]] = field(default_factory=list)
    own: list[int] = field(default_factory=list)  # changes of the claim's own expression: broken, tried
    steady: bool = True

    @property
    def excused(self) -> bool:
        """True for a loose or suspect claim with a written reason."""
        return self.reason is not None and self.verdict in ("loose", "suspect")

    def stored(self) -> dict[str, Any]:
        """For the table: numbers that JSON has, rounded."""
        result = asdict(self)
        for name in ("measured", "limit", "slack"):
            value = result[name]
            if value is not None:
                result[name] = float(f"{value:.4g}") if math.isfinite(value) else None
        return result


def room(found: dict[str, Any]) -> float | None:
    """How many times the measurement could grow before the claim fails.

    :param found: what the worker noted about a claim.
    :returns: a ratio; None where there is none or where room is no fault (rounding, exact values).
    """
    record = found.get("record")
    if record is None:
        return None
    if record.kind == "boolean":
        return found.get("ratio")
    limit = record.tolerance if record.kind == "near" else record.limit
    if record.kind == "equal" or limit is None or abs(limit) <= ROUNDING:
        return None
    return record.slack


def is_wide(found: dict[str, Any]) -> bool:
    """True if a ``near`` claim's tolerance is large beside its expectation and its deviation.

    :param found: what the worker noted about a claim.
    :returns: whether a change of size must break it before it counts as tight.
    """
    record, scale = found.get("record"), found.get("scale")
    if record is None or record.kind != "near" or record.tolerance <= ROUNDING:
        return False
    return (record.slack or math.inf) > ROOM and record.tolerance > WIDE * (scale or 0.0)


def prepare(plan: Plan, static: Static) -> None:
    """Tell the plan which claims are weak already, and which need to be broken by a change of size.

    :param plan: before its first job.
    :param static: the claims as written.
    """
    suspicions = static.suspicions()
    for key, tested in plan.claims.items():
        tested.wide = is_wide(tested.found)
        tested.condemned = key in suspicions or _too_roomy(tested.found)


def _too_roomy(found: dict[str, Any]) -> bool:
    record, slack = found.get("record"), room(found)
    return record is None or (record.kind != "near" and slack is not None and slack > ROOM)


def judge(plan: Plan, static: Static) -> list[Verdict]:
    """The verdicts on all claims of a lecture, in order.

    :param plan: with all outcomes noted.
    :param static: the claims as written.
    :returns: one verdict each.
    """
    suspicions = static.suspicions()
    return [_judge(tested, suspicions.get(key), static) for key, tested in plan.claims.items()]


def _judge(tested: Tested, suspicion: str | None, static: Static) -> Verdict:
    found, record = tested.found, tested.found.get("record")
    if record is None:
        return Verdict(found["statement"], tested.cell, "suspect", f"fails here: {found.get('error', '')}")
    verdict = Verdict(found["statement"], tested.cell, "untested", "", record.loose, record.kind, record.measured,
                      record.limit if record.kind != "near" else record.limit, room(found), record.recorded,
                      tested.tried, [{"where": c.place, "what": c.how} for c in tested.broken], tested.own,
                      record.steady)
    slack = verdict.slack
    if suspicion:
        verdict.verdict, verdict.why = "suspect", suspicion
    elif slack is not None and _too_roomy(found):
        verdict.verdict, verdict.why = "loose", f"{_times(slack)} room"
    elif tested.settled:
        verdict.verdict, verdict.why = "tight", _breaks(tested)
    elif tested.wide and tested.tried >= 8 and not any(c.gentle for c in tested.broken):
        verdict.verdict = "loose"
        verdict.why = f"tolerance {record.tolerance:.2g} about {record.limit:.3g}, no change of size broke it"
    else:
        verdict.why = _untested(tested, static)
    return verdict


def _breaks(tested: Tested) -> str:
    places = sorted({c.place for c in tested.broken})
    if len(places) == 1:
        return f"broken by {len({c.how for c in tested.broken})} changes at its only place, {places[0]}"
    return f"broken from {len(places)} places"


def _untested(tested: Tested, static: Static) -> str:
    if not tested.sources and static.inside(tested.key):
        return "computed inside the claim: nothing above it can be changed"
    if tested.broken:
        return f"broken from one place only ({tested.broken[0].place}), {tested.tried} changes tried"
    if tested.tried == 0 and tested.uncontrolled:
        return "does not hold when only what it depends on runs again"
    return f"no change of {tested.tried} broke it"


def _times(slack: float) -> str:
    return "measured 0: unlimited" if math.isinf(slack) else f"{slack:.3g}×"
