"""Cancel and check-in on a real Postgres: refusals, several commands of one appointment in one batch, settling, repeats."""

from uuid import uuid4

import pytest

from shared.contracts.appointments import Reason
from shared.contracts.booking import AppointmentCancelled, PatientCheckedIn, SlotReleased
from shared.contracts.commands import CommandRepeated
from shared.contracts.problems import Code
from tests.integration.booking.booking import Booking
from tests.support.booking_messages import LATE, PARTITION, cancel, check_in, freed, queued, reserved
from tests.support.dates import in_days

pytestmark = pytest.mark.integration


async def test_a_cancelled_appointment_gives_its_place_back_with_the_answer(booking: Booking) -> None:
    slot = await booking.booked()
    command = cancel(booking.clinic, slot.appointment_id, reason=Reason.ILL)
    result = await booking.deliver(command)
    assert result.types == ["AppointmentCancelled", "SlotReleased"] and result.unit.replies == []
    (cancelled,), (release,) = result.of(AppointmentCancelled), result.of(SlotReleased)
    assert (cancelled.version, cancelled.reason, cancelled.key) == (2, Reason.ILL, slot.key)
    assert (release.slot_id, release.reservation_id, release.key) == (slot.slot_id, slot.reservation_id, slot.key)
    assert release.answer and release.answer.result and release.answer.status_code == 200
    assert (release.answer.result["status"], release.answer.result["version"]) == ("cancelled", 2)
    row = await booking.row(slot)
    assert (row["status"], row["version"], row["cancel_reason"]) == ("cancelled", 2, "ill")
    outcome = await booking.outcome(command)
    assert outcome and outcome.settled_at is None and outcome.answer == release.answer


async def test_cancelling_a_cancelled_one_is_the_same_answer_and_changes_nothing(booking: Booking) -> None:
    slot = await booking.booked()
    first = await booking.deliver(cancel(booking.clinic, slot.appointment_id, reason=Reason.ILL))
    second = await booking.deliver(cancel(booking.clinic, slot.appointment_id))
    assert second.types == ["SlotReleased"]
    assert second.of(SlotReleased)[0].answer == first.of(SlotReleased)[0].answer
    assert (await booking.row(slot))["version"] == 2


async def test_a_check_in_goes_to_the_queue_with_its_own_version(booking: Booking) -> None:
    slot = await booking.booked()
    command = check_in(booking.clinic, slot.appointment_id, slot.patient_id)
    result = await booking.deliver(command)
    (arrival,) = result.of(PatientCheckedIn)
    assert result.types == ["PatientCheckedIn"] and result.unit.replies == []
    assert (arrival.version, arrival.key, arrival.checked_in_at) == (2, slot.key, arrival.occurred_at)
    assert arrival.checked_in_at >= result.unit.now, "the clock behind the lock"
    assert (await booking.row(slot))["status"] == "checked_in"
    outcome = await booking.outcome(command)
    assert outcome and outcome.settled_at is None and outcome.answer.status_code == 201


async def test_the_position_settles_a_check_in_and_is_its_answer(booking: Booking) -> None:
    slot = await booking.booked()
    command = check_in(booking.clinic, slot.appointment_id, slot.patient_id)
    await booking.deliver(command)
    await booking.deliver(queued(command, slot, position=7))
    outcome = await booking.outcome(command)
    assert outcome and outcome.settled_at and outcome.answer.result and outcome.answer.result["position"] == 7
    result = await booking.deliver(command)
    assert result.answers == [outcome.answer] and result.unit.replies[0].replayed


async def test_refusals_of_a_check_in(booking: Booking) -> None:
    slot, tomorrow, gone = await booking.booked(), await booking.booked(date=in_days(1)), await booking.booked()
    await booking.deliver(cancel(booking.clinic, gone.appointment_id))
    clinic = booking.clinic
    asked = [
        (check_in(clinic, uuid4(), slot.patient_id), Code.UNKNOWN_APPOINTMENT),
        (check_in(clinic, slot.appointment_id, uuid4()), Code.WRONG_PATIENT),
        (check_in(clinic, tomorrow.appointment_id, tomorrow.patient_id), Code.NOT_TODAY),
        (check_in(clinic, gone.appointment_id, gone.patient_id), Code.CANCELLED),
        (check_in(clinic, slot.appointment_id, slot.patient_id, **LATE), Code.TOO_LATE),
    ]
    result = await booking.deliver(*(command for command, _ in asked))
    assert result.codes == [code for _, code in asked] and result.types == []
    for command, code in asked:
        outcome = await booking.outcome(command)
        assert outcome and outcome.settled_at and outcome.answer.code == code


