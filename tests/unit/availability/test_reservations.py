"""Who of a batch gets which slot: in order of arrival, none twice, and nobody is refused while a slot is left."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from services.availability.domain.batches import SlotCommand, command_refusal
from services.availability.domain.days import Day, DayKey
from services.availability.domain.reservations import (
    ALL_OF_A_DAY,
    Assignment,
    FreeSlots,
    FreeSlotsNeeded,
    NewReservation,
    Refusal,
    assign_slots,
    free_slots_needed,
)
from services.availability.domain.slots import NamedSlot, Reservation, Slot
from shared.contracts.availability import Mode
from shared.contracts.booking import BusyTime
from shared.contracts.problems import Code
from tests.unit.availability.commands import CLINIC, DOCTOR, NOW, OPEN, TODAY, booking, move, snapshot

DAY = DayKey(CLINIC, DOCTOR, TODAY)
NONE = FreeSlotsNeeded(0)


def assigned(
    commands: Sequence[SlotCommand],
    free: Sequence[Slot],
    taken: Sequence[tuple[Slot, Reservation]] = (),
    reservations: Sequence[Reservation] = (),
) -> list[Assignment]:
    """How a batch ends on a day with these slots, all of them published; `reservations` are those of appointments to be moved."""
    named = [NamedSlot(slot, True, None) for slot in free] + [NamedSlot(slot, True, reservation) for slot, reservation in taken]
    known = replace(
        snapshot(),
        named_slots={(DAY, one.slot.id): one for one in named},
        reservations={(DAY, one.appointment_id): one for one in reservations},
    )
    judged = [(command, command_refusal(command, known)) for command in commands]
    needed = free_slots_needed(judged, known).get(DAY, NONE).number
    picked = sorted(free, key=lambda slot: slot.number)[:needed]
    decided = assign_slots(judged, known, {DAY: FreeSlots(picked[::-1])}, uuid4)
    assert [command for command, _ in decided] == list(commands)
    return [outcome for _, outcome in decided]


def numbered(*numbers: int) -> list[Slot]:
    return [Slot(uuid4(), number) for number in numbers]


def shown(outcome: Assignment) -> object:
    """The number that was taken, what is kept, or the code of the refusal."""
    if isinstance(outcome, Refusal):
        return outcome.code
    return outcome.slot.number if isinstance(outcome, NewReservation) else outcome


def taken_by(slot: Slot, appointment_id: UUID | None = None) -> tuple[Slot, Reservation]:
    return slot, Reservation(slot.id, uuid4(), appointment_id or uuid4())


@given(free=st.sets(st.integers(1, 30), max_size=20), refused=st.lists(st.booleans(), max_size=30))
def test_slots_are_given_lowest_first_in_order_of_arrival(free: set[int], refused: list[bool]) -> None:
    judged = [(booking(), Code.PAST_DATE if one else None) for one in refused]
    needed = free_slots_needed(judged, snapshot()).get(DAY, NONE).number
    assert needed == refused.count(False)
    picked = sorted(free)[:needed]
    decided = assign_slots(judged, snapshot(), {DAY: FreeSlots(numbered(*reversed(picked)))}, uuid4)
    assert [command for command, _ in decided] == [command for command, _ in judged]
    outcomes = [outcome for (_, outcome), (_, code) in zip(decided, judged, strict=True) if code is None]
    full = Refusal(Code.FULL)
    numbers = [outcome.slot.number for outcome in outcomes if isinstance(outcome, NewReservation)]
    assert numbers == picked
    assert outcomes[len(picked) :] == [full] * (len(outcomes) - len(picked)), "whoever comes first is served first"
    assert all(outcome == Refusal(code) for (_, outcome), (_, code) in zip(decided, judged, strict=True) if code)


@given(size=st.integers(1, 8), asked=st.lists(st.none() | st.integers(1, 10), max_size=14))
def test_named_and_any_slots_are_given_as_if_one_came_after_the_other(size: int, asked: list[int | None]) -> None:
    slots = dict(enumerate(numbered(*range(1, size + 1)), 1))
    stranger = uuid4()
    commands = [booking(slot_id=number and getattr(slots.get(number), "id", stranger)) for number in asked]
    left, expected = list(slots), list[object]()
    for number in asked:
        if number is None:
            expected.append(left.pop(0) if left else Code.FULL)
        elif number in left:
            left.remove(number)
            expected.append(number)
        else:
            expected.append(Code.SLOT_TAKEN if number in slots else Code.NO_SUCH_SLOT)
    assert [shown(outcome) for outcome in assigned(commands, list(slots.values()))] == expected


def test_slots_of_a_timed_day_are_given_by_start_whatever_their_numbers() -> None:
    free = [Slot(uuid4(), number, starts_at=NOW + dt.timedelta(hours=hours)) for number, hours in enumerate((3, 1, 2), 1)]
    given = assign_slots([(booking(), None)] * 3, snapshot(), {DAY: FreeSlots(free)}, uuid4)
    assert [shown(outcome) for _, outcome in given] == [2, 3, 1]


def test_days_keep_their_slots_apart() -> None:
    other = uuid4()
    days = {DayKey(CLINIC, doctor, TODAY): FreeSlots(numbered(1)) for doctor in (DOCTOR, other)}
    decided = assign_slots([(booking(), None), (booking(doctor_id=other), None), (booking(), None)], snapshot(), days, uuid4)
    assert [shown(outcome) for _, outcome in decided] == [1, 1, Code.FULL]


def test_a_day_of_which_all_name_their_slots_is_not_read() -> None:
    later = TODAY + dt.timedelta(days=1)
    named, one = booking(slot_id=uuid4()), booking(later)
    judged = [(named, None), (named, None), (one, None), (booking(later, slot_id=uuid4()), None)]
    needed = free_slots_needed(judged, snapshot(date=later))
    assert needed == {DayKey(CLINIC, DOCTOR, later): FreeSlotsNeeded(2)}


def test_slots_of_timed_days_are_bookable_until_the_lead_time() -> None:
    timed, daily = DAY, DayKey(CLINIC, uuid4(), TODAY)
    days = {timed: Day(Mode.TIMED, available=True, time_zone="UTC"), daily: OPEN}
    judged = [(booking(), None), (booking(doctor_id=daily.doctor_id), None)]
    needed = free_slots_needed(judged, replace(snapshot(lead_time_minutes=90), days=days))
    assert needed == {timed: FreeSlotsNeeded(1, NOW + dt.timedelta(minutes=90)), daily: FreeSlotsNeeded(1)}


def test_a_booking_gets_ids_of_its_own_and_a_move_keeps_its_appointments() -> None:
    moved = move()
    first, second = assigned([booking(), moved], numbered(1, 2))
    assert isinstance(first, NewReservation)
    assert isinstance(second, NewReservation)
    assert second.appointment_id == moved.appointment_id
    assert len({first.reservation_id, second.reservation_id, first.appointment_id, second.appointment_id}) == 4


def test_a_reserved_slot_is_taken_for_all_but_its_appointment() -> None:
    own = uuid4()
    slot, reservation = taken_by(numbered(1)[0], own)
    commands: list[SlotCommand] = [booking(slot_id=slot.id), move(slot_id=slot.id), move(slot_id=slot.id, appointment_id=own)]
    taken = Refusal(Code.SLOT_TAKEN, own)
    assert assigned(commands, [], [(slot, reservation)]) == [taken, taken, reservation], "it is told whose it is"


def test_an_appointment_of_the_day_keeps_its_slot_unless_it_names_another() -> None:
    own = uuid4()
    slot, reservation = taken_by(numbered(1)[0], own)
    (other,) = numbered(2)
    by_date, by_name = assigned(
        [move(appointment_id=own), move(appointment_id=own, slot_id=other.id)], [other], [(slot, reservation)], [reservation]
    )
    assert by_date == reservation
    assert shown(by_name) == 2


def test_what_a_batch_has_given_to_an_appointment_it_keeps() -> None:
    """The second asks for a day, the third for the slot, that the first has got."""
    own = uuid4()
    (slot,) = numbered(1)
    commands = [move(appointment_id=own, slot_id=slot.id), move(appointment_id=own), move(appointment_id=own, slot_id=slot.id)]
    first, *others = assigned(commands, [slot])
    assert isinstance(first, NewReservation)
    assert others == [Reservation(slot.id, first.reservation_id, own)] * 2


def at(hour: int) -> Slot:
    start = NOW + dt.timedelta(hours=hour)
    return Slot(uuid4(), hour, starts_at=start, ends_at=start + dt.timedelta(hours=1))


def busy(*hours: int) -> list[BusyTime]:
    starts = [NOW + dt.timedelta(hours=hour) for hour in hours]
    return [BusyTime(starts_at=start, ends_at=start + dt.timedelta(hours=1)) for start in starts]


def test_who_asks_again_gets_the_first_slot_at_which_there_is_time() -> None:
    """Those who asked before are served first, and what is skipped stays for others."""
    again, other = booking(), booking()
    known = replace(snapshot(), busy={again.message_id: busy(1, 3)})
    judged = [(booking(), None), (again, None), (other, None)]
    assert free_slots_needed(judged, known)[DAY].number >= ALL_OF_A_DAY
    given = assign_slots(judged, known, {DAY: FreeSlots([at(hour) for hour in range(1, 6)])}, uuid4)
    assert [shown(outcome) for _, outcome in given] == [1, 2, 3]
    first = assign_slots([(again, None)], known, {DAY: FreeSlots([at(1), at(3)])}, uuid4)
    assert [shown(outcome) for _, outcome in first] == [Code.PATIENT_BUSY]


def test_nothing_free_says_why() -> None:
    """No hours, too soon, or all that there is is taken."""
    why = [FreeSlots(offered=False), FreeSlots(too_soon=True), FreeSlots()]
    codes = [shown(assign_slots([(booking(), None)], snapshot(), {DAY: free}, uuid4)[0][1]) for free in why]
    assert codes == [Code.DOCTOR_ABSENT, Code.TOO_SOON, Code.FULL]
