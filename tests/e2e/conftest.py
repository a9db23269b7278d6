"""All services as processes, a client of their gateways, and `frontdesk` as operations call it."""

import pytest

from deploy import installation
from deploy.embedded.backend import Backend
from deploy.embedded.services import Services
from tests.e2e.cli import Cli
from tests.support.fixtures import clinic_over_http as clinic
from tests.support.fixtures import stack
from tests.support.servers import Databases

__all__ = ["clinic", "stack"]


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
