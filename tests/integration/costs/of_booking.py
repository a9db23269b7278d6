"""The batches of booking: reservations, commands about appointments, and the ends of both."""

import datetime as dt
from typing import Any
from uuid import UUID, uuid4

from shared.contracts.availability import BookingRefused, ReservationQuestioned, SlotFreed, SlotKept, SlotReserved, SlotRevoked
from shared.contracts.booking import CancelAppointment, CheckInPatient, ConfirmAppointment, Purpose
from shared.contracts.commands import CommandFailed, CommandRepeated
from shared.contracts.envelope import Message
from shared.contracts.queue import PatientQueued
from shared.infra.ids import new_id
from tests.integration.availability.availability import settings_changed
from tests.integration.booking.booking import Booking
from tests.integration.costs.batches import CLINIC_SETTINGS, REPLY, Batch
from tests.integration.costs.consumer import Consumer
from tests.support.booking_messages import (
    cancel,
    check_in,
    confirm,
    envelope,
    freed,
    kept,
    move_of,
    questioned,
    queued,
    refused,
    repeated,
    reserved,
    revoked,
)
from tests.support.dates import in_days

LATEST = 1_000_000
"""A version of settings that none of a batch is newer than."""


async def reservations(consumer: Consumer, size: int) -> list[Message]:
    patient = await _patient(consumer)
    return [reserved(consumer.clinic, patient) for _ in range(size)]


async def reservations_one_a_day(consumer: Consumer, size: int) -> list[Message]:
    """Where a patient may have one booking of a doctor's day."""
    await consumer.read([settings_changed(consumer.clinic, LATEST, one_booking_per_patient_day=True)])
    return await reservations(consumer, size)


async def timed_reservations(consumer: Consumer, size: int) -> list[Message]:
    """One hour after the other: none stands against another."""
    patient = await _patient(consumer)
    starts = [dt.datetime.combine(in_days(), dt.time(), dt.UTC) + dt.timedelta(hours=number) for number in range(size)]
    hours = [{"date": start.date(), "starts_at": start, "ends_at": start + dt.timedelta(hours=1)} for start in starts]
    return [reserved(consumer.clinic, patient, **hour) for hour in hours]


async def reservations_of_merged_patients(consumer: Consumer, size: int) -> list[Message]:
    """Each under another old id of one survivor."""
    survivor = await _patient(consumer)
    return [reserved(consumer.clinic, await _merged(consumer, survivor)) for _ in range(size)]


async def reservations_of_strangers(consumer: Consumer, size: int) -> list[Message]:
    return [reserved(consumer.clinic, uuid4()) for _ in range(size)]


async def reservations_again(consumer: Consumer, size: int) -> list[Message]:
    """The same reservations under new message ids: their commands have outcomes."""
    return [slot.model_copy(update={"message_id": new_id()}) for slot in await _booked(consumer, size)]


async def questions(consumer: Consumer, size: int) -> list[Message]:
    """About reservations that are held."""
    return [questioned(slot) for slot in await _booked(consumer, size)]


async def questions_about_nothing(consumer: Consumer, size: int) -> list[Message]:
    """About reservations of which booking never heard."""
    return [questioned(slot) for slot in await reservations(consumer, size) if isinstance(slot, SlotReserved)]


async def failures(consumer: Consumer, size: int) -> list[Message]:
    """Commands that availability could not process."""
    day: dict[str, Any] = {"doctor_id": uuid4(), "date": in_days(), "failed": "BookAppointment", "is_first_step": True}
    return [CommandFailed(**envelope(consumer.clinic), **day) for _ in range(size)]


async def refused_bookings(consumer: Consumer, size: int) -> list[Message]:
    patient = await _patient(consumer)
    return [refused(consumer.clinic, patient) for _ in range(size)]


async def holds(consumer: Consumer, size: int) -> list[Message]:
    """Each of another patient: nobody holds more than a few."""
    return [reserved(consumer.clinic, await _patient(consumer), purpose=Purpose.HOLD) for _ in range(size)]


