"""Generates the slots of a doctor from the doctor's calendar: after a change of it at once, and each hour as time goes by.

What has to change is planned first, without the doctor's lock, which bookings hold shared: weeks of slots take seconds. Under the
lock the plan is written, if nothing that it was made of has changed meanwhile; else it is made again. What is taken is never
touched: it loses its publication, and is deleted when it is freed. Safe to run twice and in several processes: the second finds
nothing to do.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog

from services.availability.domain.calendar import Calendar, Closed, Extra, Weekly
from services.availability.domain.dates import oldest_date
from services.availability.domain.days import DayKey, DoctorKey
from services.availability.domain.slot_generation import CurrentSlots, SlotChanges, SlotRow, slot_changes
from services.availability.repository.calendar import exceptions, generation_timers, schedules, slot_generation
from services.availability.repository.calendar.slot_generation import SlotState
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
class DoctorCalendar:
    """The calendar of a doctor: read once without the doctor's lock to plan by it, and once under it, for `regenerate_slots`.

    Exceptions are not in it: they are read with the slots, behind the change of one, in the order in which they were made.
    """

    doctor: DoctorKey
    clinic: ClinicSettings
    calendar: Calendar
    due_at: datetime | None
    """The doctor's timer, read before the clinic's settings. Settings that arrive later change it, and a changed timer stays."""

    @property
    def horizon_days(self) -> int:
        """So many days ahead slots are made."""
        return min(HORIZON_DAYS, self.clinic.booking_horizon_days)


@dataclass(frozen=True)
class SlotPlan:
    """What has to change, and all that this was made of."""

    calendar: Calendar
    """With its exceptions."""
    horizon_days: int
    state: SlotState
    changes: SlotChanges


async def read_calendar(
    unit: Unit,
    doctor: DoctorKey,
    weekly: Sequence[Weekly] | None = None,
    zones: Mapping[UUID, str | None] | None = None,
) -> DoctorCalendar:
    """The calendar of a doctor, with these weekly entries and zones of locations in the place of those that it has.

    Under the doctor's lock, FOR NO KEY UPDATE or more, it stays so.
    """
    due_at = await generation_timers.due_at(unit.connection, *doctor)
    clinic = await clinic_settings.of(unit.connection, doctor.clinic_id)
    if weekly is None:
        weekly = await schedules.entries(unit.connection, *doctor)
    if zones is None:
        zones = await schedules.location_zones(unit.connection, *doctor)
    return DoctorCalendar(doctor, clinic, Calendar.of(clinic.time_zone, weekly, zones), due_at)


async def plan_slots(
    unit: Unit, read: DoctorCalendar, *, added: Closed | Extra | None = None, ended: UUID | None = None
) -> SlotPlan:
    """What this calendar would change with an exception more, or without one. To be called before the doctor is locked."""
    since = oldest_date(unit.now)
    rules = await exceptions.rules_to_come(unit.connection, *read.doctor, since, ended)
    rules += [added] if added and added.dates[1] >= since else []
    state, slots = await slot_generation.seen_slots(unit.connection, *read.doctor, unit.now)
    return await _plan(unit, read, rules, state, slots)


async def regenerate_slots(unit: Unit, locked: DoctorCalendar, planned: SlotPlan | None = None) -> None:
    """Makes and removes free slots to come, up to the horizon, as schedule, exceptions, locations and zones ask for now.

    To be called last, under the doctor's lock, after the change is written. What was planned is written if it is still right.
    """
    doctor, clinic = locked.doctor, locked.clinic
    rules = await exceptions.rules_to_come(unit.connection, *doctor, oldest_date(unit.now))
    state = await slot_generation.locked_state(unit.connection, *doctor, unit.now)
    made_of = (locked.calendar.with_exceptions(rules), locked.horizon_days, state)
    if planned is None or (planned.calendar, planned.horizon_days, planned.state) != made_of:
        slots = await slot_generation.timed_slots(unit.connection, *doctor, state.timed_dates)
        planned = await _plan(unit, locked, rules, state, slots)
    changes = planned.changes
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


async def _plan(
    unit: Unit, read: DoctorCalendar, rules: Sequence[Closed | Extra], state: SlotState, slots: Sequence[SlotRow]
) -> SlotPlan:
    """In a thread: weeks of slots of a minute take seconds, and the process has others to answer."""
    calendar, current = read.calendar.with_exceptions(rules), CurrentSlots(unit.now, state.days, state.busy, slots)
    changes = await asyncio.to_thread(slot_changes, calendar, current, read.horizon_days)
    return SlotPlan(calendar, read.horizon_days, state, changes)


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
        planned = await plan_slots(unit, await read_calendar(unit, doctor))
        if await schedules.lock(unit.connection, *doctor) is None:
            await generation_timers.end(unit.connection, *doctor)
        elif await generation_timers.is_due(unit.connection, *doctor):
            await regenerate_slots(unit, await read_calendar(unit, doctor), planned)


async def _put_off(units: Units, doctor: DoctorKey) -> None:
    """Has a doctor's slots generated a little later."""
    async with units.batch({doctor.clinic_id}) as unit:
        await generation_timers.set_due_at(unit.connection, *doctor, unit.now + AFTER_FAILURE)


def _ids(doctor: DoctorKey) -> dict[str, str]:
    return {name: str(id_) for name, id_ in doctor._asdict().items()}
