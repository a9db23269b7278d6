"""Runs a service's Alembic migrations over one asyncpg connection. Called by each service's `migrations/env.py`.

The models of the service have no part in it: what a migration makes is its own text.
"""

import asyncio
from functools import partial

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shared.infra.migration_lock import alone_on, connect


def run() -> None:
    """Brings the database at `config.attributes["url"]` to the revision that Alembic was asked for."""
    asyncio.run(_connect_and_upgrade(context.config.attributes["url"]))


async def _connect_and_upgrade(url: str) -> None:
    engine = create_async_engine("postgresql+asyncpg://", async_creator=partial(connect, url), poolclass=NullPool)
    async with alone_on(url), engine.connect() as connection:
        await connection.run_sync(_upgrade)
        await connection.commit()
    await engine.dispose()


def _upgrade(connection: Connection) -> None:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
