"""The load generator, a process of its own: a closed loop of bookings over kept-alive connections, each to its final answer.

It reads its orders as JSON from stdin and writes what it saw as JSON to stdout. A protocol of its own on raw connections, because
a client library would use more of the machine than the system that is measured. Called by `bookings.py`.
"""

import asyncio
import dataclasses
import datetime as dt
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import cast

import uvloop

CREATED = b"201"
ANSWER_SECONDS = 30.0
"""So long after the end an answer may still come."""
SLOWEST_SECONDS = 0.1
"""Of one booking while others are in flight: slower than that no machine is worth measuring on."""
HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Orders:
    """Whom to ask for what. The clock starts after the warm-up, in which memories fill and statements are prepared."""

    port: int
    in_flight: int
    seconds: float
    warm_up_seconds: float
    doctors: list[str]
    patients: list[str]
    places_a_day: int
    first: int = 0
    """The number of the first booking: a run begins behind the places of the one before it."""
    at_least: int = 0
    """So many are asked however long that takes."""


@dataclass
class Seen:
    """What the generator saw after the warm-up."""

    seconds: float
    latencies_ms: list[float] = field(default_factory=list)
    others: int = 0
    all_answers: int = 0
    """Those of the warm-up too."""
    asked: int = 0
    cpu_seconds: float = 0.0
    """What the generator itself used, from its first request to its last answer."""


def bookings(orders: Orders, first_day: dt.date) -> Iterator[bytes]:
    """Requests that can all succeed: every place of every doctor's day once, day by day."""
    doctors, patients = orders.doctors, orders.patients
    number = orders.first
    while True:
        day = first_day + dt.timedelta(days=number // (len(doctors) * orders.places_a_day))
        body = {"doctor_id": doctors[number % len(doctors)], "patient_id": patients[number % len(patients)], "date": str(day)}
        yield request(orders.port, f"bench-{number}", json.dumps(body).encode())
        number += 1


def request(port: int, key: str, body: bytes) -> bytes:
    """One booking as it goes over the wire."""
    head = (
        f"POST /api/v1/appointments HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Idempotency-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def answer_length(received: bytes | bytearray) -> int | None:
    """How many bytes the answer has that begins here; None as long as its head is not whole."""
    end = received.find(HEAD_END)
    if end < 0:
        return None
    length = _LENGTH.search(received, 0, end + 2)
    return end + len(HEAD_END) + (int(length[1]) if length else 0)


class Client(asyncio.Protocol):
    """One of those in flight: asks, waits for the answer, asks again. `answered` takes the answer's status and time."""

    def __init__(self, ask: Callable[[], bytes | None], answered: Callable[[bytes, float], None]) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ask = ask
        self._answered = answered
        self._received = bytearray()
        self._asked_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        self._received += data
        length = answer_length(self._received)
        if length is None or len(self._received) < length:
            return
        self._answered(bytes(self._received[9:12]), self._asked_at)
        self._received.clear()
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        """The server may not hang up before the end."""
        if not self.ended.done():
            self.ended.set_exception(error or ConnectionResetError())

    def _next(self) -> None:
        asked = self._ask()
        if asked is not None:
            self._asked_at = time.perf_counter()
            self._transport.write(asked)
        elif not self.ended.done():
            self.ended.set_result(None)
            self._transport.close()


async def run(orders: Orders) -> Seen:
    """Everything in flight from the warm-up to the end. Tomorrow is the first day: today might end meanwhile."""
    requests = bookings(orders, dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1))
    begin = time.perf_counter() + orders.warm_up_seconds
    end = begin + orders.seconds
    seen = Seen(orders.seconds)

    def ask() -> bytes | None:
        if time.perf_counter() >= end and seen.asked >= orders.at_least:
            return None
        seen.asked += 1
        return next(requests)

    def answered(status: bytes, asked_at: float) -> None:
        seen.all_answers += 1
        now = time.perf_counter()
        if not begin <= now < end:
            return
        if status == CREATED:
            seen.latencies_ms.append((now - asked_at) * 1000)
        else:
            seen.others += 1

    used = time.process_time()
    async with asyncio.timeout(longest_seconds(orders)):
        loop = asyncio.get_running_loop()
        connecting = (
            loop.create_connection(lambda: Client(ask, answered), "127.0.0.1", orders.port) for _ in range(orders.in_flight)
        )
        clients = [protocol for _, protocol in await asyncio.gather(*connecting)]
        await asyncio.gather(*(client.ended for client in clients))
    seen.cpu_seconds = time.process_time() - used
    return seen


def longest_seconds(orders: Orders) -> float:
    """Whatever happens, a run has ended by then."""
    return orders.warm_up_seconds + orders.seconds + ANSWER_SECONDS + orders.at_least * SLOWEST_SECONDS


def main() -> None:
    """Entry point of the process."""
    orders = Orders(**json.load(sys.stdin))
    json.dump(dataclasses.asdict(uvloop.run(run(orders))), sys.stdout)


if __name__ == "__main__":
    main()
