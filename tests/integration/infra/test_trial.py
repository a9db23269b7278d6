"""A consumer's trial: one statement that always times out, one doctor whose lock is held, one record that fails in a batch only.

They come at once, each in a partition of its own, and it is said who waited how long for them. Timeouts and rules are those of
every service. `make held-up` has ten minutes of it (`TRIAL_SECONDS`). `make test` has as much as shows that nobody else waits for
the end, without the statement: timeouts alone take 28 of its 30 s.
"""

import asyncio
import itertools
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import asyncpg
import pytest

from shared.contracts.envelope import Message
from shared.infra.inbox import Admitted
from shared.infra.kafka.batch_policy import HELD_UP_SECONDS
from shared.infra.unit import Unit
from tests.integration.infra.bench import Bench, note, take_notes
from tests.support import summary
from tests.support.waiting import eventually

FULL = os.environ.get("TRIAL_SECONDS")
SECONDS = float(FULL or "40")
"""So long the lock is held, and the statement takes longer than it may."""
LIMIT_SECONDS = 30.0
"""So long anybody may wait for what is none of his."""
OWN_LIMIT_SECONDS = LIMIT_SECONDS + min(SECONDS, HELD_UP_SECONDS)
"""So long whoever is held up waits for the effect of his message, or for its dead letter."""
TICK_SECONDS = 0.5
TICKS_OF_OWN = 10
"""Every so many ticks there is one more message for each doctor in trouble."""

BEFORE = 10**6
"""The number of the message that shows that the consumer has begun."""

STATEMENT, LOCK, RECORD, NOTHING = range(4)
"""What the trouble of a partition is."""
TROUBLES = {
    STATEMENT: "a statement that always times out",
    LOCK: "a lock that is held",
    RECORD: "a record that fails in a batch only",
}
if not FULL:
    del TROUBLES[STATEMENT]
HEAD = ("trouble", "who waits", "messages", "dead letters", "longest, s", "limit, s", "ratio")


@dataclass
class Waiter:
    """Who waits: a doctor in trouble, or others. `sent` is when, by number; of what has ended `waited` says how long it took."""

    trouble: str
    who: str
    partition: int
    limit: float = LIMIT_SECONDS
    doctor: UUID | None = None
    """The one doctor whom all of it is about; otherwise each message has its own."""
    sent: dict[int, float] = field(default_factory=dict)
    waited: dict[int, float] = field(default_factory=dict)
    letters: int = 0

    def end(self, number: int, at: float) -> bool:
        """Remembers the first end of one of its messages. Answers whether it is its."""
        if number in self.sent:
            self.waited.setdefault(number, at - self.sent[number])
        return number in self.sent

    @property
    def longest(self) -> float:
        return max(self.waited.values())

    def row(self) -> tuple[str, ...]:
        figures = f"{self.longest:.1f}", f"{self.limit:.0f}", f"{self.longest / self.limit:.2f}"
        return self.trouble, self.who, str(len(self.waited)), str(self.letters), *figures


