"""Connects a gateway to Kafka, which may be away when the process starts. Started by `app.py` beside the requests."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from services.gateway.clinics.announce import announce_clinics
from services.gateway.commands.admission import Admission
from shared.infra.clockwork import Clock
from shared.infra.runtime import Runtime

log = structlog.get_logger()

RETRY_SECONDS = 1.0


async def connect_kafka(runtime: Runtime, admission: Admission) -> None:
    """Connects, however long that takes, then admits commands and announces the clinics. Ends when the process stops."""

    async def connect() -> None:
        try:
            await runtime.start()
        except BaseException:
            with suppress(Exception):  # what was started half way is stopped again, whatever that fails with
                await runtime.leave_kafka()
            raise

    async def announce() -> None:
        log.info("clinics_announced", changed=await announce_clinics(runtime.units))

    if await retry_until_done(runtime.clock, runtime.stopping, connect, "kafka_not_reached"):
        admission.open()
        await retry_until_done(runtime.clock, runtime.stopping, announce, "clinics_not_announced")
        await runtime.stopping.wait()
    admission.stop()


async def retry_until_done(clock: Clock, stopping: asyncio.Event, attempt: Callable[[], Awaitable[None]], failed: str) -> bool:
    """Tries every second until an attempt succeeds; False if the process stops before. `failed` is logged for each failure."""
    while not stopping.is_set():
        try:
            await attempt()
            return True
        except Exception as error:  # noqa: BLE001 - a store that is away shows itself in many ways, and comes back
            log.warning(failed, error=type(error).__name__)
        await clock.wait(stopping, RETRY_SECONDS)
    return False
