"""Many clients who ask at the same moment, each over a connection of its own that stays open, through both gateways.

Each does as the API says: who was not accepted, or not told the end yet, asks again with the same key. So does whom the
server hung up on: it closes what was silent for some seconds.

On raw connections: a client library would need most of the machine for so many, and the moments would lie far apart.
"""

import asyncio
import contextlib
import json
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import uuid4

from deploy.embedded.services import Services
from tests.support.stack import GATEWAYS
from tests.support.transports import TIMEOUT_SECONDS

HEAD_END = b"\r\n\r\n"
WAIT_SECONDS = 30
NO_END = (202, 503)
AGAIN_AFTER_SECONDS = 0.2


class Told(NamedTuple):
    """An answer."""

    status: int
    body: dict[str, Any]

    @property
    def end(self) -> str:
        """How it ended, in a word: the code of a refusal, or the status."""
        return str(self.body["code"]) if self.status >= 400 else str(self.status)


class Member:
    """One of the crowd."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def connect(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)

    async def ask(self, path: str, body: dict[str, Any]) -> Told:
        """What a command ended with."""
        key = uuid4().hex
        while True:
            try:
                self._send(path, body, key)
                told = await self._answer()
            except (asyncio.IncompleteReadError, ConnectionError):
                await self.connect()
                continue
            if told.status not in NO_END:
                return told
            await asyncio.sleep(AGAIN_AFTER_SECONDS)

    def _send(self, path: str, body: dict[str, Any], key: str) -> None:
        sent = json.dumps(body).encode()
        head = (
            f"POST /api/v1{path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nContent-Type: application/json\r\n"
            f"Prefer: wait={WAIT_SECONDS}\r\nIdempotency-Key: {key}\r\nContent-Length: {len(sent)}\r\n\r\n"
        )
        self._writer.write(head.encode() + sent)

    async def _answer(self) -> Told:
        head = await self._reader.readuntil(HEAD_END)
        fields = dict(line.lower().split(b": ", 1) for line in head.removesuffix(HEAD_END).split(b"\r\n")[1:])
        body = await self._reader.readexactly(int(fields[b"content-length"]))
        return Told(int(head.split(b" ", 2)[1]), json.loads(body))

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


class Crowd:
    """All of them."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._members = members

    @classmethod
    async def gathered(cls, services: Services, count: int) -> "Crowd":
        """So many, as many at each gateway."""
        ports = [services[name].port for name in GATEWAYS]
        members = [Member(ports[number % len(ports)]) for number in range(count)]
        await asyncio.gather(*(member.connect() for member in members))
        return cls(members)

    async def ask(self, path: str, bodies: Sequence[dict[str, Any]]) -> list[Told]:
        """Everybody asks at once; all ends."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            asking = zip(self._members, bodies, strict=True)
            return await asyncio.gather(*(member.ask(path, body) for member, body in asking))

    async def disperse(self) -> None:
        """Everybody hangs up."""
        await asyncio.gather(*(member.close() for member in self._members))
