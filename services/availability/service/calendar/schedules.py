"""The weekly schedule of a doctor: written as a whole, read back as it was written. Called by `routes/calendar.py`.

It is judged and planned without locks. These go doctor, days, slots: nobody books into the calendar while it changes, so the
displaced appointments are all there are.
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from services.availability.domain.calendar import Calendar, Weekly
from services.availability.domain.dates import today
from services.availability.domain.days import DoctorKey
from services.availability.domain.rule_forms import schedule_entry, weekly_rule
from services.availability.domain.schedules import schedule_errors
from services.availability.repository.calendar import generation_timers, schedules
from services.availability.repository.displacement import displaced
from services.availability.service.calendar.slot_generation import (
    DoctorCalendar,
    SlotPlan,
    plan_slots,
    read_calendar,
    regenerate_slots,
)
from shared.contracts.calendar import ScheduleIn, SchedulePut, ScheduleView
from shared.contracts.problems import Code, FieldError
from shared.infra.audit import Action
from shared.infra.caller import Caller
from shared.infra.forms import check_match, parse
from shared.infra.problems import ProblemError
from shared.infra.unit import RegistryUnit


class _Judged(NamedTuple):
    """A calendar, and what is wrong with its weekly hours."""

    calendar: Calendar
    errors: list[FieldError]


async def lock_calendar(unit: RegistryUnit, doctor: DoctorKey) -> int:
    """Locks the doctor for a change of the calendar, and answers its version. Raises `unknown_doctor` for one not in use."""
    version = await schedules.lock(unit.connection, *doctor)
    if version is None:
        raise ProblemError(Code.UNKNOWN_DOCTOR)
    return version


async def read_schedule(unit: RegistryUnit, caller: Caller, doctor_id: UUID) -> ScheduleView:
    """The schedule as it was written last. Raises `unknown_doctor`."""
    version = await schedules.version_of(unit.connection, caller.clinic_id, doctor_id)
    if version is None:
        raise ProblemError(Code.UNKNOWN_DOCTOR)
    weekly = await schedules.entries(unit.connection, caller.clinic_id, doctor_id)
    return ScheduleView(entries=[schedule_entry(rule) for rule in weekly], version=version)


async def put_schedule(unit: RegistryUnit, caller: Caller, doctor_id: UUID, data: object) -> SchedulePut:
    """Writes a schedule in the place of the one before; one that is the same changes nothing, also not its version.

    Answered with every appointment to come for which no rule asks, and whether slots are still to be added. Raises `ProblemError`
    naming each entry that cannot stand.
    """
    form, doctor = parse(ScheduleIn, data), DoctorKey(caller.clinic_id, doctor_id)
    weekly = [weekly_rule(entry) for entry in form.entries]
    judged, planned = await _prepare(unit, doctor, weekly)
    version = await lock_calendar(unit, doctor)
    check_match(caller.if_match, version)
    if weekly != await schedules.entries(unit.connection, *doctor):
        locked = await read_calendar(unit, doctor, weekly)
        if judged is None or judged.calendar != locked.calendar:
            judged = await _judge(unit, locked)
        if judged.errors:
            raise ProblemError(Code.VALIDATION_FAILED, errors=judged.errors)
        await schedules.write_entries(unit.connection, *doctor, weekly)
        await regenerate_slots(unit, locked, planned)
        version += 1
        unit.record(caller, Action.SCHEDULE_CHANGED, doctor_id, version=version, entries=len(weekly))
    ids = await displaced.without_rule(unit.connection, *doctor, unit.now)
    entries = [schedule_entry(rule) for rule in weekly]
    incomplete = await generation_timers.is_due(unit.connection, *doctor)
    return SchedulePut(entries=entries, version=version, displaced_ids=ids, slots_incomplete=incomplete)


async def _prepare(unit: RegistryUnit, doctor: DoctorKey, weekly: Sequence[Weekly]) -> tuple[_Judged | None, SlotPlan | None]:
    """Judges and plans another schedule without the doctor's lock: nobody's booking waits for that."""
    if weekly == await schedules.entries(unit.connection, *doctor):
        return None, None
    read = await read_calendar(unit, doctor, weekly)
    judged = await _judge(unit, read)
    return judged, None if judged.errors else await plan_slots(unit, read)


async def _judge(unit: RegistryUnit, read: DoctorCalendar) -> _Judged:
    """In a thread: there are 20,000 pairs of 200 entries."""
    calendar = read.calendar
    return _Judged(calendar, await asyncio.to_thread(schedule_errors, calendar, today(calendar.zone, unit.now)))
