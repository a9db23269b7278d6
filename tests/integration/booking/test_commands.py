"""Cancel and check-in on a real Postgres: refusals, several commands of one appointment in one batch, settling, repeats."""

from uuid import uuid4

import pytest

from shared.contracts.appointments import Reason
from shared.contracts.booking import AppointmentCancelled, PatientCheckedIn, SlotReleased
from shared.contracts.commands import CommandRepeated
from shared.contracts.problems import Code
from tests.integration.booking.desk import Desk
from tests.support.dates import in_days
from tests.unit.booking.messages import LATE, PARTITION, cancel, check_in, freed, queued, reserved

pytestmark = pytest.mark.integration


async def test_a_cancelled_appointment_gives_its_place_back_with_the_answer(desk: Desk) -> None:
    slot = await desk.booked()
    command = cancel(desk.clinic, slot.appointment_id, reason=Reason.ILL)
    said = await desk.deliver(command)
    assert said.types == ["AppointmentCancelled", "SlotReleased"] and said.unit.replies == []
    (cancelled,), (release,) = said.of(AppointmentCancelled), said.of(SlotReleased)
    assert (cancelled.version, cancelled.reason, cancelled.key) == (2, Reason.ILL, slot.key)
    assert (release.slot_id, release.reservation_id, release.key) == (slot.slot_id, slot.reservation_id, slot.key)
    assert release.answer and release.answer.result and release.answer.status_code == 200
    assert (release.answer.result["status"], release.answer.result["version"]) == ("cancelled", 2)
    row = await desk.row(slot)
    assert (row["status"], row["version"], row["cancel_reason"]) == ("cancelled", 2, "ill")
    outcome = await desk.outcome(command)
    assert outcome and outcome.settled_at is None and outcome.answer == release.answer


async def test_cancelling_a_cancelled_one_is_the_same_answer_and_changes_nothing(desk: Desk) -> None:
    slot = await desk.booked()
    first = await desk.deliver(cancel(desk.clinic, slot.appointment_id, reason=Reason.ILL))
    second = await desk.deliver(cancel(desk.clinic, slot.appointment_id))
    assert second.types == ["SlotReleased"]
    assert second.of(SlotReleased)[0].answer == first.of(SlotReleased)[0].answer
    assert (await desk.row(slot))["version"] == 2


async def test_a_check_in_goes_to_the_queue_with_its_own_version(desk: Desk) -> None:
    slot = await desk.booked()
    command = check_in(desk.clinic, slot.appointment_id, slot.patient_id)
    said = await desk.deliver(command)
    (arrival,) = said.of(PatientCheckedIn)
    assert said.types == ["PatientCheckedIn"] and said.unit.replies == []
    assert (arrival.version, arrival.key, arrival.checked_in_at) == (2, slot.key, said.unit.now)
    assert (await desk.row(slot))["status"] == "checked_in"
    outcome = await desk.outcome(command)
    assert outcome and outcome.settled_at is None and outcome.answer.status_code == 201


async def test_the_position_settles_a_check_in_and_is_its_answer(desk: Desk) -> None:
    slot = await desk.booked()
    command = check_in(desk.clinic, slot.appointment_id, slot.patient_id)
    await desk.deliver(command)
    await desk.deliver(queued(command, slot, position=7))
    outcome = await desk.outcome(command)
    assert outcome and outcome.settled_at and outcome.answer.result and outcome.answer.result["position"] == 7
    said = await desk.deliver(command)
    assert said.answers == [outcome.answer] and said.unit.replies[0].replayed


async def test_refusals_of_a_check_in(desk: Desk) -> None:
    slot, tomorrow, gone = await desk.booked(), await desk.booked(date=in_days(1)), await desk.booked()
    await desk.deliver(cancel(desk.clinic, gone.appointment_id))
    clinic = desk.clinic
    asked = [
        (check_in(clinic, uuid4(), slot.patient_id), Code.UNKNOWN_APPOINTMENT),
        (check_in(clinic, slot.appointment_id, uuid4()), Code.WRONG_PATIENT),
        (check_in(clinic, tomorrow.appointment_id, tomorrow.patient_id), Code.NOT_TODAY),
        (check_in(clinic, gone.appointment_id, gone.patient_id), Code.CANCELLED),
        (check_in(clinic, slot.appointment_id, slot.patient_id, **LATE), Code.TOO_LATE),
    ]
    said = await desk.deliver(*(command for command, _ in asked))
    assert said.codes == [code for _, code in asked] and said.types == []
    for command, code in asked:
        outcome = await desk.outcome(command)
        assert outcome and outcome.settled_at and outcome.answer.code == code


