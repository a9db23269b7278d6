"""All SQL of the queue. A batch of any size takes a constant number of statements; locks are statements of their own.

Called by `service.py` inside its unit of work. Every statement joins on the clinic beside what row level security does.
"""

from collections.abc import Collection, Mapping
from uuid import UUID

import asyncpg
from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.queue import models
from services.queue.domain import AppointmentKey, QueueDay, QueuedCheckIn, QueueKey
from shared.contracts.booking import AppointmentReassigned, PatientCheckedIn
from shared.contracts.queue import QueueEntryView
from shared.infra.arrays import columns
from shared.infra.postgres import Connection

MAKE_DAYS = """
INSERT INTO queue_days (clinic_id, doctor_id, date)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::date[]) ORDER BY 1, 2, 3
ON CONFLICT DO NOTHING
"""
# In one order in every process, so that batches with days in common wait for each other instead of deadlocking.
LOCK_DAYS = """
SELECT clinic_id, doctor_id, date, last_position, version
FROM queue_days JOIN unnest($1::uuid[], $2::uuid[], $3::date[]) AS asked(clinic_id, doctor_id, date)
                USING (clinic_id, doctor_id, date)
ORDER BY clinic_id, doctor_id, date FOR UPDATE OF queue_days
"""
FIND_ENTRIES = """
SELECT entries.* FROM entries JOIN unnest($1::uuid[], $2::uuid[]) AS asked(clinic_id, appointment_id)
                              USING (clinic_id, appointment_id)
"""
WRITE = """
WITH counted AS (
  UPDATE queue_days SET last_position = now.last_position, version = now.version
  FROM unnest($1::uuid[], $2::uuid[], $3::date[], $4::int[], $5::bigint[])
       AS now(clinic_id, doctor_id, date, last_position, version)
  WHERE (queue_days.clinic_id, queue_days.doctor_id, queue_days.date) = (now.clinic_id, now.doctor_id, now.date)
)
INSERT INTO entries (clinic_id, id, doctor_id, date, appointment_id, patient_id, position, state, checked_in_at,
                     appointment_version)
SELECT * FROM unnest($6::uuid[], $7::uuid[], $8::uuid[], $9::date[], $10::uuid[], $11::uuid[], $12::int[], $13::text[],
                     $14::timestamptz[], $15::bigint[])
"""
# An event that is older than what the entry follows, or comes again, finds nothing to change.
REASSIGN = """
WITH changed AS (
  UPDATE entries SET patient_id = now.patient_id, appointment_version = now.version, version = entries.version + 1
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[]) AS now(clinic_id, appointment_id, patient_id, version)
  WHERE entries.clinic_id = now.clinic_id AND entries.appointment_id = now.appointment_id
    AND entries.appointment_version < now.version
  RETURNING entries.clinic_id, entries.doctor_id, entries.date, entries.appointment_id, entries.id
), counted AS (
  UPDATE queue_days SET version = queue_days.version + changes
  FROM (SELECT clinic_id, doctor_id, date, count(*) AS changes FROM changed GROUP BY clinic_id, doctor_id, date) AS day
  WHERE (queue_days.clinic_id, queue_days.doctor_id, queue_days.date) = (day.clinic_id, day.doctor_id, day.date)
)
SELECT clinic_id, appointment_id, id FROM changed
"""


async def lock_queues(connection: Connection, keys: Collection[QueueKey]) -> dict[QueueKey, QueueDay]:
    """Makes the queues that are missing, and locks all of them until the transaction ends."""
    await connection.execute(MAKE_DAYS, *columns(keys, len(QueueKey._fields)))
    return await lock_existing_queues(connection, keys)


async def lock_existing_queues(connection: Connection, keys: Collection[QueueKey]) -> dict[QueueKey, QueueDay]:
    """Locks those of the queues that there are until the transaction ends."""
    rows = await connection.fetch(LOCK_DAYS, *columns(keys, len(QueueKey._fields)))
    return {
        QueueKey(row["clinic_id"], row["doctor_id"], row["date"]): QueueDay(row["last_position"], row["version"]) for row in rows
    }


async def find_entries(connection: Connection, keys: Collection[AppointmentKey]) -> dict[AppointmentKey, QueueEntryView]:
    """The entries that these appointments have. Read them under the locks of their queues, or they may be missed."""
    rows = await connection.fetch(FIND_ENTRIES, *columns(keys, len(AppointmentKey._fields)))
    return {AppointmentKey(row["clinic_id"], row["appointment_id"]): _view(row) for row in rows}


async def write(connection: Connection, queued: Collection[QueuedCheckIn], queues: Mapping[QueueKey, QueueDay]) -> None:
    """Writes the new entries of check-ins, and the counters of their locked queues."""
    counters = [(*key, day.last_position, day.version) for key, day in queues.items()]
    rows = [_row(one.check_in, one.entry) for one in queued]
    await connection.execute(WRITE, *columns(counters, 5), *columns(rows, 10))


async def reassign(connection: Connection, messages: Collection[AppointmentReassigned]) -> dict[AppointmentKey, UUID]:
    """Gives the entries of these appointments to other patients, under the locks of their queues; one message for each.

    Answers the entries that are changed: not those that follow a newer version of their appointment.
    """
    asked = [(one.clinic_id, one.appointment_id, one.patient_id, one.version) for one in messages]
    rows = await connection.fetch(REASSIGN, *columns(asked, 4))
    return {AppointmentKey(row["clinic_id"], row["appointment_id"]): row["id"] for row in rows}


async def page(sql: AsyncConnection, queue: QueueKey, *, limit: int, after_position: int) -> list[QueueEntryView]:
    """The first `limit` entries of a queue behind a position."""
    entries = models.entries.c
    asked = (
        select(models.entries)
        .where(entries.clinic_id == queue.clinic_id, entries.doctor_id == queue.doctor_id, entries.date == queue.date)
        .where(entries.position > after_position)
        .order_by(entries.position)
        .limit(limit)
    )
    return [_view(row) for row in (await sql.execute(asked)).mappings()]


def _view(row: asyncpg.Record | RowMapping) -> QueueEntryView:
    return QueueEntryView.model_validate(dict(row))


def _row(check_in: PatientCheckedIn, entry: QueueEntryView) -> tuple[object, ...]:
    place = (entry.doctor_id, entry.date, entry.appointment_id, entry.patient_id, entry.position)
    return (check_in.clinic_id, entry.id, *place, entry.state, entry.checked_in_at, check_in.version)
