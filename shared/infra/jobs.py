"""Work that a process does again and again beside its consumer: relaying, asking, tidying up. Safe in several processes at once.

A round that fails is logged and tried again at the next interval: nobody else would start the job again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from shared.infra.metrics import JOBS_FAILED

log = structlog.get_logger()


@dataclass(frozen=True)
class Job:
    """One kind of work, and how long to rest between two rounds of it."""

    name: str
    interval_seconds: float
    work: Callable[[], Awaitable[object]]


async def repeat(job: Job, stopping: asyncio.Event) -> None:
    """Does the work until the process stops; whatever a round fails with, a dead server may leave errors of the driver's own."""
    while not stopping.is_set():
        try:
            await job.work()
        except Exception as error:  # noqa: BLE001
            JOBS_FAILED.labels(job=job.name).inc()
            log.warning("job_failed", job=job.name, error=type(error).__name__)
        try:
            await asyncio.wait_for(stopping.wait(), job.interval_seconds)
        except TimeoutError:
            continue
