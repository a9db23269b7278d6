"""A dead letter goes back to the group that could not process it, to nobody else, and has its effect once."""

from dataclasses import replace

import pytest

from shared.contracts.topics import redrive_topic
from shared.infra.inbox import Admitted
from shared.infra.kafka import letters
from shared.infra.kafka.records import Record
from shared.infra.unit import Unit
from tests.integration.infra.bench import Bench, command, note, take_notes
from tests.support.servers import Databases
from tests.support.waiting import eventually


class Stumbling:
    """Fails at one number until it is mended."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.broken = True

    async def __call__(self, unit: Unit, admitted: Admitted) -> None:
        if self.broken and any(getattr(message, "number", None) == self.number for message in admitted.fresh):
            raise ZeroDivisionError
        await take_notes(unit, admitted)


@pytest.fixture
async def redriving(bench: Bench) -> Bench:
    """A bench whose group reads its redrive topic, too, as every service does."""
    topic = replace(redrive_topic(bench.group), partitions=bench.topic.partitions)
    await bench.make(topic)
    bench.more = [topic]
    return bench


async def send(bench: Bench, record: Record, times: int = 1) -> None:
    headers = [(name, value.encode()) for name, value in record.headers.items()]
    for _ in range(times):
        await bench.producer.send_and_wait(record.topic, record.body, key=record.key, headers=headers)


async def drained(bench: Bench) -> bool:
    return await bench.lag() == 0 and await bench.lag(bench.more[0]) == 0


async def test_redriven_twice_it_has_one_effect(redriving: Bench) -> None:
    handler = Stumbling(3)
    await redriving.send(*(note(redriving.clinic, number) for number in range(5)), partition=0)
    await redriving.consume(handler)
    [letter] = await eventually(redriving.letters)
    handler.broken = False
    await send(redriving, letters.redriven(letter, redriving.group), times=2)

    async def all_there() -> bool:
        return await redriving.numbers() == [0, 1, 2, 3, 4] and await drained(redriving)

    await eventually(all_there)
    assert len(await redriving.letters()) == 1


async def test_another_group_of_the_same_topic_does_not_hear_of_it(redriving: Bench, databases: Databases) -> None:
    heard: list[int] = []

    async def listens(_: Unit, admitted: Admitted) -> None:
        heard.extend(getattr(message, "number", -1) for message in (*admitted.fresh, *admitted.repeats))

    # On a database of its own: with the same inbox it would never see what the first group has admitted.
    other = replace(redriving, group=f"{redriving.group}-other", postgres_url=databases.app("queue"), running=redriving.running)
    others = replace(redrive_topic(other.group), partitions=redriving.topic.partitions)
    await redriving.make(others)
    other.more = [others]
    handler = Stumbling(3)
    await redriving.consume(handler)
    await other.consume(listens, "bench-other")
    await redriving.send(command(redriving.clinic, 3))  # of a command a group notices the repeat, too
    [letter] = await eventually(redriving.letters)
    handler.broken = False
    await send(redriving, letters.redriven(letter, redriving.group))

    async def there() -> bool:
        return await redriving.numbers() == [3] and await drained(redriving) and await drained(other)

    await eventually(there)
    assert heard == [3]


async def test_what_fails_again_is_a_dead_letter_of_its_first_topic_again(redriving: Bench) -> None:
    await redriving.send(note(redriving.clinic, 3))
    await redriving.consume(Stumbling(3))
    [first] = await eventually(redriving.letters)
    await send(redriving, letters.redriven(first, redriving.group))

    async def again() -> bool:
        return len(await redriving.letters()) == 2

    await eventually(again)
    one, two = await redriving.letters()
    assert letters.headers_of(one) == letters.headers_of(two)
    assert (one.key, one.value) == (two.key, two.value)


async def test_a_record_that_does_not_say_where_it_came_from_stops_nothing(redriving: Bench) -> None:
    await redriving.consume()
    for headers in ([], [("frontdesk-topic", b"\xff")], [("frontdesk-topic", redriving.more[0].name.encode())]):
        await redriving.producer.send_and_wait(redriving.more[0].name, b"nonsense", key=b"k", headers=headers)
    await redriving.send(note(redriving.clinic, 1))

    async def went_on() -> bool:
        return await redriving.numbers() == [1] and await drained(redriving)

    await eventually(went_on)
    assert await redriving.letters() == []
