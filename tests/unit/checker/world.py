"""A system as the checker sees it, made by hand, and what can happen in it: a booking, a cancellation, a move.

Ids are readable text: to the checker they are nothing more. `scenes.py` makes a small system of it.
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

CLINIC, DOCTOR, GONE, DAY = "clinic", "doctor", "doctor-gone", dt.date(2030, 3, 4)
OTHER, THIRD = "doctor-other", "doctor-third"
ACCEPTED = dt.datetime(2030, 3, 4, 9, 0, tzinfo=dt.UTC)
DECIDE_BY = ACCEPTED + dt.timedelta(minutes=10)
DATABASES = ("gateway", "availability", "booking", "queue")
GROUPS = DATABASES[1:]
HOUR = dt.timedelta(hours=1)
HELD_UNTIL = ACCEPTED + HOUR
FREE = {
    "state": "free", "reservation_id": None, "appointment_id": None, "starts_at": None, "ends_at": None, "time_zone": None,
    "location_id": None, "published": True,
}  # fmt: skip
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
        """It as the checker reads it: what is moved to the third doctor before what happened to it until then."""
        places: Counter[str] = Counter()
        said = sorted(self.said, key=lambda one: (one[0], one[1].get("doctor_id") != THIRD))
        log = [self._record(topic, json.dumps(message).encode(), places, _key(message)) for topic, message in said]
        log += [self._record("booking.commands.availability.dlq", value, places) for value in self.letters]
        entries = [Entry(**entry) for entry in self.history]
        return Evidence(entries, log, Tables(self.tables), self.owed, self.lag, self.injected, ACCEPTED)

    def _record(self, topic: str, value: bytes, places: Counter[str], key: bytes = b"key") -> Record:
        places[topic] += 1
        return Record(topic, 0, places[topic] - 1, key, value)


def _key(message: Row) -> bytes:
    return f"{message.get('doctor_id')}:{message.get('date')}".encode()


def registry(world: World) -> None:
    """A clinic that all services know, a doctor with a day of ten slots, and a patient."""
    clinic = {"id": CLINIC, "version": 1}
    world.tables["gateway"]["clinics"] = [clinic]
    for database in GROUPS:
        world.tables[database]["clinic_settings"] = [{"clinic_id": CLINIC, "version": 1}]
    world.tables["availability"] |= {"doctors": [], "days": [], "slots": [], "exceptions": [], "day_sets": []}
    world.tables["booking"] |= {"patients": [], "appointments": [], "outcomes": [], "changes": []}
    world.tables["queue"] |= {"entries": [], "queue_days": []}
    register(world, "doctors", DOCTOR)
    register(world, "patients", "patient")
    daily(world, DAY, range(1, 11))


def register(world: World, table: str, id_: str) -> None:
    """A doctor or patient in use, announced."""
    row = {"clinic_id": CLINIC, "id": id_, "status": "active", "version": 1, "merged_into": None, "updated_at": ACCEPTED}
    world.rows(table).append(row)
    announce(world, table, id_)


def delete(world: World, table: str, id_: str, **changes: Any) -> None:
    """A doctor or patient who is no more in use from now on, announced."""
    world.row(table, id_).update(status="deleted", version=2, **changes)
    announce(world, table, id_)


def announce(world: World, table: str, id_: str) -> None:
    """Says on the registry's topic what a row is now."""
    row, noun = world.row(table, id_), table.removesuffix("s")
    now = {"version": row["version"], "status": row["status"], f"{noun}_id": id_}
    say(world, "registry.events", f"{noun.title()}Changed", f"{id_}-{row['version']}", **now)


def daily(world: World, date: dt.date, numbers: range, doctor: str = DOCTOR) -> None:
    """A day with a slot of each number, all of them free."""
    day = of_day(date, doctor)
    world.rows("days").append({**day, "mode": "daily", "available": True, "time_zone": "UTC"})
    world.rows("day_sets").append({**day, "capacity": len(numbers)})
    world.rows("slots").extend({"id": f"slot-{number}", "number": number, **day, **FREE} for number in numbers)


def of_day(date: dt.date, doctor: str = DOCTOR) -> Row:
    """The columns that name a day."""
    return {"clinic_id": CLINIC, "doctor_id": doctor, "date": date}


def say(world: World, topic: str, type_: str, message_id: str, **fields: Any) -> None:
    """A message, of the doctor's day if it does not say another."""
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


