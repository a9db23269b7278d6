"""Settings of the clinic: whoever acts by them hears of them, and what cannot be is refused."""

from tests.support.clinic import Clinic, in_days, problem_of, week
from tests.support.waiting import eventually

KATHMANDU = "Asia/Kathmandu"


async def test_settings_of_the_clinic_reach_whoever_acts_by_them(clinic: Clinic) -> None:
    timed, daily_doctor = (await clinic.doctor_at_place(week("09:00", "09:15")))["id"], await clinic.doctor()
    patient, read = await clinic.patient(), (await clinic.get("/clinic")).headers["ETag"]
    assert len(await clinic.open_slots(timed, in_days(2), in_days(20))) == 19
    changed = {
        "time_zone": KATHMANDU, "default_daily_capacity": 3, "booking_horizon_days": 5, "one_booking_per_patient_day": True,
        "hold_ttl_seconds": 60,
    }  # fmt: skip
    async with clinic.settings(**changed):
        assert problem_of(await clinic.patch("/clinic", {"region": "DE"}, **{"If-Match": read})) == (412, "stale")

        async def every_gateway_tells() -> bool:
            told = [(await clinic.get("/clinic")).json()["settings"] for _ in clinic.clients]
            return all(one | changed == one for one in told)

        async def slots_follow() -> bool:
            slots = await clinic.open_slots(timed, in_days(2), in_days(20))
            # Five days from its own today, which begins while it is still yesterday here.
            return {slot["local_start"][10:] for slot in slots} == {"T09:00:00+05:45"} and 3 <= len(slots) <= 5

        await eventually(every_gateway_tells)
        await eventually(lambda: clinic.has_capacity(daily_doctor, 3))
        await eventually(slots_follow)
        assert problem_of(await clinic.book(daily_doctor, patient, in_days(8))) == (422, "too_far")
        only = await clinic.booked(daily_doctor, patient, in_days(3))
        refused = await clinic.book(daily_doctor, patient, in_days(3))
        assert problem_of(refused) == (409, "patient_busy") and "allows one a day" in refused.json()["detail"]
        assert refused.json()["appointment_id"] == only["id"] and refused.json()["rule"] == "one_booking_per_patient_day"
        assert await clinic.remaining(daily_doctor, in_days(3)) == 2


async def test_a_setting_that_cannot_be_is_named_with_all_others(clinic: Clinic) -> None:
    wrong = {"time_zone": "Mars/Olympus", "default_daily_capacity": -1, "hold_ttl_seconds": "soon", "surprise": 1}
    refused = await clinic.patch("/clinic", wrong)
    assert problem_of(refused) == (422, "validation_failed")
    assert {error["field"] for error in refused.json()["errors"]} == wrong.keys()
