"""The codes of doctors: no two of a clinic have the same, whatever its case. Used by the use cases that give codes."""

from services.availability.domain.codes import free_code, slug
from services.availability.repository.doctors import doctor_rows
from shared.contracts.directory import DoctorIn, code_key
from shared.contracts.problems import Code
from shared.infra.caller import Caller
from shared.infra.problems import ProblemError
from shared.infra.repeats import serialise
from shared.infra.unit import RegistryUnit


async def serialise_codes(unit: RegistryUnit, caller: Caller) -> None:
    """Until the commit nobody else gives doctors of the clinic a code."""
    await serialise(unit.connection, f"doctor_codes:{caller.clinic_id}")


async def code_of(unit: RegistryUnit, caller: Caller, form: DoctorIn) -> str:
    """The code that a new doctor asks for, or one made from the name. Raises `duplicate_code`. Codes were serialised before."""
    base = form.code or slug(form.name)
    taken = await doctor_rows.code_keys_like(unit.sql, caller.clinic_id, base)
    if form.code and code_key(form.code) in taken:
        raise ProblemError(Code.DUPLICATE_CODE)
    return form.code or free_code(base, taken)


async def refuse_taken_code(unit: RegistryUnit, caller: Caller, old: str, new: str | None) -> None:
    """Raises `duplicate_code` for a new code that another doctor has; one's own may be written in another case."""
    if new is None or code_key(new) == code_key(old):
        return
    if code_key(new) in await doctor_rows.code_keys_like(unit.sql, caller.clinic_id, new):
        raise ProblemError(Code.DUPLICATE_CODE)
