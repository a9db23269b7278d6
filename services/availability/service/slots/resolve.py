"""Which slot a client means, and of which day it is: the gateway needs the day for the key of the command.

Nothing is judged but that the slot is there: whether it can be reserved is decided under the day's lock. Called by
`routes/slots.py`.
"""

from services.availability.repository.calendar import schedules
from services.availability.repository.slots import resolve
from shared.contracts.calendar import SlotPlace, SlotQuestion
from shared.contracts.problems import Code
from shared.infra.caller import Caller
from shared.infra.problems import ProblemError
from shared.infra.unit import RegistryUnit


async def resolve_slot(unit: RegistryUnit, caller: Caller, asked: SlotQuestion) -> SlotPlace:
    """The slot of an active doctor that is asked for, free or taken.

    Raises `no_such_slot`, or before that `unknown_doctor` for a doctor who is named: the gateway may still know a deleted one.
    """
    found = None
    if asked.slot_id is not None:
        found = await resolve.by_id(unit.connection, caller.clinic_id, asked.slot_id)
    elif asked.doctor_id is not None and asked.starts_at is not None:
        start = (asked.doctor_id, asked.starts_at, asked.location_id)
        found = await resolve.by_start(unit.connection, caller.clinic_id, *start)
        if found is None and await schedules.version_of(unit.connection, caller.clinic_id, asked.doctor_id) is None:
            raise ProblemError(Code.UNKNOWN_DOCTOR)
    if found is None:
        raise ProblemError(Code.NO_SUCH_SLOT)
    return SlotPlace(**found)
