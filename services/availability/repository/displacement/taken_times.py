"""The taken slots to come that have times, with what decides their zones. Plain SQL, called by `service/`."""

from datetime import datetime
from uuid import UUID

from services.availability.domain.dates import oldest_date
from services.availability.domain.wall_times import TakenTime
from services.availability.repository.doctors.location_zones import LOCATION_ZONES
from shared.infra.postgres import Connection

TAKEN = f"""
SELECT slots.appointment_id, slots.starts_at, slots.time_zone, slots.location_id, location.time_zone AS location_zone,
       {LOCATION_ZONES} AS location_zones
FROM slots JOIN doctors ON doctors.clinic_id = slots.clinic_id AND doctors.id = slots.doctor_id
LEFT JOIN locations AS location ON location.clinic_id = slots.clinic_id AND location.id = slots.location_id
WHERE slots.clinic_id = $1 AND ($2::uuid IS NULL OR slots.doctor_id = $2) AND slots.date >= $3 AND slots.state = 'taken'
  AND slots.starts_at > $4 AND doctors.status = 'active'
"""


async def taken_times(connection: Connection, clinic_id: UUID, now: datetime, doctor_id: UUID | None = None) -> list[TakenTime]:
    """Those of one doctor, or of all active ones of a clinic."""
    return [TakenTime(**row) for row in await connection.fetch(TAKEN, clinic_id, doctor_id, oldest_date(now), now)]
