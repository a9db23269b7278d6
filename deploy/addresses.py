"""The addresses of the servers that the commands use: given by the environment, else those of the stack that runs here.

The variables are those that `frontdesk env` prints, so the commands work on compose and on managed servers alike. Called by
`deploy.commands`, which hand in the embedded stack, and by `deploy.compose`, where the environment gives all of them.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import ValidationError

from deploy import installation
from deploy.failure import Misused, Unreachable
from deploy.stores.databases import is_postgres_url, on_database
from shared.infra.settings import KafkaConnection

KAFKA = "KAFKA_BOOTSTRAP_SERVERS"
READER = "POSTGRES_READER_URL"
API = "API_URL"
REDIS = "REDIS_URL"
OWNER = "POSTGRES_OWNER_URL"
"""Who changes schemas is given apart: no other command reads it, and it is no address that says where servers are."""


def variables() -> tuple[str, ...]:
    """The names of all variables that give an address."""
    return (KAFKA, READER, API, REDIS, *(spec.url_variable for spec in installation.import_owners()))


def some_given() -> bool:
    """Whether the environment says where servers are: then they are not those of the embedded stack."""
    return any(os.environ.get(name) or os.environ.get(f"{name}_FILE") for name in variables())


def who_runs_servers() -> str:
    """What to type to see whether a server runs that does not answer."""
    return "docker compose ps, or ask what runs it" if some_given() else "frontdesk status"


class Addresses:
    """Each address, by the variable of its name, or by the file that `NAME_FILE` names, or else by what runs here."""

    def __init__(self, running: Callable[[], Mapping[str, str]] | None = None) -> None:
        """`running` gives the addresses of the stack that runs here, by their variables; it raises `Unreachable` if none does."""
        self._running = running

    def kafka(self) -> KafkaConnection:
        """The brokers, with TLS and SASL as the settings of a service have them: `KAFKA_SASL_PASSWORD`, or its `_FILE`.

        The stack that runs here has neither, whatever the environment says of others.
        """
        bootstrap = self._of(KAFKA)
        names = KafkaConnection.model_fields if _given(KAFKA) else ()
        given = {name: value for name in names if (value := _given(f"KAFKA_{name.upper()}"))}
        try:
            return KafkaConnection.model_validate(given | {"bootstrap_servers": bootstrap})
        except ValidationError as error:
            faults = [f"{'_'.join(['KAFKA', *map(str, fault['loc'])]).upper()}: {fault['msg']}" for fault in error.errors()]
            raise Misused("\n".join(faults)) from None

    def database(self, service: str) -> str:
        """The URL of a service's database for `frontdesk_reader`, who sees all clinics and may write nothing."""
        url = self._of(READER)
        if not is_postgres_url(url):  # not shown: it may hold a password
            raise Misused(f"{READER} is no URL of PostgreSQL\n  try: {READER}=postgresql://frontdesk_reader:…@host:5432/postgres")
        return on_database(url, service)

    def owner(self) -> str | None:
        """The URL of a role that may change schemas, if it is given."""
        return _given(OWNER)

    def redis(self) -> str:
        """URL of Redis."""
        return self._of(REDIS)

    def api(self) -> str:
        """Base URL of the public API."""
        return self._of(API).rstrip("/")

    def service(self, name: str) -> str:
        """Base URL of the internal HTTP of a service that takes imports."""
        return self._of(installation.named(name).url_variable).rstrip("/")

    def _of(self, variable: str) -> str:
        if given := _given(variable):
            return given
        if self._running is None:
            raise Unreachable(f"say where the servers are: {variable}")
        try:
            return self._running()[variable]
        except Unreachable as error:
            raise Unreachable(f"{error}, or say where the servers are: {variable}") from None


def _given(variable: str) -> str | None:
    """What the environment says, itself or by a file."""
    if os.environ.get(f"{variable}_FILE"):
        return _content(Path(os.environ[f"{variable}_FILE"]))
    return os.environ.get(variable) or None


def _content(file: Path) -> str:
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Misused(f"{file} cannot be read: {type(error).__name__}") from error
