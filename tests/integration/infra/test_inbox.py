"""The inbox: a message has its effect once; a command that comes again is a repeat, or a reused key, and both are told apart."""

import asyncio
from collections.abc import Sequence

import asyncpg

from shared.contracts.commands import CommandAnswered
from shared.contracts.envelope import Message
from shared.contracts.problems import Code
from shared.contracts.topics import GATEWAY_REPLIES
from shared.infra import inbox
from shared.infra.ids import new_id
from shared.infra.inbox import Admitted
from tests.integration.infra.bench import Bench, command, note
from tests.support.kafka import Raw, records_of
from tests.support.waiting import eventually


async def all_replies(bench: Bench) -> list[Raw]:
    """Everything in the gateways' topic, which has more partitions than the bench's own."""
    return await records_of(bench.bootstrap, GATEWAY_REPLIES.name, GATEWAY_REPLIES.partitions)


async def admit(bench: Bench, messages: Sequence[Message]) -> Admitted:
    """Admit a batch in a transaction of its own."""
    async with bench.sql.transaction():
        return await inbox.admit(bench.sql, messages)


async def test_an_event_is_fresh_once(bench: Bench) -> None:
    event = note(bench.clinic, 1)
    assert await admit(bench, [event]) == Admitted(fresh=[event])
    assert await admit(bench, [event]) == Admitted()


async def test_doubles_inside_a_batch_are_seen_too(bench: Bench) -> None:
    event, ordered = note(bench.clinic, 1), command(bench.clinic, 2)
    found = await admit(bench, [event, ordered, event, ordered])
    assert found == Admitted(fresh=[event, ordered], repeats=[ordered])


async def test_a_command_with_the_same_body_is_a_repeat(bench: Bench) -> None:
    first = command(bench.clinic, 1)
    again = command(bench.clinic, 1, message_id=first.message_id)
    await admit(bench, [first])
    assert await admit(bench, [again]) == Admitted(repeats=[again])


async def test_a_command_with_another_body_is_a_reused_key(bench: Bench) -> None:
    first = command(bench.clinic, 1)
    other = command(bench.clinic, 2, message_id=first.message_id, body_hash="bb")
    assert await admit(bench, [first, other]) == Admitted(fresh=[first], reused=[other])
    assert await admit(bench, [other]) == Admitted(reused=[other])


async def test_a_command_whose_outcome_is_gone_is_a_reused_key(bench: Bench) -> None:
    ordered = command(bench.clinic, 1)
    await admit(bench, [ordered])
    age = "UPDATE inbox SET received_at = received_at - make_interval(days => $2) WHERE message_id = $1"
    await bench.sql.execute(age, ordered.message_id, 29)
    assert await admit(bench, [ordered]) == Admitted(repeats=[ordered])
    await bench.sql.execute(age, ordered.message_id, 2)
    assert await admit(bench, [ordered]) == Admitted(reused=[ordered])


async def test_the_order_of_the_batch_stays(bench: Bench) -> None:
    events = [note(bench.clinic, number, message_id=new_id()) for number in range(20)]
    assert (await admit(bench, list(reversed(events)))).fresh == list(reversed(events))


async def test_two_processes_with_one_batch_admit_it_once(bench: Bench) -> None:
    """The second waits for the first one's commit and then finds everything known; it does not deadlock."""
    events = [note(bench.clinic, number) for number in range(50)]
    other = await asyncpg.connect(bench.postgres_url)
    entered = asyncio.Event()

    async def in_other_order() -> Admitted:
        async with other.transaction():
            entered.set()
            return await inbox.admit(other, list(reversed(events)))

    try:
        async with bench.sql.transaction():
            mine = await inbox.admit(bench.sql, events)
            theirs = asyncio.ensure_future(in_other_order())
            await entered.wait()
        assert (mine.fresh, (await theirs).fresh) == (events, [])
    finally:
        await other.close()


async def test_overlapping_batches_in_opposite_orders_do_not_deadlock(bench: Bench) -> None:
    """Both wait behind a third in the middle; when it goes, they would wait for each other, were it not for one order of ids."""
    events = sorted((note(bench.clinic, number) for number in range(9)), key=lambda event: event.message_id)
    one, two = [await asyncpg.connect(bench.postgres_url) for _ in range(2)]

    async def admitted(connection: "asyncpg.Connection[asyncpg.Record]", messages: Sequence[Message]) -> Admitted:
        async with connection.transaction():
            return await inbox.admit(connection, messages)

    async def both_wait() -> bool:
        pids = [one.get_server_pid(), two.get_server_pid()]
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY($1::int[]) AND wait_event_type = 'Lock'"
        return bool(await bench.sql.fetchval(waiting, pids) == len(pids))

    try:
        async with bench.sql.transaction():
            middle = await inbox.admit(bench.sql, [events[4]])
            rivals = asyncio.gather(admitted(one, events), admitted(two, list(reversed(events))))
            await eventually(both_wait)
        first, second = await rivals
        assert len(middle.fresh) + len(first.fresh) + len(second.fresh) == len(events)
    finally:
        await one.close()
        await two.close()


async def test_the_runner_answers_a_reused_key_and_does_nothing(bench: Bench) -> None:
    first = command(bench.clinic, 1)
    other = command(bench.clinic, 2, message_id=first.message_id, body_hash="bb")
    await bench.consume()
    await bench.send(first, partition=0)
    await bench.send(other, partition=0)

    async def answered() -> list[CommandAnswered]:
        # Others' tests say what they like on the one topic of replies.
        ours = [record.value for record in await all_replies(bench) if str(bench.clinic).encode() in record.value]
        return [CommandAnswered.model_validate_json(value) for value in ours]

    [reply] = await eventually(answered)
    assert (reply.command_id, reply.answer.code, reply.answer.status_code) == (other.command_id, Code.KEY_REUSED, 422)
    assert await bench.numbers() == [1]
