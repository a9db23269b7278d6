"""Every command ends: also one that a service cannot process, one whose reservation got lost, and one that never arrived.

What is broken is broken from outside, in the database, for one doctor of the test's own.
"""

import datetime as dt
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from deploy.embedded.backend import Backend
from services.gateway.commands.tickets import Ticket, Tickets
from shared.contracts.availability import SlotReserved
from shared.infra.ids import new_id
from shared.infra.kafka.records import encode
from tests.support.clinic import Clinic, in_days, problem_of
from tests.support.waiting import eventually

CLINIC = UUID("00000000-0000-7000-8000-000000000001")
Connect = Callable[..., Any]


@asynccontextmanager
async def broken(sql: "asyncpg.Connection[asyncpg.Record]", table: str, doctor: str) -> AsyncIterator[None]:
    """Writing a row of this doctor is a bug of the service, until the block ends."""
    name = f"break_{uuid4().hex}"
    await sql.execute(f"""
        CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken by a test'; END $$;
        CREATE TRIGGER {name} BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW WHEN (NEW.doctor_id = '{doctor}')
        EXECUTE FUNCTION {name}();
    """)
    try:
        yield
    finally:
        await sql.execute(f"DROP TRIGGER {name} ON {table}; DROP FUNCTION {name}")


@pytest.mark.parametrize(("service", "table"), [("availability", "slots"), ("booking", "appointments")])
async def test_a_booking_that_cannot_be_processed_is_answered_and_keeps_no_place(
    clinic: Clinic, superuser: Connect, service: str, table: str
) -> None:
    doctor, patient, key = await clinic.doctor(capacity=2), await clinic.patient(), uuid4().hex
    async with broken(await superuser(service), table, doctor):
        answer = await clinic.book(doctor, patient, key=key, Prefer="wait=30")
        assert problem_of(answer) == (500, "internal")
    assert problem_of(await clinic.book(doctor, patient, key=key)) == (500, "internal"), "a decision stays"
    assert await clinic.remaining(doctor) == 2
    assert (await clinic.booked(doctor, patient))["slot"] == 1, "others go on"


async def test_a_reservation_that_booking_never_heard_of_is_given_back_and_its_command_lost(
    clinic: Clinic, superuser: Connect
) -> None:
    doctor, patient = await clinic.doctor(capacity=1), await clinic.patient()
    sql = await superuser("availability")
    slot = await sql.fetchval("SELECT id FROM slots WHERE doctor_id = $1", UUID(doctor))
    now = dt.datetime.now(dt.UTC)
    reserved = SlotReserved(
        message_id=new_id(), clinic_id=CLINIC, correlation_id="lost", command_id=uuid4(), actor="open", principal="open",
        body_hash="00", occurred_at=now, accepted_at=now, decide_by=now, doctor_id=UUID(doctor), patient_id=UUID(patient),
        date=dt.date.fromisoformat(in_days(1)), slot_id=slot, slot_number=1, reservation_id=new_id(), appointment_id=new_id(),
        time_zone="UTC",
    )  # fmt: skip
    async with sql.transaction():
        await sql.execute(
            "UPDATE slots SET state = 'taken', reservation_id = $2, appointment_id = $3 WHERE id = $1",
            *(slot, reserved.reservation_id, reserved.appointment_id),
        )
        await sql.execute(
            "INSERT INTO unacknowledged (reservation_id, clinic_id, due_at, reserved) VALUES ($1, $2, now(), $3)",
            *(reserved.reservation_id, CLINIC, encode(reserved)),
        )

    async def free_again() -> bool:
        return await clinic.remaining(doctor) == 1

    await eventually(free_again)

    async def told() -> dict[str, Any]:
        answer = await clinic.get(f"/commands/{reserved.command_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    assert (await eventually(told))["problem"]["code"] == "lost"
    assert await sql.fetchval("SELECT count(*) FROM unacknowledged WHERE reservation_id = $1", reserved.reservation_id) == 0


async def test_a_booking_is_acknowledged(clinic: Clinic, superuser: Connect) -> None:
    doctor, patient = await clinic.doctor(capacity=1), await clinic.patient()
    appointment = await clinic.booked(doctor, patient)
    sql = await superuser("availability")

    async def nothing_to_ask() -> bool:
        timers = "SELECT count(*) FROM unacknowledged JOIN slots USING (clinic_id, reservation_id) WHERE slots.id = $1"
        return not await sql.fetchval(timers, UUID(appointment["slot_id"]))

    await eventually(nothing_to_ask)
    assert (await clinic.appointment(appointment["id"]))["status"] == "booked"


def ticket_of(servers: Backend, command_id: UUID, **age: int) -> str:
    """A ticket as the gateways write it, of a command that was accepted so long ago and that no service ever saw."""
    accepted = dt.datetime.now(dt.UTC) - dt.timedelta(**age)
    ticket = Ticket(
        clinic_id=CLINIC, command_id=command_id, type="BookAppointment", principal="open", body_hash="00",
        accepted_at=accepted, decide_by=accepted + dt.timedelta(minutes=10),
    )  # fmt: skip
    key = servers.secrets.value("ticket.key")
    return Tickets(key.encode()).write(ticket)


async def test_what_never_arrived_is_lost_through_either_gateway(clinic: Clinic, servers: Backend) -> None:
    command_id = uuid4()
    path, young, old = (
        f"/commands/{command_id}",
        ticket_of(servers, command_id, minutes=9),
        ticket_of(servers, command_id, minutes=11),
    )
    assert (await clinic.get(path, ticket=young)).status_code == 202, "it may still arrive"
    answers = [await clinic.get(path, ticket=old) for _ in clinic.clients]
    assert [(answer.status_code, answer.json()["problem"]["code"]) for answer in answers] == [(200, "lost")] * 2
    assert answers[0].json()["decided_at"] == answers[1].json()["decided_at"]


async def test_a_ticket_of_one_gateway_is_good_at_the_other(clinic: Clinic) -> None:
    doctor, patient = await clinic.doctor(capacity=1), await clinic.patient()
    body = {"doctor_id": doctor, "patient_id": patient, "date": in_days(1)}
    one, other = clinic.clients
    accepted = await one.post("/appointments", json=body, headers={"Prefer": "respond-async"})
    assert accepted.status_code == 202

    async def decided() -> bool:
        answer = await other.get(accepted.headers["location"].removeprefix("/api/v1"))
        assert answer.status_code in (200, 202), answer.text
        return answer.status_code == 200

    await eventually(decided)
