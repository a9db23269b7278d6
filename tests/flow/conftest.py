"""The fixture that joins the services in memory."""

import datetime as dt
import importlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, nullcontext
from typing import Any
from uuid import UUID

import httpx2
import pytest
from faststream.kafka import TestKafkaBroker

from shared.contracts import internal
from shared.contracts.topics import consumed_by
from shared.infra.kafka.broker import make_broker
from shared.infra.runtime import Runtime
from tests.flow.system import System
from tests.support.dates import in_days
from tests.support.kafka import InMemoryProducer

SERVICES = ("availability", "booking", "queue")


@pytest.fixture
def today() -> dt.date:
    """Today in the clinic's zone, which is UTC."""
    return in_days()


@pytest.fixture
async def system(
    service_settings: Callable[[str], Any],
    runtime: Callable[[str], Awaitable[Runtime]],
    clinic_id: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[System]:
    """The three services of a clinic of this test's own, each consuming what its process would."""
    async with AsyncExitStack() as stack:
        runtimes, http = {}, {}
        for name in SERVICES:
            runtimes[name] = await runtime(name)
            # In memory all that a record leads to happens inside its handing over, also what this service says to that.
            monkeypatch.setattr(runtimes[name].outbox, "_turn", nullcontext())
            monkeypatch.setattr(runtimes[name].publisher, "_producer", InMemoryProducer(runtimes[name].broker))
            handlers = importlib.import_module(f"services.{name}.handlers")
            runtimes[name].consume(consumed_by(name), handlers.make_handler(runtimes[name]))
            app = importlib.import_module(f"services.{name}.app").create_app(service_settings(name))
            app.state.runtime = runtimes[name]
            client = httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app),
                base_url=f"http://{name}",
                headers={internal.CLINIC: str(clinic_id), internal.ACTOR: "open", internal.PRINCIPAL: "open"},
            )
            http[name] = await stack.enter_async_context(client)
        gateway = make_broker(service_settings("queue").kafka, "gateway", 1)
        system = System(clinic_id, runtimes, http, gateway)
        await stack.enter_async_context(TestKafkaBroker(gateway, *(one.broker for one in runtimes.values())))
        yield system
