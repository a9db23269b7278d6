"""Read-only transactions on the services' databases, as `frontdesk_reader`: all clinics are seen, nothing can be written.

Called by `frontdesk psql`, `explain`, `reconcile` and `doctor`.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg

from deploy.addresses import Addresses
from deploy.failure import NoAnswer

CONNECT_SECONDS = 10

ReaderConnection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@asynccontextmanager
async def snapshot(addresses: Addresses, service: str) -> AsyncIterator[ReaderConnection]:
    """One read-only transaction on a service's database, so that all that is read in it is of one instant.

    Raises `NoAnswer` if the server cannot be reached or refuses the connection.
    """
    url = addresses.database(service)
    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS, server_settings={"timezone": "UTC"})
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise NoAnswer(f"the database of {service} does not let us in: {error}", doctor=True) from error
    try:
        for kind in ("json", "jsonb"):
            await connection.set_type_codec(kind, encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield connection
    finally:
        await connection.close()
