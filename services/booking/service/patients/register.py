"""Registering and reading patients. One person is one row, however often and however many at once register them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

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
from shared.infra.ids import new_id
from shared.infra.problems import ProblemError
from shared.infra.repeats import keep_answer, stored_answer
from shared.infra.unit import RegistryUnit

COMMAND = "RegisterPatient"


@dataclass(frozen=True)
class Registered:
    """The answer of a registration: 201 for a new patient, 200 for one that was there, `replayed` for a repeated key."""

    status_code: int
    patient: PatientView
    replayed: bool = False


@dataclass(frozen=True)
class Registration:
    """One registration on its way: who asks, what the judged form says, and whether families may share the phone."""

    caller: Caller
    details: Details
    create_duplicate: bool


async def register_patient(
    unit: RegistryUnit, codec: Codec, caller: Caller, data: object, *, create_duplicate: bool
) -> Registered:
    """Registers a patient, or gives the one that is the same person. Raises `ProblemError` for what cannot be registered."""
    form = parse(PatientForm, data, await rules(unit, caller.clinic_id))
    body_hash = canonical_hash(form)
    if stored := await stored_answer(unit, caller, body_hash):
        assert stored.result
        patient = await read_patient(unit, codec, caller, UUID(stored.result["id"]))
        return Registered(stored.status_code, patient, replayed=True)
    if caller.command_id and await patients.get(unit.sql, caller.clinic_id, _id_of(caller)) is not None:
        raise ProblemError(Code.KEY_REUSED)  # the answer of the key is gone, whom it made is not
    done = await _register(unit, codec, Registration(caller, Details.of_form(form), create_duplicate))
    await keep_answer(unit, caller, COMMAND, body_hash, done.status_code, {"id": str(done.patient.id)})
    return done


async def read_patient(unit: RegistryUnit, codec: Codec, caller: Caller, patient_id: UUID) -> PatientView:
    """A patient of the caller's clinic; another clinic's is as unknown as one that never was."""
    patient = await patients.get(unit.sql, caller.clinic_id, patient_id)
    if patient is None:
        raise ProblemError(Code.UNKNOWN_PATIENT)
    return view(codec, patient)


def _id_of(caller: Caller) -> UUID:
    """From the key: a repeat that slipped past everything else would still meet the same row."""
    return uuid5(caller.command_id, "patient") if caller.command_id else new_id()


async def _register(unit: RegistryUnit, codec: Codec, asked: Registration) -> Registered:
    clinic_id = asked.caller.clinic_id
    # Locks before looks: of two that register one phone or one NHS number, the second sees what the first wrote.
    await patients.serialise(unit.connection, clinic_id, keys(codec, clinic_id, [asked.details]))
    same = await _same_person(unit, codec, asked)
    if same is not None:
        return Registered(200, view(codec, same))
    return Registered(201, view(codec, await _create(unit, codec, asked)))


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
    patient = new_row(codec, asked.caller.clinic_id, _id_of(asked.caller), asked.details, unit.now)
    await patients.add(unit.connection, [patient])
    announce(unit, asked.caller, patient.id, patient.status, patient.version)
    unit.record(asked.caller, Action.PATIENT_REGISTERED, patient.id, version=patient.version)
    return patient
