"""How many statements the server ran for a service: its own count, whatever a client believes."""

from collections.abc import Awaitable
from typing import Any

import asyncpg

CALLS = """
SELECT coalesce(sum(calls), 0) FROM pg_stat_statements
WHERE userid = (SELECT oid FROM pg_roles WHERE rolname = $1)
  AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


async def calls_during(superuser: "asyncpg.Connection[asyncpg.Record]", role: str, work: Awaitable[Any]) -> int:
    """The statements that a role's connections to this database ran while the work was done."""
    await superuser.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    before = await superuser.fetchval(CALLS, role)
    await work
    return int(await superuser.fetchval(CALLS, role) - before)
