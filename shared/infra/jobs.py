"""Work that a process does again and again beside its consumer: relaying, asking, tidying up. Safe in several processes at once.

A round that fails is logged and tried again at the next interval: nobody else would start the job again. What a round does for
many, clinic by clinic, it attempts for each by itself, so that one failure does not hold up the others.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from shared.infra.clockwork import Clock
from shared.infra.metrics import JOBS_FAILED

log = structlog.get_logger()


@dataclass(frozen=True)
class Job:
    """One kind of work, how long to rest between two rounds of it, and what is logged when a round fails."""

    name: str
    interval_seconds: float
    work: Callable[[], Awaitable[object]]
    failed: str = "job_failed"


async def repeat(job: Job, stopping: asyncio.Event, clock: Clock) -> None:
    """Does the work until the process stops."""
    while not stopping.is_set():
        await attempt(job.work, job.name, job.failed)
        await clock.wait(stopping, job.interval_seconds)


async def attempt(work: Callable[[], Awaitable[object]], job: str, failed: str, **ids: str) -> bool:
    """Does a round of a job, or its part for `ids`; whether that succeeded. A failure is counted and logged as `failed`."""
    try:
        await work()
    except Exception as error:  # noqa: BLE001 - a dead server may leave errors of the driver's own
        JOBS_FAILED.labels(job=job).inc()
        log.warning(failed, job=job, error=type(error).__name__, **ids)
        return False
    return True
