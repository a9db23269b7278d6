"""What nobody can ask for any more is removed, and nothing else: not one that is owed a step, not another's."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from shared.infra import retention as module
from shared.infra.outbox import Outbox
from shared.infra.postgres import Database
from shared.infra.retention import retention
from shared.infra.unit import Units
from tests.support.kafka import KeptRecords
from tests.support.revisions import upgrade_of
from tests.support.servers import Databases

INBOX = "INSERT INTO inbox (message_id, clinic_id, type, received_at) VALUES ($1, $2, 'x', now() - make_interval(days => $3))"
OUTCOME = """
INSERT INTO outcomes SELECT $2, $1, 'x', 'x', 'x', 200, NULL, NULL, now(), now() - make_interval(days => $3),
                            CASE WHEN $4 THEN now() END
"""
COMMANDS = "SELECT command_id FROM outcomes WHERE clinic_id = ANY($1)"


async def test_only_what_is_too_old_goes_however_much_it_is(
    database: Database, superuser: Callable[..., Any], clinic_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROWS", 2)
    sql: asyncpg.Connection[asyncpg.Record] = await superuser("booking")
    young, fresh, owed = uuid4(), uuid4(), [uuid4() for _ in range(3)]
    for _ in range(5):
        await sql.execute(INBOX, uuid4(), clinic_id, 33)
        await sql.execute(OUTCOME, uuid4(), clinic_id, 34, True)
    await sql.execute(INBOX, young, clinic_id, 31)
    await sql.execute(OUTCOME, fresh, clinic_id, 32, True)
    for one in owed:
        await sql.execute(OUTCOME, one, clinic_id, 40, False)
    await tidied(database)
    left = {row[0] for row in await sql.fetch("SELECT message_id FROM inbox WHERE clinic_id = $1", clinic_id)}
    assert left == {young}
    left = {row[0] for row in await sql.fetch("SELECT command_id FROM outcomes WHERE clinic_id = $1", clinic_id)}
    assert left == {fresh, *owed}


async def test_outcomes_of_a_clinic_that_is_silent_go_on_time(
    database: Database, superuser: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no inbox rows: they went a round before, or its outcomes are those of registry calls, which never had any."""
    monkeypatch.setattr(module, "CLINICS", 1)
    sql: asyncpg.Connection[asyncpg.Record] = await superuser("booking")
    clinics = [uuid4() for _ in range(3)]
    for clinic in clinics:
        await sql.execute(OUTCOME, uuid4(), clinic, 34, True)
    await tidied(database)
    assert await sql.fetch(COMMANDS, clinics) == []


@pytest.mark.parametrize("service", ["availability", "booking"])
async def test_clinics_whose_outcomes_are_older_than_their_table_are_in_it(
    service: str, databases: Databases, superuser: Callable[..., Any]
) -> None:
    databases.migrate(service)
    sql: asyncpg.Connection[asyncpg.Record] = await superuser(service)
    clinic = uuid4()
    await sql.execute("ALTER TABLE outcomes DISABLE TRIGGER clinics_of_outcomes")
    await sql.execute(OUTCOME, uuid4(), clinic, 1, True)
    await sql.execute("ALTER TABLE outcomes ENABLE TRIGGER clinics_of_outcomes")
    known = "SELECT clinic_id FROM clinics_with_outcomes WHERE clinic_id = $1"
    assert await sql.fetch(known, clinic) == []
    owner = await asyncpg.connect(databases.owner(service))
    for _ in range(2):  # it can be run again
        await owner.execute(upgrade_of(service, "clinics_with_outcomes"))
    await owner.close()
    assert len(await sql.fetch(known, clinic)) == 1
    assert await sql.fetchval("SELECT count(*) FROM pg_policies WHERE policyname LIKE 'owner%'") == 0


async def tidied(database: Database) -> None:
    """A round of the job has run."""
    records = KeptRecords()
    await retention(Units(database, Outbox(records), records), module.OLD_OUTCOMES).work()
