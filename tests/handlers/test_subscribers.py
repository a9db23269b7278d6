"""Every consumer of every service is made by the consumer, but the gateway's stream of replies, which nothing depends on.

Any other would acknowledge by the framework's own policy: it would lose messages, or take the same one for ever.
"""

import ast
import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from fastapi import FastAPI
from faststream import AckPolicy

from deploy import installation
from shared.contracts.topics import consumed_by, redrive_topic
from shared.infra.kafka.consumer import Consumer
from shared.infra.postgres import Database
from shared.infra.runtime import Runtime
from shared.infra.settings import ServiceSettings

ROOT = Path(__file__).parents[2]
MAKERS = {"shared/infra/kafka/broker.py"}
SERVICES = installation.audited()
ENVIRONMENT = {
    "FRONTDESK_POSTGRES__URL": "postgresql://nobody@127.0.0.1:1/none",
    "FRONTDESK_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1",
}
OWN = {"booking": {"FRONTDESK_IDENTIFIER_KEY": "a key that is long enough"}}


@asynccontextmanager
async def wired(service: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Runtime]:
    """The runtime of a process as its own `create_app` wires it, before anything is reached over the network."""

    async def connect(_: type[Runtime], name: str, settings: ServiceSettings) -> Runtime:
        unconnected = Database(cast(Any, None), cast(Any, None), 1)
        return Runtime(name, settings, unconnected)

    async def nothing(_: Runtime) -> None:
        """Neither joins nor leaves a group."""

    monkeypatch.setattr(Runtime, "connect", classmethod(connect))
    monkeypatch.setattr(Runtime, "start", nothing)
    monkeypatch.setattr(Runtime, "stop", nothing)
    monkeypatch.setattr(Runtime, "work", lambda *_: None)  # nobody would end its jobs
    settings = importlib.import_module(f"services.{service}.settings").Settings
    app: FastAPI = importlib.import_module(f"services.{service}.app").create_app(
        settings.from_environment({**ENVIRONMENT, **OWN.get(service, {})})
    )
    async with app.router.lifespan_context(app):
        yield app.state.runtime


def made_by(runtime: Runtime) -> Any:
    """The subscriber of the process's one consumer."""
    assert runtime.consumer
    return runtime.consumer.subscription.subscriber


def faults(subscriber: Any) -> list[str]:
    """What of a subscriber is not as the consumer makes it."""
    expected = {
        "acknowledges by hand": subscriber.ack_policy is AckPolicy.MANUAL,
        "commits nothing by timer": subscriber._connection_args["enable_auto_commit"] is False,
        "starts with the oldest message": subscriber._connection_args["auto_offset_reset"] == "earliest",
        "keeps equal keys of its topics together": subscriber._connection_args["partition_assignment_strategy"]
        == (RangePartitionAssignor,),
        "is the service's consumer": [
            isinstance(getattr(call.handler._original_call, "__self__", None), Consumer) for call in subscriber.calls
        ]
        == [True],
    }
    return [name for name, kept in expected.items() if not kept]


@pytest.mark.parametrize("service", SERVICES)
async def test_a_process_has_one_consumer_and_the_runner_made_it(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with wired(service, monkeypatch) as runtime:
        (subscriber,) = runtime.broker.subscribers
        assert subscriber is made_by(runtime)
        assert faults(subscriber) == []
        assert subscriber.group_id == service
        expected = [*consumed_by(service), redrive_topic(service)]
        assert sorted(topic.name for topic in subscriber.topics) == sorted(topic.name for topic in expected)


async def test_a_subscriber_made_past_the_runner_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    async with wired("queue", monkeypatch) as runtime:

        @runtime.broker.subscriber("booking.commands", group_id="queue")
        async def past_the_runner(message: bytes) -> None: ...

        (other,) = set(runtime.broker.subscribers) - {made_by(runtime)}
        assert set(faults(other)) >= {"acknowledges by hand", "is the service's consumer"}


def makes_a_subscriber(source: str) -> bool:
    """Whether a module registers a consumer with a broker, by a call or by a decorator."""
    called = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return any(isinstance(function, ast.Attribute) and function.attr == "subscriber" for function in called)


def test_nothing_but_the_one_maker_registers_a_consumer() -> None:
    modules = [path for folder in ("services", "shared") for path in (ROOT / folder).rglob("*.py")]
    found = {path.relative_to(ROOT).as_posix() for path in modules if makes_a_subscriber(path.read_text())}
    assert found == MAKERS
    assert makes_a_subscriber('@broker.subscriber("booking.commands")\nasync def take(body: bytes) -> None: ...')
