"""Deleting a patient: nobody books for one who is deleted, and none of a deleted one's appointments lives on.

The patient's row is locked first. Bookings lock it too, so each is either seen here or refused. Called by `routes/removals.py`.
"""

from collections.abc import Sequence
from uuid import UUID

from services.booking.domain import Appointment
from services.booking.repository import appointments, patients
from services.booking.repository.patients import LOCK_TO_END, Locked
from services.booking.service.appointments.cancellations import give_back, say_cancelled
from services.booking.service.appointments.holds import expire
from services.booking.service.patients.records import announce
from shared.contracts.appointments import Reason, Status
from shared.contracts.problems import Code
from shared.contracts.shapes import Active, Deleted
from shared.infra.audit import Action
from shared.infra.caller import Caller
from shared.infra.forms import check_match
from shared.infra.problems import ProblemError
from shared.infra.unit import RegistryUnit


async def delete_patient(unit: RegistryUnit, caller: Caller, patient_id: UUID, *, cancel: bool) -> Deleted:
    """Deletes a patient, and with `cancel` what is booked for today or later. Raises `ProblemError` for what stands against it.

    Deleting again changes nothing, nor does deleting somebody who was merged: the survivor is another patient.
    """
    key = (caller.clinic_id, patient_id)
    patient = (await patients.lock(unit.connection, [key], LOCK_TO_END)).get(key)
    if patient is None:
        raise ProblemError(Code.UNKNOWN_PATIENT)
    if patient.id == patient_id and patient.status is Active.ACTIVE:
        check_match(caller.if_match, patient.version)
        await _cancel_upcoming(unit, caller, patient_id, cancel=cancel)
        await end_patient(unit, caller, patient)
        unit.record(caller, Action.PATIENT_DELETED, patient_id, version=patient.version + 1)
    return Deleted(id=patient_id, appointments_left=0)


async def end_patient(unit: RegistryUnit, caller: Caller, patient: Locked, survivor: UUID | None = None) -> None:
    """Writes and says that a locked patient is in use no more."""
    await patients.end(unit.connection, caller.clinic_id, patient.id, survivor, unit.now)
    announce(unit, caller, patient.id, Active.DELETED, patient.version + 1)


async def _cancel_upcoming(unit: RegistryUnit, caller: Caller, patient_id: UUID, *, cancel: bool) -> None:
    held = await appointments.lock_live(unit.connection, caller.clinic_id, [patient_id])
    await expire(unit, held)
    upcoming = [one for one in held if one.is_upcoming(unit.now)]
    if upcoming and not cancel:
        raise _refusal(Code.HAS_APPOINTMENTS, upcoming)
    if here := [one for one in upcoming if one.status is Status.CHECKED_IN]:
        raise _refusal(Code.CHECKED_IN, here)
    cancelled = [one.changed(Status.CANCELLED, unit.now, Reason.CLINIC) for one in upcoming]
    if cancelled:
        await appointments.change(unit.connection, cancelled)
    for one in cancelled:
        say_cancelled(unit, caller, one)
        give_back(unit, caller, one)


def _refusal(code: Code, because_of: Sequence[Appointment]) -> ProblemError:
    return ProblemError(code, extra={"appointments": [str(one.id) for one in because_of]})
