"""Registering and reading patients. One person is one row, however often and however many at once register them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.booking.identifiers import Codec
from services.booking.repository import patients
from services.booking.repository.patients import Patient
from services.booking.schemas import PatientForm
from services.booking.service.patients.records import NHS, PHONE, Details, announce, index_of, keys, new_row, opened, rules, view
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
    """One registration on its way: who asks, what the judged form says, and whether families may share the phone."""

    caller: Caller
    details: Details
    create_duplicate: bool


async def register_patient(
    unit: RegistryUnit, codec: Codec, caller: Caller, data: object, *, create_duplicate: bool
) -> Done[PatientView]:
    """Registers a patient (201), or gives the one that is the same person (200). Raises `ProblemError` for what cannot be."""
    form = parse(PatientForm, data, await rules(unit, caller.clinic_id))

    async def read(patient_id: UUID) -> PatientView:
        return await read_patient(unit, codec, caller, patient_id)

    async def make() -> Done[PatientView]:
        if caller.command_id:
            refuse_used_up(await patients.get(unit.sql, caller.clinic_id, id_of(caller, NOUN)))
        return await _register(unit, codec, Registration(caller, Details.of_form(form), create_duplicate))

    return await once(unit, caller, COMMAND, canonical_hash(form), as_it_is_now(read), make)


async def read_patient(unit: RegistryUnit, codec: Codec, caller: Caller, patient_id: UUID) -> PatientView:
    """A patient of the caller's clinic; another clinic's is as unknown as one that never was."""
    patient = await patients.get(unit.sql, caller.clinic_id, patient_id)
    if patient is None:
        raise ProblemError(Code.UNKNOWN_PATIENT)
    return view(codec, patient)


async def _register(unit: RegistryUnit, codec: Codec, asked: Registration) -> Done[PatientView]:
    clinic_id = asked.caller.clinic_id
    # Locks before looks: of two that register one phone or one NHS number, the second sees what the first wrote.
    await patients.serialise(unit.connection, clinic_id, keys(codec, clinic_id, [asked.details]))
    same = await _same_person(unit, codec, asked)
    if same is not None:
        return Done(200, view(codec, same))
    return Done(201, view(codec, await _create(unit, codec, asked)))


async def _same_person(unit: RegistryUnit, codec: Codec, asked: Registration) -> Patient | None:
    """Who is registered already. Raises `ProblemError` if it is another who has the phone or the NHS number."""
    clinic_id, details = asked.caller.clinic_id, asked.details
    family = await with_phone(unit, codec, clinic_id, details.phone)
    same = next((one for one in family if opened(codec, one).person == details.person), None)
    if same is None:
        if family and not asked.create_duplicate:
            raise taken(Code.POSSIBLE_DUPLICATE, family)
        if others := await with_number(unit, codec, clinic_id, details.nhs_number):
            raise taken(Code.NHS_NUMBER_TAKEN, others)
    return same


async def with_phone(unit: RegistryUnit, codec: Codec, clinic_id: UUID, phone: str) -> list[Patient]:
    """The active patients with a phone number."""
    return await patients.having(unit.sql, clinic_id, "phone_index", codec.blind_index(clinic_id, PHONE, phone))


async def with_number(unit: RegistryUnit, codec: Codec, clinic_id: UUID, nhs_number: str | None) -> list[Patient]:
    """The active patient with an NHS number, if there is one."""
    index = index_of(codec, clinic_id, NHS, nhs_number)
    return [] if index is None else await patients.having(unit.sql, clinic_id, "nhs_index", index)


def taken(code: Code, others: Sequence[Patient]) -> ProblemError:
    """The refusal of what others have already, with their ids."""
    return ProblemError(code, extra={"candidates": [str(one.id) for one in others]})


async def _create(unit: RegistryUnit, codec: Codec, asked: Registration) -> Patient:
    patient = new_row(codec, asked.caller.clinic_id, id_of(asked.caller, NOUN), asked.details, unit.now)
    await patients.add(unit.connection, [patient])
    announce(unit, asked.caller, patient.id, patient.status, patient.version)
    unit.record(asked.caller, Action.PATIENT_REGISTERED, patient.id, version=patient.version)
    return patient
