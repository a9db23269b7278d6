"""The locations of a doctor: taken from a form, and replaced. Used by the use cases that register and change doctors."""

from collections.abc import Sequence
from uuid import UUID

from services.availability.domain.dates import oldest_date
from services.availability.domain.days import DoctorKey
from services.availability.domain.wall_times import wall_time_changes
from services.availability.repository.calendar import schedules
from services.availability.repository.displacement.taken_times import taken_times
from services.availability.repository.doctors import locations
from services.availability.repository.doctors.locations import Location
from services.availability.service.calendar.slot_generation import SlotPlan, plan_slots, read_calendar, regenerate_slots
from shared.contracts.directory import LocationIn
from shared.contracts.problems import Code
from shared.infra.problems import ProblemError
from shared.infra.unit import RegistryUnit


def locations_of(unit: RegistryUnit, asked: Sequence[LocationIn]) -> list[Location]:
    """The locations that are asked for, each with the id of one that is there or with a new one."""
    return [Location(form.id or unit.new_id(), form.name, form.address, form.time_zone) for form in asked]


def differ(before: Sequence[Location], after: Sequence[Location]) -> bool:
    """Whether locations change, also in the order of their languages, which decides who reads what: to `==` it is nothing."""
    one, other = ([(location, list(location.address)) for location in theirs] for theirs in (before, after))
    return one != other


async def plan_locations(unit: RegistryUnit, doctor: DoctorKey, after: Sequence[Location]) -> SlotPlan | None:
    """What changes of slots with these locations, if zones change. To be called before the doctor is locked."""
    zones = _zones(after)
    if zones == await schedules.location_zones(unit.connection, *doctor):
        return None
    return await plan_slots(unit, await read_calendar(unit, doctor, zones=zones))


async def replace_locations(
    unit: RegistryUnit, doctor: DoctorKey, before: Sequence[Location], after: Sequence[Location], planned: SlotPlan | None
) -> list[UUID]:
    """Replaces the locations, and regenerates slots if zones change. Answers the appointments whose wall time changes.

    Raises `in_use` if the calendar needs a location that would go.
    """
    zones, new_zones = _zones(before), _zones(after)
    if gone := zones.keys() - new_zones.keys():
        needed = await locations.needed(unit.sql, *doctor, oldest_date(unit.now))
        if gone & needed:
            raise ProblemError(Code.IN_USE, f"Its schedule or an exception needs location {min(gone & needed)}")
        await locations.remove(unit.sql, doctor.clinic_id, gone)
    await locations.write(unit.sql, doctor.clinic_id, {doctor.doctor_id: after})
    if zones == new_zones:
        return []
    locked = await read_calendar(unit, doctor)
    taken = await taken_times(unit.connection, doctor.clinic_id, unit.now, doctor.doctor_id)
    await regenerate_slots(unit, locked, planned)
    return wall_time_changes(taken, locked.clinic.time_zone)


def _zones(locations: Sequence[Location]) -> dict[UUID, str | None]:
    return {location.id: location.time_zone for location in locations}
