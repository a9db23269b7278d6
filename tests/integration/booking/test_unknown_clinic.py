"""A clinic whose settings have not arrived: nothing of it is judged by defaults, and what waits is done once they are there."""

from uuid import uuid4

import pytest
from httpx2 import AsyncClient

from shared.contracts import internal
from shared.infra import calls
from shared.infra.errors import UnknownClinic
from tests.integration.booking.booking import Booking
from tests.integration.booking.people import ADA
from tests.support.booking_messages import cancel, reserved

FORGET = "DELETE FROM clinic_settings"


async def forget(booking: Booking) -> None:
    """Booking has not heard of the clinic."""
    async with booking.database.batch({booking.clinic}) as (connection, _):
        await connection.execute(FORGET)


async def test_a_reservation_and_a_cancellation_wait_for_the_settings(booking: Booking) -> None:
    there, slot = await booking.booked(), reserved(booking.clinic, await booking.patient())
    await forget(booking)
    cancellation = cancel(booking.clinic, there.appointment_id)
    for message in (slot, cancellation):
        with pytest.raises(UnknownClinic):
            await booking.deliver(message)
    assert await booking.row(slot) == {}
    assert (await booking.row(there))["status"] == "booked"
    await booking.settings()
    assert (await booking.deliver(slot)).types == ["AppointmentBooked"]
    assert "AppointmentCancelled" in (await booking.deliver(cancellation)).types


async def test_a_registration_is_refused_and_can_be_repeated(
    booking: Booking, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "SETTINGS_SECONDS", 0.05)
    await forget(booking)
    headers = {internal.COMMAND_ID: str(uuid4())}
    refused = await client.post("/internal/patients", json=ADA, headers=headers)
    assert (refused.status_code, refused.json()["code"], refused.headers["Retry-After"]) == (503, "unavailable", "2")
    assert refused.json()["detail"] == calls.NOT_HEARD
    await booking.settings()
    assert (await client.post("/internal/patients", json=ADA, headers=headers)).status_code == 201
