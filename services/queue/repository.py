"""All SQL of the queue. A batch of any size takes a constant number of statements; locks are statements of their own.

Called by `service.py` inside its unit of work. Every statement joins on the clinic beside what row level security does.
"""

from collections.abc import Collection, Mapping
from uuid import UUID

import asyncpg
from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.queue import models
from services.queue.domain import AppointmentKey, QueueDay, QueueKey
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
INSERT INTO entries (clinic_id, id, doctor_id, date, appointment_id, patient_id, position, state, checked_in_at)
SELECT * FROM unnest($6::uuid[], $7::uuid[], $8::uuid[], $9::date[], $10::uuid[], $11::uuid[], $12::int[], $13::text[],
                     $14::timestamptz[])
"""
REASSIGN = """
UPDATE entries SET patient_id = now.patient_id
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS now(clinic_id, appointment_id, patient_id)
WHERE entries.clinic_id = now.clinic_id AND entries.appointment_id = now.appointment_id
RETURNING entries.clinic_id, entries.appointment_id, entries.id
"""


async def lock_queues(connection: Connection, keys: Collection[QueueKey]) -> dict[QueueKey, QueueDay]:
    """Makes the queues that are missing, and locks all of them until the transaction ends."""
    asked = columns(keys, len(QueueKey._fields))
    await connection.execute(MAKE_DAYS, *asked)
    rows = await connection.fetch(LOCK_DAYS, *asked)
    return {
        QueueKey(row["clinic_id"], row["doctor_id"], row["date"]): QueueDay(row["last_position"], row["version"]) for row in rows
    }


async def find_entries(connection: Connection, keys: Collection[AppointmentKey]) -> dict[AppointmentKey, QueueEntryView]:
    """The entries that these appointments have. Read them under the locks of their queues, or they may be missed."""
    rows = await connection.fetch(FIND_ENTRIES, *columns(keys, len(AppointmentKey._fields)))
    return {AppointmentKey(row["clinic_id"], row["appointment_id"]): _view(row) for row in rows}


async def write(
    connection: Connection, entries: Collection[tuple[UUID, QueueEntryView]], queues: Mapping[QueueKey, QueueDay]
) -> None:
    """Writes new (clinic, entry) pairs and the counters of their locked queues."""
    counters = [(*key, day.last_position, day.version) for key, day in queues.items()]
    rows = [
        (clinic, e.id, e.doctor_id, e.date, e.appointment_id, e.patient_id, e.position, e.state, e.checked_in_at)
        for clinic, e in entries
    ]
    await connection.execute(WRITE, *columns(counters, 5), *columns(rows, 9))


async def reassign(connection: Connection, patients: Mapping[AppointmentKey, UUID]) -> dict[AppointmentKey, UUID]:
    """Gives the entries of these appointments to other patients. Answers the entries that there are."""
    rows = await connection.fetch(REASSIGN, *columns([(*key, patient) for key, patient in patients.items()], 3))
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
