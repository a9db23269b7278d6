"""Runs a service's Alembic migrations over one asyncpg connection. Called by each service's `migrations/env.py`."""

import asyncio

from alembic import context
from sqlalchemy import Connection, MetaData
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

LOCK_TIMEOUT = "5s"
"""A migration that waits for a lock makes all others wait behind it: better that it fails and is tried again."""


def run(metadata: MetaData) -> None:
    """Brings the database at `config.attributes["url"]` to the revision that Alembic was asked for.

    A `connection` attribute (tests) is used as it is.
    """
    connection = context.config.attributes.get("connection")
    if isinstance(connection, Connection):
        _upgrade(connection, metadata)
    else:
        asyncio.run(_connect_and_upgrade(context.config.attributes["url"], metadata))


async def _connect_and_upgrade(url: str, metadata: MetaData) -> None:
    engine = create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://", 1),
        poolclass=NullPool,
        connect_args={"server_settings": {"lock_timeout": LOCK_TIMEOUT}},
    )
    async with engine.connect() as connection:
        await connection.run_sync(_upgrade, metadata)
        await connection.commit()
    await engine.dispose()


def _upgrade(connection: Connection, metadata: MetaData) -> None:
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