class Trial:
    """The messages, what is done with them, and when they had their effect, which Postgres notifies of at the commit."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._channel = f"notes_{bench.clinic.hex}"
        self.lock = uuid4().int % 2**31
        self.over = False
        self.own = {
            place: Waiter(name, "the doctor", place, LIMIT_SECONDS if place == RECORD else OWN_LIMIT_SECONDS, uuid4())
            for place, name in TROUBLES.items()
        }
        self.others = [Waiter(name, "others of the partition", place) for place, name in TROUBLES.items()]
        self.others.append(Waiter("all of them", "other partitions", NOTHING))
        self._numbers = itertools.count()

    async def take(self, unit: Unit, admitted: Admitted) -> None:
        """The handler: its troubles, those first that last longest, and then the plain one."""
        numbers = [number for number in map(_number, admitted.fresh) if number is not None]
        doctors = {getattr(message, "doctor_id", None) for message in admitted.fresh}
        if STATEMENT in self.own and not self.over and self._first_of(STATEMENT) in numbers:
            await unit.connection.execute("SELECT pg_sleep(60)")
        if self.own[LOCK].doctor in doctors:
            await unit.connection.execute("SELECT pg_advisory_xact_lock($1)", self.lock)
        if len(numbers) > 1 and self._first_of(RECORD) in numbers:
            raise ValueError("not with others")
        await take_notes(unit, admitted)
        await unit.connection.execute("SELECT pg_notify($1, $2)", self._channel, " ".join(map(str, numbers)))

    def _first_of(self, trouble: int) -> int | None:
        """The number of the one message whose statement, or whose record, is bad."""
        return next(iter(self.own[trouble].sent), None)

    @property
    def waiters(self) -> list[Waiter]:
        """Everybody, by trouble."""
        return sorted([*self.own.values(), *self.others], key=lambda waiter: waiter.partition)

    async def send(self, waiters: list[Waiter]) -> None:
        """A message for each, all at once."""
        await asyncio.gather(*map(self._send, waiters))

    async def _send(self, waiter: Waiter) -> None:
        number = next(self._numbers)
        waiter.sent[number] = time.time()
        await self._bench.send(note(self._bench.clinic, number, doctor=waiter.doctor), partition=waiter.partition)

    async def send_for(self, seconds: float) -> None:
        """Others have a message at each tick, and doctors in trouble at some."""
        ends_at, tick = time.monotonic() + seconds, 0
        while time.monotonic() < ends_at:
            tick += 1
            await self.send(self.waiters if tick % TICKS_OF_OWN == 0 else self.others)
            await asyncio.sleep(TICK_SECONDS)

    @asynccontextmanager
    async def noticing(self) -> AsyncIterator[None]:
        """Inside of this it is noticed when messages have their effect."""

        def notice(*said: object) -> None:
            for number in str(said[-1]).split():
                self._end(int(number), time.time())

        await self._bench.sql.add_listener(self._channel, notice)
        try:
            yield
        finally:
            await self._bench.sql.remove_listener(self._channel, notice)

    async def all_ended(self) -> bool:
        """Whether each message has had its effect or is a dead letter, which the broker gave its time."""
        if not self._left():
            return True
        for letter in await self._bench.letters():
            number = json.loads(letter.value)["number"]
            for waiter in self.waiters:
                if number not in waiter.waited and waiter.end(number, letter.timestamp / 1000):
                    waiter.letters += 1
        return not self._left()

    def _end(self, number: int, at: float) -> None:
        for waiter in self.waiters:
            waiter.end(number, at)

    def _left(self) -> bool:
        return any(waiter.sent.keys() - waiter.waited.keys() for waiter in self.waiters)


def _number(message: Message) -> int | None:
    return getattr(message, "number", None)


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 240)
async def test_nobody_waits_for_long_for_what_is_none_of_his(bench: Bench, request: pytest.FixtureRequest) -> None:
    trial = Trial(bench)
    held = await asyncpg.connect(bench.postgres_url)
    await held.execute("SELECT pg_advisory_lock($1)", trial.lock)
    async with trial.noticing():
        await bench.consume(trial.take)
        await bench.send(note(bench.clinic, BEFORE))
        await eventually(bench.numbers)
        await trial.send(trial.waiters)
        await trial.send_for(SECONDS)
        trial.over = True
        await held.close()
        await eventually(trial.all_ended)
    for cells in (HEAD, *(waiter.row() for waiter in trial.waiters)):
        summary.add(request.config, f"who waited how long, troubles of {SECONDS:.0f} s", *cells)
    assert {waiter.row() for waiter in trial.waiters if waiter.longest > waiter.limit} == set()
    had_effect = sum(len(waiter.sent) - waiter.letters for waiter in trial.waiters)
    assert len(await bench.numbers()) == len({BEFORE}) + had_effect, "each effect once"
