"""What changes of a calendar do to a doctor's days and slots, in plain SQL.

Called by `calendar/slot_generation.py` under the doctor's lock. The timers in `publications` come last,
behind the locks of doctor and days: whoever takes several of these takes them so.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.availability.domain.calendar import TimedSlot
from services.availability.domain.days import Day
from services.availability.domain.slot_generation import Plan, Present, SlotRow, oldest_date
from shared.contracts.availability import Mode
from shared.infra.postgres import Connection

LOCK_DAYS = """
SELECT date, mode, available, time_zone FROM days
WHERE clinic_id = $1 AND doctor_id = $2 AND date >= $3 ORDER BY date FOR UPDATE
"""
SLOTS = """
SELECT id, date, number, state, published, starts_at, ends_at, location_id, time_zone
FROM slots WHERE clinic_id = $1 AND doctor_id = $2 AND date >= $3
"""
DROP_SLOTS = "DELETE FROM slots WHERE clinic_id = $1 AND id = ANY($2::uuid[])"
DROP_DAYS = "DELETE FROM days WHERE clinic_id = $1 AND doctor_id = $2 AND date = ANY($3::date[])"
SET_DAYS = """
INSERT INTO days (clinic_id, doctor_id, date, mode, available, time_zone)
SELECT $1, $2, day.* FROM unnest($3::date[], $4::text[], $5::boolean[], $6::text[]) AS day
ON CONFLICT (clinic_id, doctor_id, date)
DO UPDATE SET mode = excluded.mode, available = excluded.available, time_zone = excluded.time_zone, version = days.version + 1
"""
MARK_SLOTS = """
UPDATE slots SET published = marked.published, time_zone = marked.time_zone
FROM unnest($2::uuid[], $3::boolean[], $4::text[]) AS marked(id, published, time_zone)
WHERE slots.clinic_id = $1 AND slots.id = marked.id
"""
ADD_SLOTS = """
INSERT INTO slots (clinic_id, doctor_id, number, date, starts_at, ends_at, location_id, time_zone)
SELECT $1, $2, slot.* FROM unnest($3::int[], $4::date[], $5::timestamptz[], $6::timestamptz[], $7::uuid[], $8::text[]) AS slot
"""
UPCOMING = """
SELECT slots.date, slots.id AS slot_id, slots.reservation_id, slots.appointment_id
FROM slots JOIN days USING (clinic_id, doctor_id, date)
WHERE clinic_id = $1 AND doctor_id = $2 AND slots.state = 'taken' AND date >= $3
  AND date >= ($4::timestamptz AT TIME ZONE coalesce(slots.time_zone, days.time_zone))::date
ORDER BY date, slots.number
"""
# An appointment that is being moved has two places for a moment: it is named once.
UNRULED = """
SELECT appointment_id FROM slots
WHERE clinic_id = $1 AND doctor_id = $2 AND date >= $3 AND state = 'taken' AND NOT published AND starts_at > $4
GROUP BY appointment_id ORDER BY min(starts_at)
"""
ON_DATES = """
SELECT asked.place, slots.appointment_id
FROM unnest($4::int[], $5::date[], $6::date[]) AS asked(place, first, last)
JOIN slots ON slots.clinic_id = $1 AND slots.doctor_id = $2 AND slots.state = 'taken'
          AND slots.date BETWEEN asked.first AND asked.last
JOIN days ON days.clinic_id = $1 AND days.doctor_id = $2 AND days.date = slots.date
WHERE slots.starts_at > $3 OR slots.starts_at IS NULL AND slots.date >= ($3::timestamptz AT TIME ZONE days.time_zone)::date
GROUP BY asked.place, slots.appointment_id ORDER BY asked.place, min(slots.date), min(slots.number)
"""
TAKEN = "SELECT DISTINCT appointment_id FROM slots WHERE clinic_id = $1 AND state = 'taken' AND appointment_id = ANY($2::uuid[])"
WITHDRAW_FREE = """
DELETE FROM slots USING days
WHERE slots.clinic_id = $1 AND slots.doctor_id = $2 AND slots.date >= $3 AND slots.state = 'free'
  AND days.clinic_id = $1 AND days.doctor_id = $2 AND days.date = slots.date
  AND (slots.starts_at > $4 OR slots.starts_at IS NULL AND slots.date >= ($4::timestamptz AT TIME ZONE days.time_zone)::date)
