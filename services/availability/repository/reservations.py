"""The timers of reservations that booking has not acknowledged yet: a row each, from the taking to an acknowledgement or release.

They start and end with the hot statements of `slots.py`; here they are ended by acknowledgements, and found when they are due. A
technical table without a policy, as a job asks for all clinics. Called by `service/` inside its unit of work.
"""

from collections.abc import Collection
from uuid import UUID

from shared.contracts.availability import SlotReserved
from shared.infra.postgres import Connection

END = "DELETE FROM unacknowledged WHERE reservation_id = ANY($1::uuid[])"
DUE = """
UPDATE unacknowledged SET due_at = clock_timestamp() + make_interval(secs => $1)
WHERE reservation_id IN (SELECT reservation_id FROM unacknowledged WHERE due_at <= clock_timestamp()
                         ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED)
RETURNING reserved
"""


async def end(connection: Connection, reservations: Collection[UUID]) -> None:
    """Ends the timers that are still there."""
    await connection.execute(END, list(reservations))


async def take_due(connection: Connection, again_after_seconds: float, limit: int) -> list[SlotReserved]:
    """What is due and nobody else is asking about right now; it is due again later, unless its timer ends before."""
    rows = await connection.fetch(DUE, again_after_seconds, limit)
    return [SlotReserved.model_validate_json(row["reserved"]) for row in rows]
