"""Who of a batch gets which place, without I/O: in order of arrival, no place twice, nobody refused while a place is left.

Used by `slots/allotment.py` with what was read under the days' locks. What one command is given counts for those behind it.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.availability.domain.days import DayKey, Holding, Slot, SlotCommand, World, mover
from shared.contracts.problems import Code


@dataclass(frozen=True)
class Taking:
    """A place given to a command, with the ids by which everybody will name it from now on."""

    command: SlotCommand
    slot: Slot
    reservation_id: UUID
    appointment_id: UUID

    @property
    def clinic_id(self) -> UUID:
        return self.command.clinic_id


Outcome = Taking | Holding | Code
"""A place is taken; the appointment to be moved has it already; or a refusal."""


def places_wanted(judged: Iterable[tuple[SlotCommand, Code | None]]) -> Counter[DayKey]:
    """How many free places of each day to look at: as many as commands were not refused, for those that name theirs may get
    the first ones. None of a day of which everybody names a place."""
    served = [command for command, refused in judged if refused is None]
    unnamed = {DayKey.of(command) for command in served if command.slot_id is None}
    return Counter(day for day in map(DayKey.of, served) if day in unnamed)


def share_out(
    judged: Sequence[tuple[SlotCommand, Code | None]],
    world: World,
    free: Mapping[DayKey, Sequence[Slot]],
    draw: Callable[[], UUID],
) -> list[tuple[SlotCommand, Outcome]]:
    """Decides the commands in order of arrival. `free` are the first places of each day, `draw` makes new ids."""
    places = _Places(world, free, draw)
    return [(command, refused or places.serve(command)) for command, refused in judged]


class _Places:
    """The places of a batch's days while they go out."""

    def __init__(self, world: World, free: Mapping[DayKey, Sequence[Slot]], draw: Callable[[], UUID]) -> None:
        self._draw = draw
        self._named = world.named
        self._left = {day: deque(sorted(slots, key=_order)) for day, slots in free.items()}
        self._by_slot = {place.slot.id: place.holding for place in world.named.values() if place.holding}
        self._by_appointment = dict(world.held)

    def serve(self, command: SlotCommand) -> Outcome:
        """One command: the place it names, or the first one that is left of its day, unless its appointment has it already."""
        day = DayKey.of(command)
        if command.slot_id is None:
            slot, held = None, self._by_appointment.get((day, mover(command)))
        else:
            slot, held = self._named[day, command.slot_id].slot, self._by_slot.get(command.slot_id)
        if held:
            return held if held.appointment_id == mover(command) else Code.SLOT_TAKEN
        slot = slot or self._first_left(day)
        return self._give(command, slot) if slot else Code.FULL

    def _first_left(self, day: DayKey) -> Slot | None:
        """The first place that nobody of the batch has taken by its name."""
        left = self._left.get(day, deque())
        while left:
            slot = left.popleft()
            if slot.id not in self._by_slot:
                return slot
        return None

    def _give(self, command: SlotCommand, slot: Slot) -> Taking:
        taking = Taking(command, slot, self._draw(), mover(command) or self._draw())
        held = Holding(slot.id, taking.reservation_id, taking.appointment_id)
        self._by_slot[slot.id] = self._by_appointment[DayKey.of(command), taking.appointment_id] = held
        return taking


def _order(slot: Slot) -> tuple[datetime | int, ...]:
    """By start, or by number where there are no times: never both on one day."""
    return (slot.starts_at,) if slot.starts_at else (slot.number,)
