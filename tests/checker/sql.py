"""The four databases as they are: every row that the invariants speak of, read in transactions that cannot write.

Called by `evidence.py` with URLs of roles that see the rows of all clinics. Rows are plain dicts, ids are text.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

Row = dict[str, Any]
Rows = list[Row]
TABLES = {
    "gateway": ("clinics",),
    "availability": ("clinic_settings", "doctors", "days", "slots", "exceptions", "day_sets"),
    "booking": ("clinic_settings", "patients", "appointments", "outcomes", "changes"),
    "queue": ("clinic_settings", "queue_days", "entries"),
}
"""What is read of each database."""
COLUMNS = {
    "patients": "clinic_id, id, status, merged_into, version, updated_at",
}
"""What identifies a patient is none of the checker's business; of all other tables every column is read."""
DAY_SETS = """
SELECT clinic_id, subject_id AS doctor_id, (detail ->> 'date')::date AS date, (detail ->> 'capacity')::int AS capacity
FROM audit WHERE action = 'day_set' ORDER BY id
"""
"""Not a table: the capacities that days were given, one after the other, as the audit trail has them."""
CHANGES = r"""
SELECT clinic_id, subject_id AS appointment_id, action, (detail ->> 'version')::int AS version
FROM audit WHERE action LIKE 'appointment\_%'
"""
"""Not a table either: what the audit trail, which is an appointment's history, says of it."""
QUERIES = {"day_sets": DAY_SETS, "changes": CHANGES}
ABOUT_TO_EXPIRE_SECONDS = 10
UNSENT = "SELECT count(*) FROM outbox"
OF_ONE = {
    "availability": {
        "unacknowledged": "SELECT count(*) FROM unacknowledged",
        "unpublished": "SELECT count(*) FROM publications WHERE due_at <= clock_timestamp()",
        "unrevoked": "SELECT count(*) FROM revocations",
    },
    "booking": {
        "unsettled": "SELECT count(*) FROM outcomes WHERE settled_at IS NULL",
        "unexpired": f"""
            SELECT count(*) FROM hold_timers WHERE due_at <= clock_timestamp() + make_interval(secs => {ABOUT_TO_EXPIRE_SECONDS})
        """,
    },
}
"""What only one database can owe: reservations that booking has not acknowledged, calendars that are not published, slots of
deleted doctors that are not revoked, outcomes that are not settled, holds that are over; or are about to be, because what is read
one after the other must not change meanwhile."""
IDLE_SECONDS = 1.0
"""Between two statements of a transaction a session is idle for a moment; for so long only one that was left behind is."""
IDLE = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND state LIKE 'idle in transaction%'
  AND state_change < clock_timestamp() - make_interval(secs => $1)
"""


@dataclass(frozen=True)
class Tables:
    """The rows of one moment, by database and table."""

    rows: Mapping[str, Mapping[str, Rows]] = field(default_factory=dict)

    def of(self, database: str, table: str) -> Rows:
        """The rows of a table."""
        return self.rows.get(database, {}).get(table, [])


@dataclass(frozen=True)
class Owed:
    """What a database has not done yet."""

    unsent: int = 0
    idle: int = 0
    unsettled: int = 0
    unacknowledged: int = 0
    unexpired: int = 0
    unpublished: int = 0
    unrevoked: int = 0


async def tables(dsns: Mapping[str, str]) -> Tables:
    """All rows of all databases."""
    return Tables({database: await _rows(dsns[database], names) for database, names in TABLES.items()})


async def now(dsns: Mapping[str, str]) -> datetime:
    """The time on booking's clock, by which it judges."""
    async with _session(dsns["booking"]) as session:
        found: datetime = await session.fetchval("SELECT clock_timestamp()")
        return found


async def owed(dsns: Mapping[str, str]) -> dict[str, Owed]:
    """What each database has not done yet."""
    return {database: await _owed(database, dsns[database]) for database in TABLES}


async def _rows(dsn: str, names: tuple[str, ...]) -> dict[str, Rows]:
    async with _session(dsn) as session, session.transaction(isolation="repeatable_read", readonly=True):
        return {name: [_plain(row) for row in await session.fetch(_query(name))] for name in names}


def _query(name: str) -> str:
    return QUERIES.get(name) or f"SELECT {COLUMNS.get(name, '*')} FROM {name}"


def _plain(row: "asyncpg.Record") -> Row:
    return {name: str(value) if isinstance(value, UUID) else value for name, value in row.items()}


async def _owed(database: str, dsn: str) -> Owed:
    async with _session(dsn) as session:
        own = {name: await session.fetchval(query) for name, query in OF_ONE.get(database, {}).items()}
        return Owed(unsent=await session.fetchval(UNSENT), idle=await session.fetchval(IDLE, IDLE_SECONDS), **own)


@asynccontextmanager
async def _session(dsn: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(dsn, server_settings={"default_transaction_read_only": "on"})
    try:
        for kind in ("json", "jsonb"):
            await connection.set_type_codec(kind, encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
        yield connection
    finally:
        await connection.close()
