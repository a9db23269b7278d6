"""Merging two patients who are one person: live appointments are reassigned to the survivor, and the other's id stands for it.

Both rows are locked as for a delete, so no booking for either comes in between. A survivor that is merged itself takes along who
was merged into it: one read always finds the last survivor. Called by `routes/removals.py`.
"""

from dataclasses import replace
from uuid import UUID

from services.booking.domain.patient_calendar import collisions
from services.booking.identifiers import Codec
from services.booking.repository import appointments, patient_locks, patients
from services.booking.repository.patient_locks import LOCK_TO_END, LockedPatient
from services.booking.service.appointments.events import emit_reassigned
from services.booking.service.appointments.expiry import expire_locked
from services.booking.service.patients.register import read_patient
from services.booking.service.patients.remove import end_patient
from shared.contracts.patients import MergeIn, PatientView
from shared.contracts.problems import Code, FieldError
from shared.contracts.shapes import MAX_NAMED, Active
from shared.infra.audit import Action
from shared.infra.caller import Caller
from shared.infra.forms import canonical_hash, parse
from shared.infra.problems import ProblemError
from shared.infra.repeats import Done, as_it_is_now, once
from shared.infra.unit import RegistryUnit

COMMAND = "MergePatients"
MERGED = 200


async def merge_patients(unit: RegistryUnit, codec: Codec, caller: Caller, patient_id: UUID, data: object) -> Done[PatientView]:
    """Merges a patient into another, who is answered. Raises `ProblemError` for what stands against it; then nothing changes.

    Merging again changes nothing. Phone, NHS number and the other fields of the merged patient are not taken over.
    """
    form = parse(MergeIn, data)

    async def read(survivor_id: UUID) -> PatientView:
        return await read_patient(unit, codec, caller, survivor_id)

    async def make() -> Done[PatientView]:
        return Done(MERGED, await read(await _survivor(unit, caller, patient_id, form.into)))

    return await once(unit, caller, COMMAND, canonical_hash(form, patient_id=patient_id), as_it_is_now(read), make)


async def _survivor(unit: RegistryUnit, caller: Caller, patient_id: UUID, into: UUID) -> UUID:
    """Merges the two patients if they are not one yet. Gives the id that both stand for."""
    merged, survivor = await _lock_both(unit, caller, patient_id, into)
    if merged.id != survivor.id:
        await _merge(unit, caller, merged, survivor)
    elif patient_id in (into, survivor.id):
        raise ProblemError(Code.VALIDATION_FAILED, errors=[FieldError(field="into", reason="is the patient itself")])
    return survivor.id


async def _merge(unit: RegistryUnit, caller: Caller, merged: LockedPatient, survivor: LockedPatient) -> None:
    await _reassign_appointments(unit, caller, merged.id, survivor.id)
    await end_patient(unit, caller, merged, survivor.id)
    await patients.point_to(unit.connection, caller.clinic_id, merged.id, survivor.id)
    unit.record(caller, Action.PATIENT_MERGED, merged.id, into=survivor.id, version=merged.version + 1)


async def _lock_both(unit: RegistryUnit, caller: Caller, patient_id: UUID, into: UUID) -> tuple[LockedPatient, LockedPatient]:
    """Locks the two patients. One that was merged before stands for the survivor of that merge."""
    keys = [(caller.clinic_id, patient_id), (caller.clinic_id, into)]
    found = await patient_locks.lock(unit.connection, keys, LOCK_TO_END)
    both = [found[key] for key in keys if key in found and found[key].status is Active.ACTIVE]
    if len(both) < len(keys):
        raise ProblemError(Code.UNKNOWN_PATIENT)
    return both[0], both[1]


async def _reassign_appointments(unit: RegistryUnit, caller: Caller, merged: UUID, survivor: UUID) -> None:
    """Gives the live appointments to the survivor. Raises `ProblemError` if one person cannot have all of them.

    That is judged before it is written: an update that meets an exclusion constraint would end the transaction.
    """
    locked = await appointments.lock_live(unit.connection, caller.clinic_id, [merged, survivor])
    await expire_locked(unit, locked)
    live = [one for one in locked if one.is_live(unit.now)]
    of_merged = [one for one in live if one.patient_id == merged]
    colliding = collisions(of_merged, [one for one in live if one.patient_id == survivor])
    if colliding:
        first = [str(one.id) for one in colliding[:MAX_NAMED]]
        raise ProblemError(Code.OVERLAPPING_APPOINTMENTS, extra={"appointments": first, "count": len(colliding)})
    if of_merged:
        await appointments.reassign(unit.connection, caller.clinic_id, [one.id for one in of_merged], survivor, unit.now)
    for one in of_merged:
        emit_reassigned(unit, caller, replace(one, patient_id=survivor, version=one.version + 1))
