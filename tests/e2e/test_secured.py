"""The whole system on servers that let nobody in without TLS and a password: services, and the commands of `frontdesk`."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from deploy import installation
from deploy.addresses import OWNER
from deploy.embedded.services import Services
from deploy.stores.databases import app_dsns, role_names
from tests.e2e.cli import Cli
from tests.support.clinic import Clinic
from tests.support.secured import Secured, secured_servers
from tests.support.servers import own_folder
from tests.support.transports import over_http

pytestmark = [pytest.mark.slow, pytest.mark.embedded]

FILES = ("KAFKA_SSL_CAFILE", "KAFKA_SSL_CERTFILE", "KAFKA_SSL_KEYFILE")
PATIENT_REDIS = {"FRONTDESK_REDIS__TIMEOUT_MS": "5000"}
"""A machine that does much else may take long for a handshake, and locks that are not had are gone without."""


@dataclass(frozen=True)
class Installed:
    """Secured servers, services on them, and the commands that know both by their addresses."""

    servers: Secured
    services: Services
    cli: Cli


@pytest.fixture(scope="module")
async def installed() -> AsyncIterator[Installed]:
    """Made by the commands, as an operator does it."""
    with own_folder() as folder:
        async with secured_servers(folder) as servers:
            cli = Cli({
                "KAFKA_BOOTSTRAP_SERVERS": servers.kafka_bootstrap,
                **{f"KAFKA_{name}": value for name, value in servers.kafka.settings.items()},
                "POSTGRES_READER_URL": servers.reader_dsn(),
                "REDIS_URL": servers.redis_url,
            })  # fmt: skip
            done = await cli.run("migrate", "--secrets", str(servers.secrets.folder), **{OWNER: servers.postgres_dsn()})
            assert done.exit_code == 0, done.stderr
            await cli.text("topics", "create")
            kafka = {f"FRONTDESK_KAFKA__{name}": value for name, value in servers.kafka.settings.items()}
            services = Services(servers, settings=kafka | PATIENT_REDIS)
            await asyncio.to_thread(services.start)
            cli.environment["API_URL"] = f"{services.url('gateway')}/api/v1"
            try:
                yield Installed(servers, services, cli)
            finally:
                await asyncio.to_thread(services.stop)


@pytest.fixture
async def clinic(installed: Installed) -> AsyncIterator[Clinic]:
    made = Clinic([over_http(installed.services.url("gateway"))])
    yield made
    await made.close()


async def test_a_booking_goes_through_all_services_and_the_commands_see_it(installed: Installed, clinic: Clinic) -> None:
    cli = installed.cli
    doctor, patient = await clinic.doctor(capacity=1), await clinic.patient()
    booked = await clinic.booked(doctor, patient)
    assert "AppointmentBooked" in await cli.text("topics", "tail", "appointment.events", "-n", "50")
    assert "decided" in await cli.text("explain", booked["id"])
    assert (await cli.json("psql", "booking", "-c", "SELECT count(*) FROM appointments", "--json"))["rows"] == [[1]]
    assert (await cli.json("dlq", "list", "--json")) is not None
    assert (await cli.run("topics", "lag")).exit_code == 0
    found = {check["name"]: check["state"] for check in json.loads((await cli.run("doctor", "--json")).stdout)["checks"]}
    assert {name: found[name] for name in ("kafka", "postgres", "redis")} == dict.fromkeys(("kafka", "postgres", "redis"), "ok")
    async with Redis.from_url(installed.servers.redis_url) as redis:
        assert await redis.dbsize() > 0, "services reach Redis, too"


async def test_every_session_of_the_services_is_encrypted(installed: Installed) -> None:
    sql = await asyncpg.connect(installed.servers.postgres_dsn())
    rows = await sql.fetch(
        "SELECT usename, bool_and(ssl) AS ssl FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)"
        " WHERE usename LIKE '%_app' GROUP BY usename"
    )
    await sql.close()
    assert {row["usename"]: row["ssl"] for row in rows} == {f"{name}_app": True for name in installation.names()}


@pytest.mark.parametrize(
    "change",
    [
        {"KAFKA_SASL_PASSWORD": "wrong"},
        {"KAFKA_SSL_CAFILE": "stranger"},
        {"KAFKA_SSL_CERTFILE": "stranger", "KAFKA_SSL_KEYFILE": "stranger"},
        {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", **dict.fromkeys(FILES, "")},
    ],
    ids=["password", "authority", "certificate", "plaintext"],
)
async def test_kafka_lets_nobody_else_in(installed: Installed, change: dict[str, str]) -> None:
    stranger = installed.servers.stranger
    files = {
        "KAFKA_SSL_CAFILE": stranger.certificate,
        "KAFKA_SSL_CERTFILE": stranger.certificate,
        "KAFKA_SSL_KEYFILE": stranger.key,
    }
    changes = {name: str(files[name]) if value == "stranger" else value for name, value in change.items()}
    done = await installed.cli.run("topics", "list", **changes)
    assert done.exit_code == 4 and installed.servers.kafka_bootstrap in done.stderr, done.stderr


async def test_postgres_and_redis_let_nobody_else_in(installed: Installed) -> None:
    servers = installed.servers
    url = app_dsns(servers.postgres_dsn(), servers.secrets.passwords(role_names()))["queue"]
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="no encryption"):
        await asyncpg.connect(url.replace("verify-full", "disable"))
    with pytest.raises(OSError, match="certificate verify failed"):
        await asyncpg.connect(url.replace(str(servers.server.certificate), str(servers.stranger.certificate)))
    for wrong in (servers.redis_url.replace("s3cret", "wrong"), servers.redis_url.replace("server.pem", "stranger.pem")):
        async with Redis.from_url(wrong) as redis:
            with pytest.raises(RedisError):
                await redis.ping()
