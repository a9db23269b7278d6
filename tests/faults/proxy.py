"""A TCP proxy before PostgreSQL that cuts connections in COMMIT: before the server reads it, or before its answer comes back.

Either way the client knows the same: nothing. Only transactions that act for a clinic are cut, so that it is a batch or a call of
the registry that is hit, and not the relay's look into an empty outbox.
"""

import asyncio
import re
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from deploy.embedded.backend import Backend
from deploy.embedded.ports import LOOPBACK, any_free

COMMIT, BEGIN = b"COMMIT;\0", b"BEGIN"
ACTS_FOR = re.compile(rb"\{[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}[,}]")
"""The clinics that a transaction acts for, as the parameter of its first statement."""
SSL_REQUEST = 80877103
CHUNK_BYTES = 65_536


class Cut(Enum):
    """Where a connection is cut: the server has not seen the COMMIT, or has committed and could not say so."""

    BEFORE = "undone"
    AFTER = "done"


Cuts = Callable[[str], Cut | None]
"""Whether this COMMIT of a database is cut, and where."""


class Proxy:
    """Passes everything on to PostgreSQL. `cuts` decides at each COMMIT; `done` counts what was cut, by database and where."""

    def __init__(self, port: int) -> None:
        self.cuts: Cuts = lambda database: None
        self.done: Counter[tuple[str, Cut]] = Counter()
        self._port = port

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client's connection, to its end."""
        from_server, to_server = await asyncio.open_connection(LOOPBACK, self._port)
        session = Session(self, writer, to_server)
        ways = [asyncio.ensure_future(session.up(reader)), asyncio.ensure_future(session.down(from_server))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            session.cut()
            await asyncio.gather(*ways, return_exceptions=True)


@dataclass
class Session:
    """One connection, both ways."""

    proxy: Proxy
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    database: str = ""
    acts: bool = False
    mute: bool = False
    """The next answer ends the connection instead of being passed on."""

    async def up(self, reader: asyncio.StreamReader) -> None:
        """From the client to the server, message by message."""
        self.database = await self._greeted(reader)
        while True:
            head = await reader.readexactly(5)
            body = await reader.readexactly(struct.unpack("!I", head[1:])[0] - 4)
            if head[:1] == b"Q" and body == COMMIT and not self._commits():
                return
            self._watch(body)
            self.server.write(head + body)
            await self.server.drain()

    async def down(self, reader: asyncio.StreamReader) -> None:
        """From the server to the client, as it comes."""
        while (chunk := await reader.read(CHUNK_BYTES)) and not self.mute:
            self.client.write(chunk)
            await self.client.drain()

    def cut(self) -> None:
        """As a broken network does: nobody says goodbye."""
        self.client.transport.abort()
        self.server.transport.abort()

    async def _greeted(self, reader: asyncio.StreamReader) -> str:
        """The database that the client asks for."""
        while True:
            size = await reader.readexactly(4)
            body = await reader.readexactly(struct.unpack("!I", size)[0] - 4)
            self.server.write(size + body)
            if struct.unpack("!I", body[:4])[0] != SSL_REQUEST:
                words = body[4:].split(b"\0")
                return words[words.index(b"database") + 1].decode() if b"database" in words else ""

    def _watch(self, body: bytes) -> None:
        self.acts = not body.startswith(BEGIN) and (self.acts or bool(ACTS_FOR.search(body)))

    def _commits(self) -> bool:
        """Whether the COMMIT goes on to the server."""
        where = self.proxy.cuts(self.database) if self.acts else None
        if where:
            self.proxy.done[self.database, where] += 1
        self.mute = where is Cut.AFTER
        return where is not Cut.BEFORE


class Behind(Backend):
    """The same servers, PostgreSQL behind the proxy."""

    def __init__(self, servers: Backend, port: int) -> None:
        super().__init__(Path(servers.folder))
        self._servers = servers
        self._port = port

    @property
    def kafka_bootstrap(self) -> str:
        return self._servers.kafka_bootstrap

    @property
    def redis_url(self) -> str:
        return self._servers.redis_url

    def postgres_dsn(self, database: str = "postgres") -> str:
        parts = urlsplit(self._servers.postgres_dsn(database))
        address = f"{parts.netloc.rpartition('@')[0]}@{LOOPBACK}:{self._port}"
        return urlunsplit(parts._replace(netloc=address))


@asynccontextmanager
async def proxied(servers: Backend) -> AsyncIterator[tuple[Proxy, Behind]]:
    """A proxy that serves, and the servers as they are reached through it."""
    proxy = Proxy(urlsplit(servers.postgres_dsn()).port or 0)
    port = any_free()
    async with await asyncio.start_server(proxy.serve, LOOPBACK, port):
        yield proxy, Behind(servers, port)
