"""What becomes of a batch that fails: who waits how long, what is given up, what never is. Time passes on a clock of the test."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
from asyncpg import exceptions as pg

from shared.infra.errors import UnknownClinic
from shared.infra.kafka.batch_policy import HELD_UP_SECONDS, BatchPolicy, Stopping
from shared.infra.kafka.paused_partitions import AWAY_SECONDS
from tests.support.clock import FakeClock

LOCK_SECONDS, STATEMENT_SECONDS = (5.0, 1.0), (15.0, 3.0)
"""How long a lock and a statement are waited for, by a transaction and by a brief one."""


@dataclass(frozen=True)
class Item:
    """A message of a doctor."""

    doctor: str
    number: int


@dataclass
class Store:
    """A database in which doctors are locked until a time, and items fail in their own ways."""

    clock: FakeClock = field(default_factory=FakeClock)
    locked: dict[str, float] = field(default_factory=dict)
    slow: set[Item] = field(default_factory=set)
    """Whose statement never ends in time."""
    broken: dict[Item, Callable[[], Exception]] = field(default_factory=dict)
    away_until: float = 0.0
    done: list[tuple[Item, float]] = field(default_factory=list)
    given_up: list[tuple[Item, str, float]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    async def transaction(self, items: Sequence[Item], *, brief: bool) -> None:
        self.sizes.append(len(items))
        for item in items:
            if self.clock.now < self.away_until:
                raise ConnectionResetError
            if item in self.broken:
                raise self.broken[item]()
            if self.clock.now < self.locked.get(item.doctor, 0.0):
                self.clock.now += LOCK_SECONDS[brief]
                raise pg.LockNotAvailableError
            if item in self.slow:
                self.clock.now += STATEMENT_SECONDS[brief]
                raise pg.QueryCanceledError
        self.clock.now += 0.01
        self.done += [(item, self.clock.now) for item in items]

    async def give_up(self, item: Item, reason: str, _attempts: int) -> None:
        self.given_up.append((item, reason, self.clock.now))

    async def answers(self) -> bool:
        return self.clock.now >= self.away_until

    def policy(self) -> BatchPolicy[Item]:
        return BatchPolicy("g", self.clock, self.transaction, self.give_up, self.answers, lambda item: item.doctor)

    @property
    def ended(self) -> list[Item]:
        return [item for item, _ in self.done]


@pytest.fixture
def store() -> Store:
    return Store()


def items_of(*doctors: str, each: int = 3) -> list[Item]:
    """The messages of some doctors, mixed."""
    return [Item(doctor, number) for number in range(each) for doctor in doctors]


async def come_again(store: Store, policy: BatchPolicy[Item], batch: Sequence[Item], *, beside: Sequence[Item] = ()) -> None:
    """Hands in what was held up again, every few seconds as the consumer does, each time beside other messages."""
    left = list(batch)
    while left:
        left = await policy.run([*left, *beside])
        store.clock.now += AWAY_SECONDS


async def test_while_a_doctor_is_locked_the_others_wait_for_one_lock_only(store: Store) -> None:
    store.locked["locked"] = 600.0
    batch = items_of("a", "locked", *(f"b{n}" for n in range(50)))
    held_up = await store.policy().run(batch)
    assert held_up == items_of("locked") and store.given_up == []
    assert len(store.done) == 3 * 51
    assert max(at for _, at in store.done) < LOCK_SECONDS[False] + LOCK_SECONDS[True] + 1
    assert store.clock.now < 10


async def test_who_is_known_to_be_locked_comes_last_and_costs_little(store: Store) -> None:
    policy = store.policy()
    store.locked["locked"] = 600.0
    await policy.run(items_of("locked", "a"))
    began, done = store.clock.now, len(store.done)
    assert await policy.run(items_of("locked", "a", "b", each=5)) == items_of("locked", each=5)
    assert len(store.done[done:]) == 10 and all(at < began + 1 for _, at in store.done[done:])
    assert store.clock.now < began + 2
    store.locked.clear()
    assert await policy.run(items_of("locked", "a")) == []
    sizes = len(store.sizes)
    await policy.run(items_of("locked", "a"))
    assert store.sizes[sizes:] == [6], "who is free again is taken with the others"


async def test_a_lock_that_ends_in_time_gives_nothing_up(store: Store) -> None:
    store.locked["locked"] = 30.0
    policy, batch = store.policy(), items_of("a", "locked", "b")
    await come_again(store, policy, batch, beside=items_of("c"))
    assert store.given_up == [] and [item for item in store.ended if item.doctor == "locked"] == items_of("locked")


async def test_who_is_locked_for_too_long_is_given_up_while_others_go_on(store: Store) -> None:
    store.locked["locked"] = 600.0
    policy = store.policy()
    await come_again(store, policy, items_of("locked", "a", each=12), beside=items_of("c"))
    assert [item for item, _, _ in store.given_up] == items_of("locked", each=12)
    assert {reason for _, reason, _ in store.given_up} == {"LockNotAvailableError"}
    assert HELD_UP_SECONDS < store.given_up[0][2] < store.given_up[-1][2] < HELD_UP_SECONDS + 40
    before = len(store.given_up)
    assert await policy.run(items_of("locked", each=1)) == [] and len(store.given_up) == before + 1, "the next one at once"


async def test_who_is_locked_for_long_and_alone_is_never_given_up(store: Store) -> None:
    """Nothing tells it from a store that holds up everybody."""
    store.locked["locked"] = 600.0
    batch = items_of("locked")
    await come_again(store, store.policy(), batch)
    assert (store.given_up, store.ended) == ([], batch)


@pytest.mark.parametrize("doctors", [["a"], ["a", "b", "c"]])
async def test_a_statement_that_never_ends_in_time_is_given_up_and_those_behind_it_have_their_effect(
    store: Store, doctors: list[str]
) -> None:
    poison = Item("a", 1)
    store.slow = {poison}
    await come_again(store, store.policy(), items_of(*doctors), beside=items_of("d"))
    assert [item for item, _, _ in store.given_up] == [poison]
    assert [item.number for item in store.ended if item.doctor == "a"] == [0, 2]


async def test_others_wait_for_a_statement_twice(store: Store) -> None:
    store.slow = {Item("a", 1)}
    await store.policy().run(items_of("a", "b", "c"))
    assert max(at for item, at in store.done if item.doctor != "a") < STATEMENT_SECONDS[False] + STATEMENT_SECONDS[True] + 1


async def test_what_holds_up_everybody_is_no_fault_of_anybody(store: Store) -> None:
    batch = items_of("a", "b", "c", "d", each=20)
    store.locked = dict.fromkeys("abcd", 300.0)
    policy = store.policy()
    assert await policy.run(batch) == batch and store.clock.now < 10
    await come_again(store, policy, batch)
    assert store.given_up == [] and sorted(store.ended, key=batch.index) == batch


async def test_what_waits_for_the_settings_of_its_clinic_stops_nobody_else(store: Store) -> None:
    """Though it comes first and has more parts than a trouble of the whole store would show."""
    new = items_of(*(f"new-{number}" for number in range(5)))
    store.broken = dict.fromkeys(new, UnknownClinic)
    policy, others = store.policy(), items_of("b", "c")
    assert await policy.run([*new, *others]) == sorted(new, key=lambda item: item.doctor)
    assert store.ended == sorted(others, key=lambda item: item.doctor)
    assert store.clock.now < 1.0
    await come_again(store, policy, new, beside=items_of("d", each=1))
    assert {item.doctor for item, reason, _ in store.given_up if reason == "UnknownClinic"} == {item.doctor for item in new}


async def test_what_waits_for_settings_has_its_effect_once_they_are_there(store: Store) -> None:
    new = items_of("new")
    store.broken = dict.fromkeys(new, UnknownClinic)
    policy = store.policy()
    assert await policy.run(new) == new
    store.broken.clear()
    assert await policy.run(new) == []
    assert store.ended == new
    assert store.given_up == []


async def test_a_store_that_is_away_is_waited_out_with_the_batch_whole(store: Store) -> None:
    batch = items_of("a", "b", "c")
    store.away_until = 400.0
    assert await store.policy().run(batch) == []
    assert (store.given_up, store.ended, set(store.sizes)) == ([], batch, {len(batch)})


async def test_one_record_that_kills_its_session_is_found_though_the_error_passes(store: Store) -> None:
    killer = Item("b", 1)
    store.broken = {killer: pg.ConnectionDoesNotExistError}
    await come_again(store, store.policy(), items_of("a", "b", "c"), beside=items_of("d"))
    assert [item for item, _, _ in store.given_up] == [killer]


async def test_a_bug_isolates_one_item_after_five_tries_and_nobody_else(store: Store) -> None:
    bad = Item("b", 1)
    store.broken = {bad: ZeroDivisionError}
    batch = items_of("a", "b", "c")
    await store.policy().run(batch)
    assert [(item, reason) for item, reason, _ in store.given_up] == [(bad, "ZeroDivisionError")]
    assert [item.number for item in store.ended if item.doctor == "b"] == [0, 2] and len(store.done) == 8


async def test_conflicts_are_tried_eight_times_before_they_count_as_a_bug(store: Store) -> None:
    tries = iter(range(100))
    one = Item("a", 0)

    def conflict() -> Exception:
        if next(tries) == 6:
            store.broken.clear()
        return pg.UniqueViolationError()

    store.broken = {one: conflict}
    await store.policy().run([one])
    assert (store.ended, store.given_up) == ([one], [])


async def test_who_is_asked_to_stop_leaves_the_batch_as_it_is(store: Store) -> None:
    policy = store.policy()
    store.away_until = 1e9
    running = asyncio.ensure_future(policy.run(items_of("a")))
    await asyncio.sleep(0)
    policy.stopping.set()
    with pytest.raises(Stopping):
        await asyncio.wait_for(running, 5)
    assert (store.done, store.given_up) == ([], [])
