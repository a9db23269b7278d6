"""The read copy of the clinics' settings that every service but the gateway keeps: the highest version of each clinic.

Written by what `registry.events` brings, read by batches and by registry calls in their own transaction. Nobody acts on the
defaults of a clinic whose settings have not arrived: its zone and its capacities would be written into rows that stay.
"""

from collections.abc import Collection, Iterable
from uuid import UUID

from shared.contracts.clinics import ClinicSettings
from shared.contracts.registry import ClinicChanged
from shared.infra.arrays import columns
from shared.infra.errors import UnknownClinic
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
    """The settings of the clinics. One statement. Raises `UnknownClinic` if those of one have not arrived yet."""
    rows = await connection.fetch(READ, list(clinics))
    found = {row["clinic_id"]: ClinicSettings.model_validate_json(row["settings"]) for row in rows}
    if missing := set(clinics) - found.keys():
        raise UnknownClinic(", ".join(map(str, sorted(missing))))
    return found


async def of(connection: Connection, clinic_id: UUID) -> ClinicSettings:
    """The settings of one clinic. Raises `UnknownClinic` until they have arrived."""
    return (await read(connection, [clinic_id]))[clinic_id]
