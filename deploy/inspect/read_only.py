"""Read-only connections to the services' databases, as `frontdesk_reader`: all clinics are seen, nothing can be written.

Called by `frontdesk psql`, `explain` and `reconcile`.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg

from deploy import addresses
from deploy.failure import Unreachable

CONNECT_SECONDS = 10

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@asynccontextmanager
async def snapshot(service: str) -> AsyncIterator[Connection]:
    """One read-only transaction on a service's database, so that all of a look is of one instant."""
    url = addresses.database(service)
    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS, server_settings={"timezone": "UTC"})
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Unreachable(
            f"the database of {service} does not let us in: {error}\n  try: frontdesk doctor, {addresses.who_runs_them()}"
        ) from error
    try:
        for kind in ("json", "jsonb"):
            await connection.set_type_codec(kind, encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield connection
    finally:
        await connection.close()
