"""Changing doctors. What is left out stays; changed locations and zones move free slots. Called by `routes/doctors.py`.

Locks go in one order: the clinic's codes, the doctor, what the doctor is given, then the calendar.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.availability.domain.days import DoctorKey
from services.availability.repository.doctors import doctor_rows, locations
from services.availability.service.doctors.codes import refuse_taken_code, serialise_codes
from services.availability.service.doctors.events import emit_changed
from services.availability.service.doctors.locations import differ, locations_of, plan_locations, replace_locations
from services.availability.service.doctors.references import refuse_unknown_ids
from services.availability.service.doctors.register import read_doctor
from services.availability.service.doctors.views import Reader
from shared.contracts.directory import DoctorPatch, DoctorPut, DoctorView, LocationIn
from shared.contracts.problems import Code
from shared.contracts.shapes import Active
from shared.infra.audit import Action
from shared.infra.caller import Caller
from shared.infra.forms import check_match, parse
from shared.infra.problems import ProblemError
from shared.infra.unit import RegistryUnit


async def change_doctor(unit: RegistryUnit, caller: Caller, doctor_id: UUID, data: object, reader: Reader) -> DoctorPut:
    """Changes what is sent, and tells whose wall time is another one by it. If nothing changes, nobody is told."""
    sent, doctor = parse(DoctorPatch, data).sent(), DoctorKey(caller.clinic_id, doctor_id)
    asked: Sequence[LocationIn] | None = sent.pop("locations", None)
    wanted = None if asked is None else locations_of(unit, asked)
    planned = None if wanted is None else await plan_locations(unit, doctor, wanted)
    if "code" in sent:
        await serialise_codes(unit, caller)
    before = await _lock(unit, caller, doctor_id)
    check_match(caller.if_match, before.version)
    present = (await locations.of_doctors(unit.sql, caller.clinic_id, [doctor_id])).get(doctor_id, [])
    await refuse_unknown_ids(unit, caller, sent, asked or (), present)
    changed = {name: value for name, value in sent.items() if value != _values(before)[name]}
    await refuse_taken_code(unit, caller, before.code, changed.get("code"))
    wanted = present if wanted is None else wanted
    moved = differ(present, wanted)
    if changed or moved:
        version = before.version + 1
        await doctor_rows.change(unit.sql, caller.clinic_id, doctor_id, changed, unit.now)
        emit_changed(unit, caller, doctor_id, Active.ACTIVE, version)
        unit.record(caller, Action.DOCTOR_CHANGED, doctor_id, version=version)
    shifted = await replace_locations(unit, doctor, present, wanted, planned) if moved else []
    view = await read_doctor(unit, caller, doctor_id, reader)
    return DoctorPut(**view.model_dump(), wall_time_changed_ids=shifted)


async def _lock(unit: RegistryUnit, caller: Caller, doctor_id: UUID) -> DoctorView:
    """A doctor in use, into whose calendar nobody books before the commit. Raises `unknown_doctor` for any other."""
    doctor = await doctor_rows.get(unit.sql, caller.clinic_id, doctor_id, lock=True)
    if doctor is None or doctor.status is not Active.ACTIVE:
        raise ProblemError(Code.UNKNOWN_DOCTOR)
    return doctor


def _values(doctor: DoctorView) -> dict[str, Any]:
    """What a change is compared with."""
    ids = {"category_id": doctor.category and doctor.category.id, "price_range_id": doctor.price_range and doctor.price_range.id}
    return {**doctor.model_dump(include={"name", "code", "languages"}), **ids}