def reserve(world: World, number: int, patient: str = "patient") -> Row:
    """A reservation, as messages name it. One that is refused need not have a slot in this world."""
    held = {"appointment_id": f"appointment-{number}", "reservation_id": f"reservation-{number}", "slot_id": f"slot-{number}"}
    own = {"command_id": f"command-book-{number}", "patient_id": patient, "slot_number": number, **_of_slot(world, number)}
    say(world, "availability.events", "SlotReserved", f"reserved-{number}", **held, **own)
    return {**held, **own}


def _of_slot(world: World, number: int) -> Row:
    """Whose slot it is and when, as messages have it."""
    slot = world.row("slots", f"slot-{number}")
    times = {name: slot[name] and slot[name].isoformat() for name in ("starts_at", "ends_at")}
    return {"doctor_id": slot["doctor_id"], "date": slot["date"].isoformat(), "location_id": slot["location_id"], **times}


def changed(world: World, number: int, action: str, **columns: Any) -> int:
    """Writes a change of an appointment into its row and its history, and answers which version that is."""
    row = world.row("appointments", f"appointment-{number}")
    row.update(**columns, version=row["version"] + 1)
    note(world, number, action, row["version"])
    return int(row["version"])


def note(world: World, number: int, action: str, version: int) -> None:
    """Enters a change in the history."""
    change = {"clinic_id": CLINIC, "appointment_id": f"appointment-{number}", "action": f"appointment_{action}"}
    world.rows("changes").append({**change, "version": version})


def book(world: World, number: int, patient: str = "patient", *, held: bool = False) -> None:
    """A booked appointment, or a hold, that has the slot of its number."""
    id_, slot = f"appointment-{number}", world.row("slots", f"slot-{number}")
    status, ends = ("pending", HELD_UNTIL) if held else ("booked", None)
    shown = {"id": id_, "patient_id": patient, "slot": number, "slot_id": f"slot-{number}", **_of_slot(world, number)}
    command(
        world, "booking.commands", "BookAppointment", f"book-{number}", "/appointments", status=201,
        json={**shown, "status": status, "expires_at": ends and ends.isoformat()},
    )  # fmt: skip
    reserved = reserve(world, number, patient)
    say(world, "appointment.events", "AppointmentBooked", f"booked-{number}", version=1, status=status, **reserved)
    slot |= {"state": "taken", "reservation_id": f"reservation-{number}", "appointment_id": id_}
    kept = {key: value for key, value in reserved.items() if key != "appointment_id"}
    place = {name: slot[name] for name in ("doctor_id", "date", "location_id", "starts_at", "ends_at")}
    row = {"id": id_, "clinic_id": CLINIC, **kept, **place, "time_zone": "UTC", "expires_at": ends}
    world.rows("appointments").append({**row, "status": status, "version": 1})
    note(world, number, "held" if held else "booked", 1)


def cancel(world: World, number: int) -> None:
    """A cancelled appointment, whose slot is free again."""
    id_, key, held = f"appointment-{number}", f"cancel-{number}", {"command_id": f"command-cancel-{number}"}
    command(world, "appointment.commands", "CancelAppointment", key, f"/appointments/{id_}/cancel", status=200, json={"id": id_})
    say(world, "appointment.events", "AppointmentCancelled", f"cancelled-{number}", version=2, appointment_id=id_, **held)
    release(world, number, "SlotReleased", f"command-cancel-{number}")
    changed(world, number, "cancelled", status="cancelled")


def cancel_by_the_clinic(world: World, number: int, cause: str | None) -> None:
    """An appointment that nobody's command cancelled, and its slot given back without an answer."""
    row = world.row("appointments", f"appointment-{number}")
    changed(world, number, "cancelled", status="cancelled")
    own = {"appointment_id": row["id"], "patient_id": row["patient_id"], "version": row["version"], "causation_id": cause}
    say(world, "appointment.events", "AppointmentCancelled", f"cancelled-{number}", **own)
    release(world, number, "SlotReleased", None)


def release(world: World, number: int, kind: str, command_id: str | None) -> None:
    """A reservation given back and its slot freed, or gone where it was published no more; a command is told."""
    reservation = {"reservation_id": f"reservation-{number}", "slot_id": f"slot-{number}", "command_id": command_id}
    held = {**reservation, "appointment_id": f"appointment-{number}"}
    say(world, "appointment.events", kind, f"released-{number}", **held)
    if command_id:
        say(world, "availability.events", "SlotFreed", f"freed-{number}", causation_id=f"released-{number}", **held)
    slot = world.row("slots", f"slot-{number}")
    slot.update(state="free", reservation_id=None, appointment_id=None)
    if not slot["published"]:
        world.rows("slots").remove(slot)


