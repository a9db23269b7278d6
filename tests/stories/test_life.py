"""The life of an appointment: held, confirmed, moved, cancelled, expired; each command repeated under its key."""

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest

from tests.support.clinic import Clinic, in_days, problem_of, repeated
from tests.support.waiting import eventually

DAY = in_days(3)
TIMES = ("slot_id", "starts_at", "ends_at")


def place(appointment: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(appointment[name] for name in ("doctor_id", "date", *TIMES))


def place_of(slot: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(slot[name] for name in ("doctor_id", "date", "id", *TIMES[1:]))


async def test_held_confirmed_moved_and_cancelled_each_asked_twice(clinic: Clinic) -> None:
    doctor, patient, keys = await clinic.timed_doctor(), await clinic.patient(), [uuid4().hex for _ in range(4)]
    first, _, third, *_ = await clinic.open_slots(doctor, DAY)
    asked = [await clinic.hold(first, patient, keys[0]) for _ in range(2)]
    held = repeated(asked[1], asked[0])
    assert (held["status"], held["version"], place(held)) == ("pending", 1, place_of(first))
    assert dt.datetime.fromisoformat(held["expires_at"]) > dt.datetime.now(dt.UTC)

    asked = [await clinic.confirm(held["id"], keys[1]) for _ in range(2)]
    booked = repeated(asked[1], asked[0])
    assert (booked["status"], booked["version"], booked["expires_at"]) == ("booked", 2, None)

    asked = [await clinic.move(held["id"], {"slot_id": third["id"]}, keys[2]) for _ in range(2)]
    moved = repeated(asked[1], asked[0])
    assert (moved["id"], moved["status"], moved["version"], place(moved)) == (held["id"], "booked", 3, place_of(third))
    assert first["id"] in {slot["id"] for slot in await clinic.open_slots(doctor, DAY)}

    asked = [await clinic.cancel(held["id"], keys[3], note="Feels better.") for _ in range(2)]
    cancelled = repeated(asked[1], asked[0])
    assert (cancelled["status"], cancelled["version"]) == ("cancelled", 4)
    assert cancelled == await clinic.appointment(held["id"])
    assert len(await clinic.open_slots(doctor, DAY)) == 4

    changes = await clinic.history(held["id"])
    assert [(one["version"], one["event"]) for one in changes] == [
        (1, "held"), (2, "confirmed"), (3, "moved"), (4, "cancelled")
    ]  # fmt: skip
    assert [(one["reason"], one["note"]) for one in changes] == [(None, None)] * 3 + [("patient", "Feels better.")]
    assert {one["actor"] for one in changes} == {"open"} and sorted(changes, key=lambda one: one["at"]) == changes


async def test_a_hold_is_moved_and_keeps_its_end(clinic: Clinic) -> None:
    old, new, *_ = await clinic.open_slots(await clinic.timed_doctor(), DAY)
    held, key = await clinic.held(old, await clinic.patient()), uuid4().hex
    first, again = [await clinic.move(held["id"], {"slot_id": new["id"]}, key) for _ in range(2)]
    moved = repeated(again, first)
    assert (first.status_code, moved["id"], moved["status"], place(moved)) == (200, held["id"], "pending", place_of(new))
    assert (moved["expires_at"], moved["version"]) == (held["expires_at"], 2)
    assert moved == await clinic.appointment(held["id"])
    free = {slot["id"] for slot in await clinic.open_slots(old["doctor_id"], DAY)}
    assert (old["id"] in free, new["id"] in free) == (True, False)
    assert [change["event"] for change in await clinic.history(held["id"])] == ["held", "moved"]


async def test_a_key_belongs_to_one_place_however_it_is_named(clinic: Clinic) -> None:
    doctor, patient, key = await clinic.timed_doctor(), await clinic.patient(), uuid4().hex
    first, second, *_ = await clinic.open_slots(doctor, DAY)
    start = {"doctor_id": doctor, "patient_id": patient, "starts_at": first["local_start"]}
    booked = await clinic.post("/appointments", start, key)
    assert (booked.status_code, place(booked.json())) == (201, place_of(first)), booked.text
    elsewhere = dt.datetime.fromisoformat(first["starts_at"]).astimezone(dt.timezone(dt.timedelta(hours=5)))
    repeated(await clinic.post("/appointments", {**start, "starts_at": elsewhere.isoformat()}, key), booked)
    for slot in (first, second):
        assert problem_of(await clinic.take(slot, patient, key)) == (422, "key_reused")
    assert (await clinic.move(booked.json()["id"], {"slot_id": second["id"]}, key)).status_code == 200, "another operation's key"


async def test_a_repeat_is_answered_when_its_slot_is_gone(clinic: Clinic) -> None:
    doctor, patient, key = await clinic.timed_doctor(), await clinic.patient(), uuid4().hex
    slot = (await clinic.open_slots(doctor, DAY))[0]
    booked = await clinic.take(slot, patient, key)
    assert (await clinic.put(f"/doctors/{doctor}/schedule", {"entries": []})).status_code == 200
    assert (await clinic.cancel(booked.json()["id"])).status_code == 200
    assert problem_of(await clinic.take(slot, patient)) == (422, "no_such_slot")
    repeated(await clinic.take(slot, patient, key), booked)


async def test_what_is_no_slot_is_refused_as_such(clinic: Clinic) -> None:
    doctor, patient = await clinic.timed_doctor(), await clinic.patient()
    slot = (await clinic.open_slots(doctor, DAY))[0]
    off_grid = (dt.datetime.fromisoformat(slot["starts_at"]) + dt.timedelta(minutes=7)).isoformat()
    start = {"doctor_id": doctor, "patient_id": patient, "starts_at": off_grid}
    assert problem_of(await clinic.post("/appointments", start)) == (422, "no_such_slot")
    elsewhere = {**start, "starts_at": slot["starts_at"], "location_id": str(uuid4())}
    assert problem_of(await clinic.post("/appointments", elsewhere)) == (422, "no_such_slot")
    assert problem_of(await clinic.take({"id": str(uuid4())}, patient)) == (422, "no_such_slot")
    assert problem_of(await clinic.take({"id": str(uuid4())}, str(uuid4()))) == (404, "unknown_patient")
    assert problem_of(await clinic.post("/appointments", {**start, "doctor_id": str(uuid4())})) == (404, "unknown_doctor")
    booked = await clinic.taken(slot, patient)
    assert problem_of(await clinic.move(booked["id"], {"starts_at": off_grid})) == (422, "no_such_slot")
    assert problem_of(await clinic.move(str(uuid4()), {"starts_at": off_grid})) == (404, "unknown_appointment")
    assert problem_of(await clinic.move(booked["id"], {"date": DAY, "doctor_id": str(uuid4())})) == (404, "unknown_doctor")
    assert problem_of(await clinic.confirm(str(uuid4()))) == (404, "unknown_appointment")
    assert problem_of(await clinic.get(f"/appointments/{uuid4()}/history")) == (404, "unknown_appointment")
    assert await clinic.appointment(booked["id"]) == booked


async def test_a_note_under_the_key_of_another_request_is_not_told(clinic: Clinic) -> None:
    doctor, patient, key = await clinic.timed_doctor(), await clinic.patient(), uuid4().hex
    booked = await clinic.taken((await clinic.open_slots(doctor, DAY))[0], patient)
    assert (await clinic.cancel(booked["id"], key)).status_code == 200
    assert problem_of(await clinic.cancel(booked["id"], key, note="An afterthought.")) == (422, "key_reused")
    assert [(change["event"], change["note"]) for change in await clinic.history(booked["id"])] == [
        ("booked", None), ("cancelled", None),
    ]  # fmt: skip


async def test_a_busy_patient_is_refused_when_the_slot_is_free_again(clinic: Clinic) -> None:
    """Somebody else takes it the moment the answer is there; and so with the new place of a move."""
    one, other = [await clinic.timed_doctor() for _ in range(2)]
    patient, rival = await clinic.patients(2)
    first, second = (await clinic.open_slots(one, DAY))[:2]
    wanted, free = (await clinic.open_slots(other, DAY))[:2]
    await clinic.taken(first, patient)
    assert problem_of(await clinic.take(wanted, patient)) == (409, "patient_busy")
    await clinic.taken(wanted, rival)
    later = await clinic.taken(free, patient)
    assert problem_of(await clinic.move(later["id"], {"slot_id": first["id"]})) == (409, "slot_taken")
    assert problem_of(await clinic.take(second, patient)) == (409, "patient_busy")
    moved = await clinic.move(later["id"], {"slot_id": second["id"]})
    assert (moved.status_code, place(moved.json())) == (200, place_of(second)), "its own old place never stands in the way"
    third = (await clinic.open_slots(other, DAY))[0]
    assert place_of(third)[1:] == place_of(free)[1:] or third["id"] == free["id"]
    await clinic.taken(free, rival)


async def test_a_refused_move_leaves_the_appointment_where_it_is(clinic: Clinic) -> None:
    one, other = [await clinic.timed_doctor() for _ in range(2)]
    patient, rival = await clinic.patients(2)
    first, second = (await clinic.open_slots(one, DAY))[:2]
    wanted = (await clinic.open_slots(other, DAY))[0]
    await clinic.taken(first, patient)
    booked = await clinic.taken(second, patient)
    assert problem_of(await clinic.move(booked["id"], {"slot_id": wanted["id"]})) == (409, "patient_busy")
    await clinic.taken(wanted, rival)
    assert await clinic.appointment(booked["id"]) == booked
    assert [change["event"] for change in await clinic.history(booked["id"])] == ["booked"]


@pytest.mark.parametrize("to", ["date", "slot_id", "starts_at"])
async def test_a_move_to_where_it_is_changes_nothing(clinic: Clinic, to: str) -> None:
    doctor, patient = await clinic.timed_doctor(), await clinic.patient()
    booked = await clinic.taken((await clinic.open_slots(doctor, DAY))[0], patient)
    answer = await clinic.move(booked["id"], {to: booked[to]})
    assert (answer.status_code, answer.json()) == (200, booked)


async def test_a_move_goes_between_doctors_dates_and_modes_and_keeps_its_id(clinic: Clinic) -> None:
    timed, numbered, patient = await clinic.timed_doctor(), await clinic.doctor(), await clinic.patient()
    booked = await clinic.booked(numbered, patient, DAY)
    slot = (await clinic.open_slots(timed, in_days(4)))[1]
    there = (await clinic.move(booked["id"], {"doctor_id": timed, "starts_at": slot["starts_at"]})).json()
    assert (there["id"], place(there)) == (booked["id"], place_of(slot))
    back = (await clinic.move(booked["id"], {"doctor_id": numbered, "date": in_days(5)})).json()
    assert (back["id"], back["date"], back["slot"], back["starts_at"]) == (booked["id"], in_days(5), 1, None)
    assert (await clinic.remaining(numbered, DAY), await clinic.remaining(numbered, in_days(5))) == (10, 9)
    assert len(await clinic.open_slots(timed, in_days(4))) == 4
    assert [one["id"] for one in await clinic.live(doctor_id=numbered)] == [booked["id"]]


async def test_a_move_that_nobody_waits_for_is_found_at_its_location(clinic: Clinic) -> None:
    doctor, patient = await clinic.timed_doctor(), await clinic.patient()
    first, second, *_ = await clinic.open_slots(doctor, DAY)
    booked, key = await clinic.taken(first, patient), uuid4().hex
    answer = await clinic.move(booked["id"], {"slot_id": second["id"]}, key, Prefer="respond-async")
    assert (answer.status_code, answer.json()["type"]) == (202, "RescheduleAppointment"), answer.text
    again = await clinic.move(booked["id"], {"slot_id": second["id"]}, key)
    assert (again.status_code, place(again.json())) == (200, place_of(second))
    command = await clinic.settled(answer.headers["location"])
    assert (command["status"], command["status_code"], command["result"]) == ("succeeded", 200, again.json())
    refused = await clinic.move(booked["id"], {"slot_id": second["id"], "x": 1}, key)
    assert problem_of(refused) == (422, "validation_failed")


async def test_a_hold_that_nobody_confirms_is_over(clinic: Clinic) -> None:
    doctor, probe, patients = await clinic.timed_doctor(), await clinic.timed_doctor(), await clinic.patients(2)
    slot, *_ = await clinic.open_slots(doctor, DAY)
    async with clinic.settings(hold_ttl_seconds=1):
        await eventually(lambda: clinic.holds_for(probe, 1))
        held = await clinic.held(slot, patients[0])
        taken = await eventually(lambda: clinic.taken(slot, patients[1]))
    expired = await clinic.appointment(held["id"])
    assert (expired["status"], taken["status"]) == ("expired", "booked")
    for refused in (
        await clinic.confirm(held["id"]),
        await clinic.cancel(held["id"]),
        await clinic.move(held["id"], {"date": DAY}),
    ):
        assert problem_of(refused) == (409, "expired")
    assert [one["event"] for one in await clinic.history(held["id"])] == ["held", "expired"]


async def test_a_patient_holds_three_places_at_most(clinic: Clinic) -> None:
    doctor, patient = await clinic.timed_doctor(), await clinic.patient()
    slots = await clinic.open_slots(doctor, DAY)
    held = [await clinic.held(slot, patient) for slot in slots[:3]]
    assert problem_of(await clinic.hold(slots[3], patient)) == (409, "too_many_holds")
    assert (await clinic.confirm(held[0]["id"])).status_code == 200
    await clinic.held(slots[3], patient)
    assert await clinic.open_slots(doctor, DAY) == []
