"""Booking's read copy of the clinics' settings."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.booking.models import clinic_settings
from shared.contracts.clinics import ClinicSettings
from shared.contracts.registry import ClinicChanged
from shared.infra.postgres import Connection

KEEP = """
INSERT INTO clinic_settings (clinic_id, version, settings) SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::jsonb[])
ON CONFLICT (clinic_id) DO UPDATE SET version = excluded.version, settings = excluded.settings
WHERE clinic_settings.version < excluded.version
"""


async def keep(connection: Connection, changes: Sequence[ClinicChanged]) -> None:
    """Keeps each clinic's highest version. A clinic occurs once in `changes`."""
    await connection.execute(
        KEEP,
        [change.clinic_id for change in changes],
        [change.version for change in changes],
        [change.settings.model_dump_json() for change in changes],
    )


async def of_clinic(sql: AsyncConnection, clinic_id: UUID) -> ClinicSettings:
    """A clinic's settings; the defaults until its first change has arrived."""
    stored = await sql.scalar(select(clinic_settings.c.settings).where(clinic_settings.c.clinic_id == clinic_id))
    return ClinicSettings() if stored is None else ClinicSettings.model_validate(stored)
