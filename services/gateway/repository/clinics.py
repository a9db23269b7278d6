"""All SQL of the gateway: reading and changing a clinic, marking clinics as announced, asking the database for the time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
import orjson

from shared.contracts.clinics import ClinicSettings
from shared.infra.postgres import Connection

# As text: the driver reads `jsonb` as text in one pool, and SQLAlchemy's pool has it read already.
BY_CODE = "SELECT id, code, settings::text, version FROM clinics WHERE code = $1"
LOCK = "SELECT id, code, settings::text, version FROM clinics WHERE id = $1 FOR UPDATE"
CHANGE = """
UPDATE clinics SET settings = settings || $2::text::jsonb, version = version + 1, announced_version = version + 1 WHERE id = $1
RETURNING id, code, settings::text, version
"""
ANNOUNCE = """
UPDATE clinics SET announced_version = version WHERE announced_version < version RETURNING id, code, settings::text, version
"""
NOW = "SELECT clock_timestamp()"


@dataclass(frozen=True)
class Clinic:
    """A tenant and its settings."""

    id: UUID
    code: str
    settings: ClinicSettings
    version: int


async def clinic_by_code(pool: "asyncpg.Pool[asyncpg.Record]", code: str) -> Clinic | None:
    """The clinic of that code."""
    row = await pool.fetchrow(BY_CODE, code)
    return _clinic(row) if row else None


async def lock_clinic(connection: Connection, clinic_id: UUID) -> Clinic:
    """The clinic, locked until the end of the transaction."""
    [row] = await connection.fetch(LOCK, clinic_id)
    return _clinic(row)


async def change_clinic(connection: Connection, clinic_id: UUID, changed: Mapping[str, object]) -> Clinic:
    """Writes the settings that have changed as the next version, which the same transaction announces."""
    [row] = await connection.fetch(CHANGE, clinic_id, orjson.dumps(changed).decode())
    return _clinic(row)


async def take_unannounced(connection: Connection) -> list[Clinic]:
    """Marks the clinics whose version is not announced as announced, and answers them. Of two gateways one gets each."""
    return [_clinic(row) for row in await connection.fetch(ANNOUNCE)]


async def database_time(pool: "asyncpg.Pool[asyncpg.Record]") -> datetime:
    """The database's clock."""
    now: datetime = await pool.fetchval(NOW)
    return now


def _clinic(row: asyncpg.Record) -> Clinic:
    return Clinic(row["id"], row["code"], ClinicSettings.model_validate(orjson.loads(row["settings"])), row["version"])
