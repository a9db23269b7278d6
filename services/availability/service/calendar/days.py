"""Opening, closing, resizing and reading a day. Called by `routes.py` in a transaction of the caller's clinic.

Locks go in the order of the batches: the doctor, then the day's record, then its slots.
"""

from dataclasses import dataclass
from uuid import UUID

from services.availability.domain.days import Day, DayKey, DayRules, date_refusal, resize_refusal, unrecorded_day
from services.availability.repository import days, doctors, slot_generation, slots
from services.availability.schemas import DayForm
from shared.contracts.availability import DayView, Mode
from shared.contracts.calendar import DayPut
from shared.contracts.clinics import ClinicSettings
from shared.contracts.problems import Code, FieldError
from shared.contracts.shapes import Active
from shared.infra import clinic_settings
from shared.infra.audit import Action
from shared.infra.caller import Caller
from shared.infra.forms import canonical_hash, parse
from shared.infra.problems import ProblemError
from shared.infra.repeats import Done, as_it_was, once
from shared.infra.unit import RegistryUnit

COMMAND = "SetAvailability"
CREATED, CHANGED = 201, 200


@dataclass(frozen=True)
class Change:
    """One change of a day on its way: which day, what is asked for, and what the clinic allows."""

    key: DayKey
    form: DayForm
    clinic: ClinicSettings


def judged_day(data: object, clinic: ClinicSettings) -> DayForm:
    """The body of a change, or a refusal that names every bad field."""
    return parse(DayForm, data, DayForm.rules(clinic))


async def set_day(unit: RegistryUnit, caller: Caller, change: Change) -> Done[DayPut]:
    """Opens, closes or resizes a day; what is left out stays. A closed one keeps what is taken, and tells of it.

    Raises `ProblemError` for what cannot be.
    """
    doctor_id = change.key.doctor_id
    body_hash = canonical_hash(change.form, doctor_id=doctor_id)
    return await once(unit, caller, COMMAND, body_hash, as_it_was(DayPut), lambda: _set_day(unit, caller, change))


async def _set_day(unit: RegistryUnit, caller: Caller, change: Change) -> Done[DayPut]:
    doctor_id = change.key.doctor_id
    doctor = await doctors.get(unit.sql, caller.clinic_id, doctor_id, share=True)
    if doctor is None or doctor.status is not Active.ACTIVE:
        raise ProblemError(Code.UNKNOWN_DOCTOR)
    rules = await days.rules(unit.sql, change.key)
    made = await _lock_or_make(unit, change, rules)
    before = await _resize(unit, change, rules, made=made)
    status_code = CREATED if made else CHANGED
    view = await read_day(unit, change.key)
    if made or view != before:
        now = {"date": view.date, "capacity": view.capacity, "available": view.available}
        unit.record(caller, Action.DAY_SET, doctor_id, made=made, **now)
    put = DayPut(**view.model_dump(), displaced_ids=await _displaced(unit, change.key, view))
    return Done(status_code, put)


async def read_day(unit: RegistryUnit, key: DayKey) -> DayView:
    """A day of a doctor: its record, or what the clinic's default would make of it. Reading makes nothing."""
    if await doctors.get(unit.sql, key.clinic_id, key.doctor_id) is None:
        raise ProblemError(Code.UNKNOWN_DOCTOR)
    day, rules = await days.get(unit.sql, key), await days.rules(unit.sql, key)
    if day is None:
        return unrecorded_day(key.doctor_id, key.date, await clinic_settings.of(unit.connection, key.clinic_id), rules)
    return await _view(unit, key, day, rules)


async def _lock_or_make(unit: RegistryUnit, change: Change, rules: DayRules) -> bool:
    """Locks the day's record, which is made if there is none. Answers whether it was made."""
    day = await days.get(unit.sql, change.key, lock=True)
    _refuse_date(unit, change, day)
    if day is not None:
        return False
    if change.form.capacity is None and change.clinic.default_daily_capacity == 0 and not rules.timed:
        raise ProblemError(Code.VALIDATION_FAILED, errors=[FieldError(field="capacity", reason="is required")])
    mode, available = Mode.TIMED if rules.timed else Mode.DAILY, change.form.available is not False
    made = await days.make(unit.sql, change.key, Day(mode, available, change.clinic.time_zone))
    if not made:  # a booking made it meanwhile
        await days.get(unit.sql, change.key, lock=True)
    return made


def _refuse_date(unit: RegistryUnit, change: Change, day: Day | None) -> None:
    zone = day.time_zone if day else change.clinic.time_zone
    refused = date_refusal(change.key.date, zone, change.clinic.booking_horizon_days, unit.now)
    if refused is not None:
        raise ProblemError(refused)


async def _resize(unit: RegistryUnit, change: Change, rules: DayRules, *, made: bool) -> DayView:
    """Gives the locked day the slots and the availability that are asked for. Answers how it was before."""
    day = await days.get(unit.sql, change.key)
    assert day is not None
    view = await _view(unit, change.key, day, rules)
    capacity = change.form.capacity or (change.clinic.default_daily_capacity if made and not rules.timed else None)
    if refused := resize_refusal(view, capacity, rules):
        raise ProblemError(refused)
    if capacity is not None and capacity > view.capacity:
        await slots.grow(unit.connection, {change.key: capacity})
    elif capacity is not None and capacity < view.capacity:
        await slots.shrink(unit.connection, change.key, view.capacity - capacity)
    if not made:
        available = day.available if change.form.available is None else change.form.available
        await days.change(unit.sql, change.key, available=available)
    return view


async def _displaced(unit: RegistryUnit, key: DayKey, day: DayView) -> list[UUID]:
    """The appointments to come of a closed day."""
    if day.available:
        return []
    span = (key.date, key.date)
    return (await slot_generation.on_dates(unit.connection, key.clinic_id, key.doctor_id, unit.now, [span]))[0]


async def _view(unit: RegistryUnit, key: DayKey, day: Day, rules: DayRules) -> DayView:
    capacity, remaining = await slots.count(unit.connection, key)
    available = day.available and not rules.closed
    return DayView(
        doctor_id=key.doctor_id, date=key.date, mode=day.mode, available=available, capacity=capacity, remaining=remaining
    )
