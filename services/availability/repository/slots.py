"""The hot statements: a batch of any size takes each of them once at most, and every lock is a statement of its own.

Called by `service/` inside its unit of work, in this order: doctors, missing days, day locks, release, grow, named and held
slots, free slots, take.
Rows are locked in one global order in every process. Every statement joins on the clinic beside what row level security does.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from services.availability.domain.days import Day, DayKey, Holding, Place, Reservation, Slot
from shared.contracts.availability import Mode, SlotReserved
from shared.contracts.shapes import Active
from shared.infra.arrays import columns
from shared.infra.kafka.records import encode
from shared.infra.postgres import Connection

LOCK_DOCTORS = """
SELECT doctors.clinic_id, doctors.id, doctors.status, doctors.scheduled
FROM doctors JOIN unnest($1::uuid[], $2::uuid[]) AS asked(clinic_id, id) USING (clinic_id, id)
ORDER BY doctors.clinic_id, doctors.id FOR SHARE OF doctors
"""
# A closed date has no day to make, and one with extra hours has times: its day is made with them.
MAKE_DAYS = """
INSERT INTO days (clinic_id, doctor_id, date, mode, available, time_zone)
SELECT clinic_id, doctor_id, date, 'daily', true, time_zone
FROM unnest($1::uuid[], $2::uuid[], $3::date[], $4::text[]) AS asked(clinic_id, doctor_id, date, time_zone)
WHERE NOT EXISTS (SELECT FROM exceptions WHERE exceptions.clinic_id = asked.clinic_id AND exceptions.doctor_id = asked.doctor_id
                                           AND asked.date BETWEEN exceptions.from_date AND exceptions.to_date)
ORDER BY clinic_id, doctor_id, date
ON CONFLICT DO NOTHING RETURNING clinic_id, doctor_id, date
"""
LOCK_DAYS = """
SELECT days.clinic_id, days.doctor_id, days.date, days.mode, days.time_zone, days.available AND NOT EXISTS (
         SELECT FROM exceptions WHERE exceptions.clinic_id = days.clinic_id AND exceptions.doctor_id = days.doctor_id
           AND exceptions.kind = 'closed' AND days.date BETWEEN exceptions.from_date AND exceptions.to_date) AS available
