"""Deleting a doctor: nobody can book one from the commit on, and what was booked is revoked. Called by `routes/doctors.py`.

Bookings hold the doctor shared. One that was first is seen here and revoked behind its `SlotReserved`: the outbox keeps the order
of a key. One that comes later finds no such doctor. Booking cancels, and taken slots tell how many are left.
"""

from uuid import UUID

from services.availability.domain.days import DoctorKey
from services.availability.repository.calendar import generation_timers
from services.availability.repository.doctors import doctor_rows, remove
from services.availability.service.doctors.events import emit_changed
from services.availability.service.doctors.revoke import revoke_first
from shared.contracts.problems import Code
from shared.contracts.shapes import MAX_NAMED, Active, Deleted
from shared.infra.audit import Action
from shared.infra.caller import Caller
from shared.infra.forms import check_match
from shared.infra.problems import ProblemError
from shared.infra.unit import RegistryUnit


async def delete_doctor(unit: RegistryUnit, caller: Caller, doctor_id: UUID, *, cancel_appointments: bool) -> Deleted:
    """Deletes a doctor, or tells of a deleted one what is left. Raises `has_appointments` unless these shall be cancelled."""
    doctor = await doctor_rows.get(unit.sql, caller.clinic_id, doctor_id, lock=True)
    if doctor is None:
        raise ProblemError(Code.UNKNOWN_DOCTOR)
    if doctor.status is Active.DELETED:
        return await _left(unit, caller, doctor_id)
    check_match(caller.if_match, doctor.version)
    if not cancel_appointments:
        await _refuse_appointments(unit, caller, doctor_id)
    await generation_timers.end(unit.connection, caller.clinic_id, doctor_id)
    await doctor_rows.change(unit.sql, caller.clinic_id, doctor_id, {"status": Active.DELETED}, unit.now)
    unit.record(caller, Action.DOCTOR_DELETED, doctor_id, version=doctor.version + 1)
    emit_changed(unit, caller, doctor_id, Active.DELETED, doctor.version + 1)
    await revoke_first(unit, caller, DoctorKey(caller.clinic_id, doctor_id))
    return await _left(unit, caller, doctor_id)


async def appointments_left(unit: RegistryUnit, caller: Caller, doctor_id: UUID) -> Deleted:
    """How many slots of a deleted doctor booking has not given back yet. Raises `unknown_doctor` for any other doctor."""
    doctor = await doctor_rows.get(unit.sql, caller.clinic_id, doctor_id)
    if doctor is None or doctor.status is not Active.DELETED:
        raise ProblemError(Code.UNKNOWN_DOCTOR)
    return await _left(unit, caller, doctor_id)


async def _left(unit: RegistryUnit, caller: Caller, doctor_id: UUID) -> Deleted:
    left = await remove.count_to_come(unit.connection, caller.clinic_id, doctor_id, unit.now)
    return Deleted(id=doctor_id, appointments_left=left)


async def _refuse_appointments(unit: RegistryUnit, caller: Caller, doctor_id: UUID) -> None:
    """Raises `has_appointments` that names the first ones, and tells how many there are."""
    first, number = await remove.first_appointments(unit.connection, caller.clinic_id, doctor_id, unit.now, MAX_NAMED)
    if first:
        raise ProblemError(Code.HAS_APPOINTMENTS, extra={"appointments": [str(one) for one in first], "count": number})
