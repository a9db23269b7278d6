"""Where the servers are that operations ask: given by the environment, else those of the embedded stack that runs here.

`frontdesk env` prints the same names, so the commands work on compose and on managed servers alike. Databases are read as
`frontdesk_reader`, who sees all clinics and may write nothing.
"""

import os
from pathlib import Path
from urllib.parse import urlsplit

from deploy.failure import Misused, Unreachable

KAFKA = "KAFKA_BOOTSTRAP_SERVERS"
READER = "POSTGRES_READER_URL"
API = "API_URL"
REDIS = "REDIS_URL"
OWNERS = {"availability": "AVAILABILITY_URL", "booking": "BOOKING_URL"}
"""Internal HTTP of the services that take whole files."""
NAMES = (KAFKA, READER, API, REDIS, *OWNERS.values())


def kafka() -> str:
    """Bootstrap servers of Kafka."""
    return _address(KAFKA)


def database(service: str) -> str:
    """The reader's URL of a service's database."""
    from deploy.databases import on_database

    url = _address(READER)
    if not _is_postgres(url):  # not shown: it may hold a password
        raise Misused(f"{READER} is no URL of PostgreSQL\n  try: {READER}=postgresql://frontdesk_reader:…@host:5432/postgres")
    return on_database(url, service)


def _is_postgres(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("postgresql", "postgres") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def redis() -> str:
    """URL of Redis."""
    return _address(REDIS)


def api() -> str:
    """Base URL of the public API."""
    return _address(API).rstrip("/")


def service(name: str) -> str:
    """Base URL of the internal HTTP of one of the owners."""
    return _address(OWNERS[name]).rstrip("/")


def of_embedded_stack() -> dict[str, str]:
    """All addresses of the embedded stack that runs in the data folder."""
    from deploy.databases import READER_ROLE, dsn_of
    from deploy.embedded.stack import gateway_url, running_servers
    from deploy.environment import base_url

    servers = running_servers()
    ports = servers.state.load().ports
    return {
        API: f"{gateway_url(servers.folder)}/api/v1",
        **{variable: base_url(ports[name]) for name, variable in OWNERS.items()},
        KAFKA: servers.kafka_bootstrap,
        REDIS: servers.redis_url,
        "POSTGRES_URL": servers.postgres_dsn(),
        READER: dsn_of(servers.postgres_dsn(), READER_ROLE, servers.secrets.passwords([READER_ROLE])[READER_ROLE], "postgres"),
    }


def given() -> bool:
    """Whether the environment says where servers are: then they are not those of the embedded stack."""
    return any(os.environ.get(name) or os.environ.get(f"{name}_FILE") for name in NAMES)


def who_runs_them() -> str:
    """What to type to see whether a server runs that does not answer."""
    return "docker compose ps, or ask what runs it" if given() else "frontdesk status"


def unreachable(what: str, address: str, why: str) -> Unreachable:
    """What a command says of a server that does not answer."""
    return Unreachable(f"{what} does not answer at {address}: {why}\n  try: {who_runs_them()}")


def _content(file: Path) -> str:
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Misused(f"{file} cannot be read: {type(error).__name__}") from error


def _address(name: str) -> str:
    """A variable, or the content of the file that `NAME_FILE` names, or what the embedded stack has."""
    if os.environ.get(f"{name}_FILE"):
        return _content(Path(os.environ[f"{name}_FILE"]))
    if os.environ.get(name):
        return os.environ[name]
    try:
        return of_embedded_stack()[name]
    except Unreachable as error:
        raise Unreachable(f"{error}, or say where the servers are: {name}") from None
