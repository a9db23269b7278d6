"""Servers that let nobody in without TLS and a password: those of the embedded stack, otherwise configured.

Valkey's build has no TLS, so a relay in front of it has. Certificates are made by the program `openssl`.
"""

import asyncio
import contextlib
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from deploy.embedded.backend import Backend
from deploy.embedded.kafka import Kafka
from deploy.embedded.kafka_archive import java_options
from deploy.embedded.ports import LOOPBACK
from deploy.embedded.postgres import Postgres
from deploy.embedded.servers import start_together
from deploy.embedded.valkey import Valkey
from deploy.stores import databases
from shared.infra.settings import KafkaConnection

PASSWORD = "s3cret"  # of servers that end with the test
PORTS = ("postgres", "kafka", "kafka_controller", "valkey", "valkey_tls")
HBA = "hostssl all all 127.0.0.1/32 scram-sha-256\n"
CHUNK_BYTES = 65_536


@dataclass(frozen=True)
class Certificate:
    """A certificate that nobody but itself has signed: who trusts it names its own file."""

    certificate: Path
    key: Path


def make_certificate(folder: Path, name: str) -> Certificate:
    """A certificate for the loopback address."""
    made = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    command = (
        *("openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2"),
        *("-subj", f"/CN={name}", "-addext", f"subjectAltName=IP:{LOOPBACK}"),
        *("-keyout", str(made.key), "-out", str(made.certificate)),
    )
    subprocess.run(command, check=True, capture_output=True)
    return made


class SecuredKafka(Kafka):
    """One that its clients reach by SASL_SSL, with certificates of their own."""

    def __init__(self, folder: Path, logs: Path, ports: dict[str, int], server: Certificate, client: Certificate) -> None:
        self._server, self._client = server, client
        chain, trusted = folder.with_suffix(".chain.pem"), folder.with_suffix(".trusted.pem")
        chain.write_text(server.key.read_text() + server.certificate.read_text())
        trusted.write_text(server.certificate.read_text() + client.certificate.read_text())
        users = f'username="broker" password="{PASSWORD}" user_broker="{PASSWORD}" user_frontdesk="{PASSWORD}"'
        changes = {
            "listener.security.protocol.map": "CLIENTS:SASL_SSL,CONTROLLER:PLAINTEXT",
            "sasl.enabled.mechanisms": "PLAIN",
            "sasl.mechanism.inter.broker.protocol": "PLAIN",
            "listener.name.clients.plain.sasl.jaas.config": (
                f"org.apache.kafka.common.security.plain.PlainLoginModule required {users};"
            ),
            "listener.name.clients.ssl.client.auth": "required",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": chain,
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": trusted,
        }
        super().__init__(folder, logs, ports["kafka"], ports["kafka_controller"], java_options(), changes)

    @property
    def settings(self) -> dict[str, str]:
        """How clients connect, beside the address, by the names of the settings."""
        return {
            "SECURITY_PROTOCOL": "SASL_SSL",
            "SSL_CAFILE": str(self._server.certificate),
            "SSL_CERTFILE": str(self._client.certificate),
            "SSL_KEYFILE": str(self._client.key),
            "SASL_MECHANISM": "PLAIN",
            "SASL_USERNAME": "frontdesk",
            "SASL_PASSWORD": PASSWORD,
        }

    @property
    def connection(self) -> KafkaConnection:
        given = {name.lower(): value for name, value in self.settings.items()}
        return KafkaConnection.model_validate({"bootstrap_servers": self.bootstrap, **given})


class SecuredValkey(Valkey):
    """One that asks for a password."""

    @property
    def url(self) -> str:
        return f"redis://:{PASSWORD}@{LOOPBACK}:{self.port}/0"


class SecuredPostgres(Postgres):
    """One whose every client speaks TLS, and verifies it."""

    def dsn(self, database: str = "postgres") -> str:
        return f"{super().dsn(database)}?sslmode=verify-full&sslrootcert={self._changes['ssl_cert_file']}"


class Secured(Backend):
    """The three."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.ports = self.claims.choose(PORTS, {}, {})
        self.server, self.client, self.stranger = (make_certificate(folder, name) for name in ("server", "client", "stranger"))
        (folder / "pg_hba.conf").write_text(HBA)
        changes = {
            "ssl": "on",
            "ssl_cert_file": self.server.certificate,
            "ssl_key_file": folder / "postgres.key",
            "hba_file": folder / "pg_hba.conf",
        }
        self.kafka = SecuredKafka(folder / "kafka", self.logs, self.ports, self.server, self.client)
        self.valkey = SecuredValkey(folder / "valkey", self.logs, self.ports["valkey"], ("--requirepass", PASSWORD))
        self.postgres = SecuredPostgres(folder / "postgres", self.logs, self.ports["postgres"], self.secrets, changes)
        self._give_key(folder / "postgres.key")

    def _give_key(self, key: Path) -> None:
        """PostgreSQL takes a key that is its own account's only."""
        key.touch(mode=0o600)
        key.write_bytes(self.server.key.read_bytes())
        if self.postgres.account is not None:
            self.postgres.account.owns(key)

    @property
    def kafka_bootstrap(self) -> str:
        return self.kafka.bootstrap

    @property
    def kafka_connection(self) -> KafkaConnection:
        return self.kafka.connection

    @property
    def redis_url(self) -> str:
        """Through the relay."""
        certificate = self.server.certificate
        return f"rediss://:{PASSWORD}@{LOOPBACK}:{self.ports['valkey_tls']}/0?ssl_ca_certs={certificate}"

    def postgres_dsn(self, database: str = "postgres") -> str:
        return self.postgres.dsn(database)

    def reader_dsn(self) -> str:
        """URL of the role of the commands."""
        role = databases.READER_ROLE
        return databases.dsn_of(self.postgres_dsn(), role, self.secrets.passwords([role])[role], "postgres")

    def start(self) -> None:
        start_together([self.kafka.start, self.valkey.start, self.postgres.start], self.stop)

    def stop(self) -> None:
        for server in (self.kafka, self.valkey, self.postgres):
            server.stop()
        self.claims.release()


@asynccontextmanager
async def secured_servers(folder: Path) -> AsyncIterator[Secured]:
    """Started, with nothing on them."""
    servers = await asyncio.to_thread(Secured, folder)
    try:
        await asyncio.to_thread(servers.start)
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(servers.server.certificate, servers.server.key)
        serve = partial(_relay, servers.ports["valkey"])
        async with await asyncio.start_server(serve, LOOPBACK, servers.ports["valkey_tls"], ssl=tls):
            yield servers
    finally:
        await asyncio.to_thread(servers.stop)


async def _relay(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """What comes by TLS goes on without, until either side ends."""
    there, back = await asyncio.open_connection(LOOPBACK, port)
    copies = [asyncio.ensure_future(_copy(reader, back)), asyncio.ensure_future(_copy(there, writer))]
    await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
    for ending in (writer, back):
        ending.close()
    await asyncio.wait(copies)


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await source.read(CHUNK_BYTES):
            target.write(chunk)
            await target.drain()
