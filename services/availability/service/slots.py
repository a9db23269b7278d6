"""What a batch of messages does to days and slots. Called by `handlers.py` in the transaction of the batch.

Everything is read under locks, decided by `domain.py`, and written once: no use case reads back what it wrote.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.availability.domain.days import (
    DayKey,
    FreeSlot,
    Reservation,
    Taking,
    World,
    days_to_make,
    is_late,
    judge,
    open_from,
    places_wanted,
    share_out,
)
from services.availability.repository import publications, settings, slots
from shared.contracts.availability import BookingRefused, SlotFreed, SlotReserved
from shared.contracts.booking import AppointmentRefused, BookAppointment, SlotReleased
from shared.contracts.commands import CommandRepeated
from shared.contracts.envelope import DayMessage
from shared.contracts.problems import Code
from shared.contracts.registry import ClinicChanged, ClinicSettings
from shared.contracts.topics import AVAILABILITY_EVENTS
from shared.infra.audit import Action
from shared.infra.ids import new_id
from shared.infra.metrics import RELEASES_IGNORED
from shared.infra.unit import Unit

Release = SlotReleased | AppointmentRefused


@dataclass(frozen=True)
class Allotment:
    """What a batch asks of days, each in order of arrival; booking has so long to acknowledge what is taken for it."""

    releases: Sequence[Release]
    bookings: Sequence[BookAppointment]
    question_after_seconds: float

    @property
    def days(self) -> list[DayKey]:
        """All days that are touched, in the order of locks."""
        return sorted({DayKey.of(message) for message in (*self.releases, *self.bookings)})


async def follow_clinics(unit: Unit, changes: Sequence[ClinicChanged]) -> set[UUID]:
    """Keeps the last settings of each clinic for the bookings to come, those of this batch included. Answers which are new."""
    last = {change.clinic_id: change for change in sorted(changes, key=lambda change: change.version)}
    return await settings.keep(unit.connection, list(last.values()))


async def allot(unit: Unit, asked: Allotment) -> None:
    """Gives places back and gives places out. A place that this batch frees can be taken by a booking of the same batch."""
    clinics = await _clinics(unit, asked.bookings)
    doctors = await _lock_doctors(unit, asked.bookings)
    before = World(unit.now, clinics, doctors, days={})
    missing = days_to_make(asked.bookings, before)
    made = await slots.make_days(unit.connection, missing) if missing else set()
    world = World(unit.now, clinics, doctors, await slots.lock_days(unit.connection, asked.days))
    if asked.releases:
        await _release(unit, asked.releases)
    if made:
        capacities = {day: world.settings_of(day.clinic_id).default_daily_capacity for day in made}
        await slots.grow(unit.connection, capacities)
        _note_made(unit, asked.bookings, capacities)
    await _book(unit, asked, world)


def _note_made(unit: Unit, bookings: Sequence[BookAppointment], capacities: Mapping[DayKey, int]) -> None:
    """A day is made by the first booking that asked for it."""
    first = {DayKey.of(booking): booking for booking in reversed(bookings)}
    for day, capacity in capacities.items():
        unit.record(first[day], Action.DAY_SET, day.doctor_id, made=True, date=day.date, capacity=capacity, available=True)


async def answer_again(unit: Unit, repeated: Sequence[CommandRepeated]) -> None:
    """Answers repeated commands whose last step was ours; those without an answer or with a queue entry are not."""
    for message in repeated:
        if message.answer is not None and message.appointment_id is None:
            unit.reply(message, message.answer, replayed=True)


async def pass_on(unit: Unit, repeats: Sequence[DayMessage]) -> None:
    """Tells booking, which keeps the outcomes, that these commands came again, behind what their first arrival caused."""
    for command in repeats:
        unit.emit(AVAILABILITY_EVENTS, CommandRepeated, command, doctor_id=command.doctor_id, date=command.date)


async def _clinics(unit: Unit, bookings: Sequence[BookAppointment]) -> dict[UUID, ClinicSettings]:
    clinics = {booking.clinic_id for booking in bookings}
    return await settings.read(unit.connection, clinics) if clinics else {}


async def _lock_doctors(unit: Unit, bookings: Sequence[BookAppointment]) -> dict[tuple[UUID, UUID], bool]:
    """The bookings' doctors that are in use, held so until the commit; a late command locks nobody."""
    asked = {(booking.clinic_id, booking.doctor_id) for booking in bookings if not is_late(booking, unit.now)}
    return await slots.lock_doctors(unit.connection, asked) if asked else {}


