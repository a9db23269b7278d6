"""One service's database. Every transaction says first for which clinics it acts; row level security does the rest.

The hot batches run plain SQL on asyncpg, the registry runs SQLAlchemy; both are handed out by `Database` only.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.infra.budget import Budget
from shared.infra.clockwork import Clock
from shared.infra.settings import PostgresSettings

T = TypeVar("T")
Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

# One round trip: the clinics for row level security, and the time by which this transaction judges.
ACT_FOR = "SELECT set_config('app.clinics', $1, true), clock_timestamp()"


# A message of the write-ahead log that nobody reads: it is on the disk when the statement ends.
COMMIT_NOTHING = "SELECT pg_logical_emit_message(true, 'frontdesk', '')"
BRIEF = "SET LOCAL lock_timeout = '1s'; SET LOCAL statement_timeout = '3s'"
PATIENCE_SECONDS = 5.0
SESSION_SECONDS = 5.0
"""So long a session is waited for by a caller that does not say how long it waits."""
ANSWER_SECONDS = 1.0


def clinic_array(clinics: Collection[UUID]) -> str:
    """The clinics as the text of a Postgres array, in a fixed order."""
    return "{" + ",".join(str(clinic) for clinic in sorted(clinics)) + "}"


class Database:
    """The pools of one service: `hot` for batches, `engine` for the registry and reads."""

    def __init__(self, hot: "asyncpg.Pool[asyncpg.Record]", engine: AsyncEngine, sessions: int) -> None:
        """So many `sessions` may be open at a time: who waits for one waits here, in order, and as long as its caller does."""
        self.hot = hot
        self.engine = engine
        self._sessions = asyncio.Semaphore(sessions)

    @classmethod
    async def connect(cls, settings: PostgresSettings, application_name: str) -> "Database":
        """Opens both pools. Raises `OSError` or `asyncpg.PostgresError` when the server cannot be reached."""
        url = settings.url.get_secret_value()
        server = {
            "application_name": application_name,
            "statement_timeout": str(settings.statement_timeout_ms),
            "lock_timeout": str(settings.lock_timeout_ms),
            "idle_in_transaction_session_timeout": "30000",
            "timezone": "UTC",
        }
        # A frozen server ends no statement: then we stop waiting, a little later than it would have.
        patience = settings.statement_timeout_ms / 1000 + PATIENCE_SECONDS
        hot = await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=settings.pool_size,
            server_settings=server,
            timeout=5,
            command_timeout=patience,
            reset=_nothing_to_reset,
        )
        # The driver reads the URL in both: SQLAlchemy would not know `sslmode` and the names of certificates.
        engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=partial(asyncpg.connect, url, server_settings=server, timeout=5, command_timeout=patience),
            pool_size=settings.pool_size,
            max_overflow=0,
            pool_timeout=SESSION_SECONDS,
            pool_pre_ping=True,
            hide_parameters=True,
        )
        return cls(hot, engine, settings.pool_size)

    async def close(self) -> None:
        """Closes both pools; what still runs is ended after five seconds."""
        try:
            await asyncio.wait_for(self.hot.close(), timeout=5)
        except TimeoutError:
            self.hot.terminate()
        await self.engine.dispose()

    async def check(self) -> None:
        """Raises when the database does not answer: what readiness asks."""
        await self.hot.fetchval("SELECT 1")

    async def answers(self, clock: Clock) -> bool:
        """Whether the database commits within a second, with its log on its disk."""
        check = asyncio.ensure_future(self.hot.fetchval(COMMIT_NOTHING))
        if not await clock.wait_for(check, ANSWER_SECONDS):
            check.cancel()
        await asyncio.wait([check])
        return not check.cancelled() and check.exception() is None

    @asynccontextmanager
    async def batch(self, clinics: Collection[UUID], *, brief: bool = False) -> AsyncIterator[tuple[Connection, datetime]]:
        """A transaction on asyncpg for exactly these clinics, and its time on the database's clock."""
        async with self.hot.acquire() as connection, connection.transaction():
            if brief:
                await connection.execute(BRIEF)
            row = await connection.fetchrow(ACT_FOR, clinic_array(clinics))
            assert row is not None
            yield connection, row["clock_timestamp"]

    @asynccontextmanager
    async def session(
        self, clinic: UUID, budget: Budget | None = None
    ) -> AsyncIterator[tuple[AsyncConnection, Connection, datetime]]:
        """A transaction on SQLAlchemy for one clinic, the driver's connection below it, and the database's time.

        Neither a session nor a statement is waited for longer than the budget; without one, than the settings say. Raises
        `TimeoutError` if no session is free in time.
        """
        async with self._place(budget), self.engine.begin() as sql:
            asked = {"clinics": clinic_array((clinic,)), "statement_ms": str(budget.left_ms() if budget else None)}
            row = (await sql.execute(_ACT_FOR_WITHIN if budget else _ACT_FOR_TEXT, asked)).one()
            raw = await sql.get_raw_connection()
            driver = raw.driver_connection
            assert driver is not None
            yield sql, driver, row[1]

    @asynccontextmanager
    async def _place(self, budget: Budget | None) -> AsyncIterator[None]:
        """One of the places of sessions. Only the wait for it is cut off: a session that is cancelled can leak its connection."""
        async with asyncio.timeout(budget.left_ms() / 1000 if budget else SESSION_SECONDS):
            await self._sessions.acquire()
        try:
            yield
        finally:
            self._sessions.release()


_ACT_FOR_TEXT = text("SELECT set_config('app.clinics', :clinics, true), clock_timestamp()")
_ACT_FOR_WITHIN = text(
    "SELECT set_config('app.clinics', :clinics, true), clock_timestamp(), set_config('statement_timeout', :statement_ms, true)"
)


async def _nothing_to_reset(_connection: Connection) -> None:
    """All that we set ends with its transaction, so a connection needs no round trip on its way back.

    The driver rolls an open transaction back before it calls this.
    """


async def shielded(work: Coroutine[Any, Any, T]) -> T:
    """Runs database work to its end even when the caller is cancelled: a cancelled transaction can leak its connection."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
