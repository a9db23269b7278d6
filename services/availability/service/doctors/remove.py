"""Deleting a doctor: whom nobody can book from the commit on, while what was booked is revoked. Called by `routes/doctors.py`.

Bookings hold the doctor shared. One that was first is seen here and revoked behind its `SlotReserved`: the outbox keeps the order
of a key. One that comes later finds no such doctor. Booking cancels, and what is left is counted by taken slots.
"""

from collections.abc import Sequence
from uuid import UUID

from services.availability.repository import doctors
from services.availability.service.calendar.slot_generation import Upcoming, upcoming, withdraw
from services.availability.service.doctors.register import announce
from shared.contracts.availability import SlotRevoked
from shared.contracts.problems import Code
from shared.contracts.shapes import Active, Deleted
from shared.contracts.topics import AVAILABILITY_EVENTS
from shared.infra.audit import Action
from shared.infra.caller import Caller
from shared.infra.forms import check_match
from shared.infra.problems import ProblemError
from shared.infra.unit import RegistryUnit


async def delete_doctor(unit: RegistryUnit, caller: Caller, doctor_id: UUID, *, cancel_appointments: bool) -> Deleted:
    """Deletes a doctor, or tells of a deleted one what is left. Raises `has_appointments` unless these shall be cancelled."""
    doctor = await doctors.get(unit.sql, caller.clinic_id, doctor_id, lock=True)
    if doctor is None:
        raise ProblemError(Code.UNKNOWN_DOCTOR)
    taken = await upcoming(unit, caller.clinic_id, doctor_id)
    if doctor.status is Active.DELETED:
        return Deleted(id=doctor_id, appointments_left=len(taken))
    check_match(caller.if_match, doctor.version)
    if taken and not cancel_appointments:
        named = dict.fromkeys(str(one.appointment_id) for one in taken)  # one that is being moved has two places
        raise ProblemError(Code.HAS_APPOINTMENTS, extra={"appointments": list(named)})
    await withdraw(unit, caller.clinic_id, doctor_id)
    await doctors.change(unit.sql, caller.clinic_id, doctor_id, {"status": Active.DELETED}, unit.now)
    unit.record(caller, Action.DOCTOR_DELETED, doctor_id, version=doctor.version + 1)
    announce(unit, caller, doctor_id, doctor.version + 1, Active.DELETED)
    _revoke(unit, caller, doctor_id, taken)
    return Deleted(id=doctor_id, appointments_left=len(taken))


async def left_of(unit: RegistryUnit, caller: Caller, doctor_id: UUID) -> Deleted:
    """How many places of a deleted doctor booking has not given back yet."""
    doctor = await doctors.get(unit.sql, caller.clinic_id, doctor_id)
    if doctor is None or doctor.status is not Active.DELETED:
        raise ProblemError(Code.UNKNOWN_DOCTOR)
    return Deleted(id=doctor_id, appointments_left=len(await upcoming(unit, caller.clinic_id, doctor_id)))


def _revoke(unit: RegistryUnit, caller: Caller, doctor_id: UUID, taken: Sequence[Upcoming]) -> None:
    """Asks booking to cancel what holds these reservations."""
    for one in taken:
        revoked = SlotRevoked(
            **unit.envelope(caller),
            doctor_id=doctor_id,
            date=one.date,
            slot_id=one.slot_id,
            reservation_id=one.reservation_id,
            appointment_id=one.appointment_id,
        )
        unit.emit(AVAILABILITY_EVENTS, revoked)
        named = {"reservation_id": one.reservation_id, "appointment_id": one.appointment_id}
        unit.record(caller, Action.SLOT_REVOKED, one.slot_id, doctor_id=doctor_id, date=one.date, **named)
