"""Revokes the slots of deleted doctors, some in each transaction: a doctor may have tens of thousands of appointments to come.

The deletion itself revokes the first page. What is left is done by a job, also if the process ends meanwhile: how far it has come
stands in a row that moves in the transaction of each page. Nothing is taken of a deleted doctor, so no page has gaps.
"""

from functools import partial

from services.availability.domain.days import DoctorKey
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
DOCTORS = 100
"""So many doctors in one round."""


async def revoke_first(unit: Unit, caller: Caller, doctor: DoctorKey) -> None:
    """Revokes the first page of a doctor who is deleted in this transaction, and has the job do the rest."""
    behind = await _revoke_page(unit, caller, doctor, Position())
    if behind is not None:
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
    """Revokes one page; whether this process goes on with the doctor."""
    async with units.batch({doctor.clinic_id}) as unit:
        claimed = await revoke.claim(unit.connection, doctor)
        if claimed is None:
            return False
        behind = await _revoke_page(unit, claimed.caller, doctor, claimed.behind)
        if behind is None:
            await revoke.end(unit.connection, doctor)
        else:
            await revoke.advance(unit.connection, doctor, behind)
    return behind is not None


async def _revoke_page(unit: Unit, caller: Caller, doctor: DoctorKey, behind: Position) -> Position | None:
    """Says of a page of taken slots that they are revoked; where the next page begins, if there may be one."""
    page = await remove.lock_to_come(unit.connection, *doctor, unit.now, behind, PAGE)
    for taken in page:
        emit_revoked(unit, caller, taken.day, taken.reservation)
    return Position(page[-1].day.date, page[-1].number) if len(page) == PAGE else None
