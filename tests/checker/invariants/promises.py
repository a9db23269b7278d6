"""Invariant 3: what a client was told is so."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from tests.checker.evidence import Evidence
from tests.checker.history import Entry
from tests.checker.report import Finding, Violation
from tests.checker.sql import Row

TITLE = "what clients were told is so"
SHOWN = {"doctor_id": "doctor_id", "date": "date"}
PLACE = {"slot_id": "slot_id", "slot": "slot_number", "location_id": "location_id"}
"""Fields of an appointment as clients read it, and the columns behind them; its place changes when it is moved."""
TIMES = ("starts_at", "ends_at")
PLACE_IN_QUEUE = {"appointment_id": "appointment_id", "position": "position", **SHOWN}
BOOK, CANCEL, CHECK_IN = "appointments", "appointments/cancel", "checkins"
CONFIRM, MOVE = "appointments/confirm", "appointments/reschedule"
TOLD = {
    "told booked": BOOK,
    "told confirmed": CONFIRM,
    "told moved": MOVE,
    "told cancelled": CANCEL,
    "told a position": CHECK_IN,
}


def kept(seen: Evidence) -> Finding:
    """Who was told of a place has it, who was told `cancelled` has it no more, and nothing lives of what was refused."""
    done = [entry for entry in seen.history if entry.succeeded]
    counts = {name: sum(entry.command[0] == kind for entry in done) for name, kind in TOLD.items()}
    counts["told a refusal"] = sum(entry.refused for entry in seen.told.values())
    violations = [violation for entry in done for violation in _broken(seen, entry)]
    return Finding(3, TITLE, counts, [*violations, *_refused_but_done(seen)])


def _broken(seen: Evidence, entry: Entry) -> Iterator[Violation]:
    kind, told = entry.command[0], entry.json or {}
    if kind in (BOOK, MOVE):
        yield from _placed(seen, entry, told)
    elif kind == CONFIRM:
        if not _was_confirmed(seen, str(told.get("id"))):
            yield Violation("a client was told confirmed, and it is not", (str(told.get("id")), entry.key))
    elif kind == CANCEL:
        id_ = entry.path.strip("/").split("/")[1]
        if seen.appointments.get(id_, {}).get("status") != "cancelled":
            yield Violation("a client was told cancelled, and it is not", (id_, entry.key))
    elif kind == CHECK_IN:
        entries = {row["id"]: row for row in seen.rows("entries")}
        row = entries.get(str(told.get("id")))
        if not _same(told, row, PLACE_IN_QUEUE) or not _of_one_patient(seen, told, row):
            yield Violation("a client was told a position, and the queue has another", (str(told.get("id")), entry.key))


def _placed(seen: Evidence, entry: Entry, told: dict[str, Any]) -> Iterator[Violation]:
    """Booked, held or moved: so it is, unless it was moved later."""
    id_ = str(told.get("id"))
    row = seen.appointments.get(id_)
    moved_later = any(one.fields["version"] > told.get("version", 1) for one in seen.moves.get(id_, ()))
    if row is None:
        yield Violation("a client was told of a place, and there is no appointment", (id_, entry.key))
    elif not _of_one_patient(seen, told, row):
        yield Violation("a client was told of a place, and the appointment is somebody else's", (id_, entry.key))
    elif not moved_later and not (_same(told, row, {**SHOWN, **PLACE}) and _at_its_time(told, row)):
        yield Violation("a client was told of a place, and the appointment is another", (id_, entry.key))


def _was_confirmed(seen: Evidence, id_: str) -> bool:
    """Confirmed, or booked without a hold; and so it did not expire."""
    said = seen.events("AppointmentConfirmed", "AppointmentBooked")
    ours = [one for one in said if one.fields.get("appointment_id") == id_ and one.fields.get("status") != "pending"]
    return bool(ours) and seen.appointments.get(id_, {}).get("status") != "expired"


def _same(told: dict[str, Any], row: Row | None, columns: dict[str, str]) -> bool:
    return row is not None and all(str(told.get(field)) == str(row[column]) for field, column in columns.items())


def _at_its_time(told: dict[str, Any], row: Row) -> bool:
    said = (told.get(name) for name in TIMES)
    return [one and datetime.fromisoformat(one) for one in said] == [row[name] for name in TIMES]


def _of_one_patient(seen: Evidence, told: dict[str, Any], row: Row | None) -> bool:
    """Whoever was told of may have been merged into another one since."""
    return row is not None and bool(seen.survivor(told.get("patient_id")) == seen.survivor(row["patient_id"]))


def _refused_but_done(seen: Evidence) -> Iterator[Violation]:
    for row in seen.live:
        told = seen.told.get(row["command_id"])
        if told is not None and told.refused:
            yield Violation(f"an appointment lives whose client was told {told.code}", (row["id"], row["command_id"]))
