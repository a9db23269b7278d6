"""Gives reserved slots back. Called by `slots/release.py` under the locks of the days."""

from collections.abc import Collection
from typing import NamedTuple

from services.availability.domain.days import DayKey, DoctorKey
from services.availability.domain.slots import ReservationKey
from shared.infra.arrays import columns
from shared.infra.postgres import Connection

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
         row_number() OVER (PARTITION BY clinic_id, doctor_id, date ORDER BY freed.number) AS rank
  FROM freed CROSS JOIN LATERAL (
    SELECT count(*) AS capacity FROM slots WHERE slots.clinic_id = freed.clinic_id AND slots.doctor_id = freed.doctor_id
                                             AND slots.date = freed.date) AS sized
  WHERE freed.starts_at IS NULL AND freed.published AND freed.number > sized.capacity
), missing AS MATERIALIZED (
  SELECT clinic_id, doctor_id, date, wanted.number,
         row_number() OVER (PARTITION BY clinic_id, doctor_id, date ORDER BY wanted.number) AS rank
  FROM (SELECT DISTINCT clinic_id, doctor_id, date, capacity FROM high) AS sized
  CROSS JOIN LATERAL generate_series(1, sized.capacity) AS wanted(number)
  WHERE NOT EXISTS (SELECT FROM slots WHERE slots.clinic_id = sized.clinic_id AND slots.doctor_id = sized.doctor_id
                                        AND slots.date = sized.date AND slots.number = wanted.number)
), removed AS (
  DELETE FROM slots USING freed WHERE slots.id = freed.id AND slots.clinic_id = freed.clinic_id AND NOT freed.published
), emptied AS (
  UPDATE slots SET state = 'free', reservation_id = NULL, appointment_id = NULL, number = coalesce(missing.number, slots.number)
  FROM freed LEFT JOIN high USING (id, clinic_id, doctor_id, date) LEFT JOIN missing USING (clinic_id, doctor_id, date, rank)
  WHERE slots.id = freed.id AND slots.clinic_id = freed.clinic_id AND freed.published
)
SELECT clinic_id, doctor_id, id, reservation_id, published FROM freed
"""


class Released(NamedTuple):
    """What a release did: the reservations that had taken a slot until then, and the doctors who have lost a slot by it."""

    freed: set[ReservationKey]
    lost_a_slot: set[DoctorKey]


async def release(connection: Connection, reservations: Collection[tuple[DayKey, ReservationKey]]) -> Released:
    """Frees the slots of locked days that these reservations still take, and answers which did. They need no acknowledgement."""
    asked = [(*day, reservation.slot_id, reservation.reservation_id) for day, reservation in reservations]
    rows = await connection.fetch(RELEASE, *columns(asked, 5))
    freed = {ReservationKey(row["clinic_id"], row["id"], row["reservation_id"]) for row in rows}
    return Released(freed, {DoctorKey(row["clinic_id"], row["doctor_id"]) for row in rows if not row["published"]})
