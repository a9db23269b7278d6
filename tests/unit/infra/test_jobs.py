"""A job never ends before its process does."""

import asyncio

import asyncpg

from shared.infra.jobs import Job, repeat


async def test_a_job_goes_on_whatever_a_round_fails_with_and_ends_with_its_process() -> None:
    failures: list[Exception] = [asyncpg.InternalClientError("unexpected state"), OSError(), AttributeError()]
    worked, stopping = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        if failures:
            raise failures.pop()
        worked.set()

    job = asyncio.ensure_future(repeat(Job("test", 0.001, work), stopping))
    async with asyncio.timeout(5):
        await asyncio.wait({job, asyncio.ensure_future(worked.wait())}, return_when=asyncio.FIRST_COMPLETED)
    stopping.set()
    await asyncio.wait_for(job, 5)
    assert worked.is_set() and not failures
