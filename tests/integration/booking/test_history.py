"""The history of an appointment over booking's HTTP: every change with who made it, and what the client wrote to it."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import AsyncClient, Response

from services.booking.repository.notes import OLD_NOTES
from shared.contracts.appointments import Reason
from tests.integration.booking.booking import Booking
from tests.integration.booking.calls import delete, merge, registered
from tests.support.booking_messages import cancel, check_in, confirm, move_of

pytestmark = pytest.mark.integration

NOTE = "Cannot come: my child is ill."


async def history(client: AsyncClient, appointment: UUID) -> list[dict[str, Any]]:
    answer = await client.get(f"/internal/appointments/{appointment}/history")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def put_note(client: AsyncClient, appointment: UUID, command: UUID | None, note: object = NOTE) -> Response:
    return await client.put(f"/internal/appointments/{appointment}/notes/{command}", json={"note": note})


async def test_every_change_is_told_in_order_with_its_version_time_and_actor(client: AsyncClient, booking: Booking) -> None:
    slot = await booking.booked(actor="app")
    moved = move_of(slot, actor="kiosk")
    await booking.deliver(moved, check_in(booking.clinic, slot.appointment_id, slot.patient_id, actor="desk"))
    items = await history(client, slot.appointment_id)
    changes = [(item["version"], item["event"], item["actor"]) for item in items]
    assert changes == [(1, "booked", "app"), (2, "moved", "kiosk"), (3, "checked_in", "desk")]
    assert [item["at"] for item in items] == sorted(item["at"] for item in items)
    row = await booking.row(slot)
    assert row["version"] == 3


async def test_a_move_names_its_old_and_its_new_place(client: AsyncClient, booking: Booking) -> None:
    slot = await booking.booked()
    moved = move_of(slot)
    await booking.deliver(moved)
    first, second = await history(client, slot.appointment_id)
    assert (first["from"], first["to"]) == (None, None)
    for told, place in ((second["from"], slot), (second["to"], moved)):
        assert told == {
            "doctor_id": str(place.doctor_id), "date": str(place.date), "slot": place.slot_number, "slot_id": str(place.slot_id),
            "location_id": None, "starts_at": None, "ends_at": None,
        }  # fmt: skip


async def test_a_hold_that_is_moved_and_then_confirmed_or_over_has_every_step(client: AsyncClient, booking: Booking) -> None:
    kept, lost = [await booking.held() for _ in range(2)]
    for slot in (kept, lost):
        await booking.deliver(move_of(slot))
    await booking.deliver(confirm(booking.clinic, kept.appointment_id))
    await booking.lapse(lost)
    await booking.sweep()
    for slot, last in ((kept, "confirmed"), (lost, "expired")):
        items = await history(client, slot.appointment_id)
        assert [(item["version"], item["event"]) for item in items] == [(1, "held"), (2, "moved"), (3, last)]
    assert items[-1]["actor"] == "system"


async def test_a_cancellation_has_its_reason_and_its_note(client: AsyncClient, booking: Booking) -> None:
    slot = await booking.booked()
    command = cancel(booking.clinic, slot.appointment_id, reason=Reason.ILL)
    assert (await put_note(client, slot.appointment_id, command.command_id)).status_code == 204
    assert [item["note"] for item in await history(client, slot.appointment_id)] == [None], "not before it is done"
    await booking.deliver(command)
    booked, cancelled = await history(client, slot.appointment_id)
    assert (booked["reason"], booked["note"]) == (None, None)
    assert (cancelled["event"], cancelled["reason"], cancelled["note"]) == ("cancelled", "ill", NOTE)


async def test_a_reassigned_appointment_says_so_with_its_version(client: AsyncClient, booking: Booking) -> None:
    loser, survivor = await registered(client), await registered(client)
    slot = await booking.booked(patient=loser)
    assert (await merge(client, loser, survivor)).status_code == 200
    assert [(item["version"], item["event"]) for item in await history(client, slot.appointment_id)] == [
        (1, "booked"),
        (2, "reassigned"),
    ]


async def test_what_is_cancelled_with_its_patient_has_a_history_too(client: AsyncClient, booking: Booking) -> None:
    slot = await booking.booked()
    await delete(client, slot.patient_id, cancelling=True)
    last = (await history(client, slot.appointment_id))[-1]
    assert (last["event"], last["reason"], last["actor"]) == ("cancelled", "clinic", "desk")


async def test_the_first_note_of_a_command_stays(client: AsyncClient, booking: Booking) -> None:
    slot, other = await booking.booked(), await booking.booked()
    command = cancel(booking.clinic, slot.appointment_id)
    for appointment, note in ((slot, NOTE), (slot, "something else"), (other, "of another appointment")):
        assert (await put_note(client, appointment.appointment_id, command.command_id, note)).status_code == 204
    await booking.deliver(command, cancel(booking.clinic, other.appointment_id))
    assert (await history(client, slot.appointment_id))[-1]["note"] == NOTE
    assert (await history(client, other.appointment_id))[-1]["note"] is None


async def test_of_a_command_that_is_decided_no_note_is_kept(client: AsyncClient, booking: Booking) -> None:
    """It would read as that change's: another request came under the key, and is refused."""
    slot = await booking.booked()
    command = cancel(booking.clinic, slot.appointment_id)
    await booking.deliver(command)
    assert (await put_note(client, slot.appointment_id, command.command_id)).status_code == 204
    assert await noted(booking) == set()


