"""Which slot each command of a batch gets, without I/O: in order of arrival, no slot twice, none refused while a slot is left.

Called by `slots/reserve.py` with what was read under the days' locks. What one command is given counts for those behind it.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.availability.domain.batches import BatchSnapshot, SlotCommand, appointment_to_move
from services.availability.domain.days import DayKey
from services.availability.domain.slots import Reservation, Slot
from shared.contracts.availability import Mode
from shared.contracts.problems import Code

JudgedCommand = tuple[SlotCommand, Code | None]
"""A command, and what it is refused for whatever is free."""


@dataclass(frozen=True)
class NewReservation:
    """A slot given to a command, with the ids by which everybody will name it from now on."""

    command: SlotCommand
    slot: Slot
    reservation_id: UUID
    appointment_id: UUID


Assignment = NewReservation | Reservation | Code
"""A slot is reserved; the appointment to be moved has it already; or a refusal."""


class FreeSlotsNeeded(NamedTuple):
    """How many free slots of a day to read; of a timed one, those that start later than `bookable_after`."""

    number: int
    bookable_after: datetime | None = None


def free_slots_needed(judged: Iterable[JudgedCommand], snapshot: BatchSnapshot) -> dict[DayKey, FreeSlotsNeeded]:
    """Which free slots of each day to read: as many as commands were not refused, for those that name theirs may get the first
    ones. None of a day of which everybody names a slot."""
    served = [command for command, refused in judged if refused is None]
    unnamed = {DayKey.of(command) for command in served if command.slot_id is None}
    timed = {day for day in unnamed if snapshot.days[day].mode is Mode.TIMED}
    numbers = Counter(day for day in map(DayKey.of, served) if day in unnamed)
    return {
        day: FreeSlotsNeeded(number, snapshot.bookable_after(day.clinic_id) if day in timed else None)
        for day, number in numbers.items()
    }


def assign_slots(
    judged: Sequence[JudgedCommand],
    snapshot: BatchSnapshot,
    free: Mapping[DayKey, Sequence[Slot]],
    new_id: Callable[[], UUID],
) -> list[tuple[SlotCommand, Assignment]]:
    """Decides the commands in order of arrival. `free` are the first free slots of each day."""
    slots = _Slots(snapshot, free, new_id)
    return [(command, refused or slots.assign(command)) for command, refused in judged]


class _Slots:
    """The slots of a batch's days while they are given to commands."""

    def __init__(self, snapshot: BatchSnapshot, free: Mapping[DayKey, Sequence[Slot]], new_id: Callable[[], UUID]) -> None:
        self._new_id = new_id
        self._named = snapshot.named_slots
        self._free = {day: deque(sorted(slots, key=_order)) for day, slots in free.items()}
        self._by_slot = {named.slot.id: named.reservation for named in snapshot.named_slots.values() if named.reservation}
        self._by_appointment = dict(snapshot.reservations)

    def assign(self, command: SlotCommand) -> Assignment:
        """One command: the slot it names, or the first one that is left of its day, unless its appointment has it already."""
        day, moved = DayKey.of(command), appointment_to_move(command)
        if command.slot_id is None:
            slot, reservation = None, self._by_appointment.get((day, moved))
        else:
            slot, reservation = self._named[day, command.slot_id].slot, self._by_slot.get(command.slot_id)
        if reservation:
            return reservation if reservation.appointment_id == moved else Code.SLOT_TAKEN
        slot = slot or self._first_free(day)
        if slot is None:
            return Code.FULL
        new = NewReservation(command, slot, self._new_id(), moved or self._new_id())
        reservation = Reservation(slot.id, new.reservation_id, new.appointment_id)
        self._by_slot[slot.id] = self._by_appointment[day, new.appointment_id] = reservation
        return new

    def _first_free(self, day: DayKey) -> Slot | None:
        """The first slot that nobody of the batch has taken by its name."""
        free = self._free.get(day, deque())
        while free:
            slot = free.popleft()
            if slot.id not in self._by_slot:
                return slot
        return None


def _order(slot: Slot) -> tuple[datetime | int, ...]:
    """By start, or by number where there are no times: never both on one day."""
    return (slot.starts_at,) if slot.starts_at else (slot.number,)
