"""Nothing that a record contains stops the records around it: it ends in the dead letters, once, and can be found there."""

import json
from uuid import UUID, uuid4

from shared.contracts.envelope import Message
from shared.infra.inbox import Admitted
from shared.infra.kafka.records import encode
from shared.infra.unit import Unit
from tests.integration.infra.bench import NOW, Bench, command, note, take_notes
from tests.support.waiting import eventually

TWO_MIB = 2 * 1024 * 1024


def damaged(clinic: UUID, **changes: object) -> bytes:
    """A good message with fields changed."""
    return json.dumps(json.loads(encode(note(clinic, -1))) | changes).encode()


def five_kinds(clinic: UUID) -> dict[str, bytes]:
    """The five kinds of bad record, by the reason that the dead letter gives."""
    return {
        "invalid_json": b'{"type": "NoteTaken", ',
        "unknown_type": damaged(clinic, type="NoteBurnt"),
        "unknown_version": damaged(clinic, v=2),
        "invalid_fields:message_id": damaged(clinic, message_id=17),
        "too_large": damaged(clinic, padding="x" * TWO_MIB),
    }


async def test_five_kinds_of_bad_record_among_a_thousand(bench: Bench) -> None:
    bad = list(five_kinds(bench.clinic).values())
    for number in range(1_000):
        if number % 200 == 100:
            await bench.producer.send(bench.topic.name, bad[number // 200], key=uuid4().bytes)
        else:
            message = note(bench.clinic, number)
            await bench.producer.send(bench.topic.name, encode(message), key=message.key)
    await bench.producer.flush()
    await bench.consume()

    async def all_read() -> bool:
        return len(await bench.numbers()) >= 995 and await bench.lag() == 0

    await eventually(all_read)
    letters = await bench.letters()
    reasons = sorted(dict(letter.headers)["frontdesk-error"].decode() for letter in letters)
    assert reasons == sorted(five_kinds(bench.clinic))
    assert sorted(letter.value for letter in letters) == sorted(bad)
    assert await bench.numbers() == [number for number in range(1_000) if number % 200 != 100]


async def test_a_dead_letter_says_where_it_came_from(bench: Bench) -> None:
    headers = [("x-origin", b"\xff\x00")]
    sent = await bench.producer.send_and_wait(bench.topic.name, b"nonsense", key=b"k", partition=2, headers=headers)
    await bench.consume()

    [letter] = await eventually(bench.letters)
    told = {name: value.decode() for name, value in letter.headers if name.startswith("frontdesk-")}
    assert letter.key == b"k"
    assert told["frontdesk-topic"] == bench.topic.name
    assert (told["frontdesk-partition"], told["frontdesk-offset"]) == ("2", str(sent.offset))
    assert json.loads(told["frontdesk-headers-hex"]) == {"x-origin": "ff00"}


async def test_a_header_that_is_not_utf_8_passes(bench: Bench) -> None:
    message = note(bench.clinic, 1)
    await bench.producer.send_and_wait(
        bench.topic.name, encode(message), key=message.key, headers=[("signature", b"\xff\xfe\x00")]
    )
    await bench.consume()
    await eventually(bench.numbers)
    assert await bench.letters() == []


async def test_a_bug_isolates_one_record_after_five_tries(bench: Bench) -> None:
    tries: list[int] = []

    async def stumbles(unit: Unit, admitted: Admitted) -> None:
        if any(getattr(message, "number", None) == 3 for message in admitted.fresh):
            tries.append(len(admitted.fresh))
            raise ZeroDivisionError
        await take_notes(unit, admitted)

    await bench.send(*(note(bench.clinic, number) for number in range(8)), partition=0)
    await bench.consume(stumbles)
    [letter] = await eventually(bench.letters)
    told = dict(letter.headers)
    assert (told["frontdesk-error"], told["frontdesk-attempts"]) == (b"ZeroDivisionError", b"5")
    assert json.loads(letter.value)["number"] == 3
    assert tries.count(1) >= 5

    async def the_others() -> bool:
        return await bench.numbers() == [0, 1, 2, 4, 5, 6, 7] and await bench.lag() == 0

    await eventually(the_others)


async def test_an_argument_that_the_database_cannot_take_is_a_bad_record_not_a_pause(bench: Bench) -> None:
    """The driver refuses it before the server sees it: waiting would not help, and would stop the partition for ever."""
    await bench.send(note(bench.clinic, 1), note(bench.clinic, 2**70), note(bench.clinic, 2), partition=0)
    await bench.consume()
    [letter] = await eventually(bench.letters)
    assert json.loads(letter.value)["number"] == 2**70

    async def the_others() -> bool:
        return await bench.numbers() == [1, 2]

    await eventually(the_others)


async def test_a_command_that_becomes_a_dead_letter_is_told_of_in_a_transaction_of_its_own(bench: Bench) -> None:
    told: list[Message] = []

    async def stumbles(unit: Unit, admitted: Admitted) -> None:
        if any(message.type == "TakeNote" for message in admitted.fresh):
            raise ZeroDivisionError
        await take_notes(unit, admitted)

    async def failed(unit: Unit, message: Message) -> None:
        assert unit.connection.is_in_transaction()
        told.append(message)

    wrong, event = command(bench.clinic, 1), note(bench.clinic, 2)
    await bench.send(wrong, event, partition=0)
    await bench.consume(stumbles, failed=failed)
    await eventually(bench.letters)

    async def the_others() -> bool:
        return await bench.numbers() == [2] and await bench.lag() == 0

    await eventually(the_others)
    assert told == [wrong]


async def test_of_a_malformed_command_who_waits_for_it_is_told(bench: Bench) -> None:
    told: list[Message] = []

    async def failed(_unit: Unit, message: Message) -> None:
        told.append(message)

    wrong = command(bench.clinic, 1).model_copy(update={"principal": "open", "accepted_at": NOW, "decide_by": NOW})
    for changes in ({"v": 2}, {"type": "TakeNothing"}, {"number": "many"}, {"command_id": "nobody"}):
        value = json.dumps(json.loads(encode(wrong)) | changes).encode()
        await bench.producer.send_and_wait(bench.topic.name, value, key=wrong.key)
    await bench.consume(failed=failed)

    async def all_there() -> bool:
        return len(await bench.letters()) == 4 and await bench.lag() == 0

    await eventually(all_there)
    assert sorted(message.type for message in told) == ["TakeNote", "TakeNote", "TakeNothing"]
    assert {(message.command_id, message.is_command, message.key) for message in told} == {(wrong.command_id, True, wrong.key)}
