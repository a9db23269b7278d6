"""Runs a service's Alembic migrations over one asyncpg connection. Called by each service's `migrations/env.py`.

The models of the service have no part in it: what a migration makes is its own text.
"""

import asyncio

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

LOCK_TIMEOUT = "5s"
"""A migration that waits for a lock makes all others wait behind it: better that it fails and is tried again."""


def run() -> None:
    """Brings the database at `config.attributes["url"]` to the revision that Alembic was asked for."""
    asyncio.run(_connect_and_upgrade(context.config.attributes["url"]))


async def _connect_and_upgrade(url: str) -> None:
    engine = create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://", 1),
        poolclass=NullPool,
        connect_args={"server_settings": {"lock_timeout": LOCK_TIMEOUT}},
    )
    async with engine.connect() as connection:
        await connection.run_sync(_upgrade)
        await connection.commit()
    await engine.dispose()


def _upgrade(connection: Connection) -> None:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
