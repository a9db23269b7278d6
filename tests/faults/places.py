"""Where appointments are, looked at from outside again and again while services are killed: each lives once, in one slot.

Used by `test_kill_points.py`.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias
from uuid import UUID

import asyncpg

from tests.faults.mutants.stage import Stage

Session: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

INTERVAL_SECONDS = 0.05
OLD_AND_NEW = 2
"""An appointment has its next place before it gives up its own."""
LIVE = """
SELECT id, status, slot_id, reservation_id, version FROM appointments
WHERE patient_id = ANY($1::uuid[]) AND status IN ('pending', 'booked', 'checked_in') ORDER BY id
"""
TAKEN = (
    "SELECT id AS slot_id, appointment_id, reservation_id FROM slots WHERE state = 'taken' AND appointment_id = ANY($1::uuid[])"
)
FREE = "SELECT id FROM slots WHERE state = 'free' AND id = ANY($1::uuid[])"


class Places:
    """The appointments of some patients, and their slots."""

    def __init__(self, booking: Session, availability: Session, patients: Sequence[str]) -> None:
        self._booking = booking
        self._availability = availability
        self._patients = [UUID(patient) for patient in patients]

    async def check(self) -> None:
        """Each patient has one live appointment, which holds one slot and at most one more that it comes from or goes to.

        Two databases are not read at one instant: what has changed between two looks at the first is left to the next look.
        """
        before = await self._booking.fetch(LIVE, self._patients)
        taken = await self._availability.fetch(TAKEN, [row["id"] for row in before])
        after = {row["id"]: row["version"] for row in await self._booking.fetch(LIVE, self._patients)}
        assert len(before) == len(after) == len(self._patients), f"of {len(self._patients)} appointments {len(before)} live"
        for row in before:
            slots = [(one["slot_id"], one["reservation_id"]) for one in taken if one["appointment_id"] == row["id"]]
            if after.get(row["id"]) == row["version"]:
                assert slots.count((row["slot_id"], row["reservation_id"])) == 1, f"{row['id']} does not have its place"
                assert len(slots) <= OLD_AND_NEW, f"{row['id']} has {len(slots)} places"

    async def freed(self, slots: Collection[str]) -> bool:
        """Whether all of these can be taken by others."""
        return len(await self._availability.fetch(FREE, [UUID(slot) for slot in slots])) == len(slots)


@asynccontextmanager
async def places_of(stage: Stage, patients: Sequence[str]) -> AsyncIterator[Places]:
    """The places of these patients' appointments."""
    booking, availability = [await asyncpg.connect(stage.dsns[name]) for name in ("booking", "availability")]
    try:
        yield Places(booking, availability, patients)
    finally:
        await booking.close()
        await availability.close()


@asynccontextmanager
async def watched(stage: Stage, patients: Sequence[str]) -> AsyncIterator[Places]:
    """Looks at the patients' appointments all the time inside of this, from the first moment to the last."""
    ended = asyncio.Event()
    async with places_of(stage, patients) as places, places_of(stage, patients) as watching:
        async with asyncio.TaskGroup() as beside:
            beside.create_task(_watch(watching, ended))
            try:
                yield places
            finally:
                ended.set()
        await places.check()


async def _watch(places: Places, ended: asyncio.Event) -> None:
    while not ended.is_set():
        await places.check()
        await asyncio.sleep(INTERVAL_SECONDS)
