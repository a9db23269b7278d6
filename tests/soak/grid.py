"""Doctors whose every hour can be booked, so that each of a thousand rounds has places of its own; and many patients."""

from tests.support.clinic import Clinic, in_days, week

FIRST_DAY, LAST_DAY = 2, 50
"""From today: none of these slots begins while the rounds are played."""
PAGE = 200
REGISTERED_AT_ONCE = 20


async def timed_doctor(clinic: Clinic) -> str:
    """A doctor who works around the clock."""
    return await clinic.timed_doctor(week("00:00", "24:00", slot_minutes=60))


async def some_slots(clinic: Clinic, doctor: str, count: int) -> list[str]:
    """Ids of so many open slots of a doctor, in order of their start."""
    found: list[str] = []
    query: dict[str, object] = {"doctor_id": doctor, "from": in_days(FIRST_DAY), "to": in_days(LAST_DAY), "limit": PAGE}
    while len(found) < count:
        page = await clinic.get("/slots", **query)
        assert page.status_code == 200, page.text
        found += [slot["id"] for slot in page.json()["items"]]
        query["cursor"] = page.json()["next_cursor"]
        assert query["cursor"] or len(found) >= count, f"there are {len(found)} slots only"
    return found[:count]


async def many_patients(clinic: Clinic, count: int) -> list[str]:
    """Ids of new patients: some at a time, for a gateway that is asked for all of them at once may refuse."""
    groups = [min(REGISTERED_AT_ONCE, count - done) for done in range(0, count, REGISTERED_AT_ONCE)]
    return [patient for group in groups for patient in await clinic.patients(group)]
