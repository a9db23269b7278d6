"""Invariants 10 and 11: no hold outlives its time, and nobody is in two places at a time."""

from collections.abc import Iterator
from datetime import timedelta

from tests.checker.evidence import Evidence
from tests.checker.report import Finding, Violation
from tests.checker.sql import Rows

HOLDS = "no hold outlives its time"
OVERLAPS = "no patient and no doctor is in two places at a time"
SWEEP = timedelta(seconds=10)
"""The sweep comes each second; what is over for so long was passed over by it."""


def holds(seen: Evidence) -> Finding:
    """A hold whose time is over is no longer live, and none is both confirmed and expired."""
    held = [row for row in seen.rows("appointments") if row["status"] == "pending"]
    confirmed, expired = (_appointments(seen, kind) for kind in ("AppointmentConfirmed", "AppointmentExpired"))
    counts = {"live holds": len(held), "confirmed": len(confirmed), "expired": len(expired)}
    violations = [Violation("confirmed and expired", (id_,)) for id_ in sorted(confirmed & expired)]
    over = [row["id"] for row in held if seen.now and row["expires_at"] + SWEEP < seen.now]
    return Finding(10, HOLDS, counts, [*violations, *(Violation("a hold outlived its time", (id_,)) for id_ in over)])


def overlaps(seen: Evidence) -> Finding:
    """Of one patient no two live appointments overlap, of one doctor no two slots."""
    timed = [row for row in seen.live if row["starts_at"]]
    slots = [row for row in seen.rows("slots") if row["starts_at"]]
    counts = {"timed live appointments": len(timed), "timed slots": len(slots)}
    return Finding(11, OVERLAPS, counts, [*_overlapping("patient_id", timed), *_overlapping("doctor_id", slots)])


def _appointments(seen: Evidence, kind: str) -> set[str]:
    return {str(one.fields.get("appointment_id")) for one in seen.events(kind)}


def _overlapping(whose: str, rows: Rows) -> Iterator[Violation]:
    """In the order of their start, whoever begins before an earlier one has ended is in two places."""
    busy: dict[tuple[str, str], dict[str, object]] = {}
    for row in sorted(rows, key=lambda row: row["starts_at"]):
        one = (row["clinic_id"], row[whose])
        last = busy.get(one)
        if last is not None and row["starts_at"] < last["ends_at"]:
            yield Violation(f"a {whose.removesuffix('_id')} is in two places", (row[whose], str(last["id"]), row["id"]))
        if last is None or row["ends_at"] > last["ends_at"]:
            busy[one] = row
