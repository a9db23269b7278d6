"""Reservations that booking has not acknowledged: a row of the table `unacknowledged` each, until it is acknowledged or released.

The rows are made by `reserve.py` and removed by `release.py`; here they are removed by acknowledgements, and read when they are
overdue. A technical table without a policy, as a job asks for all clinics. Called by `slots/acknowledgements.py`.
"""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

import asyncpg
import structlog
from pydantic import ValidationError

from shared.contracts.availability import SlotReserved
from shared.infra.arrays import columns
from shared.infra.postgres import Connection

log = structlog.get_logger()

ACKNOWLEDGE = """
DELETE FROM unacknowledged USING unnest($1::uuid[], $2::uuid[]) AS acknowledged(clinic_id, reservation_id)
WHERE unacknowledged.clinic_id = acknowledged.clinic_id AND unacknowledged.reservation_id = acknowledged.reservation_id
"""
# A reservation is asked about less and less often: while booking is away, questions must not pile up for its return. The column
# `questions` counts them, `due_at` is when the next one is due.
OVERDUE = """
UPDATE unacknowledged
SET questions = questions + 1, due_at = clock_timestamp() + least(pause * 2 ^ least(questions, 10), greatest($2, pause))
FROM make_interval(secs => $1) AS pause
WHERE reservation_id IN (SELECT reservation_id FROM unacknowledged WHERE due_at <= clock_timestamp()
                         ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING reservation_id, reserved
"""
LONGEST_PAUSE = timedelta(minutes=10)


async def acknowledge(connection: Connection, reservations: Collection[tuple[UUID, UUID]]) -> None:
    """Ends the wait for (clinic, reservation) pairs, as far as they are waited for."""
    await connection.execute(ACKNOWLEDGE, *columns(reservations, 2))


async def claim_overdue(connection: Connection, ask_again_after_seconds: float, limit: int) -> tuple[list[SlotReserved], int]:
    """What is overdue and no other process asks about right now, and how many rows that were. Each is overdue again later, unless
    it is acknowledged before. A row that cannot be read holds up no other."""
    rows = await connection.fetch(OVERDUE, ask_again_after_seconds, LONGEST_PAUSE, limit)
    return [found for row in rows if (found := _reserved(row)) is not None], len(rows)


def _reserved(row: asyncpg.Record) -> SlotReserved | None:
    try:
        return SlotReserved.model_validate_json(row["reserved"])
    except ValidationError as error:
        log.error("timer_not_readable", reservation_id=str(row["reservation_id"]), fields=error.error_count())
        return None