async def test_refusals_of_a_cancel(desk: Desk) -> None:
    past, here = await desk.booked(date=in_days(-1)), await desk.booked()
    await desk.deliver(check_in(desk.clinic, here.appointment_id, here.patient_id))
    other = Desk(desk.database, uuid4())
    strangers = await other.booked()
    asked = [
        (cancel(desk.clinic, uuid4()), Code.UNKNOWN_APPOINTMENT),
        (cancel(desk.clinic, strangers.appointment_id), Code.UNKNOWN_APPOINTMENT),
        (cancel(desk.clinic, past.appointment_id), Code.PAST),
        (cancel(desk.clinic, here.appointment_id), Code.CHECKED_IN),
        (cancel(desk.clinic, here.appointment_id, **LATE), Code.TOO_LATE),
    ]
    said = await desk.deliver(*(command for command, _ in asked))
    assert said.codes == [code for _, code in asked] and said.types == []
    assert (await other.row(strangers))["status"] == "booked"


async def test_several_commands_of_one_appointment_in_one_batch_act_one_after_the_other(desk: Desk) -> None:
    one, two = await desk.booked(), await desk.booked()
    said = await desk.deliver(
        check_in(desk.clinic, one.appointment_id, one.patient_id),
        cancel(desk.clinic, two.appointment_id),
        check_in(desk.clinic, one.appointment_id, one.patient_id),
        cancel(desk.clinic, one.appointment_id),
        check_in(desk.clinic, two.appointment_id, two.patient_id),
        cancel(desk.clinic, two.appointment_id),
    )
    assert said.types == ["PatientCheckedIn", "AppointmentCancelled", "SlotReleased", "SlotReleased"]
    assert said.codes == [Code.ALREADY_CHECKED_IN, Code.CHECKED_IN, Code.CANCELLED]
    rows = [await desk.row(one), await desk.row(two)]
    assert [(row["status"], row["version"]) for row in rows] == [("checked_in", 2), ("cancelled", 2)]


async def test_a_mixed_batch_books_before_it_acts_on_the_appointment(desk: Desk) -> None:
    slot = reserved(desk.clinic, await desk.patient())
    command = check_in(desk.clinic, slot.appointment_id, slot.patient_id)
    said = await desk.deliver(command, slot)
    assert said.types == ["AppointmentBooked", "PatientCheckedIn"]
    assert (await desk.row(slot))["version"] == 2


async def test_a_repeat_of_an_unsettled_cancel_is_passed_on_with_its_answer(desk: Desk) -> None:
    slot = await desk.booked()
    command = cancel(desk.clinic, slot.appointment_id)
    first = await desk.deliver(command)
    again = command.model_copy(update={"reply_partition": PARTITION + 1})
    said = await desk.deliver(again)
    (passed,) = said.of(CommandRepeated)
    assert said.types == ["CommandRepeated"] and said.unit.replies == []
    assert (passed.key, passed.appointment_id, passed.reply_partition) == (slot.key, None, PARTITION + 1)
    assert passed.answer == first.of(SlotReleased)[0].answer
    settled = await desk.deliver(freed(slot, command.command_id), again)
    assert settled.answers == [passed.answer] and settled.unit.replies[0].replayed


async def test_a_repeat_of_an_unsettled_check_in_is_passed_on_to_the_queue(desk: Desk) -> None:
    slot = await desk.booked()
    command = check_in(desk.clinic, slot.appointment_id, slot.patient_id)
    said = await desk.deliver(command, command)
    assert said.types == ["PatientCheckedIn", "CommandRepeated"]
    assert said.of(CommandRepeated)[0].appointment_id == slot.appointment_id
    assert said.of(CommandRepeated)[0].key == slot.key


async def test_a_freed_slot_that_no_command_asked_for_settles_nothing(desk: Desk) -> None:
    slot = await desk.booked()
    said = await desk.deliver(freed(slot, None))
    assert said.types == [] and said.unit.replies == []