async def holds_after_others(consumer: Consumer, size: int) -> list[Message]:
    """Each patient has held something before, and let it lapse."""
    before = [one for one in await holds(consumer, size) if isinstance(one, SlotReserved)]
    await consumer.read(before)
    await _let_lapse(consumer)
    return [reserved(consumer.clinic, one.patient_id, purpose=Purpose.HOLD) for one in before]


async def confirmations(consumer: Consumer, size: int) -> list[Message]:
    held = [one for one in await holds(consumer, size) if isinstance(one, SlotReserved)]
    await consumer.read(held)
    return [confirm(consumer.clinic, one.appointment_id) for one in held]


async def moves(consumer: Consumer, size: int) -> list[Message]:
    """Each of another patient: of one patient's, each has a statement of its own."""
    slots = [reserved(consumer.clinic, await _patient(consumer)) for _ in range(size)]
    await consumer.read(slots)
    return [move_of(slot) for slot in slots]


async def timed_moves(consumer: Consumer, size: int) -> list[Message]:
    noon = dt.datetime.combine(in_days(), dt.time(12), dt.UTC)
    hour = {"starts_at": noon, "ends_at": noon + dt.timedelta(hours=1)}
    return [move.model_copy(update=hour) for move in await moves(consumer, size)]


async def moves_of_nothing(consumer: Consumer, size: int) -> list[Message]:
    """Of appointments that nobody has."""
    return [move_of(slot) for slot in await reservations(consumer, size) if isinstance(slot, SlotReserved)]


async def kept_places(consumer: Consumer, size: int) -> list[Message]:
    return [kept(slot) for slot in await _booked(consumer, size)]


async def refused_moves(consumer: Consumer, size: int) -> list[Message]:
    slots = await _booked(consumer, size)
    ours: list[dict[str, Any]] = [{"purpose": Purpose.MOVE, "appointment_id": slot.appointment_id} for slot in slots]
    return [refused(consumer.clinic, slot.patient_id, **move) for slot, move in zip(slots, ours, strict=True)]


async def cancellations(consumer: Consumer, size: int) -> list[Message]:
    return [cancel(consumer.clinic, slot.appointment_id) for slot in await _booked(consumer, size)]


async def check_ins(consumer: Consumer, size: int) -> list[Message]:
    return [check_in(consumer.clinic, slot.appointment_id, slot.patient_id) for slot in await _booked(consumer, size)]


async def check_ins_of_merged_patients(consumer: Consumer, size: int) -> list[Message]:
    """The patient says the old id."""
    slots = await _booked(consumer, size)
    merged = [await _merged(consumer, slot.patient_id) for slot in slots]
    return [check_in(consumer.clinic, slot.appointment_id, old) for slot, old in zip(slots, merged, strict=True)]


async def revoked_slots(consumer: Consumer, size: int) -> list[Message]:
    return [revoked(slot) for slot in await _booked(consumer, size)]


async def revoked_slots_of_nobody(consumer: Consumer, size: int) -> list[Message]:
    """They were cancelled before."""
    slots = await _booked(consumer, size)
    await consumer.read([revoked(slot) for slot in slots])
    return [revoked(slot) for slot in slots]


async def repeated_check_ins(consumer: Consumer, size: int) -> list[Message]:
    first = await check_ins(consumer, size)
    await consumer.read(first)
    return first


async def freed_slots(consumer: Consumer, size: int) -> list[Message]:
    slots = await _booked(consumer, size)
    asked = [cancel(consumer.clinic, slot.appointment_id) for slot in slots]
    await consumer.read(asked)
    return [freed(slot, command.command_id) for slot, command in zip(slots, asked, strict=True)]


async def queued_patients(consumer: Consumer, size: int) -> list[Message]:
    slots = await _booked(consumer, size)
    asked = [check_in(consumer.clinic, slot.appointment_id, slot.patient_id) for slot in slots]
    await consumer.read(asked)
    return [queued(command, slot) for command, slot in zip(asked, slots, strict=True)]


