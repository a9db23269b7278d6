"""A dry run of a displacement tells what the displacement would do, also to patients who are busy elsewhere."""

from typing import Any

from tests.support.clinic import Clinic, in_days, week


async def displace(clinic: Clinic, doctor: str, **fields: Any) -> dict[str, Any]:
    body = {"from": in_days(1), "to": in_days(1), "policy": "same_doctor", **fields}
    answer = await clinic.post(f"/doctors/{doctor}/displace", body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_dry_run_knows_who_is_busy(clinic: Clinic) -> None:
    """One is elsewhere at the time that the run would give, the other has none of that."""
    hours = week("09:00", "10:00", slot_minutes=30)
    doctor, elsewhere = await clinic.timed_doctor(hours), await clinic.timed_doctor(hours)
    busy, free = await clinic.patients(2)
    stays, goes = await clinic.booked(doctor, busy), await clinic.booked(doctor, free)
    in_the_way = await clinic.taken((await clinic.open_slots(elsewhere, in_days(2)))[0], busy)
    closed = {"kind": "closed", "from": in_days(1), "to": in_days(1)}
    assert (await clinic.post(f"/doctors/{doctor}/exceptions", closed)).status_code == 201
    tried, done = await displace(clinic, doctor, dry_run=True), await displace(clinic, doctor)
    for told in (tried, done):
        assert [one["appointment_id"] for one in told["moved"]] == [goes["id"]]
        [refused] = told["not_moved"]
        assert (refused["appointment_id"], refused["code"]) == (stays["id"], "patient_busy")
        assert in_the_way["id"] in refused["reason"]
    assert tried["moved"][0]["to"] == done["moved"][0]["to"]
