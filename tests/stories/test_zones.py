"""Another zone of a location or of the clinic names everybody for whom a clock shows another time then; no instant changes."""

from typing import Any

from tests.support.clinic import Clinic, in_days, week
from tests.support.waiting import eventually

DUBAI, AZORES = "Asia/Dubai", "Atlantic/Azores"


async def test_another_zone_of_a_location_names_whose_wall_time_changes(clinic: Clinic) -> None:
    hours = week("09:00", "12:00", slot_minutes=60)
    made, patient = await clinic.doctor_at_place({"entries": []}, time_zone="UTC"), await clinic.patient()
    [place] = made["locations"]
    for entry in hours["entries"]:
        entry["location_id"] = place["id"]
    assert (await clinic.put(f"/doctors/{made['id']}/schedule", hours)).status_code == 200
    booked = await clinic.taken((await clinic.open_slots(made["id"]))[1], patient)
    over = await clinic.taken((await clinic.open_slots(made["id"]))[0], patient)
    await clinic.cancel(over["id"])

    async def move_to(zone: str) -> dict[str, Any]:
        body = {"locations": [{"id": place["id"], "address": place["address"], "time_zone": zone}]}
        answer = await clinic.patch(f"/doctors/{made['id']}", body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    told = await move_to(AZORES)
    assert [one["id"] for one in told["wall_time_changed"]] == [booked["id"]]
    assert told["wall_time_changed"][0]["starts_at"] == booked["starts_at"] and not told["wall_time_changed_incomplete"]
    assert (await move_to(AZORES))["wall_time_changed"] == [], "nothing has changed"
    renamed = await clinic.patch(f"/doctors/{made['id']}", {"name": "Dr Ada Lund"})
    assert renamed.json()["wall_time_changed"] == []


async def test_another_zone_of_the_clinic_does_so_too(clinic: Clinic) -> None:
    doctor, elsewhere = await clinic.timed_doctor(), await clinic.doctor_at_place(week("09:00", "10:00"), time_zone=DUBAI)
    booked = await clinic.booked(doctor, await clinic.patient())
    fixed = await clinic.booked(elsewhere["id"], await clinic.patient())
    told = (await clinic.patch("/clinic", {"time_zone": DUBAI})).json()
    try:
        named = [one["id"] for one in told["wall_time_changed"]]
        assert booked["id"] in named and fixed["id"] not in named and told["wall_time_changed_left"] == 0
        assert (await clinic.patch("/clinic", {"region": "GB"})).json()["wall_time_changed"] == []
    finally:
        await clinic.patch("/clinic", {"time_zone": "UTC"})

        async def as_before() -> bool:
            starts = {slot["local_start"][11:] for slot in await clinic.open_slots(doctor, in_days(3))}
            return "09:00:00+00:00" in starts

        await eventually(as_before)
