"""Closed dates and extra hours: made, listed and ended, with the appointments that they displace. Called by `routes/calendar.py`.

The calendar is changed first and what it displaces is read then, both under the doctor's lock: no booking slips in between.
"""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from services.availability.domain.calendar import Calendar, Closed
from services.availability.domain.schedules import exception_errors
from services.availability.domain.slot_generation import oldest_date, today
from services.availability.domain.wall_times import clock, rule_of
from services.availability.repository import calendar, slot_generation
from services.availability.repository.calendar import Kept
from services.availability.service.calendar.schedules import locked_version
from services.availability.service.calendar.slot_generation import replan
from shared.contracts.calendar import ClosedIn, ExceptionFound, ExceptionKind, ExceptionsFound, ExtraIn
from shared.contracts.problems import Code, FieldError
from shared.infra import clinic_settings
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
    form = _form(data)
    kept = Kept(id_of(caller, "exception"), rule_of(form), form.reason)
    if dry_run:
        await locked_version(unit, caller, doctor_id)
        await _judge(unit, caller, doctor_id, kept)
        return Done(TRIED, (await _found(unit, caller, doctor_id, [kept]))[0].model_copy(update={"id": None}))
    body_hash = canonical_hash(form, doctor_id=doctor_id)
    return await once(unit, caller, COMMAND, body_hash, as_it_was(ExceptionFound), lambda: _add(unit, caller, doctor_id, kept))


async def _add(unit: RegistryUnit, caller: Caller, doctor_id: UUID, kept: Kept) -> Done[ExceptionFound]:
    await locked_version(unit, caller, doctor_id)
    await _judge(unit, caller, doctor_id, kept)
    refuse_used_up(await calendar.get_exception(unit.connection, caller.clinic_id, doctor_id, kept.id))
    await calendar.add_exception(unit.connection, caller.clinic_id, doctor_id, kept, unit.now)
    await replan(unit, caller.clinic_id, doctor_id)
    (found,) = await _found(unit, caller, doctor_id, [kept])
    unit.record(caller, Action.EXCEPTION_MADE, kept.id, doctor_id=doctor_id, kind=found.kind, displaced=len(found.displaced_ids))
    return Done(CREATED, found)


async def read_exception(unit: RegistryUnit, caller: Caller, doctor_id: UUID, exception_id: UUID) -> ExceptionFound:
    """One exception with what it displaces now."""
    await _known(unit, caller, doctor_id)
    kept = await calendar.get_exception(unit.connection, caller.clinic_id, doctor_id, exception_id)
    if kept is None:
        raise ProblemError(Code.UNKNOWN_EXCEPTION)
    return (await _found(unit, caller, doctor_id, [kept]))[0]


async def list_exceptions(
    unit: RegistryUnit, caller: Caller, doctor_id: UUID, *, limit: int, cursor: str | None
) -> ExceptionsFound:
    """A page of the doctor's exceptions in order of their first date, each with what it displaces now."""
    after = _after(cursor)
    await _known(unit, caller, doctor_id)
    kept = await calendar.page(unit.connection, caller.clinic_id, doctor_id, after, limit + 1)
    more, kept = len(kept) > limit, kept[:limit]
    cursor = encode_cursor(_dates(kept[-1])[0].isoformat(), str(kept[-1].id)) if more else None
    return ExceptionsFound(items=await _found(unit, caller, doctor_id, kept), next_cursor=cursor)


async def end_exception(unit: RegistryUnit, caller: Caller, doctor_id: UUID, exception_id: UUID) -> None:
    """Ends an exception: the calendar is as if it had never been, but for what was taken of extra hours."""
    await locked_version(unit, caller, doctor_id)
    if not await calendar.end_exception(unit.connection, caller.clinic_id, doctor_id, exception_id):
        raise ProblemError(Code.UNKNOWN_EXCEPTION)
    await replan(unit, caller.clinic_id, doctor_id)
    unit.record(caller, Action.EXCEPTION_ENDED, exception_id, doctor_id=doctor_id)


def _form(data: object) -> ClosedIn | ExtraIn:
    """The body of either kind, with each bad field under its own name."""
    kind = data.get("kind") if isinstance(data, dict) else ExceptionKind.CLOSED
    if kind not in list(ExceptionKind):
        raise ProblemError(Code.VALIDATION_FAILED, errors=[FieldError(field="kind", reason="must be closed or extra")])
    return parse(ClosedIn, data) if kind == ExceptionKind.CLOSED else parse(ExtraIn, data)


async def _judge(unit: RegistryUnit, caller: Caller, doctor_id: UUID, kept: Kept) -> None:
    clinic = await clinic_settings.of(unit.connection, caller.clinic_id)
    known = await calendar.read(unit.connection, caller.clinic_id, doctor_id, clinic.time_zone, oldest_date(unit.now))
    if errors := exception_errors(kept.rule, known.zones):
        raise ProblemError(Code.VALIDATION_FAILED, errors=errors)
    if _dates(kept)[1] < today(_zone(known, kept), unit.now):
        raise ProblemError(Code.PAST_DATE)


def _zone(known: Calendar, kept: Kept) -> str:
    return known.zone if isinstance(kept.rule, Closed) else known.zone_of(kept.rule.hours)


async def _known(unit: RegistryUnit, caller: Caller, doctor_id: UUID) -> None:
    if await calendar.version_of(unit.connection, caller.clinic_id, doctor_id) is None:
        raise ProblemError(Code.UNKNOWN_DOCTOR)


async def _found(unit: RegistryUnit, caller: Caller, doctor_id: UUID, kept: Sequence[Kept]) -> list[ExceptionFound]:
    """The exceptions with what they displace: extra hours displace nobody."""
    closed = [one for one in kept if isinstance(one.rule, Closed)]
    spans = [_dates(one) for one in closed]
    ids = await slot_generation.on_dates(unit.connection, caller.clinic_id, doctor_id, unit.now, spans)
    displaced = {one.id: found for one, found in zip(closed, ids, strict=True)}
    return [_view(one, displaced.get(one.id, [])) for one in kept]


def _view(kept: Kept, displaced: list[UUID]) -> ExceptionFound:
    if isinstance(kept.rule, Closed):
        first, last = kept.rule
        fields = {"kind": ExceptionKind.CLOSED, "from": first, "to": last}
    else:
        hours, day = kept.rule
        fields = {
            "kind": ExceptionKind.EXTRA, "date": day, "start": clock(hours.start_minute), "end": clock(hours.end_minute),
            "location_id": hours.location_id, "slot_minutes": hours.slot_minutes,
        }  # fmt: skip
    return ExceptionFound.model_validate({**fields, "id": kept.id, "reason": kept.reason, "displaced_ids": displaced})


def _dates(kept: Kept) -> tuple[date, date]:
    rule = kept.rule
    return (rule.first, rule.last) if isinstance(rule, Closed) else (rule.date, rule.date)


def _after(cursor: str | None) -> tuple[date, UUID]:
    if cursor is None:
        return date.min, FIRST_ID
    first, id_ = decode_cursor(cursor, 2)
    try:
        return date.fromisoformat(first), UUID(id_)
    except ValueError:
        raise no_cursor() from None
