"""The lock by which one process at a time prepares or migrates a database. Those that come later find nothing left to do.

Called by `migrations` beside this module, and by `deploy.stores.databases`.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

LOCK_TIMEOUT = "5s"
"""A migration that waits for a lock makes all others wait behind it: better that it fails and is tried again."""
TRY_LOCK = "SELECT pg_try_advisory_lock(hashtext('frontdesk.migrations'))"
WAIT_SECONDS = 600.0
"""How long another process may migrate before this one gives up."""
INTERVAL_SECONDS = 0.2


async def connect(url: str) -> "asyncpg.Connection[asyncpg.Record]":
    """A connection that waits for no lock for long. The driver reads the URL, which may name certificates."""
    return await asyncpg.connect(url, server_settings={"lock_timeout": LOCK_TIMEOUT})


@asynccontextmanager
async def alone_on(url: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """A connection that holds the lock of its database. Raises `TimeoutError` if another process holds it for ten minutes.

    The lock is asked for again and again: a statement that waited for it would have a snapshot, and `CREATE INDEX CONCURRENTLY`
    of the process that holds it would wait for that. It ends with the connection, however the process ends.
    """
    connection = await connect(url)
    try:
        give_up = time.monotonic() + WAIT_SECONDS
        while not await connection.fetchval(TRY_LOCK):
            if time.monotonic() > give_up:
                raise TimeoutError(f"another process has migrated this database for {WAIT_SECONDS:.0f} s")
            await asyncio.sleep(INTERVAL_SECONDS)
        yield connection
    finally:
        await connection.close()
