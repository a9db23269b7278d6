"""What a reader sees of doctors: addresses in the reader's language, and the clinic's zone where a location has none.

Any number of doctors is read with the same number of statements. Used by the use cases beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.availability.domain.languages import LanguageRange, choose_language
from services.availability.repository.doctors import locations
from services.availability.repository.doctors.locations import Location
from shared.contracts.directory import DoctorView, LocationView
from shared.infra import clinic_settings
from shared.infra.unit import RegistryUnit


@dataclass(frozen=True)
class Reader:
    """The languages that a reader asks for, most wanted first, and whether to tell the texts of all languages too."""

    languages: Sequence[LanguageRange] = ()
    translations: bool = False


async def show(unit: RegistryUnit, clinic_id: UUID, found: Sequence[DoctorView], reader: Reader) -> list[DoctorView]:
    """The doctors with their locations, as this reader sees them."""
    clinic = await clinic_settings.of(unit.connection, clinic_id)
    by_doctor = await locations.of_doctors(unit.sql, clinic_id, [doctor.id for doctor in found])
    return [
        doctor.model_copy(update={"locations": [_view(one, clinic.time_zone, reader) for one in by_doctor.get(doctor.id, ())]})
        for doctor in found
    ]


def _view(location: Location, clinic_zone: str, reader: Reader) -> LocationView:
    address = location.address
    texts = address if isinstance(address, dict) else {}
    return LocationView(
        id=location.id,
        name=location.name,
        address=texts[choose_language(list(texts), reader.languages)] if isinstance(address, dict) else address,
        time_zone=location.time_zone or clinic_zone,
        translations=texts if reader.translations else None,
    )
