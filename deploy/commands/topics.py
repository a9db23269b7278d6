"""`frontdesk topics`: makes the declared topics, and shows which there are, their records, and how far their readers are."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from aiokafka import AIOKafkaConsumer

from deploy import blocking
from deploy.commands.addresses import ADDRESSES
from deploy.commands.output import out, table
from deploy.exit_codes import FAILED, OK
from deploy.failure import NotThere
from deploy.inspect import kafka_log
from deploy.inspect.kafka_log import KafkaRecord, Offsets
from deploy.inspect.lag import GROUPS, lag_of
from deploy.stores import kafka_clients
from deploy.stores.topics import create_topics, declared_topics, settings_of
from shared.contracts.topics import DAY_MS, Topic
from shared.infra.settings import KafkaConnection


def create(replication: int | None, as_json: bool) -> int:
    """Every declared topic; 1 if existing ones are not as declared."""
    made = blocking.run(create_topics(ADDRESSES.kafka(), replication))
    lines = [f"{len(made.created)} topics made, {len(made.existing)} were there", *made.changed, *made.differences]
    out(asdict(made), as_json, lines)
    return FAILED if made.differences else OK


def show_all(as_json: bool) -> int:
    """Partitions, retention and number of records of every declared topic."""
    rows = asyncio.run(_described(ADDRESSES.kafka()))
    cells = [[row["name"], str(row["partitions"]), _duration(row), str(row["records"]), ", ".join(row["groups"])] for row in rows]
    out({"topics": rows}, as_json, table(cells, ["TOPIC", "PARTITIONS", "KEPT", "RECORDS", "READ BY"]))
    return OK


async def _described(kafka: KafkaConnection) -> list[dict[str, Any]]:
    async with kafka_clients.administrator(kafka) as admin:
        there = set(await admin.list_topics())
        topics = [topic for topic in declared_topics() if topic.name in there]
        configs = await settings_of(admin, topics)
    async with kafka_clients.reader(kafka) as consumer:
        begins, ends = await kafka_log.bounds(consumer, kafka_log.partitions_of(topics))
    return [
        {
            "name": topic.name,
            "partitions": topic.partitions,
            "cleanup": configs[topic.name].get("cleanup.policy"),
            "retention_ms": int(configs[topic.name].get("retention.ms", 0)),
            "records": sum(ends[partition] - begins[partition] for partition in kafka_log.partitions_of([topic])),
            "groups": list(topic.groups),
        }
        for topic in topics
    ]


def _duration(row: dict[str, Any]) -> str:
    """How long a topic is kept, for a person."""
    if row["cleanup"] == "compact":
        return "last of a key"
    days = row["retention_ms"] / DAY_MS
    return f"{days:.0f} d" if days >= 1 else f"{row['retention_ms'] / 60_000:.0f} min"


def tail(name: str, count: int, follow: bool) -> int:
    """The newest records of a topic, one JSON line each, then what comes."""
    topic = next((topic for topic in declared_topics() if topic.name == name), None)
    if topic is None:
        raise NotThere(f"no topic is called {name}\n  try: frontdesk topics list")
    with contextlib.suppress(*[KeyboardInterrupt] if follow else []):
        asyncio.run(_tail(ADDRESSES.kafka(), topic, count, follow))
    return OK


async def _tail(kafka: KafkaConnection, topic: Topic, count: int, follow: bool) -> None:
    async with kafka_clients.reader(kafka) as consumer:
        partitions = kafka_log.partitions_of([topic])
        _, ends = await kafka_log.bounds(consumer, partitions)
        last = [record async for record in kafka_log.newest(consumer, partitions, count)]
        for record in sorted(last, key=lambda record: (record.timestamp, record.partition, record.offset))[-count:]:
            _print(record)
        async for record in _coming(consumer, ends) if follow else _nothing():
            _print(record)


async def _coming(consumer: AIOKafkaConsumer, ends: Offsets) -> AsyncIterator[KafkaRecord]:
    """What is written behind these offsets, for ever."""
    consumer.assign(list(ends))
    for partition, end in ends.items():
        consumer.resume(partition)
        consumer.seek(partition, end)
    while True:
        for records in (await consumer.getmany(timeout_ms=kafka_log.POLL_MS)).values():
            for record in records:
                yield record


async def _nothing() -> AsyncIterator[KafkaRecord]:
    return
    yield


def _print(record: KafkaRecord) -> None:
    sys.stdout.write(json.dumps(kafka_log.shown(record)) + "\n")
    sys.stdout.flush()


def lag(group: str | None, check: bool, as_json: bool) -> int:
    """How far each group is on each of its topics; with `check` 1 unless all is drained."""
    if group is not None and group not in GROUPS:
        raise NotThere(f"no group is called {group}; there are: {', '.join(GROUPS)}")
    rows = asyncio.run(lag_of(ADDRESSES.kafka(), GROUPS if group is None else (group,)))
    total = sum(row["lag"] for row in rows)
    cells = [[row["group"], row["topic"], *(str(row[name]) for name in ("committed", "end", "lag"))] for row in rows]
    lines = [*table(cells, ["GROUP", "TOPIC", "COMMITTED", "END", "LAG"]), f"{total} records are not processed"]
    out({"lag": total, "topics": rows}, as_json, lines)
    return FAILED if check and total else OK
