"""Brings the slots of a doctor into line with the doctor's calendar: after a change of it at once, and each hour as time goes by.

Called under the doctor's lock, which bookings hold shared. What is taken is never touched: it loses its publication, and is
deleted when it is freed. Safe to run twice and in several processes: who comes second finds nothing to do.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

import structlog

from services.availability.domain.days import DayKey
from services.availability.domain.slot_generation import oldest_date, plan
from services.availability.repository import calendar, slot_generation, slots
from shared.contracts.calendar import HORIZON_DAYS
from shared.infra import clinic_settings
from shared.infra.jobs import Job
from shared.infra.metrics import JOBS_FAILED
from shared.infra.unit import Unit, Units

log = structlog.get_logger()

JOB = "publications"
INTERVAL_SECONDS = 1.0
AGAIN = timedelta(hours=1)
AFTER_FAILURE = timedelta(seconds=10)
DOCTORS = 100
"""So many are looked at in one round, each in a transaction of its own."""


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
    doctor = (clinic_id, doctor_id)
    seen = await slot_generation.timer(unit.connection, *doctor)
    clinic = await clinic_settings.of(unit.connection, clinic_id)
    rules = await calendar.read(unit.connection, *doctor, clinic.time_zone, oldest_date(unit.now))
    present = await slot_generation.present(unit.connection, *doctor, unit.now)
    # In a thread: weeks of slots of a minute take seconds, and the process has others to answer.
    changes = await asyncio.to_thread(plan, rules, present, min(HORIZON_DAYS, clinic.booking_horizon_days))
    await slot_generation.carry_out(unit.connection, *doctor, changes)
    if changes.daily and clinic.default_daily_capacity:
        sizes = {DayKey(*doctor, day): clinic.default_daily_capacity for day in changes.daily}
        await slots.grow(unit.connection, sizes)
    await slot_generation.set_timer(unit.connection, *doctor, unit.now + AGAIN if changes.again else None, seen)
    if changes.add or changes.drop or changes.mark:
        counts = {"added": len(changes.add), "removed": len(changes.drop), "marked": len(changes.mark)}
        log.info("slots_published", clinic_id=str(clinic_id), doctor_id=str(doctor_id), **counts)


async def upcoming(unit: Unit, clinic_id: UUID, doctor_id: UUID) -> list[Upcoming]:
    """What is taken of the doctor's days of today or later, in order of date: these days are locked until the commit."""
    await slot_generation.lock_days(unit.connection, clinic_id, doctor_id, unit.now)
    return [Upcoming(**row) for row in await slot_generation.upcoming(unit.connection, clinic_id, doctor_id, unit.now)]


async def still_taken(unit: Unit, clinic_id: UUID, appointments: Collection[UUID]) -> list[UUID]:
    """Those of these appointments that have a place: one that booking does not know is on its way there."""
    return await slot_generation.still_taken(unit.connection, clinic_id, appointments)


async def withdraw(unit: Unit, clinic_id: UUID, doctor_id: UUID) -> None:
    """The doctor is gone: free slots of today or later go, what is taken goes when it is freed, no more slots are made."""
    await slot_generation.lock_days(unit.connection, clinic_id, doctor_id, unit.now)
    await slot_generation.withdraw(unit.connection, clinic_id, doctor_id, unit.now)


async def hasten_clinics(unit: Unit, clinics: Collection[UUID]) -> None:
    """The settings of these clinics are others: their doctors' slots are looked at next. Goes behind a batch's other locks."""
    await slot_generation.hasten_clinics(unit.connection, clinics)


def publishing(units: Units) -> Job:
    """The job of one process: looks at every doctor whose time has come."""

    async def publish() -> None:
        async with units.batch(()) as unit:
            due = await slot_generation.due(unit.connection, DOCTORS)
        for doctor in due:
            await _publish(units, *doctor)

    return Job(JOB, INTERVAL_SECONDS, publish)


async def _publish(units: Units, clinic_id: UUID, doctor_id: UUID) -> None:
    """Looks at one doctor. One whom it fails for does not hold up the others, and is tried again."""
    try:
        async with units.batch({clinic_id}) as unit:
            if await calendar.lock(unit.connection, clinic_id, doctor_id) is None:
                await slot_generation.set_timer(unit.connection, clinic_id, doctor_id, None)
            elif await slot_generation.is_due(unit.connection, clinic_id, doctor_id):
                await replan(unit, clinic_id, doctor_id)
    except Exception as error:  # noqa: BLE001
        JOBS_FAILED.labels(job=JOB).inc()
        log.warning("publication_failed", clinic_id=str(clinic_id), doctor_id=str(doctor_id), error=type(error).__name__)
        async with units.batch({clinic_id}) as unit:
            await slot_generation.set_timer(unit.connection, clinic_id, doctor_id, unit.now + AFTER_FAILURE)
