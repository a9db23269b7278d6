"""Gives slots back that booking has released or refused. Called by `slots/batch.py` under the locks of the days."""

from collections.abc import Sequence

from services.availability.domain.days import DayKey
from services.availability.domain.slots import ReservationKey
from services.availability.repository.calendar import generation_timers
from services.availability.repository.slots.release import release
from services.availability.service.slots.events import Release, emit_freed, record_freed
from shared.infra.metrics import RELEASES_IGNORED
from shared.infra.unit import Unit


async def release_slots(unit: Unit, releases: Sequence[Release]) -> None:
    """Frees what the reservations have still taken, and says of every release that it is done: also of one that found nothing."""
    asked = {reservation_key(message): DayKey.of(message) for message in releases}
    freed, lost_a_slot = await release(unit.connection, [(day, reservation) for reservation, day in asked.items()])
    if lost_a_slot:
        await generation_timers.make_doctors_due(unit.connection, lost_a_slot)
    for message in releases:
        if reservation_key(message) in freed:
            freed.remove(reservation_key(message))
            record_freed(unit, message)
        else:
            RELEASES_IGNORED.inc()
        emit_freed(unit, message)


def reservation_key(message: Release) -> ReservationKey:
    """The reservation that a release names."""
    return ReservationKey(message.clinic_id, message.slot_id, message.reservation_id)
