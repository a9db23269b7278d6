"""The row of a patient: what identifies the patient sealed, with the blind indexes by which it is found.

Used by all use cases about patients. Beside notes, only here is anything sealed or opened.
"""

import datetime as dt
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from services.booking.domain.patients import Identity
from services.booking.identifiers import Cell, Codec
from services.booking.repository.patient_lookup import FoundPatient
from services.booking.repository.patients import Patient
from services.booking.service.patients.details import SEALED, PatientDetails
from shared.contracts.patients import PatientView
from shared.contracts.shapes import Active, name_key

PHONE, EXTENSION, NHS, EXTERNAL = "phone", "phone_extension", "nhs_number", "external_id"
"""The columns that have blind indexes; the last is of imports, and stored as its index only."""


def index_of(codec: Codec, clinic_id: UUID, column: str, value: str | None) -> bytes | None:
    """The blind index of a value, if there is one."""
    return None if value is None else codec.blind_index(clinic_id, column, value)


def indexes_of(codec: Codec, clinic_id: UUID, patients: Iterable[PatientDetails]) -> set[bytes]:
    """The blind indexes of these patients' phones and NHS numbers: they are locked before anybody is looked for."""
    values = [value for one in patients for value in ((PHONE, one.phone), (NHS, one.nhs_number))]
    return {index for column, value in values if (index := index_of(codec, clinic_id, column, value)) is not None}


def extension_index(codec: Codec, clinic_id: UUID, phone: str | None, extension: str | None) -> bytes | None:
    """The blind index of an extension at its number, if there is one: by itself it is that of many."""
    return index_of(codec, clinic_id, EXTENSION, extension and f"{phone};ext={extension}")


def identity_of(codec: Codec, clinic_id: UUID, details: PatientDetails) -> Identity:
    """What tells a patient from the others of its clinic."""
    phone = codec.blind_index(clinic_id, PHONE, details.phone)
    extension = extension_index(codec, clinic_id, details.phone, details.phone_extension)
    return Identity(phone, extension, name_key(details.name), details.date_of_birth)


def identity_of_row(codec: Codec, clinic_id: UUID, row: Patient | FoundPatient) -> Identity:
    """The same of a row, of which only the date of birth is opened."""
    born = _date(_opened(codec, clinic_id, row, "date_of_birth"))
    return Identity(row.phone_index, row.extension_index, row.name_key, born)


def new_row(codec: Codec, clinic_id: UUID, id_: UUID, details: PatientDetails, now: datetime) -> Patient:
    """The row of a patient who is registered now."""
    fixed: dict[str, Any] = {
        "clinic_id": clinic_id,
        "id": id_,
        "status": Active.ACTIVE,
        "version": 1,
        "created_at": now,
        "updated_at": now,
    }
    return Patient(**fixed, **sealed_columns(codec, clinic_id, id_, details))


def sealed_columns(codec: Codec, clinic_id: UUID, id_: UUID, details: PatientDetails) -> dict[str, Any]:
    """The columns of a row that hold what is known of the patient."""
    sealed = {field: _sealed(codec, Cell(clinic_id, field, id_), getattr(details, field)) for field in SEALED}
    return {
        "name": details.name,
        "name_key": name_key(details.name),
        "phone_index": index_of(codec, clinic_id, PHONE, details.phone),
        "extension_index": extension_index(codec, clinic_id, details.phone, details.phone_extension),
        "nhs_index": index_of(codec, clinic_id, NHS, details.nhs_number),
        **sealed,
    }


def open_row(codec: Codec, patient: Patient) -> PatientDetails:
    """What is known of a patient, in the clear."""
    known: dict[str, Any] = {field: _opened(codec, patient.clinic_id, patient, field) for field in SEALED}
    return PatientDetails(**{**known, "name": patient.name, "date_of_birth": _date(known["date_of_birth"])})


def patient_view(codec: Codec, patient: Patient, asked: UUID | None = None) -> PatientView:
    """A patient as clients read it; `asked` is the id that it was found by."""
    known = open_row(codec, patient)
    number = known.nhs_number
    return PatientView(
        id=patient.id,
        name=known.name,
        phone=known.phone,
        phone_extension=known.phone_extension,
        email=known.email,
        date_of_birth=known.date_of_birth,
        nhs_number=number and f"{number[:3]} {number[3:6]} {number[6:]}",
        postcode=known.postcode,
        address=known.address,
        status=patient.status,
        merged_into=patient.id if asked not in (None, patient.id) else None,
        version=patient.version,
        created_at=patient.created_at,
        updated_at=patient.updated_at,
    )


def _sealed(codec: Codec, cell: Cell, value: object) -> bytes | None:
    return None if value is None else codec.seal(cell, str(value))


def _opened(codec: Codec, clinic_id: UUID, row: Patient | FoundPatient, field: str) -> str | None:
    sealed = getattr(row, field)
    return None if sealed is None else codec.open(Cell(clinic_id, field, row.id), sealed)


def _date(opened: str | None) -> dt.date | None:
    return None if opened is None else dt.date.fromisoformat(opened)
