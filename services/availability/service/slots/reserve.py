"""Reserves slots for commands: bookings, and moves of appointments. Called by `slots/batch.py` under the locks of the days."""

from collections.abc import Sequence
from dataclasses import replace

from services.availability.domain.batches import BatchSnapshot, SlotCommand, appointment_to_move, command_refusal
from services.availability.domain.days import DayKey
from services.availability.domain.reservations import NewReservation, assign_slots, free_slots_needed
from services.availability.domain.slots import Reservation
from services.availability.repository.slots.reserve import free_slots, named_slots, reservations_of_appointments, take
from services.availability.service.slots.events import emit_kept, emit_refused, emit_reserved
from shared.contracts.availability import SlotReserved
from shared.contracts.problems import Code
from shared.infra.unit import Unit


async def reserve_slots(
    unit: Unit, commands: Sequence[SlotCommand], snapshot: BatchSnapshot, question_after_seconds: float
) -> None:
    """Decides the commands in order of arrival, takes their slots and says how each ended."""
    snapshot = await _with_slots(unit, commands, snapshot)
    judged = [(command, command_refusal(command, snapshot)) for command in commands]
    needed = free_slots_needed(judged, snapshot)
    free = await free_slots(unit.connection, needed) if needed else {}
    reserved: list[SlotReserved] = []
    for command, assignment in assign_slots(judged, snapshot, free, unit.new_id):
        if isinstance(assignment, NewReservation):
            reserved.append(_reserved(unit, assignment, snapshot.days[DayKey.of(command)].time_zone))
            emit_reserved(unit, command, reserved[-1])
        elif isinstance(assignment, Reservation):
            emit_kept(unit, command, assignment)
        else:
            after = snapshot.bookable_after(command.clinic_id) if assignment.code is Code.TOO_SOON else None
            emit_refused(unit, command, assignment, after)
    if reserved:
        await take(unit.connection, reserved, question_after_seconds)


async def _with_slots(unit: Unit, commands: Sequence[SlotCommand], snapshot: BatchSnapshot) -> BatchSnapshot:
    """Adds the slots that are named, and what appointments to be moved have already. Plain bookings need neither."""
    named = {(DayKey.of(command), command.slot_id) for command in commands if command.slot_id}
    moved = {
        (DayKey.of(command), appointment)
        for command in commands
        if not command.slot_id and (appointment := appointment_to_move(command))
    }
    return replace(
        snapshot,
        named_slots=await named_slots(unit.connection, named) if named else {},
        reservations=await reservations_of_appointments(unit.connection, moved) if moved else {},
    )


def _reserved(unit: Unit, new: NewReservation, time_zone: str) -> SlotReserved:
    """What booking is told of a new reservation; `time_zone` is the day's, for slots without times."""
    return SlotReserved(
        **unit.envelope(new.command),
        doctor_id=new.command.doctor_id,
        date=new.command.date,
        patient_id=new.command.patient_id,
        slot_id=new.slot.id,
        slot_number=new.slot.number,
        reservation_id=new.reservation_id,
        appointment_id=new.appointment_id,
        time_zone=new.slot.time_zone or time_zone,
        location_id=new.slot.location_id,
        starts_at=new.slot.starts_at,
        ends_at=new.slot.ends_at,
        purpose=new.command.purpose,
        of_day=new.command.slot_id is None,
    )
