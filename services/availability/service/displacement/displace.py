"""Moves displaced appointments: all new places are taken at once, before anything is freed.

Called by `routes/displacement.py`. Places are chosen without locks, then what was chosen is locked and chosen again; if less is
left than was seen, another transaction was faster, and all begins anew. Booking makes each move, or gives the new place back, as
with a reschedule.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import structlog

from services.availability.domain.displacement import (
    SPARE_PLACES,
    AppointmentPlace,
    DisplacedAppointment,
    OpenPlaces,
    Placement,
    assign_places,
    count_unplaced,
    days_to_lock,
    numbers_needed,
    with_slots,
)
from services.availability.domain.reservations import FreeSlotsNeeded
from services.availability.repository.displacement import displaced
from services.availability.repository.slots.reserve import free_slots, take
from services.availability.service.displacement.open_places import PlaceQuery, lock_days, open_places
from services.availability.service.displacement.plans import plan_of
from services.availability.service.displacement.run import DisplacementRun, check_dates, prepare
from services.availability.service.slots.events import emit_reserved
from shared.contracts.availability import SlotReserved
from shared.contracts.booking import Purpose
from shared.contracts.commands import DECIDE_WITHIN_SECONDS
from shared.contracts.displacement import DisplaceOrder, DisplacePlan
from shared.infra.caller import Caller
from shared.infra.errors import Outrun
from shared.infra.forms import canonical_hash, parse
from shared.infra.repeats import Done, as_it_was, once
from shared.infra.unit import RegistryUnit

log = structlog.get_logger()

COMMAND = "DisplaceAppointments"
DONE = 200


async def displace(
    unit: RegistryUnit, caller: Caller, doctor_id: UUID, data: object, question_after_seconds: float
) -> Done[DisplacePlan]:
    """Takes a new place for each named appointment that is displaced still; a dry run only tells which. Raises `ProblemError`.

    Booking is asked about a place that it has not acknowledged after so many seconds.
    """
    order = parse(DisplaceOrder, data)
    check_dates(order.asked)
    body_hash = canonical_hash(order.asked, doctor_id=doctor_id)

    async def take_places() -> Done[DisplacePlan]:
        run = await prepare(unit, caller, doctor_id, order, body_hash)
        placements = await _choose_locked(unit, run)
        await _take(unit, run, placements, question_after_seconds)
        return Done(DONE, plan_of(run, placements))

    if order.asked.dry_run:
        run = await prepare(unit, caller, doctor_id, order, body_hash)
        return Done(DONE, plan_of(run, await _assign(unit, run, *await _read(unit, run))))
    return await once(unit, caller, COMMAND, body_hash, as_it_was(DisplacePlan), take_places)


async def _read(unit: RegistryUnit, run: DisplacementRun) -> tuple[list[DisplacedAppointment], list[OpenPlaces]]:
    """What is displaced of what is to be moved, and the open places that it may get."""
    span = (run.asked.from_, run.asked.to)
    found, _ = await displaced.displaced(unit.connection, run.caller.clinic_id, run.doctor_id, span, unit.now)
    to_move = [one for one in found if one.appointment_id in run.patients]
    if not to_move:
        return [], []
    starts = run.bound.starts(to_move, unit.now)
    query = PlaceQuery(run.caller.clinic_id, run.clinic, run.receiving_doctors, starts, len(to_move) + SPARE_PLACES)
    return to_move, await open_places(unit, query)


async def _assign(
    unit: RegistryUnit, run: DisplacementRun, to_move: Sequence[DisplacedAppointment], places: Sequence[OpenPlaces]
) -> list[Placement]:
    """Gives places, and finds the slots of the numbers that were given."""
    placements = assign_places(to_move, places, run.bound)
    needed = numbers_needed(placements, places)
    asked = {day: FreeSlotsNeeded(number) for day, number in needed.items()}
    free = await free_slots(unit.connection, asked) if asked else {}
    return with_slots(placements, {day: free[day].slots if day in free else [] for day in needed})


async def _choose_locked(unit: RegistryUnit, run: DisplacementRun) -> list[Placement]:
    """Chooses places, locks all that this needs, and chooses again. Raises `Outrun` if there is less then than was seen."""
    to_move, places = await _read(unit, run)
    seen = assign_places(to_move, places, run.bound)
    days = await lock_days(unit, run.caller, run.clinic, days_to_lock(seen, places))
    to_move, places = await _read(unit, run)
    placements = await _assign(unit, run, to_move, [place for place in places if place.day in days])
    if count_unplaced(placements) > count_unplaced(seen):
        raise Outrun
    return placements


async def _take(unit: RegistryUnit, run: DisplacementRun, placements: Sequence[Placement], question_after_seconds: float) -> None:
    """Takes the places and tells booking of them."""
    reserved = [_reserved(unit, run, one.displaced, one.new_place) for one in placements if one.new_place]
    for message in reserved:
        emit_reserved(unit, message, message)
    if reserved:
        await take(unit.connection, reserved, question_after_seconds)
    ids = {"clinic_id": str(run.caller.clinic_id), "doctor_id": str(run.doctor_id)}
    counts = {"taken": len(reserved), "unplaced": count_unplaced(placements), "left": run.left}
    log.info("appointments_displaced", **ids, **counts)


def _reserved(unit: RegistryUnit, run: DisplacementRun, displaced: DisplacedAppointment, place: AppointmentPlace) -> SlotReserved:
    """What booking is told of a new place of an appointment, by a command of its own."""
    assert place.slot_id is not None  # it was locked, so its day has been made
    envelope = unit.envelope(replace(run.caller, command_id=run.command_id_of(displaced.appointment_id)))
    envelope["body_hash"] = run.body_hash
    envelope["accepted_at"], envelope["decide_by"] = unit.now, unit.now + timedelta(seconds=DECIDE_WITHIN_SECONDS)
    return SlotReserved(
        **envelope,
        doctor_id=place.day.doctor_id,
        date=place.day.date,
        reservation_id=unit.new_id(),
        appointment_id=displaced.appointment_id,
        patient_id=run.patients[displaced.appointment_id],
        slot_id=place.slot_id,
        slot_number=place.number,
        time_zone=place.time_zone,
        location_id=place.location_id,
        starts_at=place.starts_at,
        ends_at=place.ends_at,
        purpose=Purpose.DISPLACE,
        instead_of=displaced.reservation_id,
    )
