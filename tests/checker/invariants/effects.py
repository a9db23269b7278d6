"""Invariant 5: effects are the decided commands, as multisets, whatever was redelivered."""

from collections import Counter
from collections.abc import Iterable, Iterator

from tests.checker.dump import Record
from tests.checker.evidence import CLIENTS_COMMANDS, Evidence
from tests.checker.report import Finding, Violation

TITLE = "effects are the decided commands"
PLACED = ("BookAppointment", "RescheduleAppointment")
"""The commands that ask for a place."""
JUDGED = ("SlotReserved", "SlotKept", "BookingRefused")
"""How availability ends one of these: exactly one, once, and once more each time that booking declines what it took."""
ENDED_ELSEWHERE = ("lost", "internal")
"""Outcomes of commands that availability may never have come to."""


def once(seen: Evidence) -> Finding:
    """A success has its effect once, in the log and in the rows; a refusal has none; a booking was judged once."""
    effects = {name: seen.events(name) for name in (*CLIENTS_COMMANDS.values(), "AppointmentExpired", *JUDGED)}
    counts = {name: len(records) for name, records in effects.items()}
    counts |= {"appointments": len(seen.appointments), "queue entries": len(seen.rows("entries"))}
    booked, queued = _decided(seen, "BookAppointment"), _decided(seen, "CheckInPatient")
    violations = [
        *_differ("AppointmentBooked", booked, _by_command(effects["AppointmentBooked"])),
        *_differ("appointment", booked, Counter(row["command_id"] for row in seen.appointments.values())),
        *_differ("PatientCheckedIn", queued, _by_command(effects["PatientCheckedIn"])),
        *_cancelled(seen, effects["AppointmentCancelled"]),
        *_by_the_clinic(seen, effects["AppointmentCancelled"]),
        *_confirmed(seen, effects["AppointmentConfirmed"]),
        *_expired(seen, effects["AppointmentExpired"]),
        *_moved(seen, effects["AppointmentMoved"], effects["SlotKept"]),
        *_queued(seen, effects["PatientCheckedIn"]),
        *_judged(seen, _by_command([one for name in JUDGED for one in effects[name]]), seen.events("ReservationDeclined")),
    ]
    return Finding(5, TITLE, counts, violations)


def _decided(seen: Evidence, kind: str) -> Counter[str]:
    """The commands of a kind that succeeded."""
    return Counter(id_ for id_, row in seen.outcomes.items() if row["type"] == kind and row["code"] is None)


def _by_command(records: Iterable[Record]) -> Counter[str]:
    return Counter(str(one.fields.get("command_id")) for one in records)


def _differ(effect: str, wanted: Counter[str], found: Counter[str]) -> Iterator[Violation]:
    for command in sorted(wanted.keys() | found.keys()):
        if wanted[command] != found[command]:
            yield Violation(f"{found[command]} × {effect} of a command, {wanted[command]} decided", (command,))


def _cancelled(seen: Evidence, events: list[Record]) -> Iterator[Violation]:
    """Several cancels of one appointment succeed, and one of them is its end."""
    decided = _decided(seen, "CancelAppointment")
    for command, count in _by_command(events).items():
        if command in seen.commands and count > decided[command]:
            yield Violation(f"{count} × AppointmentCancelled of a command, {decided[command]} decided", (command,))
    rows = Counter(id_ for id_, row in seen.appointments.items() if row["status"] == "cancelled")
    yield from _differ("AppointmentCancelled", rows, Counter(str(one.fields.get("appointment_id")) for one in events))
    for command in decided:
        id_ = str((seen.outcomes[command]["result"] or {}).get("id"))
        if id_ not in rows:
            yield Violation("a cancel succeeded and its appointment is not cancelled", (command, id_))


def _by_the_clinic(seen: Evidence, events: list[Record]) -> Iterator[Violation]:
    """What no client cancelled was cancelled once by a revoked slot, or because its patient was deleted."""
    revoked = {one.message_id: str(one.fields.get("appointment_id")) for one in seen.events("SlotRevoked")}
    gone = {row["id"] for row in seen.rows("patients") if row["status"] == "deleted" and row["merged_into"] is None}
    for one in events:
        if one.fields.get("command_id") in seen.commands:
            continue
        id_, cause = str(one.fields.get("appointment_id")), one.fields.get("causation_id")
        if cause in revoked and revoked[cause] != id_:
            yield Violation("a revoked slot cancelled another appointment", (id_, str(cause)))
        elif cause not in revoked and one.fields.get("patient_id") not in gone:
            yield Violation("nobody asked for a cancellation", (id_, one.message_id))


def _confirmed(seen: Evidence, events: list[Record]) -> Iterator[Violation]:
    """Several confirms of one appointment succeed, and one of them confirms it. What was booked needs none."""
    decided = _decided(seen, "ConfirmAppointment")
    for command, count in _by_command(events).items():
        if count > decided[command]:
            yield Violation(f"{count} × AppointmentConfirmed of a command, {decided[command]} decided", (command,))
    for id_, count in Counter(str(one.fields.get("appointment_id")) for one in events).items():
        if count > 1:
            yield Violation("an appointment was confirmed twice", (id_,))


def _expired(seen: Evidence, events: list[Record]) -> Iterator[Violation]:
    rows = Counter(id_ for id_, row in seen.appointments.items() if row["status"] == "expired")
    yield from _differ("AppointmentExpired", rows, Counter(str(one.fields.get("appointment_id")) for one in events))


def _moved(seen: Evidence, events: list[Record], kept: list[Record]) -> Iterator[Violation]:
    """A move that succeeded has moved its appointment, or found that it had the place."""
    wanted = _decided(seen, "RescheduleAppointment")
    stayed = {str(one.fields.get("command_id")) for one in kept}
    yield from _differ("AppointmentMoved", Counter(id_ for id_ in wanted if id_ not in stayed), _by_command(events))


def _queued(seen: Evidence, checked_in: list[Record]) -> Iterator[Violation]:
    wanted = Counter({str(one.fields.get("appointment_id")): 1 for one in checked_in})
    yield from _differ("queue entry", wanted, Counter(row["appointment_id"] for row in seen.rows("entries")))


def _judged(seen: Evidence, found: Counter[str], declined: list[Record]) -> Iterator[Violation]:
    wanted: Counter[str] = Counter()
    for command, arrivals in seen.commands.items():
        if arrivals[0].type in PLACED:
            outcome = seen.outcomes.get(command)
            elsewhere = outcome is None or outcome["code"] in ENDED_ELSEWHERE
            wanted[command] = min(found[command], 1) if elsewhere else 1
    wanted.update(seen.displaced)
    wanted.update(_by_command(declined))
    yield from _differ("judgement by availability", wanted, found)
