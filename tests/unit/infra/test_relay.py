"""The relay of the outbox never ends before its process does."""

import asyncio
from typing import Any, cast

import asyncpg
import pytest

from shared.infra import outbox
from shared.infra.outbox import Outbox


class Rounds(Outbox):
    """An outbox whose first rounds fail."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.relayed = asyncio.Event()

    async def relay_once(self, pool: Any) -> int:
        if self.failures:
            raise self.failures.pop()
        self.relayed.set()
        return 0


async def test_the_relay_goes_on_whatever_a_round_fails_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "RELAY_INTERVAL_SECONDS", 0.001)
    rounds, stopping = Rounds(asyncpg.InternalClientError("unexpected state"), OSError(), AttributeError()), asyncio.Event()
    relay = asyncio.ensure_future(rounds.relay(cast(Any, None), stopping))
    async with asyncio.timeout(5):
        await asyncio.wait({relay, asyncio.ensure_future(rounds.relayed.wait())}, return_when=asyncio.FIRST_COMPLETED)
    stopping.set()
    await relay
    assert rounds.relayed.is_set()
