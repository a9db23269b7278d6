"""Positions: 1..n without a gap in order of check-in, one per appointment, each doctor's day counted for itself."""

import datetime as dt
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from services.queue.domain import AppointmentKey, QueueDay, QueuedCheckIn, QueueKey, appointment_of, give_positions, queue_of
from shared.contracts.booking import PatientCheckedIn
from shared.contracts.queue import QueueEntryView, State
from shared.infra.ids import new_id

CLINIC, DOCTOR = uuid4(), uuid4()
DAY = dt.date(2026, 3, 2)
NOW = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
EMPTY = {QueueKey(CLINIC, DOCTOR, DAY): QueueDay()}


def checked_in(
    appointment: UUID | None = None, *, clinic: UUID = CLINIC, doctor: UUID = DOCTOR, date: dt.date = DAY
) -> PatientCheckedIn:
    return PatientCheckedIn(
        message_id=new_id(), clinic_id=clinic, correlation_id="test-1", actor="open", occurred_at=NOW, version=2,
        doctor_id=doctor, date=date, appointment_id=appointment or uuid4(), patient_id=uuid4(), checked_in_at=NOW,
    )  # fmt: skip


def queue(
    check_ins: list[PatientCheckedIn], days: dict[QueueKey, QueueDay], entries: list[QueueEntryView] | None = None
) -> list[QueuedCheckIn]:
    known = {AppointmentKey(CLINIC, entry.appointment_id): entry for entry in entries or []}
    return give_positions(check_ins, days, known, new_id)[0]


def test_positions_follow_the_order_of_check_in() -> None:
    check_ins = [checked_in() for _ in range(3)]
    before = dict(EMPTY)
    queued, after = give_positions(check_ins, before, {}, new_id)
    assert [(one.check_in, one.entry.position, one.version, one.is_new) for one in queued] == [
        (check_ins[0], 1, 1, True), (check_ins[1], 2, 2, True), (check_ins[2], 3, 3, True),
    ]  # fmt: skip
    assert after == {QueueKey(CLINIC, DOCTOR, DAY): QueueDay(3, 3)}
    assert before == EMPTY, "what was read stays as it was read"


def test_the_entry_says_who_waits_for_whom() -> None:
    message = checked_in()
    (one,) = queue([message], EMPTY)
    assert one.entry == QueueEntryView(
        id=one.entry.id, appointment_id=message.appointment_id, doctor_id=DOCTOR, patient_id=message.patient_id,
        date=DAY, position=1, state=State.WAITING, checked_in_at=NOW,
    )  # fmt: skip


def test_positions_go_on_where_the_day_stands_while_versions_may_be_ahead() -> None:
    queued = queue([checked_in(), checked_in()], {QueueKey(CLINIC, DOCTOR, DAY): QueueDay(last_position=4, version=9)})
    assert [(one.entry.position, one.version) for one in queued] == [(5, 10), (6, 11)]


def test_who_is_queued_keeps_the_entry_and_the_day_stays() -> None:
    first, stays = checked_in(), {QueueKey(CLINIC, DOCTOR, DAY): QueueDay(1, 1)}
    (before,) = queue([first], EMPTY)
    again = checked_in(first.appointment_id)
    queued, after = give_positions([again], stays, {appointment_of(first): before.entry}, new_id)
    assert queued == [QueuedCheckIn(again, before.entry, version=1, is_new=False)]
    assert after == stays


def test_the_same_appointment_twice_in_a_batch_has_one_entry() -> None:
    appointment = uuid4()
    first, other, second = queue([checked_in(appointment), checked_in(), checked_in(appointment)], EMPTY)
    assert (first.entry.position, other.entry.position) == (1, 2)
    assert second.entry == first.entry and not second.is_new and second.version == other.version


def test_equal_appointment_ids_of_two_clinics_are_two_appointments() -> None:
    appointment, elsewhere = uuid4(), uuid4()
    ours, theirs = checked_in(appointment), checked_in(appointment, clinic=elsewhere)
    queued = queue([ours, theirs], {queue_of(ours): QueueDay(), queue_of(theirs): QueueDay()})
    assert [(one.entry.position, one.is_new) for one in queued] == [(1, True), (1, True)]


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 30)), max_size=40), st.integers(0, 5))
def test_each_day_counts_one_to_n_whatever_the_mix(mix: list[tuple[int, int, int]], started: int) -> None:
    doctors, dates = (UUID(int=1), UUID(int=2)), (DAY, DAY + dt.timedelta(days=1))
    check_ins = [checked_in(UUID(int=100 + n * 4 + d * 2 + t), doctor=doctors[d], date=dates[t]) for d, t, n in mix]
    days = {QueueKey(CLINIC, doctor, date): QueueDay(started, started) for doctor in doctors for date in dates}
    queued, after = give_positions(check_ins, days, {}, new_id)
    for key, day in after.items():
        positions = [one.entry.position for one in queued if one.is_new and queue_of(one.check_in) == key]
        assert positions == list(range(started + 1, day.last_position + 1))
    assert len({one.entry.id for one in queued}) == len({message.appointment_id for message in check_ins})
