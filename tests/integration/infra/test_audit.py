"""The audit trail only grows: neither a process nor the owner of the schema changes or removes a row of it."""

from uuid import UUID, uuid4

import asyncpg
import pytest

from deploy import installation
from tests.support.servers import Databases

SERVICES = installation.audited()
ROW = "INSERT INTO audit (id, clinic_id, at, action, subject_id, actor, correlation_id) VALUES ($1, $2, now(), 'x', $1, 'x', 'x')"
CHANGES = ("UPDATE audit SET actor = 'nobody'", "DELETE FROM audit", "TRUNCATE audit")


async def written(url: str, clinic: UUID, statement: str) -> None:
    """A row, and then what is tried on it, in one transaction for the clinic."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT set_config('app.clinics', $1, true)", f"{{{clinic}}}")
            await connection.execute(ROW, uuid4(), clinic)
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("change", CHANGES)
async def test_a_row_is_never_changed_or_removed(databases: Databases, clinic_id: UUID, service: str, change: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
        await written(databases.app(service), clinic_id, change)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await written(databases.owner(service), clinic_id, change)
    await written(databases.app(service), clinic_id, "SELECT 1")
