"""Generates the slots of a doctor from the doctor's calendar: after a change of it at once, and each hour as time goes by.

Called under the doctor's lock, which bookings hold shared. What is taken is never touched: it loses its publication, and is
deleted when it is freed. Safe to run twice and in several processes: the second finds nothing to do.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from services.availability.domain.calendar import Calendar, Weekly
from services.availability.domain.dates import oldest_date
from services.availability.domain.days import DayKey, DoctorKey
from services.availability.domain.slot_generation import slot_changes
from services.availability.repository.calendar import exceptions, generation_timers, schedules, slot_generation
from services.availability.repository.slots import capacity
from shared.contracts.calendar import HORIZON_DAYS
from shared.contracts.clinics import ClinicSettings
from shared.infra import clinic_settings
from shared.infra.jobs import Job, attempt
from shared.infra.unit import Unit, Units

log = structlog.get_logger()

JOB = "publications"
"""The job's name in logs and metrics is that of its table."""
INTERVAL_SECONDS = 1.0
AGAIN = timedelta(hours=1)
AFTER_FAILURE = timedelta(seconds=10)
DOCTORS = 100
"""Slots are generated for so many doctors in one round, each in a transaction of its own."""


@dataclass(frozen=True)
class LockedCalendar:
    """The calendar of a locked doctor: read once in a transaction, judged, and handed on to `regenerate_slots`.

    Exceptions are not in it: they are read with the slots, behind the change of one, in the order in which they were made.
    """

    doctor: DoctorKey
    clinic: ClinicSettings
    calendar: Calendar
    due_at: datetime | None
    """The doctor's timer, read before the clinic's settings. Settings that arrive later change it, and a changed timer stays."""


async def read_calendar(unit: Unit, doctor: DoctorKey, weekly: Sequence[Weekly] | None = None) -> LockedCalendar:
    """The calendar of a doctor locked FOR NO KEY UPDATE or more, with these weekly entries in the place of those that it has."""
    due_at = await generation_timers.due_at(unit.connection, *doctor)
    clinic = await clinic_settings.of(unit.connection, doctor.clinic_id)
    if weekly is None:
        weekly = await schedules.entries(unit.connection, *doctor)
    calendar = await schedules.calendar_of(unit.connection, *doctor, clinic.time_zone, weekly)
    return LockedCalendar(doctor, clinic, calendar, due_at)


async def regenerate_slots(unit: Unit, locked: LockedCalendar) -> None:
    """Makes and removes free slots to come, up to the horizon, as schedule, exceptions, locations and zones ask for now.

    To be called last, after the change is written.
    """
    doctor, clinic = locked.doctor, locked.clinic
    rules = await exceptions.rules_to_come(unit.connection, *doctor, oldest_date(unit.now))
    current = await slot_generation.current_slots(unit.connection, *doctor, unit.now)
    # In a thread: weeks of slots of a minute take seconds, and the process has others to answer.
    horizon_days = min(HORIZON_DAYS, clinic.booking_horizon_days)
    changes = await asyncio.to_thread(slot_changes, locked.calendar.with_exceptions(rules), current, horizon_days)
    await slot_generation.write(unit.connection, *doctor, changes)
    if changes.fill_days and clinic.default_daily_capacity:
        sizes = {DayKey(*doctor, day): clinic.default_daily_capacity for day in changes.fill_days}
        await capacity.grow(unit.connection, sizes)
    if changes.again:
        # Of very many slots those of later dates are left to the job.
        due_at = unit.now if changes.unfinished else unit.now + AGAIN
        await generation_timers.set_due_at(unit.connection, *doctor, due_at, locked.due_at)
    else:
        await generation_timers.end(unit.connection, *doctor)
    if changes.add or changes.remove or changes.update:
        counts = {"added": len(changes.add), "removed": len(changes.remove), "marked": len(changes.update)}
        log.info("slots_published", **_ids(doctor), **counts)


def slot_generation_job(units: Units) -> Job:
    """The job of one process: generates the slots of every doctor whose time has come."""

    async def regenerate_due() -> None:
        async with units.batch(()) as unit:
            due = await generation_timers.due_doctors(unit.connection, DOCTORS)
        for doctor in due:
            # One for whom it fails does not hold up the others, and is tried again.
            if not await attempt(partial(_regenerate_due, units, doctor), JOB, "publication_failed", **_ids(doctor)):
                await _put_off(units, doctor)

    return Job(JOB, INTERVAL_SECONDS, regenerate_due)


async def _regenerate_due(units: Units, doctor: DoctorKey) -> None:
    """Generates the slots of one doctor, unless another process has done it meanwhile."""
    async with units.batch({doctor.clinic_id}) as unit:
        if await schedules.lock(unit.connection, *doctor) is None:
            await generation_timers.end(unit.connection, *doctor)
        elif await generation_timers.is_due(unit.connection, *doctor):
            await regenerate_slots(unit, await read_calendar(unit, doctor))


async def _put_off(units: Units, doctor: DoctorKey) -> None:
    """Has a doctor's slots generated a little later."""
    async with units.batch({doctor.clinic_id}) as unit:
        await generation_timers.set_due_at(unit.connection, *doctor, unit.now + AFTER_FAILURE)


def _ids(doctor: DoctorKey) -> dict[str, str]:
    return {name: str(id_) for name, id_ in doctor._asdict().items()}
