"""Reading appointments and outcomes over internal HTTP on a real Postgres: filters, pages, looks, and nobody else's rows."""

from typing import Any
from uuid import uuid4

import pytest
from dirty_equals import IsPartialDict
from httpx2 import AsyncClient

from shared.contracts import internal
from shared.infra.forms import encode_cursor
from tests.integration.booking.booking import Booking
from tests.support.booking_messages import cancel, freed, reserved
from tests.support.dates import in_days

pytestmark = pytest.mark.integration


async def listed(client: AsyncClient, **query: Any) -> list[str]:
    """The ids of all pages."""
    ids: list[str] = []
    while True:
        page = (await client.get("/internal/appointments", params=query)).json()
        ids += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            return ids
        query["cursor"] = page["next_cursor"]


async def test_an_appointment_is_read_as_it_was_answered(client: AsyncClient, booking: Booking) -> None:
    slot = reserved(booking.clinic, await booking.patient())
    result = await booking.deliver(slot)
    read = await client.get(f"/internal/appointments/{slot.appointment_id}")
    assert read.status_code == 200 and read.json() == result.answers[0].result


async def test_lists_are_filtered_and_in_order_of_date_number_and_id(client: AsyncClient, booking: Booking) -> None:
    doctor, patient = uuid4(), await booking.patient()
    second = await booking.booked(doctor_id=doctor, slot_number=2)
    later = await booking.booked(doctor_id=doctor, slot_number=1, date=in_days(1), patient=patient)
    first = await booking.booked(doctor_id=doctor, slot_number=1)
    other = await booking.booked(slot_number=1, patient=patient)
    await booking.deliver(cancel(booking.clinic, second.appointment_id))
    ids = {
        name: str(slot.appointment_id)
        for name, slot in (("first", first), ("second", second), ("later", later), ("other", other))
    }
    assert await listed(client) == [*sorted([ids["first"], ids["other"]]), ids["second"], ids["later"]]
    assert await listed(client, doctor_id=doctor) == [ids["first"], ids["second"], ids["later"]]
    assert await listed(client, doctor_id=doctor, date=in_days()) == [ids["first"], ids["second"]]
    assert await listed(client, doctor_id=doctor, status="cancelled") == [ids["second"]]
    assert await listed(client, patient_id=patient) == [ids["other"], ids["later"]]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 200])
async def test_pages_hold_every_appointment_once(client: AsyncClient, booking: Booking, limit: int) -> None:
    doctor = uuid4()
    slots = [await booking.booked(doctor_id=doctor, slot_number=number // 2 + 1) for number in range(5)]
    found = await listed(client, doctor_id=doctor, limit=limit)
    assert len(found) == 5 and set(found) == {str(slot.appointment_id) for slot in slots}


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0}, {"limit": 201}, {"status": "lost"}, {"date": "soon"}, {"cursor": "x"}, {"doctor_id": 1},
        {"cursor": encode_cursor("2026-03-02", "9" * 20, str(uuid4()))},
    ],
)  # fmt: skip
async def test_a_filter_that_is_none_is_named(client: AsyncClient, query: dict[str, Any]) -> None:
    refused = await client.get("/internal/appointments", params=query)
    assert refused.status_code == 422 and [error["field"] for error in refused.json()["errors"]] == list(query)


async def test_another_clinics_appointments_are_absent(client: AsyncClient, booking: Booking) -> None:
    slot, elsewhere = await booking.booked(), {internal.CLINIC: str(uuid4())}
    read = await client.get(f"/internal/appointments/{slot.appointment_id}", headers=elsewhere)
    assert read.status_code == 404 and read.json()["code"] == "unknown_appointment"
    assert (await client.get("/internal/appointments", headers=elsewhere)).json() == {"items": [], "next_cursor": None}


async def test_a_look_finds_outcomes_of_several_clinics_settled_or_not_and_by_exact_pairs(
    client: AsyncClient, booking: Booking
) -> None:
    slot, other = await booking.booked(), await Booking(booking.database, uuid4()).booked()
    command = cancel(booking.clinic, slot.appointment_id)
    await booking.deliver(command)
    asked = [
        (slot.clinic_id, slot.command_id), (other.clinic_id, other.command_id), (command.clinic_id, command.command_id),
        (booking.clinic, other.command_id), (booking.clinic, uuid4()),
    ]  # fmt: skip
    body = {"commands": [{"clinic_id": str(clinic), "command_id": str(id_)} for clinic, id_ in asked]}
    found = (await client.post("/internal/commands/look", json=body)).json()["outcomes"]
    assert {one["command_id"]: (one["type"], one["settled_at"] is not None) for one in found} == {
        str(slot.command_id): ("BookAppointment", True),
        str(other.command_id): ("BookAppointment", True),
        str(command.command_id): ("CancelAppointment", False),
    }
    await booking.deliver(freed(slot, command.command_id))
    again = (await client.post("/internal/commands/look", json=body)).json()["outcomes"]
    assert all(one["settled_at"] for one in again)
    assert IsPartialDict(status_code=200, code=None) in [one["answer"] for one in again]


async def test_a_look_at_nothing_finds_nothing(client: AsyncClient) -> None:
    assert (await client.post("/internal/commands/look", json={"commands": []})).json() == {"outcomes": []}
