"""How a patient is kept: what a clinic knows of one in the clear, the row with it sealed, and the view that clients read.

Used by all use cases about patients. Only here is anything sealed or opened.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from services.booking.domain import Person
from services.booking.identifiers import Codec, Place
from services.booking.repository.patients import Patient
from services.booking.schemas import Judged, PatientForm
from shared.contracts.patients import PatientView
from shared.contracts.registry import PatientChanged
from shared.contracts.shapes import Active, name_key
from shared.contracts.topics import REGISTRY_EVENTS
from shared.infra import clinic_settings
from shared.infra.caller import Caller
from shared.infra.unit import RegistryUnit, Unit

SEALED = ("phone", "date_of_birth", "email", "nhs_number", "postcode", "address")
PHONE, NHS, EXTERNAL = "phone", "nhs_number", "external_id"


@dataclass(frozen=True)
class Details:
    """What a clinic knows of a patient, judged and in the clear."""

    name: str
    phone: str
    date_of_birth: dt.date | None
    email: str | None
    nhs_number: str | None
    postcode: str | None
    address: str | None

    @classmethod
    def of_form(cls, form: PatientForm) -> "Details":
        """What a judged form says."""
        assert form.name
        return cls(form.name, *(getattr(form, field) for field in SEALED))

    @property
    def person(self) -> Person:
        return Person(self.phone, name_key(self.name), self.date_of_birth)


async def rules(unit: RegistryUnit, clinic_id: UUID) -> dict[str, object]:
    """What the forms of a clinic's patients are judged by."""
    clinic = await clinic_settings.of(unit.connection, clinic_id)
    return Judged.rules(clinic, unit.now.astimezone(ZoneInfo(clinic.time_zone)).date())


def index_of(codec: Codec, clinic_id: UUID, column: str, value: str | None) -> bytes | None:
    """By what a value is found, if there is one."""
    return None if value is None else codec.blind_index(clinic_id, column, value)


def keys(codec: Codec, clinic_id: UUID, known: Iterable[Details]) -> set[bytes]:
    """What has to be locked before anybody is looked for: phones and NHS numbers."""
    indexes = [index_of(codec, clinic_id, PHONE, one.phone) for one in known]
    indexes += [index_of(codec, clinic_id, NHS, one.nhs_number) for one in known]
    return {index for index in indexes if index is not None}


def new_row(codec: Codec, clinic_id: UUID, id_: UUID, details: Details, now: datetime) -> Patient:
    """The row of a patient who is registered now."""
    fixed: dict[str, Any] = {
        "clinic_id": clinic_id,
        "id": id_,
        "status": Active.ACTIVE,
        "version": 1,
        "created_at": now,
        "updated_at": now,
    }
    return Patient(**fixed, **columns(codec, clinic_id, id_, details))


def columns(codec: Codec, clinic_id: UUID, id_: UUID, details: Details) -> dict[str, Any]:
    """What is known of a patient as its row holds it."""
    sealed = {field: _sealed(codec, Place(clinic_id, field, id_), getattr(details, field)) for field in SEALED}
    return {
        "name": details.name,
        "name_key": name_key(details.name),
        "phone_index": index_of(codec, clinic_id, PHONE, details.phone),
        "nhs_index": index_of(codec, clinic_id, NHS, details.nhs_number),
        **sealed,
    }


def opened(codec: Codec, patient: Patient) -> Details:
    """What is known of a patient, in the clear."""
    known: dict[str, Any] = {field: _opened(codec, patient, field) for field in SEALED}
    born = known["date_of_birth"]
    return Details(**{**known, "name": patient.name, "date_of_birth": born and dt.date.fromisoformat(born)})


def view(codec: Codec, patient: Patient) -> PatientView:
    """A patient as clients read it."""
    known = opened(codec, patient)
    number = known.nhs_number
    return PatientView(
        id=patient.id,
        name=known.name,
        phone=known.phone,
        email=known.email,
        date_of_birth=known.date_of_birth,
        nhs_number=number and f"{number[:3]} {number[3:6]} {number[6:]}",
        postcode=known.postcode,
        address=known.address,
        status=patient.status,
        version=patient.version,
        created_at=patient.created_at,
        updated_at=patient.updated_at,
    )


def announce(unit: Unit, caller: Caller, patient_id: UUID, status: Active, version: int) -> None:
    """Emits what the other services may know of a patient."""
    unit.emit(REGISTRY_EVENTS, PatientChanged(**unit.envelope(caller), version=version, patient_id=patient_id, status=status))


def _sealed(codec: Codec, place: Place, value: object) -> bytes | None:
    return None if value is None else codec.seal(place, str(value))


def _opened(codec: Codec, patient: Patient, field: str) -> str | None:
    sealed = getattr(patient, field)
    return None if sealed is None else codec.open(Place(patient.clinic_id, field, patient.id), sealed)
