"""Changing doctors. What is left out stays; changed locations and zones move free slots. Called by `routes/doctors.py`.

Locks go in one order: the clinic's codes, the doctor, what the doctor is given, then the calendar.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.availability.domain.slot_generation import oldest_date
from services.availability.repository import doctors, locations
from services.availability.repository.locations import Location
from services.availability.service.calendar.slot_generation import replan
from services.availability.service.doctors.register import announce, location_of, read_doctor, refuse_strangers, serialise_codes
from services.availability.service.doctors.views import Reader
from shared.contracts.directory import DoctorPatch, DoctorView, LocationIn, code_key
from shared.contracts.problems import Code
from shared.contracts.shapes import Active
from shared.infra.audit import Action
from shared.infra.caller import Caller
from shared.infra.forms import check_match, parse
from shared.infra.problems import ProblemError
from shared.infra.unit import RegistryUnit


async def change_doctor(unit: RegistryUnit, caller: Caller, doctor_id: UUID, data: object, reader: Reader) -> DoctorView:
    """Changes what is sent. Nothing changed: the version stays and nobody is told."""
    sent = parse(DoctorPatch, data).sent()
    if "code" in sent:
        await serialise_codes(unit, caller)
    before = await _lock(unit, caller, doctor_id)
    check_match(caller.if_match, before.version)
    asked: Sequence[LocationIn] | None = sent.pop("locations", None)
    places = (await locations.of_doctors(unit.sql, caller.clinic_id, [doctor_id])).get(doctor_id, [])
    await refuse_strangers(unit, caller, sent, asked or (), places)
    changed = {name: value for name, value in sent.items() if value != _values(before)[name]}
    await _refuse_taken(unit, caller, before.code, changed.get("code"))
    wanted = places if asked is None else [location_of(one) for one in asked]
    moved = _spelled(wanted) != _spelled(places)
    if changed or moved:
        version = before.version + 1
        await doctors.change(unit.sql, caller.clinic_id, doctor_id, changed, unit.now)
        announce(unit, caller, doctor_id, version, Active.ACTIVE)
        unit.record(caller, Action.DOCTOR_CHANGED, doctor_id, version=version)
    if moved:
        await _move(unit, caller, doctor_id, places, wanted)
    return await read_doctor(unit, caller, doctor_id, reader)


async def _lock(unit: RegistryUnit, caller: Caller, doctor_id: UUID) -> DoctorView:
    """A doctor in use, into whose calendar nobody books before the commit. Raises `unknown_doctor` for any other."""
    doctor = await doctors.get(unit.sql, caller.clinic_id, doctor_id, lock=True)
    if doctor is None or doctor.status is not Active.ACTIVE:
        raise ProblemError(Code.UNKNOWN_DOCTOR)
    return doctor


def _values(doctor: DoctorView) -> dict[str, Any]:
    """What a change is compared with."""
    ids = {"category_id": doctor.category and doctor.category.id, "price_range_id": doctor.price_range and doctor.price_range.id}
    return {**doctor.model_dump(include={"name", "code", "languages"}), **ids}


def _spelled(places: Sequence[Location]) -> list[tuple[Location, list[str]]]:
    """Locations with the order of their languages, which tells who gets what: to dictionaries it is nothing."""
    return [(place, list(place.address)) for place in places]


async def _refuse_taken(unit: RegistryUnit, caller: Caller, old: str, new: str | None) -> None:
    """Raises `duplicate_code` for a new code that another doctor has; one's own may be written in another case."""
    if new is None or code_key(new) == code_key(old):
        return
    if code_key(new) in await doctors.code_keys_like(unit.sql, caller.clinic_id, new):
        raise ProblemError(Code.DUPLICATE_CODE)


async def _move(
    unit: RegistryUnit, caller: Caller, doctor_id: UUID, before: Sequence[Location], after: Sequence[Location]
) -> None:
    """Replaces the locations. Raises `in_use` if one that the calendar needs would be gone."""
    zones, new_zones = ({place.id: place.time_zone for place in places} for places in (before, after))
    if gone := zones.keys() - new_zones.keys():
        needed = await locations.needed(unit.sql, caller.clinic_id, doctor_id, oldest_date(unit.now))
        if gone & needed:
            raise ProblemError(Code.IN_USE, f"Its schedule or an exception needs location {min(gone & needed)}")
        await locations.remove(unit.sql, caller.clinic_id, gone)
    await locations.write(unit.sql, caller.clinic_id, {doctor_id: after})
    if zones != new_zones:
        await replan(unit, caller.clinic_id, doctor_id)
