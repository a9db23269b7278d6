"""A small system as the checker sees it, made by hand: four booked appointments, one cancelled, two checked in, two refusals.

Everything in it is as it must be; tests break one thing of it and see what the checker says. Ids are readable text: to the
checker they are nothing more.
"""

import datetime as dt
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.checker.check import judge
from tests.checker.dump import Record
from tests.checker.evidence import Evidence
from tests.checker.history import Entry
from tests.checker.report import Report
from tests.checker.sql import Owed, Tables

CLINIC, DOCTOR, DAY = "clinic", "doctor", dt.date(2030, 3, 4)
ACCEPTED = dt.datetime(2030, 3, 4, 9, 0, tzinfo=dt.UTC)
DECIDE_BY = ACCEPTED + dt.timedelta(minutes=10)
DATABASES = ("gateway", "availability", "booking", "queue")
GROUPS = DATABASES[1:]
Row = dict[str, Any]


@dataclass
class World:
    """What there is to see, open to change."""

    said: list[tuple[str, Row]] = field(default_factory=list)
    """Topics and messages in the order of the log."""
    tables: dict[str, dict[str, list[Row]]] = field(default_factory=lambda: {name: {} for name in DATABASES})
    history: list[Row] = field(default_factory=list)
    letters: list[bytes] = field(default_factory=list)
    injected: list[bytes] = field(default_factory=list)
    owed: dict[str, Owed] = field(default_factory=lambda: dict.fromkeys(DATABASES, Owed()))
    lag: dict[str, int] = field(default_factory=lambda: dict.fromkeys(GROUPS, 0))

    def message(self, type_: str, **fields: Any) -> Row:
        """The message of a type that has these fields."""
        return next(m for _, m in self.said if m["type"] == type_ and fields.items() <= m.items())

    def unsay(self, type_: str, **fields: Any) -> None:
        """Takes a message out of the log."""
        gone = self.message(type_, **fields)
        self.said = [one for one in self.said if one[1] is not gone]

    def say_again(self, type_: str, *, message_id: str | None = None, **fields: Any) -> Row:
        """Says a message once more, as another one if it gets an id of its own."""
        topic, found = next(one for one in self.said if one[1] is self.message(type_, **fields))
        again = {**found, "message_id": message_id or found["message_id"]}
        self.said.append((topic, again))
        return again

    def rows(self, table: str) -> list[Row]:
        """The rows of a table that one database has."""
        return next(tables[table] for tables in self.tables.values() if table in tables)

    def row(self, table: str, id_: str) -> Row:
        """The row of an id; an outcome's is its command's."""
        return next(row for row in self.rows(table) if id_ in (row.get("id"), row.get("command_id")))

    def answer(self, key: str) -> Row:
        """The last answer that the client with this key got."""
        return [entry for entry in self.history if entry["key"] == key][-1]

    def report(self) -> Report:
        """What the checker says of it."""
        return judge(self.evidence())

    def evidence(self) -> Evidence:
        """It as the checker reads it."""
        places: Counter[str] = Counter()
        log = [self._record(topic, json.dumps(message).encode(), places) for topic, message in self.said]
        log += [self._record("booking.commands.availability.dlq", value, places) for value in self.letters]
        entries = [Entry(**entry) for entry in self.history]
        return Evidence(entries, log, Tables(self.tables), self.owed, self.lag, self.injected, ACCEPTED)

    def _record(self, topic: str, value: bytes, places: Counter[str]) -> Record:
        places[topic] += 1
        return Record(topic, 0, places[topic] - 1, b"key", value)


def clean() -> World:
    """Everything as it must be."""
    world = World()
    registry(world)
    for number in range(1, 5):
        book(world, number)
    cancel(world, 2)
    check_in(world, 3, position=1)
    check_in(world, 4, position=2)
    refuse_full(world, 5)
    refuse_unknown(world, 6)
    return world


def registry(world: World) -> None:
    """A clinic that all services know, a doctor with a day of ten slots, and a patient."""
    clinic = {"id": CLINIC, "version": 1}
    world.tables["gateway"]["clinics"] = [clinic]
    for database in GROUPS:
        world.tables[database]["clinic_settings"] = [{"clinic_id": CLINIC, "version": 1}]
    day = {"clinic_id": CLINIC, "doctor_id": DOCTOR, "date": DAY}
    free = {"state": "free", "reservation_id": None, "appointment_id": None, "starts_at": None, "ends_at": None}
    slots = [{"id": f"slot-{number}", "number": number, **day, **free} for number in range(1, 11)]
    doctor, patient = {"id": DOCTOR, "version": 1}, {"id": "patient", "version": 1}
    world.tables["availability"] |= {"doctors": [doctor], "days": [day], "slots": slots}
    world.tables["booking"] |= {"patients": [patient], "appointments": [], "outcomes": []}
    world.tables["queue"] |= {"entries": [], "queue_days": [{**day, "last_position": 0, "version": 0}]}
    say(world, "registry.events", "DoctorChanged", "doctor-1", version=1, doctor_id=DOCTOR)
    say(world, "registry.events", "PatientChanged", "patient-1", version=1, patient_id="patient")


def say(world: World, topic: str, type_: str, message_id: str, **fields: Any) -> None:
    """A message of the doctor's day."""
    day = {"clinic_id": CLINIC, "doctor_id": DOCTOR, "date": DAY.isoformat()}
    world.said.append((topic, {"type": type_, "message_id": message_id, **day, **fields}))


