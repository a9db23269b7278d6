"""Wires the gateway: its database, its broker, the replies it reads, the owners it asks, its routes. Importing it builds nothing.

Kafka may be away when the process starts: reads are answered and commands refused until `kafka_connection.py` has reached it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from fastapi import FastAPI

from services.gateway.clinics.cache import DEFAULT_CLINIC, REFRESH_SECONDS, ClinicCache
from services.gateway.clock import DatabaseClock
from services.gateway.commands.admission import Admission
from services.gateway.commands.outcome_polling import OutcomePoller
from services.gateway.commands.replies import ReplyPartitions
from services.gateway.commands.submit import Commands
from services.gateway.commands.tickets import Tickets
from services.gateway.commands.waiters import Waiters
from services.gateway.gateway import Gateway
from services.gateway.handlers import make_listener
from services.gateway.kafka_connection import connect_kafka
from services.gateway.openapi import overview
from services.gateway.openapi.answer_headers import HEADERS
from services.gateway.owners.client import Owners
from services.gateway.owners.known_ids import TTL_SECONDS, KnownIds
from services.gateway.owners.store import RedisKnownIds
from services.gateway.pages import problems
from services.gateway.repository.clinics import database_time
from services.gateway.routes import integration_test, routers
from services.gateway.routes.health import REPLIES, overview_router
from services.gateway.settings import Settings
from shared.contracts.topics import GATEWAY_REPLIES
from shared.infra.api import add_routes, create_api
from shared.infra.health import Readiness
from shared.infra.jobs import Job
from shared.infra.kafka.stream import Stream
from shared.infra.runtime import Runtime
from shared.infra.settings import Environment
from shared.infra.version import distribution_version

log = structlog.get_logger()

NAME = "gateway"


def create_app(settings: Settings) -> FastAPI:
    """The application of one process."""
    readiness, spare = Readiness({}), Readiness({})

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        log.warning("access_open", host=settings.http.host, clinic=DEFAULT_CLINIC)
        runtime = await Runtime.connect(NAME, settings)
        owners = Owners.connect(settings, runtime.clock)
        try:
            app.state.runtime = runtime
            app.state.gateway = await build(settings, runtime, owners)
            readiness.checks = runtime.checks | {REPLIES: app.state.gateway.replies.check}
            spare.checks = {"redis": lambda: _check_redis(runtime)}
            yield
        finally:
            await runtime.stop()
            await owners.close()

    docs = settings.environment != Environment.PRODUCTION
    app = create_api(
        "Frontdesk", NAME, distribution_version(), readiness, docs=docs, lifespan=lifespan, description=overview.DESCRIPTION,
        openapi_tags=overview.TAGS, license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        components={"headers": HEADERS},
    )  # fmt: skip
    add_routes(app, overview_router(readiness, spare), *routers, problems.router)
    if settings.environment == Environment.INTEGRATION_TEST:
        add_routes(app, integration_test.router)
    return app


async def build(settings: Settings, runtime: Runtime, owners: Owners) -> Gateway:
    """Puts the parts together and starts what runs beside the requests."""
    clock, database = runtime.clock, runtime.database
    database_clock = DatabaseClock(lambda: database_time(database.hot), clock)
    await database_clock.refresh()
    clinics = await ClinicCache.load(database)
    waiters = Waiters()
    poller = OutcomePoller(waiters, owners, clock)
    replies = Stream(runtime.broker, settings.kafka, NAME, GATEWAY_REPLIES, make_listener(waiters), poller.poll_all)
    admission = Admission(runtime.kafka_answers, clock)
    commands = Commands(owners, waiters, poller, admission, runtime.publisher, ReplyPartitions(replies), clock)
    runtime.work(database_clock.job())
    runtime.work(Job("clinic_refresh", REFRESH_SECONDS, clinics.refresh))
    runtime.spawn(poller.run(runtime.stopping))
    runtime.spawn(connect_kafka(runtime, admission))
    return Gateway(
        clock=clock,
        database_clock=database_clock,
        new_id=runtime.new_id,
        units=runtime.units,
        clinics=clinics,
        owners=owners,
        known=KnownIds(RedisKnownIds(runtime.redis, TTL_SECONDS, clock), owners, clock),
        commands=commands,
        tickets=Tickets(settings.ticket_key.get_secret_value().encode()),
        replies=replies,
    )


async def _check_redis(runtime: Runtime) -> None:
    """Raises when Redis does not answer."""
    if not await runtime.redis.ping():
        raise ConnectionError
