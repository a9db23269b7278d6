"""Merging patients on a real Postgres: what moves, what stands against it, and for whom the merged id stands afterwards."""

import datetime as dt
from uuid import UUID, uuid4

import pytest
from httpx2 import AsyncClient

from shared.contracts.availability import SlotReserved
from shared.contracts.booking import AppointmentBooked, AppointmentRefused, PatientCheckedIn
from shared.contracts.problems import Code
from tests.integration.booking import people
from tests.integration.booking.booking import Booking
from tests.integration.booking.calls import delete, merge, refusal, registered
from tests.support.booking_messages import HOUR, NINE, cancel, check_in, refused, reserved, timed
from tests.support.dates import in_days

pytestmark = pytest.mark.integration

LONG_AGO = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


async def pair(client: AsyncClient) -> tuple[UUID, UUID]:
    return await registered(client), await registered(client)


async def listed(client: AsyncClient, patient: UUID) -> set[str]:
    page = (await client.get("/internal/appointments", params={"patient_id": str(patient)})).json()
    return {item["id"] for item in page["items"]}


# The merge


async def test_the_survivor_is_answered_and_has_what_lived_of_the_other(client: AsyncClient, booking: Booking) -> None:
    loser, survivor = await pair(client)
    moving = [await booking.booked(patient=loser, date=date) for date in (in_days(-1), in_days(), in_days(1))]
    staying = await booking.booked(patient=survivor)
    await booking.published()
    answer = await merge(client, loser, survivor)
    assert answer.status_code == 200 and answer.json()["id"] == str(survivor) and answer.json()["version"] == 1
    rows = [await booking.row(slot) for slot in moving]
    assert [(row["patient_id"], row["version"], row["status"]) for row in rows] == [(survivor, 2, "booked")] * 3
    assert (await booking.row(staying))["version"] == 1
    row = await booking.patient_row(loser)
    assert (row["status"], row["merged_into"], row["version"]) == ("deleted", survivor, 2)
    assert await listed(client, survivor) == {str(slot.appointment_id) for slot in [*moving, staying]}


async def test_it_is_said_and_noted_once_for_each(client: AsyncClient, booking: Booking) -> None:
    loser, survivor = await pair(client)
    slot = await booking.booked(patient=loser)
    await booking.published()
    for _ in range(2):
        assert (await merge(client, loser, survivor)).status_code == 200
    moved, gone = await booking.published()
    assert (moved["type"], moved["appointment_id"], moved["version"]) == ("AppointmentReassigned", str(slot.appointment_id), 2)
    assert (moved["patient_id"], moved["doctor_id"], moved["actor"]) == (str(survivor), str(slot.doctor_id), "desk")
    assert (gone["type"], gone["patient_id"], gone["status"]) == ("PatientChanged", str(loser), "deleted")
    assert await booking.effects(slot.appointment_id) == ["appointment_booked", "appointment_reassigned"]
    assert await booking.effects(loser) == ["patient_registered", "patient_merged"]
    assert await booking.effects(survivor) == ["patient_registered"]


async def test_what_has_ended_stays_and_is_listed_with_the_survivor_s(client: AsyncClient, booking: Booking) -> None:
    loser, survivor = await pair(client)
    ended, dead = await booking.booked(patient=loser), await booking.booked(patient=loser)
    await booking.deliver(cancel(booking.clinic, ended.appointment_id))
    await booking.put(dead, status="pending", expires_at=LONG_AGO)
    await merge(client, loser, survivor)
    assert [(await booking.row(slot))["patient_id"] for slot in (ended, dead)] == [loser, loser]
    ids = {str(ended.appointment_id), str(dead.appointment_id)}
    assert await listed(client, survivor) == ids == await listed(client, loser)
    assert await listed(client, await registered(client)) == set()


async def test_who_has_checked_in_moves_too(client: AsyncClient, booking: Booking) -> None:
    loser, survivor = await pair(client)
    slot = await booking.booked(patient=loser)
    await booking.deliver(check_in(booking.clinic, slot.appointment_id, loser))
    await merge(client, loser, survivor)
    row = await booking.row(slot)
    assert (row["patient_id"], row["status"], row["version"]) == (survivor, "checked_in", 3)


# What stands against it


async def refuses(client: AsyncClient, booking: Booking, one: SlotReserved, other: SlotReserved) -> bool:
    """Whether the patients of two appointments cannot be merged because of exactly these."""
    answer = await merge(client, one.patient_id, other.patient_id)
    if answer.status_code == 200:
        return False
    assert refusal(answer) == (409, "overlapping_appointments", {str(slot.appointment_id) for slot in (one, other)})
    assert ((await booking.row(one))["patient_id"], (await booking.row(one))["version"]) == (one.patient_id, 1)
    assert (await booking.patient_row(one.patient_id))["status"] == "active"
    return True


