"""Deleting a doctor: refused while a patient of the doctor's is checked in, else done at once and waited for as a command is.

Availability deletes and revokes the slots that are taken; booking cancels the appointments of these and gives the slots back.
Called by the doctors' route.
"""

from uuid import UUID

from fastapi import Request, Response

from services.gateway.access.caller import ApiCaller
from services.gateway.calendar.displaced import read_appointments
from services.gateway.calendar.polling import poll_until
from services.gateway.gateway import gateway_of
from services.gateway.http.answers import running
from services.gateway.http.headers import preference
from services.gateway.owners.client import AVAILABILITY, OwnerAnswer
from services.gateway.owners.forward import answer_of, call
from shared.contracts.appointments import Status
from shared.contracts.problems import Code
from shared.contracts.shapes import Deleted
from shared.infra.problems import ProblemError


async def remove_doctor(request: Request, caller: ApiCaller, doctor_id: UUID, *, cancel: bool) -> Response:
    """Deletes, with `cancel` also what is booked. 204 once no appointment is left, 202 if the client waits no longer."""
    preferred = preference(request.headers.getlist("Prefer"))
    clock = gateway_of(request).clock
    deadline = clock.monotonic() + preferred.wait_seconds
    answer = await _delete(request, caller, doctor_id, cancel=cancel)
    if not answer.is_success:
        return answer_of(request, answer)

    async def ask(known: Deleted) -> Deleted:
        answer = await call(request, caller, AVAILABILITY, "GET", f"/internal/doctors/{doctor_id}/left")
        return Deleted.model_validate_json(answer.content) if answer.is_success else known

    deleted = Deleted.model_validate_json(answer.content)
    deleted = await poll_until(clock, deadline, deleted, lambda known: known.appointments_left == 0, ask)
    if deleted.appointments_left == 0:
        return Response(None, 204, preferred.headers)
    return running(deleted, preferred.headers)


async def _delete(request: Request, caller: ApiCaller, doctor_id: UUID, *, cancel: bool) -> OwnerAnswer:
    """The deletion, first without cancelling: its refusal names the live appointments, and so those that are checked in."""
    path = f"/internal/doctors/{doctor_id}"
    answer = await call(request, caller, AVAILABILITY, "DELETE", path, cancel_appointments="false")
    if not cancel or answer.status_code != 409 or answer.body["code"] != Code.HAS_APPOINTMENTS:
        return answer
    await _refuse_checked_in(request, caller, doctor_id, [UUID(text) for text in answer.body["appointments"]])
    return await call(request, caller, AVAILABILITY, "DELETE", path, cancel_appointments="true")


async def _refuse_checked_in(request: Request, caller: ApiCaller, doctor_id: UUID, live: list[UUID]) -> None:
    """Raises `checked_in` if a patient waits for this doctor. One who waits for another was to move here, which is refused."""
    found = await read_appointments(gateway_of(request).owners, caller, live)
    here = [str(one.id) for one in found if one.status == Status.CHECKED_IN and one.doctor_id == doctor_id]
    if here:
        raise ProblemError(Code.CHECKED_IN, extra={"appointments": here})
