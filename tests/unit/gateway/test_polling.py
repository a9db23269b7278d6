"""An owner is asked again after pauses that double, until it is done or the client waits no longer."""

import pytest

from services.gateway.calendar.polling import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, poll_until
from tests.support.clock import FakeClock


async def count(left: int) -> int:
    return left - 1


@pytest.mark.parametrize(("left", "wait", "expected"), [(0, 5.0, 0), (3, 5.0, 0), (3, 0.0, 3), (1_000, 5.0, 987)])
async def test_it_ends_when_it_is_done_or_at_the_deadline(left: int, wait: float, expected: int) -> None:
    clock = FakeClock()
    assert await poll_until(clock, wait, left, lambda left: left == 0, count) == expected
    assert clock.now == pytest.approx(wait) if expected else clock.now < wait


async def test_pauses_double_up_to_the_longest_and_the_last_one_ends_at_the_deadline() -> None:
    clock = FakeClock()
    await poll_until(clock, 1.6, 1_000, lambda left: left == 0, count)
    assert clock.pauses == pytest.approx([FIRST_PAUSE_SECONDS, 0.1, 0.2, 0.4, LONGEST_PAUSE_SECONDS, 0.35])
