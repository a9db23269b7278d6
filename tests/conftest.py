"""The fixtures of all tests. Nothing starts before a test asks for it: unit tests need no server.

`servers` start once a session, on the backend that `TEST_BACKEND` names. `service_settings(name)` are real settings of a service
that the test builds itself; `stack` is all services as processes. Each test has a `clinic_id` of its own.
"""

import gc
import importlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import structlog
from structlog.typing import Processor

from deploy.embedded.backend import Backend
from deploy.embedded.failure import StackError
from shared.infra.ids import new_id
from shared.infra.runtime import Runtime
from tests.support import selection, summary
from tests.support.servers import Databases, Running, environment_of, running_servers
from tests.support.stack import SHORT_SESSIONS, Stacks
from tests.support.stores import Stores
from tests.support.transports import TRANSPORTS
from tests.support.workers import TIERS, GroupScheduling, in_order, tier_of


def pytest_addoption(parser: pytest.Parser) -> None:
    """Not by `-m`, which a developer gives for other reasons: the last one counts."""
    parser.addoption("--transport", choices=TRANSPORTS, help="run stories by this transport only")


def pytest_configure() -> None:
    """A backend that is not there is told before anything is collected."""
    selection.check()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    """Which tests go to a worker together."""
    return GroupScheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A test's folder is its marker. Fault tests build systems of their own; what the backend cannot run is left out."""
    for item in items:
        tier = tier_of(item)
        if tier in TIERS:
            item.add_marker(tier)
        if tier == "faults":
            item.add_marker("embedded")
    selection.by_transport(config, items)
    selection.leave_out(config, items)
    in_order(items)


def pytest_collection_finish() -> None:
    """What is loaded by now stays for the whole run: the collector need not look through it again and again."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker's lines go to where the run was started."""
    summary.hand_over(session.config)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker has ended."""
    summary.take_over(node.config, node)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Why tests were left out, what rounds came to, figures."""
    for section, lines in summary.sections(config):
        terminalreporter.section(section)
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(autouse=True)
def plain_logs() -> None:
    """Plain tracebacks: structlog's own picture of one costs half a second of CPU, in tests that fail a handler on purpose."""
    plain: list[Processor] = [structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer(key_order=["event"])]
    structlog.configure(processors=plain)


@pytest.fixture(scope="session")
def running() -> Iterator[Running]:
    """The servers of this session; if they do not start, no other test that needs them would learn more."""
    with ExitStack() as stack:
        try:
            started = stack.enter_context(running_servers())
        except StackError as error:
            pytest.exit(str(error), returncode=1)
        yield started


@pytest.fixture(scope="session")
def servers(running: Running) -> Backend:
    """PostgreSQL, Kafka and Redis of this session, with roles, databases and topics."""
    return running.servers


@pytest.fixture
def stores(running: Running) -> Stores:
    """The same servers to stop, kill, freeze and bring back. A test that asks for them is left out where they are not ours."""
    assert running.stores is not None
    return running.stores


@pytest.fixture(scope="session")
def databases(servers: Backend) -> Databases:
    """The services' databases; a database is migrated when it is first asked for."""
    return Databases(servers)


@pytest.fixture(scope="session")
def database_urls(databases: Databases) -> dict[str, str]:
    """URL of each service's process, of all services that have migrations."""
    return {service: databases.app(service) for service in databases.migrated_services()}


@pytest.fixture(scope="session")
def stacks(running: Running, databases: Databases) -> Iterator[Stacks]:
    """The one set of service processes that may run at a time."""
    one = Stacks(running.servers, databases, SHORT_SESSIONS if running.stores else {})
    yield one
    one.stop()


@pytest.fixture
def service_environment(servers: Backend, databases: Databases, stacks: Stacks) -> Callable[..., dict[str, str]]:
    """Environment of a service built in this process: `service_environment("booking", FRONTDESK_…="…")`."""
    stacks.stop()

    def environment(name: str, **changes: str) -> dict[str, str]:
        databases.migrate(name)
        return environment_of(servers, name) | changes

    return environment


@pytest.fixture
def service_settings(service_environment: Callable[..., dict[str, str]]) -> Callable[..., Any]:
    """Settings of a service built in this process, of the class in its `settings.py`."""

    def settings(name: str, **changes: str) -> Any:
        kind = importlib.import_module(f"services.{name}.settings").Settings
        return kind.from_environment(service_environment(name, **changes))

    return settings


@pytest.fixture
async def runtime(service_settings: Callable[..., Any]) -> AsyncIterator[Callable[..., Any]]:
    """`await runtime("booking")` is a connected runtime that consumes nothing yet; it is stopped after the test."""
    made: list[Runtime] = []

    async def connect(name: str, **changes: str) -> Runtime:
        made.append(await Runtime.connect(name, service_settings(name, **changes)))
        return made[-1]

    yield connect
    for one in made:
        await one.stop()


@pytest.fixture
async def superuser(databases: Databases) -> AsyncIterator[Callable[..., Any]]:
    """`await superuser("booking")` is a connection that sees the rows of all clinics."""
    made: list[asyncpg.Connection[asyncpg.Record]] = []

    async def connect(service: str) -> "asyncpg.Connection[asyncpg.Record]":
        made.append(await asyncpg.connect(databases.superuser(service)))
        return made[-1]

    yield connect
    for one in made:
        await one.close()


@pytest.fixture
def clinic_id() -> UUID:
    """A clinic of this test's own."""
    return new_id()
