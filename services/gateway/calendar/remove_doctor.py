"""Deleting a doctor: refused while a patient of the doctor's is checked in, else done at once and waited for as a command is.

Availability deletes and revokes the slots that are taken; booking cancels the appointments of these and gives the slots back.
Called by the doctors' route.
"""

from uuid import UUID

from fastapi import Request, Response

from services.gateway.access.caller import ApiCaller
from services.gateway.calendar.polling import poll_until
from services.gateway.calendar.today import today_of
from services.gateway.gateway import gateway_of
from services.gateway.http.answers import running
from services.gateway.http.headers import preference
from services.gateway.owners.client import AVAILABILITY, BOOKING, OwnerAnswer
from services.gateway.owners.forward import answer_of, call
from shared.contracts.appointments import AppointmentPage, Status
from shared.contracts.problems import Code
from shared.contracts.shapes import MAX_NAMED, Deleted
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
    """The deletion, first without cancelling: where that is refused, a patient who is checked in stops it."""
    path = f"/internal/doctors/{doctor_id}"
    answer = await call(request, caller, AVAILABILITY, "DELETE", path, cancel_appointments="false")
    if not cancel or answer.status_code != 409 or answer.body["code"] != Code.HAS_APPOINTMENTS:
        return answer
    if here := await _checked_in(request, caller, doctor_id):
        raise ProblemError(Code.CHECKED_IN, extra={"appointments": [str(one) for one in here]})
    return await call(request, caller, AVAILABILITY, "DELETE", path, cancel_appointments="true")


async def _checked_in(request: Request, caller: ApiCaller, doctor_id: UUID) -> list[UUID]:
    """The first appointments of this doctor of today or later whose patients are checked in: booking knows."""
    owners, cursor = gateway_of(request).owners, None
    today = await today_of(owners, caller, doctor_id)
    wanted = {"doctor_id": doctor_id, "status": Status.CHECKED_IN, "from": today, "limit": MAX_NAMED}
    while True:
        answer = await call(request, caller, BOOKING, "GET", "/internal/appointments", **wanted, cursor=cursor)
        if not answer.is_success:
            raise owners.unavailable(BOOKING)
        page = AppointmentPage.model_validate_json(answer.content)
        here = [one.id for one in page.items if one.date >= today]  # a booking of 0.1.0 leaves `from` aside
        if here or page.next_cursor is None:
            return here
        cursor = page.next_cursor