@pytest.mark.parametrize(("later", "clash"), [(dt.timedelta(), True), (HOUR / 2, True), (HOUR, False), (-HOUR, False)])
async def test_two_places_at_one_time(client: AsyncClient, booking: Booking, later: dt.timedelta, clash: bool) -> None:
    loser, survivor = await pair(client)
    one, other = await booking.booked(patient=loser, **timed(NINE)), await booking.booked(patient=survivor, **timed(NINE + later))
    await booking.booked(patient=loser, **timed(NINE + 5 * HOUR))
    assert await refuses(client, booking, one, other) is clash


async def test_one_day_of_one_doctor_where_the_clinic_allows_it_once(client: AsyncClient, booking: Booking) -> None:
    loser, survivor = await pair(client)
    doctor = uuid4()
    before = await booking.booked(patient=loser, doctor_id=doctor)
    await booking.settings(one_booking_per_patient_day=True)
    marked = await booking.booked(patient=survivor, doctor_id=doctor, slot_number=2)
    assert await refuses(client, booking, before, marked)
    third = await registered(client)
    elsewhere = await booking.booked(patient=third, doctor_id=doctor, date=in_days(1))
    assert not await refuses(client, booking, elsewhere, marked)


async def test_a_hold_of_the_loser_that_is_over_stands_against_nothing(client: AsyncClient, booking: Booking) -> None:
    loser, survivor = await pair(client)
    dead, other = await booking.booked(patient=loser, **timed(NINE)), await booking.booked(patient=survivor, **timed(NINE))
    await booking.put(dead, status="pending", expires_at=LONG_AGO)
    assert not await refuses(client, booking, dead, other)


async def test_a_patient_is_not_merged_into_itself(client: AsyncClient, booking: Booking) -> None:
    loser, survivor = await pair(client)
    for into in (loser, "somebody"):
        answer = await merge(client, loser, into)
        assert answer.status_code == 422 and [error["field"] for error in answer.json()["errors"]] == ["into"]
    await merge(client, loser, survivor)
    backwards = await merge(client, survivor, loser)
    assert backwards.status_code == 422 and [error["field"] for error in backwards.json()["errors"]] == ["into"]


async def test_unknown_and_deleted_patients_and_those_of_other_clinics_are_not_found(
    client: AsyncClient, booking: Booking
) -> None:
    patient, gone = await pair(client)
    await delete(client, gone)
    for stranger in (uuid4(), gone, await booking.patient(clinic=uuid4())):
        for loser, into in ((patient, stranger), (stranger, patient)):
            assert refusal(await merge(client, loser, into))[:2] == (404, "unknown_patient")
    assert (await booking.patient_row(patient))["status"] == "active"


async def test_a_repeated_key_is_answered_again_and_one_of_another_merge_is_refused(
    client: AsyncClient, booking: Booking
) -> None:
    loser, survivor = await pair(client)
    key = uuid4()
    first = await merge(client, loser, survivor, key)
    await booking.booked(patient=survivor)
    again = await merge(client, loser, survivor, key)
    assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())
    replayed = [answer.headers.get("Idempotent-Replayed") for answer in (first, again)]
    assert replayed == [None, "true"]
    third = await registered(client)
    for other, into in ((loser, third), (third, survivor)):
        assert refusal(await merge(client, other, into, key))[:2] == (422, "key_reused")
    assert (await booking.patient_row(third))["status"] == "active"


# The merged id


async def test_reads_of_the_merged_id_are_the_survivor_s(client: AsyncClient) -> None:
    loser, survivor = await pair(client)
    await merge(client, loser, survivor)
    read, of_survivor = [await client.get(f"/internal/patients/{id_}") for id_ in (loser, survivor)]
    assert (read.status_code, read.json()) == (200, {**of_survivor.json(), "merged_into": str(survivor)})
    assert of_survivor.json()["merged_into"] is None and read.json()["id"] == str(survivor)
    changed = await client.patch(f"/internal/patients/{loser}", json={"address": "1 High Street"})
    assert (changed.json()["id"], changed.json()["merged_into"]) == (str(survivor), str(survivor))


@pytest.mark.parametrize("way", ["register", "import"])
async def test_who_is_registered_again_as_before_the_merge_is_the_survivor(
    client: AsyncClient, booking: Booking, way: str
) -> None:
    loser = await people.registered(client, people.ADA)
    survivor = await people.registered(client, people.BYRON)
    await merge(client, UUID(loser), survivor)
    if way == "register":
        again = await people.register(client, people.ADA)
        assert (again.status_code, again.json()["id"], again.json()["merged_into"]) == (200, survivor, survivor)
    else:
        lines = {"lines": [{"line": 2, "fields": people.ADA}]}
        assert (await client.post("/internal/patients/import", json=lines)).json() == {"created": 0, "known": 1, "rejected": []}
    assert await people.count(booking) == 2


