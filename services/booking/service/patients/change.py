"""Changing patients: a change never makes two patients the same person, nor gives one NHS number to two.

Locks go in one order: what patients are found by, then the patient. Called by `routes/patients.py`.
"""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from services.booking.identifiers import Codec
from services.booking.repository import patient_locks, patient_search, patients
from services.booking.repository.patients import Patient
from services.booking.schemas import PatchForm
from services.booking.service.patients.details import PatientDetails, form_rules
from services.booking.service.patients.duplicates import duplicate, perhaps_same, same_person, with_nhs_number, with_phone
from services.booking.service.patients.events import emit_changed
from services.booking.service.patients.sealing import (
    identity_of,
    indexes_of,
    open_row,
    patient_view,
    sealed_columns,
)
from shared.contracts.patients import PatientView
from shared.contracts.problems import Code
from shared.contracts.shapes import Active
from shared.infra.audit import Action
from shared.infra.caller import Caller
from shared.infra.errors import Outrun
from shared.infra.forms import check_match, parse
from shared.infra.problems import ProblemError
from shared.infra.unit import RegistryUnit


@dataclass(frozen=True)
class PatientChange:
    """A locked patient, what is known of it, and what is to be known."""

    patient: Patient
    before: PatientDetails
    after: PatientDetails


async def change_patient(
    unit: RegistryUnit, codec: Codec, caller: Caller, patient_id: UUID, data: object, *, create_duplicate: bool
) -> PatientView:
    """Changes what is sent, of the survivor if the patient was merged. Raises `ProblemError` for what is refused.

    What changes nothing keeps the version, and no event is emitted.
    """
    sent = parse(PatchForm, data, await form_rules(unit, caller.clinic_id)).changes
    change = await _lock(unit, codec, caller, patient_id, sent)
    if change.before == change.after:
        return patient_view(codec, change.patient, patient_id)
    await _refuse_duplicates(unit, codec, change, create_duplicate=create_duplicate)
    known = sealed_columns(codec, caller.clinic_id, change.patient.id, change.after)
    changed = replace(change.patient, **known, version=change.patient.version + 1, updated_at=unit.now)
    await patients.change(unit.sql, changed)
    emit_changed(unit, caller, changed.id, changed.status, changed.version)
    unit.record(caller, Action.PATIENT_CHANGED, changed.id, version=changed.version)
    return patient_view(codec, changed, patient_id)


async def _lock(unit: RegistryUnit, codec: Codec, caller: Caller, patient_id: UUID, sent: dict[str, Any]) -> PatientChange:
    """Locks the blind indexes of the patient before and after the change, then the patient.

    Raises `ProblemError` if there is none, or if it has another version than the caller has read.
    """
    seen = open_row(codec, await _read(unit, caller, patient_id))
    indexes = indexes_of(codec, caller.clinic_id, [seen, seen.changed(sent)])
    await patient_locks.lock_indexes(unit.connection, caller.clinic_id, indexes)
    await patient_locks.lock(unit.connection, [(caller.clinic_id, patient_id)])
    patient = await _read(unit, caller, patient_id)
    check_match(caller.if_match, patient.version)
    before = open_row(codec, patient)
    if not indexes_of(codec, caller.clinic_id, [before]) <= indexes:
        raise Outrun  # another call has changed the patient meanwhile: its indexes of now are not locked
    return PatientChange(patient, before, before.changed(sent))


async def _read(unit: RegistryUnit, caller: Caller, patient_id: UUID) -> Patient:
    patient = await patient_search.get(unit.sql, caller.clinic_id, patient_id)
    if patient is None or patient.status is not Active.ACTIVE:
        raise ProblemError(Code.UNKNOWN_PATIENT)
    return patient


async def _refuse_duplicates(unit: RegistryUnit, codec: Codec, change: PatientChange, *, create_duplicate: bool) -> None:
    """Raises `ProblemError` if another patient would be the same person, or has the new phone or NHS number. Who was merged into
    another is that one."""
    clinic_id, before, after = change.patient.clinic_id, change.before, change.after
    identity = identity_of(codec, clinic_id, after)
    old_identity = identity_of(codec, clinic_id, before)
    if identity != old_identity:
        namesakes = await with_phone(unit, codec, clinic_id, after.phone, but=change.patient.id)
        if same := await same_person(unit, codec, clinic_id, identity, namesakes):
            raise duplicate(Code.POSSIBLE_DUPLICATE, [same.patient])
        perhaps = perhaps_same(codec, clinic_id, identity, namesakes)
        if perhaps and identity.phone != old_identity.phone and not create_duplicate:
            raise duplicate(Code.POSSIBLE_DUPLICATE, perhaps)
    if after.nhs_number != before.nhs_number and (others := await with_nhs_number(unit, codec, clinic_id, after.nhs_number)):
        raise duplicate(Code.NHS_NUMBER_TAKEN, others)
