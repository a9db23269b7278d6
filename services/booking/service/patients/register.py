"""Registering and reading patients. One person is one row, however often and however many at once register them.

Called by `routes/patients.py`.
"""

from dataclasses import dataclass
from uuid import UUID

from services.booking.identifiers import Codec
from services.booking.repository import patient_locks, patient_search, patients
from services.booking.repository.patients import Patient
from services.booking.schemas import PatientForm
from services.booking.service.patients.details import PatientDetails, form_rules
from services.booking.service.patients.duplicates import (
    SamePerson,
    duplicate,
    perhaps_same,
    same_person,
    with_nhs_number,
    with_phone,
)
from services.booking.service.patients.events import emit_changed
from services.booking.service.patients.sealing import identity_of, indexes_of, new_row, patient_view
from shared.contracts.patients import PatientView
from shared.contracts.problems import Code
from shared.infra.audit import Action
from shared.infra.caller import Caller
from shared.infra.forms import canonical_hash, parse
from shared.infra.problems import ProblemError
from shared.infra.repeats import Done, as_it_is_now, id_of, once, refuse_used_up
from shared.infra.unit import RegistryUnit

COMMAND = "RegisterPatient"
NOUN = "patient"


@dataclass(frozen=True)
class Registration:
    """What a caller asks to be registered, and whether the patient may have a phone that others have."""

    caller: Caller
    details: PatientDetails
    create_duplicate: bool


async def register_patient(
    unit: RegistryUnit, codec: Codec, caller: Caller, data: object, *, create_duplicate: bool
) -> Done[PatientView]:
    """Registers a patient (201), or gives the one that is the same person (200). Raises `ProblemError` for what is refused."""
    form = parse(PatientForm, data, await form_rules(unit, caller.clinic_id))

    async def read(patient_id: UUID) -> PatientView:
        return await read_patient(unit, codec, caller, patient_id)

    async def make() -> Done[PatientView]:
        if caller.command_id:
            refuse_used_up(await patient_search.get(unit.sql, caller.clinic_id, id_of(unit, caller, NOUN)))
        return await _register(unit, codec, Registration(caller, PatientDetails.of_form(form), create_duplicate))

    return await once(unit, caller, COMMAND, canonical_hash(form), as_it_is_now(read), make)


async def read_patient(unit: RegistryUnit, codec: Codec, caller: Caller, patient_id: UUID) -> PatientView:
    """A patient of the caller's clinic; of a merged one the survivor. Raises `ProblemError` if there is none, also where it is
    another clinic's."""
    patient = await patient_search.get(unit.sql, caller.clinic_id, patient_id)
    if patient is None:
        raise ProblemError(Code.UNKNOWN_PATIENT)
    return patient_view(codec, patient, patient_id)


async def _register(unit: RegistryUnit, codec: Codec, asked: Registration) -> Done[PatientView]:
    clinic_id = asked.caller.clinic_id
    # Locked before anybody is looked for: of two that register one phone or NHS number, the second sees what the first wrote.
    await patient_locks.lock_indexes(unit.connection, clinic_id, indexes_of(codec, clinic_id, [asked.details]))
    same = await _same_person(unit, codec, asked)
    if same is not None:
        return Done(200, patient_view(codec, same.patient, same.id))
    return Done(201, patient_view(codec, await _create(unit, codec, asked)))


async def _same_person(unit: RegistryUnit, codec: Codec, asked: Registration) -> SamePerson | None:
    """The patient who is the same person, also as one who was merged. Raises `ProblemError` if another one has the phone or the
    NHS number."""
    clinic_id, details = asked.caller.clinic_id, asked.details
    identity, family = identity_of(codec, clinic_id, details), await with_phone(unit, codec, clinic_id, details.phone)
    same = await same_person(unit, codec, clinic_id, identity, family)
    if same is None:
        perhaps = perhaps_same(codec, clinic_id, identity, family)
        if perhaps and not asked.create_duplicate:
            raise duplicate(Code.POSSIBLE_DUPLICATE, perhaps)
        if others := await with_nhs_number(unit, codec, clinic_id, details.nhs_number):
            raise duplicate(Code.NHS_NUMBER_TAKEN, others)
    return same


async def _create(unit: RegistryUnit, codec: Codec, asked: Registration) -> Patient:
    patient = new_row(codec, asked.caller.clinic_id, id_of(unit, asked.caller, NOUN), asked.details, unit.now)
    await patients.insert(unit.connection, [patient])
    emit_changed(unit, asked.caller, patient.id, patient.status, patient.version)
    unit.record(asked.caller, Action.PATIENT_REGISTERED, patient.id, version=patient.version)
    return patient
