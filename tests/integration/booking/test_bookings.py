"""Reservations on a real Postgres: what becomes an appointment, what is refused, what is given back, and what each batch says."""

import datetime as dt
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from shared.contracts.appointments import Status
from shared.contracts.booking import AppointmentBooked, AppointmentRefused, SlotReleased
from shared.contracts.commands import CommandRepeated
from shared.contracts.problems import Code
from shared.infra.ids import new_id
from tests.integration.booking.desk import Desk
from tests.support.dates import in_days
from tests.unit.booking.messages import LATE, PARTITION, cancel, freed, refused, repeated, reserved

pytestmark = pytest.mark.integration


async def test_a_reservation_becomes_an_appointment_and_is_answered_at_once(desk: Desk) -> None:
    slot = reserved(desk.clinic, await desk.patient(), slot_number=3, time_zone="Europe/London")
    said = await desk.deliver(slot)
    (booked,) = said.of(AppointmentBooked)
    assert (booked.version, booked.status, booked.reservation_id) == (1, Status.BOOKED, slot.reservation_id)
    assert booked.key == slot.key and booked.causation_id == slot.message_id
    (reply,) = said.unit.replies
    assert (reply.reply_partition, reply.command_id, reply.replayed) == (PARTITION, slot.command_id, False)
    assert reply.answer.status_code == 201 and reply.answer.result
    assert (reply.answer.result["id"], reply.answer.result["slot"]) == (str(slot.appointment_id), 3)
    row = await desk.row(slot)
    assert (row["status"], row["time_zone"], row["slot_id"], row["command_id"]) == (
        "booked", "Europe/London", slot.slot_id, slot.command_id,
    )  # fmt: skip
    outcome = await desk.outcome(slot)
    assert outcome and outcome.settled_at and outcome.answer == reply.answer and outcome.type == "BookAppointment"


async def test_a_batch_that_is_delivered_again_has_no_second_effect(desk: Desk) -> None:
    slot = await desk.booked()
    said = await desk.deliver(slot)
    assert said.types == [] and said.unit.replies == []


@pytest.mark.parametrize("status", ["deleted", None])
async def test_an_unknown_or_deleted_patient_is_refused_and_the_place_given_back(desk: Desk, status: str | None) -> None:
    slot = reserved(desk.clinic, await desk.patient(status) if status else uuid4())
    said = await desk.deliver(slot)
    (refusal,) = said.of(AppointmentRefused)
    assert refusal.answer.code == Code.UNKNOWN_PATIENT and refusal.key == slot.key
    assert (refusal.slot_id, refusal.reservation_id) == (slot.slot_id, slot.reservation_id)
    assert said.unit.replies == [] and await desk.row(slot) == {}
    outcome = await desk.outcome(slot)
    assert outcome and outcome.settled_at is None and outcome.answer.status_code == 404


async def test_another_clinics_patient_is_unknown(desk: Desk) -> None:
    stranger = await desk.patient(clinic=uuid4())
    said = await desk.deliver(reserved(desk.clinic, stranger))
    assert [one.answer.code for one in said.of(AppointmentRefused)] == [Code.UNKNOWN_PATIENT]


async def test_a_reservation_that_comes_too_late_is_given_back(desk: Desk) -> None:
    slot = reserved(desk.clinic, await desk.patient(), **LATE)
    said = await desk.deliver(slot)
    assert [one.answer.code for one in said.of(AppointmentRefused)] == [Code.TOO_LATE]
    assert await desk.row(slot) == {}


async def test_a_refused_reservation_is_settled_when_its_place_is_free(desk: Desk) -> None:
    slot = reserved(desk.clinic, uuid4())
    await desk.deliver(slot)
    again = await desk.deliver(repeated(slot))
    assert [(one.answer and one.answer.code, one.appointment_id) for one in again.of(CommandRepeated)] == [
        (Code.UNKNOWN_PATIENT, None)
    ]
    await desk.deliver(freed(slot, slot.command_id))
    outcome = await desk.outcome(slot)
    assert outcome and outcome.settled_at and outcome.answer.code == Code.UNKNOWN_PATIENT
    after = await desk.deliver(repeated(slot))
    assert after.codes == [Code.UNKNOWN_PATIENT] and after.unit.replies[0].replayed


async def test_what_availability_refused_is_settled_and_answered_at_once(desk: Desk) -> None:
    full, stranger = refused(desk.clinic, await desk.patient()), refused(desk.clinic, uuid4())
    nobody = refused(desk.clinic, uuid4(), Code.UNKNOWN_DOCTOR)
    said = await desk.deliver(full, stranger, nobody)
    assert said.codes == [Code.FULL, Code.UNKNOWN_PATIENT, Code.UNKNOWN_DOCTOR] and said.types == []
    for message, code in zip((full, stranger, nobody), said.codes, strict=True):
        outcome = await desk.outcome(message)
        assert outcome and outcome.settled_at and outcome.answer.code == code


async def test_a_repeat_of_a_booking_is_answered_by_its_stored_outcome(desk: Desk) -> None:
    slot = reserved(desk.clinic, await desk.patient())
    first = await desk.deliver(slot)
    said = await desk.deliver(repeated(slot))
    (reply,) = said.unit.replies
    assert reply.replayed and reply.reply_partition == PARTITION + 1 and reply.answer == first.answers[0]
    assert said.types == []


async def test_a_repeat_in_the_batch_of_its_original_is_answered_after_it(desk: Desk) -> None:
    slot = reserved(desk.clinic, await desk.patient())
    said = await desk.deliver(repeated(slot), slot)
    assert [reply.replayed for reply in said.unit.replies] == [False, True]


