"""The stored tables: one a lecture in ``data/audit``, and what they add up to."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

from dlhelpers import files, notebooks, runs
from dlhelpers.audit import cells
from dlhelpers.audit.verdicts import ROOM, Verdict

VERDICTS = ("tight", "loose", "suspect", "untested")


def path(lecture: Path) -> Path:
    """Where the table of a lecture is stored.

    :param lecture: its notebook.
    :returns: ``data/audit/NN.json``.
    """
    return files.ROOT / "data" / "audit" / f"{lecture.stem[:2]}.json"


def counts(verdicts: list[Verdict]) -> dict[str, int]:
    """How many claims have which verdict; excused ones are among the loose and the suspect.

    :param verdicts: of one lecture.
    :returns: claims, each verdict, excused.
    """
    found = {"claims": len(verdicts)} | {v: sum(x.verdict == v for x in verdicts) for v in VERDICTS}
    return found | {"excused": sum(v.excused for v in verdicts)}


def save(lecture: Path, verdicts: list[Verdict], code: str, seed: int, changes: int, seconds: float) -> Path:
    """Store a table, whole or not at all.

    :param lecture: the notebook.
    :param verdicts: one a claim.
    :param code: the fingerprint of the notebook's code, by which a stale table is seen.
    :param seed: of the order of changes.
    :param changes: how many were tried.
    :param seconds: what it took.
    :returns: where it was stored.
    """
    table = {"lecture": lecture.stem, "code": code, "counts": counts(verdicts), "seed": seed, "changes": changes,
             "seconds": round(seconds), "date": datetime.date.today().isoformat(), "versions": runs.versions(),
             "claims": [v.stored() for v in verdicts]}
    return files.write_text(path(lecture), json.dumps(table, indent=1, ensure_ascii=False) + "\n")


def load() -> list[tuple[dict[str, Any], bool]]:
    """All stored tables in order, each with whether its notebook still has that code.

    :returns: (table, fresh) pairs.
    """
    found = []
    current = {lecture.stem: lecture for lecture in notebooks.lectures()}
    for stored in sorted((files.ROOT / "data" / "audit").glob("[0-9][0-9].json")):
        table = json.loads(stored.read_text(encoding="utf-8"))
        lecture = current.get(table["lecture"])
        fresh = lecture is not None and cells.fingerprint(cells.read(lecture)) == table["code"]
        found.append((table, fresh))
    return found


def shown(tables: list[tuple[dict[str, Any], bool]]) -> str:
    """The counts of all lectures as a table, and the sentence for the README.

    :param tables: from :func:`load`.
    :returns: text of several lines.
    """
    columns = ("claims", *VERDICTS, "excused")
    lines = [f"{'lecture':34}" + "".join(f"{c:>10}" for c in columns)]
    total = dict.fromkeys(columns, 0)
    for table, fresh in tables:
        row = table["counts"]
        total = {c: total[c] + row[c] for c in columns}
        lines.append(f"{table['lecture']:34}" + "".join(f"{row[c]:>10}" for c in columns)
                     + ("" if fresh else "   stale: the notebook has changed"))
    lines.append(f"{'all':34}" + "".join(f"{total[c]:>10}" for c in columns))
    return "\n".join([*lines, "", sentence(total, len(tables))])


def sentence(total: dict[str, int], lectures: int) -> str:
    """What the README says about the claims.

    :param total: the counts over all lectures.
    :param lectures: how many have been audited.
    :returns: one sentence.
    """
    if not total["claims"]:
        return "No lecture has been audited yet."
    share = 100 * total["tight"] // total["claims"]
    open_ = total["loose"] + total["suspect"] - total["excused"]
    return (f"{total['claims']} claims in {lectures} lectures: {total['tight']} of them ({share} %) broke when the code"
            f" that they depend on was changed, and lie within {ROOM:g}× of their limits; {total['untested']} could not"
            f" be tested so, {total['excused']} have more room for a written reason, {open_} are weak"
            " (`python -m dlhelpers audit --table`).")
