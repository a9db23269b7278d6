"""The application of a service that owns data: one runtime with one consumer, and internal HTTP for the gateway.

Called by the `app.py` of availability, booking and queue; the gateway, which starts without Kafka, wires itself.
"""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI

from shared.contracts.envelope import Message
from shared.contracts.topics import consumed_by, redrive_topic
from shared.infra.api import add_routes, create_api
from shared.infra.asgi import MAX_BODY_BYTES
from shared.infra.health import Readiness
from shared.infra.jobs import Job
from shared.infra.kafka.consumer import FailureHandler, Handler
from shared.infra.runtime import Runtime
from shared.infra.settings import ServiceSettings
from shared.infra.version import distribution_version


def create_owner(
    name: str,
    settings: ServiceSettings,
    make_handler: Callable[[Runtime], Handler],
    routers: Sequence[APIRouter],
    max_body_bytes: int = MAX_BODY_BYTES,
    *,
    ignored: Collection[type[Message]],
    failed: FailureHandler,
    jobs: Callable[[Runtime], Sequence[Job]],
    state: Mapping[str, object] | None = None,
) -> FastAPI:
    """One process of the service. Its lifespan opens the stores, joins the consumer group, and leaves both in order.

    `ignored` is what others say on the topics that it consumes and what asks nothing of it, `failed` what it does about a command
    that became a dead letter, `jobs` what it does beside, `state` what its routes find at `app.state` beside the runtime.
    """
    readiness = Readiness({})

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        runtime = await Runtime.connect(name, settings)
        try:
            runtime.consume((*consumed_by(name), redrive_topic(name)), make_handler(runtime), ignored, failed)
            app.state.runtime = runtime
            await runtime.start()
            for job in jobs(runtime):
                runtime.work(job)
            readiness.checks = runtime.checks
            yield
        finally:
            await runtime.stop()

    app = create_api(
        f"Frontdesk {name}",
        name,
        distribution_version(),
        readiness,
        docs=False,
        max_body_bytes=max_body_bytes,
        lifespan=lifespan,
    )
    for attribute, value in (state or {}).items():
        setattr(app.state, attribute, value)
    add_routes(app, *routers)
    return app
