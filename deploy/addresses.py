"""Where the servers are that operations ask: given by the environment, else those of the embedded stack that runs here.

`frontdesk env` prints the same names, so the commands work on compose and on managed servers alike. Databases are read as
`frontdesk_reader`, who sees all clinics and may write nothing.
"""

import os
from pathlib import Path

from deploy.failure import Unreachable

KAFKA = "KAFKA_BOOTSTRAP_SERVERS"
READER = "POSTGRES_READER_URL"
API = "API_URL"
REDIS = "REDIS_URL"


def kafka() -> str:
    """Bootstrap servers of Kafka."""
    return _address(KAFKA)


def database(service: str) -> str:
    """The reader's URL of a service's database."""
    from deploy.databases import on_database

    return on_database(_address(READER), service)


def redis() -> str:
    """URL of Redis."""
    return _address(REDIS)


def api() -> str:
    """Base URL of the public API."""
    return _address(API).rstrip("/")


def of_embedded_stack() -> dict[str, str]:
    """All addresses of the embedded stack that runs in the data folder."""
    from deploy.databases import READER_ROLE, dsn_of
    from deploy.embedded.stack import gateway_url, running_servers

    servers = running_servers()
    return {
        API: f"{gateway_url(servers.folder)}/api/v1",
        KAFKA: servers.kafka_bootstrap,
        REDIS: servers.redis_url,
        "POSTGRES_URL": servers.postgres_dsn(),
        READER: dsn_of(servers.postgres_dsn(), READER_ROLE, servers.secrets.passwords([READER_ROLE])[READER_ROLE], "postgres"),
    }


def _address(name: str) -> str:
    """A variable, or the content of the file that `NAME_FILE` names, or what the embedded stack has."""
    if os.environ.get(f"{name}_FILE"):
        return Path(os.environ[f"{name}_FILE"]).read_text().strip()
    if os.environ.get(name):
        return os.environ[name]
    try:
        return of_embedded_stack()[name]
    except Unreachable as error:
        raise Unreachable(f"{error}, or say where the servers are: {name}") from None