FROM days JOIN unnest($1::uuid[], $2::uuid[], $3::date[]) AS asked(clinic_id, doctor_id, date) USING (clinic_id, doctor_id, date)
ORDER BY days.clinic_id, days.doctor_id, days.date FOR UPDATE OF days
"""
# Lowering a day leaves taken numbers above its capacity, which is the count of its slots. A freed one of these takes the lowest
# number that is missing; no other row has that, so no row of this statement meets another. Materialized and by index from each
# freed slot, because the planner expects one row of each part: joined otherwise 500 releases took 11 s.
# A slot that is not published has lost its rule: it goes instead of becoming free.
RELEASE = """
WITH ended AS (
  DELETE FROM unacknowledged USING unnest($1::uuid[], $5::uuid[]) AS asked(clinic_id, reservation_id)
  WHERE unacknowledged.clinic_id = asked.clinic_id AND unacknowledged.reservation_id = asked.reservation_id
), freed AS (
  SELECT slots.id, clinic_id, doctor_id, date, slots.number, slots.reservation_id, slots.starts_at, slots.published
  FROM slots JOIN unnest($1::uuid[], $2::uuid[], $3::date[], $4::uuid[], $5::uuid[])
                  AS asked(clinic_id, doctor_id, date, id, reservation_id)
             USING (clinic_id, doctor_id, date, id, reservation_id)
  WHERE slots.state = 'taken'
), high AS MATERIALIZED (
  SELECT freed.id, clinic_id, doctor_id, date, sized.capacity,
         row_number() OVER (PARTITION BY clinic_id, doctor_id, date ORDER BY freed.number) AS place
  FROM freed CROSS JOIN LATERAL (
    SELECT count(*) AS capacity FROM slots WHERE slots.clinic_id = freed.clinic_id AND slots.doctor_id = freed.doctor_id
                                             AND slots.date = freed.date) AS sized
  WHERE freed.starts_at IS NULL AND freed.published AND freed.number > sized.capacity
), missing AS MATERIALIZED (
  SELECT clinic_id, doctor_id, date, wanted.number,
         row_number() OVER (PARTITION BY clinic_id, doctor_id, date ORDER BY wanted.number) AS place
  FROM (SELECT DISTINCT clinic_id, doctor_id, date, capacity FROM high) AS sized
  CROSS JOIN LATERAL generate_series(1, sized.capacity) AS wanted(number)
  WHERE NOT EXISTS (SELECT FROM slots WHERE slots.clinic_id = sized.clinic_id AND slots.doctor_id = sized.doctor_id
                                        AND slots.date = sized.date AND slots.number = wanted.number)
), removed AS (
  DELETE FROM slots USING freed WHERE slots.id = freed.id AND slots.clinic_id = freed.clinic_id AND NOT freed.published
), emptied AS (
  UPDATE slots SET state = 'free', reservation_id = NULL, appointment_id = NULL, number = coalesce(missing.number, slots.number)
  FROM freed LEFT JOIN high USING (id, clinic_id, doctor_id, date) LEFT JOIN missing USING (clinic_id, doctor_id, date, place)
  WHERE slots.id = freed.id AND slots.clinic_id = freed.clinic_id AND freed.published
)
SELECT clinic_id, doctor_id, id, reservation_id, published FROM freed
"""
GROW = """
INSERT INTO slots (clinic_id, doctor_id, date, number)
SELECT asked.clinic_id, asked.doctor_id, asked.date, lacking.number
FROM unnest($1::uuid[], $2::uuid[], $3::date[], $4::int[]) AS asked(clinic_id, doctor_id, date, capacity)
CROSS JOIN LATERAL (
  SELECT wanted.number FROM generate_series(1, asked.capacity) AS wanted(number)
  WHERE NOT EXISTS (SELECT FROM slots WHERE slots.clinic_id = asked.clinic_id AND slots.doctor_id = asked.doctor_id
                                        AND slots.date = asked.date AND slots.number = wanted.number)
  ORDER BY wanted.number
  LIMIT greatest(0, asked.capacity - (SELECT count(*) FROM slots WHERE slots.clinic_id = asked.clinic_id
                                      AND slots.doctor_id = asked.doctor_id AND slots.date = asked.date))
) AS lacking
"""
SHRINK = """
DELETE FROM slots WHERE clinic_id = $1 AND id IN (
  SELECT id FROM slots WHERE clinic_id = $1 AND doctor_id = $2 AND date = $3 AND state = 'free' ORDER BY number DESC LIMIT $4)
"""
# Both look up one slot after the other, and OFFSET keeps it so: joined, a planner without statistics reads all of the clinic.
NAMED = """
SELECT asked.clinic_id, asked.doctor_id, asked.date, named.*
FROM unnest($1::uuid[], $2::uuid[], $3::date[], $4::uuid[]) AS asked(clinic_id, doctor_id, date, id)
CROSS JOIN LATERAL (
  SELECT id, number, location_id, starts_at, ends_at, time_zone, published, reservation_id, appointment_id FROM slots
  WHERE slots.clinic_id = asked.clinic_id AND slots.id = asked.id AND slots.doctor_id = asked.doctor_id
    AND slots.date = asked.date
  OFFSET 0
) AS named
"""
# An appointment that is being moved within a day has two slots of it for a moment: the newer one comes last.
HELD = """
SELECT asked.clinic_id, asked.doctor_id, asked.date, held.*
FROM unnest($1::uuid[], $2::uuid[], $3::date[], $4::uuid[]) AS asked(clinic_id, doctor_id, date, appointment_id)
CROSS JOIN LATERAL (
  SELECT id, reservation_id, appointment_id FROM slots
  WHERE slots.clinic_id = asked.clinic_id AND slots.appointment_id = asked.appointment_id AND slots.state = 'taken'
    AND slots.doctor_id = asked.doctor_id AND slots.date = asked.date
  OFFSET 0
) AS held
ORDER BY held.reservation_id
"""
# A day has either numbers alone, or times: then it is told from when on. Both go by the index of the day: coalesced, because a
# comparison with the start, or its order, lets the planner go through all times of the doctor (1.4 ms a day on a young table).
PICK_FREE = """
SELECT asked.clinic_id, asked.doctor_id, asked.date, free.*
FROM unnest($1::uuid[], $2::uuid[], $3::date[], $4::int[], $5::timestamptz[])
     AS asked(clinic_id, doctor_id, date, wanted, open_from)
