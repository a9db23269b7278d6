"""The state machine: whatever clients, staff and time do in whatever order, each answer is one that the model gives as well.

Run by `tests/stories/test_model.py`. Each run of it has doctors and patients of its own.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar, cast

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, get_state_machine_test, initialize, precondition, rule

from tests.model.belief import Ask, Belief
from tests.model.office import Office
from tests.model.world import CANCELLED, LIVE, MAX_HOLDS, PENDING, Answer, Hours, Target, World

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]
"""Runs a coroutine to its end: Hypothesis drives machines that do not wait."""
DayKey = tuple[int, int]

HALF_PAST_EIGHT, NINE, HALF_PAST_NINE, TEN = 510, 540, 570, 600
WEEKS: tuple[Hours, ...] = ((NINE, HALF_PAST_NINE), (HALF_PAST_EIGHT, NINE), (HALF_PAST_NINE, TEN), (NINE,))
"""Weeks that a timed doctor may have: their slots are the same ones, or none of the other's."""
DOCTORS: tuple[Hours, ...] = ((), WEEKS[0], WEEKS[0])
DATES, CAPACITY, PATIENTS = 2, 2, 2
STEPS = 25

numbers = st.integers(min_value=0, max_value=11)
"""Picks one of what there is, whatever there is."""
doctors = st.sampled_from(range(len(DOCTORS)))
timed = st.sampled_from([doctor for doctor, hours in enumerate(DOCTORS) if hours])
dates = st.sampled_from(range(DATES))
starts = st.sampled_from([start for week in WEEKS for start in week])
"""The usual ones more often than those that are seldom published."""
days = st.builds(Target, doctors, dates, st.none())
slots = st.builds(Target, timed, dates, starts)
targets = st.one_of(slots, slots, days)
Wish = tuple[int, Target, bool]
wishes = st.lists(st.tuples(numbers, targets, st.booleans()), min_size=3, max_size=5)


