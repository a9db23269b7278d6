"""What the two databases say of each other once nothing is owed: invariants 1, 10 and 11 of the architecture, in plain SQL.

Called at the end of each life of the machine and by the soak; what it finds is told in words.
"""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

TAKEN = """
SELECT id AS slot_id, reservation_id, appointment_id AS id, doctor_id, date, number AS slot_number, starts_at, ends_at
FROM slots WHERE doctor_id = ANY($1::uuid[]) AND state = 'taken'
"""
HELD = """
SELECT slot_id, reservation_id, id, doctor_id, date, slot_number, starts_at, ends_at
FROM appointments WHERE doctor_id = ANY($1::uuid[]) AND status IN ('pending', 'booked', 'checked_in')
"""
OVERDUE = """
SELECT id FROM appointments
WHERE doctor_id = ANY($1::uuid[]) AND status = 'pending' AND expires_at < clock_timestamp() - make_interval(secs => $2)
"""
IN_TWO_PLACES = """
SELECT one.id FROM appointments AS one JOIN appointments AS other USING (clinic_id, patient_id)
WHERE one.doctor_id = ANY($1::uuid[]) AND one.id < other.id
  AND one.status IN ('pending', 'booked', 'checked_in') AND other.status IN ('pending', 'booked', 'checked_in')
  AND one.starts_at < other.ends_at AND other.starts_at < one.ends_at
"""
TWO_AT_A_TIME = """
SELECT one.id FROM slots AS one JOIN slots AS other USING (clinic_id, doctor_id)
WHERE one.doctor_id = ANY($1::uuid[]) AND one.id < other.id AND one.starts_at < other.ends_at AND other.starts_at < one.ends_at
"""
SWEPT_WITHIN_SECONDS = 5.0
"""Far more than the sweep needs; a hold that is older was forgotten."""


async def audit(availability: Any, booking: Any, doctors: Sequence[str]) -> list[str]:
    """What is wrong with the appointments and slots of these doctors."""
    ids = [UUID(doctor) for doctor in doctors]
    taken = {row["slot_id"]: dict(row) for row in await availability.fetch(TAKEN, ids)}
    held = [dict(row) for row in await booking.fetch(HELD, ids)]
    found = list(_unlike(taken, held))
    found += [f"hold {row['id']} is overdue" for row in await booking.fetch(OVERDUE, ids, SWEPT_WITHIN_SECONDS)]
    found += [f"the patient of {row['id']} is in two places" for row in await booking.fetch(IN_TWO_PLACES, ids)]
    return found + [f"slot {row['id']} overlaps another of its doctor" for row in await availability.fetch(TWO_AT_A_TIME, ids)]


def _unlike(taken: dict[UUID, dict[str, Any]], held: list[dict[str, Any]]) -> Iterator[str]:
    """Slots and live appointments are the same, one by one."""
    for one in held:
        slot = taken.pop(one["slot_id"], None)
        if slot is None:
            yield f"appointment {one['id']} has no slot of its own"
        elif slot != one:
            yield f"slot {slot} is not what its appointment says: {one}"
    for slot in taken.values():
        yield f"slot {slot['slot_id']} is taken by {slot['id']}, which does not live there"