async def repeats(consumer: Consumer, size: int) -> list[Message]:
    return [repeated(slot) for slot in await _booked(consumer, size)]


async def _patient(consumer: Consumer) -> UUID:
    return await Booking(consumer.runtime.database, consumer.clinic).patient()


async def _merged(consumer: Consumer, survivor: UUID) -> UUID:
    """The old id of somebody who was merged into a survivor."""
    old = await Booking(consumer.runtime.database, consumer.clinic).patient("deleted")
    async with consumer.runtime.database.batch({consumer.clinic}) as (connection, _):
        await connection.execute("UPDATE patients SET merged_into = $2 WHERE id = $1", old, survivor)
    return old


async def _let_lapse(consumer: Consumer) -> None:
    async with consumer.runtime.database.batch({consumer.clinic}) as (connection, now):
        await connection.execute("UPDATE appointments SET expires_at = $1 WHERE status = 'pending'", now)


async def _booked(consumer: Consumer, size: int) -> list[SlotReserved]:
    slots = [one for one in await reservations(consumer, size) if isinstance(one, SlotReserved)]
    await consumer.read(slots)
    return slots


BATCHES = (
    Batch("reservations", SlotReserved, reservations, {"AppointmentBooked": 1} | REPLY),
    Batch("reservations, one a day", SlotReserved, reservations_one_a_day, {"AppointmentBooked": 1} | REPLY),
    Batch("timed reservations", SlotReserved, timed_reservations, {"AppointmentBooked": 1} | REPLY),
    Batch("reservations of merged patients", SlotReserved, reservations_of_merged_patients, {"AppointmentBooked": 1} | REPLY),
    Batch("reservations of strangers", SlotReserved, reservations_of_strangers, {"AppointmentRefused": 1}),
    Batch("reservations again", SlotReserved, reservations_again, REPLY),
    Batch("refused bookings", BookingRefused, refused_bookings, REPLY),
    Batch("holds", SlotReserved, holds, {"AppointmentBooked": 1} | REPLY),
    Batch(
        "holds after others",
        SlotReserved,
        holds_after_others,
        {"AppointmentExpired": 1, "SlotReleased": 1, "AppointmentBooked": 1} | REPLY,
    ),
    Batch("confirmations", ConfirmAppointment, confirmations, {"AppointmentConfirmed": 1} | REPLY),
    Batch("moves", SlotReserved, moves, {"AppointmentMoved": 1, "SlotReleased": 1}),
    Batch("timed moves", SlotReserved, timed_moves, {"AppointmentMoved": 1, "SlotReleased": 1}),
    Batch("moves of nothing", SlotReserved, moves_of_nothing, {"AppointmentRefused": 1}),
    Batch("kept places", SlotKept, kept_places, REPLY),
    Batch("refused moves", BookingRefused, refused_moves, REPLY),
    Batch("cancellations", CancelAppointment, cancellations, {"AppointmentCancelled": 1, "SlotReleased": 1}),
    Batch("check-ins", CheckInPatient, check_ins, {"PatientCheckedIn": 1}),
    Batch("check-ins of merged patients", CheckInPatient, check_ins_of_merged_patients, {"PatientCheckedIn": 1}),
    Batch("repeated check-ins", CheckInPatient, repeated_check_ins, {"CommandRepeated": 1}),
    Batch("revoked slots", SlotRevoked, revoked_slots, {"AppointmentCancelled": 1, "SlotReleased": 1}),
    Batch("revoked slots of nobody", SlotRevoked, revoked_slots_of_nobody),
    Batch("freed slots", SlotFreed, freed_slots),
    Batch("queued patients", PatientQueued, queued_patients),
    Batch("questions", ReservationQuestioned, questions, {"ReservationKept": 1}),
    Batch("questions about nothing", ReservationQuestioned, questions_about_nothing, {"SlotReleased": 1}),
    Batch("failures", CommandFailed, failures, REPLY),
    Batch("repeats", CommandRepeated, repeats, REPLY),
    CLINIC_SETTINGS,
)
