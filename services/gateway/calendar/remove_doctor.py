"""Deleting a doctor: refused while somebody is in front of the door, else done at once and waited for as a command is.

Availability deletes and revokes what is taken; booking cancels what was revoked and gives it back. Called by the doctors' route.
"""

import asyncio
import time
from uuid import UUID

import httpx2
from fastapi import Request, Response

from services.gateway.calendar.displaced import look
from services.gateway.gateway import gateway_of
from services.gateway.http.headers import preference
from services.gateway.owners.client import AVAILABILITY
from services.gateway.owners.forward import answer_of, call
from shared.contracts.appointments import Status
from shared.contracts.problems import Code
from shared.contracts.shapes import Deleted
from shared.infra.problems import ProblemError

FIRST_LOOK_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 0.5


async def remove_doctor(request: Request, doctor_id: UUID, *, cancel: bool) -> Response:
    """Deletes; `cancel` also what is booked. 204 once no appointment is left, 202 if that takes longer than the client waits."""
    wanted = preference(request.headers.getlist("Prefer"))
    deadline = time.monotonic() + wanted.wait_seconds
    answer = await _delete(request, doctor_id, cancel=cancel)
    if not answer.is_success:
        return answer_of(request, answer)
    left = await _drained(request, Deleted.model_validate_json(answer.content), deadline)
    headers = {"Preference-Applied": wanted.applied} if wanted.applied else {}
    if left.appointments_left == 0:
        return Response(None, 204, headers)
    return Response(left.model_dump_json(), 202, {"Retry-After": "1", **headers}, "application/json")


async def _delete(request: Request, doctor_id: UUID, *, cancel: bool) -> httpx2.Response:
    """The deletion, first without cancelling: its refusal names what is live, and so who has checked in."""
    path = f"/internal/doctors/{doctor_id}"
    answer = await call(request, AVAILABILITY, "DELETE", path, cancel_appointments="false")
    if not cancel or answer.status_code != httpx2.codes.CONFLICT or answer.json()["code"] != Code.HAS_APPOINTMENTS:
        return answer
    await _refuse_checked_in(request, doctor_id, [UUID(text) for text in answer.json()["appointments"]])
    return await call(request, AVAILABILITY, "DELETE", path, cancel_appointments="true")


async def _refuse_checked_in(request: Request, doctor_id: UUID, live: list[UUID]) -> None:
    """Raises `checked_in` if somebody waits for this doctor. Who waits for another one was to move here, and is refused that."""
    gateway = gateway_of(request)
    found = await look(gateway.owners, gateway.caller(request), live)
    here = [str(one.id) for one in found if one.status == Status.CHECKED_IN and one.doctor_id == doctor_id]
    if here:
        raise ProblemError(Code.CHECKED_IN, extra={"appointments": here})


async def _drained(request: Request, left: Deleted, deadline: float) -> Deleted:
    """What is left when nothing is, or when the client waits no longer."""
    pause = FIRST_LOOK_SECONDS
    while left.appointments_left and (remaining := deadline - time.monotonic()) > 0:
        await asyncio.sleep(min(pause, remaining))
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        answer = await call(request, AVAILABILITY, "GET", f"/internal/doctors/{left.id}/left")
        left = Deleted.model_validate_json(answer.content) if answer.is_success else left
    return left
