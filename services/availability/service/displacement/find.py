"""Which appointments a displacement would move. Called by `routes/displacement.py`."""

from uuid import UUID

from services.availability.repository.displacement import displaced
from services.availability.service.displacement.run import check_dates, receiving_doctors
from shared.contracts.displacement import MAX_DISPLACED, DisplacedFound, DisplaceIn, DisplacePlan
from shared.infra.caller import Caller
from shared.infra.forms import canonical_hash, parse
from shared.infra.repeats import stored_answer
from shared.infra.unit import RegistryUnit


async def find_displaced(unit: RegistryUnit, caller: Caller, doctor_id: UUID, data: object) -> DisplacedFound:
    """Which appointments a displacement would move, or what the repeat of one did already. Raises `ProblemError`."""
    asked = parse(DisplaceIn, data)
    check_dates(asked)
    stored = await stored_answer(unit, caller, canonical_hash(asked, doctor_id=doctor_id))
    if stored is not None:
        return DisplacedFound(appointment_ids=[], left=0, plan=DisplacePlan.model_validate(stored.result))
    await receiving_doctors(unit, caller, doctor_id, asked.policy)  # for what it refuses
    span = (asked.from_, asked.to)
    found, moving = await displaced.displaced(unit.connection, caller.clinic_id, doctor_id, span, unit.now)
    first = [one.appointment_id for one in found[:MAX_DISPLACED]]
    return DisplacedFound(appointment_ids=first, left=len(found) - len(first) + moving)
