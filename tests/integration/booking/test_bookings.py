"""Reservations on a real Postgres: what becomes an appointment, what is refused, what is released, and what each batch emits."""

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
from tests.integration.booking.booking import Booking
from tests.support.booking_messages import LATE, PARTITION, cancel, freed, refused, repeated, reserved
from tests.support.dates import in_days

pytestmark = pytest.mark.integration


async def test_a_reservation_becomes_an_appointment_and_is_answered_at_once(booking: Booking) -> None:
    slot = reserved(booking.clinic, await booking.patient(), slot_number=3, time_zone="Europe/London")
    result = await booking.deliver(slot)
    (booked,) = result.of(AppointmentBooked)
    assert (booked.version, booked.status, booked.reservation_id) == (1, Status.BOOKED, slot.reservation_id)
    assert booked.key == slot.key and booked.causation_id == slot.message_id
    (reply,) = result.unit.replies
    assert (reply.reply_partition, reply.command_id, reply.replayed) == (PARTITION, slot.command_id, False)
    assert reply.answer.status_code == 201 and reply.answer.result
    assert (reply.answer.result["id"], reply.answer.result["slot"]) == (str(slot.appointment_id), 3)
    row = await booking.row(slot)
    assert (row["status"], row["time_zone"], row["slot_id"], row["command_id"]) == (
        "booked", "Europe/London", slot.slot_id, slot.command_id,
    )  # fmt: skip
    outcome = await booking.outcome(slot)
    assert outcome and outcome.settled_at and outcome.answer == reply.answer and outcome.type == "BookAppointment"


async def test_a_batch_that_is_delivered_again_has_no_second_effect(booking: Booking) -> None:
    slot = await booking.booked()
    result = await booking.deliver(slot)
    assert result.types == [] and result.unit.replies == []


@pytest.mark.parametrize("status", ["deleted", None])
async def test_an_unknown_or_deleted_patient_is_refused_and_the_place_given_back(booking: Booking, status: str | None) -> None:
    slot = reserved(booking.clinic, await booking.patient(status) if status else uuid4())
    result = await booking.deliver(slot)
    (refusal,) = result.of(AppointmentRefused)
    assert refusal.answer.code == Code.UNKNOWN_PATIENT and refusal.key == slot.key
    assert (refusal.slot_id, refusal.reservation_id) == (slot.slot_id, slot.reservation_id)
    assert result.unit.replies == [] and await booking.row(slot) == {}
    outcome = await booking.outcome(slot)
    assert outcome and outcome.settled_at is None and outcome.answer.status_code == 404


async def test_another_clinics_patient_is_unknown(booking: Booking) -> None:
    stranger = await booking.patient(clinic=uuid4())
    result = await booking.deliver(reserved(booking.clinic, stranger))
    assert [one.answer.code for one in result.of(AppointmentRefused)] == [Code.UNKNOWN_PATIENT]


async def test_a_reservation_that_comes_too_late_is_given_back(booking: Booking) -> None:
    slot = reserved(booking.clinic, await booking.patient(), **LATE)
    result = await booking.deliver(slot)
    assert [one.answer.code for one in result.of(AppointmentRefused)] == [Code.TOO_LATE]
    assert await booking.row(slot) == {}


async def test_a_refused_reservation_is_settled_when_its_place_is_free(booking: Booking) -> None:
    slot = reserved(booking.clinic, uuid4())
    await booking.deliver(slot)
    again = await booking.deliver(repeated(slot))
    assert [(one.answer and one.answer.code, one.appointment_id) for one in again.of(CommandRepeated)] == [
        (Code.UNKNOWN_PATIENT, None)
    ]
    await booking.deliver(freed(slot, slot.command_id))
    outcome = await booking.outcome(slot)
    assert outcome and outcome.settled_at and outcome.answer.code == Code.UNKNOWN_PATIENT
    after = await booking.deliver(repeated(slot))
    assert after.codes == [Code.UNKNOWN_PATIENT] and after.unit.replies[0].replayed


async def test_what_availability_refused_is_settled_and_answered_at_once(booking: Booking) -> None:
    full, stranger = refused(booking.clinic, await booking.patient()), refused(booking.clinic, uuid4())
    nobody = refused(booking.clinic, uuid4(), Code.UNKNOWN_DOCTOR)
    result = await booking.deliver(full, stranger, nobody)
    assert result.codes == [Code.FULL, Code.UNKNOWN_PATIENT, Code.UNKNOWN_DOCTOR] and result.types == []
    for message, code in zip((full, stranger, nobody), result.codes, strict=True):
        outcome = await booking.outcome(message)
        assert outcome and outcome.settled_at and outcome.answer.code == code


async def test_a_repeat_of_a_booking_is_answered_by_its_stored_outcome(booking: Booking) -> None:
    slot = reserved(booking.clinic, await booking.patient())
    first = await booking.deliver(slot)
    result = await booking.deliver(repeated(slot))
    (reply,) = result.unit.replies
    assert reply.replayed and reply.reply_partition == PARTITION + 1 and reply.answer == first.answers[0]
    assert result.types == []


async def test_a_repeat_in_the_batch_of_its_original_is_answered_after_it(booking: Booking) -> None:
    slot = reserved(booking.clinic, await booking.patient())
    result = await booking.deliver(repeated(slot), slot)
    assert [reply.replayed for reply in result.unit.replies] == [False, True]