def command(world: World, topic: str, type_: str, key: str, path: str, **answer: Any) -> None:
    """A command that arrives, is decided and settled, and answered with its end after a 202."""
    id_, status, code, result = f"command-{key}", answer["status"], answer.get("code"), answer.get("json")
    deadline = {"accepted_at": ACCEPTED.isoformat(), "decide_by": DECIDE_BY.isoformat()}
    say(world, topic, type_, f"{id_}-asked", command_id=id_, **deadline)
    told = {"key": key, "path": path, "body": {}, "command_id": id_, "gateway": "gateway"}
    running = {"started": 1.0, "ended": 2.0, "status": 202, "code": None, "json": {"status": "running"}}
    world.history += [
        {**told, **running},
        {**told, "started": 3.0, "ended": 4.0, "status": status, "code": code, "json": result},
    ]
    row = {"command_id": id_, "type": type_, "status_code": status, "code": code, "result": None if code else result}
    decided = {"accepted_at": ACCEPTED, "decided_at": ACCEPTED, "settled_at": ACCEPTED}
    world.rows("outcomes").append({"clinic_id": CLINIC, **row, **decided})


def reserve(world: World, number: int) -> Row:
    """A reservation, as messages name it."""
    held = {"appointment_id": f"appointment-{number}", "reservation_id": f"reservation-{number}", "slot_id": f"slot-{number}"}
    own = {"command_id": f"command-book-{number}", "patient_id": "patient", "slot_number": number}
    say(world, "availability.events", "SlotReserved", f"reserved-{number}", **held, **own)
    return {**held, **own}


def book(world: World, number: int) -> None:
    """A booked appointment that holds the slot of its number."""
    id_, own = f"appointment-{number}", {"doctor_id": DOCTOR, "patient_id": "patient"}
    shown = {"id": id_, **own, "date": DAY.isoformat(), "slot": number, "slot_id": f"slot-{number}"}
    command(
        world, "booking.commands", "BookAppointment", f"book-{number}", "/appointments", status=201,
        json={**shown, "status": "booked"},
    )  # fmt: skip
    held = reserve(world, number)
    say(world, "appointment.events", "AppointmentBooked", f"booked-{number}", version=1, **held)
    slot = world.row("slots", f"slot-{number}")
    slot |= {"state": "taken", "reservation_id": f"reservation-{number}", "appointment_id": id_}
    kept = {key: value for key, value in held.items() if key != "appointment_id"}
    times = {"starts_at": None, "ends_at": None, "expires_at": None}
    row = {"id": id_, "clinic_id": CLINIC, "doctor_id": DOCTOR, "date": DAY, "status": "booked", "version": 1, **kept, **times}
    world.rows("appointments").append(row)


def cancel(world: World, number: int) -> None:
    """A cancelled appointment, whose slot is free again."""
    id_, key, held = f"appointment-{number}", f"cancel-{number}", {"command_id": f"command-cancel-{number}"}
    command(world, "appointment.commands", "CancelAppointment", key, f"/appointments/{id_}/cancel", status=200, json={"id": id_})
    say(world, "appointment.events", "AppointmentCancelled", f"cancelled-{number}", version=2, appointment_id=id_, **held)
    release(world, number, "SlotReleased", f"command-cancel-{number}")
    world.row("appointments", id_).update(status="cancelled", version=2)


def release(world: World, number: int, kind: str, command_id: str) -> None:
    """A reservation given back and its slot freed."""
    reservation = {"reservation_id": f"reservation-{number}", "slot_id": f"slot-{number}", "command_id": command_id}
    held = {**reservation, "appointment_id": f"appointment-{number}"}
    say(world, "appointment.events", kind, f"released-{number}", **held)
    say(world, "availability.events", "SlotFreed", f"freed-{number}", causation_id=f"released-{number}", **held)
    world.row("slots", f"slot-{number}").update(state="free", reservation_id=None, appointment_id=None)


def check_in(world: World, number: int, *, position: int) -> None:
    """A patient who is here, and has a position."""
    id_, key = f"appointment-{number}", f"check-in-{number}"
    entry = {"id": f"entry-{number}", "appointment_id": id_, "doctor_id": DOCTOR, "patient_id": "patient", "position": position}
    command(
        world, "appointment.commands", "CheckInPatient", key, "/checkins", status=201, json={**entry, "date": DAY.isoformat()}
    )
    own = {"appointment_id": id_, "command_id": f"command-{key}"}
    say(world, "appointment.events", "PatientCheckedIn", f"checked-in-{number}", version=2, **own)
    say(world, "queue.events", "PatientQueued", f"queued-{number}", version=position, entry=entry, command_id=f"command-{key}")
    world.row("appointments", id_).update(status="checked_in", version=2)
    world.rows("entries").append({**entry, "clinic_id": CLINIC, "date": DAY})
    world.rows("queue_days")[0].update(last_position=position, version=position)


def refuse_full(world: World, number: int) -> None:
    """A booking that availability refused."""
    key, id_ = f"book-{number}", f"command-book-{number}"
    command(world, "booking.commands", "BookAppointment", key, "/appointments", status=409, code="full", json={"code": "full"})
    say(world, "availability.events", "BookingRefused", f"refused-{number}", command_id=id_, code="full")


def refuse_unknown(world: World, number: int) -> None:
    """A booking that booking refused, after a reservation."""
    code, key = "unknown_patient", f"book-{number}"
    command(world, "booking.commands", "BookAppointment", key, "/appointments", status=404, code=code, json={"code": code})
    reserve(world, number)
    release(world, number, "AppointmentRefused", f"command-{key}")
