"""Days and slots of one doctor as they are, and what changes of the calendar write of them, in plain SQL.

Called by `calendar/slot_generation.py` and `doctors/remove.py` under the doctor's lock; the days are locked first.
"""

from datetime import date, datetime
from uuid import UUID

import asyncpg

from services.availability.domain.calendar import TimedSlot
from services.availability.domain.dates import oldest_date
from services.availability.domain.days import Day
from services.availability.domain.slot_generation import CurrentSlots, SlotChanges, SlotRow
from shared.contracts.availability import Mode
from shared.infra.arrays import columns
from shared.infra.postgres import Connection

LOCK_DAYS = """
SELECT date, mode, available, time_zone FROM days
WHERE clinic_id = $1 AND doctor_id = $2 AND date >= $3 ORDER BY date FOR UPDATE
"""
SLOTS = """
SELECT id, date, number, state, published, starts_at, ends_at, location_id, time_zone
FROM slots WHERE clinic_id = $1 AND doctor_id = $2 AND date >= $3
"""
REMOVE_SLOTS = "DELETE FROM slots WHERE clinic_id = $1 AND id = ANY($2::uuid[])"
REMOVE_DAYS = "DELETE FROM days WHERE clinic_id = $1 AND doctor_id = $2 AND date = ANY($3::date[])"
WRITE_DAYS = """
INSERT INTO days (clinic_id, doctor_id, date, mode, available, time_zone)
SELECT $1, $2, day.* FROM unnest($3::date[], $4::text[], $5::boolean[], $6::text[]) AS day
ON CONFLICT (clinic_id, doctor_id, date)
DO UPDATE SET mode = excluded.mode, available = excluded.available, time_zone = excluded.time_zone, version = days.version + 1
"""
UPDATE_SLOTS = """
UPDATE slots SET published = after.published, time_zone = after.time_zone
FROM unnest($2::uuid[], $3::boolean[], $4::text[]) AS after(id, published, time_zone)
WHERE slots.clinic_id = $1 AND slots.id = after.id
"""
ADD_SLOTS = """
INSERT INTO slots (clinic_id, doctor_id, number, date, starts_at, ends_at, location_id, time_zone)
SELECT $1, $2, slot.* FROM unnest($3::int[], $4::date[], $5::timestamptz[], $6::timestamptz[], $7::uuid[], $8::text[]) AS slot
"""


async def lock_days(connection: Connection, clinic_id: UUID, doctor_id: UUID, now: datetime) -> dict[date, Day]:
    """The days that may hold something to come, locked in order of date."""
    rows = await connection.fetch(LOCK_DAYS, clinic_id, doctor_id, oldest_date(now))
    return {row["date"]: Day(Mode(row["mode"]), row["available"], row["time_zone"]) for row in rows}


async def current_slots(connection: Connection, clinic_id: UUID, doctor_id: UUID, now: datetime) -> CurrentSlots:
    """What is there of a doctor: the days are locked first, so that nothing of it changes until the transaction ends."""
    days = await lock_days(connection, clinic_id, doctor_id, now)
    rows = await connection.fetch(SLOTS, clinic_id, doctor_id, oldest_date(now))
    return CurrentSlots(now, days, [_slot(row) for row in rows])


async def write(connection: Connection, clinic_id: UUID, doctor_id: UUID, changes: SlotChanges) -> None:
    """Writes what is to change; what stays as it is costs no statement."""
    doctor = (clinic_id, doctor_id)
    if changes.remove:
        await connection.execute(REMOVE_SLOTS, clinic_id, changes.remove)
    if changes.remove_days:
        await connection.execute(REMOVE_DAYS, *doctor, changes.remove_days)
    if changes.write_days:
        days = [(day, after.mode, after.available, after.time_zone) for day, after in changes.write_days.items()]
        await connection.execute(WRITE_DAYS, *doctor, *columns(days, 4))
    if changes.update:
        updated = [(row.id, row.published, row.timed.time_zone) for row in changes.update if row.timed]
        await connection.execute(UPDATE_SLOTS, clinic_id, *columns(updated, 3))
    if changes.add:
        await connection.execute(ADD_SLOTS, *doctor, *columns([(number, *slot) for number, slot in changes.add], 6))


def _slot(row: asyncpg.Record) -> SlotRow:
    timed = None
    if row["starts_at"]:
        timed = TimedSlot(row["date"], row["starts_at"], row["ends_at"], row["location_id"], row["time_zone"])
    return SlotRow(row["id"], row["date"], row["number"], row["state"] == "taken", row["published"], timed)
