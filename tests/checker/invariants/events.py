"""Invariant 6: each committed change has one event id, published at least once; no event is without a commit."""

import json
from collections.abc import Iterable, Iterator

from tests.checker.dump import EVENTS, REGISTRY, Record
from tests.checker.evidence import Evidence
from tests.checker.report import Finding, Violation
from tests.checker.sql import Row

TITLE = "committed changes and events are the same"
RELEASES = ("AppointmentRefused", "SlotReleased")
CHANGED = {"cancelled": "AppointmentCancelled", "checked_in": "PatientCheckedIn", "expired": "AppointmentExpired"}
"""The event behind a status. What booking's row says, and its log must say, too."""
COMMITTED = (*CHANGED.values(), "AppointmentConfirmed", "AppointmentMoved", "AppointmentReassigned")
HELD = ("clinic_id", "doctor_id", "slot_id", "reservation_id")
QUEUED = ("id", "appointment_id", "doctor_id", "position")
NO_TRACE = ("lost", "internal")
PLACED = ("BookAppointment", "RescheduleAppointment")
"""The commands that ask for a place."""


def published(seen: Evidence) -> Finding:
    """Rows and events name each other, and one event id is one event."""
    told = [one for one in seen.messages if one.topic in (*EVENTS, REGISTRY)]
    counts = {
        "event records": len(told),
        "event ids": len({one.message_id for one in told}),
        "reservations": len(seen.events("SlotReserved")),
        "releases": len(seen.events(*RELEASES)),
        "SlotFreed": len(seen.events("SlotFreed")),
    }
    violations = [
        *_one_id_one_event(told),
        *_booked(seen),
        *_changed(seen),
        *_queued(seen),
        *_reassigned(seen),
        *_reserved(seen),
        *_freed(seen),
        *_refused(seen),
    ]
    return Finding(6, TITLE, counts, violations)


def _one_id_one_event(told: Iterable[Record]) -> Iterator[Violation]:
    first: dict[str, Record] = {}
    for one in told:
        if one.fields and first.setdefault(one.message_id, one).fields != one.fields:
            yield Violation("one event id says two things", (one.message_id, one.topic))


def _of_appointment(seen: Evidence, *types: str) -> dict[str, Record]:
    return {str(one.fields.get("appointment_id")): one for one in seen.events(*types)}


def _booked(seen: Evidence) -> Iterator[Violation]:
    events = _of_appointment(seen, "AppointmentBooked")
    for id_ in sorted(events.keys() | seen.appointments.keys()):
        event, row = events.get(id_), seen.appointments.get(id_)
        if event is None:
            yield Violation("an appointment has no AppointmentBooked", (id_,))
        elif row is None:
            yield Violation("an AppointmentBooked has no appointment", (id_, event.message_id))
        elif not _same(row, (placed := seen.moves.get(id_, [event])[-1]).fields, HELD):
            yield Violation(f"an {placed.type} says another than its row", (id_, placed.message_id))


def _changed(seen: Evidence) -> Iterator[Violation]:
    for status, kind in CHANGED.items():
        events = _of_appointment(seen, kind)
        rows = {id_: row for id_, row in seen.appointments.items() if row["status"] == status}
        for id_ in rows.keys() - events.keys():
            yield Violation(f"an appointment is {status} without {kind}", (id_,))
    for event in seen.events(*COMMITTED):
        row = seen.appointments.get(id_ := str(event.fields.get("appointment_id")))
        if row is None or row["version"] < event.fields.get("version", 0):
            yield Violation(f"a {event.type} was not committed", (id_, event.message_id))


def _queued(seen: Evidence) -> Iterator[Violation]:
    """Who is queued may be said again, always with the same place."""
    entries = {row["id"]: row for row in seen.rows("entries")}
    said: set[str] = set()
    for event in seen.events("PatientQueued"):
        entry = event.fields.get("entry", {})
        said.add(str(entry.get("id")))
        if str(entry.get("id")) not in entries or not _same(entries[entry["id"]], entry, QUEUED):
            yield Violation("a PatientQueued says another than the queue", (str(entry.get("id")), event.message_id))
    for id_ in entries.keys() - said:
        yield Violation("a queue entry has no PatientQueued", (id_,))


def _reassigned(seen: Evidence) -> Iterator[Violation]:
    """Whose an appointment is: who booked it, then who is said to have it, each of whom the one before was merged into."""
    owners = {id_: [one.fields.get("patient_id")] for id_, one in _of_appointment(seen, "AppointmentBooked").items()}
    for one in sorted(seen.events("AppointmentReassigned"), key=lambda one: one.fields["version"]):
        owners.setdefault(str(one.fields.get("appointment_id")), []).append(one.fields.get("patient_id"))
    queued = {row["appointment_id"]: row["patient_id"] for row in seen.rows("entries")}
    for id_, patients in owners.items():
        row = seen.appointments.get(id_)
        if row is not None and row["patient_id"] != patients[-1]:
            yield Violation("an appointment is somebody else's than its events say", (id_, row["patient_id"]))
        if queued.get(id_, patients[-1]) != patients[-1]:
            yield Violation("a queue entry is somebody else's than its appointment", (id_, queued[id_]))
        for before in patients[:-1]:
            if seen.survivor(before) == before or seen.survivor(before) != seen.survivor(patients[-1]):
                yield Violation("an appointment was taken from a patient who was not merged", (id_, str(before)))


def _reserved(seen: Evidence) -> Iterator[Violation]:
    """A reservation holds its slot until a release names it, and not longer."""
    events = {str(one.fields.get("reservation_id")): one for one in seen.events("SlotReserved")}
    released = {str(one.fields.get("reservation_id")) for one in seen.events(*RELEASES, "ReservationDeclined")}
    taken = {row["reservation_id"]: row["id"] for row in seen.rows("slots") if row["state"] == "taken"}
    for id_ in taken.keys() - events.keys():
        yield Violation("a taken slot has no SlotReserved", (taken[id_], id_))
    for id_ in taken.keys() & released:
        yield Violation("a released reservation still holds its slot", (taken[id_], id_))
    for id_ in events.keys() - taken.keys() - released:
        yield Violation("a reservation neither holds its slot nor was released", (id_, str(events[id_].fields.get("slot_id"))))


def _freed(seen: Evidence) -> Iterator[Violation]:
    """Each release that a command asked for is answered once."""
    answered: dict[str, list[Record]] = {}
    for one in seen.events("SlotFreed"):
        answered.setdefault(str(one.fields.get("causation_id")), []).append(one)
    asked = {one.message_id for one in seen.events(*RELEASES) if one.fields.get("command_id")}
    for id_ in sorted(asked | answered.keys()):
        count = len(answered.get(id_, ()))
        if count != (id_ in asked):
            yield Violation(f"a release has {count} × SlotFreed", (id_,))


def _refused(seen: Evidence) -> Iterator[Violation]:
    """A refused booking or move was refused by availability, or by booking after a reservation."""
    said = {str(one.fields.get("command_id")) for one in seen.events("BookingRefused", "SlotKept", *RELEASES)}
    for command, row in seen.outcomes.items():
        if row["type"] in PLACED and row["code"] and row["code"] not in NO_TRACE and command not in said:
            yield Violation("a booking or a move was refused, and no event says so", (command,))


def _same(row: Row, fields: dict[str, object], names: tuple[str, ...]) -> bool:
    return all(json.dumps(row[name], default=str) == json.dumps(fields.get(name)) for name in names)