@pytest.mark.parametrize("way", ["register", "import"])
async def test_who_was_merged_into_somebody_deleted_is_new(client: AsyncClient, booking: Booking, way: str) -> None:
    loser = await people.registered(client, people.ADA)
    survivor = await people.registered(client, people.BYRON)
    await merge(client, UUID(loser), survivor)
    await delete(client, UUID(survivor))
    if way == "register":
        assert (await people.register(client, people.ADA)).status_code == 201
    else:
        lines = {"lines": [{"line": 2, "fields": people.ADA}]}
        assert (await client.post("/internal/patients/import", json=lines)).json() == {"created": 1, "known": 0, "rejected": []}
    assert await people.count(booking) == 3


async def test_nobody_else_becomes_who_was_merged_but_the_survivor_may(client: AsyncClient) -> None:
    loser = await people.registered(client, people.ADA)
    survivor = await people.registered(client, people.BYRON)
    other = await people.registered(client, {"name": "Mary", "phone": "020 7946 0020"})
    await merge(client, UUID(loser), survivor)
    refused = await people.change(client, other, people.ADA, on_duplicate="create")
    assert people.refusal(refused) == (409, "possible_duplicate", [survivor])
    assert (await people.change(client, survivor, people.ADA)).status_code == 200


async def test_bookings_under_the_merged_id_are_the_survivor_s(client: AsyncClient, booking: Booking) -> None:
    await booking.settings(one_booking_per_patient_day=True)
    loser, survivor = await pair(client)
    await merge(client, loser, survivor)
    doctor = uuid4()
    result = await booking.deliver(
        reserved(booking.clinic, loser, doctor_id=doctor),
        reserved(booking.clinic, survivor, doctor_id=doctor),
        refused(booking.clinic, loser),
    )
    (booked,), (busy,) = result.of(AppointmentBooked), result.of(AppointmentRefused)
    assert booked.patient_id == survivor and busy.answer.code == Code.PATIENT_BUSY, "one person in both"
    assert result.codes == [None, Code.FULL] and result.answers[0].result
    assert result.answers[0].result["patient_id"] == str(survivor)


async def test_a_check_in_under_the_merged_id_is_right_and_under_another_is_not(client: AsyncClient, booking: Booking) -> None:
    loser, survivor = await pair(client)
    slots = [await booking.booked(patient=patient) for patient in (loser, survivor, survivor)]
    await merge(client, loser, survivor)
    asked = [loser, loser, await registered(client)]
    result = await booking.deliver(
        *(check_in(booking.clinic, s.appointment_id, id_) for s, id_ in zip(slots, asked, strict=True))
    )
    assert [one.patient_id for one in result.of(PatientCheckedIn)] == [survivor] * 2 and result.codes == [Code.WRONG_PATIENT]


async def test_a_chain_of_merges_is_always_one_step_long(client: AsyncClient, booking: Booking) -> None:
    first, second = await pair(client)
    third, fourth = await pair(client)
    await merge(client, first, second)
    await merge(client, second, third)
    assert (await merge(client, first, fourth)).json()["id"] == str(fourth), "who stands for the first is merged"
    rows = [await booking.patient_row(id_) for id_ in (first, second, third, fourth)]
    assert [row["merged_into"] for row in rows] == [fourth, fourth, fourth, None]
    assert (await merge(client, second, third)).json()["id"] == str(fourth), "long done"
    slot = await booking.booked(patient=first)
    assert (await booking.row(slot))["patient_id"] == fourth


async def test_deleting_by_the_merged_id_says_whose_it_is_and_leaves_the_survivor_alone(
    client: AsyncClient, booking: Booking
) -> None:
    loser, survivor = await pair(client)
    slot = await booking.booked(patient=loser)
    await merge(client, loser, survivor)
    answer = await delete(client, loser, cancelling=True)
    assert refusal(answer)[:2] == (409, "patient_merged") and answer.json()["merged_into"] == str(survivor)
    assert (await booking.patient_row(survivor))["status"] == "active" and (await booking.row(slot))["status"] == "booked"


# Looking up


async def test_appointments_are_looked_up_by_their_ids_whatever_became_of_them(client: AsyncClient, booking: Booking) -> None:
    later, ended = await booking.booked(date=in_days(1)), await booking.booked()
    await booking.deliver(cancel(booking.clinic, ended.appointment_id))
    theirs = await Booking(booking.database, uuid4()).booked()
    ids = [str(id_) for id_ in (later.appointment_id, theirs.appointment_id, uuid4(), ended.appointment_id)]
    answer = await client.post("/internal/appointments/look", json={"ids": ids})
    found = [(item["id"], item["status"]) for item in answer.json()["items"]]
    assert found == [(str(ended.appointment_id), "cancelled"), (str(later.appointment_id), "booked")]
    assert answer.json()["next_cursor"] is None
    assert (await client.post("/internal/appointments/look", json={"ids": []})).json()["items"] == []
