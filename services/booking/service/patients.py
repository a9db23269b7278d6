"""Registering and reading patients. One person is one row, however often and however many at once register them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

from services.booking.identifiers import Codec
from services.booking.repository import patients
from services.booking.repository.patients import Patient
from services.booking.schemas import PatientForm
from services.booking.service.records import NHS, PHONE, Details, announce, index_of, keys, new_row, opened, rules, view
from shared.contracts.commands import Answer, Outcome
from shared.contracts.patients import PatientView
from shared.contracts.problems import Code
from shared.infra import outcomes
from shared.infra.audit import Action
from shared.infra.caller import Caller
from shared.infra.forms import canonical_hash, parse
from shared.infra.ids import new_id
from shared.infra.problems import ProblemError
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
    body_hash: str
    create_duplicate: bool


async def register_patient(
    unit: RegistryUnit, codec: Codec, caller: Caller, data: object, *, create_duplicate: bool
) -> Registered:
    """Registers a patient, or gives the one that is the same person. Raises `ProblemError` for what cannot be registered."""
    form = parse(PatientForm, data, await rules(unit, caller.clinic_id))
    asked = Registration(caller, Details.of_form(form), canonical_hash(form), create_duplicate)
    # Locks before looks: of two that register one phone, one NHS number or one key, the second sees what the first wrote.
    key = {caller.command_id.bytes} if caller.command_id else set()
    await patients.serialise(unit.connection, caller.clinic_id, keys(codec, caller.clinic_id, [asked.details]) | key)
    return await _stored_answer(unit, codec, asked) or await _register(unit, codec, asked)


async def read_patient(unit: RegistryUnit, codec: Codec, caller: Caller, patient_id: UUID) -> PatientView:
    """A patient of the caller's clinic; another clinic's is as unknown as one that never was."""
    patient = await patients.get(unit.sql, caller.clinic_id, patient_id)
    if patient is None:
        raise ProblemError(Code.UNKNOWN_PATIENT)
    return view(codec, patient)


async def _stored_answer(unit: RegistryUnit, codec: Codec, asked: Registration) -> Registered | None:
    """What a repeated key was answered, with the patient as it is now."""
    caller = asked.caller
    if caller.command_id is None:
        return None
    before = await patients.answered(unit.sql, caller.clinic_id, caller.command_id)
    if before is None:
        await _refuse_used_up(unit, caller.clinic_id, _id_of(caller))
        return None
    if before.body_hash != asked.body_hash:
        raise ProblemError(Code.KEY_REUSED)
    patient = await read_patient(unit, codec, caller, before.patient_id)
    return Registered(before.status_code, patient, replayed=True)


async def _refuse_used_up(unit: RegistryUnit, clinic_id: UUID, patient_id: UUID) -> None:
    """Raises `key_reused` if the key has made a patient so long ago that its answer is gone."""
    if await patients.get(unit.sql, clinic_id, patient_id) is not None:
        raise ProblemError(Code.KEY_REUSED)


def _id_of(caller: Caller) -> UUID:
    """From the key: a repeat that slipped past everything else would still meet the same row."""
    return uuid5(caller.command_id, "patient") if caller.command_id else new_id()


async def _register(unit: RegistryUnit, codec: Codec, asked: Registration) -> Registered:
    patient = await _same_person(unit, codec, asked)
    status_code = 200 if patient else 201
    patient = patient or await _create(unit, codec, asked)
    await _store_answer(unit, asked, status_code, patient.id)
    return Registered(status_code, view(codec, patient))


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
    announce(unit, asked.caller, patient)
    unit.record(asked.caller, Action.PATIENT_REGISTERED, patient.id, version=patient.version)
    return patient


async def _store_answer(unit: RegistryUnit, asked: Registration, status_code: int, patient_id: UUID) -> None:
    """Keeps the answer for repeats of the key, in the transaction of its effect."""
    if asked.caller.command_id is None:
        return
    outcome = Outcome(
        clinic_id=asked.caller.clinic_id,
        command_id=asked.caller.command_id,
        type=COMMAND,
        principal=asked.caller.principal,
        body_hash=asked.body_hash,
        answer=Answer(status_code=status_code, result={"id": str(patient_id)}),
        accepted_at=unit.now,
        decided_at=unit.now,
        settled_at=unit.now,
    )
    await outcomes.decide(unit.connection, [outcome])
