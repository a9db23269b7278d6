"""The queue's database, and check-ins of one clinic to put into it."""

import datetime as dt
from collections.abc import AsyncIterator, Callable
from uuid import UUID, uuid4

import pytest

from services.queue.handlers import handle
from services.queue.settings import Settings
from shared.contracts.booking import AppointmentReassigned, PatientCheckedIn
from shared.contracts.envelope import Message
from shared.infra.ids import new_id
from shared.infra.inbox import Admitted
from shared.infra.postgres import Database
from shared.infra.unit import Unit

TODAY = dt.date(2026, 3, 2)
NOW = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)


@pytest.fixture
async def database(service_settings: Callable[[str], Settings]) -> AsyncIterator[Database]:
    """Both pools of the queue's database, as its process has them."""
    database = await Database.connect(service_settings("queue").postgres, "test-queue")
    yield database
    await database.close()


def checked_in(
    clinic: UUID, doctor: UUID, *, appointment: UUID | None = None, date: dt.date = TODAY, partition: int | None = 3
) -> PatientCheckedIn:
    """What booking says when a patient is here."""
    return PatientCheckedIn(
        message_id=new_id(), clinic_id=clinic, correlation_id="test-1", command_id=new_id(), actor="open", principal="open",
        body_hash="00", occurred_at=NOW, accepted_at=NOW, decide_by=NOW, version=2, reply_partition=partition,
        doctor_id=doctor, date=date, appointment_id=appointment or uuid4(), patient_id=uuid4(), checked_in_at=NOW,
    )  # fmt: skip


def reassigned(of: PatientCheckedIn, patient: UUID, version: int = 3) -> AppointmentReassigned:
    """What booking says when a merge has given an appointment to another patient."""
    place = of.model_dump(include={"doctor_id", "date", "appointment_id"})
    return AppointmentReassigned(
        message_id=new_id(), clinic_id=of.clinic_id, correlation_id="test-2", actor="desk", principal="desk", occurred_at=NOW,
        version=version, patient_id=patient, **place,
    )  # fmt: skip


async def run(database: Database, *messages: Message) -> Unit:
    """One committed batch of fresh messages; the unit shows what it said."""
    async with database.batch({message.clinic_id for message in messages}) as (connection, now):
        unit = Unit(connection, now)
        await handle(unit, Admitted(fresh=list(messages)))
    return unit
