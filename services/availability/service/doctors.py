"""Registering, reading and listing doctors. Called by `routes.py` in a transaction of the caller's clinic."""

from dataclasses import dataclass
from uuid import UUID, uuid5

from services.availability.domain.codes import free_code, slug
from services.availability.repository import doctors
from services.availability.service.repeats import keep_answer, serialise, stored_answer
from shared.contracts.directory import DoctorIn, DoctorPage, DoctorView
from shared.contracts.problems import Code
from shared.contracts.registry import Active, DoctorChanged
from shared.contracts.topics import REGISTRY_EVENTS
from shared.infra.audit import Action
from shared.infra.caller import Caller
from shared.infra.forms import canonical_hash, encode_cursor, parse
from shared.infra.ids import new_id
from shared.infra.problems import ProblemError
from shared.infra.unit import RegistryUnit

COMMAND = "RegisterDoctor"
CREATED = 201


@dataclass(frozen=True)
class Registered:
    """The doctor that a registration made, now or when its key was first used."""

    doctor: DoctorView
    replayed: bool = False


async def register_doctor(unit: RegistryUnit, caller: Caller, data: object) -> Registered:
    """Registers a doctor. Raises `ProblemError` for bad fields, a code that is taken, and a key of another request."""
    form = parse(DoctorIn, data)
    body_hash = canonical_hash(form)
    stored = await stored_answer(unit, caller, body_hash)
    if stored is not None:
        assert stored.result
        return Registered(await read_doctor(unit, caller, UUID(stored.result["id"])), replayed=True)
    doctor_id = _id_of(caller)
    if caller.command_id and await doctors.get(unit.sql, caller.clinic_id, doctor_id) is not None:
        raise ProblemError(Code.KEY_REUSED)  # the answer of the key is gone, what it made is not
    doctor = await _create(unit, caller, form, doctor_id)
    await keep_answer(unit, caller, COMMAND, body_hash, CREATED, {"id": str(doctor.id)})
    return Registered(doctor)


async def read_doctor(unit: RegistryUnit, caller: Caller, doctor_id: UUID) -> DoctorView:
    """A doctor of the caller's clinic; another clinic's is as unknown as one that never was."""
    doctor = await doctors.get(unit.sql, caller.clinic_id, doctor_id)
    if doctor is None:
        raise ProblemError(Code.UNKNOWN_DOCTOR)
    return doctor


async def list_doctors(unit: RegistryUnit, caller: Caller, *, limit: int, after_code: str) -> DoctorPage:
    """A page of the clinic's doctors in order of code."""
    found = await doctors.page(unit.sql, caller.clinic_id, limit=limit + 1, after_code=after_code)
    more = len(found) > limit
    return DoctorPage(items=found[:limit], next_cursor=encode_cursor(found[limit - 1].code) if more else None)


async def _create(unit: RegistryUnit, caller: Caller, form: DoctorIn, doctor_id: UUID) -> DoctorView:
    """Adds the doctor and tells the other services."""
    code = await _code(unit, caller, form)
    doctor = DoctorView(id=doctor_id, code=code, name=form.name, languages=form.languages, status=Active.ACTIVE, version=1)
    await doctors.add(unit.sql, caller.clinic_id, doctor, unit.now)
    _announce(unit, caller, doctor)
    unit.record(caller, Action.DOCTOR_REGISTERED, doctor.id, version=doctor.version)
    return doctor


def _id_of(caller: Caller) -> UUID:
    """From the key: a repeat that slipped past everything else would still meet the same row."""
    return uuid5(caller.command_id, "doctor") if caller.command_id else new_id()


async def _code(unit: RegistryUnit, caller: Caller, form: DoctorIn) -> str:
    """The code asked for, or one made from the name. One registration of a clinic at a time chooses."""
    await serialise(unit.connection, f"doctor_codes:{caller.clinic_id}")
    base = form.code or slug(form.name)
    taken = await doctors.codes_like(unit.sql, caller.clinic_id, base)
    if form.code in taken:
        raise ProblemError(Code.DUPLICATE_CODE)
    return form.code or free_code(base, taken)


def _announce(unit: RegistryUnit, caller: Caller, doctor: DoctorView) -> None:
    fields = {"version": doctor.version, "doctor_id": doctor.id, "status": doctor.status}
    unit.tell(REGISTRY_EVENTS, DoctorChanged, caller, **fields)
