"""When the slots of each doctor are to be generated again: the timers in the table `publications`, a row for each doctor.

Called by `service/`. They come last, behind the locks of doctor and days: every transaction that takes several of these takes
them so. A technical table without a policy, as a job asks for all clinics.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from services.availability.domain.days import DoctorKey
from shared.infra.arrays import columns
from shared.infra.postgres import Connection

DUE_AT = "SELECT due_at FROM publications WHERE clinic_id = $1 AND doctor_id = $2"
# A timer that was changed since it was seen is left as it is: settings, say, that we have not read yet have made it due.
SET = """
INSERT INTO publications (clinic_id, doctor_id, due_at) VALUES ($1, $2, $3)
ON CONFLICT (clinic_id, doctor_id) DO UPDATE SET due_at = excluded.due_at
WHERE $4::timestamptz IS NULL OR publications.due_at = $4
"""
END = "DELETE FROM publications WHERE clinic_id = $1 AND doctor_id = $2"
DUE_DOCTORS = "SELECT clinic_id, doctor_id FROM publications WHERE due_at <= clock_timestamp() ORDER BY due_at LIMIT $1"
IS_DUE = "SELECT FROM publications WHERE clinic_id = $1 AND doctor_id = $2 AND due_at <= clock_timestamp()"
CLINICS_DUE = """
UPDATE publications SET due_at = clock_timestamp() FROM (
  SELECT clinic_id, doctor_id FROM publications WHERE clinic_id = ANY($1::uuid[]) ORDER BY clinic_id, doctor_id FOR UPDATE) AS due
WHERE publications.clinic_id = due.clinic_id AND publications.doctor_id = due.doctor_id
"""
# A locked row is not waited for: its holder generates slots behind this release, or has just made it due too.
DOCTORS_DUE = """
UPDATE publications SET due_at = clock_timestamp() FROM (
  SELECT clinic_id, doctor_id FROM publications JOIN unnest($1::uuid[], $2::uuid[]) AS asked(clinic_id, doctor_id)
                                                USING (clinic_id, doctor_id)
  FOR UPDATE OF publications SKIP LOCKED) AS due
WHERE publications.clinic_id = due.clinic_id AND publications.doctor_id = due.doctor_id
"""


async def due_at(connection: Connection, clinic_id: UUID, doctor_id: UUID) -> datetime | None:
    """When slots of the doctor are to be generated next. To be read before all that they are generated from."""
    found: datetime | None = await connection.fetchval(DUE_AT, clinic_id, doctor_id)
    return found


async def set_due_at(
    connection: Connection, clinic_id: UUID, doctor_id: UUID, due_at: datetime, seen: datetime | None = None
) -> None:
    """Slots of the doctor are to be generated at this time. A timer that is no more as it was `seen` stays as it is."""
    await connection.execute(SET, clinic_id, doctor_id, due_at, seen)


async def end(connection: Connection, clinic_id: UUID, doctor_id: UUID) -> None:
    """No slots of the doctor are to be generated any more."""
    await connection.execute(END, clinic_id, doctor_id)


async def due_doctors(connection: Connection, limit: int) -> list[DoctorKey]:
    """The doctors whose time has come, the longest due first."""
    return [DoctorKey(row["clinic_id"], row["doctor_id"]) for row in await connection.fetch(DUE_DOCTORS, limit)]


async def is_due(connection: Connection, clinic_id: UUID, doctor_id: UUID) -> bool:
    """Whether slots of a locked doctor are still to be generated: another process may have been faster."""
    return await connection.fetchrow(IS_DUE, clinic_id, doctor_id) is not None


async def make_clinics_due(connection: Connection, clinics: Collection[UUID]) -> None:
    """Slots of all doctors of these clinics that have a timer are to be generated now."""
    await connection.execute(CLINICS_DUE, list(clinics))


async def make_doctors_due(connection: Connection, doctors: Collection[DoctorKey]) -> None:
    """Slots of these doctors are to be generated now, if they have a timer."""
    await connection.execute(DOCTORS_DUE, *columns(doctors, 2))