class Machine(RuleBasedStateMachine):
    """One clinic's life."""

    def __init__(self, run: Run[Any], office: Callable[[], Office]) -> None:
        super().__init__()
        self.run, self.office = run, office()
        self.belief = Belief(World.of(DOCTORS, DATES, CAPACITY, PATIENTS))

    @initialize(wishes=wishes)
    def open(self, wishes: list[Wish]) -> None:
        """Some appointments to begin with: a run draws its steps from some of the rules, which need not be those that book."""
        self.run(self.office.open(DOCTORS, DATES, CAPACITY, PATIENTS))
        self._look()
        for patient, where, confirm in wishes:
            self._book(patient, where, confirm=confirm, by_start=False)

    @rule(patient=numbers, where=targets, by_start=st.booleans())
    def book(self, patient: int, where: Target, by_start: bool) -> None:
        self._book(patient, where, confirm=True, by_start=by_start)

    @rule(patient=numbers, where=targets, by_start=st.booleans())
    def hold(self, patient: int, where: Target, by_start: bool) -> None:
        self._book(patient, where, confirm=False, by_start=by_start)

    @rule(patient=numbers, places=st.lists(targets, min_size=MAX_HOLDS + 1, max_size=MAX_HOLDS + 1))
    def hold_one_too_many(self, patient: int, places: list[Target]) -> None:
        """Few of those that each ask for something come so far."""
        for where in places:
            self._book(patient, where, confirm=False, by_start=False)

    @precondition(lambda self: self._pending())
    @rule(which=numbers)
    def confirm_a_hold(self, which: int) -> None:
        self._confirm(_pick(self._pending(), which))

    @precondition(lambda self: self.office.appointments)
    @rule(which=numbers)
    def confirm_any(self, which: int) -> None:
        self._confirm(self._any(which))

    @precondition(lambda self: self.office.appointments)
    @rule(which=numbers)
    def cancel(self, which: int) -> None:
        number = self._any(which)
        self._judge(lambda world: world.cancel(number), self.run(self.office.cancel(number)))

    @precondition(lambda self: self.office.appointments)
    @rule(which=numbers, where=targets, by_start=st.booleans(), name_doctor=st.booleans())
    def move_any(self, which: int, where: Target, by_start: bool, name_doctor: bool) -> None:
        self._move(self._any(which), where, by_start, name_doctor)

    @precondition(lambda self: self._live())
    @rule(which=numbers, where=targets, by_start=st.booleans(), name_doctor=st.booleans())
    def move_live(self, which: int, where: Target, by_start: bool, name_doctor: bool) -> None:
        self._move(_pick(self._live(), which), where, by_start, name_doctor)

    @precondition(lambda self: self._pending())
    @rule(which=numbers)
    def time_of_a_hold_passes(self, which: int) -> None:
        number = _pick(self._pending(), which)
        self.run(self.office.lapse(number))
        self.belief.happens(lambda world: world.lapse(number))
        self._judge(lambda world: world.read(number), self.run(self.office.read(number)))

    @rule()
    def time_passes(self) -> None:
        self._settle()

    @rule(doctor=doctors, date=dates)
    def close(self, doctor: int, date: int) -> None:
        self._judge(lambda world: world.close(doctor, date), self.run(self.office.close(doctor, date)))

    @precondition(lambda self: self._closed())
    @rule(which=numbers)
    def reopen(self, which: int) -> None:
        doctor, date = _pick(self._closed(), which)
        self._judge(lambda world: world.reopen(doctor, date), self.run(self.office.reopen(doctor, date)))

    @rule(doctor=doctors, date=dates, capacity=st.sampled_from((1, 2, 3)))
    def change_capacity(self, doctor: int, date: int, capacity: int) -> None:
        told = self.run(self.office.set_day(doctor, date, capacity=capacity))
        self._judge(lambda world: world.set_capacity(doctor, date, capacity), told)

    @rule(doctor=doctors, date=dates, available=st.sampled_from((True, True, False)))
    def change_availability(self, doctor: int, date: int, available: bool) -> None:
        told = self.run(self.office.set_day(doctor, date, available=available))
        self._judge(lambda world: world.set_available(doctor, date, available), told)

    @rule(doctor=timed, hours=st.sampled_from(WEEKS))
    def change_schedule(self, doctor: int, hours: Hours) -> None:
        self._judge(lambda world: world.set_hours(doctor, hours), self.run(self.office.set_hours(doctor, hours)))

    @rule(which=numbers, cancel=st.sampled_from((False, False, True)))
    def delete_a_patient(self, which: int, cancel: bool) -> None:
        patient = which % len(self.office.patients)
        told = self.run(self.office.delete_patient(patient, cancel=cancel))
        self._judge(lambda world: world.delete_patient(patient, cancel=cancel), told)
        if sum(self.belief.world.patients) < PATIENTS:
            self.run(self.office.register())
            self.belief.happens(lambda world: world.register())

    @precondition(lambda self: self.office.sent)
    @rule(which=numbers)
    def repeat_a_command(self, which: int) -> None:
        first, again = self.run(self.office.repeat(-1 - which % len(self.office.sent)))
        assert _final(first) == _final(again)
        self._look()

    def teardown(self) -> None:
        """Everything at the end: days, slots and appointments as the model has them."""
        if sys.exc_info()[0]:
            return  # it has failed: the end would only hide why
        self._settle()
        for number, one in enumerate(self.belief.world.appointments):
            assert self.run(self.office.read(number)).seen == one.seen
            version, has_end, events = self.run(self.office.details(number))
            assert (version, events) == (len(one.events), one.events)
            assert one.status == CANCELLED or has_end == ("held" in one.events and "confirmed" not in one.events)
        assert self.run(self.office.audit()) == []

    def _book(self, patient: int, where: Target, *, confirm: bool, by_start: bool) -> None:
        patient = self._patient(patient, where)
        told = self.run(self.office.book(patient, where, confirm=confirm, by_start=by_start))
        self._judge(lambda world: world.book(patient, where, confirm=confirm), told)

    def _confirm(self, number: int) -> None:
        self._judge(lambda world: world.confirm(number), self.run(self.office.confirm(number)))

    def _move(self, number: int, where: Target, by_start: bool, name_doctor: bool) -> None:
        one = self.belief.world.appointments[number]
        if not self.belief.world.patients[one.patient]:
            where = where._replace(at=None)
        named = name_doctor or where.doctor != one.place.doctor
        told = self.run(self.office.move(number, where, by_start=by_start, name_doctor=named))
        self._judge(lambda world: world.move(number, where), told)

    def _judge(self, ask: Ask, told: Answer) -> None:
        self.belief.judge(ask, told)
        self._look()

    def _look(self) -> None:
        """Every day, and what is open on it, reads as in one of the worlds that may be."""
        days = list(self.belief.world.days)
        for day, read in zip(days, self.run(self._read(days)), strict=True):
            self.belief.judge(partial(_open_on, day), read[0])
            self.belief.judge(partial(_as_read, day), read[1])

    async def _read(self, days: list[DayKey]) -> list[tuple[Answer, Answer]]:
        return await asyncio.gather(*(self._read_one(*day) for day in days))

    async def _read_one(self, doctor: int, date: int) -> tuple[Answer, Answer]:
        """What is open first: the day is read behind it, so it may have more back."""
        return await self.office.read_open(doctor, date), await self.office.read_day(doctor, date)

    def _settle(self) -> None:
        """Until everything is back that was owed."""
        self.belief.settle()
        for doctor, date in self.belief.world.days:
            self.run(self.office.until(doctor, date, self.belief.world.read_day(doctor, date)))
        self._look()

    def _patient(self, which: int, where: Target) -> int:
        """Somebody, also who is deleted; but not for a slot: a gateway may remember them for a while, and looks for it first."""
        known = [number for number, alive in enumerate(self.belief.world.patients) if alive or where.at is None]
        return _pick(known, which)

    def _any(self, which: int) -> int:
        return which % len(self.office.appointments)

    def _live(self) -> list[int]:
        return [number for number, one in enumerate(self.belief.world.appointments) if one.status in LIVE]

    def _pending(self) -> list[int]:
        return [number for number, one in enumerate(self.belief.world.appointments) if one.status == PENDING]

    def _closed(self) -> list[tuple[int, int]]:
        return [day for day, closings in self.office.closings.items() if closings]


def _open_on(day: DayKey, world: World) -> Answer:
    return world.read_open(*day)


def _as_read(day: DayKey, world: World) -> Answer:
    return world.read_day(*day)


def _pick(some: list[T], which: int) -> T:
    return some[which % len(some)]


def _final(reply: Any) -> object:
    """What a repeat answers again: a problem is the same one, told under another correlation id."""
    return (reply.status, reply.body["code"]) if reply.status >= 400 else reply


def play(run: Run[Any], office: Callable[[], Office], *, first_seed: int, examples: int) -> None:
    """So many lives of fixed seeds. The first one that differs from the model is told step by step."""
    how = settings(
        max_examples=examples, stateful_step_count=STEPS, phases=(Phase.generate,), suppress_health_check=list(HealthCheck),
        deadline=None, database=None, print_blob=False,
    )  # fmt: skip
    lives = cast(type[Machine], lambda: Machine(run, office))
    seed(first_seed)(get_state_machine_test(lives, settings=how))()
