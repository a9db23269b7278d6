"""A session that the server ends between two statements is no bug of ours, whatever the driver makes of it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from shared.infra.errors import is_transient
from shared.infra.postgres import Connection, Database

ROUNDS = 20
"""How far the driver has noticed the end differs: in about half of them it is in the middle of it."""


async def end(server: Connection, session: Connection) -> None:
    """Ends a session from another one."""
    assert await server.fetchval("SELECT pg_terminate_backend($1)", await session.fetchval("SELECT pg_backend_pid()"))


async def test_the_next_statement_can_be_tried_again(database: Database, superuser: Callable[..., Any], clinic_id: UUID) -> None:
    server, errors = await superuser("booking"), []
    for _ in range(ROUNDS):
        with pytest.raises(Exception) as of_batch:
            async with database.batch({clinic_id}) as (connection, _now):
                await end(server, connection)
                await connection.fetchval("SELECT 1")
        with pytest.raises(Exception) as of_session:
            async with database.session(clinic_id) as (sql, connection, _now):
                await end(server, connection)
                await sql.execute(text("SELECT 1"))
        errors += [of_batch.value, of_session.value]
    assert [error for error in errors if not is_transient(error)] == []
    async with database.batch({clinic_id}) as (connection, _now), database.session(clinic_id) as (sql, _, _):
        assert await connection.fetchval("SELECT 1") == await sql.scalar(text("SELECT 1")) == 1