async def _release(unit: Unit, releases: Sequence[Release]) -> None:
    """Frees what the reservations still hold, and says of every release that it is done: also of one that found nothing."""
    asked = {reservation_of(message): DayKey.of(message) for message in releases}
    freed, lost_slots = await slots.release(unit.connection, [(day, reservation) for reservation, day in asked.items()])
    if lost_slots:
        await publications.hasten(unit.connection, lost_slots)
    for message in releases:
        if reservation_of(message) in freed:
            freed.remove(reservation_of(message))
            unit.record(message, Action.SLOT_FREED, message.slot_id, **_named(message))
        else:
            RELEASES_IGNORED.inc()
        _say_freed(unit, message)


def _say_freed(unit: Unit, message: Release) -> None:
    """Settles the command that asked for the release, if one did, and answers its client."""
    if message.command_id is None:
        return
    unit.emit(
        AVAILABILITY_EVENTS,
        SlotFreed,
        message,
        doctor_id=message.doctor_id,
        date=message.date,
        slot_id=message.slot_id,
        reservation_id=message.reservation_id,
        appointment_id=message.appointment_id,
    )
    if message.answer is not None:
        unit.reply(message, message.answer)


async def _book(unit: Unit, asked: Allotment, world: World) -> None:
    """Decides the bookings in order of arrival, takes their places and says how each ended."""
    judged = [(booking, judge(booking, world)) for booking in asked.bookings]
    wanted = places_wanted(judged)
    free = await slots.pick_free(unit.connection, wanted, open_from(world, wanted)) if wanted else {}
    decided = [(booking, _drawn(booking, outcome)) for booking, outcome in share_out(judged, free)]
    reserved: list[SlotReserved] = []
    for booking, outcome in decided:
        if isinstance(outcome, Taking):
            reserved.append(_say_reserved(unit, outcome, world.days[DayKey.of(booking)].time_zone))
        else:
            _say_refused(unit, booking, outcome)
    if reserved:
        await slots.take(unit.connection, reserved, asked.question_after_seconds)


def _drawn(booking: BookAppointment, outcome: FreeSlot | Code) -> Taking | Code:
    """A place with the ids by which everybody will name it from now on."""
    return Taking(booking, outcome, new_id(), new_id()) if isinstance(outcome, FreeSlot) else outcome


def _say_reserved(unit: Unit, taking: Taking, time_zone: str) -> SlotReserved:
    reserved = unit.emit(
        AVAILABILITY_EVENTS,
        SlotReserved,
        taking.command,
        doctor_id=taking.command.doctor_id,
        date=taking.command.date,
        patient_id=taking.command.patient_id,
        slot_id=taking.slot.id,
        slot_number=taking.slot.number,
        reservation_id=taking.reservation_id,
        appointment_id=taking.appointment_id,
        time_zone=taking.slot.time_zone or time_zone,
        location_id=taking.slot.location_id,
        starts_at=taking.slot.starts_at,
        ends_at=taking.slot.ends_at,
    )
    unit.record(taking.command, Action.SLOT_TAKEN, taking.slot.id, **_named(reserved), number=taking.slot.number)
    return reserved


def _named(message: SlotReserved | Release) -> dict[str, object]:
    """How everybody names a reservation, for the audit trail."""
    names = ("doctor_id", "date", "reservation_id", "appointment_id")
    return {name: getattr(message, name) for name in names}


def _say_refused(unit: Unit, booking: BookAppointment, code: Code) -> None:
    unit.emit(
        AVAILABILITY_EVENTS,
        BookingRefused,
        booking,
        doctor_id=booking.doctor_id,
        date=booking.date,
        patient_id=booking.patient_id,
        code=code,
    )


def reservation_of(message: Release) -> Reservation:
    """What a release names."""
    return Reservation(message.clinic_id, message.slot_id, message.reservation_id)
