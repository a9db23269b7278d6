"""The probe sees for how long the event loop of its process was blocked, by the clock that it is given and by a real one."""

import asyncio
import time

from shared.infra.clockwork import Clock
from shared.infra.loop_probe import PAUSE_SECONDS, LoopProbe
from shared.infra.metrics import REGISTRY
from tests.support.clock import FakeClock

NAME = "frontdesk_event_loop_blocked_seconds"


def sample(name: str, **labels: str) -> float:
    """What a scrape says now."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


def longest() -> float:
    """The longest block that a scrape says now."""
    return sample("frontdesk_event_loop_longest_block_seconds")


def over_limit() -> float:
    """How many pauses ended more than 200 ms late."""
    return sample(f"{NAME}_count") - sample(f"{NAME}_bucket", le="0.2")


class LateClock(FakeClock):
    """Pauses that end late by these seconds, one after the other; then it ends the probe."""

    def __init__(self, late: list[float], stopping: asyncio.Event) -> None:
        super().__init__()
        self._late, self._stopping = late, stopping

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        self.now += self._late.pop(0)
        if not self._late:
            self._stopping.set()


async def test_each_pause_is_told_by_how_late_it_ended_and_the_longest_stays() -> None:
    stopping = asyncio.Event()
    clock = LateClock([0.0, 0.15, 0.75, 0.03], stopping)
    count, total, short = sample(f"{NAME}_count"), sample(f"{NAME}_sum"), sample(f"{NAME}_bucket", le="0.2")
    await asyncio.wait_for(LoopProbe(clock).run(stopping), 5)
    assert clock.pauses == [PAUSE_SECONDS] * 4
    assert sample(f"{NAME}_count") == count + 4
    assert abs(sample(f"{NAME}_sum") - total - 0.93) < 1e-6
    assert sample(f"{NAME}_bucket", le="0.2") == short + 3, "the others were shorter"
    assert abs(longest() - 0.75) < 1e-6


async def test_work_that_holds_the_loop_is_seen() -> None:
    stopping, started, before = asyncio.Event(), asyncio.Event(), over_limit()
    probe = asyncio.create_task(LoopProbe(Clock()).run(stopping))
    asyncio.get_running_loop().call_later(PAUSE_SECONDS / 2, started.set)
    await asyncio.wait_for(started.wait(), 5)
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        pass
    stopping.set()
    await asyncio.wait_for(probe, 5)
    assert over_limit() == before + 1
    assert 0.3 - PAUSE_SECONDS <= longest() < 0.7, "of this process's probe"
