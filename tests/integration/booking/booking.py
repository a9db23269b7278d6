"""Booking for the clinic of a test: batches as the consumer hands them over, and what they left in the database."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson

from services.booking.handlers import handle
from services.booking.service.appointments.sweep import sweep_job
from shared.contracts.availability import SlotReserved
from shared.contracts.booking import Purpose
from shared.contracts.clinics import ClinicSettings
from shared.contracts.commands import Outcome
from shared.contracts.envelope import Message
from shared.contracts.registry import ClinicChanged
from shared.infra import outcomes
from shared.infra.ids import new_id
from shared.infra.postgres import Database
from tests.support import rows
from tests.support.batches import Batches
from tests.support.booking_messages import envelope, reserved


class Booking(Batches):
    """Booking for one clinic of its own."""

    def __init__(self, database: Database, clinic: UUID) -> None:
        super().__init__(database, clinic, handle)

    async def patient(self, status: str = "active", clinic: UUID | None = None, id_: UUID | None = None) -> UUID:
        """A patient, as a registration leaves it."""
        patient, clinic = id_ or new_id(), clinic or self.clinic
        async with self.database.batch({clinic}) as (connection, _):
            await rows.add_patients(connection, clinic, [patient], status)
        return patient

    async def booked(self, **fields: Any) -> SlotReserved:
        """A reservation that has become an appointment, booked or held."""
        slot = reserved(self.clinic, fields.pop("patient", None) or await self.patient(), **fields)
        result = await self.deliver(slot)
        assert result.types == ["AppointmentBooked"]
        return slot

    async def held(self, **fields: Any) -> SlotReserved:
        """A reservation that is held, not booked."""
        return await self.booked(purpose=Purpose.HOLD, **fields)

    async def lapse(self, *held: SlotReserved, after_seconds: float = 0) -> None:
        """Has the time of holds be over, now or soon by the database's clock."""
        async with self.database.batch({self.clinic}) as (connection, now):
            ids, end = [slot.appointment_id for slot in held], now + timedelta(seconds=after_seconds)
            await connection.execute("UPDATE appointments SET expires_at = $2 WHERE id = ANY($1)", ids, end)
            await connection.execute("UPDATE hold_timers SET due_at = $2 WHERE appointment_id = ANY($1)", ids, end)

    async def sweep(self) -> None:
        """One round of the sweep, as a process does it each second."""
        await sweep_job(self.units).work()

    async def has_timer(self, slot: SlotReserved) -> bool:
        """Whether an appointment still has its timer for the sweep."""
        query = "SELECT EXISTS (SELECT FROM hold_timers WHERE appointment_id = $1)"
        return bool(await self.database.hot.fetchval(query, slot.appointment_id))

    async def settings(self, version: int = 1, **settings: Any) -> None:
        """The clinic's settings change."""
        change = ClinicChanged(
            **envelope(self.clinic, command_id=None, version=version), code="x", settings=ClinicSettings(**settings)
        )
        await self.deliver(change)

    async def published(self) -> list[dict[str, Any]]:
        """What was published since the last time, by batches and by calls."""
        await asyncio.gather(*self.units._publishing)
        records, self.publisher.records = self.publisher.records, []
        return [orjson.loads(record.body) for record in records]

    async def effects(self, subject: UUID) -> list[str]:
        """The actions of a subject's audit rows, in their order."""
        async with self.database.batch({self.clinic}) as (connection, _):
            rows = await connection.fetch("SELECT action FROM audit WHERE subject_id = $1 ORDER BY at, id", subject)
        return [row["action"] for row in rows]

    async def patient_row(self, patient: UUID) -> dict[str, Any]:
        """A patient as it is stored."""
        async with self.database.batch({self.clinic}) as (connection, _):
            row = await connection.fetchrow("SELECT * FROM patients WHERE id = $1", patient)
        return dict(row or {})

    async def put(self, slot: SlotReserved, **columns: Any) -> None:
        """Changes columns of the appointment of a reservation."""
        names = ", ".join(f"{name} = ${place}" for place, name in enumerate(columns, 2))
        async with self.database.batch({slot.clinic_id}) as (connection, _):
            await connection.execute(f"UPDATE appointments SET {names} WHERE id = $1", slot.appointment_id, *columns.values())

    async def row(self, slot: SlotReserved) -> dict[str, Any]:
        """The appointment of a reservation."""
        async with self.database.batch({slot.clinic_id}) as (connection, _):
            row = await connection.fetchrow("SELECT * FROM appointments WHERE id = $1", slot.appointment_id)
        return dict(row or {})

    async def outcome(self, command: Message) -> Outcome | None:
        """The stored outcome of a message's command."""
        assert command.command_id
        pair = (command.clinic_id, command.command_id)
        async with self.database.batch({command.clinic_id}) as (connection, _):
            return (await outcomes.look(connection, [pair])).get(pair)
