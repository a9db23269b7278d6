"""The timers of holds: a row each, from the booking to the end of the hold's time, whatever became of it meanwhile.

Only the sweep ends them: who confirms or cancels has locks that a sweep must not wait for. A technical table without a policy,
as the sweep asks for all clinics. Called by `appointments/bookings.py` and `appointments/holds.py`.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from services.booking.domain import Appointment
from shared.infra.postgres import Connection

START = (
    "INSERT INTO hold_timers (clinic_id, appointment_id, due_at) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[])"
)
CLINICS = """
SELECT DISTINCT clinic_id
FROM (SELECT clinic_id FROM hold_timers WHERE due_at <= clock_timestamp() ORDER BY due_at LIMIT $1) AS due
"""
TAKE = """
SELECT appointment_id FROM hold_timers WHERE clinic_id = $1 AND due_at <= $2 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED
"""
END = "DELETE FROM hold_timers WHERE clinic_id = $1 AND appointment_id = ANY($2)"


async def start(connection: Connection, held: Sequence[Appointment]) -> None:
    """Starts the timers of new holds."""
    columns = ("clinic_id", "id", "expires_at")
    await connection.execute(START, *([getattr(one, column) for one in held] for column in columns))


async def clinics(connection: Connection, limit: int) -> list[UUID]:
    """The clinics of the timers that are due, of the first `limit` of them."""
    return [row["clinic_id"] for row in await connection.fetch(CLINICS, limit)]


async def take_due(connection: Connection, clinic_id: UUID, now: datetime, limit: int) -> list[UUID]:
    """Locks timers that are due and that no other sweep has, and gives their appointments."""
    return [row["appointment_id"] for row in await connection.fetch(TAKE, clinic_id, now, limit)]


async def end(connection: Connection, clinic_id: UUID, appointments: Collection[UUID]) -> None:
    """Ends the timers of these appointments."""
    await connection.execute(END, clinic_id, list(appointments))
