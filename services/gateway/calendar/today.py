"""Which date it is for a doctor: availability knows, as it has the zones of locations. Called by the queue's route."""

import datetime as dt
from uuid import UUID

from services.gateway.access.caller import ApiCaller
from services.gateway.owners.ask import OnFailure, ask
from services.gateway.owners.client import AVAILABILITY, Owners
from shared.contracts.calendar import DoctorToday


async def today_of(owners: Owners, caller: ApiCaller, doctor_id: UUID) -> dt.date:
    """The doctor's date. Raises a `ProblemError` `unavailable`: another date would show another queue."""
    path = f"/internal/doctors/{doctor_id}/today"
    answer = await ask(owners, caller, AVAILABILITY, "GET", path, on_failure=OnFailure.UNAVAILABLE)
    return DoctorToday.model_validate_json(answer.content).date
