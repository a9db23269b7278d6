"""The weekly schedule of a doctor: written as a whole, read back as it was written. Called by `routes/calendar.py`.

Locks go doctor, days, slots: nobody books into the calendar while it changes, so the displaced ones are all there are.
"""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from services.availability.domain.calendar import Weekly
from services.availability.domain.schedules import schedule_errors
from services.availability.domain.slot_generation import oldest_date, today
from services.availability.domain.wall_times import entry_of, weekly_of
from services.availability.repository import calendar, slot_generation
from services.availability.service.calendar.slot_generation import replan
from shared.contracts.calendar import ScheduleIn, SchedulePut, ScheduleView
from shared.contracts.problems import Code
from shared.infra import clinic_settings
from shared.infra.audit import Action
from shared.infra.caller import Caller
from shared.infra.forms import check_match, parse
from shared.infra.problems import ProblemError
from shared.infra.unit import RegistryUnit


async def locked_version(unit: RegistryUnit, caller: Caller, doctor_id: UUID) -> int:
    """Locks the doctor for a change of the calendar. Raises `ProblemError` for a doctor who is not in use."""
    version = await calendar.lock(unit.connection, caller.clinic_id, doctor_id)
    if version is None:
        raise ProblemError(Code.UNKNOWN_DOCTOR)
    return version


async def read_schedule(unit: RegistryUnit, caller: Caller, doctor_id: UUID) -> ScheduleView:
    """The schedule as it was written last."""
    version = await calendar.version_of(unit.connection, caller.clinic_id, doctor_id)
    if version is None:
        raise ProblemError(Code.UNKNOWN_DOCTOR)
    rules = await calendar.entries(unit.connection, caller.clinic_id, doctor_id)
    return ScheduleView(entries=[entry_of(rule) for rule in rules], version=version)


async def put_schedule(unit: RegistryUnit, caller: Caller, doctor_id: UUID, data: object) -> SchedulePut:
    """Writes a schedule in the place of the one before; one that is the same changes nothing, also not its version.

    Answered with every appointment to come that no rule asks for. Raises `ProblemError` naming each entry that cannot stand.
    """
    form = parse(ScheduleIn, data)
    version = await locked_version(unit, caller, doctor_id)
    check_match(caller.if_match, version)
    rules = [weekly_of(entry) for entry in form.entries]
    if rules != await calendar.entries(unit.connection, caller.clinic_id, doctor_id):
        await _judge(unit, caller, doctor_id, rules)
        await calendar.write_entries(unit.connection, caller.clinic_id, doctor_id, rules)
        await replan(unit, caller.clinic_id, doctor_id)
        version += 1
        unit.record(caller, Action.SCHEDULE_CHANGED, doctor_id, version=version, entries=len(rules))
    displaced = await slot_generation.unruled(unit.connection, caller.clinic_id, doctor_id, unit.now)
    return SchedulePut(entries=[entry_of(rule) for rule in rules], version=version, displaced_ids=displaced)


async def _judge(unit: RegistryUnit, caller: Caller, doctor_id: UUID, rules: Sequence[Weekly]) -> None:
    clinic = await clinic_settings.of(unit.connection, caller.clinic_id)
    known = await calendar.read(unit.connection, caller.clinic_id, doctor_id, clinic.time_zone, oldest_date(unit.now))
    if errors := schedule_errors(replace(known, weekly=rules), today(clinic.time_zone, unit.now)):
        raise ProblemError(Code.VALIDATION_FAILED, errors=errors)
