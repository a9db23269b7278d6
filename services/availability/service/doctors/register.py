"""Registering and reading doctors. Called by `routes/doctors.py` in a transaction of the caller's clinic."""

from uuid import UUID

from services.availability.repository.doctors import doctor_rows, locations
from services.availability.service.doctors.codes import code_of, serialise_codes
from services.availability.service.doctors.events import emit_changed
from services.availability.service.doctors.locations import locations_of
from services.availability.service.doctors.references import refuse_unknown_ids
from services.availability.service.doctors.views import Reader, show
from shared.contracts.directory import DoctorIn, DoctorView
from shared.contracts.problems import Code
from shared.contracts.shapes import Active
from shared.infra.audit import Action
from shared.infra.caller import Caller
from shared.infra.forms import canonical_hash, parse
from shared.infra.problems import ProblemError
from shared.infra.repeats import Done, as_it_is_now, id_of, once, refuse_used_up
from shared.infra.unit import RegistryUnit

COMMAND = "RegisterDoctor"
NOUN = "doctor"
CREATED = 201


async def register_doctor(unit: RegistryUnit, caller: Caller, data: object, reader: Reader) -> Done[DoctorView]:
    """Registers a doctor. Raises `ProblemError` for bad fields, a code that is taken, and a key of another request."""
    form = parse(DoctorIn, data)
    doctor_id = id_of(unit, caller, NOUN)

    async def read(doctor_id: UUID) -> DoctorView:
        return await read_doctor(unit, caller, doctor_id, reader)

    async def make() -> Done[DoctorView]:
        if caller.command_id:
            refuse_used_up(await doctor_rows.get(unit.sql, caller.clinic_id, doctor_id))
        await _create(unit, caller, form, doctor_id)
        return Done(CREATED, await read(doctor_id))

    return await once(unit, caller, COMMAND, canonical_hash(form), as_it_is_now(read), make)


async def read_doctor(unit: RegistryUnit, caller: Caller, doctor_id: UUID, reader: Reader) -> DoctorView:
    """A doctor of the caller's clinic; another clinic's is as unknown as one that never was. Raises `unknown_doctor`."""
    doctor = await doctor_rows.get(unit.sql, caller.clinic_id, doctor_id)
    if doctor is None:
        raise ProblemError(Code.UNKNOWN_DOCTOR)
    (shown,) = await show(unit, caller.clinic_id, [doctor], reader)
    return shown


async def _create(unit: RegistryUnit, caller: Caller, form: DoctorIn, doctor_id: UUID) -> None:
    """Adds the doctor and tells the other services."""
    await serialise_codes(unit, caller)
    code = await code_of(unit, caller, form)
    values = form.model_dump(include={"name", "languages", "category_id", "price_range_id"})
    await refuse_unknown_ids(unit, caller, values, form.locations, ())
    await doctor_rows.add(unit.sql, caller.clinic_id, [{**values, "id": doctor_id, "code": code}], unit.now)
    await locations.write(unit.sql, caller.clinic_id, {doctor_id: locations_of(unit, form.locations)})
    emit_changed(unit, caller, doctor_id, Active.ACTIVE, 1)
    unit.record(caller, Action.DOCTOR_REGISTERED, doctor_id, version=1)