"""
WITHDRAW_TAKEN = """
UPDATE slots SET published = false WHERE clinic_id = $1 AND doctor_id = $2 AND date >= $3 AND state = 'taken'
"""
TIMER = "SELECT due_at FROM publications WHERE clinic_id = $1 AND doctor_id = $2"
# Who changed it since it was seen wants another look: at settings, say, that were not there yet when we read them.
SET_TIMER = """
INSERT INTO publications (clinic_id, doctor_id, due_at) VALUES ($1, $2, $3)
ON CONFLICT (clinic_id, doctor_id) DO UPDATE SET due_at = excluded.due_at
WHERE $4::timestamptz IS NULL OR publications.due_at = $4
"""
END_TIMER = "DELETE FROM publications WHERE clinic_id = $1 AND doctor_id = $2"
DUE = "SELECT clinic_id, doctor_id FROM publications WHERE due_at <= clock_timestamp() ORDER BY due_at LIMIT $1"
IS_DUE = "SELECT FROM publications WHERE clinic_id = $1 AND doctor_id = $2 AND due_at <= clock_timestamp()"
"""Asked again behind the doctor's lock: another process may have been faster."""
HASTEN_CLINICS = """
UPDATE publications SET due_at = clock_timestamp() FROM (
  SELECT clinic_id, doctor_id FROM publications WHERE clinic_id = ANY($1::uuid[]) ORDER BY clinic_id, doctor_id FOR UPDATE) AS due
WHERE publications.clinic_id = due.clinic_id AND publications.doctor_id = due.doctor_id
"""
# Nobody is waited for: whoever holds the row publishes behind this release, or has just hastened it too.
HASTEN = """
UPDATE publications SET due_at = clock_timestamp() FROM (
  SELECT clinic_id, doctor_id FROM publications JOIN unnest($1::uuid[], $2::uuid[]) AS asked(clinic_id, doctor_id)
                                                USING (clinic_id, doctor_id)
  FOR UPDATE OF publications SKIP LOCKED) AS due
WHERE publications.clinic_id = due.clinic_id AND publications.doctor_id = due.doctor_id
"""


async def lock_days(connection: Connection, clinic_id: UUID, doctor_id: UUID, now: datetime) -> dict[date, Day]:
    """The days that may hold something to come, locked in order of date."""
    rows = await connection.fetch(LOCK_DAYS, clinic_id, doctor_id, oldest_date(now))
    return {row["date"]: Day(Mode(row["mode"]), row["available"], row["time_zone"]) for row in rows}


async def present(connection: Connection, clinic_id: UUID, doctor_id: UUID, now: datetime) -> Present:
    """What is there of a doctor: the days are locked first, so that nothing of it changes until the transaction ends."""
    days = await lock_days(connection, clinic_id, doctor_id, now)
    rows = await connection.fetch(SLOTS, clinic_id, doctor_id, oldest_date(now))
    return Present(now, days, [_slot(row) for row in rows])


async def carry_out(connection: Connection, clinic_id: UUID, doctor_id: UUID, changes: Plan) -> None:
    """Writes what is to change; what stays as it is costs no statement."""
    doctor = (clinic_id, doctor_id)
    if changes.drop:
        await connection.execute(DROP_SLOTS, clinic_id, changes.drop)
    if changes.gone:
        await connection.execute(DROP_DAYS, *doctor, changes.gone)
    if changes.days:
        days = [(day, after.mode, after.available, after.time_zone) for day, after in changes.days.items()]
        await connection.execute(SET_DAYS, *doctor, *zip(*days, strict=True))
    if changes.mark:
        marks = [(row.id, row.published, row.timed.time_zone) for row in changes.mark if row.timed]
        await connection.execute(MARK_SLOTS, clinic_id, *zip(*marks, strict=True))
    if changes.add:
        await connection.execute(ADD_SLOTS, *doctor, *zip(*((number, *slot) for number, slot in changes.add), strict=True))