async def test_a_repeat_of_what_nobody_decided_is_left_alone(booking: Booking) -> None:
    result = await booking.deliver(repeated(reserved(booking.clinic, uuid4())))
    assert result.types == [] and result.unit.replies == []


async def test_a_second_reservation_for_a_decided_command_is_given_back(booking: Booking) -> None:
    slot = await booking.booked()
    other = slot.model_copy(update={"message_id": new_id(), "reservation_id": new_id(), "slot_id": uuid4()})
    result = await booking.deliver(other)
    (release,) = result.of(SlotReleased)
    assert result.types == ["SlotReleased"] and result.unit.replies == []
    assert (release.reservation_id, release.slot_id) == (other.reservation_id, other.slot_id)
    assert release.answer and release.answer.status_code == 201
    assert (await booking.row(slot))["reservation_id"] == slot.reservation_id


async def test_the_reservation_of_a_live_appointment_is_never_given_back(booking: Booking) -> None:
    slot = reserved(booking.clinic, await booking.patient())
    twice = [slot, slot.model_copy(update={"message_id": new_id()})]
    result = await booking.deliver(*twice)
    assert result.types == ["AppointmentBooked"] and [reply.replayed for reply in result.unit.replies] == [False, True]
    result = await booking.deliver(slot.model_copy(update={"message_id": new_id()}))
    assert result.types == [] and [reply.replayed for reply in result.unit.replies] == [True]


async def test_the_reservation_of_a_cancelled_appointment_is_given_back(booking: Booking) -> None:
    slot = await booking.booked()
    await booking.deliver(cancel(booking.clinic, slot.appointment_id))
    result = await booking.deliver(slot.model_copy(update={"message_id": new_id()}))
    assert result.types == ["SlotReleased"]


async def test_a_slot_that_was_cancelled_is_booked_again(booking: Booking) -> None:
    slot = await booking.booked()
    await booking.deliver(cancel(booking.clinic, slot.appointment_id))
    again = await booking.booked(slot_id=slot.slot_id, doctor_id=slot.doctor_id)
    assert (await booking.row(again))["status"] == "booked"


async def test_one_booking_of_a_patient_a_day_where_the_clinic_says_so(booking: Booking) -> None:
    patient, doctor = await booking.patient(), uuid4()
    first = await booking.booked(patient=patient, doctor_id=doctor)
    assert (await booking.row(first))["exclusive_day"] is False
    await booking.booked(patient=patient, doctor_id=doctor)
    await booking.settings(one_booking_per_patient_day=True)
    other = uuid4()
    twice = [reserved(booking.clinic, patient, doctor_id=other) for _ in range(2)]
    result = await booking.deliver(reserved(booking.clinic, patient, doctor_id=doctor), *twice)
    assert result.types == ["AppointmentRefused", "AppointmentBooked", "AppointmentRefused"]
    assert {one.answer.code for one in result.of(AppointmentRefused)} == {Code.PATIENT_BUSY}
    assert (await booking.row(twice[0]))["exclusive_day"] is True
    await booking.deliver(cancel(booking.clinic, twice[0].appointment_id))
    await booking.booked(patient=patient, doctor_id=other)


async def test_a_patient_is_not_in_two_places_at_once(booking: Booking) -> None:
    patient = await booking.patient()
    start = dt.datetime.combine(in_days(), dt.time(9), dt.UTC)
    hour = dt.timedelta(hours=1)
    await booking.booked(patient=patient, starts_at=start, ends_at=start + hour)
    half = reserved(booking.clinic, patient, starts_at=start + hour / 2, ends_at=start + 2 * hour, date=in_days(1))
    after = reserved(booking.clinic, patient, starts_at=start + hour, ends_at=start + 2 * hour)
    again = reserved(booking.clinic, patient, starts_at=start + hour, ends_at=start + 2 * hour)
    assert (await booking.deliver(half)).types == ["AppointmentRefused"]
    result = await booking.deliver(after, again)
    assert result.types == ["AppointmentBooked", "AppointmentRefused"]


@pytest.mark.parametrize("first", [0, 1])
async def test_a_patient_is_in_one_place_where_the_zones_are_more_than_a_day_apart(booking: Booking, first: int) -> None:
    """One moment has three dates on earth: the local dates of what overlaps may have another between them."""
    patient, middle = await booking.patient(), dt.datetime.combine(in_days(), dt.time(10, 30), dt.UTC)
    hour: dict[str, Any] = {"starts_at": middle, "ends_at": middle + dt.timedelta(minutes=30)}
    zones = ["Pacific/Kiritimati", "Pacific/Pago_Pago"]
    there, here = [{"time_zone": zone, "date": middle.astimezone(ZoneInfo(zone)).date(), **hour} for zone in zones]
    assert there["date"] - here["date"] == dt.timedelta(days=2)
    places = [there, here]
    await booking.booked(patient=patient, **places[first])
    result = await booking.deliver(reserved(booking.clinic, patient, **places[1 - first]))
    assert [one.answer.code for one in result.of(AppointmentRefused)] == [Code.PATIENT_BUSY]


async def test_the_newest_settings_of_a_clinic_win(booking: Booking) -> None:
    await booking.settings(version=3, one_booking_per_patient_day=True)
    await booking.settings(version=2, one_booking_per_patient_day=False)
    patient, doctor = await booking.patient(), uuid4()
    await booking.booked(patient=patient, doctor_id=doctor)
    result = await booking.deliver(reserved(booking.clinic, patient, doctor_id=doctor))
    assert result.types == ["AppointmentRefused"]
