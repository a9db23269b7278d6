"""Whom an import finds: a look at all that its lines could meet, in one statement. Called by `patients/import_.py`."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from shared.contracts.shapes import Active
from shared.infra.postgres import Connection

_COLUMNS = "id, name_key, phone_index, date_of_birth, nhs_index, external_index, status"
# Each arm has an index of its own. Who was merged is still known, though another stands for it.
LOOK = f"""
SELECT {_COLUMNS} FROM patients WHERE clinic_id = $1 AND phone_index = ANY($2) AND (status = 'active' OR merged_into IS NOT NULL)
UNION ALL
SELECT {_COLUMNS} FROM patients WHERE clinic_id = $1 AND nhs_index = ANY($3) AND status = 'active'
UNION ALL
SELECT {_COLUMNS} FROM patients WHERE clinic_id = $1 AND external_index = ANY($4) AND status = 'active'
UNION ALL
SELECT {_COLUMNS} FROM patients WHERE clinic_id = $1 AND external_index = ANY($4) AND merged_into IS NOT NULL
"""


@dataclass(frozen=True)
class Found:
    """What is to be known of somebody who is there; the date of birth is sealed."""

    id: UUID
    name_key: str
    phone_index: bytes
    date_of_birth: bytes | None
    nhs_index: bytes | None
    external_index: bytes | None
    status: Active


async def look(
    connection: Connection, clinic_id: UUID, phones: Collection[bytes], numbers: Collection[bytes], externals: Collection[bytes]
) -> list[Found]:
    """All whom the clinic knows by any of these indexes, some of them twice."""
    rows = await connection.fetch(LOOK, clinic_id, list(phones), list(numbers), list(externals))
    return [Found(**{**row, "status": Active(row["status"])}) for row in rows]
