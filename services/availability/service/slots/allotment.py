"""What a batch of messages does to days and slots. Called by `handlers.py` in the transaction of the batch.

Everything is read under locks, decided by `domain.py`, and written once: no use case reads back what it wrote.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from services.availability.domain.days import (
    DayKey,
    Holding,
    Reservation,
    SlotCommand,
    World,
    days_to_make,
    is_late,
    judge,
    mover,
    open_from,
)
from services.availability.domain.sharing import Taking, places_wanted, share_out
from services.availability.repository import slot_generation, slots
from shared.contracts.availability import BookingRefused, SlotFreed, SlotKept, SlotReserved
from shared.contracts.booking import AppointmentRefused, SlotReleased
from shared.contracts.clinics import ClinicSettings
from shared.contracts.commands import CommandRepeated
from shared.contracts.envelope import DayMessage
from shared.contracts.problems import Code
from shared.contracts.topics import AVAILABILITY_EVENTS
from shared.infra import clinic_settings
from shared.infra.audit import Action
from shared.infra.ids import new_id
from shared.infra.metrics import RELEASES_IGNORED
from shared.infra.unit import Unit

Release = SlotReleased | AppointmentRefused


@dataclass(frozen=True)
class Allotment:
    """What a batch asks of days, each in order of arrival; booking has so long to acknowledge what is taken for it."""

    releases: Sequence[Release]
    commands: Sequence[SlotCommand]
    question_after_seconds: float

    @property
    def days(self) -> list[DayKey]:
        """All days that are touched, in the order of locks."""
        return sorted({DayKey.of(message) for message in (*self.releases, *self.commands)})


async def allot(unit: Unit, asked: Allotment) -> None:
    """Gives places back and gives places out. A place that this batch frees can be taken by a command of the same batch."""
    clinics = await _clinics(unit, asked.commands)
    doctors = await _lock_doctors(unit, asked.commands)
    world = World(unit.now, clinics, doctors)
    missing = days_to_make(asked.commands, world)
    made = await slots.make_days(unit.connection, missing) if missing else set()
    days = await slots.lock_days(unit.connection, asked.days)
    if asked.releases:
        await _release(unit, asked.releases)
    if made:
        capacities = {day: world.settings_of(day.clinic_id).default_daily_capacity for day in made}
        await slots.grow(unit.connection, capacities)
        _note_made(unit, asked.commands, capacities)
    await _serve(unit, asked, await _with_places(unit, asked.commands, replace(world, days=days)))


def _note_made(unit: Unit, commands: Sequence[SlotCommand], capacities: Mapping[DayKey, int]) -> None:
    """A day is made by the first command that asked for any place of it."""
    first = {DayKey.of(command): command for command in reversed(commands) if command.slot_id is None}
    for day, capacity in capacities.items():
        unit.record(first[day], Action.DAY_SET, day.doctor_id, made=True, date=day.date, capacity=capacity, available=True)


async def _with_places(unit: Unit, commands: Sequence[SlotCommand], world: World) -> World:
    """Beside the days: the slots that are named, and what appointments to be moved have already. Plain bookings ask for none."""
    named = {(DayKey.of(command), command.slot_id) for command in commands if command.slot_id}
    moved = {(DayKey.of(command), moved) for command in commands if not command.slot_id and (moved := mover(command))}
    return replace(
        world,
        named=await slots.named(unit.connection, named) if named else {},
        held=await slots.held(unit.connection, moved) if moved else {},
    )


async def answer_again(unit: Unit, repeated: Sequence[CommandRepeated]) -> None:
    """Answers repeated commands whose last step was ours; those without an answer or with a queue entry are not."""
    for message in repeated:
        if message.answer is not None and message.appointment_id is None:
            unit.reply(message, message.answer, replayed=True)


async def pass_on(unit: Unit, repeats: Sequence[DayMessage]) -> None:
    """Tells booking, which keeps the outcomes, that these commands came again, behind what their first arrival caused."""
    for command in repeats:
        repeated = CommandRepeated(**unit.envelope(command), doctor_id=command.doctor_id, date=command.date)
        unit.emit(AVAILABILITY_EVENTS, repeated)


async def _clinics(unit: Unit, commands: Sequence[SlotCommand]) -> dict[UUID, ClinicSettings]:
    clinics = {command.clinic_id for command in commands}
    return await clinic_settings.read(unit.connection, clinics) if clinics else {}


async def _lock_doctors(unit: Unit, commands: Sequence[SlotCommand]) -> dict[tuple[UUID, UUID], bool]:
    """The commands' doctors that are in use, held so until the commit; a late command locks nobody."""
    asked = {(command.clinic_id, command.doctor_id) for command in commands if not is_late(command, unit.now)}
    return await slots.lock_doctors(unit.connection, asked) if asked else {}


