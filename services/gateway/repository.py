"""All SQL of the gateway: reading a clinic, marking clinics as announced, and asking the database for the time."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
import orjson

from shared.contracts.registry import ClinicSettings
from shared.infra.postgres import Connection

BY_CODE = "SELECT id, code, settings, version FROM clinics WHERE code = $1"
ANNOUNCE = """
UPDATE clinics SET announced_version = version WHERE announced_version < version RETURNING id, code, settings, version
"""
NOW = "SELECT clock_timestamp()"


@dataclass(frozen=True)
class Clinic:
    """A tenant and what it decides for itself."""

    id: UUID
    code: str
    settings: ClinicSettings
    version: int


async def clinic_by_code(pool: "asyncpg.Pool[asyncpg.Record]", code: str) -> Clinic | None:
    """The clinic of that code."""
    row = await pool.fetchrow(BY_CODE, code)
    return _clinic(row) if row else None


async def take_unannounced(connection: Connection) -> list[Clinic]:
    """Marks what changed since it was last announced, and answers it. Of two gateways one gets each change."""
    return [_clinic(row) for row in await connection.fetch(ANNOUNCE)]


async def database_time(pool: "asyncpg.Pool[asyncpg.Record]") -> datetime:
    """The database's clock."""
    now: datetime = await pool.fetchval(NOW)
    return now


def _clinic(row: asyncpg.Record) -> Clinic:
    return Clinic(row["id"], row["code"], ClinicSettings.model_validate(orjson.loads(row["settings"])), row["version"])
