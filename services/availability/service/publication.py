"""Brings the slots of a doctor into line with the doctor's calendar. Called under the doctor's lock, which bookings hold shared.

What is taken is never touched by a change: it loses its publication, and is deleted when it is freed.
"""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.availability.repository import publications
from shared.infra.unit import Unit


@dataclass(frozen=True)
class Upcoming:
    """A taken place of today or later, as messages name it."""

    date: date
    slot_id: UUID
    reservation_id: UUID
    appointment_id: UUID


async def replan(unit: Unit, clinic_id: UUID, doctor_id: UUID) -> None:
    """Makes and removes free slots to come, up to the horizon, as schedule, exceptions, locations and zones ask for now.

    To be called last, after the change is written, with the doctor locked FOR NO KEY UPDATE or more.
    """
    await publications.lock_days(unit.connection, clinic_id, doctor_id, unit.now)


async def upcoming(unit: Unit, clinic_id: UUID, doctor_id: UUID) -> list[Upcoming]:
    """What is taken of the doctor's days of today or later, in order of date: these days are locked until the commit."""
    await publications.lock_days(unit.connection, clinic_id, doctor_id, unit.now)
    return [Upcoming(**row) for row in await publications.upcoming(unit.connection, clinic_id, doctor_id, unit.now)]


async def withdraw(unit: Unit, clinic_id: UUID, doctor_id: UUID) -> None:
    """The doctor is gone: free slots of today or later go, what is taken goes when it is freed, no more slots are made."""
    await publications.lock_days(unit.connection, clinic_id, doctor_id, unit.now)
    await publications.withdraw(unit.connection, clinic_id, doctor_id, unit.now)
