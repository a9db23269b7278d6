"""Wires the gateway: its database, its broker, the replies it hears, the owners it asks, its routes. Importing it builds nothing.

Kafka may be away when the process starts: it answers reads and refuses commands until the broker is there.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import structlog
from fastapi import FastAPI

from services.gateway.clinics.service import REFRESH_SECONDS, CurrentClinic, announce_clinics
from services.gateway.clock import DatabaseClock
from services.gateway.commands.admission import Admission
from services.gateway.commands.outcome_polling import Looks
from services.gateway.commands.submit import Commands, Rotation
from services.gateway.commands.tickets import Tickets
from services.gateway.commands.waiters import Waiters
from services.gateway.gateway import Gateway
from services.gateway.handlers import make_listener
from services.gateway.http.answers import API
from services.gateway.openapi import overview
from services.gateway.openapi.answer_headers import HEADERS
from services.gateway.owners.client import Owners
from services.gateway.owners.known_ids import TTL_SECONDS, KnownIds
from services.gateway.owners.store import KnownStore
from services.gateway.pages import problems
from services.gateway.repository import clinics
from services.gateway.repository.clinics import Clinic
from services.gateway.routes import integration_test, routers
from services.gateway.routes.health import REPLIES, overview_router
from services.gateway.settings import Settings
from shared.contracts.topics import GATEWAY_REPLIES
from shared.infra.api import create_api
from shared.infra.health import Check, Readiness
from shared.infra.jobs import Job
from shared.infra.kafka.stream import Stream
from shared.infra.owner import distribution_version
from shared.infra.runtime import Runtime
from shared.infra.settings import Environment

log = structlog.get_logger()

NAME = "gateway"
DEFAULT_CLINIC = "default"
CONNECT_INTERVAL_SECONDS = 1.0


def create_app(settings: Settings) -> FastAPI:
    """The application of one process."""
    readiness, admission = Readiness({}), Readiness({})

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        log.warning("access_open", host=settings.http.host, clinic=DEFAULT_CLINIC)
        runtime = await Runtime.connect(NAME, settings)
        owners = Owners.connect(settings)
        try:
            app.state.runtime, app.state.owners = runtime, owners
            app.state.gateway = await build(settings, runtime, owners)
            readiness.checks = runtime.checks | {REPLIES: app.state.gateway.replies.check}
            admission.checks = {"redis": _answers(runtime)}
            yield
        finally:
            readiness.draining = True
            await runtime.stop()
            await owners.close()

    docs = settings.environment != Environment.PRODUCTION
    app = create_api(
        "Frontdesk", NAME, distribution_version(), readiness, docs=docs, lifespan=lifespan, description=overview.DESCRIPTION,
        openapi_tags=overview.TAGS, license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        components={"headers": HEADERS},
    )  # fmt: skip
    app.include_router(overview_router(readiness, admission, lambda: app.state.owners))
    for router in routers:
        app.include_router(router, prefix=API)
    app.include_router(problems.router)
    if settings.environment == Environment.INTEGRATION_TEST:
        app.include_router(integration_test.router)
    return app


async def build(settings: Settings, runtime: Runtime, owners: Owners) -> Gateway:
    """Puts the parts together and starts what runs beside the requests."""
    clock = DatabaseClock(lambda: clinics.database_time(runtime.database.hot))
    await clock.refresh()
    waiters = Waiters()
    looks = Looks(waiters, owners)
    replies = Stream(NAME, GATEWAY_REPLIES, make_listener(waiters), looks.all_soon)
    replies.subscribe(runtime.broker, settings.kafka)
    admission = Admission(runtime.kafka_answers)
    known = KnownIds(KnownStore(runtime.redis, TTL_SECONDS), owners)
    commands = Commands(known, waiters, looks, admission, runtime.publisher, Rotation(lambda: replies.partitions))
    current = CurrentClinic(await _default_clinic(runtime), lambda: _default_clinic(runtime))
    runtime.spawn(clock.run(runtime.stopping))
    runtime.work(Job("clinic_refresh", REFRESH_SECONDS, current.refresh))
    runtime.spawn(looks.run(runtime.stopping))
    runtime.spawn(join_kafka(runtime, admission))
    tickets = Tickets(settings.ticket_key.get_secret_value().encode())
    return Gateway(current, clock, owners, known, looks, commands, tickets, replies)


async def join_kafka(runtime: Runtime, admission: Admission) -> None:
    """Connects to Kafka, however long it is away, then opens the door for commands and tells of the clinics."""

    async def connect() -> None:
        try:
            await runtime.start()
        except BaseException:
            with suppress(Exception):  # what it got half way is of no use, whatever its end says
                await runtime.leave_kafka()
            raise

    async def announce() -> None:
        log.info("clinics_announced", changed=await announce_clinics(runtime.units))

    if await _until_done(runtime.stopping, connect, "kafka_not_reached"):
        admission.open()
        await _until_done(runtime.stopping, announce, "clinics_not_announced")
        await runtime.stopping.wait()
    admission.stop()


async def _until_done(stopping: asyncio.Event, attempt: Callable[[], Awaitable[None]], failed: str) -> bool:
    """Tries until it succeeds; False if the process stops before."""
    while not stopping.is_set():
        try:
            await attempt()
            return True
        except Exception as error:  # noqa: BLE001 - a store that is away shows itself in many ways, and comes back
            log.warning(failed, error=type(error).__name__)
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), CONNECT_INTERVAL_SECONDS)
    return False


async def _default_clinic(runtime: Runtime) -> Clinic:
    """The clinic that open access acts for; the first migration made it."""
    clinic = await clinics.clinic_by_code(runtime.database.hot, DEFAULT_CLINIC)
    if clinic is None:
        raise LookupError("there is no clinic of code 'default'")
    return clinic


def _answers(runtime: Runtime) -> Check:
    """Raises when Redis does not answer."""

    async def check() -> None:
        if not await runtime.redis.ping():
            raise ConnectionError

    return check
