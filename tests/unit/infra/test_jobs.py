"""A job never ends before its process does, and one part of it that fails does not hold up the next."""

import asyncio
from functools import partial

import asyncpg
from structlog.testing import capture_logs

from shared.infra.jobs import Job, attempt, repeat
from shared.infra.metrics import REGISTRY
from tests.support.clock import FakeClock

MINUTE = 60.0


def failures_counted() -> float:
    """How often this process counted a failure of the job of these tests."""
    return REGISTRY.get_sample_value("frontdesk_jobs_failed_total", {"job": "test"}) or 0.0


async def test_a_job_goes_on_whatever_a_round_fails_with_and_ends_with_its_process() -> None:
    failures: list[Exception] = [asyncpg.InternalClientError("unexpected state"), OSError(), AttributeError()]
    stopping, clock, before = asyncio.Event(), FakeClock(), failures_counted()

    async def work() -> None:
        if failures:
            raise failures.pop()
        stopping.set()

    with capture_logs() as logs:
        await asyncio.wait_for(repeat(Job("test", MINUTE, work), stopping, clock), 5)
    assert [(one["event"], one["job"], one["error"]) for one in logs] == [
        ("job_failed", "test", error) for error in ("AttributeError", "OSError", "InternalClientError")
    ]
    assert clock.pauses == [MINUTE] * 3, "by the clock that it was given"
    assert failures_counted() == before + 3


async def test_a_part_that_fails_is_told_by_its_ids_and_the_next_is_done() -> None:
    done, before = [], failures_counted()

    async def work(clinic: str) -> None:
        if clinic == "one":
            raise OSError
        done.append(clinic)

    with capture_logs() as logs:
        succeeded = [await attempt(partial(work, one), "test", "part_failed", clinic_id=one) for one in ("one", "two")]
    assert (succeeded, done) == ([False, True], ["two"])
    assert logs == [{"event": "part_failed", "job": "test", "clinic_id": "one", "error": "OSError", "log_level": "warning"}]
    assert failures_counted() == before + 1
