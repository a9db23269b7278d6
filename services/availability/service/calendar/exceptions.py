"""Closed dates and extra hours: made, listed and ended, with the appointments that they displace. Called by `routes/calendar.py`.

Slots are planned without locks. Then the calendar is changed first and what it displaces is read, both under the doctor's lock:
no booking slips in between.
"""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from services.availability.domain.calendar import Calendar, Closed
from services.availability.domain.dates import today
from services.availability.domain.days import DoctorKey
from services.availability.domain.rule_forms import exception_rule, time_text
from services.availability.domain.schedules import exception_errors
from services.availability.repository.calendar import exceptions, schedules
from services.availability.repository.calendar.exceptions import CalendarException
from services.availability.repository.displacement import displaced
from services.availability.service.calendar.schedules import lock_calendar
from services.availability.service.calendar.slot_generation import (
    DoctorCalendar,
    plan_slots,
    read_calendar,
    regenerate_slots,
)
from shared.contracts.calendar import ClosedIn, ExceptionFound, ExceptionKind, ExceptionsFound, ExtraIn
from shared.contracts.problems import Code, FieldError
from shared.infra.audit import Action
from shared.infra.caller import Caller
from shared.infra.forms import canonical_hash, decode_cursor, encode_cursor, no_cursor, parse
from shared.infra.problems import ProblemError
from shared.infra.repeats import Done, as_it_was, id_of, once, refuse_used_up
from shared.infra.unit import RegistryUnit

COMMAND = "CreateException"
CREATED, TRIED = 201, 200
FIRST_ID = UUID(int=0)


async def make_exception(
    unit: RegistryUnit, caller: Caller, doctor_id: UUID, data: object, *, dry_run: bool
) -> Done[ExceptionFound]:
    """Closes dates or adds hours, and tells what this displaces. Raises `ProblemError` for what cannot be."""
    form, doctor = _form(data), DoctorKey(caller.clinic_id, doctor_id)
    new = CalendarException(id_of(unit, caller, "exception"), exception_rule(form), form.reason)
    if dry_run:
        await _lock(unit, doctor, new)
        (found,) = await _found(unit, doctor, [new])
        return Done(TRIED, found.model_copy(update={"id": None}))
    body_hash = canonical_hash(form, doctor_id=doctor_id)
    return await once(unit, caller, COMMAND, body_hash, as_it_was(ExceptionFound), lambda: _add(unit, caller, doctor, new))


async def _add(unit: RegistryUnit, caller: Caller, doctor: DoctorKey, new: CalendarException) -> Done[ExceptionFound]:
    planned = await plan_slots(unit, await read_calendar(unit, doctor), added=new.rule)
    locked = await _lock(unit, doctor, new)
    refuse_used_up(await exceptions.get(unit.connection, *doctor, new.id))
    await exceptions.add(unit.connection, *doctor, new, unit.now)
    await regenerate_slots(unit, locked, planned)
    (found,) = await _found(unit, doctor, [new])
    counts = {"displaced": len(found.displaced_ids)}
    unit.record(caller, Action.EXCEPTION_MADE, new.id, doctor_id=doctor.doctor_id, kind=found.kind, **counts)
    return Done(CREATED, found)


async def read_exception(unit: RegistryUnit, caller: Caller, doctor_id: UUID, exception_id: UUID) -> ExceptionFound:
    """One exception with what it displaces now. Raises `unknown_doctor`, `unknown_exception`."""
    doctor = await _known(unit, caller, doctor_id)
    exception = await exceptions.get(unit.connection, *doctor, exception_id)
    if exception is None:
        raise ProblemError(Code.UNKNOWN_EXCEPTION)
    return (await _found(unit, doctor, [exception]))[0]


async def list_exceptions(
    unit: RegistryUnit, caller: Caller, doctor_id: UUID, *, limit: int, cursor: str | None
) -> ExceptionsFound:
    """A page of the doctor's exceptions in order of their first date, each with what it displaces now."""
    after = _after(cursor)
    doctor = await _known(unit, caller, doctor_id)
    page = await exceptions.page(unit.connection, *doctor, after, limit + 1)
    more, page = len(page) > limit, page[:limit]
    cursor = encode_cursor(page[-1].dates[0].isoformat(), str(page[-1].id)) if more else None
    return ExceptionsFound(items=await _found(unit, doctor, page), next_cursor=cursor)


