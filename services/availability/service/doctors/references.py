"""The ids that the form of a doctor refers to: a category, a price range, locations of the doctor.

Used by the use cases that register and change doctors.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.availability.models import categories, price_ranges
from services.availability.repository import directory
from services.availability.repository.doctors.locations import Location
from shared.contracts.directory import LocationIn
from shared.contracts.problems import Code, FieldError
from shared.infra.caller import Caller
from shared.infra.problems import ProblemError
from shared.infra.unit import RegistryUnit

_TABLES = {"category_id": categories, "price_range_id": price_ranges}


async def refuse_unknown_ids(
    unit: RegistryUnit, caller: Caller, values: Mapping[str, Any], asked: Sequence[LocationIn], present: Sequence[Location]
) -> None:
    """Raises `ProblemError` that names every id which is none of the clinic's, or of the doctor's locations.

    The category and the price range that are referred to stay until the commit.
    """
    errors = [
        FieldError(field=field, reason="is not known")
        for field, table in _TABLES.items()
        if (id_ := values.get(field)) and not await directory.keep(unit.sql, table, caller.clinic_id, id_)
    ]
    left: set[UUID | None] = {location.id for location in present}
    for number, id_ in enumerate(location.id for location in asked):
        if id_ is not None and id_ not in left:
            errors.append(FieldError(field=f"locations.{number}.id", reason="is no other location of this doctor"))
        left.discard(id_)
    if errors:
        raise ProblemError(Code.VALIDATION_FAILED, errors=errors)
