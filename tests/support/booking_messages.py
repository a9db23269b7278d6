"""Messages as the gateway, availability and the queue send them to booking, valid unless a test says otherwise."""

import datetime as dt
from typing import Any
from uuid import UUID, uuid4

from shared.contracts.availability import BookingRefused, ReservationQuestioned, SlotFreed, SlotKept, SlotReserved, SlotRevoked
from shared.contracts.booking import CancelAppointment, CheckInPatient, ConfirmAppointment, Purpose
from shared.contracts.commands import CommandRepeated
from shared.contracts.problems import Code
from shared.contracts.queue import PatientQueued, QueueEntryView, State
from shared.infra.ids import new_id
from tests.support.dates import in_days
from tests.support.messages import caused

LATE = {"decide_by": dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)}
"""Of a command that nobody may decide any more."""
PARTITION = 3
HOUR = dt.timedelta(hours=1)
NINE = dt.datetime.combine(in_days(3), dt.time(9), dt.UTC)


def timed(start: dt.datetime, **fields: Any) -> dict[str, Any]:
    """The fields of a slot with a time, an hour long."""
    return {"date": start.date(), "starts_at": start, "ends_at": start + HOUR, **fields}


def envelope(clinic: UUID, **fields: Any) -> dict[str, Any]:
    """What every message has; a command's own fields are on all that follows from it."""
    now = dt.datetime.now(dt.UTC)
    defaults = {
        "message_id": new_id(), "clinic_id": clinic, "correlation_id": "desk-1", "command_id": new_id(), "actor": "open",
        "principal": "open", "body_hash": "00", "occurred_at": now, "accepted_at": now,
        "decide_by": now + dt.timedelta(minutes=10), "reply_partition": PARTITION,
    }  # fmt: skip
    return {**defaults, **fields}


def reserved(clinic: UUID, patient: UUID, **fields: Any) -> SlotReserved:
    """A slot is taken for a patient."""
    place = {
        "doctor_id": uuid4(), "date": in_days(), "slot_id": uuid4(), "slot_number": 1, "reservation_id": new_id(),
        "appointment_id": new_id(), "time_zone": "UTC",
    }  # fmt: skip
    return SlotReserved(**envelope(clinic, patient_id=patient, **{**place, **fields}))


def move_of(of: SlotReserved, **fields: Any) -> SlotReserved:
    """A slot is taken for an appointment that has a place already; `patient` is as a client has read it."""
    ours = {"appointment_id": of.appointment_id, "purpose": Purpose.MOVE}
    return reserved(of.clinic_id, fields.pop("patient", of.patient_id), **{**ours, **fields})


def kept(of: SlotReserved, **fields: Any) -> SlotKept:
    """The appointment that is to be moved has the asked place already."""
    place = of.model_dump(include={"doctor_id", "date", "patient_id", "slot_id", "reservation_id", "appointment_id"})
    return SlotKept(**envelope(of.clinic_id, **{**place, **fields}))


def questioned(of: SlotReserved) -> ReservationQuestioned:
    """Availability asks about a reservation."""
    names = {"doctor_id", "date", "patient_id", "appointment_id", "slot_id", "reservation_id", "purpose"}
    place = of.model_dump(include=names)
    return caused(ReservationQuestioned, of, actor="system", **place)


def revoked(slot: SlotReserved, **fields: Any) -> SlotRevoked:
    """Availability says that the doctor of a reservation is gone."""
    place = slot.model_dump(include={"doctor_id", "date", "slot_id", "reservation_id", "appointment_id"})
    own = {"command_id": None, "principal": None, "body_hash": None, "decide_by": None, "reply_partition": None}
    return SlotRevoked(**envelope(slot.clinic_id, **{**own, **place, **fields}))


def refused(clinic: UUID, patient: UUID, code: Code = Code.FULL, **fields: Any) -> BookingRefused:
    """Availability took nothing."""
    day = {"doctor_id": uuid4(), "date": in_days()}
    return BookingRefused(**envelope(clinic, patient_id=patient, code=code, **{**day, **fields}))


def cancel(clinic: UUID, appointment: UUID, **fields: Any) -> CancelAppointment:
    """A client cancels."""
    return CancelAppointment(**envelope(clinic, appointment_id=appointment, **fields))


def confirm(clinic: UUID, appointment: UUID, **fields: Any) -> ConfirmAppointment:
    """A client confirms what is held."""
    return ConfirmAppointment(**envelope(clinic, appointment_id=appointment, **fields))


def check_in(clinic: UUID, appointment: UUID, patient: UUID, **fields: Any) -> CheckInPatient:
    """A patient is here."""
    return CheckInPatient(**envelope(clinic, appointment_id=appointment, patient_id=patient, **fields))


def repeated(of: SlotReserved | SlotKept | BookingRefused) -> CommandRepeated:
    """Availability saw a booking's command again."""
    again = caused(CommandRepeated, of, doctor_id=of.doctor_id, date=of.date)
    return again.model_copy(update={"reply_partition": PARTITION + 1})


def freed(of: SlotReserved, command_id: UUID | None) -> SlotFreed:
    """Availability freed what a command asked to be freed."""
    return SlotFreed(
        **envelope(
            of.clinic_id, command_id=command_id, doctor_id=of.doctor_id, date=of.date, slot_id=of.slot_id,
            reservation_id=of.reservation_id, appointment_id=of.appointment_id,
        )
    )  # fmt: skip


def queued(command: CheckInPatient, of: SlotReserved, position: int = 1) -> PatientQueued:
    """The queue gave a position."""
    entry = QueueEntryView(
        id=new_id(), appointment_id=of.appointment_id, doctor_id=of.doctor_id, patient_id=of.patient_id, date=of.date,
        position=position, state=State.WAITING, checked_in_at=command.occurred_at,
    )  # fmt: skip
    day = {"doctor_id": of.doctor_id, "date": of.date, "version": position}
    return PatientQueued(**envelope(of.clinic_id, command_id=command.command_id, entry=entry, **day))
