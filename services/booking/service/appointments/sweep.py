"""The sweep of a booking process: twice a second it ends the holds that nobody confirmed in time, clinic by clinic.

It waits for no lock, and several processes may sweep at once. Wired in `app.py`.
"""

from functools import partial
from uuid import UUID

import structlog

from services.booking.repository import appointments, hold_timers
from services.booking.service.appointments.expiry import expire_locked
from shared.infra.jobs import Job, attempt
from shared.infra.metrics import HOLDS_EXPIRED
from shared.infra.unit import Units

log = structlog.get_logger()

JOB = "holds"
INTERVAL_SECONDS = 0.5
"""A slot is to be free again within 2 s; the way of its release over Kafka may take half of them."""
HOLDS_PER_TRANSACTION = 200
TIMERS_PER_ROUND = 10_000
"""A round sweeps the clinics of so many timers."""


def sweep_job(units: Units) -> Job:
    """The job of one process: ends every hold whose time is over."""

    async def sweep() -> None:
        async with units.batch(()) as unit:
            due = await hold_timers.clinics_due(unit.connection, TIMERS_PER_ROUND)
        for clinic_id in due:
            # One clinic that fails does not hold up the others; its timers are still there in the next round.
            await attempt(partial(_sweep_clinic, units, clinic_id), JOB, "sweep_failed", clinic_id=str(clinic_id))

    return Job(JOB, INTERVAL_SECONDS, sweep)


async def _sweep_clinic(units: Units, clinic_id: UUID) -> None:
    """Ends all timers of one clinic that are due, some in a transaction."""
    while await _sweep_some(units, clinic_id) == HOLDS_PER_TRANSACTION:
        pass


async def _sweep_some(units: Units, clinic_id: UUID) -> int:
    """Ends timers that are due, with their holds. Answers how many timers. An appointment that is locked keeps its timer."""
    async with units.batch({clinic_id}) as unit:
        due = await hold_timers.take_due(unit.connection, clinic_id, unit.now, HOLDS_PER_TRANSACTION)
        if not due:
            return 0
        locked = await appointments.try_lock(unit.connection, {(clinic_id, id_) for id_ in due})
        expired = await expire_locked(unit, locked)
        await hold_timers.end(unit.connection, clinic_id, [one.id for one in locked])
    HOLDS_EXPIRED.inc(expired)
    if expired:
        log.info("holds_expired", clinic_id=str(clinic_id), count=expired)
    return len(locked)
