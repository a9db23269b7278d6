"""`frontdesk dlq`: a dead letter is found, shown, and handed back to its group, where it has its effect once."""

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from aiokafka import AIOKafkaProducer, ConsumerRecord

from deploy.embedded.backend import Backend
from shared.contracts.booking import PatientCheckedIn
from shared.contracts.topics import APPOINTMENT_EVENTS, BOOKING_COMMANDS
from shared.infra.ids import new_id
from shared.infra.kafka.letters import dead_letter
from shared.infra.kafka.records import encode
from tests.e2e.cli import Cli
from tests.support.clinic import Clinic
from tests.support.waiting import eventually

LETTERS = APPOINTMENT_EVENTS.dead_letters("queue")


def arrival(clinic: UUID) -> PatientCheckedIn:
    """A patient of a clinic of its own has checked in."""
    now = dt.datetime.now(dt.UTC)
    return PatientCheckedIn(
        message_id=new_id(), clinic_id=clinic, correlation_id="dlq", actor="open", occurred_at=now, version=2,
        doctor_id=uuid4(), date=now.date(), appointment_id=uuid4(), patient_id=uuid4(), checked_in_at=now,
    )  # fmt: skip


async def put_away(servers: Backend, *bodies: bytes, key: bytes = b"key") -> list[str]:
    """Dead letters of the queue, as its runner writes them; their places."""
    places = []
    async with AIOKafkaProducer(bootstrap_servers=servers.kafka_bootstrap) as producer:
        for body in bodies:
            failed: ConsumerRecord[Any, Any] = ConsumerRecord(
                APPOINTMENT_EVENTS.name, 3, 17, 0, 0, key, body, None, 0, 0, [("x", b"\xff")]
            )
            letter = dead_letter(APPOINTMENT_EVENTS, "queue", failed, "ZeroDivisionError", 5)
            headers = [(name, value.encode()) for name, value in letter.headers.items()]
            sent = await producer.send_and_wait(letter.topic, letter.body, key=letter.key, headers=headers)
            places.append(f"{sent.topic}:{sent.partition}:{sent.offset}")
    return places


async def test_a_dead_letter_is_listed_and_shown(cli: Cli, servers: Backend, clinic_id: UUID) -> None:
    message = arrival(clinic_id)
    [place] = await put_away(servers, encode(message))
    [row] = [row for row in (await cli.json("dlq", "list", "--json"))["topics"] if row["topic"] == LETTERS]
    assert (row["group"], row["count"] >= row["waiting"] >= 1, "ZeroDivisionError" in row["errors"]) == ("queue", True, True)
    assert row["types"]["PatientCheckedIn"] >= 1 and row["oldest"] <= row["newest"]
    assert LETTERS in await cli.text("dlq", "list")
    for name in (place, str(message.message_id)):
        [shown] = (await cli.json("dlq", "show", name))["letters"]
        assert (shown["letter"], shown["error"], shown["attempts"], shown["redriven"]) == (place, "ZeroDivisionError", 5, False)
        assert shown["source"] == {"topic": "appointment.events", "partition": "3", "offset": "17"}
        assert shown["message"]["message_id"] == str(message.message_id)
    await cli.text("dlq", "show", f"{LETTERS}:0:999999", code=3)


async def test_redriven_twice_it_has_one_effect_and_only_in_its_group(
    cli: Cli, servers: Backend, clinic_id: UUID, superuser: Callable[..., Any]
) -> None:
    message, queue, availability = arrival(clinic_id), await superuser("queue"), await superuser("availability")
    [place] = await put_away(servers, encode(message), key=message.key)
    dry = await cli.json("dlq", "redrive", place, "--dry-run", "--json")
    assert (dry["redriven"], dry["dry_run"]) == ([place], True)
    assert (await cli.json("dlq", "redrive", place, "--json"))["redriven"] == [place]

    async def queued() -> Any:
        return await queue.fetch("SELECT * FROM entries WHERE appointment_id = $1", message.appointment_id)

    [entry] = await eventually(queued)
    assert entry["position"] == 1
    refused = await cli.json("dlq", "redrive", place, "--json", code=1)
    assert "redriven before" in refused["not_redriven"][0]["reason"]
    assert (await cli.json("dlq", "show", place))["letters"][0]["redriven"] is True
    await cli.text("dlq", "redrive", place, "--again")

    async def drained() -> bool:
        return (await cli.run("topics", "lag", "--check")).exit_code == 0

    await eventually(drained)
    assert await queued() == [entry]
    assert not await availability.fetchval("SELECT count(*) FROM inbox WHERE message_id = $1", message.message_id)


async def test_all_of_a_topic_goes_back_but_what_did_already_and_what_is_malformed(
    cli: Cli, servers: Backend, clinic_id: UUID
) -> None:
    good, other, bad = await put_away(servers, encode(arrival(clinic_id)), encode(arrival(clinic_id)), b"no message")
    await cli.text("dlq", "redrive", good)
    done = await cli.json("dlq", "redrive", "--all", LETTERS, "--json", code=1)
    assert other in done["redriven"] and good not in done["redriven"]
    assert {"letter": bad, "reason": "malformed: invalid_json"} in done["not_redriven"]
    again = await cli.json("dlq", "redrive", "--all", LETTERS, "--again", "--dry-run", "--json", code=1)
    assert {good, other} <= set(again["redriven"])


async def test_what_no_service_put_there_is_shown_and_does_not_go_back(cli: Cli, servers: Backend, clinic_id: UUID) -> None:
    async with AIOKafkaProducer(bootstrap_servers=servers.kafka_bootstrap) as producer:
        sent = await producer.send_and_wait(LETTERS, encode(arrival(clinic_id)), key=b"k", headers=[("frontdesk-attempts", b"x")])
    place = f"{LETTERS}:{sent.partition}:{sent.offset}"
    assert (await cli.json("dlq", "show", place))["letters"][0]["message"]["clinic_id"] == str(clinic_id)
    [left] = (await cli.json("dlq", "redrive", place, "--json", code=1))["not_redriven"]
    assert "no frontdesk-… headers" in left["reason"]


async def test_a_record_that_a_service_put_away_itself_is_found(cli: Cli, clinic: Clinic, servers: Backend) -> None:
    nonsense = f"nonsense {uuid4()}".encode()
    async with AIOKafkaProducer(bootstrap_servers=servers.kafka_bootstrap) as producer:
        await producer.send_and_wait(BOOKING_COMMANDS.name, nonsense, key=b"k")
    letters = BOOKING_COMMANDS.dead_letters("availability")

    async def waiting() -> list[Any]:
        redriven = await cli.run("dlq", "redrive", "--all", letters, "--dry-run")
        return [line.split()[0] for line in redriven.stdout.splitlines() if "invalid_json" in line]

    places = await eventually(waiting)
    shown = [(await cli.json("dlq", "show", place))["letters"][0] for place in places]
    assert nonsense.decode() in [letter["message"] for letter in shown]


async def test_one_letter_or_all_of_a_topic(cli: Cli) -> None:
    asked = ((), ("x:0:0", "--all", LETTERS), ("nothing",), ("--all", "nothing"))
    assert [(await cli.run("dlq", "redrive", *arguments)).exit_code for arguments in asked] == [2, 2, 3, 3]
