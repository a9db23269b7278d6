"""Moving the appointments that a calendar has left without a place."""

from uuid import UUID

from fastapi import Request, Response

from services.gateway.access.open_access import ByApiCaller
from services.gateway.calendar.displace import displace_appointments
from services.gateway.http.headers import IDEMPOTENCY_KEY
from services.gateway.http.strict import public_router
from services.gateway.openapi import displacement as shown
from services.gateway.openapi import operations as doc
from services.gateway.openapi.answer_headers import OF_REGISTRATIONS
from shared.contracts.displacement import DisplaceAnswer, DisplaceIn
from shared.contracts.problems import Code

router = public_router("Calendar")

_TOLD = ("Preference-Applied", *OF_REGISTRATIONS)


@router.post(
    "/doctors/{doctor_id}/displace",
    operation_id="displace_appointments",
    response_model=DisplaceAnswer,
    responses=doc.answers(
        200, shown.DISPLACED, *doc.BODY_CODES, Code.INVALID_HEADER, Code.KEY_REUSED, Code.UNKNOWN_DOCTOR, keyed=True,
        carries=_TOLD,
    )
    | doc.also(202, shown.DISPLACING, "Some are still moving: the same key again tells the rest", [
        "Retry-After", IDEMPOTENCY_KEY, *_TOLD,
    ]),
    openapi_extra=doc.posts(DisplaceIn, shown.DISPLACE_BODY, command=True),
)  # fmt: skip
async def displace(request: Request, caller: ByApiCaller, doctor_id: UUID) -> Response:
    """Moves a doctor's displaced appointments: to later places of the doctor, or to the first ones of the same category.

    Displaced is what is to come and has lost its place to a changed schedule, a closed date or a closed day. All new places are
    taken before an old one is freed; what finds none, or cannot be moved, is listed with why. Who has checked in stays, and is
    not listed. A dry run changes nothing.
    """
    return await displace_appointments(request, caller, doctor_id)
