"""`frontdesk migrate`: brings databases to the newest schema, those of the stack that runs here or those at a URL."""

from collections.abc import Callable
from pathlib import Path

import asyncpg
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from deploy import installation
from deploy.addresses import OWNER
from deploy.commands.addresses import ADDRESSES
from deploy.commands.output import out
from deploy.embedded.running import running_servers
from deploy.exit_codes import OK
from deploy.failure import Failure, Misused, NoAnswer
from deploy.secrets import Secrets
from deploy.stores.databases import is_postgres_url
from deploy.stores.migrations import migrate as migrate_all
from deploy.stores.migrations import prepare_and_migrate


def migrate(service: str | None, url: str | None, secrets: str | None, as_json: bool) -> int:
    """One service's schema, or roles, databases and schemas of all."""
    migrated = _migrated(service, url or ADDRESSES.owner(), secrets)
    out({"migrated": migrated}, as_json, [f"newest schema: {', '.join(migrated) or 'no service has migrations'}"])
    return OK


def _migrated(service: str | None, url: str | None, secrets: str | None) -> list[str]:
    if url is not None and not is_postgres_url(url):  # not shown: it may hold a password
        raise Misused("that is no URL of PostgreSQL\n  try: --url postgresql://booking_owner:…@host:5432/booking")
    if service is not None:
        if url is None or secrets is not None:
            raise Misused(f"say where its database is: --url or {OWNER}, without --secrets")
        name = installation.named(service).name
        return _at(lambda: migrate_all({name: url}))
    if url is None and secrets is None:
        servers = running_servers()
        return prepare_and_migrate(servers.postgres_dsn(), servers.secrets)
    if url is None or secrets is None:
        raise Misused(f"all services need both: --secrets, and a superuser's --url or {OWNER}")
    return _at(lambda: prepare_and_migrate(url, Secrets(Path(secrets))))


def _at(work: Callable[[], list[str]]) -> list[str]:
    """What servers elsewhere answer, as a text. Neither says the URL."""
    try:
        return work()
    except (OSError, TimeoutError, asyncpg.InvalidAuthorizationSpecificationError) as error:
        raise NoAnswer(f"PostgreSQL does not let us in: {error or type(error).__name__}") from error
    except (asyncpg.PostgresError, DBAPIError) as error:
        raise Failure(f"PostgreSQL refuses: {getattr(error, 'orig', error)}") from error
    except CommandError as error:
        raise Failure(f"the database is not of this version: {error}") from error