async def end_exception(unit: RegistryUnit, caller: Caller, doctor_id: UUID, exception_id: UUID) -> None:
    """Ends an exception: the calendar is as if it had never been, but for what was taken of extra hours."""
    doctor = DoctorKey(caller.clinic_id, doctor_id)
    planned = await plan_slots(unit, await read_calendar(unit, doctor), ended=exception_id)
    await lock_calendar(unit, doctor)
    if not await exceptions.remove(unit.connection, *doctor, exception_id):
        raise ProblemError(Code.UNKNOWN_EXCEPTION)
    await regenerate_slots(unit, await read_calendar(unit, doctor), planned)
    unit.record(caller, Action.EXCEPTION_ENDED, exception_id, doctor_id=doctor_id)


def _form(data: object) -> ClosedIn | ExtraIn:
    """The body of either kind, with each bad field under its own name."""
    kind = data.get("kind") if isinstance(data, dict) else ExceptionKind.CLOSED
    if kind not in list(ExceptionKind):
        raise ProblemError(Code.VALIDATION_FAILED, errors=[FieldError(field="kind", reason="must be closed or extra")])
    return parse(ClosedIn, data) if kind == ExceptionKind.CLOSED else parse(ExtraIn, data)


async def _lock(unit: RegistryUnit, doctor: DoctorKey, new: CalendarException) -> DoctorCalendar:
    """Locks the doctor for a new exception. Raises `ProblemError` for one that cannot be, or that is over already."""
    await lock_calendar(unit, doctor)
    locked = await read_calendar(unit, doctor)
    if errors := exception_errors(new.rule, locked.calendar.zones):
        raise ProblemError(Code.VALIDATION_FAILED, errors=errors)
    if new.dates[1] < today(_zone(locked.calendar, new), unit.now):
        raise ProblemError(Code.PAST_DATE)
    return locked


def _zone(calendar: Calendar, exception: CalendarException) -> str:
    return calendar.zone if isinstance(exception.rule, Closed) else calendar.zone_of(exception.rule.hours)


async def _known(unit: RegistryUnit, caller: Caller, doctor_id: UUID) -> DoctorKey:
    if await schedules.version_of(unit.connection, caller.clinic_id, doctor_id) is None:
        raise ProblemError(Code.UNKNOWN_DOCTOR)
    return DoctorKey(caller.clinic_id, doctor_id)


async def _found(unit: RegistryUnit, doctor: DoctorKey, page: Sequence[CalendarException]) -> list[ExceptionFound]:
    """The exceptions with what they displace: extra hours displace nobody."""
    closed = [one for one in page if isinstance(one.rule, Closed)]
    ids = await displaced.on_dates(unit.connection, *doctor, unit.now, [one.dates for one in closed])
    displaced_ids = {one.id: found for one, found in zip(closed, ids, strict=True)}
    return [_view(one, displaced_ids.get(one.id, [])) for one in page]


def _view(exception: CalendarException, displaced_ids: list[UUID]) -> ExceptionFound:
    if isinstance(exception.rule, Closed):
        first, last = exception.rule
        fields = {"kind": ExceptionKind.CLOSED, "from": first, "to": last}
    else:
        hours, day = exception.rule
        fields = {
            "kind": ExceptionKind.EXTRA, "date": day,
            "start": time_text(hours.start_minute), "end": time_text(hours.end_minute),
            "location_id": hours.location_id, "slot_minutes": hours.slot_minutes,
        }  # fmt: skip
    return ExceptionFound.model_validate(
        {**fields, "id": exception.id, "reason": exception.reason, "displaced_ids": displaced_ids}
    )


def _after(cursor: str | None) -> tuple[date, UUID]:
    if cursor is None:
        return date.min, FIRST_ID
    first, id_ = decode_cursor(cursor, 2)
    try:
        return date.fromisoformat(first), UUID(id_)
    except ValueError:
        raise no_cursor() from None
