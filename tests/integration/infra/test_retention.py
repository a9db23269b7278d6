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

INBOX = "INSERT INTO inbox (message_id, clinic_id, type, received_at) VALUES ($1, $2, 'x', now() - make_interval(days => $3))"
OUTCOME = """
INSERT INTO outcomes SELECT $2, $1, 'x', 'x', 'x', 200, NULL, NULL, now(), now() - make_interval(days => $3),
                            CASE WHEN $4 THEN now() END
"""


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
    records = KeptRecords()
    await retention(Units(database, Outbox(records), records), outcomes=module.OLD_OUTCOMES).work()
    left = {row[0] for row in await sql.fetch("SELECT message_id FROM inbox WHERE clinic_id = $1", clinic_id)}
    assert left == {young}
    left = {row[0] for row in await sql.fetch("SELECT command_id FROM outcomes WHERE clinic_id = $1", clinic_id)}
    assert left == {fresh, *owed}
