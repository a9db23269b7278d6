"""Finding active doctors, in order of code. Called by `routes/doctors.py` in a transaction of the caller's clinic."""

from dataclasses import dataclass

from services.availability.repository.doctors import search
from services.availability.repository.doctors.search import DoctorFilter
from services.availability.service.doctors.views import Reader, show
from shared.contracts.directory import DoctorPage
from shared.infra.caller import Caller
from shared.infra.forms import encode_cursor
from shared.infra.unit import RegistryUnit


@dataclass(frozen=True)
class DoctorSearch:
    """Which page of doctors is asked for: the first `limit` that the filter lets through behind a code."""

    filter: DoctorFilter
    limit: int
    after_code: str


async def find_doctors(unit: RegistryUnit, caller: Caller, asked: DoctorSearch, reader: Reader) -> DoctorPage:
    """A page of the clinic's active doctors in order of code."""
    limit = asked.limit
    found = await search.page(unit.sql, caller.clinic_id, asked.filter, limit=limit + 1, after_code=asked.after_code)
    cursor = encode_cursor(found[limit - 1].code) if len(found) > limit else None
    return DoctorPage(items=await show(unit, caller.clinic_id, found[:limit], reader), next_cursor=cursor)