async def test_refusals_of_a_cancel(booking: Booking) -> None:
    past, here = await booking.booked(date=in_days(-1)), await booking.booked()
    await booking.deliver(check_in(booking.clinic, here.appointment_id, here.patient_id))
    other = Booking(booking.database, uuid4())
    strangers = await other.booked()
    asked = [
        (cancel(booking.clinic, uuid4()), Code.UNKNOWN_APPOINTMENT),
        (cancel(booking.clinic, strangers.appointment_id), Code.UNKNOWN_APPOINTMENT),
        (cancel(booking.clinic, past.appointment_id), Code.PAST),
        (cancel(booking.clinic, here.appointment_id), Code.CHECKED_IN),
        (cancel(booking.clinic, here.appointment_id, **LATE), Code.TOO_LATE),
    ]
    result = await booking.deliver(*(command for command, _ in asked))
    assert result.codes == [code for _, code in asked] and result.types == []
    assert (await other.row(strangers))["status"] == "booked"


async def test_several_commands_of_one_appointment_in_one_batch_act_one_after_the_other(booking: Booking) -> None:
    one, two = await booking.booked(), await booking.booked()
    result = await booking.deliver(
        check_in(booking.clinic, one.appointment_id, one.patient_id),
        cancel(booking.clinic, two.appointment_id),
        check_in(booking.clinic, one.appointment_id, one.patient_id),
        cancel(booking.clinic, one.appointment_id),
        check_in(booking.clinic, two.appointment_id, two.patient_id),
        cancel(booking.clinic, two.appointment_id),
    )
    assert result.types == ["PatientCheckedIn", "AppointmentCancelled", "SlotReleased", "SlotReleased"]
    assert result.codes == [Code.ALREADY_CHECKED_IN, Code.CHECKED_IN, Code.CANCELLED]
    rows = [await booking.row(one), await booking.row(two)]
    assert [(row["status"], row["version"]) for row in rows] == [("checked_in", 2), ("cancelled", 2)]


async def test_a_mixed_batch_books_before_it_acts_on_the_appointment(booking: Booking) -> None:
    slot = reserved(booking.clinic, await booking.patient())
    command = check_in(booking.clinic, slot.appointment_id, slot.patient_id)
    result = await booking.deliver(command, slot)
    assert result.types == ["AppointmentBooked", "PatientCheckedIn"]
    assert (await booking.row(slot))["version"] == 2


async def test_a_repeat_of_an_unsettled_cancel_is_passed_on_with_its_answer(booking: Booking) -> None:
    slot = await booking.booked()
    command = cancel(booking.clinic, slot.appointment_id)
    first = await booking.deliver(command)
    again = command.model_copy(update={"reply_partition": PARTITION + 1})
    result = await booking.deliver(again)
    (passed,) = result.of(CommandRepeated)
    assert result.types == ["CommandRepeated"] and result.unit.replies == []
    assert (passed.key, passed.appointment_id, passed.reply_partition) == (slot.key, None, PARTITION + 1)
    assert passed.answer == first.of(SlotReleased)[0].answer
    settled = await booking.deliver(freed(slot, command.command_id), again)
    assert settled.answers == [passed.answer] and settled.unit.replies[0].replayed


async def test_a_repeat_of_an_unsettled_check_in_is_passed_on_to_the_queue(booking: Booking) -> None:
    slot = await booking.booked()
    command = check_in(booking.clinic, slot.appointment_id, slot.patient_id)
    result = await booking.deliver(command, command)
    assert result.types == ["PatientCheckedIn", "CommandRepeated"]
    assert result.of(CommandRepeated)[0].appointment_id == slot.appointment_id
    assert result.of(CommandRepeated)[0].key == slot.key


async def test_a_freed_slot_that_no_command_asked_for_settles_nothing(booking: Booking) -> None:
    slot = await booking.booked()
    result = await booking.deliver(freed(slot, None))
    assert result.types == [] and result.unit.replies == []
