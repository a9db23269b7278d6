"""Which slot a client means, over internal HTTP: the gateway asks for the day of a slot before it can send the command."""

import datetime as dt
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from shared.contracts import internal
from shared.contracts.problems import Code
from tests.integration.availability.availability import Availability, book, every_day
from tests.support.dates import in_days

STATUS = {Code.NO_SUCH_SLOT: 422, Code.UNKNOWN_DOCTOR: 404}
AT_NINE = dt.datetime.combine(in_days(3), dt.time(9), dt.UTC)


async def resolve(http: httpx2.AsyncClient, **asked: Any) -> Any:
    """The answer: the slot's id, doctor and date, or the code of the refusal."""
    answer = await http.post("/internal/slots/resolve", json={name: str(value) for name, value in asked.items()})
    assert answer.status_code == STATUS.get(answer.json().get("code"), 200), answer.text
    return answer.json().get("code") or tuple(answer.json().values())


async def put(http: httpx2.AsyncClient, doctor: UUID, start: str = "09:00", end: str = "10:00") -> None:
    answer = await http.put(f"/internal/doctors/{doctor}/schedule", json={"entries": every_day(start, end)})
    assert answer.status_code == 200, answer.text


async def slot_of(service: Availability, doctor: UUID, starts_at: dt.datetime) -> tuple[str, str, str]:
    ((id_, date),) = await service.rows("SELECT id, date FROM slots WHERE doctor_id = $1 AND starts_at = $2", doctor, starts_at)
    return str(id_), str(doctor), str(date)


async def test_a_slot_is_found_by_its_id_and_by_its_start_in_any_offset(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor, other = await service.doctor(), await service.doctor()
    await put(http, doctor)
    await put(http, other)
    found = await slot_of(service, doctor, AT_NINE)
    assert await resolve(http, slot_id=found[0]) == found
    for starts_at in (AT_NINE, AT_NINE.astimezone(dt.timezone(dt.timedelta(hours=9)))):
        assert await resolve(http, doctor_id=doctor, starts_at=starts_at.isoformat()) == found


async def test_a_taken_one_is_found_too_and_one_of_a_daily_day(service: Availability, http: httpx2.AsyncClient) -> None:
    timed, daily = await service.doctor(), await service.doctor()
    await put(http, timed)
    await service.deliver(book(service.clinic, timed), book(service.clinic, daily))
    for doctor in (timed, daily):
        ((taken,),) = await service.rows("SELECT id FROM slots WHERE doctor_id = $1 AND state = 'taken'", doctor)
        assert await resolve(http, slot_id=taken) == (str(taken), str(doctor), str(in_days(1)))


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Niue"])
async def test_a_date_that_is_not_that_of_utc_is_the_slots_own(
    service: Availability, http: httpx2.AsyncClient, zone: str
) -> None:
    """14 hours ahead and 11 behind: a quarter past midnight and one to midnight are on other dates there."""
    await service.settings(time_zone=zone)
    doctor = await service.doctor()
    await put(http, doctor, "00:00", "24:00")
    later = in_days(3)
    rows = await service.rows("SELECT starts_at, id, date FROM slots WHERE doctor_id = $1 AND date = $2", doctor, later)
    assert len(rows) == 96 and len({starts_at.date() for starts_at, _, _ in rows}) == 2
    for starts_at, id_, date in rows:
        found = await resolve(http, doctor_id=doctor, starts_at=starts_at.isoformat())
        assert found == (str(id_), str(doctor), str(date))


async def test_the_location_has_to_be_the_slots_if_one_is_named(service: Availability, http: httpx2.AsyncClient) -> None:
    body = {"name": "Ada", "locations": ["Here 1"]}
    made = (await http.post("/internal/doctors", json=body)).json()
    doctor, location = UUID(made["id"]), made["locations"][0]["id"]
    entries = every_day("09:00", "10:00", location_id=location)
    assert (await http.put(f"/internal/doctors/{doctor}/schedule", json={"entries": entries})).status_code == 200
    ((starts_at, id_),) = await service.rows("SELECT starts_at, id::text FROM slots WHERE date = $1 AND number = 1", in_days(1))
    start = {"doctor_id": doctor, "starts_at": starts_at.isoformat()}
    assert (await resolve(http, **start, location_id=location))[0] == id_
    assert (await resolve(http, **start))[0] == id_
    assert await resolve(http, **start, location_id=uuid4()) == Code.NO_SUCH_SLOT


async def test_what_is_not_there_is_no_such_slot(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor, theirs = await service.doctor(), uuid4()
    await put(http, doctor)
    found = await slot_of(service, doctor, AT_NINE)
    start = {"doctor_id": doctor, "starts_at": AT_NINE.isoformat()}
    for asked in (
        {"slot_id": uuid4()}, {**start, "starts_at": (AT_NINE + dt.timedelta(minutes=1)).isoformat()},
        {**start, "starts_at": "0001-01-01T00:00:00Z"}, {**start, "starts_at": "9999-12-31T23:59:59Z"}, {"doctor_id": doctor}, {},
    ):  # fmt: skip
        assert await resolve(http, **asked) == Code.NO_SUCH_SLOT, asked
    http.headers[internal.CLINIC] = str(theirs)
    assert await resolve(http, slot_id=found[0]) == Code.NO_SUCH_SLOT, "of another clinic"
    assert await resolve(http, **start) == Code.UNKNOWN_DOCTOR


async def test_who_is_named_and_gone_is_unknown_and_their_slots_are_none(service: Availability, http: httpx2.AsyncClient) -> None:
    """A taken slot of theirs may be there still."""
    doctor = await service.doctor()
    await put(http, doctor)
    found = await slot_of(service, doctor, AT_NINE)
    await service.execute("UPDATE doctors SET status = 'deleted' WHERE id = $1", doctor)
    assert await resolve(http, slot_id=found[0]) == Code.NO_SUCH_SLOT
    for gone in (doctor, uuid4()):
        assert await resolve(http, doctor_id=gone, starts_at=AT_NINE.isoformat()) == Code.UNKNOWN_DOCTOR
