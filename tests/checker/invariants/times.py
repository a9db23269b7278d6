"""Invariants 10 and 11: no hold outlives its time, and nobody is in two places at a time."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from tests.checker.dump import Record
from tests.checker.evidence import Evidence
from tests.checker.report import Finding, Violation
from tests.checker.sql import Rows

HOLDS = "no hold outlives its time"
OVERLAPS = "no patient and no doctor is in two places at a time"
SWEEP = timedelta(seconds=10)
"""The sweep comes each second; what is over for so long was passed over by it."""
CLOCK = timedelta(seconds=1)
"""A message has the time at which its transaction began, the end of a hold is judged in it."""


def holds(seen: Evidence) -> Finding:
    """A hold ends by the end of its time, confirmed or expired, one of the two; what is no hold has no end."""
    held = [row for row in seen.rows("appointments") if row["status"] == "pending"]
    confirmed, expired = (_appointments(seen, kind) for kind in ("AppointmentConfirmed", "AppointmentExpired"))
    counts = {"live holds": len(held), "confirmed": len(confirmed), "expired": len(expired)}
    violations = [Violation("confirmed and expired", (id_,)) for id_ in sorted(confirmed.keys() & expired.keys())]
    over = [row["id"] for row in held if seen.now and row["expires_at"] + SWEEP < seen.now]
    violations += [Violation("a hold outlived its time", (id_,)) for id_ in over]
    return Finding(10, HOLDS, counts, [*violations, *_untimely(seen, confirmed, expired)])


def _untimely(seen: Evidence, confirmed: dict[str, Record], expired: dict[str, Record]) -> Iterator[Violation]:
    """What clients were told of the end of a hold is its end."""
    for id_, over in _ends(seen).items():
        if id_ in confirmed and _said_at(confirmed[id_]) > over:
            yield Violation("confirmed when its time was over", (id_,))
        if id_ in expired and _said_at(expired[id_]) + CLOCK < over:
            yield Violation("expired before its time was over", (id_,))
    for row in seen.live:
        if row["status"] != "pending" and row["expires_at"] is not None:
            yield Violation("what is no hold has an end", (row["id"],))


def _ends(seen: Evidence) -> dict[str, datetime]:
    """The end of each hold, as its client was told of it."""
    told = (entry.json or {} for entry in seen.history if entry.succeeded and entry.command[0] == "appointments")
    return {one["id"]: datetime.fromisoformat(one["expires_at"]) for one in told if one.get("expires_at")}


def _said_at(one: Record) -> datetime:
    return datetime.fromisoformat(one.fields["occurred_at"])


def overlaps(seen: Evidence) -> Finding:
    """Of one patient no two live appointments overlap, of one doctor no two slots."""
    timed = [row for row in seen.live if row["starts_at"]]
    slots = [row for row in seen.rows("slots") if row["starts_at"]]
    counts = {"timed live appointments": len(timed), "timed slots": len(slots)}
    return Finding(11, OVERLAPS, counts, [*_overlapping("patient_id", timed), *_overlapping("doctor_id", slots)])


def _appointments(seen: Evidence, kind: str) -> dict[str, Record]:
    return {str(one.fields.get("appointment_id")): one for one in seen.events(kind)}


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
