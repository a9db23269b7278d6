"""The timers of reservations that booking has not acknowledged yet: a row each, from the taking to an acknowledgement or release.

They start and end with the hot statements of `slots.py`; here they are ended by acknowledgements, and found when they are due. A
technical table without a policy, as a job asks for all clinics. Called by `service/` inside its unit of work.
"""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

import asyncpg
import structlog
from pydantic import ValidationError

from shared.contracts.availability import SlotReserved
from shared.infra.postgres import Connection

log = structlog.get_logger()

END = """
DELETE FROM unacknowledged USING unnest($1::uuid[], $2::uuid[]) AS ended(clinic_id, reservation_id)
WHERE unacknowledged.clinic_id = ended.clinic_id AND unacknowledged.reservation_id = ended.reservation_id
"""
# Whoever does not answer is asked less and less often, so that it is not met by all the questions of its absence.
DUE = """
UPDATE unacknowledged
SET questions = questions + 1, due_at = clock_timestamp() + least(patience * 2 ^ least(questions, 10), greatest($2, patience))
FROM make_interval(secs => $1) AS patience
WHERE reservation_id IN (SELECT reservation_id FROM unacknowledged WHERE due_at <= clock_timestamp()
                         ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING reservation_id, reserved
"""
SELDOM = timedelta(minutes=10)


async def end(connection: Connection, reservations: Collection[tuple[UUID, UUID]]) -> None:
    """Ends the timers of (clinic, reservation) pairs that are still there."""
    await connection.execute(END, [clinic for clinic, _ in reservations], [id_ for _, id_ in reservations])


async def take_due(connection: Connection, again_after_seconds: float, limit: int) -> tuple[list[SlotReserved], int]:
    """What is due and nobody else is asking about right now, and how many rows that were; it is due again later, unless its timer
    ends before. A row that cannot be read holds up no other."""
    rows = await connection.fetch(DUE, again_after_seconds, SELDOM, limit)
    return [found for row in rows if (found := _read(row)) is not None], len(rows)


def _read(row: asyncpg.Record) -> SlotReserved | None:
    try:
        return SlotReserved.model_validate_json(row["reserved"])
    except ValidationError as error:
        log.error("timer_not_readable", reservation_id=str(row["reservation_id"]), fields=error.error_count())
        return None
