"""What the generator asks and how it reads answers, and what the reference runs."""

import asyncio
import datetime as dt
import itertools
import json
import re
from collections import Counter

import pytest

from benchmarks.load import Client, Orders, answer_length, bookings
from benchmarks.reference import availability_script, booking_script, statement

ANSWER = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nx: y\r\n\r\n{}"


def asked_by(orders: Orders, count: int) -> list[tuple[bytes, bytes]]:
    """Head and body of the first requests."""
    parts = (one.partition(b"\r\n\r\n") for one in itertools.islice(bookings(orders, dt.date(2030, 1, 31)), count))
    return [(head, body) for head, _, body in parts]


def test_the_generator_asks_for_each_place_once_under_a_key_of_its_own() -> None:
    asked = asked_by(Orders(8000, 1, 1.0, 0.0, ["d1", "d2"], ["p1", "p2", "p3"], places_a_day=10), 40)
    assert all(head.endswith(b"Content-Length: %d" % len(body)) for head, body in asked)
    places = Counter((one["doctor_id"], one["date"]) for one in (json.loads(body) for _, body in asked))
    assert places == dict.fromkeys(itertools.product(("d1", "d2"), ("2030-01-31", "2030-02-01")), 10)
    assert len({re.search(rb"Idempotency-Key: (\S+)", head)[1] for head, _ in asked}) == 40  # type: ignore[index]


def test_a_run_begins_behind_the_one_before_it() -> None:
    orders = Orders(8000, 1, 1.0, 0.0, ["d1"], ["p1"], places_a_day=10)
    later = Orders(8000, 1, 1.0, 0.0, ["d1"], ["p1"], places_a_day=10, first=5)
    assert asked_by(later, 15) == asked_by(orders, 20)[5:]


@pytest.mark.parametrize(("received", "length"), [(ANSWER, len(ANSWER)), (ANSWER + b"more", len(ANSWER)), (ANSWER[:-3], None)])
def test_an_answer_ends_where_its_head_says(received: bytes, length: int | None) -> None:
    assert answer_length(received) == length


async def test_a_client_asks_again_after_each_whole_answer_until_there_is_nothing_to_ask() -> None:
    asked, seen, heard = iter([b"one", b"two"]), [], []

    class Server(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            heard.append(data)
            asyncio.get_running_loop().call_soon(self.transport.write, ANSWER[:30])  # type: ignore[attr-defined]
            asyncio.get_running_loop().call_later(0.01, self.transport.write, ANSWER[30:])  # type: ignore[attr-defined]

    loop = asyncio.get_running_loop()
    server = await loop.create_server(Server, "127.0.0.1", 0)
    client = Client(lambda: next(asked, None), lambda status, _at: seen.append(status))
    await loop.create_connection(lambda: client, *server.sockets[0].getsockname())
    await asyncio.wait_for(client.ended, 10)
    server.close()
    assert (heard, seen) == ([b"one", b"two"], [b"201", b"201"])


async def test_a_server_that_hangs_up_is_an_error_and_no_end() -> None:
    client = Client(lambda: b"one", lambda _status, _at: None)
    client.connection_lost(None)
    with pytest.raises(ConnectionResetError):
        await client.ended


def test_every_parameter_of_a_statement_gets_its_value() -> None:
    values = [f"v{n}" for n in range(1, 12)]
    assert statement("SELECT $1, $11, $2 ", *values) == "SELECT v1, v11, v2"
    assert not re.search(r"\$\d", availability_script() + booking_script())
