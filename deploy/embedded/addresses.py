"""The addresses of the embedded stack that runs in the data folder, by the variables that `deploy.addresses` reads.

`frontdesk env` prints them, and the commands use those that the environment does not give.
"""

from deploy import addresses, installation
from deploy.embedded.environment import base_url
from deploy.embedded.running import gateway_url, running_servers
from deploy.stores.databases import READER_ROLE, dsn_of


def of_embedded_stack() -> dict[str, str]:
    """All of them, and with them the superuser's URL of PostgreSQL. Raises `Unreachable` if no stack runs."""
    servers = running_servers()
    ports = servers.state.load().ports
    reader = servers.secrets.passwords([READER_ROLE])[READER_ROLE]
    return {
        addresses.API: f"{gateway_url(servers.folder)}/api/v1",
        **{spec.url_variable: base_url(ports[spec.name]) for spec in installation.import_owners()},
        addresses.KAFKA: servers.kafka_bootstrap,
        addresses.REDIS: servers.redis_url,
        "POSTGRES_URL": servers.postgres_dsn(),
        addresses.READER: dsn_of(servers.postgres_dsn(), READER_ROLE, reader, "postgres"),
    }
