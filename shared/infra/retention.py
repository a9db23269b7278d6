"""Removes what no repeat can ask for any more: inbox rows after 32 days, outcomes after 33, in batches. A job of every owner.

From the 30th day on `inbox.py` takes a repeat for a key used up, whatever is still there. Outcomes go last: a command whose inbox
row is there never looks undecided, and one whose row is gone still meets its outcome for a day. Only then its key is new again.
Row security shows a transaction the outcomes of the clinics that it names: `clinics_with_outcomes` says which there are.
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
CLINICS = 500
"""For so many clinics a transaction looks: Postgres compares each row with one after the other."""

OLD_INBOX = """
DELETE FROM inbox WHERE message_id IN
    (SELECT message_id FROM inbox WHERE received_at < now() - make_interval(days => $1) ORDER BY received_at LIMIT $2)
RETURNING message_id
"""
OLD_OUTCOMES = """
DELETE FROM outcomes WHERE (clinic_id, command_id) IN
    (SELECT clinic_id, command_id FROM outcomes WHERE decided_at < now() - make_interval(days => $1) AND settled_at IS NOT NULL
     ORDER BY decided_at LIMIT $2)
RETURNING clinic_id, command_id
"""
CLINICS_WITH_OUTCOMES = "SELECT clinic_id FROM clinics_with_outcomes ORDER BY 1"


def retention(units: Units, *of_clinics: str) -> Job:
    """The job of one process. Statements `of_clinics` remove what is old besides inbox rows: `OLD_OUTCOMES`, and others like it.

    Each gets the days that it is kept and a number of rows, and answers with a row for each that it has dealt with.
    """

    async def tidy() -> None:
        await _inbox(units.database)
        for statement in of_clinics:
            await _of_all_clinics(units, statement)

    return Job("retention", INTERVAL_SECONDS, tidy)


async def _inbox(database: Database) -> None:
    """Removes old inbox rows, a transaction a batch."""
    while len(await database.hot.fetch(OLD_INBOX, INBOX_KEPT_DAYS, ROWS)) == ROWS:
        pass


async def _of_all_clinics(units: Units, statement: str) -> None:
    """Removes what is old of all clinics, a transaction a batch. An outcome that is owed a step stays."""
    clinics = [row["clinic_id"] for row in await units.database.hot.fetch(CLINICS_WITH_OUTCOMES)]
    for first in range(0, len(clinics), CLINICS):
        await _of_clinics(units, clinics[first : first + CLINICS], statement)


async def _of_clinics(units: Units, clinics: list[UUID], statement: str) -> None:
    while True:
        async with units.batch(clinics) as unit:
            gone = await unit.connection.fetch(statement, OUTCOMES_KEPT_DAYS, ROWS)
        if len(gone) < ROWS:
            return
