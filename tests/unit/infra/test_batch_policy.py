"""What becomes of a batch that fails: who waits how long, what is given up, what never is. Time passes on a clock of the test."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
from asyncpg import exceptions as pg

from shared.infra.kafka.batch_policy import BatchPolicy, Stopping
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

    def waited(self, doctor: str) -> float:
        """How long the last item of a doctor waited for its effect."""
        return max(at for item, at in self.done if item.doctor == doctor)


@pytest.fixture
def store() -> Store:
    return Store()


def items_of(*doctors: str, each: int = 3) -> list[Item]:
    """The messages of some doctors, mixed."""
    return [Item(doctor, number) for number in range(each) for doctor in doctors]


async def test_a_locked_doctor_is_given_up_and_the_others_wait_for_one_lock_only(store: Store) -> None:
    store.locked["locked"] = 600.0
    await store.policy().run(items_of("a", "locked", *(f"b{n}" for n in range(50))))
    assert {item.doctor for item, _, _ in store.given_up} == {"locked"} and len(store.given_up) == 3
    assert {reason for _, reason, _ in store.given_up} == {"LockNotAvailableError"}
    assert len(store.done) == 3 * 51
    assert max(at for _, at in store.done) < LOCK_SECONDS[False] + LOCK_SECONDS[True] + 1
    assert store.clock.now < 20


async def test_a_lock_that_ends_soon_gives_nothing_up(store: Store) -> None:
    store.locked["locked"] = 12.0
    batch = items_of("a", "locked", "b")
    await store.policy().run(batch)
    assert store.given_up == [] and sorted(store.ended, key=batch.index) == batch


async def test_a_statement_that_never_ends_in_time_is_found_and_those_behind_it_have_their_effect(store: Store) -> None:
    poison = Item("a", 1)
    store.slow = {poison}
    await store.policy().run(items_of("a", "b", "c"))
    assert [item for item, _, _ in store.given_up] == [poison]
    assert [item.number for item in store.ended if item.doctor == "a"] == [0, 2]
    assert store.waited("b") < 20 and store.clock.now < 32


@pytest.mark.parametrize("doctors", [["a"], ["a", "b"]])
async def test_also_in_a_small_batch(store: Store, doctors: list[str]) -> None:
    store.slow = {Item("a", 0)}
    await store.policy().run(items_of(*doctors, each=2))
    assert [item for item, _, _ in store.given_up] == [Item("a", 0)] and store.clock.now < 32


async def test_what_holds_up_everybody_is_waited_out(store: Store) -> None:
    batch = items_of("a", "b", "c", "d")
    store.locked = dict.fromkeys("abcd", 300.0)
    await store.policy().run(batch)
    assert store.given_up == [] and store.ended == batch and 300 < store.clock.now < 320


async def test_a_store_that_is_away_is_waited_out_with_the_batch_whole(store: Store) -> None:
    batch = items_of("a", "b", "c")
    store.away_until = 400.0
    await store.policy().run(batch)
    assert (store.given_up, store.ended, set(store.sizes)) == ([], batch, {len(batch)})


async def test_one_record_that_kills_its_session_is_found_though_the_error_passes(store: Store) -> None:
    killer = Item("b", 1)
    store.broken = {killer: pg.ConnectionDoesNotExistError}
    await store.policy().run(items_of("a", "b", "c"))
    assert [item for item, _, _ in store.given_up] == [killer]
    assert len(store.done) == 8 and store.clock.now < 60


async def test_a_doctor_who_is_known_to_be_locked_comes_last_and_costs_little(store: Store) -> None:
    policy = store.policy()
    store.locked["locked"] = 600.0
    await policy.run(items_of("locked", "a"))
    before = store.clock.now
    await policy.run(items_of("locked", "a", "b", each=5))
    assert all(at < before + 1 for item, at in store.done if at > before)
    assert store.clock.now < before + 5
    store.locked.clear()
    done = len(store.done)
    await policy.run(items_of("locked", "a"))
    assert len(store.done[done:]) == 6
    sizes = len(store.sizes)
    await policy.run(items_of("locked", "a"))
    assert store.sizes[sizes:] == [6], "who is free again is taken with the others"


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
