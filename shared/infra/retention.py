"""Removes what no repeat can ask for any more: inbox rows after 32 days, outcomes after 33, in batches. A job of every owner.

From the 30th day on `inbox.py` takes a repeat for a key used up, whatever is still there. Outcomes go last: a command whose inbox
row is there never looks undecided, and one whose row is gone still meets its outcome for a day. Only then its key is new again.
Inbox rows carry no policy: those that go say of which clinics a round looks for outcomes; a clinic without any keeps them longer.
"""

from uuid import UUID

from shared.contracts.commands import ANSWERED_DAYS
from shared.infra.jobs import Job
from shared.infra.postgres import Database
from shared.infra.unit import Units

INBOX_KEPT_DAYS = ANSWERED_DAYS + 2
OUTCOMES_KEPT_DAYS = INBOX_KEPT_DAYS + 1
INTERVAL_SECONDS = 600.0
ROWS = 5_000

OLD_INBOX = """
DELETE FROM inbox WHERE message_id IN
    (SELECT message_id FROM inbox WHERE received_at < now() - make_interval(days => $1) ORDER BY received_at LIMIT $2)
RETURNING clinic_id
"""
OLD_OUTCOMES = """
DELETE FROM outcomes WHERE (clinic_id, command_id) IN
    (SELECT clinic_id, command_id FROM outcomes WHERE decided_at < now() - make_interval(days => $1) AND settled_at IS NOT NULL
     ORDER BY decided_at LIMIT $2)
RETURNING clinic_id, command_id
"""


def retention(units: Units, *, outcomes: str | None) -> Job:
    """The job of one process. `outcomes` removes those that are old, with what goes along: `OLD_OUTCOMES`, or built on it.

    It answers with a row for each. A service that holds none has none.
    """

    async def tidy() -> None:
        clinics = await _inbox(units.database)
        if clinics and outcomes:
            await _outcomes(units, clinics, outcomes)

    return Job("retention", INTERVAL_SECONDS, tidy)


async def _inbox(database: Database) -> set[UUID]:
    """Removes old inbox rows, a transaction a batch. Answers of which clinics there were any."""
    clinics: set[UUID] = set()
    while True:
        gone = await database.hot.fetch(OLD_INBOX, INBOX_KEPT_DAYS, ROWS)
        clinics.update(row["clinic_id"] for row in gone)
        if len(gone) < ROWS:
            return clinics


async def _outcomes(units: Units, clinics: set[UUID], statement: str) -> None:
    """Removes these clinics' old outcomes, a transaction a batch. One that is owed a step stays."""
    while True:
        async with units.batch(clinics) as unit:
            gone = await unit.connection.fetch(statement, OUTCOMES_KEPT_DAYS, ROWS)
        if len(gone) < ROWS:
            return
