"""The locations of doctors, in SQLAlchemy: one that is removed stays as a row, since slots of the past name it.

Called by `service/` inside its unit of work, for writing under the doctor's lock. The column `place` is the index of a location
in its doctor's list.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, cast, exists, func, literal_column, or_, select, union, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.availability.models import exceptions, locations, schedule_entries


@dataclass(frozen=True)
class Location:
    """A location as it is stored: its address is one text, or texts by language; without a zone it has the clinic's."""

    id: UUID
    name: str | None
    address: str | dict[str, str]
    time_zone: str | None


_TEXTS: ColumnElement[str] = literal_column("""'$.** ? (@.type() == "string")'""")
_ITSELF: ColumnElement[str] = literal_column("'{}'")
_COLUMNS = (locations.c.id, locations.c.name, locations.c.address, locations.c.time_zone)


async def of_doctors(sql: AsyncConnection, clinic_id: UUID, doctor_ids: Collection[UUID]) -> dict[UUID, list[Location]]:
    """The locations of each doctor, in their order."""
    asked = select(locations.c.doctor_id, *_COLUMNS).where(
        locations.c.clinic_id == clinic_id, locations.c.doctor_id.in_(doctor_ids), locations.c.removed.is_(False)
    )
    found: defaultdict[UUID, list[Location]] = defaultdict(list)
    for doctor_id, *values in await sql.execute(asked.order_by(locations.c.doctor_id, locations.c.place)):
        found[doctor_id].append(Location(*values))
    return found


async def write(sql: AsyncConnection, clinic_id: UUID, locations_of: Mapping[UUID, Sequence[Location]]) -> None:
    """Makes and changes the locations of doctors, in this order; one that is not named stays."""
    rows = [
        {"clinic_id": clinic_id, "doctor_id": doctor_id, "place": index, **asdict(location)}
        for doctor_id, theirs in locations_of.items()
        for index, location in enumerate(theirs)
    ]
    if rows:
        made = insert(locations)
        changed = {name: made.excluded[name] for name in ("place", "name", "address", "time_zone")}
        await sql.execute(made.on_conflict_do_update(index_elements=["clinic_id", "id"], set_=changed), rows)


async def remove(sql: AsyncConnection, clinic_id: UUID, ids: Collection[UUID]) -> None:
    """Removes locations that nothing to come needs."""
    gone = update(locations).where(locations.c.clinic_id == clinic_id, locations.c.id.in_(ids))
    await sql.execute(gone.values(removed=True))


async def needed(sql: AsyncConnection, clinic_id: UUID, doctor_id: UUID, since: date) -> set[UUID]:
    """The locations that a doctor's schedule needs, or an exception that has not ended before this date."""
    scheduled = select(schedule_entries.c.location_id).where(
        schedule_entries.c.clinic_id == clinic_id, schedule_entries.c.doctor_id == doctor_id
    )
    extra = select(exceptions.c.location_id).where(
        exceptions.c.clinic_id == clinic_id, exceptions.c.doctor_id == doctor_id, exceptions.c.to_date >= since
    )
    return {id_ for id_ in (await sql.execute(union(scheduled, extra))).scalars() if id_ is not None}


def doctors_at(clinic_id: UUID, wanted: UUID | str) -> Select[tuple[UUID]]:
    """The doctors who work at a location: the one of an id, or those with this text in their name or in any address."""
    asked = select(locations.c.doctor_id).where(locations.c.clinic_id == clinic_id, locations.c.removed.is_(False))
    if isinstance(wanted, UUID):
        return asked.where(locations.c.id == wanted)
    address = func.jsonb_path_query(cast(locations.c.address, JSONB), _TEXTS).column_valued("address")
    in_address = exists().where(cast(address.op("#>>")(_ITSELF), Text).icontains(wanted, autoescape=True))
    return asked.where(or_(locations.c.name.icontains(wanted, autoescape=True), in_address))
