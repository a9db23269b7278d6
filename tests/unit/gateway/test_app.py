"""What the gateway does beside its requests is tried until it is done, or the process stops."""

import asyncio

import pytest

from services.gateway import app


async def test_what_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "CONNECT_INTERVAL_SECONDS", 0.001)
    attempts: list[int] = []

    async def attempt() -> None:
        attempts.append(1)
        if len(attempts) < 3:
            raise ConnectionError

    assert await app._until_done(asyncio.Event(), attempt, "not_reached")
    assert len(attempts) == 3


async def test_a_stopping_process_tries_no_more() -> None:
    stopping = asyncio.Event()

    async def attempt() -> None:
        stopping.set()
        raise ConnectionError

    assert not await app._until_done(stopping, attempt, "not_reached")
