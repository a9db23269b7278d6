"""Moves appointments whose place a calendar has taken back: all new places are taken at once, before anything is freed.

Called by `routes/displacement.py`. Places are chosen without locks, then what was chosen is locked and chosen again; if less is
left than was seen, a rival was faster, and all begins anew. Booking makes each move, or gives the new place back, as with a
reschedule.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID, uuid5

import structlog

from services.availability.domain.displacement import SPARE_PLACES, Lost, Match, Place, days_to_lock, match, unplaced
from services.availability.repository import displacement, doctors, slots
from services.availability.repository.doctors import Filter
from services.availability.service.displacement.open_places import Wanted, hold_days, open_places
from shared.contracts.availability import SlotReserved
from shared.contracts.booking import Purpose
from shared.contracts.clinics import ClinicSettings
from shared.contracts.commands import DECIDE_WITHIN_SECONDS
from shared.contracts.displacement import (
    MAX_DISPLACE_DAYS,
    MAX_DISPLACED,
    DisplacedFound,
    DisplaceIn,
    DisplacementStep,
    DisplaceOrder,
    DisplacePlan,
    PlaceView,
    Policy,
)
from shared.contracts.problems import Code, FieldError
from shared.contracts.shapes import Active
from shared.contracts.topics import AVAILABILITY_EVENTS
from shared.infra import clinic_settings
from shared.infra.audit import Action
from shared.infra.caller import Caller
from shared.infra.errors import Outrun
from shared.infra.forms import canonical_hash, parse
from shared.infra.ids import new_id
from shared.infra.problems import ProblemError
from shared.infra.repeats import Done, as_it_was, once, stored_answer
from shared.infra.unit import RegistryUnit

log = structlog.get_logger()

COMMAND = "DisplaceAppointments"
DONE = 200


@dataclass(frozen=True)
class Call:
    """One displacement on its way: who asks for what, what it is judged by, and whose places may be taken."""

    caller: Caller
    doctor_id: UUID
    asked: DisplaceIn
    body_hash: str
    patients: dict[UUID, UUID]
    """By appointment: these alone are moved."""
    left: int
    clinic: ClinicSettings
    hosts: frozenset[UUID]

    @property
    def later(self) -> bool:
        """Whether a new place must be later than the old one."""
        return self.asked.policy is Policy.SAME_DOCTOR


async def find_displaced(unit: RegistryUnit, caller: Caller, doctor_id: UUID, data: object) -> DisplacedFound:
    """Which appointments a displacement would move, or what the repeat of one did already. Raises `ProblemError`."""
    asked = _judged(parse(DisplaceIn, data))
    stored = await stored_answer(unit, caller, canonical_hash(asked, doctor_id=doctor_id))
    if stored is not None:
        return DisplacedFound(appointment_ids=[], left=0, plan=DisplacePlan.model_validate(stored.result))
    await _hosts(unit, caller, doctor_id, asked.policy)
    lost, moving = await displacement.lost(unit.connection, caller.clinic_id, doctor_id, (asked.from_, asked.to), unit.now)
    first = [one.appointment_id for one in lost[:MAX_DISPLACED]]
    return DisplacedFound(appointment_ids=first, left=len(lost) - len(first) + moving)


async def displace(
    unit: RegistryUnit, caller: Caller, doctor_id: UUID, data: object, question_after_seconds: float
) -> Done[DisplacePlan]:
    """Takes a new place for each named appointment that is displaced still; a dry run only tells which. Raises `ProblemError`."""
    order = parse(DisplaceOrder, data)
    body_hash = canonical_hash(_judged(order.asked), doctor_id=doctor_id)

    async def carry_out() -> Done[DisplacePlan]:
        call = await _call(unit, caller, doctor_id, order, body_hash)
        lost, places = await _look(unit, call)
        matches = await _again(unit, call, match(lost, places, later=call.later), places)
        return Done(DONE, await _carry_out(unit, call, matches, question_after_seconds))

    if order.asked.dry_run:
        call = await _call(unit, caller, doctor_id, order, body_hash)
        return Done(DONE, _plan(call, match(*await _look(unit, call), later=call.later)))
    return await once(unit, caller, COMMAND, body_hash, as_it_was(DisplacePlan), carry_out)


async def _call(unit: RegistryUnit, caller: Caller, doctor_id: UUID, order: DisplaceOrder, body_hash: str) -> Call:
    hosts = await _hosts(unit, caller, doctor_id, order.asked.policy)
    clinic = await clinic_settings.of(unit.connection, caller.clinic_id)
    patients = {one.appointment_id: one.patient_id for one in order.appointments}
    return Call(caller, doctor_id, order.asked, body_hash, patients, order.left, clinic, hosts)


def _judged(asked: DisplaceIn) -> DisplaceIn:
    if asked.to < asked.from_:
        reason = "must not be earlier than from"
    elif (asked.to - asked.from_).days >= MAX_DISPLACE_DAYS:
        reason = f"must be within {MAX_DISPLACE_DAYS} days"
    else:
        return asked
    raise ProblemError(Code.VALIDATION_FAILED, errors=[FieldError(field="to", reason=reason)])


async def _hosts(unit: RegistryUnit, caller: Caller, doctor_id: UUID, policy: Policy) -> frozenset[UUID]:
    """The doctors to whom the policy brings patients. Raises `unknown_doctor`, also for a deleted one."""
    doctor = await doctors.get(unit.sql, caller.clinic_id, doctor_id)
    if doctor is None or doctor.status is not Active.ACTIVE:
        raise ProblemError(Code.UNKNOWN_DOCTOR)
    if policy is Policy.SAME_DOCTOR:
        return frozenset({doctor_id})
    if doctor.category is None:
        errors = [FieldError(field="policy", reason="needs a doctor with a category")]
        raise ProblemError(Code.VALIDATION_FAILED, errors=errors)
    colleagues = await doctors.matching(unit.sql, caller.clinic_id, Filter(category=doctor.category.id), None)
    return frozenset(colleagues) - {doctor_id}


async def _look(unit: RegistryUnit, call: Call) -> tuple[list[Lost], list[Place]]:
    """What is displaced of what is to be moved, and the open places that it may get."""
    span = (call.asked.from_, call.asked.to)
    found, _ = await displacement.lost(unit.connection, call.caller.clinic_id, call.doctor_id, span, unit.now)
    lost = [one for one in found if one.appointment_id in call.patients]
    if not lost:
        return [], []
    after = lost[0].place.at if call.later else unit.now
    wanted = Wanted(call.caller.clinic_id, call.clinic, call.hosts, after, len(lost) + SPARE_PLACES, every=call.later)
    return lost, await open_places(unit, wanted)


async def _again(unit: RegistryUnit, call: Call, seen: Sequence[Match], places: Sequence[Place]) -> list[Match]:
    """The choice once more, behind the locks of all that it needs. Raises `Outrun` if there is less than was seen."""
    days = await hold_days(unit, call.caller, call.clinic, days_to_lock(seen, places))
    lost, places = await _look(unit, call)
    matches = match(lost, [place for place in places if place.day in days], later=call.later)
    if unplaced(matches) > unplaced(seen):
        raise Outrun
    return matches


async def _carry_out(unit: RegistryUnit, call: Call, matches: Sequence[Match], question_after_seconds: float) -> DisplacePlan:
    """Takes the places and tells booking of them."""
    reserved = [_reserved(unit, call, one.lost, one.place) for one in matches if one.place]
    if reserved:
        await slots.take(unit.connection, reserved, question_after_seconds)
    plan = _plan(call, matches)
    ids = {"clinic_id": str(call.caller.clinic_id), "doctor_id": str(call.doctor_id)}
    log.info("appointments_displaced", **ids, taken=len(reserved), unplaced=unplaced(matches), left=call.left)
    return plan


def _reserved(unit: RegistryUnit, call: Call, lost: Lost, place: Place) -> SlotReserved:
    """A place for an appointment, by a command of its own: it has one outcome, whatever becomes of the others."""
    assert place.slot_id is not None  # it was locked, so its day has been made
    envelope = unit.envelope(replace(call.caller, command_id=_command_id(call, lost)))
    envelope["body_hash"] = call.body_hash
    envelope["accepted_at"], envelope["decide_by"] = unit.now, unit.now + timedelta(seconds=DECIDE_WITHIN_SECONDS)
    reserved = SlotReserved(
        **envelope,
        doctor_id=place.day.doctor_id,
        date=place.day.date,
        reservation_id=new_id(),
        appointment_id=lost.appointment_id,
        patient_id=call.patients[lost.appointment_id],
        slot_id=place.slot_id,
        slot_number=place.number,
        time_zone=place.time_zone,
        location_id=place.location_id,
        starts_at=place.starts_at,
        ends_at=place.ends_at,
        purpose=Purpose.DISPLACE,
        instead_of=lost.reservation_id,
    )
    unit.emit(AVAILABILITY_EVENTS, reserved)
    named = {"reservation_id": reserved.reservation_id, "appointment_id": lost.appointment_id}
    taken = {"doctor_id": reserved.doctor_id, "date": reserved.date, **named, "number": place.number}
    unit.record(reserved, Action.SLOT_TAKEN, reserved.slot_id, **taken)
    return reserved


def _command_id(call: Call, lost: Lost) -> UUID | None:
    """A dry run has no command; a call always has one."""
    return uuid5(call.caller.command_id, str(lost.appointment_id)) if call.caller.command_id else None


def _plan(call: Call, matches: Sequence[Match]) -> DisplacePlan:
    """What is answered. Who has no place has no command either."""
    return DisplacePlan(steps=[_step(call, one) for one in matches], left=call.left)


def _step(call: Call, one: Match) -> DisplacementStep:
    lost, place = one
    ids = {"appointment_id": lost.appointment_id, "patient_id": call.patients[lost.appointment_id]}
    places = {"from": _view(lost.place), "to": place and _view(place)}
    return DisplacementStep.model_validate({**ids, **places, "command_id": _command_id(call, lost) if place else None})


def _view(place: Place) -> PlaceView:
    named = {name: getattr(place, name) for name in ("slot_id", "location_id", "starts_at", "ends_at")}
    return PlaceView(doctor_id=place.day.doctor_id, date=place.day.date, slot=place.number, **named)
