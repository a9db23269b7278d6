"""`frontdesk migrate` on databases elsewhere, by their URLs, and by several processes at once."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from deploy import installation
from deploy.addresses import OWNER
from deploy.cli import app
from deploy.embedded.environment import process_environment
from deploy.embedded.ports import any_free
from deploy.embedded.postgres import Postgres
from deploy.secrets import Secrets
from deploy.stores.databases import on_database, owner_dsns, prepare, role_names
from deploy.stores.migrations import migrations_folder
from shared.infra.migration_lock import alone_on
from tests.support.servers import own_folder
from tests.support.waiting import eventually

pytestmark = [pytest.mark.embedded, pytest.mark.slow]

SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'queue_owner' AND pid <> pg_backend_pid()"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with own_folder() as made:
        yield made


@pytest.fixture(scope="module")
def elsewhere(folder: Path) -> Iterator[Postgres]:
    """A server that no stack of ours runs on, and on which nothing is."""
    server = Postgres(folder / "postgres", folder / "logs", any_free(), Secrets(folder / "server"))
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
async def clean(elsewhere: Postgres) -> AsyncIterator[None]:
    """Without databases afterwards."""
    yield
    server = await asyncpg.connect(elsewhere.dsn())
    for name in installation.names():
        await server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await server.close()


@pytest.fixture
async def empty(elsewhere: Postgres, folder: Path, clean: None) -> str:
    """The URL of the owner of a database without tables."""
    passwords = Secrets(folder / "roles").passwords(role_names())
    await asyncio.to_thread(prepare, elsewhere.dsn(), passwords)
    return owner_dsns(elsewhere.dsn(), passwords)["queue"]


async def here(*arguments: str) -> Result:
    """`frontdesk migrate` in this process."""
    return await asyncio.to_thread(CliRunner().invoke, app, ["migrate", *arguments])


async def migrate(*arguments: str, **variables: str) -> tuple[int | None, str, str]:
    """A process of `frontdesk migrate`: its exit code, and what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "deploy.cli", "migrate", *arguments,
        env=process_environment({"FRONTDESK_HOME": "/nonexistent/frontdesk", **variables}),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, complained = await process.communicate()
    return process.returncode, said.decode(), complained.decode()


async def revision(elsewhere: Postgres, service: str) -> str:
    sql = await asyncpg.connect(elsewhere.dsn(service))
    try:
        return str(await sql.fetchval("SELECT version_num FROM alembic_version"))
    finally:
        await sql.close()


def newest(service: str) -> str:
    folder = migrations_folder(service)
    assert folder
    return max(path.name for path in (folder / "versions").glob("0*.py"))[:4]


async def test_everything_is_made_by_several_processes_at_once(elsewhere: Postgres, clean: None, tmp_path: Path) -> None:
    """As pods that start together do, on a server that has nothing yet."""
    arguments = ("--url", elsewhere.dsn(), "--secrets", str(tmp_path / "passwords"), "--json")
    passwords = Secrets(tmp_path / "passwords").passwords(role_names())
    done = await asyncio.gather(*(migrate(*arguments) for _ in range(2)))
    assert [code for code, _, _ in done] == [0, 0], done
    assert json.loads(done[0][1]) == {"migrated": list(installation.names())}
    for service, url in owner_dsns(elsewhere.dsn(), passwords).items():
        assert await revision(elsewhere, service) == newest(service)
        sql = await asyncpg.connect(url)
        await sql.close()


async def test_two_processes_migrate_one_database_one_after_the_other(elsewhere: Postgres, empty: str) -> None:
    done = await asyncio.gather(*(migrate("queue", **{OWNER: empty}) for _ in range(2)))
    assert [code for code, _, _ in done] == [0, 0], done
    assert await revision(elsewhere, "queue") == newest("queue")


async def test_who_waits_for_the_lock_holds_up_no_index(elsewhere: Postgres, empty: str) -> None:
    """`CREATE INDEX CONCURRENTLY` waits for every older snapshot: who waits for the lock must have none."""
    superuser = on_database(elsewhere.dsn(), "queue")
    async with alone_on(superuser) as first:
        second = asyncio.ensure_future(migrate("queue", "--url", empty))

        async def waits() -> bool:
            return bool(await first.fetchval(SESSIONS))

        await eventually(waits)
        await first.execute("CREATE TABLE large (id integer)")
        await first.execute("CREATE INDEX CONCURRENTLY ix_large ON large (id)")
        assert not second.done()
    code, said, complained = await second
    assert code == 0, complained
    assert said == "newest schema: queue\n"


async def test_a_password_that_is_wrong_is_told_without_a_traceback(empty: str) -> None:
    done = await here("queue", "--url", empty.replace("queue_owner:", "queue_owner:x"))
    assert done.exit_code == 4 and "password authentication failed" in done.stderr


async def test_a_database_of_a_newer_version_is_told(elsewhere: Postgres, empty: str) -> None:
    assert (await here("queue", "--url", empty)).exit_code == 0
    sql = await asyncpg.connect(elsewhere.dsn("queue"))
    await sql.execute("UPDATE alembic_version SET version_num = '9999'")
    await sql.close()
    done = await here("queue", "--url", empty)
    assert done.exit_code == 1 and "9999" in done.stderr
