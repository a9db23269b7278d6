"""The databases of an installation: one for each service, its two roles, their rights and their URLs.

`<name>_owner` owns the schema and runs migrations; `<name>_app` is the process and may only read and write rows: it owns
nothing and cannot bypass row level security. `frontdesk_reader` is for people: it sees all clinics in all databases and may
write nothing. Safe to repeat. Where a function takes `services`, these are names, by default of all services. Called by
`frontdesk up`, `frontdesk migrate`, `deploy.compose` and tests.
"""

from collections.abc import Iterable, Mapping
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from deploy import blocking, installation
from shared.infra.migration_lock import alone_on

READER_ROLE = "frontdesk_reader"
READER_STATEMENT_SECONDS = 60
_ROLE = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION"
_SERVICE_ROLE = f"{_ROLE} NOBYPASSRLS NOINHERIT"
_READER = f"{_ROLE} BYPASSRLS INHERIT"


def role_names(services: Iterable[str] | None = None) -> list[str]:
    """Roles that `prepare` makes, each of which needs a password."""
    return [*(f"{service}_{kind}" for service in _named(services) for kind in ("owner", "app")), READER_ROLE]


def prepare(superuser_dsn: str, passwords: Mapping[str, str], services: Iterable[str] | None = None) -> None:
    """Make databases, roles and their rights; `passwords` are by role name (`booking_owner`, `booking_app`, …)."""
    blocking.run(_prepare(superuser_dsn, passwords, _named(services)))


def dsn_of(superuser_dsn: str, role: str, password: str, database: str) -> str:
    """URL of a role's database on the server of another URL."""
    parts = urlsplit(superuser_dsn)
    address = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, f"{role}:{quote(password, safe='')}@{address}", f"/{database}", parts.query, ""))


def on_database(dsn: str, database: str) -> str:
    """URL of another database of the same server, for the same role."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{database}"))


def owner_dsns(superuser_dsn: str, passwords: Mapping[str, str], services: Iterable[str] | None = None) -> dict[str, str]:
    """Owner's URL of each service's database, as `migrations.migrate` takes them."""
    return {name: dsn_of(superuser_dsn, f"{name}_owner", passwords[f"{name}_owner"], name) for name in _named(services)}


def app_dsns(superuser_dsn: str, passwords: Mapping[str, str], services: Iterable[str] | None = None) -> dict[str, str]:
    """URL of each service's process."""
    return {name: dsn_of(superuser_dsn, f"{name}_app", passwords[f"{name}_app"], name) for name in _named(services)}


def is_postgres_url(url: str) -> bool:
    """Whether a text is a URL of a PostgreSQL server."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("postgresql", "postgres") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _named(services: Iterable[str] | None) -> tuple[str, ...]:
    return installation.names() if services is None else tuple(services)


# Read-only is only its default, so that a slip is no error; that it has no right to write is what holds. It reads what services
# own and no more: pg_read_all_data, which it had once, covers the verifiers of all passwords.
_READER_RIGHTS = f"""
REVOKE pg_read_all_data FROM {READER_ROLE};
REVOKE TEMPORARY ON DATABASE postgres FROM PUBLIC;
ALTER ROLE {READER_ROLE} SET default_transaction_read_only = on;
ALTER ROLE {READER_ROLE} SET statement_timeout = '{READER_STATEMENT_SECONDS}s';
"""


async def _prepare(superuser_dsn: str, passwords: Mapping[str, str], services: tuple[str, ...]) -> None:
    async with alone_on(superuser_dsn) as server:
        await server.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        for role in role_names(services):
            await _make_role(server, role, _READER if role == READER_ROLE else _SERVICE_ROLE, passwords[role])
        await server.execute(_READER_RIGHTS)
        for service in services:
            await _make_database(server, service)
            await _grant(on_database(superuser_dsn, service), service)


async def _make_role(server: "asyncpg.Connection[asyncpg.Record]", role: str, rights: str, password: str) -> None:
    """Create a role, or bring an existing one back to what it may be."""
    exists = await server.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role)
    verb = "ALTER" if exists else "CREATE"
    # A password cannot be a parameter of this statement; the server quotes it for us.
    quoted = await server.fetchval("SELECT quote_literal($1::text)", password)
    await server.execute(f'{verb} ROLE "{role}" {rights} PASSWORD {quoted}')


async def _make_database(server: "asyncpg.Connection[asyncpg.Record]", service: str) -> None:
    if not await server.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", service):
        await server.execute(f'CREATE DATABASE "{service}" OWNER "{service}_owner"')
    await server.execute(f'REVOKE ALL ON DATABASE "{service}" FROM PUBLIC')
    await server.execute(f'GRANT CONNECT ON DATABASE "{service}" TO "{service}_app", {READER_ROLE}')


async def _grant(dsn: str, service: str) -> None:
    """What the process and the reader may do with tables that their owner made or will make."""
    owner, app = f'"{service}_owner"', f'"{service}_app"'
    default = f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public"
    database = await asyncpg.connect(dsn)
    try:
        await database.execute(f"""
            REVOKE ALL ON SCHEMA public FROM PUBLIC;
            GRANT USAGE ON SCHEMA public TO {app}, {READER_ROLE};
            GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER_ROLE};
            REVOKE EXECUTE ON FUNCTION lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea) FROM PUBLIC;
            {default} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {app};
            {default} GRANT SELECT ON TABLES TO {READER_ROLE};
            {default} GRANT USAGE ON SEQUENCES TO {app};
        """)
    finally:
        await database.close()
