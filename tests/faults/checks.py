"""What must be true after every fault: seen by clients over HTTP, and from outside in the databases and on Kafka."""

import asyncio
from collections import Counter

import asyncpg
import httpx2
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.contracts.topics import dead_letter_topics
from tests.faults.client import Client, Command
from tests.faults.system import System
from tests.support.waiting import eventually

QUIET_WITHIN_SECONDS = 30.0
OWNERS = ("availability", "booking", "queue", "gateway")
TAKEN = "SELECT reservation_id, appointment_id, id FROM slots WHERE state = 'taken'"
LIVE = "SELECT reservation_id, id, slot_id FROM appointments WHERE status IN ('pending', 'booked', 'checked_in')"
CROWDED = "SELECT doctor_id, date, count(*) FROM slots GROUP BY 1, 2 HAVING count(*) > 10 OR max(number) > 10"
DOUBLED = "SELECT command_id FROM appointments GROUP BY 1 HAVING count(*) > 1"
UNSETTLED = "SELECT count(*) FROM outcomes WHERE settled_at IS NULL"
OUTBOX = "SELECT count(*) FROM outbox"


async def consistent(system: System) -> None:
    """Once the log is drained: slots and appointments agree, nothing is owed, nothing unsent, nothing dead-lettered."""
    await eventually(lambda: _agreed(system), within_seconds=QUIET_WITHIN_SECONDS)
    assert await dead_letters(system.servers.kafka_bootstrap) == 0


async def _agreed(system: System) -> bool:
    taken = await _rows(system, "availability", TAKEN)
    assert taken == await _rows(system, "booking", LIVE), "taken slots and live appointments differ"
    assert not await _rows(system, "availability", CROWDED), "a day has more than its ten slots"
    assert not await _rows(system, "booking", DOUBLED), "a command has made two appointments"
    assert await _rows(system, "booking", UNSETTLED) == {(0,)}, "an outcome is not settled"
    for owner in OWNERS:
        assert await _rows(system, owner, OUTBOX) == {(0,)}, f"the outbox of {owner} is not empty"
    return True


async def _rows(system: System, service: str, query: str) -> set[tuple[object, ...]]:
    """What a query finds as the superuser, whom no clinic's policy binds; in a transaction that can only read."""
    connection = await asyncpg.connect(
        system.databases.superuser(service), server_settings={"default_transaction_read_only": "on"}
    )
    try:
        return {tuple(row) for row in await connection.fetch(query)}
    finally:
        await connection.close()


async def dead_letters(bootstrap: str) -> int:
    """How many records all dead-letter topics hold."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        places = [TopicPartition(topic.name, number) for topic in dead_letter_topics() for number in range(topic.partitions)]
        first, last = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
    finally:
        await consumer.stop()
    return sum(last[place] - first[place] for place in places)


async def one_outcome_each(client: Client) -> None:
    """Every command of the client's history ended once: its key and its id both give the answer that the client was told."""
    await asyncio.gather(*(_one_outcome(client, command) for command in client.commands))


async def _one_outcome(client: Client, command: Command) -> None:
    told = command.end
    assert told is not None, f"no end of {command.path} after {command.statuses}"
    again = (await client.finish(command)).end
    assert again is not None
    assert _said(again) == _said(told), command.statuses
    assert again.headers["Idempotent-Replayed"] == "true"
    look = await client.look(told.headers["Command-Id"])
    assert look.status_code == 200, look.text
    assert look.json()["status_code"] == told.status_code
    if told.is_success:
        assert look.json()["result"] == told.json()


def _said(answer: httpx2.Response) -> object:
    """What an answer says about the command: of a refusal the code, the rest of a problem is about the request."""
    return (answer.status_code, answer.json()) if answer.is_success else (answer.status_code, answer.json()["code"])


def ends(client: Client) -> Counter[tuple[str, int]]:
    """How the client's commands ended, by path and status."""
    return Counter((command.path, command.end.status_code) for command in client.commands if command.end is not None)