async def _release(unit: Unit, releases: Sequence[Release]) -> None:
    """Frees what the reservations still hold, and says of every release that it is done: also of one that found nothing."""
    asked = {reservation_of(message): DayKey.of(message) for message in releases}
    freed, lost_slots = await slots.release(unit.connection, [(day, reservation) for reservation, day in asked.items()])
    if lost_slots:
        await slot_generation.hasten(unit.connection, lost_slots)
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
    freed = SlotFreed(
        **unit.envelope(message),
        doctor_id=message.doctor_id,
        date=message.date,
        slot_id=message.slot_id,
        reservation_id=message.reservation_id,
        appointment_id=message.appointment_id,
    )
    unit.emit(AVAILABILITY_EVENTS, freed)
    if message.answer is not None:
        unit.reply(message, message.answer)


async def _serve(unit: Unit, asked: Allotment, world: World) -> None:
    """Decides the commands in order of arrival, takes their places and says how each ended."""
    judged = [(command, judge(command, world)) for command in asked.commands]
    wanted = places_wanted(judged)
    free = await slots.pick_free(unit.connection, wanted, open_from(world, wanted)) if wanted else {}
    reserved: list[SlotReserved] = []
    for command, outcome in share_out(judged, world, free, new_id):
        if isinstance(outcome, Taking):
            reserved.append(_say_reserved(unit, outcome, world.days[DayKey.of(command)].time_zone))
        elif isinstance(outcome, Holding):
            _say_kept(unit, command, outcome)
        else:
            _say_refused(unit, command, outcome)
    if reserved:
        await slots.take(unit.connection, reserved, asked.question_after_seconds)


def _say_reserved(unit: Unit, taking: Taking, time_zone: str) -> SlotReserved:
    reserved = SlotReserved(
        **unit.envelope(taking.command),
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
        purpose=taking.command.purpose,
    )
    unit.emit(AVAILABILITY_EVENTS, reserved)
    unit.record(taking.command, Action.SLOT_TAKEN, taking.slot.id, **_named(reserved), number=taking.slot.number)
    return reserved


def _named(message: SlotReserved | Release) -> dict[str, object]:
    """How everybody names a reservation, for the audit trail."""
    names = ("doctor_id", "date", "reservation_id", "appointment_id")
    return {name: getattr(message, name) for name in names}


def _say_kept(unit: Unit, command: SlotCommand, holding: Holding) -> None:
    """Nothing is taken: booking judges the move, and answers with the appointment as it is."""
    kept = SlotKept(
        **unit.envelope(command),
        doctor_id=command.doctor_id,
        date=command.date,
        patient_id=command.patient_id,
        **holding._asdict(),
    )
    unit.emit(AVAILABILITY_EVENTS, kept)


def _say_refused(unit: Unit, command: SlotCommand, code: Code) -> None:
    refused = BookingRefused(
        **unit.envelope(command),
        doctor_id=command.doctor_id,
        date=command.date,
        patient_id=command.patient_id,
        code=code,
        purpose=command.purpose,
        appointment_id=mover(command),
    )
    unit.emit(AVAILABILITY_EVENTS, refused)


def reservation_of(message: Release) -> Reservation:
    """What a release names."""
    return Reservation(message.clinic_id, message.slot_id, message.reservation_id)
