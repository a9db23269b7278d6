"""The expiry of holds: a hold past its `expires_at` is overdue until somebody who meets it writes that it has expired.

A confirmation and the expiry both decide under the lock of the appointment's row, by the database's clock: one of them wins.
The sweep (`sweep.py`) comes twice a second; bookings, merges and deletes do not wait for it.
"""

from collections.abc import Iterable, Sequence

from services.booking.domain.appointments import Appointment
from services.booking.repository import appointments
from services.booking.service.appointments.events import emit_expired, emit_released
from shared.contracts.appointments import Status
from shared.infra.audit import SYSTEM
from shared.infra.caller import Caller
from shared.infra.errors import Outrun
from shared.infra.unit import Unit


async def expire_locked(unit: Unit, locked: Iterable[Appointment]) -> int:
    """Ends the overdue holds among these locked appointments. Answers how many."""
    expired = [one.with_status(Status.EXPIRED, unit.now) for one in locked if one.is_overdue(unit.now)]
    if expired:
        await appointments.change(unit.connection, expired)
    for one in expired:
        cause = Caller(one.clinic_id, SYSTEM, SYSTEM, None, f"hold-{one.id}")
        emit_expired(unit, cause, one)
        emit_released(unit, cause, one)
    return len(expired)


async def expire_unlocked(unit: Unit, found: Sequence[Appointment]) -> list[Appointment]:
    """Ends the overdue holds among these appointments, which are not locked, and gives those that are live then.

    Whoever has locked one of these holds decides about it right now. The batch has other locks already and does not wait for it:
    raises `Outrun`, and the batch begins again.
    """
    overdue = {one.key for one in found if one.is_overdue(unit.now)}
    if not overdue:
        return list(found)
    locked = await appointments.try_lock(unit.connection, overdue)
    if len(locked) < len(overdue):
        raise Outrun
    await expire_locked(unit, locked)
    others = [one for one in found if one.key not in overdue]
    return others + [one for one in locked if one.is_live(unit.now)]
