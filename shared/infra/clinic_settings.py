"""The read copy of the clinics' settings that every service but the gateway keeps: the highest version of each clinic.

Written by what `registry.events` brings, read by batches and by registry calls in their own transaction.
"""

from collections.abc import Collection, Iterable
from uuid import UUID

from shared.contracts.clinics import ClinicSettings
from shared.contracts.registry import ClinicChanged
from shared.infra.arrays import columns
from shared.infra.postgres import Connection
from shared.infra.unit import Unit

# In one order in every process, so that two with clinics in common wait for each other instead of deadlocking.
KEEP = """
INSERT INTO clinic_settings (clinic_id, version, settings)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::jsonb[]) ORDER BY 1
ON CONFLICT (clinic_id) DO UPDATE SET version = excluded.version, settings = excluded.settings
WHERE clinic_settings.version < excluded.version
RETURNING clinic_id
"""
# As text: the registry's connections decode JSON by themselves, those of batches do not.
READ = "SELECT clinic_id, settings::text FROM clinic_settings WHERE clinic_id = ANY($1::uuid[])"


async def follow(unit: Unit, changes: Iterable[ClinicChanged]) -> set[UUID]:
    """Keeps the highest version of each clinic, unless a higher one is there. Answers for which it did. One statement."""
    newest = {change.clinic_id: change for change in sorted(changes, key=lambda change: change.version)}
    rows = [(change.clinic_id, change.version, change.settings.model_dump_json()) for change in newest.values()]
    return {row["clinic_id"] for row in await unit.connection.fetch(KEEP, *columns(rows, 3))}


async def read(connection: Connection, clinics: Collection[UUID]) -> dict[UUID, ClinicSettings]:
    """The settings of those of the clinics that have been heard of. One statement."""
    rows = await connection.fetch(READ, list(clinics))
    return {row["clinic_id"]: ClinicSettings.model_validate_json(row["settings"]) for row in rows}


async def of(connection: Connection, clinic_id: UUID) -> ClinicSettings:
    """The settings of one clinic; the defaults until its first change has arrived."""
    return (await read(connection, [clinic_id])).get(clinic_id) or ClinicSettings()
