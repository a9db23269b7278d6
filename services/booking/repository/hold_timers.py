"""The table `hold_timers`: a row for each hold, from its booking until its time is over, whatever became of it meanwhile.

Only the sweep ends timers: a confirmation or a cancellation has locks that a sweep must not wait for. A technical table without a
policy, as the sweep asks for all clinics. Called by `appointments/write_order.py` and `appointments/sweep.py`.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from services.booking.domain.appointments import Appointment
from shared.infra.arrays import columns
from shared.infra.postgres import Connection

START = (
    "INSERT INTO hold_timers (clinic_id, appointment_id, due_at) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[])"
)
CLINICS_DUE = """
SELECT DISTINCT clinic_id
FROM (SELECT clinic_id FROM hold_timers WHERE due_at <= clock_timestamp() ORDER BY due_at LIMIT $1) AS due
"""
TAKE_DUE = """
SELECT appointment_id FROM hold_timers WHERE clinic_id = $1 AND due_at <= $2 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED
"""
END = "DELETE FROM hold_timers WHERE clinic_id = $1 AND appointment_id = ANY($2)"


async def start(connection: Connection, held: Sequence[Appointment]) -> None:
    """Starts the timers of new holds."""
    await connection.execute(START, *columns([(*one.key, one.expires_at) for one in held], 3))


async def clinics_due(connection: Connection, limit: int) -> list[UUID]:
    """The clinics of the timers that are due, of the first `limit` of them."""
    return [row["clinic_id"] for row in await connection.fetch(CLINICS_DUE, limit)]


async def take_due(connection: Connection, clinic_id: UUID, now: datetime, limit: int) -> list[UUID]:
    """Locks timers that are due and that no other sweep has locked, and gives the ids of their appointments."""
    return [row["appointment_id"] for row in await connection.fetch(TAKE_DUE, clinic_id, now, limit)]


async def end(connection: Connection, clinic_id: UUID, appointment_ids: Collection[UUID]) -> None:
    """Ends the timers of these appointments."""
    await connection.execute(END, clinic_id, list(appointment_ids))
