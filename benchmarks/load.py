"""The load generator, a process of its own: a closed loop of bookings over kept-alive connections, each to its final answer.

It reads its orders as JSON from stdin and writes what it saw as JSON to stdout. Raw streams, because a client library would use
more of the machine than the system that is measured. Called by `bookings.py`.
"""

import asyncio
import dataclasses
import datetime as dt
import json
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import uvloop

CREATED = 201
ANSWER_SECONDS = 30.0
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


@dataclass
class Seen:
    """What the generator saw after the warm-up."""

    seconds: float
    latencies_ms: list[float] = field(default_factory=list)
    others: int = 0
    all_answers: int = 0
    """Those of the warm-up too."""


def bookings(orders: Orders, first_day: dt.date) -> Iterator[bytes]:
    """Requests that can all succeed: every place of every doctor's day once, day by day."""
    doctors, patients = orders.doctors, orders.patients
    number = 0
    while True:
        day = first_day + dt.timedelta(days=number // (len(doctors) * orders.places_a_day))
        body = {"doctor_id": doctors[number % len(doctors)], "patient_id": patients[number % len(patients)], "date": str(day)}
        yield request(orders.port, json.dumps(body).encode())
        number += 1


def request(port: int, body: bytes) -> bytes:
    """One booking as it goes over the wire."""
    head = f"POST /api/v1/appointments HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: bytes) -> int:
    """The status of the answer, which is read to its end."""
    writer.write(asked)
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    await reader.readexactly(int(length[1]) if length else 0)
    return int(head[9:12])


async def client(orders: Orders, requests: Iterator[bytes], seen: Seen, begin: float, end: float) -> None:
    """One of those in flight: asks, waits for the answer, asks again."""
    reader, writer = await asyncio.open_connection("127.0.0.1", orders.port)
    try:
        while (asked_at := time.perf_counter()) < end:
            status = await asyncio.wait_for(ask(reader, writer, next(requests)), ANSWER_SECONDS)
            answered_at = time.perf_counter()
            seen.all_answers += 1
            if not begin <= answered_at < end:
                continue
            if status == CREATED:
                seen.latencies_ms.append((answered_at - asked_at) * 1000)
            else:
                seen.others += 1
    finally:
        writer.close()


async def run(orders: Orders) -> Seen:
    """Everything in flight from the warm-up to the end. Tomorrow is the first day: today might end meanwhile."""
    requests = bookings(orders, dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1))
    begin = time.perf_counter() + orders.warm_up_seconds
    end = begin + orders.seconds
    seen = Seen(orders.seconds)
    async with asyncio.TaskGroup() as group:
        for _ in range(orders.in_flight):
            group.create_task(client(orders, requests, seen, begin, end))
    return seen


def main() -> None:
    """Entry point of the process."""
    orders = Orders(**json.load(sys.stdin))
    json.dump(dataclasses.asdict(uvloop.run(run(orders))), sys.stdout)


if __name__ == "__main__":
    main()
