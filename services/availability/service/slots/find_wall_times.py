"""Whose wall time would be another one with another zone of the clinic. Called by `routes/slots.py`, before that is changed."""

from services.availability.domain.wall_times import wall_time_changes
from services.availability.repository.displacement.taken_times import taken_times
from shared.contracts.calendar import MAX_WALL_TIMES, WallTimesFound, WallTimesQuestion
from shared.infra.caller import Caller
from shared.infra.unit import RegistryUnit


async def find_wall_times(unit: RegistryUnit, caller: Caller, asked: WallTimesQuestion) -> WallTimesFound:
    """The appointments to come of active doctors, those that begin first, and how many more."""
    found = wall_time_changes(await taken_times(unit.connection, caller.clinic_id, unit.now), asked.time_zone)
    return WallTimesFound(appointment_ids=found[:MAX_WALL_TIMES], left=max(0, len(found) - MAX_WALL_TIMES))