CROSS JOIN LATERAL (
  (SELECT id, number, location_id, starts_at, ends_at, time_zone FROM slots
   WHERE slots.clinic_id = asked.clinic_id AND slots.doctor_id = asked.doctor_id AND slots.date = asked.date
     AND slots.state = 'free' AND slots.published AND slots.starts_at IS NULL AND asked.open_from IS NULL
   ORDER BY slots.number LIMIT asked.wanted)
  UNION ALL
  (SELECT id, number, location_id, starts_at, ends_at, time_zone FROM slots
   WHERE slots.clinic_id = asked.clinic_id AND slots.doctor_id = asked.doctor_id AND slots.date = asked.date
     AND slots.state = 'free' AND slots.published AND coalesce(slots.starts_at, asked.open_from) > asked.open_from
     AND asked.open_from IS NOT NULL
   ORDER BY coalesce(slots.starts_at, asked.open_from) LIMIT asked.wanted)
) AS free
"""
# With the taking starts the time that booking has to acknowledge it.
# "Not taken" says free without the partial index: as long as a young table has no statistics, the planner expects few free slots
# and went through all of the clinic for each one that is taken (117 ms a batch).
TAKE = """
WITH asked AS (
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bytea[])
                AS asked(clinic_id, id, reservation_id, appointment_id, reserved)
), timed AS (
  INSERT INTO unacknowledged (reservation_id, clinic_id, due_at, reserved)
  SELECT reservation_id, clinic_id, clock_timestamp() + make_interval(secs => $6), reserved FROM asked
)
UPDATE slots SET state = 'taken', reservation_id = asked.reservation_id, appointment_id = asked.appointment_id
FROM asked WHERE slots.clinic_id = asked.clinic_id AND slots.id = asked.id AND slots.state <> 'taken'
"""
COUNT = """
SELECT count(*) AS capacity, count(*) FILTER (WHERE state = 'free') AS remaining
FROM slots WHERE clinic_id = $1 AND doctor_id = $2 AND date = $3
"""


SLOT = tuple(field.name for field in fields(Slot))


class Released(NamedTuple):
    """What a release did: the reservations that held a slot until then, and the (clinic, doctor) who have lost a slot by it."""

    freed: set[Reservation]
    lost_slots: set[tuple[UUID, UUID]]


async def lock_doctors(connection: Connection, doctors: Collection[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], bool]:
    """The active ones of these (clinic, doctor), and whether each has a schedule; neither they nor their calendars change until
    the transaction ends."""
    rows = await connection.fetch(LOCK_DOCTORS, *columns(doctors, 2))
    return {(row["clinic_id"], row["id"]): row["scheduled"] for row in rows if row["status"] == Active.ACTIVE}


async def make_days(connection: Connection, zones: Mapping[DayKey, str]) -> set[DayKey]:
    """Makes the days that are missing, and answers which these were. They have no slots yet."""
    rows = await connection.fetch(MAKE_DAYS, *columns([(*day, zone) for day, zone in zones.items()], 4))
    return {_day(row) for row in rows}


async def lock_days(connection: Connection, days: Collection[DayKey]) -> dict[DayKey, Day]:
    """The records of the days that have one, locked until the transaction ends."""
    rows = await connection.fetch(LOCK_DAYS, *columns(days, 3))
    return {_day(row): Day(Mode(row["mode"]), row["available"], row["time_zone"]) for row in rows}


async def release(connection: Connection, reservations: Collection[tuple[DayKey, Reservation]]) -> Released:
    """Frees the slots of locked days that these reservations still hold, and answers which did. Their timers end."""
    asked = [(*day, reservation.slot_id, reservation.id) for day, reservation in reservations]
    rows = await connection.fetch(RELEASE, *columns(asked, 5))
    freed = {Reservation(row["clinic_id"], row["id"], row["reservation_id"]) for row in rows}
    return Released(freed, {(row["clinic_id"], row["doctor_id"]) for row in rows if not row["published"]})


async def grow(connection: Connection, capacities: Mapping[DayKey, int]) -> None:
    """Makes the lowest missing numbers of locked daily days, up to these capacities."""
    await connection.execute(GROW, *columns([(*day, capacity) for day, capacity in capacities.items()], 4))


async def shrink(connection: Connection, day: DayKey, by: int) -> None:
    """Removes the highest free numbers of a locked day."""
    await connection.execute(SHRINK, *day, by)


async def named(connection: Connection, asked: Collection[tuple[DayKey, UUID]]) -> dict[tuple[DayKey, UUID], Place]:
    """The slots of locked days that have these ids, and who has them."""
    rows = await connection.fetch(NAMED, *columns([(*day, id_) for day, id_ in asked], 4))
    return {(_day(row), row["id"]): Place(_slot(row), row["published"], _holding(row)) for row in rows}


async def held(connection: Connection, asked: Collection[tuple[DayKey, UUID]]) -> dict[tuple[DayKey, UUID | None], Holding]:
    """What these appointments have of these locked days."""
    rows = await connection.fetch(HELD, *columns([(*day, id_) for day, id_ in asked], 4))
    return {(_day(row), row["appointment_id"]): holding for row in rows if (holding := _holding(row))}


async def pick_free(
    connection: Connection, wanted: Mapping[DayKey, int], open_from: Mapping[DayKey, datetime]
) -> dict[DayKey, list[Slot]]:
    """The lowest free numbers of locked days, of each as many as are wanted of it; of timed days the earliest slots that start
    later than is told for them."""
    found: defaultdict[DayKey, list[Slot]] = defaultdict(list)
    asked = [(*day, number, open_from.get(day)) for day, number in wanted.items()]
    for row in await connection.fetch(PICK_FREE, *columns(asked, 5)):
        found[_day(row)].append(_slot(row))
    return found


async def take(connection: Connection, reserved: Collection[SlotReserved], question_after_seconds: float) -> None:
    """Takes picked slots. Raises `RuntimeError` if one is not free: then somebody wrote without the day's lock."""
    rows = [(one.clinic_id, one.slot_id, one.reservation_id, one.appointment_id, encode(one)) for one in reserved]
    done = await connection.execute(TAKE, *columns(rows, 5), question_after_seconds)
    if done != f"UPDATE {len(rows)}":
        raise RuntimeError("slot_taken_without_lock")


async def count(connection: Connection, day: DayKey) -> tuple[int, int]:
    """Capacity and remaining of a day."""
    row = await connection.fetchrow(COUNT, *day)
    assert row is not None
    return row["capacity"], row["remaining"]


def _day(row: Any) -> DayKey:
    return DayKey(row["clinic_id"], row["doctor_id"], row["date"])


def _slot(row: Any) -> Slot:
    return Slot(**{name: row[name] for name in SLOT})


def _holding(row: Any) -> Holding | None:
    return Holding(row["id"], row["reservation_id"], row["appointment_id"]) if row["reservation_id"] else None
