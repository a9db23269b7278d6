"""The rows of patients as they are written. What identifies a patient comes sealed. Called by `service/patients/`.

They are locked by `patient_locks.py`, read by `patient_search.py`, and found for an import by `patient_lookup.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.booking.models import patients
from shared.contracts.shapes import Active
from shared.infra.postgres import Connection

_TYPES = {
    "clinic_id": "uuid", "id": "uuid", "name": "text", "name_key": "text", "phone": "bytea", "phone_index": "bytea",
    "phone_extension": "bytea", "extension_index": "bytea", "date_of_birth": "bytea", "email": "bytea", "nhs_number": "bytea",
    "nhs_index": "bytea", "postcode": "bytea", "address": "bytea", "external_index": "bytea",
    "status": "text", "version": "bigint", "created_at": "timestamptz", "updated_at": "timestamptz",
}  # fmt: skip
INSERT = f"""
INSERT INTO patients ({", ".join(_TYPES)})
SELECT * FROM unnest({", ".join(f"${place}::{type_}[]" for place, type_ in enumerate(_TYPES.values(), 1))})
"""
END = """
UPDATE patients SET status = 'deleted', merged_into = $3, version = version + 1, updated_at = $4 WHERE clinic_id = $1 AND id = $2
"""
POINT_TO = "UPDATE patients SET merged_into = $3 WHERE clinic_id = $1 AND merged_into = $2"


@dataclass(frozen=True)
class Patient:
    """A patient's row; what identifies it is sealed, and a blind index finds it. `external_index` is that of an import's id."""

    clinic_id: UUID
    id: UUID
    name: str
    name_key: str
    phone: bytes
    phone_index: bytes
    date_of_birth: bytes | None
    email: bytes | None
    nhs_number: bytes | None
    nhs_index: bytes | None
    postcode: bytes | None
    address: bytes | None
    status: Active
    version: int
    created_at: datetime
    updated_at: datetime
    external_index: bytes | None = None
    phone_extension: bytes | None = None
    extension_index: bytes | None = None
    merged_into: UUID | None = None


async def insert(connection: Connection, new: Sequence[Patient]) -> None:
    """Writes new patients. One statement."""
    await connection.execute(INSERT, *([getattr(patient, column) for patient in new] for column in _TYPES))


async def change(sql: AsyncConnection, patient: Patient) -> None:
    """Writes a locked patient as it is now."""
    mine = (patients.c.clinic_id == patient.clinic_id, patients.c.id == patient.id)
    await sql.execute(update(patients).where(*mine).values(vars(patient)))


async def end(connection: Connection, clinic_id: UUID, id_: UUID, survivor: UUID | None, now: datetime) -> None:
    """Deletes a locked patient; one that was merged stands for its `survivor` from now on."""
    await connection.execute(END, clinic_id, id_, survivor, now)


async def point_to(connection: Connection, clinic_id: UUID, merged: UUID, survivor: UUID) -> None:
    """Has those who were merged into this patient stand for the survivor. Nobody reads these rows themselves: they keep their
    version."""
    await connection.execute(POINT_TO, clinic_id, merged, survivor)
