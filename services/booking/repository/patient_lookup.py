"""The patients that the lines of an import can meet, found by their blind indexes.

Called by `service/patients/import_.py`, under the lock of the clinic.
"""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from shared.contracts.shapes import Active
from shared.infra.postgres import Connection

_COLUMNS = "id, name_key, phone_index, extension_index, date_of_birth, nhs_index, external_index, status, merged_into"
# Each arm has an index of its own. A merged patient is still known, though another stands for it.
FIND = f"""
SELECT {_COLUMNS} FROM patients WHERE clinic_id = $1 AND phone_index = ANY($2) AND (status = 'active' OR merged_into IS NOT NULL)
UNION ALL
SELECT {_COLUMNS} FROM patients WHERE clinic_id = $1 AND nhs_index = ANY($3) AND status = 'active'
UNION ALL
SELECT {_COLUMNS} FROM patients WHERE clinic_id = $1 AND external_index = ANY($4) AND status = 'active'
UNION ALL
SELECT {_COLUMNS} FROM patients WHERE clinic_id = $1 AND external_index = ANY($4) AND merged_into IS NOT NULL
"""
# Not joined with the above: see `patient_locks.py`.
ACTIVE = "SELECT id FROM patients WHERE clinic_id = $1 AND id = ANY($2) AND status = 'active'"


@dataclass(frozen=True)
class FoundPatient:
    """What an import compares its lines with; the date of birth is sealed."""

    id: UUID
    name_key: str
    phone_index: bytes
    extension_index: bytes | None
    date_of_birth: bytes | None
    nhs_index: bytes | None
    external_index: bytes | None
    status: Active
    merged_into: UUID | None


async def by_indexes(
    connection: Connection,
    clinic_id: UUID,
    phone_indexes: Collection[bytes],
    nhs_indexes: Collection[bytes],
    external_indexes: Collection[bytes],
) -> list[FoundPatient]:
    """All patients of the clinic with any of these indexes, some of them twice. Who was merged is one as long as the survivor is
    active. One statement, and one more if anybody was merged."""
    rows = await connection.fetch(FIND, clinic_id, list(phone_indexes), list(nhs_indexes), list(external_indexes))
    found = [FoundPatient(**{**row, "status": Active(row["status"])}) for row in rows]
    survivors = {one.merged_into for one in found if one.merged_into}
    if survivors:
        survivors = {row["id"] for row in await connection.fetch(ACTIVE, clinic_id, list(survivors))}
    return [one for one in found if one.merged_into is None or one.merged_into in survivors]
