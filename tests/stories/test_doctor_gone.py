"""A doctor who is to be deleted: refused with the list of what is booked, and of who is there already."""

from tests.support.clinic import Clinic, in_days, problem_of, today


async def test_a_doctor_with_appointments_is_refused_with_their_list(clinic: Clinic) -> None:
    doctor, patients = await clinic.doctor(), await clinic.patients(3)
    booked = [await clinic.booked(doctor, patient, in_days(day)) for day, patient in enumerate(patients)]
    refused = await clinic.delete(f"/doctors/{doctor}")
    assert problem_of(refused) == (409, "has_appointments")
    assert set(refused.json()["appointments"]) == {one["id"] for one in booked}
    assert (await clinic.get(f"/doctors/{doctor}")).json()["status"] == "active"
    assert len(await clinic.live(doctor_id=doctor)) == 3


async def test_whoever_has_checked_in_is_seen_first(clinic: Clinic) -> None:
    doctor, patients = await clinic.doctor(), await clinic.patients(2)
    here, later = [
        await clinic.booked(doctor, patient, day) for patient, day in zip(patients, (today(), in_days(1)), strict=True)
    ]
    assert (await clinic.check_in(here["id"], patients[0])).status_code == 201
    refused = await clinic.delete(f"/doctors/{doctor}", cancel_appointments=True)
    assert problem_of(refused) == (409, "checked_in") and refused.json()["appointments"] == [here["id"]]
    assert (await clinic.appointment(later["id"]))["status"] == "booked"
