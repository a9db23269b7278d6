"""Availability in this process: batches as its consumer hands them over, the rows that they leave, and messages to hand over."""

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

from services.availability.handlers import make_handler
from shared.contracts.availability import SlotReserved
from shared.contracts.booking import AppointmentRefused, BookAppointment, RescheduleAppointment, SlotReleased
from shared.contracts.calendar import Weekday
from shared.contracts.clinics import ClinicSettings
from shared.contracts.commands import Answer
from shared.contracts.problems import Code
from shared.contracts.registry import ClinicChanged
from shared.infra.ids import new_id
from shared.infra.postgres import Database
from shared.infra.runtime import Runtime
from tests.support import rows
from tests.support.batches import Batches
from tests.support.dates import in_days

ANSWER = Answer(status_code=200, result={"id": "x"})
SLOTS = "SELECT number, state FROM slots WHERE doctor_id = $1 AND date = $2 ORDER BY number"


class NoLocks:
    """No Redis: what excludes is the row."""

    def __init__(self) -> None:
        self.held: list[str] = []

    @asynccontextmanager
    async def hold(self, days: Sequence[str]) -> AsyncIterator[None]:
        self.held += days
        yield


class Availability(Batches):
    """Availability's batches and database, for one clinic of its own."""

    def __init__(self, database: Database, clinic: UUID) -> None:
        self.locks = NoLocks()
        super().__init__(database, clinic, make_handler(cast(Runtime, SimpleNamespace(locks=self.locks))))

    async def doctor(self, status: str = "active", clinic: UUID | None = None) -> UUID:
        """A doctor, as a registration leaves it."""
        doctor, clinic = new_id(), clinic or self.clinic
        async with self.database.batch({clinic}) as (connection, _):
            await rows.add_doctors(connection, clinic, [doctor], status)
        return doctor

    async def settings(self, version: int = 1, **settings: Any) -> None:
        """The clinic's settings change."""
        await self.deliver(settings_changed(self.clinic, version, **settings))

    async def rows(self, sql: str, *args: object, clinic: UUID | None = None) -> list[tuple[Any, ...]]:
        async with self.database.batch({clinic or self.clinic}) as (connection, _):
            return [tuple(row) for row in await connection.fetch(sql, *args)]

    async def numbers(self, doctor: UUID, state: str, date: dt.date | None = None) -> list[int]:
        """The numbers of a day's slots in this state."""
        return [number for number, found in await self.rows(SLOTS, doctor, date or in_days(1)) if found == state]

    async def slots(self, doctor: UUID, date: dt.date | None = None) -> dict[int, UUID]:
        """The ids of a day's slots by their numbers."""
        query = "SELECT number, id FROM slots WHERE doctor_id = $1 AND date = $2 ORDER BY number"
        rows = await self.rows(query, doctor, date or in_days(1))
        return {number: id_ for number, id_ in rows}  # noqa: C416

    async def timed_day(
        self, doctor: UUID, minutes: Sequence[int] = (60, 75, 90), date: dt.date | None = None
    ) -> dict[int, UUID]:
        """A day with slots of a quarter of an hour that start so many minutes from now, and their ids by number."""
        date = date or in_days(1)
        async with self.database.batch({self.clinic}) as (connection, now):
            starts = [((doctor, date), now + dt.timedelta(minutes=start)) for start in minutes]
            await rows.add_timed_slots(connection, self.clinic, starts)
        return await self.slots(doctor, date)

    async def execute(self, sql: str, *args: object) -> None:
        async with self.database.batch({self.clinic}) as (connection, _):
            await connection.execute(sql, *args)

    async def lower(self, doctor: UUID, keep: Sequence[int]) -> None:
        """Leaves only these numbers of a day, as lowering its capacity does."""
        await self.execute("DELETE FROM slots WHERE doctor_id = $1 AND number <> ALL($2)", doctor, list(keep))


def every_day(start: str, end: str, **fields: Any) -> list[dict[str, Any]]:
    """The entries of a schedule that is the same on all days."""
    return [{"weekday": day.value, "start": start, "end": end, **fields} for day in Weekday]


def envelope(clinic: UUID, **fields: Any) -> dict[str, Any]:
    now = dt.datetime.now(dt.UTC)
    return {
        "message_id": new_id(), "clinic_id": clinic, "correlation_id": "test-1", "actor": "open", "principal": "open",
        "command_id": new_id(), "body_hash": "00", "occurred_at": now, "accepted_at": now,
        "decide_by": now + dt.timedelta(minutes=10), "reply_partition": 3, **fields,
    }  # fmt: skip


def book(clinic: UUID, doctor: UUID, date: dt.date | None = None, **fields: Any) -> BookAppointment:
    return BookAppointment(**envelope(clinic, **fields), doctor_id=doctor, date=date or in_days(1), patient_id=uuid4())


def move(reserved: SlotReserved, doctor: UUID, date: dt.date | None = None, **fields: Any) -> RescheduleAppointment:
    """The appointment of a reservation is to have a place of this day."""
    names: dict[str, Any] = {"appointment_id": reserved.appointment_id, "patient_id": reserved.patient_id}
    return RescheduleAppointment(**envelope(reserved.clinic_id, **fields), doctor_id=doctor, date=date or in_days(1), **names)


def refuses(reserved: SlotReserved) -> AppointmentRefused:
    """Booking does not accept a reservation."""
    ids = {name: getattr(reserved, name) for name in ("slot_id", "reservation_id", "appointment_id")}
    answer = Answer.refusal(Code.PATIENT_BUSY)
    return AppointmentRefused(
        **envelope(reserved.clinic_id), doctor_id=reserved.doctor_id, date=reserved.date, **ids, answer=answer
    )


def releases(reserved: SlotReserved, **fields: Any) -> SlotReleased:
    """The release of a reservation, under a message id of its own."""
    return SlotReleased(
        **envelope(reserved.clinic_id, **fields), doctor_id=reserved.doctor_id, date=reserved.date,
        appointment_id=reserved.appointment_id, slot_id=reserved.slot_id, reservation_id=reserved.reservation_id, answer=ANSWER,
    )  # fmt: skip


def settings_changed(clinic: UUID, version: int, **settings: Any) -> ClinicChanged:
    return ClinicChanged(**envelope(clinic, command_id=None, version=version), code="x", settings=ClinicSettings(**settings))
