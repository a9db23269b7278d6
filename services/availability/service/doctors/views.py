"""What a reader sees of doctors: addresses in the reader's language, zones as they count. Called by `doctors.py`.

Any number of doctors is read with the same number of statements.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.availability.domain.languages import Wish, choose
from services.availability.repository import locations
from services.availability.repository.locations import Location
from shared.contracts.directory import DoctorView, LocationView
from shared.infra import clinic_settings
from shared.infra.unit import RegistryUnit


@dataclass(frozen=True)
class Reader:
    """The languages that a reader wishes for, most wanted first, and whether all that there are shall be told."""

    wishes: Sequence[Wish] = ()
    translations: bool = False


async def show(unit: RegistryUnit, clinic_id: UUID, found: Sequence[DoctorView], reader: Reader) -> list[DoctorView]:
    """The doctors with their locations, as this reader sees them."""
    clinic = await clinic_settings.of(unit.connection, clinic_id)
    places = await locations.of_doctors(unit.sql, clinic_id, [doctor.id for doctor in found])
    return [
        doctor.model_copy(update={"locations": [_shown(place, clinic.time_zone, reader) for place in places.get(doctor.id, ())]})
        for doctor in found
    ]


def _shown(place: Location, clinic_zone: str, reader: Reader) -> LocationView:
    texts = place.address if isinstance(place.address, dict) else {}
    return LocationView(
        id=place.id,
        name=place.name,
        address=texts[choose(list(texts), reader.wishes)] if isinstance(place.address, dict) else place.address,
        time_zone=place.time_zone or clinic_zone,
        translations=texts if reader.translations else None,
    )
