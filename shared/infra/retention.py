"""Removes what no repeat can ask for any more: outcomes after 30 days, inbox rows after 32, in batches. A job of every owner.

An inbox row outlives the outcome of its command, so that a late repeat is refused `key_reused` instead of acting a second time
(`inbox.py` judges that). Inbox rows carry no policy: they say for which clinics a round has outcomes to look for.
"""

from shared.infra.inbox import OUTCOMES_KEPT_DAYS
from shared.infra.jobs import Job
from shared.infra.postgres import Database, clinic_array

INBOX_KEPT_DAYS = OUTCOMES_KEPT_DAYS + 2
INTERVAL_SECONDS = 600.0
ROWS = 5_000

OLD_INBOX = """
DELETE FROM inbox WHERE message_id IN
    (SELECT message_id FROM inbox WHERE received_at < now() - make_interval(days => $1) ORDER BY received_at LIMIT $2)
RETURNING clinic_id
"""
OLD_OUTCOMES = """
DELETE FROM outcomes WHERE settled_at IS NOT NULL AND (clinic_id, command_id) IN
    (SELECT clinic_id, command_id FROM outcomes WHERE decided_at < now() - make_interval(days => $1) ORDER BY decided_at LIMIT $2)
"""
ACT_FOR = "SELECT set_config('app.clinics', $1, true)"


def retention(database: Database, *, outcomes: bool) -> Job:
    """The job of one process. `outcomes` is whether the service holds any."""

    async def tidy() -> None:
        while await _round(database, outcomes=outcomes) == ROWS:
            pass

    return Job("retention", INTERVAL_SECONDS, tidy)


async def _round(database: Database, *, outcomes: bool) -> int:
    """One batch in one transaction. Answers how many inbox rows went."""
    async with database.hot.acquire() as connection, connection.transaction():
        gone = await connection.fetch(OLD_INBOX, INBOX_KEPT_DAYS, ROWS)
        if gone and outcomes:
            await connection.execute(ACT_FOR, clinic_array({row["clinic_id"] for row in gone}))
            await connection.execute(OLD_OUTCOMES, OUTCOMES_KEPT_DAYS, ROWS)
        return len(gone)
