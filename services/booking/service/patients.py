"""Registering and reading patients. One person is one row, however often and however many at once register them."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from services.booking.domain import Person
from services.booking.identifiers import Codec, Place
from services.booking.repository import patients, settings
from services.booking.repository.patients import Patient
from services.booking.schemas import PatientForm
from shared.contracts.commands import Answer, Outcome
from shared.contracts.patients import PatientView
from shared.contracts.problems import Code
from shared.contracts.registry import Active, PatientChanged, name_key
from shared.contracts.topics import REGISTRY_EVENTS
from shared.infra import outcomes
from shared.infra.audit import Action
from shared.infra.caller import Caller
from shared.infra.forms import canonical_hash, parse
from shared.infra.ids import new_id
from shared.infra.problems import ProblemError
from shared.infra.unit import RegistryUnit

COMMAND = "RegisterPatient"
PHONE, DATE_OF_BIRTH = "phone", "date_of_birth"


@dataclass(frozen=True)
class Registered:
    """The answer of a registration: 201 for a new patient, 200 for one that was there, `replayed` for a repeated key."""

    status_code: int
    patient: PatientView
    replayed: bool = False


@dataclass(frozen=True)
class Registration:
    """One registration on its way: who asks, the judged form, and how the phone is found."""

    caller: Caller
    form: PatientForm
    phone_index: bytes
    create_duplicate: bool

    @property
    def person(self) -> Person:
        return Person(self.form.phone, name_key(self.form.full_name), self.form.date_of_birth)

    @property
    def body_hash(self) -> str:
        return canonical_hash(self.form)


async def register_patient(
    unit: RegistryUnit, codec: Codec, caller: Caller, data: object, *, create_duplicate: bool
) -> Registered:
    """Registers a patient, or gives the one that is the same person. Raises `ProblemError` for what cannot be registered."""
    rules = await settings.of_clinic(unit.sql, caller.clinic_id)
    today = unit.now.astimezone(ZoneInfo(rules.time_zone)).date()
    form = parse(PatientForm, data, PatientForm.rules(rules, today))
    asked = Registration(caller, form, codec.blind_index(caller.clinic_id, PHONE, form.phone), create_duplicate)
    # Locks before looks: of two that register one phone or repeat one key, the second sees what the first wrote.
    await patients.serialise(unit.connection, [asked.phone_index, *([caller.command_id.bytes] if caller.command_id else [])])
    return await _stored_answer(unit, codec, asked) or await _register(unit, codec, asked)


async def read_patient(unit: RegistryUnit, codec: Codec, caller: Caller, patient_id: UUID) -> PatientView:
    """A patient of the caller's clinic; another clinic's is as unknown as one that never was."""
    patient = await patients.get(unit.sql, caller.clinic_id, patient_id)
    if patient is None:
        raise ProblemError(Code.UNKNOWN_PATIENT)
    return _view(codec, patient)


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
    same_phone = await patients.with_phone(unit.sql, asked.caller.clinic_id, asked.phone_index)
    same_person = next((one for one in same_phone if _person(codec, one) == asked.person), None)
    if same_person is None and same_phone and not asked.create_duplicate:
        raise ProblemError(Code.POSSIBLE_DUPLICATE, extra={"candidates": [str(one.id) for one in same_phone]})
    patient = same_person or await _create(unit, codec, asked)
    status_code = 200 if same_person else 201
    await _store_answer(unit, asked, status_code, patient.id)
    return Registered(status_code, _view(codec, patient))


async def _create(unit: RegistryUnit, codec: Codec, asked: Registration) -> Patient:
    clinic_id, form = asked.caller.clinic_id, asked.form
    patient_id = _id_of(asked.caller)
    born = form.date_of_birth
    patient = Patient(
        clinic_id=clinic_id,
        id=patient_id,
        name=form.full_name,
        name_key=asked.person.name_key,
        phone=codec.seal(Place(clinic_id, PHONE, patient_id), form.phone),
        phone_index=asked.phone_index,
        date_of_birth=None if born is None else codec.seal(Place(clinic_id, DATE_OF_BIRTH, patient_id), born.isoformat()),
        status=Active.ACTIVE,
        version=1,
        created_at=unit.now,
        updated_at=unit.now,
    )
    await patients.add(unit.sql, patient)
    _announce(unit, asked.caller, patient)
    unit.record(asked.caller, Action.PATIENT_REGISTERED, patient.id, version=patient.version)
    return patient


def _announce(unit: RegistryUnit, caller: Caller, patient: Patient) -> None:
    fields = {"version": patient.version, "patient_id": patient.id, "status": patient.status}
    unit.tell(REGISTRY_EVENTS, PatientChanged, caller, **fields)


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


def _person(codec: Codec, patient: Patient) -> Person:
    return Person(_phone(codec, patient), patient.name_key, _date_of_birth(codec, patient))


def _phone(codec: Codec, patient: Patient) -> str:
    return codec.open(Place(patient.clinic_id, PHONE, patient.id), patient.phone)


def _date_of_birth(codec: Codec, patient: Patient) -> dt.date | None:
    if patient.date_of_birth is None:
        return None
    return dt.date.fromisoformat(codec.open(Place(patient.clinic_id, DATE_OF_BIRTH, patient.id), patient.date_of_birth))


def _view(codec: Codec, patient: Patient) -> PatientView:
    return PatientView(
        id=patient.id,
        name=patient.name,
        phone=_phone(codec, patient),
        date_of_birth=_date_of_birth(codec, patient),
        status=patient.status,
        version=patient.version,
        created_at=patient.created_at,
        updated_at=patient.updated_at,
    )
