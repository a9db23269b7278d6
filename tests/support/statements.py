"""Which statements the server ran for a service, and how many rows these had: its own count, whatever a client believes."""

from collections import Counter
from collections.abc import Awaitable
from typing import Any

import asyncpg

CALLS = """
SELECT query, sum(calls) FROM pg_stat_statements
WHERE userid = (SELECT oid FROM pg_roles WHERE rolname = $1)
  AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
GROUP BY query
"""


ROWS = """
SELECT coalesce(sum(rows), 0) FROM pg_stat_statements
WHERE userid = (SELECT oid FROM pg_roles WHERE rolname = $1)
  AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


async def rows_during(superuser: "asyncpg.Connection[asyncpg.Record]", role: str, work: Awaitable[Any]) -> int:
    """How many rows the statements of a role's connections answered or changed while the work was done."""
    await superuser.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    before = await superuser.fetchval(ROWS, role)
    await work
    return int(await superuser.fetchval(ROWS, role) - before)


async def calls_during(superuser: "asyncpg.Connection[asyncpg.Record]", role: str, work: Awaitable[Any]) -> Counter[str]:
    """The statements that a role's connections to this database ran while the work was done, and how often each."""
    before = await calls_of(superuser, role)
    await work
    return await calls_of(superuser, role) - before


async def calls_of(superuser: "asyncpg.Connection[asyncpg.Record]", role: str) -> Counter[str]:
    """The statements that a role's connections to this database ran so far, and how often each."""
    await superuser.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    return Counter({row["query"]: int(row["sum"]) for row in await superuser.fetch(CALLS, role)})