def confirm(world: World, number: int) -> None:
    """A hold that becomes a booking."""
    id_, key = f"appointment-{number}", f"confirm-{number}"
    version = changed(world, number, "confirmed", status="booked", expires_at=None)
    path = f"/appointments/{id_}/confirm"
    command(world, "appointment.commands", "ConfirmAppointment", key, path, status=200, json={"id": id_, "status": "booked"})
    own = {"appointment_id": id_, "command_id": f"command-{key}", "version": version, "occurred_at": ACCEPTED.isoformat()}
    say(world, "appointment.events", "AppointmentConfirmed", f"confirmed-{number}", **own)


def expire(world: World, number: int) -> None:
    """A hold that nobody confirmed; its slot is free again."""
    version = changed(world, number, "expired", status="expired")
    own = {"appointment_id": f"appointment-{number}", "version": version, "occurred_at": HELD_UNTIL.isoformat()}
    say(world, "appointment.events", "AppointmentExpired", f"expired-{number}", **own)
    release(world, number, "SlotReleased", None)


def ask_to_move(world: World, number: int, to: int) -> str:
    """A reschedule that succeeds: asked, decided and answered. Gives its command."""
    row, id_, key = world.row("appointments", f"appointment-{number}"), f"appointment-{number}", f"move-{number}"
    place = {"patient_id": row["patient_id"], "slot": to, "slot_id": f"slot-{to}", **_of_slot(world, to)}
    told = {"id": id_, "status": row["status"], "version": row["version"], **place}
    path = f"/appointments/{id_}/reschedule"
    command(world, "booking.commands", "RescheduleAppointment", key, path, status=200, json=told)
    return f"command-{key}"


def move(world: World, number: int, to: int) -> None:
    """An appointment that goes to another slot, and gives its own back."""
    id_, slot = f"appointment-{number}", world.row("slots", f"slot-{to}")
    place = {name: slot[name] for name in ("doctor_id", "date", "location_id", "starts_at", "ends_at")}
    held = {"slot_id": slot["id"], "reservation_id": f"reservation-{to}", "slot_number": to}
    version = changed(world, number, "moved", **held, **place)
    own = {"command_id": ask_to_move(world, number, to), "appointment_id": id_, **held, **_of_slot(world, to)}
    say(world, "availability.events", "SlotReserved", f"reserved-{to}", purpose="move", **own)
    say(world, "appointment.events", "AppointmentMoved", f"moved-{number}", version=version, **own)
    slot |= {"state": "taken", "reservation_id": f"reservation-{to}", "appointment_id": id_}
    release(world, number, "SlotReleased", f"command-move-{number}")


def stay(world: World, number: int) -> None:
    """An appointment that was asked to go where it is."""
    held = {"appointment_id": f"appointment-{number}", "reservation_id": f"reservation-{number}", "slot_id": f"slot-{number}"}
    own = {"command_id": ask_to_move(world, number, number), **held}
    say(world, "availability.events", "SlotKept", f"kept-{number}", **own)


def check_in(world: World, number: int, *, position: int) -> None:
    """A patient who is here, and has a position."""
    id_, key = f"appointment-{number}", f"check-in-{number}"
    row = world.row("appointments", id_)
    changed(world, number, "checked_in", status="checked_in")
    whose = {"doctor_id": row["doctor_id"], "patient_id": row["patient_id"]}
    entry = {"id": f"entry-{number}", "appointment_id": id_, **whose, "position": position}
    shown = {**entry, "date": DAY.isoformat()}
    command(world, "appointment.commands", "CheckInPatient", key, "/checkins", status=201, json=shown)
    own = {"doctor_id": row["doctor_id"], "appointment_id": id_, "command_id": f"command-{key}"}
    queued = {"version": position, "entry": entry, "doctor_id": row["doctor_id"], "command_id": f"command-{key}"}
    say(world, "appointment.events", "PatientCheckedIn", f"checked-in-{number}", version=2, **own)
    say(world, "queue.events", "PatientQueued", f"queued-{number}", **queued)
    world.rows("entries").append({**entry, "clinic_id": CLINIC, "date": DAY, "version": 1})
    queues = {one["doctor_id"]: one for one in world.rows("queue_days")}
    queues.setdefault(row["doctor_id"], of_day(DAY, row["doctor_id"])).update(last_position=position, version=position)
    world.tables["queue"]["queue_days"] = list(queues.values())


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
