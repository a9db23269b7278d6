"""What the messages of a batch do to slots, in its transaction: slots are given back, then others are reserved.

Called by `handlers.py`. Everything is read under locks, decided by the domain, and written once: nothing reads what it wrote.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self
from uuid import UUID

from services.availability.domain.batches import BatchSnapshot, SlotCommand, days_to_make, doctor_of, is_late
from services.availability.domain.days import DayKey
from services.availability.repository.slots import capacity, locks
from services.availability.service.slots.events import Release
from services.availability.service.slots.release import release_slots
from services.availability.service.slots.reserve import reserve_slots
from shared.contracts.booking import BookAppointment, BusyTime, Purpose, RescheduleAppointment, ReservationDeclined
from shared.contracts.envelope import ClientCommand, Message
from shared.infra import clinic_settings
from shared.infra.audit import Action
from shared.infra.unit import Unit


@dataclass(frozen=True)
class SlotBatch:
    """What a batch asks of slots, each in order of arrival."""

    releases: Sequence[Release]
    commands: Sequence[SlotCommand]
    busy: Mapping[UUID, Sequence[BusyTime]] = field(default_factory=dict)
    """By the message of a command: when its patient has no time."""

    @classmethod
    def of(cls, messages: Sequence[Message]) -> Self:
        """What these messages ask. What booking has declined is freed, and its command asks again behind all others."""
        declined = [message for message in messages if isinstance(message, ReservationDeclined)]
        commands = [message for message in messages if isinstance(message, SlotCommand)]
        return cls(
            releases=[message for message in messages if isinstance(message, Release)],
            commands=[*commands, *map(_again, declined)],
            busy={message.message_id: message.busy for message in declined},
        )

    @property
    def days(self) -> list[DayKey]:
        """All days that are touched, in the order of locks."""
        return sorted({DayKey.of(message) for message in (*self.releases, *self.commands)})


async def change_slots(unit: Unit, batch: SlotBatch, question_after_seconds: float) -> None:
    """Frees slots and reserves slots: a slot that this batch frees can be reserved by a command of the same batch.

    Booking is asked about a reservation that it has not acknowledged after so many seconds.
    """
    snapshot = await _lock_doctors(unit, batch.commands)
    missing = days_to_make(batch.commands, snapshot)
    made = await locks.make_days(unit.connection, missing) if missing else set()
    days = await locks.lock_days(unit.connection, batch.days)
    if batch.releases:
        await release_slots(unit, batch.releases)
    if made:
        await _fill(unit, batch.commands, {day: snapshot.settings[day.clinic_id].default_daily_capacity for day in made})
    await reserve_slots(unit, batch.commands, replace(snapshot, days=days, busy=batch.busy), question_after_seconds)


def _again(declined: ReservationDeclined) -> SlotCommand:
    """The command of a declined reservation, for any other slot of the day."""
    fields = declined.model_dump(include=ClientCommand.model_fields.keys() - {"type"})
    fields |= {"doctor_id": declined.doctor_id, "date": declined.date, "patient_id": declined.patient_id}
    if declined.purpose.moves:
        return RescheduleAppointment.model_validate({**fields, "appointment_id": declined.appointment_id})
    return BookAppointment.model_validate({**fields, "confirm": declined.purpose is not Purpose.HOLD})


async def _lock_doctors(unit: Unit, commands: Sequence[SlotCommand]) -> BatchSnapshot:
    """The settings of the clinics, and the doctors that are in use, locked until the commit; a late command needs neither."""
    in_time = [command for command in commands if not is_late(command, unit.now)]
    clinics, doctors = {command.clinic_id for command in in_time}, {doctor_of(command) for command in in_time}
    return BatchSnapshot(
        unit.now,
        settings=await clinic_settings.read(unit.connection, clinics) if clinics else {},
        doctors=await locks.lock_doctors(unit.connection, doctors) if doctors else {},
    )


async def _fill(unit: Unit, commands: Sequence[SlotCommand], capacities: Mapping[DayKey, int]) -> None:
    """Gives new days their slots. A day is made by the first command that asked for any slot of it."""
    await capacity.grow(unit.connection, capacities)
    first = {DayKey.of(command): command for command in reversed(commands) if command.slot_id is None}
    for day, size in capacities.items():
        unit.record(first[day], Action.DAY_SET, day.doctor_id, made=True, date=day.date, capacity=size, available=True)
