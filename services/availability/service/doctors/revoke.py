"""Removes and revokes the slots of deleted doctors, some in each transaction: one may have a thousand places on each day of a
year, and tens of thousands of appointments.

The deletion itself does a first page. What is left is done by a job, also if the process ends meanwhile: how far it has come
stands in a row that moves in the transaction of each page. Nothing is taken of a deleted doctor, so no page has gaps.
"""

from functools import partial

from services.availability.domain.days import DoctorKey
from services.availability.repository.calendar import slot_generation
from services.availability.repository.doctors import remove, revoke
from services.availability.repository.doctors.revoke import Position, Revocation
from services.availability.service.slots.events import emit_revoked
from shared.infra.caller import Caller
from shared.infra.jobs import Job, attempt
from shared.infra.unit import Unit, Units

JOB = "revocations"
INTERVAL_SECONDS = 1.0
PAGE = 500
"""So many slots are revoked in one transaction."""
REMOVED = 5_000
"""So many are removed in it, and so many lose their publication."""
DOCTORS = 100
"""So many doctors in one round."""


async def revoke_first(unit: Unit, caller: Caller, doctor: DoctorKey) -> None:
    """Does the first page of a doctor who is deleted in this transaction, and leaves the rest to the job."""
    behind, done = await _do_page(unit, doctor, Revocation(Position(), caller))
    if not done:
        await revoke.begin(unit.connection, doctor, Revocation(behind, caller))


def revocation_job(units: Units) -> Job:
    """The job of one process: revokes what is left of deleted doctors."""

    async def revoke_all() -> None:
        async with units.batch(()) as unit:
            doctors = await revoke.doctors_to_revoke(unit.connection, DOCTORS)
        for doctor in doctors:
            ids = {name: str(id_) for name, id_ in doctor._asdict().items()}
            await attempt(partial(_revoke_rest, units, doctor), JOB, "revocation_failed", **ids)

    return Job(JOB, INTERVAL_SECONDS, revoke_all)


async def _revoke_rest(units: Units, doctor: DoctorKey) -> None:
    while await _revoke_next(units, doctor):
        pass


async def _revoke_next(units: Units, doctor: DoctorKey) -> bool:
    """Does one page; whether this process goes on with the doctor."""
    async with units.batch({doctor.clinic_id}) as unit:
        claimed = await revoke.claim(unit.connection, doctor)
        if claimed is None:
            return False
        behind, done = await _do_page(unit, doctor, claimed)
        if done:
            await revoke.end(unit.connection, doctor)
        else:
            await revoke.advance(unit.connection, doctor, behind)
    return not done


async def _do_page(unit: Unit, doctor: DoctorKey, left: Revocation) -> tuple[Position, bool]:
    """Removes some slots and says of some that they are revoked. Where the next page begins, and whether there is none.

    Days are locked first, as by whoever frees what is taken.
    """
    await slot_generation.lock_days(unit.connection, *doctor, unit.now)
    removed = await remove.remove_slots(unit.connection, *doctor, unit.now, REMOVED)
    page = await remove.lock_to_come(unit.connection, *doctor, unit.now, left.behind, PAGE)
    for taken in page:
        emit_revoked(unit, left.caller, taken.day, taken.reservation)
    behind = Position(page[-1].day.date, page[-1].number) if page else left.behind
    return behind, removed and len(page) < PAGE
