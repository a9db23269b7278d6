"""`frontdesk topics`: what is there, what is said, how far the groups are; and what it says when nobody answers."""

import json

from deploy.embedded.services import Services
from deploy.stores.topics import declared_topics
from tests.e2e.cli import Cli
from tests.support.clinic import Clinic
from tests.support.waiting import eventually


async def test_every_declared_topic_is_listed(cli: Cli, clinic: Clinic) -> None:
    await clinic.doctor()
    listed = {row["name"]: row for row in (await cli.json("topics", "list", "--json"))["topics"]}
    assert listed.keys() == {topic.name for topic in declared_topics()}
    assert listed["registry.events"]["records"] > 0
    assert listed["registry.events"]["groups"] == ["availability", "booking", "queue"]
    assert {row["partitions"] for row in listed.values()} == {12}
    assert "registry.events" in await cli.text("topics", "list")


async def test_the_newest_records_come_last_one_line_each(cli: Cli, clinic: Clinic) -> None:
    doctor, patient = await clinic.doctor(capacity=1), await clinic.patient()
    booked = await clinic.booked(doctor, patient)
    lines = [json.loads(line) for line in (await cli.text("topics", "tail", "appointment.events", "-n", "3")).splitlines()]
    assert 0 < len(lines) <= 3
    assert lines == sorted(lines, key=lambda line: line["timestamp"])
    mine = lines[-1]
    assert mine.keys() == {"topic", "partition", "offset", "timestamp", "key", "type", "message"}
    assert (mine["type"], mine["message"]["appointment_id"]) == ("AppointmentBooked", booked["id"])


async def test_the_lag_of_a_group_that_has_read_everything_is_nothing(cli: Cli, clinic: Clinic) -> None:
    doctor, patient = await clinic.doctor(capacity=1), await clinic.patient()
    await clinic.booked(doctor, patient)

    async def drained() -> bool:
        return (await cli.run("topics", "lag", "booking", "--check")).exit_code == 0

    await eventually(drained)
    rows = (await cli.json("topics", "lag", "booking", "--json"))["topics"]
    assert {row["topic"] for row in rows} == {
        "availability.events", "appointment.commands", "queue.events", "registry.events", "booking.redrive",
    }  # fmt: skip
    assert all(row["committed"] == row["end"] for row in rows)


async def test_a_group_that_is_away_lags(cli: Cli, clinic: Clinic, stack: Services) -> None:
    doctor, patient = await clinic.doctor(capacity=1), await clinic.patient()
    stack["booking"].stop()
    try:
        assert (await clinic.book(doctor, patient, Prefer="respond-async")).status_code == 202

        async def lags() -> bool:
            return (await cli.run("topics", "lag", "booking", "--check")).exit_code == 1

        await eventually(lags)
        assert (await cli.json("topics", "lag", "booking", "--json"))["lag"] >= 1
    finally:
        stack["booking"].start()


async def test_what_does_not_exist_and_who_does_not_answer(cli: Cli) -> None:
    unknown = await cli.run("topics", "tail", "no.such.topic")
    assert unknown.exit_code == 3 and "frontdesk topics list" in unknown.stderr
    await cli.text("topics", "lag", "nobody", code=3)
    away = await cli.run("topics", "list", KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
    assert away.exit_code == 4
    assert "127.0.0.1:1" in away.stderr and "try:" in away.stderr
    unset = await cli.run("topics", "list", KAFKA_BOOTSTRAP_SERVERS="")
    assert unset.exit_code == 4 and "KAFKA_BOOTSTRAP_SERVERS" in unset.stderr