async def test_a_note_is_in_no_message_and_no_audit_row(client: AsyncClient, booking: Booking) -> None:
    slot = await booking.booked()
    command = cancel(booking.clinic, slot.appointment_id)
    await put_note(client, slot.appointment_id, command.command_id)
    await booking.published()
    await booking.deliver(command)
    assert NOTE not in str(await booking.published())
    async with booking.database.batch({booking.clinic}) as (connection, _):
        assert NOTE not in str([tuple(row) for row in await connection.fetch("SELECT audit::text FROM audit")])


@pytest.mark.parametrize("note", ["", "x" * 501, 7, None, "a\0b"])
async def test_a_note_is_text_of_a_sensible_length(client: AsyncClient, booking: Booking, note: object) -> None:
    slot = await booking.booked()
    answer = await put_note(client, slot.appointment_id, uuid4(), note)
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, ["note"])


async def test_unknown_appointments_and_those_of_other_clinics_are_not_found(client: AsyncClient, booking: Booking) -> None:
    strangers = await Booking(booking.database, uuid4()).booked()
    for appointment in (uuid4(), strangers.appointment_id):
        for answer in (
            await client.get(f"/internal/appointments/{appointment}/history"),
            await put_note(client, appointment, uuid4()),
        ):
            assert (answer.status_code, answer.json()["code"]) == (404, "unknown_appointment")


async def test_an_old_note_that_nobody_sees_goes(client: AsyncClient, booking: Booking) -> None:
    """Its command was refused, had nothing left to change, or never arrived; the note of what did change something stays."""
    slot, here = await booking.booked(), await booking.booked()
    done, again = (cancel(booking.clinic, slot.appointment_id) for _ in range(2))
    too_late, never = (cancel(booking.clinic, here.appointment_id) for _ in range(2))
    await booking.deliver(check_in(booking.clinic, here.appointment_id, here.patient_id))
    commands = (done, again, too_late, never)
    for command in commands:
        await put_note(client, command.appointment_id, command.command_id)
    await booking.deliver(done, again, too_late)
    assert await noted(booking) == {command.command_id for command in commands}
    async with booking.database.batch({booking.clinic}) as (connection, _):
        assert await connection.fetch(OLD_NOTES, 33, 100) == [], "not before it is old"
        await connection.execute("UPDATE notes SET added_at = added_at - make_interval(days => 34)")
        assert len(await connection.fetch(OLD_NOTES, 33, 3)) == 3
        assert len(await connection.fetch(OLD_NOTES, 33, 100)) == 1
        assert await connection.fetch(OLD_NOTES, 33, 100) == [], "what stays is looked at once"
    assert await noted(booking) == {done.command_id}


async def noted(booking: Booking) -> set[UUID | None]:
    """The commands of which there are notes."""
    async with booking.database.batch({booking.clinic}) as (connection, _):
        return {row["command_id"] for row in await connection.fetch("SELECT command_id FROM notes")}
