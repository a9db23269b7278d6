"""Merging two patients who are one person: the appointments that live go to the survivor, whom the other's id means from then on.

Both rows are locked as for a delete, so no booking for either comes in between. A survivor is never merged itself without
taking along who was merged into it: one look always finds the last. Called by `routes/removals.py`.
"""

from uuid import UUID

from services.booking import domain
from services.booking.domain import Appointment
from services.booking.identifiers import Codec
from services.booking.repository import appointments, patients
from services.booking.repository.patients import LOCK_TO_END, Locked
from services.booking.service.appointments.holds import expire
from services.booking.service.patients.register import read_patient
from services.booking.service.patients.remove import end_patient
from shared.contracts.booking import AppointmentReassigned
from shared.contracts.patients import MergeIn, PatientView
from shared.contracts.problems import Code, FieldError
from shared.contracts.shapes import Active
from shared.contracts.topics import APPOINTMENT_EVENTS
from shared.infra.audit import Action
from shared.infra.caller import Caller
from shared.infra.forms import canonical_hash, parse
from shared.infra.problems import ProblemError
from shared.infra.repeats import Done, as_it_is_now, once
from shared.infra.unit import RegistryUnit

COMMAND = "MergePatients"
MERGED = 200


async def merge_patients(unit: RegistryUnit, codec: Codec, caller: Caller, patient_id: UUID, data: object) -> Done[PatientView]:
    """Merges a patient into another, who is answered. Raises `ProblemError`, and nothing has moved, for what stands against it.

    Merging again changes nothing. Phone, NHS number and the other fields of who is merged are not taken over.
    """
    form = parse(MergeIn, data)

    async def read(survivor_id: UUID) -> PatientView:
        return await read_patient(unit, codec, caller, survivor_id)

    async def make() -> Done[PatientView]:
        return Done(MERGED, await read(await _survivor(unit, caller, patient_id, form.into)))

    return await once(unit, caller, COMMAND, canonical_hash(form, patient_id=patient_id), as_it_is_now(read), make)


async def _survivor(unit: RegistryUnit, caller: Caller, patient_id: UUID, into: UUID) -> UUID:
    """The id that both patients have from now on."""
    loser, survivor = await _lock_both(unit, caller, patient_id, into)
    if loser.id != survivor.id:
        await _merge(unit, caller, loser, survivor)
    elif patient_id in (into, survivor.id):
        raise ProblemError(Code.VALIDATION_FAILED, errors=[FieldError(field="into", reason="is the patient itself")])
    return survivor.id


async def _merge(unit: RegistryUnit, caller: Caller, loser: Locked, survivor: Locked) -> None:
    await _move_appointments(unit, caller, loser.id, survivor.id)
    await end_patient(unit, caller, loser, survivor.id)
    await patients.point_to(unit.connection, caller.clinic_id, loser.id, survivor.id)
    unit.record(caller, Action.PATIENT_MERGED, loser.id, into=survivor.id, version=loser.version + 1)


async def _lock_both(unit: RegistryUnit, caller: Caller, patient_id: UUID, into: UUID) -> tuple[Locked, Locked]:
    """The two patients; whoever was merged before stands for the survivor of that merge."""
    keys = [(caller.clinic_id, patient_id), (caller.clinic_id, into)]
    found = await patients.lock(unit.connection, keys, LOCK_TO_END)
    both = [found[key] for key in keys if key in found and found[key].status is Active.ACTIVE]
    if len(both) < len(keys):
        raise ProblemError(Code.UNKNOWN_PATIENT)
    return both[0], both[1]


async def _move_appointments(unit: RegistryUnit, caller: Caller, loser: UUID, survivor: UUID) -> None:
    """Computed before it is written: an update that meets an exclusion constraint would end the transaction."""
    locked = await appointments.lock_live(unit.connection, caller.clinic_id, [loser, survivor])
    await expire(unit, locked)
    live = [one for one in locked if one.is_live(unit.now)]
    moving = [one for one in live if one.patient_id == loser]
    clashing = domain.clashes(moving, [one for one in live if one.patient_id == survivor])
    if clashing:
        raise ProblemError(Code.OVERLAPPING_APPOINTMENTS, extra={"appointments": [str(one.id) for one in clashing]})
    if moving:
        await appointments.reassign(unit.connection, caller.clinic_id, [one.id for one in moving], survivor, unit.now)
    for one in moving:
        _say_reassigned(unit, caller, one, survivor)


def _say_reassigned(unit: RegistryUnit, caller: Caller, before: Appointment, survivor: UUID) -> None:
    version = before.version + 1
    reassigned = AppointmentReassigned(
        **unit.envelope(caller),
        doctor_id=before.doctor_id,
        date=before.date,
        version=version,
        appointment_id=before.id,
        patient_id=survivor,
    )
    unit.emit(APPOINTMENT_EVENTS, reassigned)
    unit.record(caller, Action.APPOINTMENT_REASSIGNED, before.id, patient_id=survivor, version=version)
