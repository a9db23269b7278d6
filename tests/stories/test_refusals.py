"""A refusal says what is: too soon, without hours, or the patient's own; and nobody is refused who could be served."""

import datetime as dt

import httpx2

from tests.support.clinic import FOUR_SLOTS, Clinic, in_days, problem_of, week
from tests.support.waiting import eventually

ALL_DAY = week("09:00", "11:00", slot_minutes=120)


def weekday(date: str) -> str:
    return dt.date.fromisoformat(date).strftime("%a").lower()


async def by_date(clinic: Clinic, doctor: str, patient: str, *, confirm: bool = True) -> str:
    body = {"doctor_id": doctor, "patient_id": patient, "date": in_days(1), "confirm": confirm}
    made = await clinic.post("/appointments", body)
    assert made.status_code == 201, made.text
    return str(made.json()["starts_at"])[11:16]


async def test_a_booking_by_date_takes_the_first_slot_at_which_the_patient_has_time(clinic: Clinic) -> None:
    wanted, elsewhere, patient = await clinic.timed_doctor(), await clinic.timed_doctor(), await clinic.patient()
    slots = await clinic.open_slots(elsewhere)
    for slot in (slots[0], slots[2]):
        await clinic.taken(slot, patient)
    assert [await by_date(clinic, wanted, patient), await by_date(clinic, wanted, patient, confirm=False)] == ["09:30", "10:30"]
    refused = await clinic.book(wanted, patient)
    assert problem_of(refused) == (409, "patient_busy"), "two are open, and the patient has no time"
    assert [slot["local_start"][11:16] for slot in await clinic.open_slots(wanted)] == ["09:00", "10:00"], (
        "what was tried is free"
    )
    assert await by_date(clinic, wanted, await clinic.patient()) == "09:00"


async def test_a_move_by_date_does_so_too(clinic: Clinic) -> None:
    wanted, elsewhere, patient = await clinic.timed_doctor(), await clinic.timed_doctor(), await clinic.patient()
    await clinic.taken((await clinic.open_slots(elsewhere))[0], patient)
    later = await clinic.booked(wanted, patient, in_days(2))
    moved = await clinic.move(later["id"], {"date": in_days(1)})
    assert (moved.status_code, moved.json()["starts_at"][11:16], moved.json()["id"]) == (200, "09:30", later["id"])
    assert len(await clinic.open_slots(wanted, in_days(2))) == 4, "the old place is free"


async def test_a_named_slot_at_which_the_patient_has_no_time_is_refused(clinic: Clinic) -> None:
    wanted, elsewhere, patient = await clinic.timed_doctor(), await clinic.timed_doctor(), await clinic.patient()
    other = await clinic.taken((await clinic.open_slots(elsewhere))[0], patient)
    refused = await clinic.take((await clinic.open_slots(wanted))[0], patient, "busy")
    assert (problem_of(refused), refused.json()["appointment_id"]) == ((409, "patient_busy"), other["id"])
    again = await clinic.take((await clinic.open_slots(wanted))[0], patient, "busy")
    assert (again.json()["detail"], again.json()["appointment_id"]) == (refused.json()["detail"], other["id"])


async def test_the_own_hold_or_booking_is_named(clinic: Clinic) -> None:
    """Whoever lost the answer to a hold finds it by asking again, and confirms it."""
    doctor, patient, other = await clinic.timed_doctor(), await clinic.patient(), await clinic.patient()
    slot, free, *_ = await clinic.open_slots(doctor)
    held = await clinic.held(slot, patient)
    for again in (await clinic.hold(slot, patient), await clinic.take(slot, patient)):
        assert (problem_of(again), again.json()["appointment_id"]) == ((409, "slot_taken"), held["id"])
        assert held["id"] in again.json()["detail"]
    assert (await clinic.confirm(held["id"])).status_code == 200
    assert (await clinic.take(slot, patient)).json()["appointment_id"] == held["id"]
    mine = await clinic.taken(free, patient)
    assert (await clinic.move(mine["id"], {"slot_id": slot["id"]})).json()["appointment_id"] == held["id"]
    strangers = await clinic.take(slot, other)
    assert problem_of(strangers) == (409, "slot_taken") and "appointment_id" not in strangers.json()


async def test_what_is_too_soon_is_told_from_when_on_it_is_not(clinic: Clinic) -> None:
    doctor, patient = await clinic.timed_doctor(), await clinic.patient()
    (first, *_), later = await clinic.open_slots(doctor), (await clinic.open_slots(doctor, in_days(5)))[0]
    async with clinic.settings(lead_time_minutes=3 * 24 * 60):

        async def is_too_soon() -> bool:
            return (await clinic.book(doctor, patient)).status_code == 422

        await eventually(is_too_soon)
        for refused in (await clinic.book(doctor, patient), await clinic.take(first, patient)):
            assert problem_of(refused) == (422, "too_soon")
            after = dt.datetime.fromisoformat(refused.json()["bookable_after"])
            assert dt.timedelta(days=2.9) < after - dt.datetime.now(dt.UTC) < dt.timedelta(days=3.1)
            assert refused.json()["bookable_after"] in refused.json()["detail"]
        assert (await clinic.take(later, patient)).status_code == 201


async def without_hours_tomorrow(clinic: Clinic) -> tuple[str, str]:
    """A doctor who has no hours tomorrow any more, and the one appointment of then."""
    doctor, patient = await clinic.timed_doctor(), await clinic.patient()
    left = await clinic.booked(doctor, patient)
    entries = [entry for entry in FOUR_SLOTS["entries"] if entry["weekday"] != weekday(in_days(1))]
    assert (await clinic.put(f"/doctors/{doctor}/schedule", {"entries": entries})).status_code == 200
    return doctor, left["id"]


async def set_available(clinic: Clinic, doctor: str, *, available: bool) -> httpx2.Response:
    return await clinic.post(f"/doctors/{doctor}/availability", {"date": in_days(1), "available": available})


async def test_a_date_without_hours_is_not_full(clinic: Clinic) -> None:
    doctor, _ = await without_hours_tomorrow(clinic)
    assert problem_of(await clinic.book(doctor, await clinic.patient())) == (422, "doctor_absent")
    day = (await clinic.get(f"/doctors/{doctor}/availability", date=in_days(1))).json()
    assert (day["available"], day["remaining"]) == (False, 0)


async def test_a_date_without_hours_cannot_be_opened_by_hand(clinic: Clinic) -> None:
    (doctor, _), idle = await without_hours_tomorrow(clinic), await clinic.timed_doctor({"entries": ALL_DAY["entries"][:1]})
    hours = {entry["weekday"] for entry in ALL_DAY["entries"][:1]}
    without = next(in_days(ahead) for ahead in (1, 2) if weekday(in_days(ahead)) not in hours)
    opened = await clinic.post(f"/doctors/{idle}/availability", {"date": without, "available": True})
    for refused in (opened, await set_available(clinic, doctor, available=True)):
        assert problem_of(refused) == (409, "timed_day") and "extra hours" in refused.json()["detail"]
    extra = {"kind": "extra", "date": in_days(1), "start": "09:30", "end": "10:00", "slot_minutes": 30}
    assert (await clinic.post(f"/doctors/{doctor}/exceptions", extra)).status_code == 201
    assert (await set_available(clinic, doctor, available=False)).status_code == 200
    assert (await set_available(clinic, doctor, available=True)).json()["available"] is True
    assert await by_date(clinic, doctor, await clinic.patient()) == "09:30"
