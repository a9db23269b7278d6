"""`frontdesk topics`: makes what is declared, and shows what is there, what is said, and how far its readers are."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy import addresses, blocking
from deploy.commands.output import out, table
from deploy.exit_codes import FAILED, OK
from deploy.failure import NotThere
from deploy.inspect import kafka_log
from deploy.topics import create_topics, declared_topics, settings_of
from shared.contracts.topics import DAY_MS, Topic, consumed_by, redrive_topics

GROUPS = tuple(topic.groups[0] for topic in redrive_topics())
"""The groups that commit offsets: a gateway's replies are nobody's backlog."""


def create(as_json: bool) -> int:
    """Every declared topic; 1 if existing ones are not as declared."""
    made = blocking.run(create_topics(addresses.kafka()))
    lines = [f"{len(made.created)} topics made, {len(made.existing)} were there", *made.differences]
    out({"created": made.created, "existing": made.existing, "differences": made.differences}, as_json, lines)
    return FAILED if made.differences else OK


def show_all(as_json: bool) -> int:
    """Partitions, retention and number of records of every declared topic."""
    rows = asyncio.run(_described(addresses.kafka()))
    cells = [[row["name"], str(row["partitions"]), _duration(row), str(row["records"]), ", ".join(row["groups"])] for row in rows]
    out({"topics": rows}, as_json, table(cells, ["TOPIC", "PARTITIONS", "KEPT", "RECORDS", "READ BY"]))
    return OK


async def _described(bootstrap: str) -> list[dict[str, Any]]:
    async with kafka_log.administrator(bootstrap) as admin:
        there = set(await admin.list_topics())
        topics = [topic for topic in declared_topics() if topic.name in there]
        configs = await settings_of(admin, topics)
    async with kafka_log.reader(bootstrap) as consumer:
        begins, ends = await kafka_log.bounds(consumer, kafka_log.partitions_of(topics))
    return [
        {
            "name": topic.name,
            "partitions": topic.partitions,
            "cleanup": configs[topic.name].get("cleanup.policy"),
            "retention_ms": int(configs[topic.name].get("retention.ms", 0)),
            "records": sum(ends[place] - begins[place] for place in kafka_log.partitions_of([topic])),
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
        asyncio.run(_tail(addresses.kafka(), topic, count, follow))
    return OK


async def _tail(bootstrap: str, topic: Topic, count: int, follow: bool) -> None:
    async with kafka_log.reader(bootstrap) as consumer:
        partitions = kafka_log.partitions_of([topic])
        _, ends = await kafka_log.bounds(consumer, partitions)
        last = [record async for record in kafka_log.newest(consumer, partitions, count)]
        for record in sorted(last, key=lambda record: (record.timestamp, record.partition, record.offset))[-count:]:
            _print(record)
        async for record in _coming(consumer, ends) if follow else _nothing():
            _print(record)


async def _coming(consumer: AIOKafkaConsumer, ends: kafka_log.Offsets) -> AsyncIterator[kafka_log.Raw]:
    """What is written behind these offsets, for ever."""
    consumer.assign(list(ends))
    for place, end in ends.items():
        consumer.resume(place)
        consumer.seek(place, end)
    while True:
        for records in (await consumer.getmany(timeout_ms=kafka_log.POLL_MS)).values():
            for record in records:
                yield record


async def _nothing() -> AsyncIterator[kafka_log.Raw]:
    return
    yield


def _print(record: kafka_log.Raw) -> None:
    sys.stdout.write(json.dumps(kafka_log.shown(record)) + "\n")
    sys.stdout.flush()


def lag(group: str | None, check: bool, as_json: bool) -> int:
    """How far each group is on each of its topics; with `check` 1 unless all is drained."""
    if group is not None and group not in GROUPS:
        raise NotThere(f"no group is called {group}; there are: {', '.join(GROUPS)}")
    rows = asyncio.run(lag_of(addresses.kafka(), GROUPS if group is None else (group,)))
    total = sum(row["lag"] for row in rows)
    cells = [[row["group"], row["topic"], *(str(row[name]) for name in ("committed", "end", "lag"))] for row in rows]
    lines = [*table(cells, ["GROUP", "TOPIC", "COMMITTED", "END", "LAG"]), f"{total} records are not processed"]
    out({"lag": total, "topics": rows}, as_json, lines)
    return FAILED if check and total else OK


async def lag_of(bootstrap: str, groups: tuple[str, ...]) -> list[dict[str, Any]]:
    """How far groups are, a row for each of their topics."""
    redrive = {topic.groups[0]: topic for topic in redrive_topics()}
    rows = []
    async with kafka_log.administrator(bootstrap) as admin, kafka_log.reader(bootstrap) as consumer:
        for group in groups:
            committed = {place: at.offset for place, at in (await admin.list_consumer_group_offsets(group)).items()}
            topics = [*consumed_by(group), redrive[group]]
            begins, ends = await kafka_log.bounds(consumer, kafka_log.partitions_of(topics))
            rows += [_row(group, topic, committed, begins, ends) for topic in topics]
    return rows


def _row(
    group: str, topic: Topic, committed: kafka_log.Offsets, begins: kafka_log.Offsets, ends: kafka_log.Offsets
) -> dict[str, Any]:
    """One topic of a group, summed over its partitions. Where nothing is committed the group stands at the beginning."""
    places: list[TopicPartition] = kafka_log.partitions_of([topic])
    at = {place: max(committed.get(place, 0), begins[place]) for place in places}
    return {
        "group": group,
        "topic": topic.name,
        "committed": sum(at.values()),
        "end": sum(ends[place] for place in places),
        "lag": sum(max(0, ends[place] - at[place]) for place in places),
    }
