"""A clock that a test turns: pauses take no time, they only pass."""

import asyncio

from shared.infra.clockwork import Clock


class FakeClock(Clock):
    """Begins at 0. Whoever pauses goes on at once, that much later."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        await asyncio.sleep(0)
        if not event.is_set():
            await self.sleep(seconds)
        return event.is_set()

    def jitter(self, most: float) -> float:
        return most