async def test_a_repeat_of_what_nobody_decided_is_left_alone(desk: Desk) -> None:
    said = await desk.deliver(repeated(reserved(desk.clinic, uuid4())))
    assert said.types == [] and said.unit.replies == []


async def test_a_second_reservation_for_a_decided_command_is_given_back(desk: Desk) -> None:
    slot = await desk.booked()
    other = slot.model_copy(update={"message_id": new_id(), "reservation_id": new_id(), "slot_id": uuid4()})
    said = await desk.deliver(other)
    (release,) = said.of(SlotReleased)
    assert said.types == ["SlotReleased"] and said.unit.replies == []
    assert (release.reservation_id, release.slot_id) == (other.reservation_id, other.slot_id)
    assert release.answer and release.answer.status_code == 201
    assert (await desk.row(slot))["reservation_id"] == slot.reservation_id


async def test_the_reservation_of_a_live_appointment_is_never_given_back(desk: Desk) -> None:
    slot = reserved(desk.clinic, await desk.patient())
    twice = [slot, slot.model_copy(update={"message_id": new_id()})]
    said = await desk.deliver(*twice)
    assert said.types == ["AppointmentBooked"] and [reply.replayed for reply in said.unit.replies] == [False, True]
    said = await desk.deliver(slot.model_copy(update={"message_id": new_id()}))
    assert said.types == [] and [reply.replayed for reply in said.unit.replies] == [True]


async def test_the_reservation_of_a_cancelled_appointment_is_given_back(desk: Desk) -> None:
    slot = await desk.booked()
    await desk.deliver(cancel(desk.clinic, slot.appointment_id))
    said = await desk.deliver(slot.model_copy(update={"message_id": new_id()}))
    assert said.types == ["SlotReleased"]


async def test_a_slot_that_was_cancelled_is_booked_again(desk: Desk) -> None:
    slot = await desk.booked()
    await desk.deliver(cancel(desk.clinic, slot.appointment_id))
    again = await desk.booked(slot_id=slot.slot_id, doctor_id=slot.doctor_id)
    assert (await desk.row(again))["status"] == "booked"


async def test_one_booking_of_a_patient_a_day_where_the_clinic_says_so(desk: Desk) -> None:
    patient, doctor = await desk.patient(), uuid4()
    first = await desk.booked(patient=patient, doctor_id=doctor)
    assert (await desk.row(first))["exclusive_day"] is False
    await desk.booked(patient=patient, doctor_id=doctor)
    await desk.settings(one_booking_per_patient_day=True)
    other = uuid4()
    twice = [reserved(desk.clinic, patient, doctor_id=other) for _ in range(2)]
    said = await desk.deliver(reserved(desk.clinic, patient, doctor_id=doctor), *twice)
    assert said.types == ["AppointmentRefused", "AppointmentBooked", "AppointmentRefused"]
    assert {one.answer.code for one in said.of(AppointmentRefused)} == {Code.PATIENT_BUSY}
    assert (await desk.row(twice[0]))["exclusive_day"] is True
    await desk.deliver(cancel(desk.clinic, twice[0].appointment_id))
    await desk.booked(patient=patient, doctor_id=other)


async def test_a_patient_is_not_in_two_places_at_once(desk: Desk) -> None:
    patient = await desk.patient()
    start = dt.datetime.combine(in_days(), dt.time(9), dt.UTC)
    hour = dt.timedelta(hours=1)
    await desk.booked(patient=patient, starts_at=start, ends_at=start + hour)
    half = reserved(desk.clinic, patient, starts_at=start + hour / 2, ends_at=start + 2 * hour, date=in_days(1))
    after = reserved(desk.clinic, patient, starts_at=start + hour, ends_at=start + 2 * hour)
    again = reserved(desk.clinic, patient, starts_at=start + hour, ends_at=start + 2 * hour)
    assert (await desk.deliver(half)).types == ["AppointmentRefused"]
    said = await desk.deliver(after, again)
    assert said.types == ["AppointmentBooked", "AppointmentRefused"]


@pytest.mark.parametrize("first", [0, 1])
async def test_a_patient_is_in_one_place_where_the_zones_are_more_than_a_day_apart(desk: Desk, first: int) -> None:
    """One moment has three dates on earth: the local dates of what overlaps may have another between them."""
    patient, middle = await desk.patient(), dt.datetime.combine(in_days(), dt.time(10, 30), dt.UTC)
    hour: dict[str, Any] = {"starts_at": middle, "ends_at": middle + dt.timedelta(minutes=30)}
    zones = ["Pacific/Kiritimati", "Pacific/Pago_Pago"]
    there, here = [{"time_zone": zone, "date": middle.astimezone(ZoneInfo(zone)).date(), **hour} for zone in zones]
    assert there["date"] - here["date"] == dt.timedelta(days=2)
    places = [there, here]
    await desk.booked(patient=patient, **places[first])
    said = await desk.deliver(reserved(desk.clinic, patient, **places[1 - first]))
    assert [one.answer.code for one in said.of(AppointmentRefused)] == [Code.PATIENT_BUSY]


async def test_the_newest_settings_of_a_clinic_win(desk: Desk) -> None:
    await desk.settings(version=3, one_booking_per_patient_day=True)
    await desk.settings(version=2, one_booking_per_patient_day=False)
    patient, doctor = await desk.patient(), uuid4()
    await desk.booked(patient=patient, doctor_id=doctor)
    said = await desk.deliver(reserved(desk.clinic, patient, doctor_id=doctor))
    assert said.types == ["AppointmentRefused"]
