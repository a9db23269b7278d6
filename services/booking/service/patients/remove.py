"""Deleting a patient: a deleted patient has no upcoming appointment, and gets no new one.

The patient's row is locked first. Bookings lock it too, so each is either seen here or refused. Called by `routes/removals.py`.
"""

from collections.abc import Sequence
from uuid import UUID

from services.booking.domain.appointments import Appointment
from services.booking.repository import appointments, patient_locks, patients
from services.booking.repository.patient_locks import LOCK_TO_END, LockedPatient
from services.booking.service.appointments.events import emit_cancelled, emit_released
from services.booking.service.appointments.expiry import expire_locked
from services.booking.service.patients.events import emit_changed
from shared.contracts.appointments import Reason, Status
from shared.contracts.problems import Code
from shared.contracts.shapes import MAX_NAMED, Active, Deleted
from shared.infra.audit import Action
from shared.infra.caller import Caller
from shared.infra.forms import check_match
from shared.infra.problems import ProblemError
from shared.infra.unit import RegistryUnit


async def delete_patient(unit: RegistryUnit, caller: Caller, patient_id: UUID, *, cancel: bool) -> Deleted:
    """Deletes a patient, and with `cancel` cancels the upcoming appointments. Raises `ProblemError` for what stands against it.

    Deleting again changes nothing. Who was merged is another patient now, who is not deleted by an id of before.
    """
    key = (caller.clinic_id, patient_id)
    patient = (await patient_locks.lock(unit.connection, [key], LOCK_TO_END)).get(key)
    if patient is None:
        raise ProblemError(Code.UNKNOWN_PATIENT)
    if patient.id != patient_id:
        raise ProblemError(Code.PATIENT_MERGED, extra={"merged_into": str(patient.id)})
    if patient.status is Active.ACTIVE:
        check_match(caller.if_match, patient.version)
        await _cancel_upcoming(unit, caller, patient_id, cancel=cancel)
        await end_patient(unit, caller, patient)
        unit.record(caller, Action.PATIENT_DELETED, patient_id, version=patient.version + 1)
    return Deleted(id=patient_id, appointments_left=0)


async def end_patient(unit: RegistryUnit, caller: Caller, patient: LockedPatient, survivor: UUID | None = None) -> None:
    """Marks a locked patient as deleted, with the `survivor` of its merge, and emits that it is."""
    await patients.end(unit.connection, caller.clinic_id, patient.id, survivor, unit.now)
    emit_changed(unit, caller, patient.id, Active.DELETED, patient.version + 1)


async def _cancel_upcoming(unit: RegistryUnit, caller: Caller, patient_id: UUID, *, cancel: bool) -> None:
    live = await appointments.lock_live(unit.connection, caller.clinic_id, [patient_id])
    await expire_locked(unit, live)
    upcoming = [one for one in live if one.is_upcoming(unit.now)]
    if upcoming and not cancel:
        raise _refusal(Code.HAS_APPOINTMENTS, upcoming)
    if checked_in := [one for one in upcoming if one.status is Status.CHECKED_IN]:
        raise _refusal(Code.CHECKED_IN, checked_in)
    cancelled = [one.with_status(Status.CANCELLED, unit.now, Reason.CLINIC) for one in upcoming]
    if cancelled:
        await appointments.change(unit.connection, cancelled)
    for one in cancelled:
        emit_cancelled(unit, caller, one)
        emit_released(unit, caller, one)


def _refusal(code: Code, because_of: Sequence[Appointment]) -> ProblemError:
    first = [str(one.id) for one in because_of[:MAX_NAMED]]
    return ProblemError(code, extra={"appointments": first, "count": len(because_of)})
