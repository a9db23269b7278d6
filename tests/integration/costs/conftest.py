"""The consumers of the services, each built in this process as its own process builds it, with a list for Kafka."""

import importlib
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
import structlog

from shared.contracts.topics import consumed_by
from shared.infra.outbox import Outbox
from shared.infra.runtime import Runtime
from shared.infra.unit import Units
from tests.integration.costs.consumer import Consumer
from tests.support import rows
from tests.support.kafka import KeptRecords


@pytest.fixture(autouse=True)
def few_logs(plain_logs: None) -> Iterator[None]:
    """Thousands of handled messages would stand before what a failing test has to say."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    yield
    structlog.reset_defaults()


Consumers = Callable[[str], Awaitable[Consumer]]


@pytest.fixture
def consumers(runtime: Callable[..., Any], superuser: Callable[..., Any], clinic_id: UUID) -> Consumers:
    """`await consumers("booking")` is booking's consumer, which reads what a test hands to it."""

    async def make(service: str) -> Consumer:
        connected: Runtime = await runtime(service)
        records = KeptRecords()
        connected.publisher, connected.outbox = records, Outbox(records)
        connected.units = Units(connected.database, connected.outbox, records)
        handlers = importlib.import_module(f"services.{service}.handlers")
        connected.consume(consumed_by(service), handlers.make_handler(connected), handlers.IGNORED)
        server = await superuser(service)
        await rows.make_known(server, clinic_id)
        return Consumer(service, clinic_id, connected, records, server)

    return make
