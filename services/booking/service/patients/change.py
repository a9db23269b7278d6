"""Changing patients: two who are there never become the same person, nor have one NHS number.

Locks go in one order: what patients are found by, then the patient. Called by `routes/patients.py`.
"""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from services.booking.identifiers import Codec
from services.booking.repository import patients
from services.booking.repository.patients import Patient
from services.booking.schemas import PatchForm
from services.booking.service.patients.records import Details, announce, columns, keys, opened, rules, view
from services.booking.service.patients.register import taken, with_number, with_phone
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
class Change:
    """A locked patient, what is known of it, and what is to be known."""

    patient: Patient
    before: Details
    after: Details


async def change_patient(
    unit: RegistryUnit, codec: Codec, caller: Caller, patient_id: UUID, data: object, *, create_duplicate: bool
) -> PatientView:
    """Changes what is sent, of the survivor if the patient was merged. Nothing changed: the version stays and nobody is told."""
    sent = parse(PatchForm, data, await rules(unit, caller.clinic_id)).changes
    change = await _lock(unit, codec, caller, patient_id, sent)
    if change.before == change.after:
        return view(codec, change.patient)
    await _refuse_duplicates(unit, codec, change, create_duplicate=create_duplicate)
    known = columns(codec, caller.clinic_id, change.patient.id, change.after)
    changed = replace(change.patient, **known, version=change.patient.version + 1, updated_at=unit.now)
    await patients.change(unit.sql, changed)
    announce(unit, caller, changed.id, changed.status, changed.version)
    unit.record(caller, Action.PATIENT_CHANGED, changed.id, version=changed.version)
    return view(codec, changed)


async def _lock(unit: RegistryUnit, codec: Codec, caller: Caller, patient_id: UUID, sent: dict[str, Any]) -> Change:
    """The patient, locked behind all by which its old and its new self are found. Raises `ProblemError` if there is none."""
    seen = opened(codec, await _read(unit, caller, patient_id))
    indexes = keys(codec, caller.clinic_id, [seen, replace(seen, **sent)])
    await patients.serialise(unit.connection, caller.clinic_id, indexes)
    await patients.lock(unit.connection, [(caller.clinic_id, patient_id)])
    patient = await _read(unit, caller, patient_id)
    check_match(caller.if_match, patient.version)
    before = opened(codec, patient)
    if not keys(codec, caller.clinic_id, [before]) <= indexes:
        raise Outrun  # somebody else changed it meanwhile: what it is found by now is not locked
    return Change(patient, before, replace(before, **sent))


async def _read(unit: RegistryUnit, caller: Caller, patient_id: UUID) -> Patient:
    patient = await patients.get(unit.sql, caller.clinic_id, patient_id)
    if patient is None or patient.status is not Active.ACTIVE:
        raise ProblemError(Code.UNKNOWN_PATIENT)
    return patient


async def _refuse_duplicates(unit: RegistryUnit, codec: Codec, change: Change, *, create_duplicate: bool) -> None:
    """Raises `ProblemError` if another is the same person then, has the new phone and may not share it, or the NHS number."""
    clinic_id, before, after = change.patient.clinic_id, change.before, change.after
    if after.person != before.person:
        family = [one for one in await with_phone(unit, codec, clinic_id, after.phone) if one.id != change.patient.id]
        if same := [one for one in family if opened(codec, one).person == after.person]:
            raise taken(Code.POSSIBLE_DUPLICATE, same)
        if family and after.phone != before.phone and not create_duplicate:
            raise taken(Code.POSSIBLE_DUPLICATE, family)
    if after.nhs_number != before.nhs_number and (others := await with_number(unit, codec, clinic_id, after.nhs_number)):
        raise taken(Code.NHS_NUMBER_TAKEN, others)
