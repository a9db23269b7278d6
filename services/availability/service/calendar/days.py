"""Days set by hand: opened, closed, resized and read. Called by `routes/days.py` in a transaction of the caller's clinic.

Locks go in the order of the batches: the doctor, then the day's record, then its slots.
"""

from dataclasses import dataclass, replace
from uuid import UUID

from services.availability.domain.dates import doctor_zone, today
from services.availability.domain.days import (
    Day,
    DayKey,
    DayRules,
    DaySlots,
    bookable_after,
    date_refusal,
    day_view,
    resize_refusal,
    unrecorded_day,
)
from services.availability.repository.calendar import days
from services.availability.repository.displacement import displaced
from services.availability.repository.doctors import doctor_rows
from services.availability.repository.slots import capacity
from services.availability.schemas import DayForm
from shared.contracts.availability import DayView, Mode
from shared.contracts.calendar import HORIZON_DAYS, DayPut, DoctorToday
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
NO_SLOTS = (
    "No slots are there on that date: extra hours make some, or the end of the exception that closes it;"
    f" a schedule makes its own {HORIZON_DAYS} days ahead"
)


@dataclass(frozen=True)
class DayChange:
    """One change of a day on its way: which day, what is asked for, and what the clinic allows."""

    key: DayKey
    form: DayForm
    clinic: ClinicSettings


def parse_day(data: object, clinic: ClinicSettings) -> DayForm:
    """The body of a change. Raises `ProblemError` that names every bad field."""
    return parse(DayForm, data, DayForm.rules(clinic))


async def set_day(unit: RegistryUnit, caller: Caller, change: DayChange) -> Done[DayPut]:
    """Opens, closes or resizes a day; what is left out stays. A closed one keeps what is taken, and tells of it.

    Raises `ProblemError` for what cannot be.
    """
    body_hash = canonical_hash(change.form, doctor_id=change.key.doctor_id)
    return await once(unit, caller, COMMAND, body_hash, as_it_was(DayPut), lambda: _set_day(unit, caller, change))


async def _set_day(unit: RegistryUnit, caller: Caller, change: DayChange) -> Done[DayPut]:
    key = change.key
    doctor = await doctor_rows.get(unit.sql, caller.clinic_id, key.doctor_id, share=True)
    if doctor is None or doctor.status is not Active.ACTIVE:
        raise ProblemError(Code.UNKNOWN_DOCTOR)
    rules = await days.rules(unit.sql, key)
    day, made = await _lock_or_make(unit, change, rules)
    slots = await _count(unit, key, change.clinic)
    if change.form.available and day.mode is Mode.TIMED and not slots.published:
        raise ProblemError(Code.TIMED_DAY, NO_SLOTS)
    before = _view(unit, change.clinic, key, day, slots, rules)
    await _resize(unit, change, day.mode, slots, rules, made=made)
    was_available = day.available
    if not made:
        day = replace(day, available=was_available if change.form.available is None else change.form.available)
        await days.change(unit.sql, key, available=day.available)
    view = _view(unit, change.clinic, key, day, await _count(unit, key, change.clinic), rules)
    if made or (view, day.available) != (before, was_available):
        now = {"date": view.date, "capacity": view.capacity, "available": day.available}
        unit.record(caller, Action.DAY_SET, key.doctor_id, made=made, **now)
    put = DayPut(**view.model_dump(), displaced_ids=await _displaced(unit, key, closed=rules.closed or not day.available))
    return Done(CREATED if made else CHANGED, put)


async def read_day(unit: RegistryUnit, key: DayKey) -> DayView:
    """A day of a doctor, as a booking would find it: its record, or what the clinic's default makes. Reading makes nothing."""
    if await doctor_rows.get(unit.sql, key.clinic_id, key.doctor_id) is None:
        raise ProblemError(Code.UNKNOWN_DOCTOR)
    day, rules = await days.get(unit.sql, key), await days.rules(unit.sql, key)
    clinic = await clinic_settings.of(unit.connection, key.clinic_id)
    if day is None:
        return _view(unit, clinic, key, *unrecorded_day(clinic, rules), rules)
    return _view(unit, clinic, key, day, await _count(unit, key, clinic), rules)


async def read_today(unit: RegistryUnit, clinic_id: UUID, doctor_id: UUID) -> DoctorToday:
    """Which date it is for a doctor: that of the day that is today where it takes place, else the one in the doctor's zone."""
    found = await days.today(unit.connection, clinic_id, doctor_id, unit.now)
    if found is None:
        raise ProblemError(Code.UNKNOWN_DOCTOR)
    clinic = await clinic_settings.of(unit.connection, clinic_id)
    date = found.date or today(doctor_zone(found.location_zones, clinic.time_zone), unit.now)
    return DoctorToday(doctor_id=doctor_id, date=date)


async def _lock_or_make(unit: RegistryUnit, change: DayChange, rules: DayRules) -> tuple[Day, bool]:
    """Locks the day's record, which is made if there is none. Answers the record, and whether it was made."""
    day = await days.get(unit.sql, change.key, lock=True)
    zone = day.time_zone if day else doctor_zone(rules.location_zones, change.clinic.time_zone)
    if refused := date_refusal(change.key.date, zone, change.clinic.booking_horizon_days, unit.now):
        raise ProblemError(refused)
    if day is not None:
        return day, False
    if change.form.capacity is None and change.clinic.default_daily_capacity == 0 and not rules.timed:
        raise ProblemError(Code.VALIDATION_FAILED, errors=[FieldError(field="capacity", reason="is required")])
    mode, available = Mode.TIMED if rules.timed else Mode.DAILY, change.form.available is not False
    new = Day(mode, available, zone)
    if await days.make(unit.sql, change.key, new):
        return new, True
    made_meanwhile = await days.get(unit.sql, change.key, lock=True)
    assert made_meanwhile is not None  # by a booking
    return made_meanwhile, False


async def _resize(unit: RegistryUnit, change: DayChange, mode: Mode, before: DaySlots, rules: DayRules, *, made: bool) -> None:
    """Gives the locked day the slots that are asked for; a new one those of the clinic's default."""
    size = change.form.capacity or (change.clinic.default_daily_capacity if made and not rules.timed else None)
    if refused := resize_refusal(mode, before.taken, size, rules):
        raise ProblemError(refused)
    if size is not None and size > before.capacity:
        await capacity.grow(unit.connection, {change.key: size})
    elif size is not None and size < before.capacity:
        await capacity.shrink(unit.connection, change.key, before.capacity - size)


async def _displaced(unit: RegistryUnit, key: DayKey, *, closed: bool) -> list[UUID]:
    """The appointments to come of a closed day."""
    if not closed:
        return []
    span = (key.date, key.date)
    return (await displaced.on_dates(unit.connection, *key.doctor, unit.now, [span]))[0]


async def _count(unit: RegistryUnit, key: DayKey, clinic: ClinicSettings) -> DaySlots:
    return await capacity.count(unit.connection, key, bookable_after(clinic, unit.now))


def _view(unit: RegistryUnit, clinic: ClinicSettings, key: DayKey, day: Day, slots: DaySlots, rules: DayRules) -> DayView:
    refused = date_refusal(key.date, day.time_zone, clinic.booking_horizon_days, unit.now)
    return day_view(key, day, slots, closed=rules.closed, refused=refused)
