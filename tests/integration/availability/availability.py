"""Availability in this process: batches as its consumer hands them over, the rows that they leave, and messages to hand over."""

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, TypeVar, cast
from uuid import UUID, uuid4

from services.availability.handlers import make_handler
from shared.contracts.availability import BookingRefused, SlotReserved
from shared.contracts.booking import AppointmentRefused, BookAppointment, RescheduleAppointment, SlotReleased
from shared.contracts.calendar import Weekday
from shared.contracts.clinics import ClinicSettings
from shared.contracts.commands import Answer
from shared.contracts.envelope import Message
from shared.contracts.problems import Code
from shared.contracts.registry import ClinicChanged
from shared.infra import inbox
from shared.infra.ids import new_id
from shared.infra.outbox import Outbox
from shared.infra.postgres import Database
from shared.infra.runtime import Runtime
from shared.infra.unit import Unit, Units
from tests.support.dates import in_days
from tests.support.kafka import KeptRecords
from tests.support.waiting import eventually

M = TypeVar("M", bound=Message)

ANSWER = Answer(status_code=200, result={"id": "x"})
SLOTS = "SELECT number, state FROM slots WHERE doctor_id = $1 AND date = $2 ORDER BY number"


TIMED_DAY = """
WITH made AS (
  INSERT INTO days (clinic_id, doctor_id, date, mode, available, time_zone) VALUES ($1, $2, $3, 'timed', true, 'UTC') RETURNING *
)
INSERT INTO slots (clinic_id, doctor_id, date, number, starts_at, ends_at, time_zone)
SELECT clinic_id, doctor_id, date, row_number() OVER (), start, start + interval '15 minutes', 'UTC'
FROM made, unnest($4::int[]) AS minutes, LATERAL (SELECT now() + make_interval(mins => minutes) AS start) AS begun
"""


class NoLocks:
    """No Redis: what excludes is the row."""

    def __init__(self) -> None:
        self.held: list[str] = []

    @asynccontextmanager
    async def hold(self, days: Sequence[str]) -> AsyncIterator[None]:
        self.held += days
        yield


@dataclass
class Emitted:
    """What a batch has emitted."""

    unit: Unit

    def of(self, kind: type[M]) -> list[M]:
        """The messages of one type, in the order in which they were emitted."""
        return [message for _, message in self.unit.emitted if isinstance(message, kind)]

    @property
    def types(self) -> list[str]:
        return [message.type for _, message in self.unit.emitted]

    @property
    def numbers(self) -> list[int]:
        return [message.slot_number for message in self.of(SlotReserved)]

    @property
    def codes(self) -> list[Code]:
        return [message.code for message in self.of(BookingRefused)]


class Availability:
    """Availability's batches and database, for one clinic of its own."""

    def __init__(self, database: Database, clinic: UUID) -> None:
        self.database = database
        self.clinic = clinic
        self.publisher = KeptRecords()
        self.units = Units(database, Outbox(self.publisher), self.publisher)
        self.locks = NoLocks()
        self.handle = make_handler(cast(Runtime, SimpleNamespace(locks=self.locks)))

    @asynccontextmanager
    async def batch(self, *messages: Message) -> AsyncIterator[Emitted]:
        """One batch through the inbox, decided and not committed before the block ends."""
        async with self.units.batch({message.clinic_id for message in messages}) as unit:
            await self.handle(unit, await inbox.admit(unit.connection, messages))
            yield Emitted(unit)

    async def deliver(self, *messages: Message) -> Emitted:
        """One committed batch."""
        async with self.batch(*messages) as said:
            return said

    async def doctor(self, status: str = "active", clinic: UUID | None = None) -> UUID:
        """A doctor, as a registration leaves it."""
        doctor, clinic = new_id(), clinic or self.clinic
        async with self.database.batch({clinic}) as (connection, now):
            await connection.execute(
                "INSERT INTO doctors (clinic_id, id, code, name, languages, status, version, created_at, updated_at)"
                " VALUES ($1, $2, $3, 'Ada', '{}', $4, 1, $5, $5)",
                *(clinic, doctor, str(doctor), status, now),
            )
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
        await self.execute(TIMED_DAY, self.clinic, doctor, date, list(minutes))
        return await self.slots(doctor, date)

    async def execute(self, sql: str, *args: object) -> None:
        async with self.database.batch({self.clinic}) as (connection, _):
            await connection.execute(sql, *args)

    async def lower(self, doctor: UUID, keep: Sequence[int]) -> None:
        """Leaves only these numbers of a day, as lowering its capacity does."""
        await self.execute("DELETE FROM slots WHERE doctor_id = $1 AND number <> ALL($2)", doctor, list(keep))


async def somebody_waits(service: Availability) -> None:
    """Until a transaction of the clinic's database waits for a lock."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

    async def waits() -> bool:
        return await service.rows(waiting) != [(0,)]

    await eventually(waits)


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
