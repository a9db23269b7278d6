"""Finds slots for commands and takes them. Called by `slots/reserve.py` and by displacements under the locks of the days."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from uuid import UUID

from services.availability.domain.days import DayKey
from services.availability.domain.reservations import FreeSlots, FreeSlotsNeeded
from services.availability.domain.slots import NamedSlot, Reservation, Slot
from services.availability.repository.rows import day_key, reservation_of, slot_of
from shared.contracts.availability import SlotReserved
from shared.infra.arrays import columns
from shared.infra.kafka.records import encode
from shared.infra.postgres import Connection

# Both statements look up one slot after the other, and OFFSET keeps it so: joined, a planner without statistics reads all of the
# clinic.
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
OF_APPOINTMENTS = """
SELECT asked.clinic_id, asked.doctor_id, asked.date, taken.*
FROM unnest($1::uuid[], $2::uuid[], $3::date[], $4::uuid[]) AS asked(clinic_id, doctor_id, date, appointment_id)
CROSS JOIN LATERAL (
  SELECT id, reservation_id, appointment_id FROM slots
  WHERE slots.clinic_id = asked.clinic_id AND slots.appointment_id = asked.appointment_id AND slots.state = 'taken'
    AND slots.doctor_id = asked.doctor_id AND slots.date = asked.date
  OFFSET 0
) AS taken
ORDER BY taken.reservation_id
"""
# A day has either numbers alone, or times: then `bookable_after` is set. Both go by the index of the day: coalesced, because a
# comparison with the start, or its order, lets the planner go through all times of the doctor (1.4 ms a day on a young table).
FREE = """
SELECT asked.clinic_id, asked.doctor_id, asked.date, day.offered, day.too_soon, free.*
FROM unnest($1::uuid[], $2::uuid[], $3::date[], $4::int[], $5::timestamptz[])
     AS asked(clinic_id, doctor_id, date, needed, bookable_after)
CROSS JOIN LATERAL (
  SELECT asked.bookable_after IS NULL OR EXISTS (
           SELECT FROM slots WHERE slots.clinic_id = asked.clinic_id AND slots.doctor_id = asked.doctor_id
                               AND slots.date = asked.date AND slots.published OFFSET 0) AS offered,
         asked.bookable_after IS NOT NULL AND EXISTS (
           SELECT FROM slots WHERE slots.clinic_id = asked.clinic_id AND slots.doctor_id = asked.doctor_id
                               AND slots.date = asked.date AND slots.state = 'free' AND slots.published
                               AND coalesce(slots.starts_at, asked.bookable_after) <= asked.bookable_after OFFSET 0) AS too_soon
) AS day
LEFT JOIN LATERAL (
  (SELECT id, number, location_id, starts_at, ends_at, time_zone FROM slots
   WHERE slots.clinic_id = asked.clinic_id AND slots.doctor_id = asked.doctor_id AND slots.date = asked.date
     AND slots.state = 'free' AND slots.published AND slots.starts_at IS NULL AND asked.bookable_after IS NULL
   ORDER BY slots.number LIMIT asked.needed)
  UNION ALL
  (SELECT id, number, location_id, starts_at, ends_at, time_zone FROM slots
   WHERE slots.clinic_id = asked.clinic_id AND slots.doctor_id = asked.doctor_id AND slots.date = asked.date
     AND slots.state = 'free' AND slots.published AND coalesce(slots.starts_at, asked.bookable_after) > asked.bookable_after
     AND asked.bookable_after IS NOT NULL
   ORDER BY coalesce(slots.starts_at, asked.bookable_after) LIMIT asked.needed)
) AS free ON true
"""
# The time that booking has to acknowledge a reservation starts here.
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


async def named_slots(connection: Connection, asked: Collection[tuple[DayKey, UUID]]) -> dict[tuple[DayKey, UUID], NamedSlot]:
    """The slots of locked days that have these ids, with their reservations."""
    rows = await connection.fetch(NAMED, *columns([(*day, id_) for day, id_ in asked], 4))
    return {(day_key(row), row["id"]): NamedSlot(slot_of(row), row["published"], reservation_of(row)) for row in rows}


async def reservations_of_appointments(
    connection: Connection, asked: Collection[tuple[DayKey, UUID]]
) -> dict[tuple[DayKey, UUID | None], Reservation]:
    """What these appointments have of these locked days."""
    rows = await connection.fetch(OF_APPOINTMENTS, *columns([(*day, id_) for day, id_ in asked], 4))
    return {(day_key(row), row["appointment_id"]): found for row in rows if (found := reservation_of(row))}


async def free_slots(connection: Connection, needed: Mapping[DayKey, FreeSlotsNeeded]) -> dict[DayKey, FreeSlots]:
    """The free slots that are needed of locked days: the lowest numbers, of timed days the earliest."""
    found: dict[DayKey, FreeSlots] = {}
    slots: defaultdict[DayKey, list[Slot]] = defaultdict(list)
    for row in await connection.fetch(FREE, *columns([(*day, *asked) for day, asked in needed.items()], 5)):
        day = day_key(row)
        if row["id"] is not None:
            slots[day].append(slot_of(row))
        found[day] = FreeSlots(slots[day], row["offered"], row["too_soon"])
    return found


async def take(connection: Connection, reserved: Collection[SlotReserved], question_after_seconds: float) -> None:
    """Takes free slots, which booking has so long to acknowledge. Raises `RuntimeError` if one is not free: then somebody wrote
    without the day's lock."""
    rows = [(one.clinic_id, one.slot_id, one.reservation_id, one.appointment_id, encode(one)) for one in reserved]
    done = await connection.execute(TAKE, *columns(rows, 5), question_after_seconds)
    if done != f"UPDATE {len(rows)}":
        raise RuntimeError("slot_taken_without_lock")