async def timer(connection: Connection, clinic_id: UUID, doctor_id: UUID) -> datetime | None:
    """When the doctor is to be looked at next. To be seen before all that a plan is made of."""
    due_at: datetime | None = await connection.fetchval(TIMER, clinic_id, doctor_id)
    return due_at


async def set_timer(
    connection: Connection, clinic_id: UUID, doctor_id: UUID, due_at: datetime | None, seen: datetime | None = None
) -> None:
    """When the doctor is to be looked at again; never, if None. One that is no more as it was seen stays as it is."""
    if due_at is None:
        await connection.execute(END_TIMER, clinic_id, doctor_id)
    else:
        await connection.execute(SET_TIMER, clinic_id, doctor_id, due_at, seen)


async def due(connection: Connection, limit: int) -> list[tuple[UUID, UUID]]:
    """The (clinic, doctor) whose time has come, the longest due first."""
    return [(row["clinic_id"], row["doctor_id"]) for row in await connection.fetch(DUE, limit)]


async def is_due(connection: Connection, clinic_id: UUID, doctor_id: UUID) -> bool:
    """Whether a locked doctor is still to be looked at."""
    return await connection.fetchrow(IS_DUE, clinic_id, doctor_id) is not None


async def hasten_clinics(connection: Connection, clinics: Collection[UUID]) -> None:
    """All doctors of these clinics that have a timer are due now."""
    await connection.execute(HASTEN_CLINICS, list(clinics))


async def hasten(connection: Connection, doctors: Collection[tuple[UUID, UUID]]) -> None:
    """These (clinic, doctor) are due now, if they have a timer."""
    await connection.execute(HASTEN, [clinic for clinic, _ in doctors], [doctor for _, doctor in doctors])


async def upcoming(connection: Connection, clinic_id: UUID, doctor_id: UUID, now: datetime) -> list[dict[str, Any]]:
    """What is taken of locked days of today or later, today by the zone of each."""
    return [dict(row) for row in await connection.fetch(UPCOMING, clinic_id, doctor_id, oldest_date(now), now)]


async def unruled(connection: Connection, clinic_id: UUID, doctor_id: UUID, now: datetime) -> list[UUID]:
    """The appointments to come whose times no rule of the calendar asks for, in order of start."""
    rows = await connection.fetch(UNRULED, clinic_id, doctor_id, oldest_date(now), now)
    return [row["appointment_id"] for row in rows]


async def on_dates(
    connection: Connection, clinic_id: UUID, doctor_id: UUID, now: datetime, spans: Sequence[tuple[date, date]]
) -> list[list[UUID]]:
    """The appointments to come within each of these spans of dates."""
    found: list[list[UUID]] = [[] for _ in spans]
    columns = (range(len(spans)), [first for first, _ in spans], [last for _, last in spans])
    for row in await connection.fetch(ON_DATES, clinic_id, doctor_id, now, *columns):
        found[row["place"]].append(row["appointment_id"])
    return found


async def still_taken(connection: Connection, clinic_id: UUID, appointments: Collection[UUID]) -> list[UUID]:
    """Those of these appointments that have a place."""
    return [row["appointment_id"] for row in await connection.fetch(TAKEN, clinic_id, list(appointments))]


async def withdraw(connection: Connection, clinic_id: UUID, doctor_id: UUID, now: datetime) -> None:
    """Removes what is free and to come of locked days, leaves what is taken without publication, and ends the timer."""
    doctor = (clinic_id, doctor_id)
    await connection.execute(WITHDRAW_FREE, *doctor, oldest_date(now), now)
    await connection.execute(WITHDRAW_TAKEN, *doctor, oldest_date(now))
    await connection.execute(END_TIMER, *doctor)


def _slot(row: asyncpg.Record) -> SlotRow:
    timed = None
    if row["starts_at"]:
        timed = TimedSlot(row["date"], row["starts_at"], row["ends_at"], row["location_id"], row["time_zone"])
    return SlotRow(row["id"], row["date"], row["number"], row["state"] == "taken", row["published"], timed)
