"""Days and slots as generation finds them, and what it writes, in plain SQL.

Called by `calendar/slot_generation.py` and `doctors/remove.py`. All is written under the locks of the doctor and of the days,
in this order. What was read without them is compared with what is there behind them by a number, not by reading it again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import reduce
from operator import xor
from uuid import UUID

import asyncpg

from services.availability.domain.calendar import TimedSlot
from services.availability.domain.dates import oldest_date
from services.availability.domain.days import Day
from services.availability.domain.slot_generation import SlotChanges, SlotRow
from shared.contracts.availability import Mode
from shared.infra.arrays import columns
from shared.infra.postgres import Connection

DAYS = """
SELECT date, mode, available, time_zone FROM days
WHERE clinic_id = $1 AND doctor_id = $2 AND date >= $3 ORDER BY date
"""
LOCK_DAYS = f"{DAYS} FOR UPDATE"
BUSY = """
SELECT date FROM unnest($3::date[]) AS date
WHERE EXISTS (SELECT FROM slots WHERE slots.clinic_id = $1 AND slots.doctor_id = $2 AND slots.date = date.date
                                  AND slots.state = 'taken' OFFSET 0)
"""
SLOT_COLUMNS = "id, date, number, state, published, starts_at, ends_at, location_id, time_zone"
OF_DATES = "FROM slots WHERE clinic_id = $1 AND doctor_id = $2 AND date = ANY($3::date[])"
HASH = f"hash_record_extended(ROW({SLOT_COLUMNS}), 0)"
SLOTS = f"SELECT {SLOT_COLUMNS}, {HASH} AS hash {OF_DATES}"
FINGERPRINT = f"SELECT count(*), coalesce(bit_xor({HASH}), 0) {OF_DATES}"
REMOVE_SLOTS = "DELETE FROM slots WHERE clinic_id = $1 AND id = ANY($2::uuid[]) AND state <> 'taken'"
REMOVE_NUMBERS = """
DELETE FROM slots
WHERE clinic_id = $1 AND doctor_id = $2 AND date = ANY($3::date[]) AND starts_at IS NULL AND state <> 'taken'
"""
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


@dataclass(frozen=True)
class SlotState:
    """What says of a doctor's days and slots to come whether they are still as they were seen."""

    days: Mapping[date, Day]
    busy: frozenset[date]
    """The daily days of which something is taken."""
    fingerprint: tuple[int, int]
    """Of the slots with times: how many these are, and a hash of all that they are."""

    @property
    def timed_dates(self) -> list[date]:
        """The days that have slots with times."""
        return [day for day, record in self.days.items() if record.mode is Mode.TIMED]


async def lock_days(connection: Connection, clinic_id: UUID, doctor_id: UUID, now: datetime) -> dict[date, Day]:
    """The days that may hold something to come, locked in order of date."""
    return _days(await connection.fetch(LOCK_DAYS, clinic_id, doctor_id, oldest_date(now)))


async def seen_slots(connection: Connection, clinic_id: UUID, doctor_id: UUID, now: datetime) -> tuple[SlotState, list[SlotRow]]:
    """What is there of a doctor now, without a lock, and the slots that have times.

    Their fingerprint is of the very rows that are given: between two statements a place can be freed and taken again.
    """
    state = await _days_and_busy(connection, clinic_id, doctor_id, now, DAYS)
    rows = await _timed_rows(connection, clinic_id, doctor_id, state.timed_dates)
    return replace(state, fingerprint=(len(rows), reduce(xor, (row["hash"] for row in rows), 0))), [_slot(row) for row in rows]


async def locked_state(connection: Connection, clinic_id: UUID, doctor_id: UUID, now: datetime) -> SlotState:
    """What is there of a doctor, whose days are locked first: it stays so until the transaction ends."""
    state = await _days_and_busy(connection, clinic_id, doctor_id, now, LOCK_DAYS)
    return replace(state, fingerprint=await _fingerprint(connection, clinic_id, doctor_id, state.timed_dates))


async def timed_slots(connection: Connection, clinic_id: UUID, doctor_id: UUID, dates: Collection[date]) -> list[SlotRow]:
    """The slots with times of these locked days."""
    return [_slot(row) for row in await _timed_rows(connection, clinic_id, doctor_id, dates)]


async def write(connection: Connection, clinic_id: UUID, doctor_id: UUID, changes: SlotChanges) -> None:
    """Writes what is to change; what stays as it is costs no statement.

    Raises `RuntimeError` if a slot that is to go is taken: then somebody wrote without the day's lock, or it was not looked at.
    """
    doctor = (clinic_id, doctor_id)
    if changes.remove:
        removed = await connection.execute(REMOVE_SLOTS, clinic_id, changes.remove)
        if removed != f"DELETE {len(changes.remove)}":
            raise RuntimeError("slot_taken_without_lock")
    if changes.remove_numbers:
        await connection.execute(REMOVE_NUMBERS, *doctor, changes.remove_numbers)
    if changes.remove_days:
        await connection.execute(REMOVE_DAYS, *doctor, changes.remove_days)
    if changes.write_days:
        days = [(day, after.mode, after.available, after.time_zone) for day, after in changes.write_days.items()]
        await connection.execute(WRITE_DAYS, *doctor, *columns(days, 4))
    if changes.update:
        updated = [(row.id, row.published, row.timed.time_zone) for row in changes.update]
        await connection.execute(UPDATE_SLOTS, clinic_id, *columns(updated, 3))
    if changes.add:
        await connection.execute(ADD_SLOTS, *doctor, *columns([(number, *slot) for number, slot in changes.add], 6))


async def _days_and_busy(connection: Connection, clinic_id: UUID, doctor_id: UUID, now: datetime, statement: str) -> SlotState:
    days = _days(await connection.fetch(statement, clinic_id, doctor_id, oldest_date(now)))
    daily = [day for day, record in days.items() if record.mode is Mode.DAILY]
    busy = await connection.fetch(BUSY, clinic_id, doctor_id, daily) if daily else []
    return SlotState(days, frozenset(row["date"] for row in busy), fingerprint=(0, 0))


async def _timed_rows(
    connection: Connection, clinic_id: UUID, doctor_id: UUID, dates: Collection[date]
) -> Sequence[asyncpg.Record]:
    return await connection.fetch(SLOTS, clinic_id, doctor_id, list(dates)) if dates else []


async def _fingerprint(connection: Connection, clinic_id: UUID, doctor_id: UUID, dates: Collection[date]) -> tuple[int, int]:
    if not dates:
        return 0, 0
    row = await connection.fetchrow(FINGERPRINT, clinic_id, doctor_id, list(dates))
    assert row is not None
    return row[0], row[1]


def _days(rows: Sequence[asyncpg.Record]) -> dict[date, Day]:
    return {row["date"]: Day(Mode(row["mode"]), row["available"], row["time_zone"]) for row in rows}


def _slot(row: asyncpg.Record) -> SlotRow:
    timed = TimedSlot(row["date"], row["starts_at"], row["ends_at"], row["location_id"], row["time_zone"])
    return SlotRow(row["id"], row["number"], row["state"] == "taken", row["published"], timed)
