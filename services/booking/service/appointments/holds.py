"""The end of holds that nobody confirmed: written by a sweep twice a second, and before that by whoever meets one in the way.

Confirm and expiry decide under the lock of the appointment's row, by the database's clock: one of them wins. The sweep waits for
nobody, and is safe in several processes. Bookings, merges and deletes do not wait for the sweep: what they find they end here.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

import structlog

from services.booking.domain import Appointment
from services.booking.repository import appointments, holds
from services.booking.service.appointments.cancellations import give_back, say_expired
from shared.contracts.appointments import Status
from shared.infra.audit import SYSTEM
from shared.infra.caller import Caller
from shared.infra.errors import Outrun
from shared.infra.jobs import Job
from shared.infra.metrics import HOLDS_EXPIRED, JOBS_FAILED
from shared.infra.unit import Unit, Units

log = structlog.get_logger()

JOB = "holds"
INTERVAL_SECONDS = 0.5
"""A place is to be free again within 2 s; the way of its release over Kafka may take half of them."""
HOLDS = 200
"""So many are ended in one transaction."""
TIMERS = 10_000
"""The clinics of so many are looked at in one round."""


async def expire(unit: Unit, locked: Iterable[Appointment]) -> int:
    """Writes and says that those of these locked appointments have expired that are holds and over. Answers how many."""
    expired = [one.changed(Status.EXPIRED, unit.now) for one in locked if one.is_overdue(unit.now)]
    if expired:
        await appointments.change(unit.connection, expired)
    for one in expired:
        nobody = Caller(one.clinic_id, SYSTEM, SYSTEM, None, f"hold-{one.id}")
        say_expired(unit, nobody, one)
        give_back(unit, nobody, one)
    return len(expired)


async def without_overdue(unit: Unit, found: Sequence[Appointment]) -> list[Appointment]:
    """What is live of these appointments, which are not locked: holds that are over are ended, so that they block nobody.

    Whoever has one of these locked decides about it right now. It is not waited for, as other locks are held already: raises
    `Outrun`, and the batch begins again.
    """
    overdue = {(one.clinic_id, one.id) for one in found if one.is_overdue(unit.now)}
    if not overdue:
        return list(found)
    locked = await appointments.lock_unlocked(unit.connection, overdue)
    if len(locked) < len(overdue):
        raise Outrun
    await expire(unit, locked)
    others = [one for one in found if (one.clinic_id, one.id) not in overdue]
    return others + [one for one in locked if one.is_live(unit.now)]


def sweeping(units: Units) -> Job:
    """The job of one process: ends every hold whose time is over, clinic by clinic."""

    async def sweep() -> None:
        async with units.batch(()) as unit:
            due = await holds.clinics(unit.connection, TIMERS)
        for clinic_id in due:
            await _sweep_clinic(units, clinic_id)

    return Job(JOB, INTERVAL_SECONDS, sweep)


async def _sweep_clinic(units: Units, clinic_id: UUID) -> None:
    """One clinic that fails does not hold up the others; its timers are still there in the next round."""
    try:
        while await _sweep_some(units, clinic_id) == HOLDS:
            pass
    except Exception as error:  # noqa: BLE001
        JOBS_FAILED.labels(job=JOB).inc()
        log.warning("sweep_failed", clinic_id=str(clinic_id), error=type(error).__name__)


async def _sweep_some(units: Units, clinic_id: UUID) -> int:
    """Ends timers that are due, and their holds if they still are any. Answers how many timers; what is locked keeps its own."""
    async with units.batch({clinic_id}) as unit:
        due = await holds.take_due(unit.connection, clinic_id, unit.now, HOLDS)
        if not due:
            return 0
        locked = await appointments.lock_unlocked(unit.connection, {(clinic_id, id_) for id_ in due})
        expired = await expire(unit, locked)
        await holds.end(unit.connection, clinic_id, [one.id for one in locked])
    HOLDS_EXPIRED.inc(expired)
    if expired:
        log.info("holds_expired", clinic_id=str(clinic_id), count=expired)
    return len(locked)
