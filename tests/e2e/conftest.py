"""All services as processes, two gateways and two availability among them, and a client of both gateways."""

from collections.abc import AsyncIterator

import pytest

from deploy import installation
from deploy.embedded.backend import Backend
from deploy.embedded.services import Services
from tests.e2e.cli import Cli
from tests.support.clinic import Clinic
from tests.support.servers import Databases
from tests.support.stack import GATEWAYS, Stacks
from tests.support.transports import over_http


@pytest.fixture
def stack(stacks: Stacks) -> Services:
    """The running services; tests that stop one start it again."""
    return stacks.running("e2e", {"gateway": 2, "availability": 2})


@pytest.fixture
async def clinic(stack: Services) -> AsyncIterator[Clinic]:
    """A client of both gateways."""
    made = Clinic([over_http(stack.url(name)) for name in GATEWAYS])
    yield made
    await made.close()


@pytest.fixture
def cli(stack: Services, servers: Backend, databases: Databases) -> Cli:
    """`frontdesk` with the addresses of this session, given as on compose."""
    return Cli({
        "KAFKA_BOOTSTRAP_SERVERS": servers.kafka_bootstrap,
        "POSTGRES_READER_URL": databases.reader(),
        "REDIS_URL": servers.redis_url,
        "API_URL": f"{stack.url('gateway')}/api/v1",
        **{spec.url_variable: stack.url(spec.name) for spec in installation.import_owners()},
    })  # fmt: skip
