"""Registering, reading and listing doctors. Called by `routes/doctors.py` in a transaction of the caller's clinic.

What a change, an import and a deletion do in the same way is here too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.availability.domain.codes import free_code, slug
from services.availability.models import categories, price_ranges
from services.availability.repository import directory, doctors, locations
from services.availability.repository.doctors import Filter
from services.availability.repository.locations import Location
from services.availability.service.doctors.views import Reader, show
from shared.contracts.directory import DoctorIn, DoctorPage, DoctorView, LocationIn, code_key
from shared.contracts.problems import Code, FieldError
from shared.contracts.registry import DoctorChanged
from shared.contracts.shapes import Active
from shared.contracts.topics import REGISTRY_EVENTS
from shared.infra.audit import Action
from shared.infra.caller import Caller
from shared.infra.forms import canonical_hash, encode_cursor, parse
from shared.infra.ids import new_id
from shared.infra.problems import ProblemError
from shared.infra.repeats import Done, as_it_is_now, id_of, once, refuse_used_up, serialise
from shared.infra.unit import RegistryUnit

COMMAND = "RegisterDoctor"
CREATED = 201
_REFERENCES = {"category_id": categories, "price_range_id": price_ranges}


async def register_doctor(unit: RegistryUnit, caller: Caller, data: object, reader: Reader) -> Done[DoctorView]:
    """Registers a doctor. Raises `ProblemError` for bad fields, a code that is taken, and a key of another request."""
    form = parse(DoctorIn, data)
    doctor_id = id_of(caller, "doctor")

    async def read(doctor_id: UUID) -> DoctorView:
        return await read_doctor(unit, caller, doctor_id, reader)

    async def make() -> Done[DoctorView]:
        if caller.command_id:
            refuse_used_up(await doctors.get(unit.sql, caller.clinic_id, doctor_id))
        await _create(unit, caller, form, doctor_id)
        return Done(CREATED, await read(doctor_id))

    return await once(unit, caller, COMMAND, canonical_hash(form), as_it_is_now(read), make)


async def read_doctor(unit: RegistryUnit, caller: Caller, doctor_id: UUID, reader: Reader) -> DoctorView:
    """A doctor of the caller's clinic; another clinic's is as unknown as one that never was."""
    doctor = await doctors.get(unit.sql, caller.clinic_id, doctor_id)
    if doctor is None:
        raise ProblemError(Code.UNKNOWN_DOCTOR)
    (shown,) = await show(unit, caller.clinic_id, [doctor], reader)
    return shown


@dataclass(frozen=True)
class Search:
    """A page of doctors that somebody asks for."""

    wanted: Filter
    limit: int
    after_code: str


async def list_doctors(unit: RegistryUnit, caller: Caller, search: Search, reader: Reader) -> DoctorPage:
    """A page of the clinic's active doctors in order of code."""
    limit = search.limit
    found = await doctors.page(unit.sql, caller.clinic_id, search.wanted, limit=limit + 1, after_code=search.after_code)
    cursor = encode_cursor(found[limit - 1].code) if len(found) > limit else None
    return DoctorPage(items=await show(unit, caller.clinic_id, found[:limit], reader), next_cursor=cursor)


async def serialise_codes(unit: RegistryUnit, caller: Caller) -> None:
    """Until the commit nobody else gives doctors of the clinic a code."""
    await serialise(unit.connection, f"doctor_codes:{caller.clinic_id}")


def announce(unit: RegistryUnit, caller: Caller, doctor_id: UUID, version: int, status: Active) -> None:
    """Tells the other services what they need to know of a doctor."""
    unit.emit(REGISTRY_EVENTS, DoctorChanged(**unit.envelope(caller), version=version, doctor_id=doctor_id, status=status))


async def _create(unit: RegistryUnit, caller: Caller, form: DoctorIn, doctor_id: UUID) -> None:
    """Adds the doctor and tells the other services."""
    code = await _code(unit, caller, form)
    values = form.model_dump(include={"name", "languages", "category_id", "price_range_id"})
    await refuse_strangers(unit, caller, values, form.locations, ())
    await doctors.add(unit.sql, caller.clinic_id, [{**values, "id": doctor_id, "code": code}], unit.now)
    await locations.write(unit.sql, caller.clinic_id, {doctor_id: [location_of(one) for one in form.locations]})
    announce(unit, caller, doctor_id, 1, Active.ACTIVE)
    unit.record(caller, Action.DOCTOR_REGISTERED, doctor_id, version=1)


async def _code(unit: RegistryUnit, caller: Caller, form: DoctorIn) -> str:
    """The code asked for, or one made from the name."""
    await serialise_codes(unit, caller)
    base = form.code or slug(form.name)
    taken = await doctors.code_keys_like(unit.sql, caller.clinic_id, base)
    if form.code and code_key(form.code) in taken:
        raise ProblemError(Code.DUPLICATE_CODE)
    return form.code or free_code(base, taken)


def location_of(form: LocationIn) -> Location:
    """The location that is asked for, one that is there or a new one."""
    return Location(form.id or new_id(), form.name, form.address, form.time_zone)


async def refuse_strangers(
    unit: RegistryUnit, caller: Caller, values: Mapping[str, Any], asked: Sequence[LocationIn], places: Sequence[Location]
) -> None:
    """Names every id that is none of the clinic's, or of the doctor's locations; what is kept stays until the commit."""
    errors = [
        FieldError(field=field, reason="is not known")
        for field, table in _REFERENCES.items()
        if (id_ := values.get(field)) and not await directory.keep(unit.sql, table, caller.clinic_id, id_)
    ]
    left: set[UUID | None] = {place.id for place in places}
    for number, id_ in enumerate(location.id for location in asked):
        if id_ is not None and id_ not in left:
            errors.append(FieldError(field=f"locations.{number}.id", reason="is no other location of this doctor"))
        left.discard(id_)
    if errors:
        raise ProblemError(Code.VALIDATION_FAILED, errors=errors)
