"""What nobody can ask for any more is removed, and nothing else: not one that is owed a step, not another's."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from shared.infra.postgres import Database
from shared.infra.retention import retention
from tests.support.servers import Databases

INBOX = "INSERT INTO inbox (message_id, clinic_id, type, received_at) VALUES ($1, $2, 'x', now() - make_interval(days => $3))"
OUTCOME = """
INSERT INTO outcomes SELECT $2, $1, 'x', 'x', 'x', 200, NULL, NULL, now(), now() - make_interval(days => $3),
                            CASE WHEN $4 THEN now() END
"""


async def test_only_what_is_too_old_goes(
    databases: Databases, superuser: Callable[..., Any], service_settings: Callable[..., Any], clinic_id: UUID
) -> None:
    sql: asyncpg.Connection[asyncpg.Record] = await superuser("booking")
    ids = {name: uuid4() for name in ("old", "young", "ancient", "fresh", "owed")}
    await sql.execute(INBOX, ids["old"], clinic_id, 33)
    await sql.execute(INBOX, ids["young"], clinic_id, 31)
    await sql.execute(OUTCOME, ids["ancient"], clinic_id, 31, True)
    await sql.execute(OUTCOME, ids["fresh"], clinic_id, 29, True)
    await sql.execute(OUTCOME, ids["owed"], clinic_id, 31, False)
    database = await Database.connect(service_settings("booking").postgres, "test-retention")
    try:
        await retention(database, outcomes=True).work()
    finally:
        await database.close()
    left = {row[0] for row in await sql.fetch("SELECT message_id FROM inbox WHERE clinic_id = $1", clinic_id)}
    assert left == {ids["young"]}
    left = {row[0] for row in await sql.fetch("SELECT command_id FROM outcomes WHERE clinic_id = $1", clinic_id)}
    assert left == {ids["fresh"], ids["owed"]}
