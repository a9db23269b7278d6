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
from shared.contracts.booking import BusyTime
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


class Refusal(NamedTuple):
    """Nothing is taken, and why; `taken_by` is the appointment that has the slot which was asked for."""

    code: Code
    taken_by: UUID | None = None


Assignment = NewReservation | Reservation | Refusal
"""A slot is reserved; the appointment to be moved has it already; or a refusal."""

ALL_OF_A_DAY = 1440
"""A day has no more slots with times."""


class FreeSlotsNeeded(NamedTuple):
    """How many free slots of a day to read; of a timed one, those that start later than `bookable_after`."""

    number: int
    bookable_after: datetime | None = None


class FreeSlots(NamedTuple):
    """The first free slots of a day; of a timed one also whether its calendar has any, and a free one that begins too soon."""

    slots: Sequence[Slot] = ()
    offered: bool = True
    too_soon: bool = False


def free_slots_needed(judged: Iterable[JudgedCommand], snapshot: BatchSnapshot) -> dict[DayKey, FreeSlotsNeeded]:
    """Which free slots of each day to read: as many as commands were not refused, for those that name theirs may get the first
    ones. None of a day of which everybody names a slot."""
    served = [command for command, refused in judged if refused is None]
    unnamed = {DayKey.of(command) for command in served if command.slot_id is None}
    timed = {day for day in unnamed if snapshot.days[day].mode is Mode.TIMED}
    numbers = Counter(day for day in map(DayKey.of, served) if day in unnamed)
    # Of these any slot may be the first at which there is time.
    numbers |= Counter({DayKey.of(command): ALL_OF_A_DAY for command in served if command.message_id in snapshot.busy})
    return {
        day: FreeSlotsNeeded(number, snapshot.bookable_after(day.clinic_id) if day in timed else None)
        for day, number in numbers.items()
    }


def assign_slots(
    judged: Sequence[JudgedCommand],
    snapshot: BatchSnapshot,
    free: Mapping[DayKey, FreeSlots],
    new_id: Callable[[], UUID],
) -> list[tuple[SlotCommand, Assignment]]:
    """Decides the commands in order of arrival. `free` are the first free slots of each day."""
    slots = _Slots(snapshot, free, new_id)
    return [(command, Refusal(refused) if refused else slots.assign(command)) for command, refused in judged]


class _Slots:
    """The slots of a batch's days while they are given to commands."""

    def __init__(self, snapshot: BatchSnapshot, free: Mapping[DayKey, FreeSlots], new_id: Callable[[], UUID]) -> None:
        self._new_id = new_id
        self._busy = snapshot.busy
        self._days = free
        self._named = snapshot.named_slots
        self._free = {day: deque(sorted(found.slots, key=_order)) for day, found in free.items()}
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
            own = reservation.appointment_id == moved
            return reservation if own else Refusal(Code.SLOT_TAKEN, reservation.appointment_id)
        busy = self._busy.get(command.message_id, ())
        slot = slot or self._first_free(day, busy)
        if slot is None:
            return Refusal(self._nothing_free(day))
        new = NewReservation(command, slot, self._new_id(), moved or self._new_id())
        reservation = Reservation(slot.id, new.reservation_id, new.appointment_id)
        self._by_slot[slot.id] = self._by_appointment[day, new.appointment_id] = reservation
        return new

    def _first_free(self, day: DayKey, busy: Sequence[BusyTime]) -> Slot | None:
        """The first slot that nobody of the batch has taken, and at which the patient is not busy."""
        free = self._free.get(day, deque())
        while free and free[0].id in self._by_slot:
            free.popleft()
        return next((slot for slot in free if slot.id not in self._by_slot and not _meets(slot, busy)), None)

    def _nothing_free(self, day: DayKey) -> Code:
        """Why nobody gets any slot of a day: its calendar has none, the patient is busy at what is left, or nothing is."""
        found = self._days.get(day, FreeSlots())
        if not found.offered:
            return Code.DOCTOR_ABSENT
        if any(slot.id not in self._by_slot for slot in self._free.get(day, ())):
            return Code.PATIENT_BUSY
        return Code.TOO_SOON if found.too_soon else Code.FULL


def _meets(slot: Slot, busy: Sequence[BusyTime]) -> bool:
    starts_at, ends_at = slot.starts_at, slot.ends_at
    return bool(starts_at and ends_at and any(one.starts_at < ends_at and starts_at < one.ends_at for one in busy))


def _order(slot: Slot) -> tuple[datetime | int, ...]:
    """By start, or by number where there are no times: never both on one day."""
    return (slot.starts_at,) if slot.starts_at else (slot.number,)
