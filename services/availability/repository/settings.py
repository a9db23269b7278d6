"""The read copy of the clinics' settings. Called for batches and for the registry, inside their unit of work."""

from collections.abc import Collection
from uuid import UUID

from shared.contracts.clinics import ClinicSettings
from shared.contracts.registry import ClinicChanged
from shared.infra.postgres import Connection

KEEP = """
INSERT INTO clinic_settings (clinic_id, version, settings)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::jsonb[]) ORDER BY 1
ON CONFLICT (clinic_id) DO UPDATE SET version = excluded.version, settings = excluded.settings
WHERE clinic_settings.version < excluded.version
RETURNING clinic_id
"""
# As text: the registry's connections decode JSON by themselves, those of batches do not.
READ = "SELECT clinic_id, settings::text FROM clinic_settings WHERE clinic_id = ANY($1::uuid[])"


async def keep(connection: Connection, changes: Collection[ClinicChanged]) -> set[UUID]:
    """Keeps settings of distinct clinics unless newer ones are there, and answers for which it did."""
    rows = await connection.fetch(
        KEEP,
        [change.clinic_id for change in changes],
        [change.version for change in changes],
        [change.settings.model_dump_json() for change in changes],
    )
    return {row["clinic_id"] for row in rows}


async def read(connection: Connection, clinics: Collection[UUID]) -> dict[UUID, ClinicSettings]:
    """The settings of the clinics that have been heard of."""
    rows = await connection.fetch(READ, list(clinics))
    return {row["clinic_id"]: ClinicSettings.model_validate_json(row["settings"]) for row in rows}


async def of(connection: Connection, clinic_id: UUID) -> ClinicSettings:
    """The settings of one clinic, or those of a new one."""
    return (await read(connection, [clinic_id])).get(clinic_id) or ClinicSettings()
