"""Where a booking or a move is to: the doctor's day and, if one is asked for, the slot. Availability is asked for a named slot.

Nothing is remembered: a slot that was found a moment ago may be another doctor's now. Used by `messages.py`.
"""

import datetime as dt
from typing import NamedTuple
from uuid import UUID

from services.gateway.access.caller import ApiCaller
from services.gateway.owners.ask import OnFailure, ask
from services.gateway.owners.client import AVAILABILITY, Owners
from services.gateway.schemas import OfDay, OfSlot, OfStart
from shared.contracts.calendar import SlotPlace, SlotQuestion


class TargetPlace(NamedTuple):
    """A doctor's day and, if one is asked for, a slot of it."""

    doctor_id: UUID
    date: dt.date
    slot_id: UUID | None


async def find_place(owners: Owners, caller: ApiCaller, wanted: OfDay | OfSlot | OfStart, doctor_id: UUID | None) -> TargetPlace:
    """The place that is wanted, at this doctor if it is not a slot's. Raises `no_such_slot`, `unknown_doctor`, `not_accepted`."""
    if isinstance(wanted, OfDay):
        assert doctor_id is not None  # of a day the form asks for a doctor, and an appointment has one
        return TargetPlace(doctor_id, wanted.date, None)
    if isinstance(wanted, OfSlot):
        question = SlotQuestion(slot_id=wanted.slot_id)
    else:
        question = SlotQuestion(doctor_id=doctor_id, starts_at=wanted.starts_at, location_id=wanted.location_id)
    path = "/internal/slots/resolve"
    answer = await ask(owners, caller, AVAILABILITY, "POST", path, question, on_failure=OnFailure.REFUSE_COMMAND)
    found = SlotPlace.model_validate_json(answer.content)
    return TargetPlace(found.doctor_id, found.date, found.slot_id)
