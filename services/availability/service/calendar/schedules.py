"""The weekly schedule of a doctor: written as a whole, read back as it was written. Called by `routes/calendar.py`.

Locks go doctor, days, slots: nobody books into the calendar while it changes, so the displaced appointments are all there are.
"""

from uuid import UUID

from services.availability.domain.dates import today
from services.availability.domain.days import DoctorKey
from services.availability.domain.rule_forms import schedule_entry, weekly_rule
from services.availability.domain.schedules import schedule_errors
from services.availability.repository.calendar import generation_timers, schedules
from services.availability.repository.displacement import displaced
from services.availability.service.calendar.slot_generation import read_calendar, regenerate_slots
from shared.contracts.calendar import ScheduleIn, SchedulePut, ScheduleView
from shared.contracts.problems import Code
from shared.infra.audit import Action
from shared.infra.caller import Caller
from shared.infra.forms import check_match, parse
from shared.infra.problems import ProblemError
from shared.infra.unit import RegistryUnit


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
    version = await lock_calendar(unit, doctor)
    check_match(caller.if_match, version)
    weekly = [weekly_rule(entry) for entry in form.entries]
    if weekly != await schedules.entries(unit.connection, *doctor):
        locked = await read_calendar(unit, doctor, weekly)
        if errors := schedule_errors(locked.calendar, today(locked.calendar.zone, unit.now)):
            raise ProblemError(Code.VALIDATION_FAILED, errors=errors)
        await schedules.write_entries(unit.connection, *doctor, weekly)
        await regenerate_slots(unit, locked)
        version += 1
        unit.record(caller, Action.SCHEDULE_CHANGED, doctor_id, version=version, entries=len(weekly))
    ids = await displaced.without_rule(unit.connection, *doctor, unit.now)
    entries = [schedule_entry(rule) for rule in weekly]
    incomplete = await generation_timers.is_due(unit.connection, *doctor)
    return SchedulePut(entries=entries, version=version, displaced_ids=ids, slots_incomplete=incomplete)
